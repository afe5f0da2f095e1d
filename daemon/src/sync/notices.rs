//! The operator's notices: maintenance, and new terms.
//!
//! They are not signed. Whoever answers in the server's place, or in that of a cache
//! before it, can write them. So they are only shown, as the operator's words and plain
//! text; no verdict, agreement or check depends on them, nor on whether they can be had.
//! Over plain http they are not asked for, however lists are.

use std::collections::BTreeSet;
use std::io;

use gaen::notice::{MAX_NOTICES, is_name, is_text};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sesshoku_core::status::NoticeKind;
use sesshoku_dbus_api::{self as api, Named};

use super::source::{Source, SourceError};
use crate::store::{Store, StoreError};

/// The name in the store under which they are kept.
const NOTICES_META: &str = "sync.notices";

/// A notice, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    id: String,
    kind: String,
    version: String,
    from: u64,
    to: u64,
    ja: String,
    en: String,
}

/// A notice, as the operator writes it. Fields this version does not know are ignored.
#[derive(Deserialize)]
struct RawNotice {
    id: String,
    kind: String,
    version: Option<String>,
    from: Option<String>,
    to: Option<String>,
    text: RawText,
}

#[derive(Deserialize)]
struct RawText {
    ja: String,
    en: String,
}

/// Why there are no notices. Nothing the server wrote is repeated in the text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoticesError {
    /// They could not be had.
    #[error("the notices could not be fetched")]
    Source(#[source] SourceError),
    /// They are not the JSON they should be.
    #[error("the notices are not a list (line {line}, column {column})")]
    Syntax {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
    },
    /// There are too many.
    #[error("there are more than {MAX_NOTICES} notices")]
    TooMany,
}

/// The notices beside the list of `source`; where there is no such file, none.
pub(crate) async fn fetch(source: &Source) -> Result<Vec<Notice>, NoticesError> {
    match source.notices().await {
        Ok(bytes) => parse(&bytes),
        Err(SourceError::Status(404)) => Ok(Vec::new()),
        Err(SourceError::File(error)) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(NoticesError::Source(error)),
    }
}

/// Keeps `notices` in the place of those before.
pub(crate) fn keep(store: &mut Store, notices: &[Notice]) -> Result<(), StoreError> {
    let json = serde_json::to_vec(notices).unwrap_or_default();
    store.put_meta(NOTICES_META, Some(&json))
}

/// The notices that are kept. Damaged ones are none, until the next check.
///
/// # Errors
/// When the store cannot be read.
pub fn kept(store: &Store) -> Result<Vec<api::Notice>, StoreError> {
    let json = store.get_meta(NOTICES_META)?;
    let notices = json.and_then(|json| serde_json::from_slice::<Vec<Notice>>(&json).ok());
    Ok(notices
        .unwrap_or_default()
        .into_iter()
        .map(Notice::into_api)
        .collect())
}

impl Notice {
    fn into_api(self) -> api::Notice {
        let Self {
            id,
            kind,
            version,
            from,
            to,
            ja,
            en,
        } = self;
        api::Notice {
            id,
            kind,
            version,
            from,
            to,
            ja,
            en,
        }
    }

    /// `None` where it cannot be shown as what it says it is.
    fn read(raw: RawNotice) -> Option<Self> {
        let notice = Self {
            from: time(raw.from.as_deref())?,
            to: time(raw.to.as_deref())?,
            id: raw.id,
            kind: raw.kind,
            version: raw.version.unwrap_or_default(),
            ja: raw.text.ja,
            en: raw.text.en,
        };
        let has_version = is_name(&notice.version);
        let is_complete = match NoticeKind::named(&notice.kind) {
            Some(NoticeKind::Maintenance) => 0 < notice.from && notice.from < notice.to,
            Some(NoticeKind::Terms) => has_version,
            None => is_name(&notice.kind),
        };
        let is_shown = is_name(&notice.id)
            && (notice.version.is_empty() || has_version)
            && is_text(&notice.ja)
            && is_text(&notice.en);
        (is_complete && is_shown).then_some(notice)
    }
}

/// Reads the feed. A notice that cannot be shown costs that notice, so that the others
/// are; of several with one id the first counts.
fn parse(bytes: &[u8]) -> Result<Vec<Notice>, NoticesError> {
    let raw: Vec<serde_json::Value> =
        serde_json::from_slice(bytes).map_err(|error| NoticesError::Syntax {
            line: error.line(),
            column: error.column(),
        })?;
    if raw.len() > MAX_NOTICES {
        return Err(NoticesError::TooMany);
    }
    let count = raw.len();
    let mut ids = BTreeSet::new();
    let read = |raw| Notice::read(serde_json::from_value(raw).ok()?);
    let notices: Vec<_> = raw
        .into_iter()
        .filter_map(read)
        .filter(|notice| ids.insert(notice.id.clone()))
        .collect();
    if notices.len() < count {
        let left_out = count - notices.len();
        tracing::warn!(left_out, "notices of the operator's that cannot be shown");
    }
    Ok(notices)
}

/// Seconds since the epoch, 0 where no time is given; `None` where it is none.
fn time(text: Option<&str>) -> Option<u64> {
    let Some(text) = text else {
        return Some(0);
    };
    let time: Timestamp = text.parse().ok()?;
    u64::try_from(time.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn maintenance() -> Value {
        json!({"id": "m1", "kind": "maintenance", "from": "2020-08-01T01:00:00+09:00",
               "to": "2020-08-01T05:00:00+09:00",
               "text": {"ja": "お休みします。\n朝まで。", "en": "The service rests."}})
    }

    fn terms() -> Value {
        json!({"id": "t2", "kind": "terms", "version": "2",
               "text": {"ja": "規約が変わります。", "en": "The terms change."}})
    }

    fn with(mut notice: Value, name: &str, value: Value) -> Value {
        notice[name] = value;
        notice
    }

    fn ids(feed: &Value) -> Vec<String> {
        let notices = parse(feed.to_string().as_bytes()).unwrap();
        notices.into_iter().map(|notice| notice.id).collect()
    }

    #[test]
    fn what_the_operator_wrote_is_read() {
        let feed = json!([maintenance(), with(terms(), "colour", json!("red"))]);
        let notices = parse(feed.to_string().as_bytes()).unwrap();
        let notices: Vec<_> = notices.into_iter().map(Notice::into_api).collect();
        assert_eq!(notices[0].from, 1_596_211_200);
        assert_eq!(notices[0].to - notices[0].from, 4 * 3_600);
        assert_eq!(notices[0].ja, "お休みします。\n朝まで。");
        assert_eq!((notices[1].from, notices[1].to), (0, 0));
        assert_eq!(notices[1].kind(), Some(NoticeKind::Terms));
        assert_eq!(notices[1].version, "2");
        assert_eq!(ids(&json!([])), [""; 0]);
    }

    #[test]
    fn a_kind_of_a_later_version_is_kept_as_it_is() {
        let feed = json!([with(maintenance(), "kind", json!("survey"))]);
        let notices = parse(feed.to_string().as_bytes()).unwrap();
        assert_eq!(notices[0].kind, "survey");
    }

    #[test]
    fn what_cannot_be_shown_costs_itself_alone() {
        for bad in [
            json!("notice"),
            json!({}),
            with(terms(), "id", json!("a\u{1b}[2J")),
            with(terms(), "id", json!(7)),
            with(terms(), "kind", json!("\u{202e}smret")),
            with(terms(), "version", Value::Null),
            with(terms(), "version", json!("2\n3")),
            with(terms(), "text", json!({"ja": "あ"})),
            with(terms(), "text", json!({"ja": "あ", "en": "a\u{9b}31m"})),
            with(
                terms(),
                "text",
                json!({"ja": "あ", "en": "a".repeat(1_001)}),
            ),
            with(terms(), "from", json!("tomorrow")),
            with(terms(), "from", json!("1969-12-31T00:00:00Z")),
            with(maintenance(), "to", Value::Null),
            with(maintenance(), "from", Value::Null),
            with(maintenance(), "to", json!("2020-07-01T00:00:00Z")),
            maintenance(),
        ] {
            assert_eq!(
                ids(&json!([maintenance(), bad, terms()])),
                ["m1", "t2"],
                "{bad}"
            );
        }
    }

    #[test]
    fn what_is_no_feed_is_refused() {
        for bytes in [&b""[..], b"{}", b"[", b"null", b"[] []", b"\xff"] {
            assert!(matches!(parse(bytes), Err(NoticesError::Syntax { .. })));
        }
        let many = vec![terms(); MAX_NOTICES + 1];
        let many = serde_json::to_vec(&many).unwrap();
        assert!(matches!(parse(&many), Err(NoticesError::TooMany)));
    }

    proptest! {
        #[test]
        fn no_feed_is_too_strange(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn no_text_that_is_kept_steers_a_terminal(text in any::<String>()) {
            let feed = json!([with(terms(), "text", json!({"ja": "あ", "en": text}))]);
            for notice in parse(feed.to_string().as_bytes()).unwrap() {
                prop_assert!(notice.en.chars().all(|c| c == '\n' || !c.is_control()));
            }
        }
    }
}
