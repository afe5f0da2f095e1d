//! The texts that are read as a whole: terms, policy, agreement, help.
//!
//! Whoever agrees, agrees to a version. Its number is in the name of the files, and
//! a text that changes in what it says gets a new one.

use crate::Language;

/// The version of the terms of use and the privacy policy, which are agreed to
/// together.
pub const TERMS_VERSION: &str = "2";
/// The version of the agreement to register as positive.
pub const REGISTRATION_VERSION: &str = "2";
/// The version of the agreement to register a place.
pub const PLACE_VERSION: &str = "place-2";

/// A text that is read as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// The terms of use, of [`TERMS_VERSION`].
    Terms,
    /// The privacy policy, of [`TERMS_VERSION`].
    Privacy,
    /// What is agreed to when registering as positive, of [`REGISTRATION_VERSION`].
    Registration,
    /// What is agreed to when registering a place, of [`PLACE_VERSION`].
    Place,
    /// How to use it.
    Howto,
    /// Questions and answers.
    Questions,
}

/// A part of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// The title; the first block, and no other.
    Title(&'a str),
    /// The heading of a section.
    Heading(&'a str),
    /// A paragraph.
    Paragraph(&'a str),
    /// An item of a list.
    Item(&'a str),
}

impl Document {
    /// Every document.
    pub const ALL: [Self; 6] = [
        Self::Terms,
        Self::Privacy,
        Self::Registration,
        Self::Place,
        Self::Howto,
        Self::Questions,
    ];

    /// The text, in the four forms of [`Block`]: `# title`, `## heading`, `- item`, or a
    /// paragraph, each on one line. Readings stand in it as the crate's documentation says.
    ///
    /// What is agreed to says at once, where it is a translation, that the Japanese text
    /// holds: its first paragraph is that, and only translations have it.
    pub const fn source(self, language: Language) -> &'static str {
        macro_rules! source {
            ($name:literal) => {
                match language {
                    Language::Japanese => of!("ja", $name),
                    Language::EasyJapanese => of!("ja-simple", $name),
                    Language::English => of!("en", $name),
                    Language::Chinese => of!("zh-Hans", $name),
                    Language::Korean => of!("ko", $name),
                    Language::Vietnamese => of!("vi", $name),
                    Language::Portuguese => of!("pt-BR", $name),
                }
            };
        }
        macro_rules! of {
            ($tag:literal, $name:literal) => {
                include_str!(concat!("../", $tag, "/documents/", $name, ".md"))
            };
        }
        match self {
            Self::Terms => source!("terms-2"),
            Self::Privacy => source!("privacy-2"),
            Self::Registration => source!("registration-2"),
            Self::Place => source!("place-2"),
            Self::Howto => source!("howto-2"),
            Self::Questions => source!("questions-2"),
        }
    }

    /// The version by which it is agreed to; `None` where it is not.
    pub const fn version(self) -> Option<&'static str> {
        match self {
            Self::Terms | Self::Privacy => Some(TERMS_VERSION),
            Self::Registration => Some(REGISTRATION_VERSION),
            Self::Place => Some(PLACE_VERSION),
            Self::Howto | Self::Questions => None,
        }
    }

    /// The text as a terminal shows it: with readings in brackets.
    pub fn text(self, language: Language) -> String {
        crate::in_brackets(self.source(language))
    }

    /// `text`, which is that of a document, in its parts.
    pub fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
        text.lines().filter(|line| !line.is_empty()).map(|line| {
            if let Some(title) = line.strip_prefix("# ") {
                Block::Title(title)
            } else if let Some(heading) = line.strip_prefix("## ") {
                Block::Heading(heading)
            } else if let Some(item) = line.strip_prefix("- ") {
                Block::Item(item)
            } else {
                Block::Paragraph(line)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kinds of blocks, in order.
    fn outline(document: Document, language: Language) -> Vec<&'static str> {
        Document::blocks(document.source(language))
            .map(|block| match block {
                Block::Title(_) => "title",
                Block::Heading(_) => "heading",
                Block::Paragraph(_) => "paragraph",
                Block::Item(_) => "item",
            })
            .collect()
    }

    #[test]
    fn a_document_says_the_same_in_each_language() {
        for document in Document::ALL {
            let japanese = outline(document, Language::Japanese);
            assert_eq!(japanese.iter().filter(|kind| **kind == "title").count(), 1);
            assert_eq!(japanese[0], "title");
            for language in Language::ALL {
                let mut outline = outline(document, language);
                if document.version().is_some() && language.is_translation() {
                    // That it is a translation.
                    assert_eq!(outline.remove(1), "paragraph", "{document:?}");
                }
                assert_eq!(outline, japanese, "{document:?} {}", language.tag());
            }
        }
    }

    /// Each begins as the others of its language do.
    #[test]
    fn a_translation_of_what_is_agreed_to_says_that_the_japanese_text_holds() {
        for language in Language::ALL {
            let agreed = Document::ALL
                .into_iter()
                .filter(|it| it.version().is_some());
            let notes: Vec<_> = agreed
                .map(|document| Document::blocks(document.source(language)).nth(1).unwrap())
                .collect();
            let Block::Paragraph(note) = notes[0] else {
                panic!("{:?}", notes[0]);
            };
            let is_same = notes.iter().all(|it| *it == Block::Paragraph(note));
            assert_eq!(is_same, language.is_translation(), "{}", language.tag());
        }
    }

    #[test]
    fn nothing_else_than_the_four_forms_is_in_a_document() {
        for document in Document::ALL {
            for language in Language::ALL {
                for block in Document::blocks(document.source(language)) {
                    let (Block::Title(text)
                    | Block::Heading(text)
                    | Block::Paragraph(text)
                    | Block::Item(text)) = block;
                    assert!(!text.starts_with(['#', '-', '*', ' ']), "{text}");
                    assert!(!text.contains("**") && !text.contains("]("), "{text}");
                }
            }
        }
    }
}
