//! Scores as whole numbers, so that neither the order of windows nor binary fractions
//! decide whether a day is a contact.
//!
//! Weights are decimal: 130 % is written 1.3, which a binary fraction only comes near,
//! and 1350 points made of several such products would come out a hair below 1350.

use core::iter::Sum;
use core::ops::Add;

/// Parts of a weight of 1. COCOA's weights are hundredths; this leaves room for four
/// more decimals.
const PER_WEIGHT: f64 = 1e6;
/// Parts of a point, of a score: three weights are multiplied.
const PER_POINT: u128 = 1_000_000_000_000_000_000;

/// A factor of a score, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weight(u128);

impl Weight {
    /// A weight of 1.
    pub(crate) const ONE: Self = Self(1_000_000);

    /// The weight nearest to `weight`; below 0, or no number, is 0.
    pub(crate) fn of(weight: f64) -> Self {
        Self(whole(weight * PER_WEIGHT))
    }
}

/// A number of points: seconds times three weights, exactly. Held at the greatest
/// number there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Score(u128);

impl Score {
    /// `seconds` times `weights`.
    pub(crate) fn new(seconds: u64, weights: [Weight; 3]) -> Self {
        let score = weights
            .into_iter()
            .fold(u128::from(seconds), |score, Weight(weight)| {
                score.saturating_mul(weight)
            });
        Self(score)
    }

    /// The score of `points`, to a millionth.
    pub(crate) fn of(points: f64) -> Self {
        let per_millionth = PER_POINT / Weight::ONE.0;
        Self(whole(points * PER_WEIGHT).saturating_mul(per_millionth))
    }

    /// Points, as the nearest number to be shown.
    pub(crate) fn points(self) -> f64 {
        // Apart, for the sum's digits are more than a floating-point number has.
        #[expect(
            clippy::as_conversions,
            reason = "there is no From for integers of this size"
        )]
        let (whole, rest) = ((self.0 / PER_POINT) as f64, (self.0 % PER_POINT) as f64);
        whole + rest / 1e18
    }
}

impl Add for Score {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Score {
    fn sum<I: Iterator<Item = Self>>(scores: I) -> Self {
        scores.fold(Self::default(), Add::add)
    }
}

/// `number` rounded to a whole one, held at the ends of the range.
fn whole(number: f64) -> u128 {
    #[expect(
        clippy::as_conversions,
        reason = "there is no TryFrom from floating point; this one saturates"
    )]
    let whole = number.round() as u128;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (weight, parts) in [
            (0.0, 0),
            (0.01, 10_000),
            (0.1, 100_000),
            (1.0, 1_000_000),
            (1.3, 1_300_000),
            (2.5, 2_500_000),
            (-1.0, 0),
            (f64::NAN, 0),
            (f64::INFINITY, u128::MAX),
        ] {
            assert_eq!(Weight::of(weight), Weight(parts), "{weight}");
        }
        for points in [0.0, 0.01, 1343.64, 1350.0, 216_000.0] {
            assert_eq!(Score::of(points).points(), points);
        }
        let [three, tenth] = [Weight::of(0.3), Weight::of(0.1)];
        let sum = Score::new(1, [three; 3]);
        assert_eq!(sum.points(), 0.027);
        let thrice: Score = (0..3)
            .map(|_| Score::new(1, [tenth, Weight::ONE, Weight::ONE]))
            .sum();
        assert_eq!(thrice, Score::of(0.3));
    }

    #[test]
    fn the_greatest_is_held() {
        let most = Score::new(u64::MAX, [Weight::of(f64::MAX); 3]);
        assert_eq!(most + most, Score(u128::MAX));
        assert!(Score::of(f64::MAX) >= Score::of(1350.0));
    }
}
