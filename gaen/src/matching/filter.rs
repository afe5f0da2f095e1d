//! What was heard, boiled down to bits: the first, quick question of matching.

use crate::key::Rpi;
use crate::sighting::Sighting;
use crate::time::{INTERVALS_PER_DAY, Interval, UtcDay};

use super::MAX_DRIFT;

/// Bits per day: 1 MiB, which stays in a processor's second-level cache.
const PREFIX_BITS: u32 = 23;
const WORD_BITS: u32 = u64::BITS;

/// For each UTC day of a range, a bitmap of the prefixes of RPIs heard near
/// intervals of the day, and which intervals anything was heard near.
///
/// A prefix is taken as it is, not hashed: whoever fills the bitmap by sending
/// made-up RPIs gains false candidates, which cost time and change nothing.
pub(super) struct Filter {
    first_day: UtcDay,
    days: Vec<Day>,
}

struct Day {
    /// Empty until something was heard.
    words: Vec<u64>,
    heard: [bool; INTERVALS],
}

const INTERVALS: usize = 144;
const _: () = assert!(INTERVALS_PER_DAY == 144);

impl Filter {
    /// A filter for RPIs of `days` days from `first_day`.
    pub(super) fn new(first_day: UtcDay, days: u32) -> Self {
        let empty = || Day {
            words: Vec::new(),
            heard: [false; INTERVALS],
        };
        Self {
            first_day,
            days: (0..days).map(|_| empty()).collect(),
        }
    }

    /// Notes `sighting` for every interval its RPI may belong to.
    pub(super) fn insert(&mut self, sighting: &Sighting) {
        let heard = sighting.time.interval();
        let first = heard.saturating_sub(MAX_DRIFT);
        let last = heard.saturating_add(MAX_DRIFT);
        // The drift is shorter than a day, so these are all the days it reaches.
        self.set_prefix(first.utc_day(), &sighting.rpi);
        if last.utc_day() != first.utc_day() {
            self.set_prefix(last.utc_day(), &sighting.rpi);
        }
        for number in first.get()..=last.get() {
            let interval = Interval::new(number);
            if let Some(day) = self.day_mut(interval.utc_day())
                && let Some(heard) = day.heard.get_mut(index_in_day(interval))
            {
                *heard = true;
            }
        }
    }

    /// Whether anything was heard that an RPI of `interval` could be.
    pub(super) fn heard_near(&self, interval: Interval) -> bool {
        self.day(interval.utc_day())
            .and_then(|day| day.heard.get(index_in_day(interval)))
            .is_some_and(|&heard| heard)
    }

    /// Whether `rpi`, of `interval`, may have been heard. A yes may be wrong, a no
    /// is not.
    pub(super) fn may_contain(&self, interval: Interval, rpi: &Rpi) -> bool {
        let (word, bit) = position(rpi);
        self.day(interval.utc_day())
            .and_then(|day| day.words.get(word))
            .is_some_and(|word| word & bit != 0)
    }

    fn set_prefix(&mut self, day: UtcDay, rpi: &Rpi) {
        let (word, bit) = position(rpi);
        if let Some(day) = self.day_mut(day) {
            if day.words.is_empty() {
                day.words = vec![0; 1 << (PREFIX_BITS - WORD_BITS.ilog2())];
            }
            if let Some(word) = day.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    fn day(&self, day: UtcDay) -> Option<&Day> {
        self.days.get(self.index(day)?)
    }

    fn day_mut(&mut self, day: UtcDay) -> Option<&mut Day> {
        let index = self.index(day)?;
        self.days.get_mut(index)
    }

    fn index(&self, day: UtcDay) -> Option<usize> {
        usize::try_from(day.get().checked_sub(self.first_day.get())?).ok()
    }
}

/// The word and the bit in it of an RPI's prefix.
fn position(rpi: &Rpi) -> (usize, u64) {
    let [a, b, c, ..] = *rpi.as_bytes();
    let prefix = u32::from_le_bytes([a, b, c, 0]) & ((1 << PREFIX_BITS) - 1);
    let word = usize::try_from(prefix / WORD_BITS).expect("23 bits fit every usize");
    (word, 1 << (prefix % WORD_BITS))
}

fn index_in_day(interval: Interval) -> usize {
    usize::try_from(interval.get() % INTERVALS_PER_DAY).expect("143 fits every usize")
}
