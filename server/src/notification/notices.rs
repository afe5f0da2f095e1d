//! The operator's notices, which devices show: maintenance, and new terms.
//!
//! They are a file of the operator's. It is checked whenever it changes; one that is
//! not in order is not handed out, and the last that was stays.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use axum::body::Bytes;
use gaen::notice::{MAX_FEED_LEN, MAX_NAME_CHARS, MAX_NOTICES, MAX_TEXT_CHARS, is_name, is_text};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::fs;

use crate::log::Causes;

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Names it: a device shows each once.
    pub id: String,
    /// What it is about.
    pub kind: Kind,
    /// The version of the terms, for new terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// From when the service rests, or the terms are in force, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when the service rests, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// What to tell the person.
    pub text: Text,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The service rests for a while.
    Maintenance,
    /// There are new terms.
    Terms,
}

/// The same in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum NoticesError {
    /// It cannot be read.
    #[error("cannot read the notices {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is too long.
    #[error("the notices are longer than {MAX_FEED_LEN} bytes")]
    TooLong,
    /// It is not a list of notices.
    #[error("the notices are not JSON of the expected shape")]
    Json(#[source] serde_json::Error),
    /// There are too many.
    #[error("there are more than {MAX_NOTICES} notices")]
    TooMany,
    /// A notice has no id that devices take, or the id of another.
    #[error("notice {0} needs an id of its own, of at most {MAX_NAME_CHARS} characters")]
    Id(usize),
    /// A notice has no text in a language that devices take.
    #[error(
        "notice {0} needs a text in Japanese and English, plain and of at most {MAX_TEXT_CHARS} characters"
    )]
    Text(usize),
    /// A notice of new terms has no version that devices take.
    #[error(
        "notice {0} is about terms and needs their version, of at most {MAX_NAME_CHARS} characters"
    )]
    Version(usize),
    /// A notice of maintenance has no time, or ends before it begins.
    #[error("notice {0} is about maintenance and needs the time from … to")]
    Time(usize),
}

/// The notices of a file.
#[derive(Debug)]
pub(super) struct Notices {
    path: Option<PathBuf>,
    last: Mutex<(Option<SystemTime>, Bytes)>,
}

impl Notices {
    /// Reads the notices; without a file there are none.
    pub(super) async fn open(path: Option<PathBuf>) -> Result<Self, NoticesError> {
        let this = Self {
            path,
            last: Mutex::new((None, Bytes::from_static(b"[]"))),
        };
        this.refresh().await?;
        Ok(this)
    }

    /// The notices in force, as JSON.
    pub(super) async fn json(&self) -> Bytes {
        if let Err(error) = self.refresh().await {
            tracing::error!(
                error = %Causes(&error),
                "the notices are not in order; the last ones stay"
            );
        }
        self.last().1.clone()
    }

    async fn refresh(&self) -> Result<(), NoticesError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let error = |source| NoticesError::Read {
            path: path.clone(),
            source,
        };
        let metadata = fs::metadata(path).await.map_err(error)?;
        let modified = metadata.modified().map_err(error)?;
        if self.last().0 == Some(modified) {
            return Ok(());
        }
        if !usize::try_from(metadata.len()).is_ok_and(|len| len <= MAX_FEED_LEN) {
            return Err(NoticesError::TooLong);
        }
        let notices = parse(&fs::read(path).await.map_err(error)?)?;
        let json = serde_json::to_vec(&notices).map_err(NoticesError::Json)?;
        if json.len() > MAX_FEED_LEN {
            return Err(NoticesError::TooLong);
        }
        *self.last() = (Some(modified), json.into());
        Ok(())
    }

    fn last(&self) -> std::sync::MutexGuard<'_, (Option<SystemTime>, Bytes)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(json: &[u8]) -> Result<Vec<Notice>, NoticesError> {
    let notices: Vec<Notice> = serde_json::from_slice(json).map_err(NoticesError::Json)?;
    if notices.len() > MAX_NOTICES {
        return Err(NoticesError::TooMany);
    }
    let mut ids = BTreeSet::new();
    for (number, notice) in (1..).zip(&notices) {
        if !is_name(&notice.id) || !ids.insert(&notice.id) {
            return Err(NoticesError::Id(number));
        }
        if !is_text(&notice.text.ja) || !is_text(&notice.text.en) {
            return Err(NoticesError::Text(number));
        }
        match notice.kind {
            Kind::Terms if !notice.version.as_deref().is_some_and(is_name) => {
                return Err(NoticesError::Version(number));
            }
            Kind::Maintenance if !matches!((notice.from, notice.to), (Some(a), Some(b)) if a < b) =>
            {
                return Err(NoticesError::Time(number));
            }
            Kind::Terms | Kind::Maintenance => {}
        }
    }
    Ok(notices)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn maintenance() -> Value {
        json!({"id": "m1", "kind": "maintenance", "from": "2020-08-01T01:00:00+09:00",
               "to": "2020-08-01T05:00:00+09:00",
               "text": {"ja": "お休みします。", "en": "The service rests."}})
    }

    fn terms() -> Value {
        json!({"id": "t2", "kind": "terms", "version": "2020-09-01",
               "text": {"ja": "規約が変わります。", "en": "The terms change."}})
    }

    fn read(notices: Value) -> Result<Vec<Notice>, NoticesError> {
        parse(notices.to_string().as_bytes())
    }

    fn with(mut notice: Value, name: &str, value: Value) -> Value {
        notice[name] = value;
        json!([notice])
    }

    #[test]
    fn what_is_in_order_and_what_is_not() {
        assert_eq!(read(json!([maintenance(), terms()])).unwrap().len(), 2);
        assert!(read(json!([])).unwrap().is_empty());
        for (notices, expected) in [
            (json!({}), "the notices are not JSON"),
            (
                with(terms(), "kind", json!("party")),
                "the notices are not JSON",
            ),
            (with(terms(), "extra", json!(1)), "the notices are not JSON"),
            (with(terms(), "id", json!("")), "notice 1 needs an id"),
            (json!([terms(), terms()]), "notice 2 needs an id"),
            (
                with(terms(), "version", Value::Null),
                "notice 1 is about terms",
            ),
            (
                with(terms(), "text", json!({"ja": "あ", "en": " "})),
                "notice 1 needs a text",
            ),
            (
                with(terms(), "text", json!({"ja": "あ", "en": "a\u{1b}[2J"})),
                "notice 1 needs a text",
            ),
            (
                with(
                    terms(),
                    "text",
                    json!({"ja": "あ".repeat(1_001), "en": "a"}),
                ),
                "notice 1 needs a text",
            ),
            (
                with(maintenance(), "to", Value::Null),
                "notice 1 is about maint",
            ),
            (
                with(maintenance(), "to", json!("2020-07-01T00:00:00Z")),
                "notice 1 is about maint",
            ),
        ] {
            let error = read(notices.clone()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{notices}: {error}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_in_order_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notices.json");
        let put = |text: &str, age: u64| {
            std::fs::write(&path, text).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(age);
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
        };
        assert!(matches!(
            Notices::open(Some(path.clone())).await,
            Err(NoticesError::Read { .. })
        ));
        put(&json!([terms()]).to_string(), 1);
        let notices = Notices::open(Some(path.clone())).await.unwrap();
        let first = notices.json().await;
        assert!(String::from_utf8_lossy(&first).contains("t2"));
        put("[", 2);
        assert_eq!(notices.json().await, first);
        put("[]", 3);
        assert_eq!(notices.json().await, "[]");
        assert_eq!(Notices::open(None).await.unwrap().json().await, "[]");
    }
}
