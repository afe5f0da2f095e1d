//! What Sesshoku says to people, in the languages of [`Language::ALL`].
//!
//! The sentences are Fluent files in a folder for each language, compiled in. Sentences
//! about names from the bus have those names in their keys (`reason-adapter-off`), so
//! that every front end says the same about the same thing.
//!
//! Where a kanji has its reading beside it, as in Easy Japanese, the files have the
//! notation of Aozora Bunko: `漢字《かんじ》`. The window draws the reading above the
//! word; here, for terminals and notifications, it is put in brackets after it.
#![forbid(unsafe_code)]

mod documents;

use std::fmt;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentResource, FluentValue};
use fluent_syntax::ast::Entry;
use unic_langid::LanguageIdentifier;

pub use documents::{Block, Document, PLACE_VERSION, REGISTRATION_VERSION, TERMS_VERSION};
pub use fluent_bundle::FluentArgs as Args;

/// Arguments of a sentence: `args! { "name" => value }`.
#[macro_export]
macro_rules! args {
    ($($name:literal => $value:expr),+ $(,)?) => {{
        let mut args = $crate::Args::new();
        $(args.set($name, $value);)+
        args
    }};
}

/// The attribute of a sentence that says what to do about it.
const ADVICE: &str = "advice";

/// A language Sesshoku speaks. `languages.json` has the same list for the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// 日本語
    Japanese,
    /// やさしい日本語: short sentences, few words, each kanji with its reading.
    EasyJapanese,
    /// English
    English,
    /// 简体中文
    Chinese,
    /// 한국어
    Korean,
    /// Tiếng Việt
    Vietnamese,
    /// Português (Brasil)
    Portuguese,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 7] = [
        Self::Japanese,
        Self::EasyJapanese,
        Self::English,
        Self::Chinese,
        Self::Korean,
        Self::Vietnamese,
        Self::Portuguese,
    ];

    /// The tag (BCP 47) in `--lang`, in the person's preferences and in the folder's name.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Japanese => "ja",
            Self::EasyJapanese => "ja-simple",
            Self::English => "en",
            Self::Chinese => "zh-Hans",
            Self::Korean => "ko",
            Self::Vietnamese => "vi",
            Self::Portuguese => "pt-BR",
        }
    }

    /// The language with this tag, in whichever case it is written.
    pub fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|language| language.tag().eq_ignore_ascii_case(tag))
    }

    /// Its name in itself, as people look for it in a list.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::Japanese => "日本語",
            Self::EasyJapanese => "やさしい日本語",
            Self::English => "English",
            Self::Chinese => "简体中文",
            Self::Korean => "한국어",
            Self::Vietnamese => "Tiếng Việt",
            Self::Portuguese => "Português (Brasil)",
        }
    }

    /// Whether it is translated from the two that sentences are written in. No native
    /// speaker has read a translation yet, which is said wherever it can be chosen.
    pub const fn is_translation(self) -> bool {
        match self {
            Self::Japanese | Self::English => false,
            Self::EasyJapanese
            | Self::Chinese
            | Self::Korean
            | Self::Vietnamese
            | Self::Portuguese => true,
        }
    }

    /// Whether it is Japanese, of either kind. Operators write in Japanese and English:
    /// who reads this is shown the Japanese, everybody else the English.
    pub const fn is_japanese(self) -> bool {
        matches!(self, Self::Japanese | Self::EasyJapanese)
    }

    /// The language of the process: of the first of `LC_ALL`, `LC_MESSAGES` and
    /// `LANG` that is set and not empty, as POSIX has it. `variable` reads the
    /// environment. English where that names no language spoken here.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(variable)
            .find(|value| !value.is_empty())
            .map_or(Self::English, |value| Self::of_locale(&value))
    }

    /// The language of a locale such as `ja_JP.UTF-8` or a tag such as `zh-Hans-CN`.
    ///
    /// Easy Japanese is a modifier, `ja_JP.UTF-8@simple`. Portuguese of anywhere is
    /// answered in that of Brazil. Chinese in traditional characters (Taiwan, Hong Kong,
    /// Macao) is answered in English as every other language that is not spoken here: who
    /// prefers simplified ones may choose them.
    fn of_locale(locale: &str) -> Self {
        let locale = locale.to_ascii_lowercase();
        let (place, modifier) = locale.split_once('@').unwrap_or((&locale, ""));
        let (name, _) = place.split_once('.').unwrap_or((place, ""));
        let mut parts = name.split(['_', '-']);
        let language = parts.next();
        let has = |wanted: &[&str]| {
            wanted.contains(&modifier) || parts.clone().any(|part| wanted.contains(&part))
        };
        match language {
            Some("ja") if has(&["simple"]) => Self::EasyJapanese,
            Some("ja") => Self::Japanese,
            Some("zh") if !has(&["hant", "tw", "hk", "mo"]) => Self::Chinese,
            Some("ko") => Self::Korean,
            Some("vi") => Self::Vietnamese,
            Some("pt") => Self::Portuguese,
            _ => Self::English,
        }
    }

    const fn sources(self) -> [&'static str; 11] {
        macro_rules! sources {
            ($tag:literal) => {
                [
                    include_str!(concat!("../", $tag, "/state.ftl")),
                    include_str!(concat!("../", $tag, "/result.ftl")),
                    include_str!(concat!("../", $tag, "/terms.ftl")),
                    include_str!(concat!("../", $tag, "/registration.ftl")),
                    include_str!(concat!("../", $tag, "/errors.ftl")),
                    include_str!(concat!("../", $tag, "/cli.ftl")),
                    include_str!(concat!("../", $tag, "/doctor.ftl")),
                    include_str!(concat!("../", $tag, "/calibrate.ftl")),
                    include_str!(concat!("../", $tag, "/analyse.ftl")),
                    include_str!(concat!("../", $tag, "/guidance.ftl")),
                    include_str!(concat!("../", $tag, "/notify.ftl")),
                ]
            };
        }
        match self {
            Self::Japanese => sources!("ja"),
            Self::EasyJapanese => sources!("ja-simple"),
            Self::English => sources!("en"),
            Self::Chinese => sources!("zh-Hans"),
            Self::Korean => sources!("ko"),
            Self::Vietnamese => sources!("vi"),
            Self::Portuguese => sources!("pt-BR"),
        }
    }
}

/// All sentences of one language.
pub struct Catalogue {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Catalogue").field(&self.language).finish()
    }
}

impl Catalogue {
    /// The sentences of `language`.
    pub fn new(language: Language) -> Self {
        let tag: LanguageIdentifier = language.tag().parse().expect("the tags are well-formed");
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // Isolation marks are for mixed writing directions, and garble terminals.
        bundle.set_use_isolating(false);
        for source in language.sources() {
            let resource = FluentResource::try_new(source.to_owned())
                .expect("the files are compiled in and parsed by this crate's tests");
            bundle
                .add_resource(resource)
                .expect("no key is defined twice, as this crate's tests see to");
        }
        Self { language, bundle }
    }

    /// The language.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// The sentence `key`, which takes no arguments.
    pub fn text(&self, key: &str) -> String {
        self.format(key, &Args::new())
    }

    /// The sentence `key` with `args` filled in.
    ///
    /// A key that does not exist is shown as itself: better than nothing, and the
    /// front ends' tests see that it does not happen.
    pub fn format(&self, key: &str, args: &Args<'_>) -> String {
        self.find(key, None, args).unwrap_or_else(|| key.to_owned())
    }

    /// What to do about what the sentence `key` says; `None` where there is nothing.
    pub fn advice(&self, key: &str) -> Option<String> {
        self.find(key, Some(ADVICE), &Args::new())
    }

    /// The sentence `prefix`-`name` about a name from the bus. A name that has
    /// none comes from a newer daemon, and is shown as such.
    pub fn name(&self, prefix: &str, name: &str) -> String {
        self.find(&format!("{prefix}-{name}"), None, &Args::new())
            .unwrap_or_else(|| {
                let mut args = Args::new();
                args.set("name", FluentValue::from(name));
                self.format("name-unknown", &args)
            })
    }

    /// Whether there is a sentence `key`.
    pub fn has(&self, key: &str) -> bool {
        self.bundle
            .get_message(key)
            .is_some_and(|message| message.value().is_some())
    }

    fn find(&self, key: &str, attribute: Option<&str>, args: &Args<'_>) -> Option<String> {
        let message = self.bundle.get_message(key)?;
        let pattern = match attribute {
            None => message.value()?,
            Some(name) => message.get_attribute(name)?.value(),
        };
        // A missing argument leaves its name in braces in the sentence.
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(args), &mut errors);
        Some(in_brackets(&text))
    }
}

/// `text` with each reading, `漢字《かんじ》`, in brackets: `漢字（かんじ）`.
fn in_brackets(text: &str) -> String {
    text.replace('《', "（").replace('》', "）")
}

/// Every key of `language`, in order; for the tests that hold languages and
/// programs against each other.
pub fn keys(language: Language) -> Vec<Key> {
    let mut keys = Vec::new();
    for source in language.sources() {
        // A file with an error keeps its good entries; the tests see the errors.
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(good, _)| good);
        for entry in resource.entries() {
            if let Entry::Message(message) = entry {
                keys.push(Key {
                    name: message.id.name.to_owned(),
                    has_advice: message.attributes.iter().any(|a| a.id.name == ADVICE),
                });
            }
        }
    }
    keys
}

/// A key of the catalogue; see [`keys`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key itself.
    pub name: String,
    /// Whether its sentence says what to do.
    pub has_advice: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_parses_and_no_key_is_defined_twice() {
        for language in Language::ALL {
            for source in language.sources() {
                if let Err((_, errors)) = FluentResource::try_new(source.to_owned()) {
                    panic!("{}: {errors:?}", language.tag());
                }
            }
            Catalogue::new(language);
        }
    }

    /// A notification has the name that the person knows from the icon.
    #[test]
    fn notification_window_and_icon_have_one_name() {
        let desktop = include_str!("../../packaging/desktop/org.sesshoku.Sesshoku.desktop");
        for (language, window, icon) in [
            (
                Language::Japanese,
                include_str!("../ja/gui.ftl"),
                "Name[ja]=",
            ),
            (Language::English, include_str!("../en/gui.ftl"), "Name="),
            (
                Language::Chinese,
                include_str!("../zh-Hans/gui.ftl"),
                "Name[zh_CN]=",
            ),
            (Language::Korean, include_str!("../ko/gui.ftl"), "Name[ko]="),
            (
                Language::Vietnamese,
                include_str!("../vi/gui.ftl"),
                "Name[vi]=",
            ),
            (
                Language::Portuguese,
                include_str!("../pt-BR/gui.ftl"),
                "Name[pt]=",
            ),
        ] {
            let name = Catalogue::new(language).text("notify-title");
            assert!(window.contains(&format!("\napp-name = {name}\n")), "{name}");
            assert!(desktop.contains(&format!("\n{icon}{name}\n")), "{name}");
        }
    }

    #[test]
    fn the_key_list_is_what_the_bundle_holds() {
        let catalogue = Catalogue::new(Language::English);
        let keys = keys(Language::English);
        assert!(keys.len() > 100);
        for key in &keys {
            assert!(catalogue.has(&key.name), "{}", key.name);
            assert_eq!(
                catalogue.advice(&key.name).is_some(),
                key.has_advice,
                "{}",
                key.name
            );
        }
    }

    #[test]
    fn the_environment_decides_as_posix_has_it() {
        let table: &[(&[(&str, &str)], Language)] = &[
            (&[], Language::English),
            (&[("LANG", "ja_JP.UTF-8")], Language::Japanese),
            (&[("LANG", "ja")], Language::Japanese),
            (&[("LANG", "jam")], Language::English),
            (
                &[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "C")],
                Language::English,
            ),
            (
                &[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "")],
                Language::Japanese,
            ),
            (
                &[("LANG", "C"), ("LC_MESSAGES", "ja_JP.eucJP")],
                Language::Japanese,
            ),
            (&[("LANG", "de_DE"), ("LC_MESSAGES", "")], Language::English),
            (&[("LANG", "ja_JP.UTF-8@simple")], Language::EasyJapanese),
            (&[("LANG", "ja-simple")], Language::EasyJapanese),
            (&[("LANG", "ja_JP.UTF-8@cjknarrow")], Language::Japanese),
            (&[("LANG", "zh_CN.UTF-8")], Language::Chinese),
            (&[("LANG", "zh_CN.gb18030")], Language::Chinese),
            (&[("LANG", "zh_SG")], Language::Chinese),
            (&[("LANG", "zh-Hans-CN")], Language::Chinese),
            (&[("LANG", "zh")], Language::Chinese),
            (&[("LANG", "zh_TW.UTF-8")], Language::English),
            (&[("LANG", "zh_HK.big5hkscs")], Language::English),
            (&[("LANG", "zh-Hant")], Language::English),
            (&[("LANG", "ko_KR.UTF-8")], Language::Korean),
            (&[("LANG", "kok_IN")], Language::English),
            (&[("LANG", "vi_VN")], Language::Vietnamese),
            (&[("LANG", "pt_BR.UTF-8")], Language::Portuguese),
            (&[("LANG", "pt_PT@euro")], Language::Portuguese),
            (&[("LANG", "pt")], Language::Portuguese),
        ];
        for (environment, language) in table {
            let read = |name: &str| {
                let found = environment.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Language::of_environment(read), *language, "{environment:?}");
        }
    }

    #[test]
    fn a_tag_names_its_language_in_any_case() {
        for language in Language::ALL {
            let tag = language.tag();
            for written in [tag.to_owned(), tag.to_lowercase(), tag.to_uppercase()] {
                assert_eq!(Language::from_tag(&written), Some(language));
            }
            assert_eq!(Language::of_locale(tag), language);
        }
        assert_eq!(Language::from_tag("tlh"), None);
    }

    #[test]
    fn readings_are_in_brackets() {
        assert_eq!(
            in_brackets("接触《せっしょく》を 調《しら》べます。"),
            "接触（せっしょく）を 調（しら）べます。"
        );
    }

    #[test]
    fn a_name_without_a_sentence_is_shown_as_unknown() {
        let english = Catalogue::new(Language::English);
        assert_eq!(english.name("state", "running"), "recording");
        assert_eq!(english.name("state", "flying"), "unknown (flying)");
    }
}
