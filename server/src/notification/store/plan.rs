//! How an export is filled up and split. Pure but for the randomness.

use gaen::diagnosis::ReportType;
use gaen::key::Tek;
use gaen::registration::{days_since_onset, infectious_window};
use gaen::time::{DAY_SECONDS, INTERVALS_PER_DAY, UtcDay};
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};

use super::{Row, Run};

/// How many keys a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Sizes {
    /// At least.
    pub(in super::super) min: usize,
    /// At most; at least twice as many.
    pub(in super::super) max: usize,
}

/// Random keys that fill `due` up to the least number of a file.
///
/// Each looks like one of those that are due, chosen at random, in all but its
/// bytes: day, period, report type and days since the onset are as common, and go
/// together as often, among the made-up keys as among the real ones.
pub(super) fn padding(due: &[Row], sizes: Sizes) -> Vec<Row> {
    let mut rng = UnwrapErr(SysRng);
    (due.len()..sizes.min)
        .filter_map(|_| {
            let like = due.get(below(due.len(), &mut rng)?)?;
            Some(Row {
                tek: Tek::generate(&mut rng).expose_bytes().to_vec(),
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
pub(super) fn is_due_all_the_same(run: &Run<'_>, newest_end: Option<i64>) -> bool {
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
pub(super) fn made_up(run: &Run<'_>) -> Vec<Row> {
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
    let rows = days.chain(
        of_today
            .filter(|&period| period > 0)
            .map(|period| (today, period)),
    );
    let mut rng = UnwrapErr(SysRng);
    rows.filter(|(day, period)| day.first_interval().saturating_add(*period) <= run.due)
        .map(|(day, period)| Row {
            tek: Tek::generate(&mut rng).expose_bytes().to_vec(),
            rolling_start: day.first_interval().get().into(),
            rolling_period: period.into(),
            report_type: ReportType::ConfirmedTest.number().into(),
            days_since_onset: Some(days_since_onset(date, day).into()),
        })
        .collect()
}

/// Splits `teks`, which are in order, into equal parts: where each part begins and
/// the next one does. The first begins at nothing, the last ends nowhere.
pub(super) fn split(teks: &[Vec<u8>], sizes: Sizes) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let count = teks.len().div_ceil(sizes.max).max(1);
    let begin = |part: usize| {
        let index = teks.len() * part / count;
        teks.get(index).cloned()
    };
    (0..count)
        .map(|part| {
            let from = if part == 0 { None } else { begin(part) };
            let to = if part + 1 == count {
                None
            } else {
                begin(part + 1)
            };
            (from.unwrap_or_default(), to)
        })
        .collect()
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

    fn row(byte: u8, start: i64) -> Row {
        Row {
            tek: vec![byte; 16],
            rolling_start: start,
            rolling_period: 144 - start % 2,
            report_type: 1,
            days_since_onset: Some(start),
        }
    }

    #[test]
    fn padding_looks_like_what_it_fills_up() {
        let sizes = Sizes {
            min: 3_000,
            max: 6_000,
        };
        // Twice as many keys of day 1 as of day 2.
        let due = [row(1, 1), row(2, 1), row(3, 2)];
        let padding = padding(&due, sizes);
        assert_eq!(padding.len(), 2_997);
        let mut count = BTreeMap::new();
        for key in &padding {
            assert_eq!(key.tek.len(), 16);
            assert_eq!(key.rolling_period, 144 - key.rolling_start % 2);
            assert_eq!(key.days_since_onset, Some(key.rolling_start));
            *count.entry(key.rolling_start).or_insert(0) += 1;
        }
        // 1998 and 999 are expected; ±130 is five standard deviations.
        assert!((1868..=2128).contains(&count[&1]), "{count:?}");
        assert_eq!(count[&1] + count[&2], 2_997);
        let different: BTreeSet<_> = padding.iter().map(|key| &key.tek).collect();
        assert_eq!(different.len(), 2_997);
        assert!(super::padding(&[], sizes).is_empty());
    }

    /// At any time of day, what is made up could be from a registration in the slot
    /// before: of one person, of days that are taken, and out of the embargo.
    #[test]
    fn a_made_up_person_could_be_one() {
        const PERIOD: u32 = 17_280;
        let mut periods = BTreeSet::new();
        for round in 0..2_000 {
            let now = UnixSeconds::new(1_597_449_600 + round * 131);
            let run = Run {
                holder: [1; 16],
                region: "440",
                now,
                period: PERIOD,
                due: publishable_until(now),
                sizes: Sizes { min: 1, max: 2 },
            };
            let rows = made_up(&run);
            assert!((2..=11).contains(&rows.len()), "{rows:?}");
            let mut dates = BTreeSet::new();
            let mut days = BTreeSet::new();
            for row in &rows {
                assert_eq!(row.rolling_start % 144, 0);
                assert!((1..=144).contains(&row.rolling_period));
                assert!(row.rolling_start + row.rolling_period <= i64::from(run.due.get()));
                let day = row.rolling_start / 144;
                let today = i64::from(now.utc_day().get());
                assert!((today - 14..=today).contains(&day));
                if row.rolling_period < 144 {
                    assert_eq!(day, today);
                    let ended = (row.rolling_start + row.rolling_period) * 600;
                    assert!(ended + 7_200 + i64::from(PERIOD) + 1_200 > now.get().into());
                }
                periods.insert(row.rolling_period);
                dates.insert(day - row.days_since_onset.unwrap());
                assert!(days.insert(day), "one key a day");
                assert!((-3..=10).contains(&row.days_since_onset.unwrap()));
            }
            assert_eq!(dates.len(), 1, "one person");
        }
        assert!(periods.len() > 30, "ends of today's key: {periods:?}");
    }

    #[test]
    fn every_slot_of_the_day_is_as_likely() {
        let run = |slot: u32| Run {
            holder: [1; 16],
            region: "440",
            now: UnixSeconds::new(1_597_449_600 + slot * 17_280),
            period: 17_280,
            due: publishable_until(UnixSeconds::new(1_597_449_600)),
            sizes: Sizes { min: 1, max: 2 },
        };
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
            let teks: Vec<_> = (0..count).map(|byte| vec![byte; 16]).collect();
            let parts = split(&teks, sizes);
            let sizes_of: Vec<usize> = parts
                .iter()
                .map(|(from, to)| {
                    let within =
                        |tek: &&Vec<u8>| *tek >= from && to.as_ref().is_none_or(|to| *tek < to);
                    teks.iter().filter(within).count()
                })
                .collect();
            assert_eq!(sizes_of.iter().sum::<usize>(), usize::from(count));
            assert!(
                sizes_of.iter().all(|size| (1..=4).contains(size)),
                "{count}: {sizes_of:?}"
            );
            if count >= 2 {
                assert!(
                    sizes_of.iter().all(|size| *size >= 2),
                    "{count}: {sizes_of:?}"
                );
            }
        }
        assert_eq!(split(&[], sizes).len(), 1);
    }
}
