//! Which of very many sixteen-byte values may be among others: the quick question of
//! matching, answered by bits.

use crate::key::KEY_LEN;

/// Bits a value has in a bitmap, at least, up to the largest: so few are set that a
/// value which is not there is seldom taken for one that is.
const BITS_EACH: usize = 128;
/// The largest bitmap: 1 MiB, which stays in a processor's second-level cache.
const MAX_BITS: usize = 1 << 23;
const WORD_BITS: usize = 64;

/// The beginning of a value, by which it is known in a [`Filter`].
///
/// It is taken as it is, not hashed: whoever fills a filter by sending made-up RPIs
/// gains false answers, which cost time and change nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix(u64);

impl Prefix {
    /// That of `value`.
    pub(super) fn of(value: &[u8; KEY_LEN]) -> Self {
        let first = value.first_chunk().expect("16 bytes are more than 8");
        Self(u64::from_le_bytes(*first))
    }

    /// Other bits than those that the first bitmap goes by.
    const fn second(self) -> Self {
        Self(self.0 >> 32)
    }
}

/// A set of prefixes, in two bitmaps. Most values that are not in it are not in the
/// first; only those that are cost a look at the second.
pub(super) struct Filter {
    first: Bitmap,
    second: Bitmap,
}

impl Filter {
    /// An empty filter for about `count` prefixes; more make it less sharp.
    pub(super) fn with_room_for(count: usize) -> Self {
        Self {
            first: Bitmap::with_room_for(count),
            second: Bitmap::with_room_for(count),
        }
    }

    /// A filter of `prefixes`.
    pub(super) fn of(prefixes: impl ExactSizeIterator<Item = Prefix>) -> Self {
        let mut filter = Self::with_room_for(prefixes.len());
        prefixes.for_each(|prefix| filter.insert(prefix));
        filter
    }

    /// Adds `prefix`.
    pub(super) fn insert(&mut self, prefix: Prefix) {
        self.first.set(prefix);
        self.second.set(prefix.second());
    }

    /// Whether `prefix` may be in it. A yes may be wrong, a no is not.
    pub(super) fn may_contain(&self, prefix: Prefix) -> bool {
        self.first.bit(prefix) != 0 && self.second.bit(prefix.second()) != 0
    }

    /// The first of its bitmaps, where it can be looked up in by vector instructions, as
    /// all of them can be that are as large as the largest here.
    pub(super) fn first_bitmap(&self) -> Option<sesshoku_vector::Bitmap<'_>> {
        sesshoku_vector::Bitmap::new(&self.first.words)
    }

    /// Calls `found` with the place of each of `values` that may be in it.
    pub(super) fn find(&self, values: &[[u8; KEY_LEN]], mut found: impl FnMut(usize)) {
        // Eight at a time, without a branch for each: hardly any eight have one in it.
        let (eights, rest) = values.as_chunks::<8>();
        let mut look = |place, value| {
            if self.may_contain(Prefix::of(value)) {
                found(place);
            }
        };
        for (place, eight) in (0..).step_by(8).zip(eights) {
            let bits = eight
                .each_ref()
                .map(|value| self.first.bit(Prefix::of(value)));
            if bits.iter().fold(0, |any, bit| any | bit) != 0 {
                for (place, value) in (place..).zip(eight) {
                    look(place, value);
                }
            }
        }
        for (place, value) in (eights.len() * 8..).zip(rest) {
            look(place, value);
        }
    }
}

/// Bits by the lowest bits of a prefix.
struct Bitmap {
    /// A power of two of them.
    words: Vec<u64>,
}

impl Bitmap {
    fn with_room_for(count: usize) -> Self {
        let bits = count.saturating_mul(BITS_EACH).clamp(WORD_BITS, MAX_BITS);
        Self {
            words: vec![0; bits.next_power_of_two() / WORD_BITS],
        }
    }

    fn set(&mut self, prefix: Prefix) {
        let word = self.word_of(prefix);
        self.words[word] |= 1 << (prefix.0 % 64);
    }

    /// 1 where `prefix` is set, else 0.
    fn bit(&self, prefix: Prefix) -> u64 {
        self.words[self.word_of(prefix)] >> (prefix.0 % 64) & 1
    }

    /// An index of `words`: there is one at least.
    fn word_of(&self, prefix: Prefix) -> usize {
        // More bits than these do not fit where addresses have 32.
        let low = usize::try_from((prefix.0 / 64) & 0xffff_ffff).unwrap_or(0);
        low & (self.words.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_core::{Rng, SeedableRng};

    fn random(count: usize) -> Vec<[u8; KEY_LEN]> {
        let mut values = vec![[0; KEY_LEN]; count];
        ChaCha8Rng::seed_from_u64(1).fill_bytes(values.as_flattened_mut());
        values
    }

    #[test]
    fn few_values_that_are_not_in_it_are_found() {
        for count in [1, 1000, 100_000] {
            let values = random(count + 100_000);
            let (known, others) = values.split_at(count);
            let filter = Filter::of(known.iter().map(Prefix::of));
            let mut found = 0;
            filter.find(others, |_| found += 1);
            assert!(found < 50, "{found} of 100 000 for {count}");
        }
    }

    proptest! {
        #[test]
        fn every_value_that_is_in_it_is_found_at_its_place(
            bytes in prop::collection::vec(any::<[u8; KEY_LEN]>(), 0..50),
        ) {
            let filter = Filter::of(bytes.iter().step_by(3).map(Prefix::of));
            let mut found = Vec::new();
            filter.find(&bytes, |place| found.push(place));
            prop_assert!(found.is_sorted());
            for place in (0..bytes.len()).step_by(3) {
                prop_assert!(found.contains(&place));
            }
            for (place, value) in bytes.iter().enumerate() {
                prop_assert_eq!(filter.may_contain(Prefix::of(value)), found.contains(&place));
            }
        }
    }
}
