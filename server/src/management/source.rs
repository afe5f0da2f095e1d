//! How often one source may try something. Sources are in memory only, for a minute.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use gaen::time::UnixSeconds;

/// How many sources are told apart; the rest share one count.
const SOURCES_MAX: usize = 100_000;

/// Counts of this minute.
pub(super) struct Sources {
    per_minute: u32,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    minute: u32,
    by_source: HashMap<Option<IpAddr>, u32>,
}

impl Sources {
    pub(super) fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            counts: Mutex::default(),
        }
    }

    /// Counts a try from `address`; false if it is one too many in this minute.
    pub(super) fn allow(&self, address: Option<IpAddr>, now: UnixSeconds) -> bool {
        let minute = now.get() / 60;
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.minute != minute {
            *counts = Counts {
                minute,
                ..Counts::default()
            };
        }
        let mut source = address.map(network);
        if counts.by_source.len() >= SOURCES_MAX && !counts.by_source.contains_key(&source) {
            source = None;
        }
        let count = counts.by_source.entry(source).or_default();
        *count = count.saturating_add(1);
        *count <= self.per_minute
    }
}

/// What one subscriber has: an IPv4 address, or a /56 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !((1 << 72) - 1);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_has_its_share_of_a_minute() {
        let sources = Sources::new(2);
        let try_at = |address: &str, now| {
            sources.allow(Some(address.parse().unwrap()), UnixSeconds::new(now))
        };
        assert!(try_at("192.0.2.1", 60));
        assert!(try_at("::ffff:192.0.2.1", 61));
        assert!(!try_at("192.0.2.1", 119));
        assert!(try_at("192.0.2.2", 119));
        assert!(try_at("192.0.2.1", 120));
        assert!(try_at("2001:db8::1", 120));
        assert!(try_at("2001:db8:0:00ff::2", 120));
        assert!(!try_at("2001:db8:0:0001::3", 120));
        assert!(try_at("2001:db8:0:0100::1", 120));
    }
}
