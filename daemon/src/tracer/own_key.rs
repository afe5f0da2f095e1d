//! The device's own key of one day, and which of its identifiers have been on
//! the air.

use std::fmt;

use gaen::key::{AEM_LEN, Tek};
use gaen::time::{INTERVALS_PER_DAY, Interval, UtcDay};

use crate::radio::Broadcast;

/// How far from the present an interval may be whose identifier is broadcast.
///
/// A receiver accepts twelve either way (protocol §3). Half of that leaves the
/// other half to the two clocks.
const REACH: u32 = 6;

/// The TEK of one UTC day with the record of its use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnKey {
    /// The day.
    pub day: UtcDay,
    /// The key.
    pub tek: Tek,
    /// The intervals whose identifiers were on the air.
    pub used: UsedIntervals,
}

impl OwnKey {
    /// The interval whose identifier to broadcast next, or `None` when every one
    /// within reach was on the air already.
    ///
    /// An identifier goes on the air once, under one address. Normally the present
    /// interval's is fresh. After a fault within ten minutes of the last rotation
    /// it is not, and the nearest fresh one serves: a later one first, since those
    /// are the ones a clock set back finds unused.
    pub fn next_interval(&self, now: Interval) -> Option<Interval> {
        let first = self.day.first_interval().get();
        let fresh = |interval: u32| {
            let offset = interval.checked_sub(first)?;
            (offset < INTERVALS_PER_DAY && !self.used.contains(offset))
                .then(|| Interval::new(interval))
        };
        let now = now.get();
        (0..=REACH)
            .find_map(|distance| fresh(now.checked_add(distance)?))
            .or_else(|| (1..=REACH).find_map(|distance| fresh(now.checked_sub(distance)?)))
    }

    /// The present interval, when its identifier was never on the air.
    pub fn present_interval(&self, now: Interval) -> Option<Interval> {
        let offset = now.get().checked_sub(self.day.first_interval().get())?;
        (offset < INTERVALS_PER_DAY && !self.used.contains(offset)).then_some(now)
    }

    /// Whether `interval` is near enough to the present to be broadcast.
    pub fn is_within_reach(&self, interval: Interval, now: Interval) -> bool {
        interval.abs_diff(now) <= REACH && interval.utc_day() == self.day
    }

    /// Records that the identifier of `interval` goes on the air.
    pub fn mark_used(&mut self, interval: Interval) {
        if let Some(offset) = interval.get().checked_sub(self.day.first_interval().get()) {
            self.used.insert(offset);
        }
    }

    /// Takes [`OwnKey::mark_used`] back for an interval whose identifier did not go
    /// on the air.
    pub fn mark_unused(&mut self, interval: Interval) {
        if let Some(offset) = interval.get().checked_sub(self.day.first_interval().get()) {
            self.used.remove(offset);
        }
    }

    /// The identifier of `interval` with `metadata` encrypted for it.
    pub fn broadcast(&self, interval: Interval, metadata: [u8; AEM_LEN]) -> Broadcast {
        let rpi = self.tek.rpik().rpi(interval);
        Broadcast {
            rpi,
            aem: self.tek.aemk().encrypt(&rpi, metadata),
        }
    }
}

/// A set of the 144 intervals of a day, by their offset from its first.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct UsedIntervals([u8; Self::LEN]);

impl UsedIntervals {
    /// Length of the stored form in bytes.
    pub const LEN: usize = 18;

    /// The set in its stored form: bit `offset % 8` of byte `offset / 8`.
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        self.0
    }

    /// The set that was stored as `bytes`.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    fn contains(&self, offset: u32) -> bool {
        let (byte, mask) = Self::place(offset);
        self.0.get(byte).is_some_and(|bits| bits & mask != 0)
    }

    fn insert(&mut self, offset: u32) {
        let (byte, mask) = Self::place(offset);
        if let Some(bits) = self.0.get_mut(byte) {
            *bits |= mask;
        }
    }

    fn remove(&mut self, offset: u32) {
        let (byte, mask) = Self::place(offset);
        if let Some(bits) = self.0.get_mut(byte) {
            *bits &= !mask;
        }
    }

    fn place(offset: u32) -> (usize, u8) {
        (
            usize::try_from(offset / 8).unwrap_or(usize::MAX),
            1 << (offset % 8),
        )
    }
}

impl fmt::Debug for UsedIntervals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: u32 = self.0.iter().map(|bits| bits.count_ones()).sum();
        write!(f, "UsedIntervals({count} of {INTERVALS_PER_DAY})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: UtcDay = UtcDay::new(18_500);

    fn key() -> OwnKey {
        OwnKey {
            day: DAY,
            tek: Tek::from_bytes([7; 16]),
            used: UsedIntervals::default(),
        }
    }

    fn at(offset: u32) -> Interval {
        DAY.first_interval().saturating_add(offset)
    }

    #[test]
    fn the_present_interval_comes_first_then_the_nearest_fresh_one() {
        let mut key = key();
        let mut order = Vec::new();
        while let Some(interval) = key.next_interval(at(50)) {
            key.mark_used(interval);
            order.push(interval.get() - at(0).get());
        }
        assert_eq!(order, [50, 51, 52, 53, 54, 55, 56, 49, 48, 47, 46, 45, 44]);
    }

    #[test]
    fn no_interval_of_another_day_is_ever_chosen() {
        let mut key = key();
        for now in [at(0), at(143)] {
            while let Some(interval) = key.next_interval(now) {
                assert_eq!(interval.utc_day(), DAY);
                key.mark_used(interval);
            }
        }
        assert_eq!(key.next_interval(at(200)), None);
        assert_eq!(key.next_interval(Interval::new(0)), None);
        assert_eq!(key.next_interval(Interval::new(u32::MAX)), None);
    }

    #[test]
    fn the_stored_form_keeps_the_set() {
        let mut used = UsedIntervals::default();
        for offset in [0, 7, 8, 143] {
            used.insert(offset);
        }
        let read = UsedIntervals::from_bytes(used.to_bytes());
        assert!((0..144).all(|offset| read.contains(offset) == [0, 7, 8, 143].contains(&offset)));
        assert!(!read.contains(144));
    }
}
