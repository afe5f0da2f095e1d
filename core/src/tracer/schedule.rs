//! When the next check is due.
//!
//! A result is only as good as the last complete check, and "no contact" may be
//! said for [`FRESH_FOR`] after it. So the next one begins well before that, at
//! a time drawn anew for every device and every day: devices neither storm the
//! server together nor can be told apart by the hour they come. After boot or
//! sleep a missed check is caught up with soon, and after a failure the waits
//! double, up to a quarter of a day.
//!
//! Waits are counted on the boot clock, which a person setting the time does
//! not move. The age of a result is a matter of the wall clock, so
//! [`Schedule::poll`] watches that too.

use std::time::Duration;

use gaen::time::UnixSeconds;
use rand_core::Rng;

pub use crate::time::FUTURE_TOLERANCE;
use crate::time::age;
use crate::time::{BootTime, Now};
pub use crate::verdict::FRESH_FOR;

/// Longest interval that may be configured. What is left of [`FRESH_FOR`] is for
/// the check itself and for a few retries.
pub const LONGEST_INTERVAL: Duration = Duration::from_hours(23);
/// Shortest interval that may be configured; exports come a few times a day.
pub const SHORTEST_INTERVAL: Duration = Duration::from_mins(15);
/// The interval unless configured otherwise.
pub const DEFAULT_INTERVAL: Duration = Duration::from_hours(22);

/// Wait for the network after boot or sleep, at least and at most.
const CATCH_UP: (Duration, Duration) = (Duration::from_secs(15), Duration::from_mins(5));
/// The wait after the first failure, at most; it is half that at least.
const FIRST_RETRY: Duration = Duration::from_mins(10);
/// The wait after many failures, at most; it is half that at least.
const LONGEST_RETRY: Duration = Duration::from_hours(6);
/// A due time that passed longer ago than this passed while the machine slept
/// or the daemon could not check.
const MISSED_AFTER: Duration = Duration::from_mins(10);

/// What is known of earlier checks when the daemon starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// When the last complete check ended.
    pub last_success: Option<UnixSeconds>,
    /// When the last check ended, complete or not.
    pub last_attempt: Option<UnixSeconds>,
}

impl History {
    /// Whether the last check failed.
    fn ended_in_failure(&self) -> bool {
        self.last_attempt.is_some() && self.last_attempt != self.last_success
    }
}

/// The time of the next check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    interval: Duration,
    /// When the next check is due.
    due: BootTime,
    /// When the last complete check ended; `None` if there was none.
    last_success: Option<UnixSeconds>,
    /// Failures since the last complete check.
    failures: u32,
}

impl Schedule {
    /// The schedule at the start of the daemon. `interval` is the longest time
    /// from one complete check to the next; it is held between
    /// [`SHORTEST_INTERVAL`] and [`LONGEST_INTERVAL`].
    pub fn start(interval: Duration, history: History, now: Now, rng: &mut impl Rng) -> Self {
        let mut schedule = Self {
            interval: interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL),
            due: now.boot,
            last_success: history.last_success,
            failures: 0,
        };
        let wait = if history.ended_in_failure() {
            schedule.failures = 1;
            let passed = history
                .last_attempt
                .and_then(|attempt| age(now.wall, attempt));
            passed.map(|passed| schedule.retry_wait(rng).saturating_sub(passed))
        } else {
            let passed = history
                .last_success
                .and_then(|success| age(now.wall, success));
            passed.map(|passed| schedule.regular_wait(rng).saturating_sub(passed))
        };
        let catch_up = catch_up_wait(rng);
        schedule.due = now
            .boot
            .after(wait.map_or(catch_up, |wait| wait.max(catch_up)));
        schedule
    }

    /// Whether a check is due at `now`. Otherwise ask again at [`Schedule::due`]
    /// at the latest, and whenever awake anyway: the wall clock may have been
    /// set, or the machine may have slept, and then `due` changes.
    pub fn poll(&mut self, now: Now, rng: &mut impl Rng) -> bool {
        if now.boot.since(self.due) > MISSED_AFTER || self.wall_clock_says_late(now) {
            self.due = now.boot.after(catch_up_wait(rng));
            return false;
        }
        now.boot >= self.due
    }

    /// When the next check is due, as far as is known now.
    pub const fn due(&self) -> BootTime {
        self.due
    }

    /// [`Schedule::due`] on the wall clock, for showing.
    pub fn due_wall(&self, now: Now) -> UnixSeconds {
        let wait = i32::try_from(self.due.since(now.boot).as_secs()).unwrap_or(i32::MAX);
        now.wall.saturating_add_signed(wait)
    }

    /// Plans the next check after a complete one that ended at `now`.
    pub fn succeeded(&mut self, now: Now, rng: &mut impl Rng) {
        self.failures = 0;
        self.last_success = Some(now.wall);
        self.due = now.boot.after(self.regular_wait(rng));
    }

    /// Plans the next try after one that failed at `now`.
    pub fn failed(&mut self, now: Now, rng: &mut impl Rng) {
        self.failures = self.failures.saturating_add(1);
        self.due = now.boot.after(self.retry_wait(rng));
    }

    /// Forgets all earlier checks, as after erasing: the next one comes soon.
    pub fn reset(&mut self, now: Now, rng: &mut impl Rng) {
        self.failures = 0;
        self.last_success = None;
        self.due = now.boot.after(catch_up_wait(rng));
    }

    /// Whether the last complete check is too old by the wall clock although the
    /// boot clock says there is time: the wall clock was set forward. Or whether
    /// it lies in the future: the wall clock was set back, and nobody can say
    /// how old it is. Neither changes the waits between failures.
    fn wall_clock_says_late(&self, now: Now) -> bool {
        let Some(success) = self.last_success else {
            return false;
        };
        let overdue = age(now.wall, success).is_none_or(|age| age > self.interval);
        self.failures == 0 && overdue && self.due.since(now.boot) > CATCH_UP.1
    }

    /// The whole interval, less a random part of up to a tenth.
    fn regular_wait(&self, rng: &mut impl Rng) -> Duration {
        between(self.interval - self.interval / 10, self.interval, rng)
    }

    /// Doubles with every failure; the upper half of each wait is random.
    fn retry_wait(&self, rng: &mut impl Rng) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        let longest = FIRST_RETRY
            .saturating_mul(1 << doublings)
            .min(LONGEST_RETRY)
            .min(self.interval);
        between(longest / 2, longest, rng)
    }
}

fn catch_up_wait(rng: &mut impl Rng) -> Duration {
    between(CATCH_UP.0, CATCH_UP.1, rng)
}

/// A random duration in `[from, to]`, to the millisecond. The tiny bias of the
/// remainder does not matter here.
pub(super) fn between(from: Duration, to: Duration, rng: &mut impl Rng) -> Duration {
    let span = u64::try_from(to.saturating_sub(from).as_millis()).unwrap_or(u64::MAX - 1);
    from + Duration::from_millis(rng.next_u64() % (span + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;

    const START: u32 = 1_600_000_000;
    const HOUR: Duration = Duration::from_hours(1);

    /// A machine whose clocks the test moves.
    struct Machine {
        now: Now,
        rng: ChaCha8Rng,
        schedule: Schedule,
        history: History,
    }

    impl Machine {
        fn new(seed: u64, history: History) -> Self {
            let now = now(START, 0);
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let schedule = Schedule::start(DEFAULT_INTERVAL, history, now, &mut rng);
            Self {
                now,
                rng,
                schedule,
                history,
            }
        }

        fn pass(&mut self, time: Duration) {
            self.now.boot = self.now.boot.after(time);
            let seconds = i32::try_from(time.as_secs()).unwrap();
            self.now.wall = self.now.wall.saturating_add_signed(seconds);
        }

        /// Lets time pass in steps of at most `step` until a check is due, at
        /// most `limit`. Returns how long it took.
        fn until_due(&mut self, step: Duration, limit: Duration) -> Option<Duration> {
            let start = self.now.boot;
            while self.now.boot.since(start) <= limit {
                if self.schedule.poll(self.now, &mut self.rng) {
                    return Some(self.now.boot.since(start));
                }
                let left = self.schedule.due().since(self.now.boot);
                // Whole seconds, so that both clocks agree.
                let left = Duration::from_secs(left.as_secs() + 1);
                self.pass(left.min(step));
            }
            None
        }

        fn succeed(&mut self) {
            self.history.last_attempt = Some(self.now.wall);
            self.history.last_success = Some(self.now.wall);
            self.schedule.succeeded(self.now, &mut self.rng);
        }

        fn fail(&mut self) {
            self.history.last_attempt = Some(self.now.wall);
            self.schedule.failed(self.now, &mut self.rng);
        }

        fn reboot(&mut self) {
            self.now.boot = BootTime::new(Duration::ZERO);
            self.schedule =
                Schedule::start(DEFAULT_INTERVAL, self.history, self.now, &mut self.rng);
        }
    }

    fn now(wall: u32, boot: u64) -> Now {
        Now {
            wall: UnixSeconds::new(wall),
            boot: BootTime::new(Duration::from_secs(boot)),
        }
    }

    #[test]
    fn the_first_check_comes_soon() {
        let mut machine = Machine::new(1, History::default());
        let waited = machine.until_due(HOUR, HOUR).unwrap();
        assert!(waited >= CATCH_UP.0 && waited <= CATCH_UP.1 + Duration::from_secs(1));
    }

    #[test]
    fn checks_spread_over_two_hours_of_the_day() {
        let waits: Vec<_> = (0..200)
            .map(|seed| {
                let mut machine = Machine::new(seed, History::default());
                machine.succeed();
                machine.until_due(HOUR, FRESH_FOR).unwrap()
            })
            .collect();
        let shortest = *waits.iter().min().unwrap();
        let longest = *waits.iter().max().unwrap();
        assert!(shortest >= Duration::from_hours(19) && longest <= Duration::from_hours(23));
        assert!(longest - shortest > HOUR, "{shortest:?} to {longest:?}");
    }

    #[test]
    fn a_reboot_keeps_the_rest_of_the_wait() {
        let mut machine = Machine::new(3, History::default());
        machine.succeed();
        machine.pass(10 * HOUR);
        machine.reboot();
        let waited = machine.until_due(HOUR, FRESH_FOR).unwrap();
        assert!(waited > 9 * HOUR && waited < 13 * HOUR, "{waited:?}");
    }

    #[test]
    fn a_reboot_does_not_shorten_the_wait_after_a_failure_below_the_first_step() {
        let mut machine = Machine::new(4, History::default());
        machine.fail();
        machine.reboot();
        let waited = machine.until_due(HOUR, FRESH_FOR).unwrap();
        assert!(waited >= FIRST_RETRY / 2, "{waited:?}");
    }

    #[test]
    fn a_long_sleep_is_caught_up_with_soon_but_not_at_once() {
        let mut machine = Machine::new(5, History::default());
        machine.succeed();
        machine.pass(40 * HOUR);
        assert!(!machine.schedule.poll(machine.now, &mut machine.rng));
        let waited = machine.until_due(HOUR, HOUR).unwrap();
        assert!(waited >= CATCH_UP.0 && waited <= CATCH_UP.1 + Duration::from_secs(1));
    }

    #[test]
    fn a_wall_clock_set_forward_or_back_brings_the_check_soon() {
        for jump in [12 * 3600, -5 * 3600] {
            let mut machine = Machine::new(6, History::default());
            machine.succeed();
            machine.pass(11 * HOUR);
            let back_before_success = if jump < 0 { -11 * 3600 } else { 0 };
            machine.now.wall = machine
                .now
                .wall
                .saturating_add_signed(jump + back_before_success);
            let waited = machine.until_due(HOUR, HOUR).unwrap();
            assert!(waited <= CATCH_UP.1 + Duration::from_secs(1), "{jump}");
            machine.succeed();
            assert!(machine.until_due(HOUR, 19 * HOUR).is_none(), "{jump}");
        }
    }

    #[test]
    fn small_corrections_of_the_wall_clock_change_nothing() {
        for jump in [-3600, -60, 60, 3600] {
            let mut machine = Machine::new(7, History::default());
            machine.succeed();
            let due = machine.schedule.due();
            machine.now.wall = machine.now.wall.saturating_add_signed(jump);
            assert!(!machine.schedule.poll(machine.now, &mut machine.rng));
            assert_eq!(machine.schedule.due(), due);
        }
    }

    #[test]
    fn waits_between_failures_grow_to_a_quarter_of_a_day() {
        let mut machine = Machine::new(8, History::default());
        let mut waits = Vec::new();
        for _ in 0..40 {
            machine.until_due(HOUR, FRESH_FOR).unwrap();
            machine.fail();
            waits.push(machine.schedule.due().since(machine.now.boot));
        }
        assert!(waits[0] >= FIRST_RETRY / 2 && waits[0] <= FIRST_RETRY);
        assert!(waits[39] >= LONGEST_RETRY / 2);
        assert!(waits.iter().all(|wait| *wait <= LONGEST_RETRY));
    }

    #[test]
    fn a_configured_interval_is_held_within_bounds() {
        let history = History {
            last_success: Some(UnixSeconds::new(START)),
            last_attempt: Some(UnixSeconds::new(START)),
        };
        for (interval, longest) in [
            (Duration::ZERO, SHORTEST_INTERVAL),
            (Duration::MAX, LONGEST_INTERVAL),
        ] {
            let mut rng = ChaCha8Rng::seed_from_u64(9);
            let schedule = Schedule::start(interval, history, now(START, 0), &mut rng);
            let wait = schedule.due().since_boot();
            assert!(wait <= longest && wait >= longest / 2, "{wait:?}");
        }
    }

    proptest! {
        /// Three weeks of a device whose checks take up to half an hour and now
        /// and then fail once: the last success is never older than a day.
        #[test]
        fn a_healthy_device_never_becomes_unknown(
            seed: u64,
            steps in proptest::collection::vec((0u64..1800, any::<bool>(), 60u64..600), 22..40),
        ) {
            let mut machine = Machine::new(seed, History::default());
            machine.until_due(HOUR, HOUR).unwrap();
            machine.succeed();
            for (takes, fails_once, nap) in steps {
                let nap = Duration::from_secs(nap);
                machine.until_due(nap, FRESH_FOR).unwrap();
                if fails_once {
                    machine.fail();
                    machine.until_due(nap, FRESH_FOR).unwrap();
                }
                machine.pass(Duration::from_secs(takes));
                let old = age(machine.now.wall, machine.history.last_success.unwrap()).unwrap();
                prop_assert!(old <= FRESH_FOR, "{old:?}");
                machine.succeed();
            }
        }

        /// Whatever happens, a day never passes without a try, and tries are never
        /// closer together than a catch-up.
        #[test]
        fn no_day_without_a_try_and_no_storm(
            seed: u64,
            steps in proptest::collection::vec((0u8..5, -2_000_000i32..2_000_000, 1u64..200_000), 1..60),
        ) {
            let mut machine = Machine::new(seed, History::default());
            for (what, jump, time) in steps {
                match what {
                    0 => machine.succeed(),
                    1 | 2 => machine.fail(),
                    3 => machine.reboot(),
                    _ => machine.now.wall = machine.now.wall.saturating_add_signed(jump),
                }
                let waited = machine.until_due(Duration::from_mins(5), FRESH_FOR);
                let waited = waited.expect("a try within a day");
                prop_assert!(what == 4 || waited >= CATCH_UP.0, "{waited:?}");
                machine.fail();
                // Asleep for a while.
                machine.pass(Duration::from_secs(time));
            }
        }
    }
}
