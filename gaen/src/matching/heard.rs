//! What was heard, by the day of the keys that it may be of.

use crate::sighting::Sighting;
use crate::time::{INTERVALS_PER_DAY, Interval, UtcDay};

use super::MAX_DRIFT;
use super::filter::{Filter, Prefix};

/// So many prefixes, 1 MiB of them, are kept before they are put into a filter, which
/// cannot grow with their number.
const PREFIXES_KEPT: usize = 1 << 17;

/// For each UTC day of a range, the prefixes of all RPIs that may be of the day, and in
/// which intervals anything was heard.
pub(super) struct Heard {
    first_day: UtcDay,
    days: Vec<Day>,
    /// Whether anything was heard in each interval of the days, and within the drift
    /// before and after them.
    intervals: Vec<bool>,
}

#[derive(Default)]
struct Day {
    prefixes: Vec<Prefix>,
    filter: Option<Filter>,
}

impl Day {
    /// Puts the prefixes into the filter. Where there are more than are kept, that is
    /// as large as there are from the beginning.
    fn put_into_filter(&mut self) {
        if self.prefixes.is_empty() {
            return;
        }
        let filter = self
            .filter
            .get_or_insert_with(|| Filter::with_room_for(self.prefixes.len()));
        for prefix in self.prefixes.drain(..) {
            filter.insert(prefix);
        }
    }
}

impl Heard {
    /// Nothing, of the days from `first_day` to `last_day`.
    pub(super) fn new(first_day: UtcDay, last_day: UtcDay) -> Self {
        let days = last_day.get().saturating_sub(first_day.get()) + 1;
        let intervals = index(days * INTERVALS_PER_DAY + 2 * MAX_DRIFT);
        Self {
            first_day,
            days: (0..days).map(|_| Day::default()).collect(),
            intervals: vec![false; intervals.unwrap_or(0)],
        }
    }

    /// Notes `sighting` for the days its RPI may be of.
    pub(super) fn insert(&mut self, sighting: &Sighting) {
        let interval = sighting.time.interval();
        // The drift is shorter than a day: these are all the days it reaches.
        let first = interval.saturating_sub(MAX_DRIFT).utc_day();
        let last = interval.saturating_add(MAX_DRIFT).utc_day();
        let prefix = Prefix::of(sighting.rpi.as_bytes());
        self.insert_prefix(first, prefix);
        if last != first {
            self.insert_prefix(last, prefix);
        }
        if let Some(heard) = self
            .first_near(interval.saturating_add(MAX_DRIFT))
            .and_then(|index| self.intervals.get_mut(index))
        {
            *heard = true;
        }
    }

    /// Whether anything was heard that an RPI of `interval`, one of the days', could be.
    pub(super) fn is_near(&self, interval: Interval) -> bool {
        self.first_near(interval)
            .and_then(|first| self.intervals.get(first..)?.get(..NEAR))
            .is_some_and(|near| near.contains(&true))
    }

    /// Makes the filters of the days from `first` to `last`, and forgets what is before:
    /// few filters are there at a time.
    pub(super) fn turn_to(&mut self, first: UtcDay, last: UtcDay) {
        for (day, number) in self.days.iter_mut().zip(self.first_day.get()..) {
            if number < first.get() {
                *day = Day::default();
            } else if number <= last.get() {
                day.put_into_filter();
                day.prefixes = Vec::new();
            }
        }
    }

    /// The filter of what may be of `day`, one of those last turned to; `None` if that
    /// is nothing.
    pub(super) fn filter(&self, day: UtcDay) -> Option<&Filter> {
        self.days.get(self.index(day)?)?.filter.as_ref()
    }

    fn insert_prefix(&mut self, day: UtcDay, prefix: Prefix) {
        let Some(day) = self.index(day).and_then(|index| self.days.get_mut(index)) else {
            return;
        };
        day.prefixes.push(prefix);
        if day.prefixes.len() == PREFIXES_KEPT {
            day.put_into_filter();
        }
    }

    fn index(&self, day: UtcDay) -> Option<usize> {
        index(day.get().checked_sub(self.first_day.get())?)
    }

    /// Where in `intervals` the first is that drift may take an RPI of `interval` to.
    fn first_near(&self, interval: Interval) -> Option<usize> {
        let first = self.first_day.first_interval().get();
        index(interval.get().checked_sub(first)?)
    }
}

/// How many intervals drift may take an RPI to, its own included.
const NEAR: usize = 25;
const _: () = assert!(2 * MAX_DRIFT + 1 == 25);

fn index(number: u32) -> Option<usize> {
    usize::try_from(number).ok()
}
