//! What one scan heard, and for how long was listened.

use gaen::key::{Aem, Rpi};
use gaen::time::UnixSeconds;

/// A cycle stands for at most this many seconds since the scan before it: the
/// bound of a ScanInstance (docs/protocol.md §4).
const LONGEST_STRETCH: i32 = 300;

/// One scan and what it heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanCycle {
    /// When listening began. The cycle and all its sightings belong to the UTC
    /// day of this instant, also when it ends after midnight.
    pub started: UnixSeconds,
    /// When listening ended.
    pub ended: UnixSeconds,
    /// When the scan before this one took place; `None` when that is unknown.
    pub previous: Option<UnixSeconds>,
    /// Whether it ended before its time, so that it stands for no more than
    /// itself.
    pub cut_short: bool,
    /// Whether the scan before it was longer ago than the timetable has it, or listening
    /// was not possible in between: nobody would have been heard in that time, and the
    /// cycle does not stand for it.
    pub after_gap: bool,
    /// What was heard.
    pub sightings: Vec<CycleSighting>,
}

/// A cycle without its sightings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleHeader {
    /// When listening began.
    pub started: UnixSeconds,
    /// When listening ended.
    pub ended: UnixSeconds,
    /// When the scan before it took place; `None` when that is unknown.
    pub previous: Option<UnixSeconds>,
    /// Whether it ended before its time.
    pub cut_short: bool,
    /// Whether it does not stand for the time since the scan before it.
    pub after_gap: bool,
}

impl CycleHeader {
    /// That of `cycle`.
    pub const fn of(cycle: &ScanCycle) -> Self {
        Self {
            started: cycle.started,
            ended: cycle.ended,
            previous: cycle.previous,
            cut_short: cycle.cut_short,
            after_gap: cycle.after_gap,
        }
    }

    /// The time the cycle stands for, from and until when.
    ///
    /// Scanning samples: a cycle stands for the time since the scan before it as well,
    /// at most [`LONGEST_STRETCH`], just as its ScanInstances do. A cycle that was cut
    /// short, that follows an unknown one, or one before a gap in the timetable, stands
    /// for no more than itself: nobody listened before.
    fn stretch(&self) -> (UnixSeconds, UnixSeconds) {
        let from = match self.previous {
            Some(previous) if !self.cut_short && !self.after_gap => self
                .started
                .min(previous.max(self.started.saturating_add_signed(-LONGEST_STRETCH))),
            Some(_) | None => self.started,
        };
        (from, self.ended)
    }
}

/// Adds up for how long was listened in a period. No second counts twice.
#[derive(Clone, Debug)]
pub struct Listened {
    since: UnixSeconds,
    until: UnixSeconds,
    stretches: Vec<(u32, u32)>,
}

impl Listened {
    /// Nothing yet, of the period from `since` until `until`.
    pub const fn new(since: UnixSeconds, until: UnixSeconds) -> Self {
        Self {
            since,
            until,
            stretches: Vec::new(),
        }
    }

    /// Adds the time that `cycle` stands for.
    pub fn push(&mut self, cycle: &CycleHeader) {
        let (from, to) = cycle.stretch();
        let (from, to) = (from.max(self.since), to.min(self.until));
        if from < to {
            self.stretches.push((from.get(), to.get()));
        }
    }

    /// How many seconds it is altogether.
    pub fn seconds(mut self) -> u64 {
        self.stretches.sort_unstable();
        let mut covered_to = 0;
        let mut seconds = 0;
        for (from, to) in self.stretches {
            seconds += u64::from(to.saturating_sub(from.max(covered_to)));
            covered_to = covered_to.max(to);
        }
        seconds
    }
}

/// One advert heard in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleSighting {
    /// When it was heard.
    pub time: UnixSeconds,
    /// The identifier it carried.
    pub rpi: Rpi,
    /// The encrypted metadata it carried.
    pub aem: Aem,
    /// Received signal strength in dBm, as the controller reported it.
    pub rssi: i8,
}

/// For how long was listened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Seconds of the period that scan cycles stand for.
    pub recorded_seconds: u64,
    /// Segments that are missing or could not be read, a lower bound where a whole page
    /// is lost; one more while days may be missing since the database was saved from
    /// damage.
    pub damaged_segments: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycle(started: u32, ended: u32, previous: Option<u32>, cut_short: bool) -> CycleHeader {
        CycleHeader {
            started: UnixSeconds::new(started),
            ended: UnixSeconds::new(ended),
            previous: previous.map(UnixSeconds::new),
            cut_short,
            after_gap: false,
        }
    }

    #[test]
    fn what_a_cycle_stands_for() {
        for (cycle, stands_for, why) in [
            (
                cycle(1000, 1004, Some(760), false),
                (760, 1004),
                "since the scan before",
            ),
            (
                cycle(1000, 1004, Some(700), false),
                (700, 1004),
                "300 s are the most",
            ),
            (
                cycle(1000, 1004, Some(699), false),
                (700, 1004),
                "301 s are too many",
            ),
            (
                cycle(1000, 1004, None, false),
                (1000, 1004),
                "nothing before it",
            ),
            (
                cycle(1000, 1002, Some(760), true),
                (1000, 1002),
                "cut short",
            ),
            (
                cycle(1000, 1004, Some(1500), false),
                (1000, 1004),
                "the clock went back",
            ),
            (
                cycle(100, 104, Some(0), false),
                (0, 104),
                "the beginning of time",
            ),
        ] {
            let (from, to) = cycle.stretch();
            assert_eq!((from.get(), to.get()), stands_for, "{why}");
        }
    }

    #[test]
    fn after_a_gap_a_cycle_stands_for_itself() {
        for (previous, cut_short) in [(Some(760), false), (Some(999), true), (None, false)] {
            let after_gap = CycleHeader {
                after_gap: true,
                ..cycle(1000, 1004, previous, cut_short)
            };
            let (from, to) = after_gap.stretch();
            assert_eq!((from.get(), to.get()), (1000, 1004));
        }
    }

    #[test]
    fn overlapping_stretches_count_once_and_only_within_the_period() {
        let seconds = |cycles: &[(u32, u32)]| {
            let mut listened = Listened::new(UnixSeconds::new(5), UnixSeconds::new(50));
            for (started, ended) in cycles {
                listened.push(&cycle(*started, *ended, None, false));
            }
            listened.seconds()
        };
        assert_eq!(seconds(&[]), 0);
        assert_eq!(seconds(&[(10, 20), (20, 30)]), 20);
        assert_eq!(seconds(&[(15, 40), (10, 20), (12, 14)]), 30);
        assert_eq!(seconds(&[(10, 20), (30, 40)]), 20);
        assert_eq!(seconds(&[(0, 10), (40, 90), (60, 70)]), 15);
    }
}
