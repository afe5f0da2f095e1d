//! The full texts that are agreed to: `sesshoku terms`, and what `sesshoku agree` and
//! `sesshoku register` show.

use std::io;

use serde::Serialize;
use sesshoku_i18n::{Block, Document, Language};

use crate::args::Text;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::pager;
use sesshoku_i18n::args;

/// A text, and the version by which it is agreed to.
#[derive(Debug, Serialize)]
struct Shown {
    version: Option<&'static str>,
    text: String,
}

/// Prints the text that `document` names.
pub(crate) fn run(document: Text, output: &Output) -> Result<Exit, Failure> {
    let document = match document {
        Text::Terms => Document::Terms,
        Text::Privacy => Document::Privacy,
        Text::Registration => Document::Registration,
        Text::Place => Document::Place,
        Text::Howto => Document::Howto,
        Text::Questions => Document::Questions,
    };
    let version = document.version();
    let language = output.text().catalogue().language();
    let text = lines(document, language, None);
    output.print(&Shown { version, text }, |text, shown| {
        let lines = lines(document, language, pager::width(io::stdout()));
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
pub(crate) fn in_full(language: Language, width: Option<usize>) -> String {
    let documents = [Document::Terms, Document::Privacy];
    let texts = documents.map(|document| lines(document, language, width));
    texts.join("\n\n\n")
}

/// The agreement to register in full, in lines of at most `width` columns. `None` where the
/// one of this version is not here.
pub(crate) fn agreement(version: &str, language: Language, width: Option<usize>) -> Option<String> {
    [Document::Registration, Document::Place]
        .into_iter()
        .find(|document| document.version() == Some(version))
        .map(|document| lines(document, language, width))
}

/// The text as a terminal shows it, in lines of at most `width` columns: an empty line
/// around everything but items.
fn lines(document: Document, language: Language, width: Option<usize>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut was_item = false;
    let text = document.text(language);
    for block in Document::blocks(&text) {
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
    use super::*;

    #[test]
    fn a_text_has_all_its_parts_in_order() {
        let text = lines(Document::Registration, Language::English, None);
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
                assert_eq!(shown, Some(lines(document, language, None)));
            }
            for other in ["1", "place-1", "3", "", Document::Terms.source(language)] {
                assert_eq!(agreement(other, language, None), None, "{other}");
            }
        }
    }

    #[test]
    fn what_is_agreed_to_is_all_of_both_texts() {
        for language in Language::ALL {
            let text = in_full(language, Some(40));
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
