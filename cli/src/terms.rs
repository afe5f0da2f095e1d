//! The full texts that are agreed to: `sesshoku terms`, and what `sesshoku agree` and
//! `sesshoku register` show.

use std::io;
use std::path::Path;

use guidance::Localised;
use serde::Serialize;
use sesshoku_i18n::{Block, Document, Language, args};
use sesshoku_session::{Sentence, unusable};

use crate::args::Text;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::pager;
use crate::text::Text as Sentences;

/// A text, and the version by which it is agreed to.
#[derive(Debug, Serialize)]
struct Shown {
    version: Option<&'static str>,
    text: String,
}

/// Prints the text that `document` names, with who runs the service by the file `operator`.
pub(crate) fn run(document: Text, output: &Output, operator: &Path) -> Result<Exit, Failure> {
    let document = match document {
        Text::Terms => Document::Terms,
        Text::Privacy => Document::Privacy,
        Text::Registration => Document::Registration,
        Text::Place => Document::Place,
        Text::Howto => Document::Howto,
        Text::Questions => Document::Questions,
    };
    let version = document.version();
    let whole = whole(document, output.text(), operator);
    let text = lines(&whole, None);
    output.print(&Shown { version, text }, |text, shown| {
        let lines = lines(&whole, pager::width(io::stdout()));
        match shown.version {
            Some(version) => {
                let version = text.say("terms-version", &args! { "version" => version });
                format!("{lines}\n\n{version}")
            }
            None => lines,
        }
    })?;
    Ok(Exit::Done)
}

/// What is agreed to, in full, in lines of at most `width` columns.
pub(crate) fn in_full(text: &Sentences, operator: &Path, width: Option<usize>) -> String {
    let documents = [Document::Terms, Document::Privacy];
    let texts = documents.map(|document| lines(&whole(document, text, operator), width));
    texts.join("\n\n\n")
}

/// The text of `document`, and of what is agreed to with whoever runs the service, who that is.
fn whole(document: Document, text: &Sentences, operator: &Path) -> String {
    let mut whole = document.text(text.catalogue().language());
    if matches!(document, Document::Terms | Document::Privacy) {
        let named = sesshoku_session::operator(operator);
        let named = named.map_or_else(|_| unusable(), |operator| operator.sentences());
        whole += &format!("\n## {}\n\n", text.catalogue().text("operator-title"));
        for Sentence { key, what, task } in named {
            let name = |it: Option<Localised>| it.map(|it| text.named(&it).into_owned());
            let args = args! {
                "what" => name(what).unwrap_or_default(),
                "task" => name(task).unwrap_or_default(),
            };
            whole += &format!("- {}\n", text.say(key, &args));
        }
    }
    whole
}

/// The agreement to register in full, in lines of at most `width` columns. `None` where the
/// one of this version is not here.
pub(crate) fn agreement(version: &str, language: Language, width: Option<usize>) -> Option<String> {
    [Document::Registration, Document::Place]
        .into_iter()
        .find(|document| document.version() == Some(version))
        .map(|document| lines(&document.text(language), width))
}

/// The text as a terminal shows it, in lines of at most `width` columns: an empty line
/// around everything but items.
fn lines(text: &str, width: Option<usize>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut was_item = false;
    for block in Document::blocks(text) {
        let (line, is_item) = match block {
            Block::Title(text) | Block::Heading(text) | Block::Paragraph(text) => {
                (pager::wrap(text, "", width), false)
            }
            Block::Item(text) => (pager::wrap(text, "- ", width), true),
        };
        if !lines.is_empty() && (!was_item || !is_item) {
            lines.push(String::new());
        }
        lines.push(line);
        was_item = is_item;
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use sesshoku_i18n::Catalogue;

    use super::*;

    fn sentences(language: Language) -> Sentences {
        Sentences::new(Catalogue::new(language), TimeZone::UTC)
    }

    /// The one that packages have among their examples.
    const SAMPLE: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../packaging/defaults/operator.toml"
    );

    #[test]
    fn who_agrees_is_told_with_whom() {
        for language in Language::ALL {
            let text = sentences(language);
            let nobody = text.catalogue().text("operator-none");
            for document in [Document::Terms, Document::Privacy] {
                let whole = |path: &str| whole(document, &text, Path::new(path));
                assert!(whole("/nowhere/operator.toml").ends_with(&format!("- {nobody}\n")));
                let sample = whole(SAMPLE);
                let sample = sample.rsplit_once("## ").unwrap().1;
                assert!(sample.contains("見本県") || sample.contains("Sample Prefecture"));
                assert!(sample.contains("inquiries@example.org"), "{sample}");
                assert_eq!(sample.matches("\n- ").count(), 7, "{sample}");
                assert!(!sample.contains(['{', '$']), "{sample}");
                // A folder is no file.
                let unusable = text.catalogue().text("operator-unusable");
                assert!(whole("/").contains(&unusable));
            }
            let place = whole(Document::Place, &text, Path::new(SAMPLE));
            assert_eq!(place, Document::Place.text(language));
        }
    }

    #[test]
    fn a_text_has_all_its_parts_in_order() {
        let text = lines(&Document::Registration.text(Language::English), None);
        let (title, rest) = text.split_once("\n\n").unwrap();
        assert_eq!(title, "Agreement to register as positive");
        assert!(
            rest.contains("\n\nWhat is sent to the notification server\n\n- Your daily keys"),
            "{rest}"
        );
        assert!(rest.contains(".\n- Whether you have symptoms"), "{rest}");
        assert_eq!(text.matches("\n- ").count(), 9);
    }

    #[test]
    fn what_registering_means_is_shown_of_the_version_in_force_alone() {
        for language in Language::ALL {
            for document in [Document::Registration, Document::Place] {
                let shown = agreement(document.version().unwrap(), language, None);
                assert_eq!(shown, Some(lines(&document.text(language), None)));
            }
            for other in ["1", "place-1", "3", "", Document::Terms.source(language)] {
                assert_eq!(agreement(other, language, None), None, "{other}");
            }
        }
    }

    #[test]
    fn what_is_agreed_to_is_all_of_both_texts() {
        for language in Language::ALL {
            let nowhere = Path::new("/nowhere/operator.toml");
            let text = in_full(&sentences(language), nowhere, Some(40));
            let squeeze = |text: &str| text.replace(char::is_whitespace, "");
            let squeezed = squeeze(&text);
            for document in [Document::Terms, Document::Privacy] {
                for block in Document::blocks(&document.text(language)) {
                    let (Block::Title(part)
                    | Block::Heading(part)
                    | Block::Paragraph(part)
                    | Block::Item(part)) = block;
                    assert!(squeezed.contains(&squeeze(part)), "{part}");
                }
            }
        }
    }
}
