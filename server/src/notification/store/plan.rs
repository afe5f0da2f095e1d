//! What is in an export, how it is filled up and split. Pure but for the randomness.

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::key::{KEY_LEN, Tek};
use gaen::registration::{days_since_onset, infectious_window};
use gaen::time::{DAY_SECONDS, INTERVALS_PER_DAY, Interval, UtcDay};
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};

use super::Run;
use crate::notification::rules::TRANSMISSION_RISK_LEVEL;

/// How many keys a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Sizes {
    /// At least.
    pub(in super::super) min: usize,
    /// At most; at least twice as many.
    pub(in super::super) max: usize,
}

/// One of so many parts of all keys, by their random bytes: everybody's are in any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Part {
    /// Which, from 0.
    pub(in super::super) index: u64,
    /// How many there are.
    pub(in super::super) of: u64,
}

impl Part {
    /// All of them.
    #[cfg(test)]
    pub(in super::super) const WHOLE: Self = Self { index: 0, of: 1 };

    pub(super) const fn is_first(self) -> bool {
        self.index == 0
    }

    pub(super) const fn is_last(self) -> bool {
        self.index + 1 == self.of
    }

    pub(super) fn holds(self, key: &DiagnosisKey) -> bool {
        let (first, _) = key.tek.expose_bytes().split_at(8);
        let place = first
            .iter()
            .fold(0, |all: u128, byte| all << 8 | u128::from(*byte));
        (place * u128::from(self.of)) >> 64 == u128::from(self.index)
    }
}

/// What makes two keys the same: bytes, start and period. In its order there is none.
pub(super) fn identity(key: &DiagnosisKey) -> ([u8; KEY_LEN], Interval, RollingPeriod) {
    (
        *key.tek.expose_bytes(),
        key.rolling_start,
        key.rolling_period,
    )
}

/// Those of `waiting` that are due in `run`, each once, and those that wait on, both in the
/// order of their bytes.
pub(super) fn due(
    run: &Run<'_>,
    mut waiting: Vec<DiagnosisKey>,
) -> (Vec<DiagnosisKey>, Vec<DiagnosisKey>) {
    let end = |key: &DiagnosisKey| key.rolling_start.saturating_add(key.rolling_period.get());
    waiting.retain(|key| end(key) >= run.oldest);
    waiting.sort_by_key(identity);
    let (mut due, later): (Vec<_>, Vec<_>) =
        waiting.into_iter().partition(|key| end(key) <= run.due);
    due.dedup_by_key(|key| identity(key));
    (due, later)
}

/// The files of the export that publishes `due`, which is in order; none where there is
/// nothing to publish and none is due all the same.
pub(super) fn files(
    run: &Run<'_>,
    due: Vec<DiagnosisKey>,
    newest_end: Option<i64>,
) -> Vec<Vec<DiagnosisKey>> {
    let mut keys = due;
    if keys.is_empty() && run.part.is_last() && is_due_all_the_same(run, newest_end) {
        keys = made_up(run);
    }
    if keys.is_empty() {
        return Vec::new();
    }
    keys.extend(padding(&keys, run.sizes));
    keys.sort_by_key(identity);
    split(keys, run.sizes)
}

/// Random keys that fill `due` up to the least number of a file.
///
/// Each looks like one of those that are due, chosen at random, in all but its
/// bytes: day, period, report type and days since the onset are as common, and go
/// together as often, among the made-up keys as among the real ones.
fn padding(due: &[DiagnosisKey], sizes: Sizes) -> Vec<DiagnosisKey> {
    let mut rng = UnwrapErr(SysRng);
    (due.len()..sizes.min)
        .filter_map(|_| {
            let like = due.get(below(due.len(), &mut rng)?)?;
            Some(DiagnosisKey {
                tek: Tek::generate(&mut rng),
                ..like.clone()
            })
        })
        .collect()
}

/// Whether an export is due although nothing is to be published, `newest_end` being
/// when the region's last one was made.
///
/// Devices are promised one a day. It comes at a random time, each slot of the day as
/// likely as any other, so that none can be told from others by when it is made.
fn is_due_all_the_same(run: &Run<'_>, newest_end: Option<i64>) -> bool {
    let Some(newest_end) = newest_end else {
        return true;
    };
    let a_day = (DAY_SECONDS / run.period.max(1)).max(1);
    // The clock may have been set back meanwhile.
    let since = (run.slot() - run.slot_of(newest_end)).max(1);
    // Slots that are left, with this one.
    let left = i64::from(a_day) - since + 1;
    match usize::try_from(left) {
        Ok(left) if left > 1 => below(left, &mut UnwrapErr(SysRng)) == Some(0),
        Ok(_) | Err(_) => true,
    }
}

/// The keys of a person who does not exist, as they would be due from a registration
/// since the slot before.
///
/// The onset was up to a week ago and is known, by symptoms or by a test; every
/// infectious day before today has its key, and so has today's beginning where it
/// ended long enough ago: clients replace the day's key as they send it.
fn made_up(run: &Run<'_>) -> Vec<DiagnosisKey> {
    let mut rng = UnwrapErr(SysRng);
    let mut draw = |bound: u32| {
        let drawn = usize::try_from(bound).map(|bound| below(bound, &mut rng));
        let drawn = drawn.ok().flatten().and_then(|it| u32::try_from(it).ok());
        drawn.unwrap_or_default()
    };
    let today = run.now.utc_day();
    // Never today: there would be no key.
    let date = today.saturating_sub(1 + draw(7));
    let (first, last) = infectious_window(draw(2) == 0, date);
    let last = last.min(today.saturating_sub(1));
    let slot_intervals = run.period.div_ceil(gaen::time::INTERVAL_SECONDS).max(1);
    let ended = run.due.saturating_sub(draw(slot_intervals));
    let of_today = ended.get().checked_sub(today.first_interval().get());
    let days = (first.get()..=last.get()).map(|day| (UtcDay::new(day), INTERVALS_PER_DAY));
    let days = days.chain(of_today.map(|period| (today, period)));
    let mut rng = UnwrapErr(SysRng);
    days.filter(|(day, period)| day.first_interval().saturating_add(*period) <= run.due)
        .filter_map(|(day, period)| {
            Some(DiagnosisKey {
                tek: Tek::generate(&mut rng),
                rolling_start: day.first_interval(),
                rolling_period: RollingPeriod::new(period).filter(|_| period > 0)?,
                transmission_risk_level: TRANSMISSION_RISK_LEVEL,
                report_type: ReportType::ConfirmedTest,
                days_since_onset: Some(days_since_onset(date, day)),
            })
        })
        .collect()
}

/// Splits `keys` into equal parts.
fn split(mut keys: Vec<DiagnosisKey>, sizes: Sizes) -> Vec<Vec<DiagnosisKey>> {
    let (len, count) = (keys.len(), keys.len().div_ceil(sizes.max).max(1));
    let mut parts: Vec<_> = (0..count)
        .rev()
        .map(|part| keys.split_off(len * part / count))
        .collect();
    parts.reverse();
    parts
}

/// A number below `bound`, each as likely as any other.
fn below(bound: usize, rng: &mut impl Rng) -> Option<usize> {
    let bound = u64::try_from(bound).ok().filter(|bound| *bound > 0)?;
    // Where the last, incomplete round of the bound begins.
    let end = u64::MAX - u64::MAX % bound;
    loop {
        let drawn = rng.next_u64();
        if drawn < end {
            return usize::try_from(drawn % bound).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use gaen::time::UnixSeconds;

    use super::*;
    use crate::notification::rules::publishable_until;

    fn key(byte: u8, start: u32) -> DiagnosisKey {
        DiagnosisKey {
            tek: Tek::from_bytes([byte; KEY_LEN]),
            rolling_start: Interval::new(start),
            rolling_period: RollingPeriod::new(144 - start % 2).unwrap(),
            transmission_risk_level: TRANSMISSION_RISK_LEVEL,
            report_type: ReportType::ConfirmedTest,
            days_since_onset: i32::try_from(start).ok(),
        }
    }

    fn run_at(now: UnixSeconds) -> Run<'static> {
        Run {
            holder: [1; 16],
            region: "440",
            now,
            period: 17_280,
            due: publishable_until(now),
            oldest: Interval::new(0),
            sizes: Sizes { min: 1, max: 2 },
            end: now,
            part: Part::WHOLE,
        }
    }

    #[test]
    fn each_key_is_in_one_of_equal_parts() {
        let of = 7;
        let mut counts = [0; 7];
        for _ in 0..14_000 {
            let key = DiagnosisKey {
                tek: Tek::generate(&mut UnwrapErr(SysRng)),
                ..key(1, 1)
            };
            let parts = (0..of).filter(|&index| Part { index, of }.holds(&key));
            let parts: Vec<_> = parts.collect();
            assert_eq!(parts.len(), 1);
            counts[usize::try_from(parts[0]).unwrap()] += 1;
        }
        // 2000 each are expected; ±207 is five standard deviations.
        assert!(
            counts.iter().all(|it| (1793..=2207).contains(it)),
            "{counts:?}"
        );
        for byte in [0, 255] {
            assert!(Part::WHOLE.holds(&key(byte, 1)));
        }
    }

    #[test]
    fn keys_are_due_once_in_their_time() {
        let now = UnixSeconds::new(1_597_449_600);
        let run = Run {
            due: Interval::new(2_000),
            oldest: Interval::new(1_000),
            ..run_at(now)
        };
        let waiting = [
            (9, 1_856),
            (3, 1_858),
            (1, 854),
            (2, 856),
            (9, 1_856),
            (5, 1_000),
        ];
        let waiting = waiting.map(|(byte, start)| key(byte, start));
        let (due, later) = due(&run, waiting.to_vec());
        let bytes = |keys: &[DiagnosisKey]| -> Vec<u8> {
            keys.iter().map(|key| key.tek.expose_bytes()[0]).collect()
        };
        assert_eq!((bytes(&due), bytes(&later)), (vec![2, 5, 9], vec![3]));
    }

    #[test]
    fn padding_looks_like_what_it_fills_up() {
        let sizes = Sizes {
            min: 3_000,
            max: 6_000,
        };
        // Twice as many keys of day 1 as of day 2.
        let due = [key(1, 1), key(2, 1), key(3, 2)];
        let padding = padding(&due, sizes);
        assert_eq!(padding.len(), 2_997);
        let mut count = BTreeMap::new();
        for key in &padding {
            let start = key.rolling_start.get();
            assert_eq!(key.rolling_period.get(), 144 - start % 2);
            assert_eq!(key.days_since_onset, i32::try_from(start).ok());
            *count.entry(start).or_insert(0) += 1;
        }
        // 1998 and 999 are expected; ±130 is five standard deviations.
        assert!((1868..=2128).contains(&count[&1]), "{count:?}");
        assert_eq!(count[&1] + count[&2], 2_997);
        let different: BTreeSet<_> = padding.iter().map(identity).collect();
        assert_eq!(different.len(), 2_997);
        assert!(super::padding(&[], sizes).is_empty());
    }

    /// At any time of day, what is made up could be from a registration in the slot
    /// before: of one person, of days that are taken, and out of the embargo.
    #[test]
    fn a_made_up_person_could_be_one() {
        let mut periods = BTreeSet::new();
        for round in 0..2_000 {
            let now = UnixSeconds::new(1_597_449_600 + round * 131);
            let run = run_at(now);
            let keys = made_up(&run);
            assert!((2..=11).contains(&keys.len()), "{keys:?}");
            let mut dates = BTreeSet::new();
            let mut days = BTreeSet::new();
            for key in &keys {
                let (start, period) = (key.rolling_start.get(), key.rolling_period.get());
                assert_eq!(start % 144, 0);
                assert!((1..=144).contains(&period));
                assert!(start + period <= run.due.get());
                let (day, today) = (start / 144, now.utc_day().get());
                assert!((today - 14..=today).contains(&day));
                if period < 144 {
                    assert_eq!(day, today);
                    let ended = (start + period) * 600;
                    assert!(ended + 7_200 + run.period + 1_200 > now.get());
                }
                periods.insert(period);
                let since = key.days_since_onset.unwrap();
                dates.insert(i32::try_from(day).unwrap() - since);
                assert!(days.insert(day), "one key a day");
                assert!((-3..=10).contains(&since));
            }
            assert_eq!(dates.len(), 1, "one person");
        }
        assert!(periods.len() > 30, "ends of today's key: {periods:?}");
    }

    #[test]
    fn every_slot_of_the_day_is_as_likely() {
        let run = |slot: u32| run_at(UnixSeconds::new(1_597_449_600 + slot * 17_280));
        let mut count = [0; 6];
        for _ in 0..5_000 {
            let newest = Some(1_597_449_600);
            let due = (1..=5).find(|&slot| is_due_all_the_same(&run(slot), newest));
            count[usize::try_from(due.unwrap()).unwrap()] += 1;
        }
        // 1000 each are expected; ±141 is five standard deviations.
        let each = &count[1..];
        assert!(each.iter().all(|it| (859..=1141).contains(it)), "{count:?}");
        assert!(is_due_all_the_same(&run(1), None), "the first");
        // After a standstill, at once.
        assert!(is_due_all_the_same(&run(50), Some(1_597_449_600)));
    }

    #[test]
    fn parts_are_equal_and_hold_everything_once() {
        let sizes = Sizes { min: 2, max: 4 };
        for count in 1..40_u8 {
            let keys: Vec<_> = (0..count).map(|byte| key(byte, 1)).collect();
            let parts = split(keys.clone(), sizes);
            let sizes_of: Vec<usize> = parts.iter().map(Vec::len).collect();
            assert_eq!(parts.concat(), keys);
            let least = usize::from(count.min(2));
            assert!(
                sizes_of.iter().all(|size| (least..=4).contains(size)),
                "{count}: {sizes_of:?}"
            );
        }
        assert_eq!(split(Vec::new(), sizes).len(), 1);
    }
}
