//! `sesshoku terms`: the full texts that are agreed to.

use serde::Serialize;
use sesshoku_i18n::{Block, Document, Language, REGISTRATION_VERSION, TERMS_VERSION};

use crate::args::Text;
use crate::exit::{Exit, Failure};
use crate::output::Output;

/// A text, and the version by which it is agreed to.
#[derive(Debug, Serialize)]
struct Shown {
    version: Option<&'static str>,
    text: String,
}

/// Prints the text that `document` names.
pub(crate) fn run(document: Text, output: &Output) -> Result<Exit, Failure> {
    let (document, version) = match document {
        Text::Terms => (Document::Terms, Some(TERMS_VERSION)),
        Text::Privacy => (Document::Privacy, Some(TERMS_VERSION)),
        Text::Registration => (Document::Registration, Some(REGISTRATION_VERSION)),
        Text::Howto => (Document::Howto, None),
        Text::Questions => (Document::Questions, None),
    };
    let text = lines(document, output.text().catalogue().language());
    output.print(&Shown { version, text }, |text, shown| {
        match shown.version {
            Some(version) => {
                let version = crate::text::args! { "version" => version };
                format!("{}\n\n{}", shown.text, text.say("terms-version", &version))
            }
            None => shown.text.clone(),
        }
    })?;
    Ok(Exit::Done)
}

/// The text as a terminal shows it: an empty line around everything but items.
fn lines(document: Document, language: Language) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut was_item = false;
    for block in document.blocks(language) {
        let (line, is_item) = match block {
            Block::Title(text) | Block::Heading(text) | Block::Paragraph(text) => {
                (text.to_owned(), false)
            }
            Block::Item(text) => (format!("- {text}"), true),
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
        let text = lines(Document::Registration, Language::English);
        let (title, rest) = text.split_once("\n\n").unwrap();
        assert_eq!(title, "Agreement to register");
        assert!(
            rest.contains("\n\nWhat is sent\n\n- Your daily keys"),
            "{rest}"
        );
        assert!(rest.contains(".\n- Whether you have symptoms"), "{rest}");
        assert_eq!(text.matches("\n- ").count(), 8);
    }
}
