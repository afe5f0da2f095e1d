//! The operator's notices.

use serde::Serialize;
use sesshoku_dbus_api::{self as api, Named};
use sesshoku_i18n::Language;

/// A notice: the operator's words, plain text.
///
/// Names are those of the bus (`dbus-api`), times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Notice {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) version: Option<String>,
    pub(crate) from: Option<u64>,
    pub(crate) to: Option<u64>,
    text: Words,
    /// Whether it is said without being asked for.
    pub(crate) relevant: bool,
}

/// The same in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Words {
    ja: String,
    en: String,
}

/// The answer to `sesshoku notices`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Notices {
    pub(crate) notices: Vec<Notice>,
}

impl Notice {
    /// What it is about, where that is known.
    pub(crate) fn kind(&self) -> Option<api::NoticeKind> {
        api::NoticeKind::named(&self.kind)
    }

    /// What it says.
    pub(crate) fn words(&self, language: Language) -> &str {
        if language.is_japanese() {
            &self.text.ja
        } else {
            &self.text.en
        }
    }
}

/// `notices` at `time`, where `agreed_version` of the terms is agreed to.
pub(crate) fn at(notices: Vec<api::Notice>, time: u64, agreed_version: &str) -> Vec<Notice> {
    notices
        .into_iter()
        .map(|notice| Notice {
            relevant: notice
                .relevance(agreed_version)
                .is_some_and(|relevance| relevance.contains(&time)),
            id: notice.id,
            kind: notice.kind,
            version: Some(notice.version).filter(|version| !version.is_empty()),
            from: Some(notice.from).filter(|time| *time != 0),
            to: Some(notice.to).filter(|time| *time != 0),
            text: Words {
                ja: notice.ja,
                en: notice.en,
            },
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use zbus::{OwnedVariant, Variant};

    use super::*;

    /// A maintenance of the next night, and the terms of version 1.
    pub(crate) fn notices() -> Vec<api::Notice> {
        vec![
            api::Notice {
                id: "2020-08-03".to_owned(),
                kind: "maintenance".to_owned(),
                from: 1_596_384_000,
                to: 1_596_398_400,
                ja: "この間、登録と確認ができません。".to_owned(),
                en: "Registering and checking pause meanwhile.".to_owned(),
                ..api::Notice::default()
            },
            api::Notice {
                id: "terms-1".to_owned(),
                kind: "terms".to_owned(),
                version: "1".to_owned(),
                ja: "利用規約が変わりました。".to_owned(),
                en: "The terms of use have changed.".to_owned(),
                ..api::Notice::default()
            },
        ]
    }

    /// The same as the property has them.
    pub(crate) fn on_the_bus() -> OwnedVariant {
        let dicts: Vec<_> = notices().iter().map(api::Notice::to_dict).collect();
        OwnedVariant::try_from(Variant::from(dicts)).unwrap()
    }
}
