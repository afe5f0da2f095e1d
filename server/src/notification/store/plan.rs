//! How an export is filled up and split. Pure but for the randomness.

use gaen::key::Tek;
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};

use super::Row;

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

    use super::*;

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
