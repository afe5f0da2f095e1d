//! Whom to call, by prefecture.
//!
//! The directory is data (TOML): what is compiled in ([`Directory::sample`]) only
//! shows the form, and nothing in it can be dialled. Whoever runs the service puts
//! the real one in its place; reading the file is the front ends' work.
//!
//! ```toml
//! # Whom to call at any time of need, and who goes through the same questions on the phone.
//! # Each may be left out.
//! emergency = { name = { ja = "…", en = "…" }, phone = "…" }
//! call_centre = { name = { ja = "…", en = "…" }, phone = "…", hours = { ja = "…", en = "…" } }
//!
//! # Where a prefecture has no entry of its own. May be left out.
//! [default]
//! first = "clinic"                        # or "centre": call the centre first
//! clinics = [{ name = { ja = "…", en = "…" }, phone = "…", hours = { ja = "…", en = "…" } }]
//! centres = []
//!
//! [prefecture.13]                         # a code of JIS X 0401, two digits
//! first = "centre"
//! centres = [{ name = { ja = "…", en = "…" }, sample = true }]
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Prefecture;

/// The directory that is compiled in.
const SAMPLE: &str = include_str!("sample.toml");

/// The contacts of all prefectures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    emergency: Option<Contact>,
    call_centre: Option<Contact>,
    default: Option<Entry>,
    #[serde(default)]
    prefecture: BTreeMap<Prefecture, Entry>,
}

/// The contacts of one prefecture.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    first: First,
    #[serde(default)]
    clinics: Vec<Contact>,
    #[serde(default)]
    centres: Vec<Contact>,
}

/// Whom a prefecture wants to be called first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum First {
    /// Where one is seen, directly: an outpatient clinic (外来).
    Clinic,
    /// A consultation centre (相談センター), which names a clinic.
    Centre,
}

impl First {
    /// The name, as in JSON and in the keys of sentences.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clinic => "clinic",
            Self::Centre => "centre",
        }
    }
}

/// Somebody to call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// What it is called.
    pub name: Localised,
    /// The number; a sample has none.
    #[serde(default)]
    pub phone: Option<Phone>,
    /// When somebody answers.
    #[serde(default)]
    pub hours: Option<Localised>,
    /// Whether this only shows what a contact looks like.
    #[serde(default)]
    pub sample: bool,
}

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Localised {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// A phone number as people write it: digits with hyphens, spaces or brackets
/// between them, and perhaps a plus sign before them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// Why a text is no phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// It has other characters than digits and what may stand between them.
    #[error(
        "a phone number has digits, hyphens, spaces and brackets, and a plus sign at most at its start"
    )]
    Character,
    /// It is too short or too long.
    #[error("a phone number has 3 to 15 digits, not {0}")]
    Length(usize),
}

impl Phone {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The `tel:` address that dials it (RFC 3966).
    pub fn uri(&self) -> String {
        let dialled: String = self
            .0
            .chars()
            .filter(|c| c.is_ascii_digit() || *c == '+')
            .collect();
        format!("tel:{dialled}")
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let rest = text.strip_prefix('+').unwrap_or(&text);
        if !rest
            .chars()
            .all(|c| c.is_ascii_digit() || "- ()".contains(c))
        {
            return Err(PhoneError::Character);
        }
        match rest.chars().filter(char::is_ascii_digit).count() {
            3..=15 => Ok(Self(text)),
            digits => Err(PhoneError::Length(digits)),
        }
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

/// Whom to call in a prefecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Call<'a> {
    /// Who is called.
    pub first: First,
    /// Their contacts, one or more.
    pub contacts: &'a [Contact],
}

/// Why a directory is refused.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It is not TOML, or not of this form.
    #[error("not a directory of contacts")]
    Form(#[source] Box<toml::de::Error>),
    /// A contact has no number though it is none of the samples, or a sample has one.
    #[error("{0:?}: a contact has a phone number or is a sample, one of the two")]
    Number(String),
    /// An entry has no contact of the kind that is to be called first.
    #[error("{place}: no {} to call first", first.as_str())]
    Nobody {
        /// The prefecture's code, or `default`.
        place: String,
        /// Who is missing.
        first: First,
    },
}

impl Directory {
    /// The directory that is compiled in: samples, clearly marked, which nobody can
    /// dial.
    pub fn sample() -> Self {
        Self::parse(SAMPLE).expect("it is compiled in and parsed by this crate's tests")
    }

    /// Reads a directory.
    ///
    /// # Errors
    /// When it is not of the form above, or has a contact that cannot be called.
    pub fn parse(text: &str) -> Result<Self, DirectoryError> {
        let directory: Self =
            toml::from_str(text).map_err(|error| DirectoryError::Form(Box::new(error)))?;
        let named = directory
            .prefecture
            .iter()
            .map(|(prefecture, entry)| (prefecture.code(), entry));
        let default = directory
            .default
            .iter()
            .map(|entry| ("default".to_owned(), entry));
        for (place, entry) in default.chain(named) {
            entry.check(place)?;
        }
        for contact in directory.emergency.iter().chain(&directory.call_centre) {
            contact.check()?;
        }
        Ok(directory)
    }

    /// Whom to call when it is urgent; `None` where nobody is known.
    pub const fn emergency(&self) -> Option<&Contact> {
        self.emergency.as_ref()
    }

    /// Who goes through the same questions on the phone; `None` where nobody is known.
    pub const fn call_centre(&self) -> Option<&Contact> {
        self.call_centre.as_ref()
    }

    /// Whom to call in `prefecture`; `None` where nobody is known.
    pub fn call(&self, prefecture: Prefecture) -> Option<Call<'_>> {
        let entry = self.prefecture.get(&prefecture).or(self.default.as_ref())?;
        Some(Call {
            first: entry.first,
            contacts: entry.called(),
        })
    }
}

impl Contact {
    fn check(&self) -> Result<(), DirectoryError> {
        if self.sample == self.phone.is_some() {
            return Err(DirectoryError::Number(self.name.ja.clone()));
        }
        Ok(())
    }
}

impl Entry {
    fn called(&self) -> &[Contact] {
        match self.first {
            First::Clinic => &self.clinics,
            First::Centre => &self.centres,
        }
    }

    fn check(&self, place: String) -> Result<(), DirectoryError> {
        for contact in self.clinics.iter().chain(&self.centres) {
            contact.check()?;
        }
        if self.called().is_empty() {
            let first = self.first;
            return Err(DirectoryError::Nobody { place, first });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_sample_covers_every_prefecture_and_cannot_be_dialled() {
        let directory = Directory::sample();
        let mut firsts = Vec::new();
        for prefecture in Prefecture::all() {
            let call = directory.call(prefecture).unwrap();
            assert!(!call.contacts.is_empty());
            for contact in call.contacts {
                assert!(contact.sample && contact.phone.is_none(), "{contact:?}");
                assert!(contact.name.ja.contains("見本") && contact.name.en.contains("Sample"));
            }
            firsts.push(call.first);
        }
        assert!(firsts.contains(&First::Clinic) && firsts.contains(&First::Centre));
    }

    #[test]
    fn an_entry_of_its_own_comes_before_the_default() {
        let directory = Directory::parse(
            r#"
            [default]
            first = "clinic"
            clinics = [{ name = { ja = "外来", en = "Clinic" }, sample = true }]
            [prefecture.13]
            first = "centre"
            centres = [{ name = { ja = "センター", en = "Centre" }, phone = "+1 (555) 010-0" }]
            "#,
        )
        .unwrap();
        let tokyo = directory
            .call(Prefecture::from_code("13").unwrap())
            .unwrap();
        assert_eq!(tokyo.first, First::Centre);
        let phone = tokyo.contacts[0].phone.as_ref().unwrap();
        assert_eq!(phone.uri(), "tel:+15550100");
        let osaka = directory
            .call(Prefecture::from_code("27").unwrap())
            .unwrap();
        assert_eq!(osaka.first, First::Clinic);
    }

    #[test]
    fn who_is_called_from_everywhere_is_the_operators_to_name() {
        assert_eq!(Directory::sample().emergency(), None);
        assert!(Directory::sample().call_centre().unwrap().sample);
        let parse = |key: &str, phone: &str| {
            let name = r#"name = { ja = "窓口", en = "Desk" }"#;
            Directory::parse(&format!("{key} = {{ {name}{phone} }}"))
        };
        let named = r#", phone = "123""#;
        let emergency = parse("emergency", named).unwrap();
        let call_centre = parse("call_centre", named).unwrap();
        for contact in [emergency.emergency(), call_centre.call_centre()] {
            assert_eq!(contact.unwrap().phone.as_ref().unwrap().uri(), "tel:123");
        }
        for key in ["emergency", "call_centre"] {
            let refused = parse(key, "").unwrap_err().to_string();
            assert!(refused.contains("one of the two"), "{refused}");
        }
    }

    #[test]
    fn without_a_default_an_unnamed_prefecture_has_nobody() {
        let directory = Directory::parse("").unwrap();
        assert!(Prefecture::all().all(|prefecture| directory.call(prefecture).is_none()));
    }

    #[test]
    fn what_cannot_be_called_is_refused() {
        let name = r#"name = { ja = "外来", en = "Clinic" }"#;
        let table = [
            (
                "first = \"clinic\"".to_owned(),
                "default: no clinic to call first",
            ),
            (
                format!("first = \"centre\"\nclinics = [{{ {name}, sample = true }}]"),
                "default: no centre to call first",
            ),
            (
                format!("first = \"clinic\"\nclinics = [{{ {name} }}]"),
                "one of the two",
            ),
            (
                format!(
                    "first = \"clinic\"\nclinics = [{{ {name}, phone = \"110\", sample = true }}]"
                ),
                "one of the two",
            ),
            (
                format!("first = \"clinic\"\nclinics = [{{ {name}, phone = \"12\" }}]"),
                "not a directory",
            ),
            (
                format!("first = \"clinic\"\nclinics = [{{ {name}, phone = \"call me\" }}]"),
                "not a directory",
            ),
            ("first = \"nobody\"".to_owned(), "not a directory"),
            ("first = \"clinic\"\nlast = 1".to_owned(), "not a directory"),
        ];
        for (entry, expected) in table {
            let refused = Directory::parse(&format!("[default]\n{entry}")).unwrap_err();
            assert!(refused.to_string().contains(expected), "{entry}: {refused}");
        }
        assert!(Directory::parse("[prefecture.48]\nfirst = \"clinic\"").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = Directory::parse(&text);
        }

        #[test]
        fn a_phone_number_keeps_its_digits(text in "[+]?[0-9() -]{0,20}") {
            if let Ok(phone) = Phone::try_from(text.clone()) {
                let digits: String = text.chars().filter(|c| "+0123456789".contains(*c)).collect();
                prop_assert_eq!(phone.uri(), format!("tel:{digits}"));
            }
        }
    }
}
