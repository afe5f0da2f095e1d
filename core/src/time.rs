//! Time, as the core sees it: readings of two clocks, never a clock.

use std::time::Duration;

use gaen::time::UnixSeconds;

/// An instant on the clock that counts from boot and includes suspend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootTime(Duration);

impl BootTime {
    /// The instant `since_boot` after boot.
    pub const fn new(since_boot: Duration) -> Self {
        Self(since_boot)
    }

    /// Time since boot.
    pub const fn since_boot(self) -> Duration {
        self.0
    }

    /// The instant `later` from this one.
    pub const fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// Time from `earlier` to this instant, zero when it is not earlier.
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The wall clock.
    pub wall: UnixSeconds,
    /// The boot clock.
    pub boot: BootTime,
}

/// Who says that the wall clock is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voucher {
    /// Nobody: it may show anything.
    Nobody,
    /// The kernel: something keeps it synchronised.
    Synchronisation,
    /// It is simulated, and right by definition.
    Simulation,
}

/// A reading of both clocks, with who vouches for the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The wall clock.
    pub wall: UnixSeconds,
    /// The boot clock.
    pub boot: BootTime,
    /// Who says that the wall clock is right.
    pub voucher: Voucher,
}

impl Look {
    /// Whether anybody says that the wall clock is right.
    pub fn is_vouched(&self) -> bool {
        self.voucher != Voucher::Nobody
    }
}

/// How far a wall-clock time may lie in the future before it is disbelieved:
/// the clock drift the protocol allows everywhere else (docs/protocol.md §3).
pub const FUTURE_TOLERANCE: Duration = Duration::from_hours(2);

/// The time from `then` to `now`, `None` when `then` is too far in the future to
/// be a clock that was corrected a little.
pub fn age(now: UnixSeconds, then: UnixSeconds) -> Option<Duration> {
    let seconds = now.seconds_since(then);
    match u64::try_from(seconds) {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) if seconds.unsigned_abs() <= FUTURE_TOLERANCE.as_secs() => Some(Duration::ZERO),
        Err(_) => None,
    }
}
