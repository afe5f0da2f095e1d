//! The 処理番号.

use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use super::keys::random;

/// How many numbers there are: eight digits.
const COUNT: u32 = 100_000_000;
/// The largest multiple of [`COUNT`] in 32 bits. Random bits from there on are drawn
/// again, else small numbers would be more likely.
const FAIR_BELOW: u32 = u32::MAX - u32::MAX % COUNT;

/// A 処理番号: exactly eight digits, meaningless (docs/protocol.md §8). It is wiped when
/// dropped and not shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ProcessingNumber(Zeroizing<String>);

/// The text is not eight ASCII digits.
#[derive(Debug, thiserror::Error)]
#[error("a processing number has exactly eight digits")]
pub(super) struct NotANumber;

impl ProcessingNumber {
    /// A random number from the operating system's generator, all being equally likely.
    ///
    /// # Errors
    /// [`getrandom::Error`] where it has none.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        loop {
            let bits = u32::from_le_bytes(random()?);
            if bits < FAIR_BELOW {
                return Ok(Self(Zeroizing::new(format!("{:08}", bits % COUNT))));
            }
        }
    }

    /// The digits.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProcessingNumber {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        if !gaen::registration::is_processing_number(text) {
            return Err(NotANumber);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for ProcessingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProcessingNumber(…)")
    }
}

/// The chance that somebody who tries as many wrong numbers as the bound lets them,
/// hits one of `live` valid numbers within `hours` hours, with every number valid
/// throughout. It is an upper bound: the sum of the chances of all tries. The bound
/// counts in hours of the clock, so that `hours` hours touch one more.
pub(super) fn guessing_chance(wrong_per_hour: u32, hours: u32, live: u32) -> f64 {
    let tries = f64::from(wrong_per_hour) * f64::from(hours.saturating_add(1));
    (tries * f64::from(live) / f64::from(COUNT)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_are_eight_digits_and_even() {
        let numbers: Vec<_> = (0..20_000)
            .map(|_| ProcessingNumber::random().unwrap())
            .collect();
        let mut first_digits = [0_u32; 10];
        for number in &numbers {
            assert!(number.expose().parse::<ProcessingNumber>().is_ok());
            first_digits[usize::from(number.expose().as_bytes()[0] - b'0')] += 1;
        }
        // 2000 each; a deviation of 6σ (σ = 42) does not happen.
        assert!(
            first_digits.iter().all(|count| count.abs_diff(2000) < 255),
            "{first_digits:?}"
        );
        assert_eq!(FAIR_BELOW, 4_200_000_000);
        assert_eq!(format!("{:?}", numbers[0]), "ProcessingNumber(…)");
    }

    #[test]
    fn the_guessing_bound_is_what_the_guide_says() {
        // docs/management.md "How hard guessing is"
        for (wrong, live, chance) in [
            (20, 1, 5e-6),
            (20, 1_000, 0.005),
            (100, 1_000, 0.025),
            (100, 10_000, 0.25),
        ] {
            let bound = guessing_chance(wrong, 24, live);
            assert!((bound - chance).abs() < 1e-12, "{wrong} {live}: {bound}");
        }
        assert!((guessing_chance(u32::MAX, 24, u32::MAX) - 1.0).abs() < f64::EPSILON);
    }
}
