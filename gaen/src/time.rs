//! Time as the protocol counts it: seconds since the Unix epoch, ten-minute
//! intervals (ENIN), UTC days.
//!
//! Nothing here reads a clock: every value comes from the caller.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Seconds in one ENIN interval (docs/protocol.md §1).
pub const INTERVAL_SECONDS: u32 = 600;
/// Intervals in one UTC day, and the longest rolling period of a key (docs/protocol.md §1).
pub const INTERVALS_PER_DAY: u32 = 144;
/// Seconds in a UTC day; Unix time has no leap seconds.
pub const DAY_SECONDS: u32 = 86_400;

/// A wall-clock instant in whole seconds since 1970-01-01T00:00:00Z.
///
/// 32 bits last until the year 2106, and make every value a valid one: no
/// arithmetic on it can leave the range in which an [`Interval`] exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(u32);

impl UnixSeconds {
    /// The instant `seconds` after the epoch.
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The instant `seconds` after the epoch, or `None` before 1970 and after 2106.
    pub fn from_i64(seconds: i64) -> Option<Self> {
        u32::try_from(seconds).ok().map(Self)
    }

    /// The earliest time that a clock can rightly show: 2020-01-01T00:00:00Z. Nothing of
    /// this existed before, and a clock that shows less was never set.
    pub const EARLIEST_PLAUSIBLE: Self = Self(1_577_836_800);

    /// Whether a clock that shows this can be right ([`Self::EARLIEST_PLAUSIBLE`]).
    pub const fn is_plausible(self) -> bool {
        self.0 >= Self::EARLIEST_PLAUSIBLE.0
    }

    /// Seconds since the epoch.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The interval this instant lies in.
    pub const fn interval(self) -> Interval {
        Interval(self.0 / INTERVAL_SECONDS)
    }

    /// The UTC day this instant lies in.
    pub const fn utc_day(self) -> UtcDay {
        UtcDay(self.0 / DAY_SECONDS)
    }

    /// Whole seconds from `earlier` to `self`, negative when `self` is the earlier one.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        i64::from(self.0) - i64::from(earlier.0)
    }

    /// This instant moved by `seconds`, held at the ends of the range.
    pub const fn saturating_add_signed(self, seconds: i32) -> Self {
        Self(self.0.saturating_add_signed(seconds))
    }
}

/// An Exposure Notification interval number (ENIN): `floor(unix seconds / 600)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Interval(u32);

impl Interval {
    /// Interval number `number`.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The interval number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The instant the interval begins, held at the end of [`UnixSeconds`]' range.
    pub const fn start(self) -> UnixSeconds {
        UnixSeconds(self.0.saturating_mul(INTERVAL_SECONDS))
    }

    /// The UTC day the interval lies in.
    pub const fn utc_day(self) -> UtcDay {
        UtcDay(self.0 / INTERVALS_PER_DAY)
    }

    /// The interval `count` after this one, held at `u32::MAX`.
    pub const fn saturating_add(self, count: u32) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// The interval `count` before this one, held at 0.
    pub const fn saturating_sub(self, count: u32) -> Self {
        Self(self.0.saturating_sub(count))
    }

    /// How many intervals lie between the two, in either direction.
    pub const fn abs_diff(self, other: Self) -> u32 {
        self.0.abs_diff(other.0)
    }
}

/// A UTC calendar day, counted from 1970-01-01.
///
/// `Display` writes it as `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcDay(u32);

impl UtcDay {
    /// The day `days` after 1970-01-01.
    pub const fn new(days: u32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// 00:00 UTC of this day, held at the end of [`UnixSeconds`]' range.
    pub const fn start(self) -> UnixSeconds {
        UnixSeconds(self.0.saturating_mul(DAY_SECONDS))
    }

    /// The first interval of this day: the `rolling_start` of a key made on it.
    pub const fn first_interval(self) -> Interval {
        Interval(self.0.saturating_mul(INTERVALS_PER_DAY))
    }

    /// The day `days` later, held at `u32::MAX`.
    pub const fn saturating_add(self, days: u32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// The day `days` earlier, held at 1970-01-01.
    pub const fn saturating_sub(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days))
    }

    /// Year, month (1–12) and day of the month (1–31) in the Gregorian calendar, held
    /// at the last day the calculation has room for, some 11 million years away.
    pub const fn civil(self) -> (u32, u32, u32) {
        // Counting years from 1 March puts the leap day at the year's end, so
        // that month lengths follow one linear formula.
        let from_march_0000 = self.0.saturating_add(719_468);
        let era = from_march_0000 / 146_097;
        let day_of_era = from_march_0000 % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 {
            march_month + 3
        } else {
            march_month - 9
        };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }
}

impl fmt::Display for UtcDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_and_days_of_instants() {
        // The first interval of google-internals.json.
        assert_eq!(UnixSeconds::new(1_585_785_600).interval().get(), 2_642_976);
        for (seconds, interval, day) in [
            (0, 0, 0),
            (599, 0, 0),
            (600, 1, 0),
            (86_399, 143, 0),
            (86_400, 144, 1),
            (u32::MAX, 7_158_278, 49_710),
        ] {
            let instant = UnixSeconds::new(seconds);
            assert_eq!(instant.interval(), Interval::new(interval));
            assert_eq!(instant.utc_day(), UtcDay::new(day));
            assert_eq!(instant.interval().utc_day(), UtcDay::new(day));
            assert!(instant.interval().start() <= instant);
            assert!(instant.utc_day().start() <= instant);
        }
    }

    #[test]
    fn arithmetic_holds_at_the_ends() {
        assert_eq!(Interval::new(u32::MAX).saturating_add(1).get(), u32::MAX);
        assert_eq!(Interval::new(3).saturating_sub(4).get(), 0);
        assert_eq!(Interval::new(u32::MAX).start().get(), u32::MAX);
        assert_eq!(UtcDay::new(u32::MAX).start().get(), u32::MAX);
        assert_eq!(UtcDay::new(u32::MAX).first_interval().get(), u32::MAX);
        assert_eq!(UnixSeconds::from_i64(-1), None);
        assert_eq!(UnixSeconds::from_i64(1 << 32), None);
        assert_eq!(UnixSeconds::new(5).seconds_since(UnixSeconds::new(7)), -2);
        assert_eq!(UnixSeconds::new(5).saturating_add_signed(-7).get(), 0);
    }

    #[test]
    fn days_are_written_as_dates() {
        for (day, date) in [
            (0, "1970-01-01"),
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (18_475, "2020-08-01"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
            (49_710, "2106-02-07"),
        ] {
            assert_eq!(UtcDay::new(day).to_string(), date);
        }
        // Further than any instant reaches, but still no panic.
        assert!(!UtcDay::new(u32::MAX).to_string().is_empty());
    }
}
