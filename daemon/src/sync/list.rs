//! The server's list of exports (docs/protocol.md §8), and which URLs it may name.

use std::collections::BTreeMap;

use gaen::listing::Listing;
use serde::Deserialize;
use sesshoku_core::verdict::{ExportBatch, Vouched};
use url::{Host, Url};

/// One export the server offers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// When the server made it, in milliseconds since the Unix epoch, by its own
    /// word. It is not signed: it orders exports, and where it changes, the file is
    /// fetched anew.
    pub created: u64,
    /// Where it is.
    pub url: Url,
}

/// What a list may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Other origins than the list's own.
    pub other_hosts: bool,
    /// Plain http on other origins.
    pub insecure_http: bool,
    /// Most entries a list may have.
    pub max_entries: usize,
}

/// A list, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The region's exports, oldest first, each URL once.
    pub entries: Vec<Entry>,
    /// Entries that name what they must not.
    pub forbidden: Vec<ListError>,
    /// Whether it is signed.
    pub is_signed: bool,
    /// What a signed list vouches for, by URL; nothing in one that is not signed.
    pub vouched: BTreeMap<Url, Vouched>,
}

/// What is wrong with a list. Nothing the server wrote is repeated in the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It is not the JSON it should be.
    #[error("the list is not a list of exports (line {line}, column {column})")]
    Syntax {
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
    },
    /// It has too many entries.
    #[error("the list has more than {limit} entries")]
    TooMany {
        /// How many it may have.
        limit: usize,
    },
    /// An entry's URL cannot be read.
    #[error("entry {index} of the list has no valid URL")]
    Url {
        /// Which entry, counted from 1.
        index: usize,
    },
    /// An entry names another server, a file, or a way out of its folder.
    #[error("entry {index} of the list names a place it must not")]
    Foreign {
        /// Which entry, counted from 1.
        index: usize,
    },
}

/// An entry as it is written. Fields this version does not know are ignored.
#[derive(Deserialize)]
struct RawEntry {
    region: String,
    url: String,
    created: u64,
}

/// Takes the entries of `listing`, the signed list that was found beside `list_url`.
pub fn from_signed(listing: &Listing, list_url: &Url, rules: Rules) -> List {
    let mut list = List {
        is_signed: true,
        ..List::default()
    };
    for (index, entry) in (1..).zip(&listing.entries) {
        let Ok(mut url) = list_url.join(&entry.url) else {
            list.forbidden.push(ListError::Url { index });
            continue;
        };
        url.set_fragment(None);
        if !is_allowed(&url, list_url, rules) {
            list.forbidden.push(ListError::Foreign { index });
            continue;
        }
        let vouched = Vouched {
            sha256: entry.sha256,
            batch: ExportBatch {
                start: entry.start,
                end: entry.end,
                number: entry.batch_num,
                of: entry.batch_size,
            },
        };
        if list.vouched.insert(url.clone(), vouched).is_none() {
            let created = entry.created;
            list.entries.push(Entry { created, url });
        }
    }
    list.entries.sort();
    list
}

/// Reads the list that was found at `list_url` and keeps the entries of `region`.
///
/// A list that cannot be read as a whole is an error; an entry that names a
/// forbidden place only costs that entry, so that the others' contacts are
/// still found.
///
/// # Errors
/// [`ListError::Syntax`] and [`ListError::TooMany`].
pub fn parse(bytes: &[u8], list_url: &Url, region: &str, rules: Rules) -> Result<List, ListError> {
    let raw: Vec<RawEntry> = serde_json::from_slice(bytes).map_err(|error| ListError::Syntax {
        line: error.line(),
        column: error.column(),
    })?;
    if raw.len() > rules.max_entries {
        return Err(ListError::TooMany {
            limit: rules.max_entries,
        });
    }
    let mut newest: BTreeMap<Url, u64> = BTreeMap::new();
    let mut forbidden = Vec::new();
    for (index, entry) in (1..).zip(raw) {
        if entry.region != region {
            continue;
        }
        let Ok(mut url) = list_url.join(&entry.url) else {
            forbidden.push(ListError::Url { index });
            continue;
        };
        url.set_fragment(None);
        if !is_allowed(&url, list_url, rules) {
            forbidden.push(ListError::Foreign { index });
            continue;
        }
        newest
            .entry(url)
            .and_modify(|created| *created = entry.created.max(*created))
            .or_insert(entry.created);
    }
    let mut entries: Vec<Entry> = newest
        .into_iter()
        .map(|(url, created)| Entry { created, url })
        .collect();
    entries.sort();
    Ok(List {
        entries,
        forbidden,
        ..List::default()
    })
}

/// `url` as seen from the folder of the list at `list_url`, where it is below that.
pub(crate) fn name_below(url: &Url, list_url: &str) -> String {
    let folder_len = list_url.rfind('/').map_or(0, |slash| slash + 1);
    let folder = list_url.get(..folder_len).unwrap_or_default();
    let url = url.as_str();
    url.strip_prefix(folder).unwrap_or(url).to_owned()
}

/// Whether a list at `list_url` may lead to `url`, by naming it or by a redirect.
pub(crate) fn is_allowed(url: &Url, list_url: &Url, rules: Rules) -> bool {
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    if list_url.scheme() == "file" {
        return is_below(url, list_url);
    }
    match url.scheme() {
        "https" | "http" if url.origin() == list_url.origin() => true,
        "https" => rules.other_hosts,
        "http" => rules.other_hosts && rules.insecure_http,
        _ => false,
    }
}

/// Whether this machine itself is meant: plain http is harmless there.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the file `url` lies below the folder of the file `list_url`. Paths are
/// compared as the file system will read them, so an encoded slash or dot gains
/// nothing; links are looked at when the file is opened.
fn is_below(url: &Url, list_url: &Url) -> bool {
    if url.scheme() != "file" || url.query().is_some() {
        return false;
    }
    let (Ok(file_path), Ok(list_path)) = (url.to_file_path(), list_url.to_file_path()) else {
        return false;
    };
    let Some(folder) = list_path.parent() else {
        return false;
    };
    file_path.strip_prefix(folder).is_ok_and(|rest| {
        rest.components()
            .all(|part| matches!(part, std::path::Component::Normal(_)))
            && rest.components().next().is_some()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STRICT: Rules = Rules {
        other_hosts: false,
        insecure_http: false,
        max_entries: 3,
    };

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn cocoas_list_is_read() {
        let list = parse(
            br#"[{"region":"440","url":"https://cdn.example/c19r/440/813.zip","created":1597708800001},
                 {"region":"440","url":"812.zip","created":1597708800000, "new": []},
                 {"region":"110","url":"file:///elsewhere","created":0}]"#,
            &url("https://cdn.example/c19r/440/list.json"),
            "440",
            STRICT,
        )
        .unwrap();
        let urls: Vec<_> = list
            .entries
            .iter()
            .map(|entry| entry.url.as_str())
            .collect();
        assert_eq!(
            urls,
            [
                "https://cdn.example/c19r/440/812.zip",
                "https://cdn.example/c19r/440/813.zip"
            ]
        );
        assert_eq!(list.entries[1].created, 1_597_708_800_001);
        assert!(list.forbidden.is_empty());
    }

    #[test]
    fn a_list_that_is_none_is_an_error() {
        let base = url("https://cdn.example/list.json");
        for bytes in [
            &b""[..],
            b"<html>please log in</html>",
            b"{}",
            b"[1]",
            br#"[{"region":"440","url":"a.zip"}]"#,
            br#"[{"region":"440","url":"a.zip","created":-1}]"#,
            b"\xff\xfe",
        ] {
            assert!(matches!(
                parse(bytes, &base, "440", STRICT),
                Err(ListError::Syntax { .. })
            ));
        }
        let entry = r#"{"region":"440","url":"a.zip","created":1}"#;
        let many = format!("[{}]", [entry; 4].join(","));
        assert_eq!(
            parse(many.as_bytes(), &base, "440", STRICT),
            Err(ListError::TooMany { limit: 3 })
        );
    }

    #[test]
    fn a_url_named_twice_counts_once_with_its_newest_time() {
        let list = parse(
            br#"[{"region":"440","url":"a.zip","created":2},
                 {"region":"440","url":"./a.zip#x","created":3}]"#,
            &url("https://cdn.example/list.json"),
            "440",
            STRICT,
        )
        .unwrap();
        assert_eq!(list.entries.len(), 1);
        assert_eq!(list.entries[0].created, 3);
    }

    #[test]
    fn one_forbidden_entry_leaves_the_others() {
        let list = parse(
            br#"[{"region":"440","url":"https://evil.example/a.zip","created":1},
                 {"region":"440","url":"https://[","created":1},
                 {"region":"440","url":"b.zip","created":1}]"#,
            &url("https://cdn.example/list.json"),
            "440",
            STRICT,
        )
        .unwrap();
        assert_eq!(list.entries.len(), 1);
        assert_eq!(
            list.forbidden,
            [ListError::Foreign { index: 1 }, ListError::Url { index: 2 }]
        );
    }

    #[test]
    fn where_a_list_may_lead() {
        let other_hosts = Rules {
            other_hosts: true,
            ..STRICT
        };
        let anything = Rules {
            insecure_http: true,
            ..other_hosts
        };
        let web = "https://cdn.example/c19r/440/list.json";
        let local = "http://127.0.0.1:8080/c19r/440/list.json";
        let file = "file:///srv/exports/list.json";
        for (list_url, named, rules, allowed) in [
            (web, "https://cdn.example/x.zip", STRICT, true),
            (web, "https://cdn.example:443/x.zip", STRICT, true),
            (web, "https://cdn.example:444/x.zip", STRICT, false),
            (web, "http://cdn.example/x.zip", STRICT, false),
            (web, "https://user@cdn.example/x.zip", STRICT, false),
            (web, "https://evil.example/x.zip", STRICT, false),
            (web, "https://evil.example/x.zip", other_hosts, true),
            (web, "http://evil.example/x.zip", other_hosts, false),
            (web, "http://127.0.0.1/x.zip", other_hosts, false),
            (web, "http://evil.example/x.zip", anything, true),
            (web, "file:///etc/passwd", anything, false),
            (web, "ftp://cdn.example/x.zip", anything, false),
            (web, "data:,x", anything, false),
            (local, "http://127.0.0.1:8080/x.zip", STRICT, true),
            (local, "http://127.0.0.1:8081/x.zip", STRICT, false),
            (local, "file:///etc/passwd", STRICT, false),
            (file, "file:///srv/exports/x.zip", STRICT, true),
            (file, "file:///srv/exports/day/x.zip", STRICT, true),
            (file, "file:///srv/exports/../x.zip", anything, false),
            (file, "file:///srv/exports/%2e%2e/x.zip", anything, false),
            (file, "file:///srv/exports/..%2fx.zip", anything, false),
            (file, "file:///srv/exports/", anything, false),
            (file, "file:///srv/exports2/x.zip", anything, false),
            (file, "file:///etc/passwd", anything, false),
            (file, "file://other/srv/exports/x.zip", anything, false),
            (file, "https://cdn.example/x.zip", anything, false),
        ] {
            assert_eq!(
                is_allowed(&url(named), &url(list_url), rules),
                allowed,
                "{list_url} → {named}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_leads_out_of_a_folder(path in "([a-z.%25fFeE/\\\\]|%2e|%2f|\\.\\.){0,12}") {
            let list_url = url("file:///srv/exports/list.json");
            if let Ok(url) = list_url.join(&path) && is_allowed(&url, &list_url, STRICT) {
                let path = url.to_file_path().unwrap();
                prop_assert!(path.starts_with("/srv/exports"));
                prop_assert!(!path.components().any(|part| part == std::path::Component::ParentDir));
            }
        }

        #[test]
        fn parsing_never_panics(bytes: Vec<u8>) {
            let _ = parse(&bytes, &url("https://cdn.example/list.json"), "440", STRICT);
        }
    }
}
