//! The 処理番号: how they are drawn, and how hard guessing one is
//! (docs/management.md "How hard guessing is").

use gaen::registration::{DIGITS_WITHOUT_CHECK, ProcessingNumber, check_digit};
use zeroize::Zeroizing;

use super::keys::random;

/// What `numbers.guessing_per_day` counts in.
const MILLION: u64 = 1_000_000;

/// How many numbers of `digits` digits there are: the check digit follows from the others.
pub(super) fn count(digits: u8) -> u64 {
    let is_checked = usize::from(digits) > DIGITS_WITHOUT_CHECK;
    10_u64.saturating_pow(u32::from(digits) - u32::from(is_checked))
}

/// A random number of `digits` digits from the operating system's generator, all being
/// equally likely.
///
/// # Errors
/// [`getrandom::Error`] where it has none.
pub(super) fn draw(digits: u8) -> Result<ProcessingNumber, getrandom::Error> {
    let count = count(digits);
    // Random bits beyond the largest multiple of the count are drawn again, else small
    // numbers would be more likely.
    let fair_below = u64::MAX - u64::MAX % count;
    loop {
        let bits = Zeroizing::new(u64::from_le_bytes(random()?));
        if *bits >= fair_below {
            continue;
        }
        let len = usize::from(digits);
        let drawn = if len > DIGITS_WITHOUT_CHECK {
            len - 1
        } else {
            len
        };
        let mut text = Zeroizing::new(String::with_capacity(len));
        let value = Zeroizing::new(format!("{:0drawn$}", *bits % count));
        text.push_str(&value);
        if len > DIGITS_WITHOUT_CHECK {
            text.push(check_digit(&value));
        }
        if let Some(number) = ProcessingNumber::parse(&text) {
            return Ok(number);
        }
    }
}

/// What wrong numbers may cost within a day, so that all of them together hit a valid one
/// with a chance of at most `millionths`.
///
/// A wrong number costs as much as numbers were valid when it was tried: that over the
/// [count] of numbers is the chance with which it would have hit, and the sum of these
/// chances is at least the chance that any hits.
pub(super) fn guessing_budget(digits: u8, millionths: u32) -> u64 {
    count(digits) / MILLION * u64::from(millionths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_are_as_long_as_asked_and_even() {
        for digits in 8..=16 {
            let number = draw(digits).unwrap();
            assert_eq!(number.expose().len(), usize::from(digits));
        }
        for digits in [8, 12, 16] {
            let mut first_digits = [0_u32; 10];
            let mut last_digits = [0_u32; 10];
            for _ in 0..20_000 {
                let number = draw(digits).unwrap();
                let bytes = number.expose().as_bytes();
                first_digits[usize::from(bytes[0] - b'0')] += 1;
                last_digits[usize::from(bytes[bytes.len() - 1] - b'0')] += 1;
            }
            // 2000 each; a deviation of 6σ (σ = 42) does not happen.
            for counts in [first_digits, last_digits] {
                assert!(
                    counts.iter().all(|count| count.abs_diff(2000) < 255),
                    "{digits}: {counts:?}"
                );
            }
        }
    }

    #[test]
    fn the_guessing_budget_is_what_the_guide_says() {
        // docs/management.md "How hard guessing is": wrong numbers a day at 0.1 %.
        for (digits, live, wrong_per_day) in [
            (8, 1_000, 100),
            (12, 1_000, 100_000),
            (12, 801, 124_843),
            (12, 100_000, 1_000),
            (16, 100_000, 10_000_000),
        ] {
            let budget = guessing_budget(digits, 1_000);
            assert_eq!(budget / live, wrong_per_day, "{digits} {live}");
        }
        assert_eq!(count(8), 100_000_000);
        assert_eq!(count(9), 100_000_000);
        assert_eq!(count(16), 1_000_000_000_000_000);
    }
}
