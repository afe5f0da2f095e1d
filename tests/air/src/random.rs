//! One seeded source of chance, so that a run can be repeated.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::Moment;
use crate::address::Address;

/// The generator everything here draws from.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// A generator that always repeats itself for the same `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A fresh non-resolvable private address.
    pub fn address(&mut self) -> Address {
        Address::non_resolvable(self.bytes())
    }

    /// A time from zero up to and without `limit`.
    pub fn time_below(&mut self, limit: Moment) -> Moment {
        let limit = u64::try_from(limit.as_micros()).unwrap_or(u64::MAX).max(1);
        Moment::from_micros(self.0.next_u64() % limit)
    }

    /// A whole number from `-spread` to `spread`.
    pub fn within(&mut self, spread: u8) -> i16 {
        let values = u32::from(spread) * 2 + 1;
        let value = i16::try_from(self.0.next_u32() % values)
            .expect("at most 510, as the spread is an octet");
        value - i16::from(spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_reached_on_both_sides_and_never_left() {
        let mut random = Random::seeded(1);
        let drawn: Vec<i16> = (0..1000).map(|_| random.within(2)).collect();
        assert_eq!(drawn.iter().min(), Some(&-2));
        assert_eq!(drawn.iter().max(), Some(&2));
        assert_eq!(random.within(0), 0);
    }
}
