//! The device's own key of one day, and which of its identifiers have been on
//! the air.

use std::fmt;

use gaen::diagnosis::RollingPeriod;
use gaen::key::{AEM_LEN, Tek};
use gaen::time::{INTERVALS_PER_DAY, Interval, UtcDay};
use rand_core::CryptoRng;

use crate::radio::Broadcast;

/// How far from the present an interval may be whose identifier is broadcast.
///
/// A receiver accepts twelve either way (docs/protocol.md §3). Half of that leaves the
/// other half to the two clocks.
const REACH: u32 = 6;

/// A TEK of one UTC day with the record of its use.
///
/// A day has one, from its first interval to its last. When that is registered as
/// part of a diagnosis, it ends with the last of its identifiers that was on the air,
/// and another key has the rest of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnKey {
    /// The day.
    pub day: UtcDay,
    /// The key.
    pub tek: Tek,
    /// Its first interval, one of the day's.
    pub start: Interval,
    /// For how many intervals it is, at most to the day's end.
    pub period: RollingPeriod,
    /// What became of it.
    pub standing: Standing,
    /// The intervals whose identifiers were on the air.
    pub used: UsedIntervals,
}

/// What became of an own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may be broadcast.
    InUse,
    /// It was in a registration, which may have reached the server: nothing of it goes
    /// on the air any more.
    Retired,
    /// The server has it.
    Sent,
}

impl OwnKey {
    /// A new key of the day of `start`, for the rest of that day.
    pub fn generate(start: Interval, rng: &mut impl CryptoRng) -> Self {
        let day = start.utc_day();
        let rest = INTERVALS_PER_DAY - offset(start);
        Self {
            day,
            tek: Tek::generate(rng),
            start,
            period: RollingPeriod::new(rest).expect("an interval is one of its day's 144"),
            standing: Standing::InUse,
            used: UsedIntervals::default(),
        }
    }

    /// The first interval that is not the key's any more.
    pub const fn end(&self) -> Interval {
        self.start.saturating_add(self.period.get())
    }

    /// The key of `day` to broadcast at `now`: of its `keys`, or a new one.
    ///
    /// The first of a day is for all of it. A further one is made only where the clock
    /// was set back, into a day whose keys are registered or to before the one that has
    /// the rest of it; it ends where that begins.
    pub fn of_day(day: UtcDay, keys: Vec<Self>, now: Interval, rng: &mut impl CryptoRng) -> Self {
        if keys.is_empty() || now.utc_day() != day {
            return Self::generate(day.first_interval(), rng);
        }
        let mut in_use = keys;
        in_use.retain(|key| key.standing == Standing::InUse && now < key.end());
        let is_in_reach = |key: &Self| key.start <= now.saturating_add(REACH);
        if let Some(chosen) = in_use.iter().rposition(is_in_reach) {
            return in_use.swap_remove(chosen);
        }
        let mut key = Self::generate(now, rng);
        let next = in_use.iter().map(|key| key.start).min();
        let period = next.and_then(|next| RollingPeriod::new(next.abs_diff(now)));
        key.period = period.unwrap_or(key.period);
        key
    }

    /// The interval whose identifier to broadcast next, or `None` when every one
    /// within reach was on the air already.
    ///
    /// An identifier goes on the air once, under one address. Normally the present
    /// interval's is fresh. After a fault within ten minutes of the last rotation
    /// it is not, and the nearest fresh one serves: a later one first, since those
    /// are the ones a clock set back finds unused.
    pub fn next_interval(&self, now: Interval) -> Option<Interval> {
        let fresh = |interval: u32| {
            let interval = Interval::new(interval);
            (self.has(interval) && !self.used.contains(offset(interval))).then_some(interval)
        };
        let now = now.get();
        (0..=REACH)
            .find_map(|distance| fresh(now.checked_add(distance)?))
            .or_else(|| (1..=REACH).find_map(|distance| fresh(now.checked_sub(distance)?)))
    }

    /// The present interval, when it is the key's and its identifier was never on
    /// the air.
    pub fn present_interval(&self, now: Interval) -> Option<Interval> {
        (self.has(now) && !self.used.contains(offset(now))).then_some(now)
    }

    /// Whether `interval` is the key's, and near enough to the present to be broadcast.
    pub fn is_within_reach(&self, interval: Interval, now: Interval) -> bool {
        interval.abs_diff(now) <= REACH && self.has(interval)
    }

    /// Ends a key that is in use at `now` with the last of its identifiers that was on
    /// the air, and takes it out of use. The key for the rest of the day begins there,
    /// within reach of the present: identifiers of a clock that was ahead do not count.
    ///
    /// Returns whether any was on the air; without, the key is left as it is.
    pub fn retire(&mut self, now: Interval) -> bool {
        let limit = now.get().saturating_add(REACH).min(self.end().get());
        let period = (self.start.get()..limit)
            .rev()
            .find(|interval| self.used.contains(offset(Interval::new(*interval))))
            .and_then(|last| RollingPeriod::new(last - self.start.get() + 1));
        let Some(period) = period else {
            return false;
        };
        self.period = period;
        self.standing = Standing::Retired;
        true
    }

    /// Records that the identifier of `interval` goes on the air.
    pub fn mark_used(&mut self, interval: Interval) {
        if interval.utc_day() == self.day {
            self.used.insert(offset(interval));
        }
    }

    /// Takes [`OwnKey::mark_used`] back for an interval whose identifier did not go
    /// on the air.
    pub fn mark_unused(&mut self, interval: Interval) {
        if interval.utc_day() == self.day {
            self.used.remove(offset(interval));
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

    fn has(&self, interval: Interval) -> bool {
        self.start <= interval && interval < self.end()
    }
}

/// How many intervals of its day come before `interval`.
const fn offset(interval: Interval) -> u32 {
    interval.get() % INTERVALS_PER_DAY
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

    /// Whether none was on the air.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// How many were.
    pub fn count(self) -> u32 {
        self.0.iter().map(|bits| bits.count_ones()).sum()
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
        let count = self.count();
        write!(f, "UsedIntervals({count} of {INTERVALS_PER_DAY})")
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;

    const DAY: UtcDay = UtcDay::new(18_500);

    fn key() -> OwnKey {
        OwnKey::generate(DAY.first_interval(), &mut ChaCha8Rng::seed_from_u64(7))
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
    fn a_retired_key_ends_with_its_last_identifier_within_reach() {
        for (used, now, period) in [
            (&[40, 48][..], 49, Some(49)),
            (&[40, 49], 49, Some(50)),
            // A later one served, since the present one was spent.
            (&[48, 49, 50], 49, Some(51)),
            // The clock was ahead.
            (&[40, 48, 90], 49, Some(49)),
            (&[90], 49, None),
            (&[], 49, None),
            (&[0], 0, Some(1)),
            (&[143], 143, Some(144)),
        ] {
            let mut key = key();
            for offset in used {
                key.mark_used(at(*offset));
            }
            let before = key.clone();
            let retired = key.retire(at(now));
            assert_eq!(retired, period.is_some(), "{used:?} at {now}");
            match period {
                Some(period) => {
                    assert_eq!(key.period.get(), period, "{used:?} at {now}");
                    assert_eq!(key.standing, Standing::Retired);
                    // What follows it can be broadcast at once.
                    assert!(key.end().abs_diff(at(now)) <= REACH || key.end() < at(now));
                }
                None => assert_eq!(key, before),
            }
        }
    }

    #[test]
    fn the_key_for_the_rest_of_the_day_stays_in_it() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for start in [0, 50, 143] {
            let key = OwnKey::generate(at(start), &mut rng);
            assert_eq!((key.day, key.start), (DAY, at(start)));
            assert_eq!(key.end(), at(144));
            let first = key.next_interval(at(start)).unwrap();
            assert_eq!(first, at(start));
            // Not before its beginning, though that is within reach.
            assert_eq!(key.next_interval(at(start).saturating_sub(1)), Some(first));
            assert!(!key.is_within_reach(at(start).saturating_sub(1), at(start)));
        }
    }

    #[test]
    fn of_a_days_keys_the_one_in_use_and_in_reach_is_broadcast() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut first = OwnKey::generate(at(0), &mut rng);
        first.mark_used(at(50));
        assert!(first.retire(at(50)));
        let second = OwnKey::generate(at(51), &mut rng);
        let keys = vec![first.clone(), second.clone()];
        for now in [45, 50, 51, 143] {
            let chosen = OwnKey::of_day(DAY, keys.clone(), at(now), &mut rng);
            assert_eq!(chosen, second, "{now}");
        }
        // The clock was set back: a key for until then.
        for now in [0, 44] {
            let chosen = OwnKey::of_day(DAY, keys.clone(), at(now), &mut rng);
            assert!(chosen.tek != first.tek && chosen.tek != second.tek);
            assert_eq!((chosen.start, chosen.end()), (at(now), second.start));
        }
        // Into a day that is registered.
        let chosen = OwnKey::of_day(DAY, vec![first.clone()], at(20), &mut rng);
        assert!(chosen.tek != first.tek);
        assert_eq!((chosen.start, chosen.end()), (at(20), at(144)));
        // Nothing is known of the day, or it is over.
        for (keys, now) in [(vec![], 20), (vec![first], 150)] {
            let chosen = OwnKey::of_day(DAY, keys, at(now), &mut rng);
            assert_eq!((chosen.start, chosen.end()), (at(0), at(144)));
        }
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
