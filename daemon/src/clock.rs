//! Two clocks: the wall clock, which may jump, and the time since boot, which
//! counts suspend and never does.
//!
//! Protocol times (ENIN, sightings, days) are wall times; intervals between the
//! daemon's own actions are boot times.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gaen::time::UnixSeconds;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{self, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time::{ClockId, clock_gettime};
use sesshoku_core::time::{BootTime, Now, Voucher};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::config::Bus;
use crate::vouch;

/// A source of time: the machine's, or a simulated radio's.
pub trait Clock: Clone + 'static {
    /// Both clocks, now.
    fn now(&self) -> Now;

    /// Who says that the wall clock is right, now.
    fn voucher(&self) -> impl Future<Output = Voucher>;

    /// Resolves at `deadline`. On a simulated clock it never does: there the
    /// radio moves the time and reports that it passed.
    fn sleep_until(&self, deadline: BootTime) -> impl Future<Output = ()>;

    /// Whether time only moves when the radio moves it.
    fn is_simulated(&self) -> bool;
}

/// Both of the machine's clocks, now.
pub fn system_now() -> Now {
    let wall = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| u32::try_from(since.as_secs()).ok())
        // Before 1970 and after 2106 there is no protocol time; the core treats
        // the epoch as a clock that is not set.
        .unwrap_or(0);
    let boot = clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(Duration::ZERO, Duration::from);
    Now {
        wall: UnixSeconds::new(wall),
        boot: BootTime::new(boot),
    }
}

/// A timer on CLOCK_BOOTTIME.
#[derive(Debug)]
struct BootTimer(TimerFd);

// `AsyncFd` asks for both.
impl AsRawFd for BootTimer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl AsFd for BootTimer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The machine's clocks, with one timer.
#[derive(Clone, Debug)]
pub struct SystemClock {
    // tokio's own timers stand still during suspend; this one does not.
    timer: Arc<AsyncFd<BootTimer>>,
}

impl SystemClock {
    /// The clocks, with a timer on the tokio runtime of the caller.
    ///
    /// # Errors
    /// When the kernel gives no timer.
    pub fn new() -> io::Result<Self> {
        let timer = TimerFd::new(
            timerfd::ClockId::CLOCK_BOOTTIME,
            TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC,
        )?;
        // SAFETY: a `BootTimer` owns its descriptor and names the same one for as
        // long as it lives.
        let timer =
            unsafe { AsyncFd::register_with_interest(BootTimer(timer), Interest::READABLE) }?;
        Ok(Self {
            timer: Arc::new(timer),
        })
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        system_now()
    }

    async fn voucher(&self) -> Voucher {
        vouch::of_system_clock(&Bus::System).await
    }

    async fn sleep_until(&self, deadline: BootTime) {
        // An expiration of zero would disarm the timer.
        let deadline = deadline.since_boot().max(Duration::from_nanos(1));
        let expiration = Expiration::OneShot(TimeSpec::from_duration(deadline));
        if let Err(error) = self
            .timer
            .get_ref()
            .0
            .set(expiration, TimerSetTimeFlags::TFD_TIMER_ABSTIME)
        {
            tracing::error!(%error, "could not set the timer");
            return tokio::time::sleep(Duration::from_secs(1)).await;
        }
        loop {
            match self.timer.readable().await {
                Ok(mut ready) => ready.clear_ready(),
                Err(error) => {
                    tracing::error!(%error, "could not wait for the timer");
                    return tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            // The readiness may be an earlier timer's.
            if system_now().boot.since_boot() >= deadline {
                return;
            }
        }
    }

    fn is_simulated(&self) -> bool {
        false
    }
}

/// A clock that stands still until a simulated radio moves it.
#[derive(Clone, Debug)]
pub struct SimClock(Rc<Cell<Now>>);

impl SimClock {
    /// A clock that shows `start`.
    pub fn new(start: Now) -> Self {
        Self(Rc::new(Cell::new(start)))
    }

    /// Moves both clocks forward to `boot`; an earlier time is ignored.
    pub fn advance_to(&self, boot: BootTime) {
        let now = self.0.get();
        let passed = boot.since(now.boot);
        // The wall clock shows whole seconds of the boot clock's, so that many
        // small steps lose nothing.
        let seconds = boot
            .since_boot()
            .as_secs()
            .saturating_sub(now.boot.since_boot().as_secs());
        if !passed.is_zero() {
            let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
            self.0.set(Now {
                wall: now.wall.saturating_add_signed(seconds),
                boot,
            });
        }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Now {
        self.0.get()
    }

    async fn voucher(&self) -> Voucher {
        Voucher::Simulation
    }

    async fn sleep_until(&self, _deadline: BootTime) {
        std::future::pending().await
    }

    fn is_simulated(&self) -> bool {
        true
    }
}

/// Holds a simulated clock back to a multiple of real time.
#[derive(Debug)]
pub struct Pacer {
    speed: f64,
    began: Option<(tokio::time::Instant, BootTime)>,
}

impl Pacer {
    /// `speed` simulated seconds to the real one; 0 for as fast as possible.
    pub fn new(speed: f64) -> Self {
        Self { speed, began: None }
    }

    /// Waits until real time has come to the simulated time `at`. Cancel-safe.
    pub async fn wait(&mut self, clock: &SimClock, at: BootTime) {
        if self.speed <= 0.0 {
            return;
        }
        let (began, from) = *self
            .began
            .get_or_insert_with(|| (tokio::time::Instant::now(), clock.now().boot));
        let simulated = at.since(from).as_secs_f64() / self.speed;
        if let Ok(real) = Duration::try_from_secs_f64(simulated) {
            tokio::time::sleep_until(began + real).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_timer_fires_at_its_time_and_can_be_set_again() {
        let clock = SystemClock::new().unwrap();
        for wait in [0, 30, 5] {
            let deadline = clock.now().boot.after(Duration::from_millis(wait));
            clock.sleep_until(deadline).await;
            assert!(clock.now().boot >= deadline);
        }
        // A sleep that was given up does not disturb the next.
        let far = clock.now().boot.after(Duration::from_secs(3_600));
        let near = clock.now().boot.after(Duration::from_millis(10));
        tokio::select! {
            () = clock.sleep_until(near) => {}
            () = std::future::ready(()) => {}
        }
        tokio::select! {
            biased;
            () = clock.sleep_until(far) => panic!("too early"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }

    #[test]
    fn a_simulated_wall_clock_turns_with_the_boot_clock() {
        let start = Now {
            wall: UnixSeconds::new(100),
            boot: BootTime::new(Duration::from_millis(900)),
        };
        let clock = SimClock::new(start);
        for (millis, wall) in [
            (999, 100),
            (1_000, 101),
            (1_000, 101),
            (500, 101),
            (61_999, 161),
        ] {
            clock.advance_to(BootTime::new(Duration::from_millis(millis)));
            assert_eq!(clock.now().wall.get(), wall);
        }
    }
}
