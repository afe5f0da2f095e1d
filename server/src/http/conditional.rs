//! Conditional and partial GET (RFC 9110 §13, §14), as far as devices and caches use
//! it: `If-None-Match`, `If-Modified-Since`, `If-Range`, and one byte range.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderName};

/// What a representation is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// Its entity tag, quoted.
    pub etag: String,
    /// When it was last changed.
    pub modified: SystemTime,
    /// Its length in bytes.
    pub len: u64,
}

/// What to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The client has it: 304.
    NotModified,
    /// All of it: 200.
    Whole,
    /// A part of it: 206.
    Part(Range<u64>),
    /// The part that is wanted is none of it: 416.
    Unsatisfiable,
}

/// What to answer a GET with `headers`.
pub fn answer(headers: &HeaderMap, validators: &Validators) -> Answer {
    if is_unchanged(headers, validators) {
        return Answer::NotModified;
    }
    match text(headers, &RANGE) {
        Some(range) if may_be_part(headers, validators) => part(range, validators.len),
        Some(_) | None => Answer::Whole,
    }
}

fn is_unchanged(headers: &HeaderMap, validators: &Validators) -> bool {
    if headers.contains_key(IF_NONE_MATCH) {
        return headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || weak(tag) == weak(&validators.etag));
    }
    text(headers, &IF_MODIFIED_SINCE)
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .is_some_and(|since| whole_seconds(validators.modified) <= since)
}

/// A part fits what the client has only if it has the same representation.
fn may_be_part(headers: &HeaderMap, validators: &Validators) -> bool {
    match text(headers, &IF_RANGE) {
        None => !headers.contains_key(IF_RANGE),
        Some(tag) if tag.starts_with('"') => tag == validators.etag,
        // A weak tag never will; neither does a date of one second's resolution.
        Some(_) => false,
    }
}

fn part(range: &str, len: u64) -> Answer {
    // Several ranges, or other units, are answered with the whole.
    let Some((from, to)) = range
        .strip_prefix("bytes=")
        .filter(|range| !range.contains(','))
        .and_then(|range| range.split_once('-'))
    else {
        return Answer::Whole;
    };
    let range = match (from.trim().parse::<u64>(), to.trim().parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to => from..to.saturating_add(1).min(len),
        (Ok(from), Err(_)) if to.trim().is_empty() => from..len,
        (Err(_), Ok(last)) if from.trim().is_empty() => len.saturating_sub(last)..len,
        _ => return Answer::Whole,
    };
    if range.is_empty() {
        Answer::Unsatisfiable
    } else {
        Answer::Part(range)
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn weak(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// The time as HTTP dates give it.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(headers: &[(HeaderName, &str)]) -> Answer {
        let validators = Validators {
            etag: "\"a-b\"".to_owned(),
            modified: UNIX_EPOCH + Duration::from_millis(1_596_240_000_900),
            len: 100,
        };
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect();
        answer(&headers, &validators)
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        const SAME: &str = "Sat, 01 Aug 2020 00:00:00 GMT";
        const BEFORE: &str = "Fri, 31 Jul 2020 23:59:59 GMT";
        for (headers, expected) in [
            (vec![(IF_NONE_MATCH, "\"a-b\"")], Answer::NotModified),
            (vec![(IF_NONE_MATCH, "W/\"a-b\"")], Answer::NotModified),
            (vec![(IF_NONE_MATCH, "\"x\", \"a-b\"")], Answer::NotModified),
            (vec![(IF_NONE_MATCH, "*")], Answer::NotModified),
            (vec![(IF_NONE_MATCH, "\"x\"")], Answer::Whole),
            (vec![(IF_MODIFIED_SINCE, SAME)], Answer::NotModified),
            (vec![(IF_MODIFIED_SINCE, BEFORE)], Answer::Whole),
            (vec![(IF_MODIFIED_SINCE, "nonsense")], Answer::Whole),
            (
                vec![(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, SAME)],
                Answer::Whole,
            ),
            (vec![], Answer::Whole),
        ] {
            assert_eq!(ask(&headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn one_part_may_be_asked_for() {
        for (range, expected) in [
            ("bytes=0-0", Answer::Part(0..1)),
            ("bytes=10-19", Answer::Part(10..20)),
            ("bytes=90-", Answer::Part(90..100)),
            ("bytes=90-1000", Answer::Part(90..100)),
            ("bytes=-10", Answer::Part(90..100)),
            ("bytes=-1000", Answer::Part(0..100)),
            ("bytes=100-", Answer::Unsatisfiable),
            ("bytes=-0", Answer::Unsatisfiable),
            ("bytes=20-10", Answer::Whole),
            ("bytes=0-1,5-6", Answer::Whole),
            ("bytes=x-y", Answer::Whole),
            ("bytes=0-18446744073709551615", Answer::Part(0..100)),
            ("lines=0-1", Answer::Whole),
        ] {
            assert_eq!(ask(&[(RANGE, range)]), expected, "{range}");
        }
        let ranged = |if_range| ask(&[(RANGE, "bytes=90-"), (IF_RANGE, if_range)]);
        assert_eq!(ranged("\"a-b\""), Answer::Part(90..100));
        assert_eq!(ranged("\"x\""), Answer::Whole);
        assert_eq!(ranged("W/\"a-b\""), Answer::Whole);
        assert_eq!(ranged("Sat, 01 Aug 2020 00:00:00 GMT"), Answer::Whole);
    }
}
