//! How often one source may try something. Sources are in memory only, for a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gaen::time::UnixSeconds;

use crate::http::source::Bucket;

/// How many sources are told apart; the rest share one count.
const SOURCES_MAX: usize = 100_000;

/// Counts of this minute.
pub(super) struct Tries {
    per_minute: u32,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    minute: u32,
    by_source: HashMap<Option<Bucket>, u32>,
}

impl Tries {
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            counts: Mutex::default(),
        }
    }

    /// Counts a try from `source`; false if it is one too many in this minute.
    pub(super) fn allow(&self, source: Option<Bucket>, now: UnixSeconds) -> bool {
        let minute = now.get() / 60;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.minute != minute {
            *counts = Counts {
                minute,
                ..Counts::default()
            };
        }
        let is_new = !counts.by_source.contains_key(&source);
        let source = source.filter(|_| !is_new || counts.by_source.len() < SOURCES_MAX);
        let count = counts.by_source.entry(source).or_default();
        *count = count.saturating_add(1);
        *count <= self.per_minute
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;
    use crate::http::{Settings, source::Sources};

    #[test]
    fn every_source_has_its_share_of_a_minute() {
        let sources = Sources::new(&Settings::default());
        let tries = Tries::new(2);
        let try_at = |address: &str, now| {
            let peer = (address.parse::<std::net::IpAddr>().unwrap(), 1).into();
            let source = sources.bucket(peer, &HeaderMap::new());
            tries.allow(Some(source), UnixSeconds::new(now))
        };
        assert!(try_at("192.0.2.1", 60));
        assert!(try_at("192.0.2.1", 61));
        assert!(!try_at("192.0.2.1", 119));
        assert!(try_at("198.51.100.2", 119));
        assert!(try_at("192.0.2.1", 120));
    }
}
