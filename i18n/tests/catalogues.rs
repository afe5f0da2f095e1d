//! The catalogues held against each other, against the glossaries and against the fonts.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fluent_syntax::ast::{
    CallArguments, Entry, Expression, InlineExpression, Pattern, PatternElement,
};
use fluent_syntax::parser;
use serde::Deserialize;
use sesshoku_i18n::{Block, Document, Language};

/// Sentences by `file:key` or `file:key.attribute`: its words, and the variables in it.
type Sentences = BTreeMap<String, Sentence>;

#[derive(Debug, Default)]
struct Sentence {
    /// The words as people read them: of every variant, without variables and readings.
    words: String,
    /// As in `words`, with the readings.
    read: String,
    variables: BTreeSet<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The names of the catalogues of `language`, `gui.ftl` and so on.
fn files(language: Language) -> BTreeSet<String> {
    let all = fs::read_dir(root().join(language.tag())).unwrap();
    all.map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".ftl"))
        .collect()
}

fn sentences(language: Language) -> Sentences {
    let mut sentences = Sentences::new();
    for file in files(language) {
        let text = fs::read_to_string(root().join(language.tag()).join(&file)).unwrap();
        let resource = parser::parse(text.as_str())
            .unwrap_or_else(|(_, errors)| panic!("{} {file}: {errors:?}", language.tag()));
        for entry in &resource.body {
            let Entry::Message(message) = entry else {
                continue;
            };
            let name = format!("{}:{}", file.trim_end_matches(".ftl"), message.id.name);
            let attributes = message
                .attributes
                .iter()
                .map(|attribute| (format!("{name}.{}", attribute.id.name), &attribute.value));
            let value = message.value.iter().map(|value| (name.clone(), value));
            for (name, pattern) in value.chain(attributes) {
                let mut sentence = Sentence::default();
                collect(pattern, &mut sentence);
                sentence.words = without_readings(&sentence.read);
                assert!(!sentence.read.trim().is_empty() || !sentence.variables.is_empty());
                let before = sentences.insert(name.clone(), sentence);
                assert!(before.is_none(), "{name} is there twice");
            }
        }
    }
    sentences
}

fn collect(pattern: &Pattern<&str>, sentence: &mut Sentence) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => {
                sentence.read.push_str(value);
            }
            PatternElement::Placeable { expression } => {
                sentence.read.push(' ');
                match expression {
                    Expression::Inline(inline) => of_inline(inline, sentence),
                    Expression::Select { selector, variants } => {
                        of_inline(selector, sentence);
                        for variant in variants {
                            collect(&variant.value, sentence);
                            sentence.read.push(' ');
                        }
                    }
                }
            }
        }
    }
}

fn of_inline(inline: &InlineExpression<&str>, sentence: &mut Sentence) {
    match inline {
        InlineExpression::VariableReference { id } => {
            sentence.variables.insert(id.name.to_owned());
        }
        InlineExpression::StringLiteral { value } => sentence.read.push_str(value),
        InlineExpression::NumberLiteral { .. } => {}
        InlineExpression::FunctionReference {
            arguments: CallArguments { .. },
            ..
        }
        | InlineExpression::MessageReference { .. }
        | InlineExpression::TermReference { .. }
        | InlineExpression::Placeable { .. } => {
            panic!("neither front end has functions, references or nested placeables")
        }
    }
}

/// `漢字《かんじ》` without its reading.
fn without_readings(text: &str) -> String {
    let mut rest = text;
    let mut words = String::new();
    while let Some((before, after)) = rest.split_once('《') {
        words.push_str(before);
        rest = after.split_once('》').expect("a reading ends").1;
    }
    words + rest
}

/// Kanji, and the signs that stand for some.
fn is_kanji(character: char) -> bool {
    matches!(character, '々' | '〆' | 'ヶ' | '\u{4e00}'..='\u{9fff}')
}

#[test]
fn every_catalogue_has_the_same_sentences_with_the_same_variables() {
    // A day or month is written in figures, in two figures or as a name.
    let kind = |name: &String| match name.as_str() {
        "month2" | "month-name" => "month".to_owned(),
        "day2" => "day".to_owned(),
        other => other.to_owned(),
    };
    let english = sentences(Language::English);
    assert!(english.len() > 600, "{}", english.len());
    for language in Language::ALL {
        let tag = language.tag();
        assert_eq!(files(language), files(Language::English), "{tag}");
        let these = sentences(language);
        let names = |of: &Sentences| of.keys().cloned().collect::<BTreeSet<_>>();
        let (these_names, english_names) = (names(&these), names(&english));
        let differ: Vec<_> = these_names.symmetric_difference(&english_names).collect();
        assert!(differ.is_empty(), "{tag}: {differ:?}");
        for (name, sentence) in &these {
            let of = |it: &Sentence| it.variables.iter().map(kind).collect::<BTreeSet<_>>();
            assert_eq!(of(sentence), of(&english[name]), "{tag} {name}");
        }
    }
}

#[test]
fn every_document_is_there_and_no_other() {
    let of = |language: Language| -> BTreeSet<_> {
        let all = fs::read_dir(root().join(language.tag()).join("documents")).unwrap();
        all.map(|entry| entry.unwrap().file_name()).collect()
    };
    for language in Language::ALL {
        assert_eq!(of(language).len(), Document::ALL.len());
        assert_eq!(of(language), of(Language::Japanese), "{}", language.tag());
    }
}

/// A language of `languages.json`, from which the window has its list.
#[derive(Debug, Deserialize)]
struct Listed {
    tag: String,
    name: String,
    note: Option<String>,
}

fn listed() -> Vec<Listed> {
    let text = fs::read_to_string(root().join("languages.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_window_lists_the_languages_that_there_are_and_marks_translations() {
    let listed = listed();
    assert_eq!(listed.len(), Language::ALL.len());
    for (it, language) in listed.iter().zip(Language::ALL) {
        assert_eq!(it.tag, language.tag());
        assert_eq!(without_readings(&it.name), language.own_name());
        assert_eq!(it.note.is_some(), language.is_translation(), "{}", it.tag);
    }
    let folders = fs::read_dir(root()).unwrap().filter(|entry| {
        let path = entry.as_ref().unwrap().path();
        path.join("gui.ftl").exists()
    });
    assert_eq!(folders.count(), Language::ALL.len(), "one is not listed");
}

/// The glossary of a language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Glossary {
    forbidden: BTreeMap<String, String>,
    #[serde(default)]
    term: Vec<Term>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    en: Vec<String>,
    say: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

fn glossary(language: Language) -> Glossary {
    let path = root().join(format!("glossary/{}.toml", language.tag()));
    let text = fs::read_to_string(&path).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `text` without what is typed, and is the same in every language.
fn without_commands(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        if word.trim_start_matches('"') == "sesshoku" {
            // And the command's own name.
            words.next();
        } else if !word.starts_with("--") && !word.contains("://") && word != "wrapping.key" {
            kept.push(word);
        }
    }
    kept.join(" ").replace("Exposure Notification", "")
}

/// Whether `text` has `words` as words.
fn has_words(text: &str, words: &str) -> bool {
    let text = text.to_lowercase();
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    text.match_indices(words).any(|(at, _)| {
        !is_letter(text[..at].chars().next_back())
            && !is_letter(text[at + words.len()..].chars().next())
    })
}

#[test]
fn commands_are_no_words_of_a_sentence() {
    for (text, words) in [
        ("To begin, run: sesshoku agree", "To begin, run:"),
        ("Run sesshoku register and enter it", "Run and enter it"),
        (
            "run: sesshoku check. A file is there",
            "run: A file is there",
        ),
        ("--symptoms is not for a kiosk", "is not for a kiosk"),
        ("into \"sesshoku register --link\".", "into"),
        ("it begins with sesshoku://register/", "it begins with"),
    ] {
        assert_eq!(without_commands(text), words);
    }
    assert!(has_words("A contact.", "contact"));
    assert!(!has_words("Contacts", "contact"));
}

#[test]
fn every_sentence_has_the_words_of_its_glossary_and_none_that_it_forbids() {
    let english = sentences(Language::English);
    let mut faults = Vec::new();
    for language in Language::ALL {
        let tag = language.tag();
        let Glossary { forbidden, term } = glossary(language);
        assert_eq!(term.len() >= 30, language != Language::English, "{tag}");
        let these = sentences(language);
        for (name, Sentence { words, .. }) in &these {
            for (word, instead) in &forbidden {
                if words.to_lowercase().contains(&word.to_lowercase()) {
                    faults.push(format!("{tag} {name} has {word} ({instead})"));
                }
            }
        }
        for Term { en, say, except } in &term {
            let mut needed = BTreeSet::new();
            let mut is_used = false;
            for (name, sentence) in &english {
                let said = without_commands(&sentence.words).replace("contact a doctor", "");
                if !en.iter().any(|word| has_words(&said, word)) {
                    continue;
                }
                is_used = true;
                let words = these[name].words.to_lowercase();
                if say.iter().any(|word| words.contains(&word.to_lowercase())) {
                    continue;
                }
                let key = name.split_once(':').unwrap().1;
                needed.insert(key);
                if !except.iter().any(|it| it == key) {
                    faults.push(format!("{tag} {name} has none of {say:?}: {words}"));
                }
            }
            assert!(is_used, "{tag}: no sentence has one of {en:?}");
            for key in except.iter().filter(|key| !needed.contains(key.as_str())) {
                faults.push(format!("{tag} {key} is no exception from {say:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The texts that a person reads in `language`: sentences and documents.
fn all_texts(language: Language) -> Vec<(String, String)> {
    let mut texts: Vec<_> = sentences(language)
        .into_iter()
        .map(|(name, sentence)| (name, sentence.read))
        .collect();
    for document in Document::ALL {
        let source = document.source(language).to_owned();
        texts.push((format!("{document:?}"), source));
    }
    texts
}

#[test]
fn documents_have_no_word_that_the_glossary_of_a_translation_forbids() {
    // Those that were agreed to are as they were in the languages of the operators.
    for language in Language::ALL.into_iter().filter(|it| it.is_translation()) {
        let Glossary { forbidden, .. } = glossary(language);
        for document in Document::ALL {
            let text = without_readings(document.source(language)).to_lowercase();
            for word in forbidden.keys() {
                assert!(
                    !text.contains(&word.to_lowercase()),
                    "{} {document:?} has {word}",
                    language.tag()
                );
            }
        }
    }
}

#[test]
fn in_easy_japanese_every_kanji_has_its_reading() {
    for (name, text) in all_texts(Language::EasyJapanese) {
        let mut rest = text.as_str();
        while let Some(at) = rest.find(is_kanji) {
            rest = rest[at..].trim_start_matches(is_kanji);
            let reading = rest.strip_prefix('《').and_then(|it| it.split_once('》'));
            let Some((reading, after)) = reading else {
                panic!("{name}: no reading before {rest:?}");
            };
            let is_kana = |c: char| matches!(c, 'ぁ'..='ん' | 'ー');
            assert!(
                !reading.is_empty() && reading.chars().all(is_kana),
                "{name}: {reading}"
            );
            rest = after;
        }
    }
    for language in Language::ALL {
        if language != Language::EasyJapanese {
            for (name, text) in all_texts(language) {
                assert!(!text.contains(['《', '》']), "{} {name}", language.tag());
            }
        }
    }
}

/// What a text of help puts between quotation marks is on the screen, word for word.
#[test]
fn buttons_are_quoted_as_they_read() {
    for language in Language::ALL {
        let window: BTreeSet<_> = sentences(language)
            .into_iter()
            .filter(|(name, _)| name.starts_with("gui:"))
            .map(|(_, sentence)| sentence.read)
            .collect();
        let (open, close) = match language {
            Language::Japanese | Language::EasyJapanese => ('「', '」'),
            Language::English
            | Language::Chinese
            | Language::Korean
            | Language::Vietnamese
            | Language::Portuguese => ('“', '”'),
        };
        let mut count = 0;
        for block in Document::blocks(Document::Howto.source(language)) {
            let Block::Item(text) = block else { continue };
            for quoted in text.split(open).skip(1) {
                let quoted = quoted.split_once(close).unwrap().0;
                // What a result is not is quoted, too, and is in a sentence about that.
                let is_said = window
                    .iter()
                    .any(|it| it.trim_end_matches(['.', '。']) == quoted)
                    || window
                        .iter()
                        .any(|it| it.contains(&format!("{open}{quoted}{close}")));
                assert!(is_said, "{}: {quoted}", language.tag());
                count += 1;
            }
        }
        assert!(count >= 6, "{}: {count}", language.tag());
    }
}

/// The file of a font that the Debian package depends on or recommends, and its number in
/// a collection.
fn font(language: Language) -> (&'static str, &'static str) {
    const CJK: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";
    const DEJAVU: &str = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf";
    match language {
        Language::Japanese | Language::EasyJapanese => (CJK, "0"),
        Language::Korean => (CJK, "1"),
        Language::Chinese => (CJK, "2"),
        Language::English | Language::Vietnamese | Language::Portuguese => (DEJAVU, "0"),
    }
}

/// The characters that a font has, as ranges.
fn drawn_by((file, index): (&str, &str)) -> Vec<(u32, u32)> {
    let output = Command::new("fc-query")
        .args(["--index", index, "--format", "%{charset}", file])
        .output()
        .expect("scripts/setup installs fontconfig");
    assert!(output.status.success(), "{file}: scripts/setup installs it");
    let text = String::from_utf8(output.stdout).unwrap();
    let hex = |text| u32::from_str_radix(text, 16).unwrap();
    text.split_whitespace()
        .map(|range| match range.split_once('-') {
            Some((first, last)) => (hex(first), hex(last)),
            None => (hex(range), hex(range)),
        })
        .collect()
}

#[test]
fn the_packages_fonts_draw_every_character() {
    let mut drawn = BTreeMap::new();
    for language in Language::ALL {
        let font = font(language);
        let ranges = drawn.entry(font).or_insert_with(|| drawn_by(font));
        let listed = listed();
        let own = listed.iter().filter(|it| it.tag == language.tag());
        let list = own.flat_map(|it| [Some(it.name.clone()), it.note.clone()]);
        let texts = all_texts(language).into_iter().map(|(_, text)| text);
        let mut missing = BTreeSet::new();
        for character in texts
            .chain(list.flatten())
            .flat_map(|it| it.chars().collect::<Vec<_>>())
        {
            let number = u32::from(character);
            let is_drawn = ranges
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&number));
            // Official names are in Japanese, too, for which the package has the other font.
            let is_name = !font.0.ends_with(".ttc") && is_kanji(character);
            if !is_drawn && !is_name && !character.is_control() {
                missing.insert(character);
            }
        }
        assert!(
            missing.is_empty(),
            "{} {}: {missing:?}",
            language.tag(),
            font.0
        );
    }
}
