//! A machine that is suspended: the kernel then neither advertises nor scans.
//!
//! Before it falls asleep the core leaves the air and ends the scan cycle, so that
//! neither the old identifier is the first thing sent after it woke, nor the cycle
//! stands for time in which nothing was heard. Where that is wanted the machine is
//! woken for the next scan window, in which it broadcasts as well, and put to sleep
//! again.

use std::time::Duration;

use rand_core::CryptoRng;

use super::{Action, BroadcastState, ScanPlan, ScanState, Tracer};
use crate::time::{BootTime, Now};

/// How much earlier than it was set for an alarm may wake the machine.
const ALARM_TOLERANCE: Duration = Duration::from_secs(2);

/// Where the machine is between awake and asleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sleep {
    /// It is in use, or at least not suspended.
    Awake,
    /// It is about to be suspended, and waits until the radio is silent and all is
    /// saved.
    FallingAsleep {
        /// When to listen next.
        listen_at: BootTime,
    },
    /// It is suspended, or will be any moment.
    Asleep {
        /// When it is woken to listen.
        wake_at: Option<BootTime>,
    },
    /// It was woken for one scan window.
    Listening {
        /// Whether the window has begun.
        begun: bool,
    },
}

impl Sleep {
    pub(super) fn is_awake(self) -> bool {
        matches!(self, Self::Awake | Self::Listening { .. })
    }
}

impl<R: CryptoRng> Tracer<R> {
    pub(super) fn on_going_to_sleep(&mut self, now: Now) {
        let gap = match self.settings.scan {
            ScanPlan::Windows {
                every: (shortest, longest),
                ..
            } => self.random_between(shortest, longest),
            ScanPlan::Continuous { cycle } => cycle,
        };
        let listen_at = match self.scan {
            // The timetable goes on.
            ScanState::Off { start_at } if start_at > now.boot => start_at,
            ScanState::Off { .. } | ScanState::On { .. } => now.boot.after(gap),
        };
        self.sleep = Sleep::FallingAsleep { listen_at };
    }

    pub(super) fn on_woke_up(&mut self, now: Now) {
        let is_alarm = matches!(
            self.sleep,
            Sleep::Asleep { wake_at: Some(at) } if at <= now.boot.after(ALARM_TOLERANCE)
        );
        // An identifier that was on the air before must not be sent any longer, if it
        // was not announced that the machine would sleep.
        self.rotate_now(now);
        self.cut_cycle(now, true);
        self.usable_since = now.boot;
        self.off_air_since = Some(now.boot);
        if let BroadcastState::Off { start_at } = &mut self.broadcast {
            *start_at = now.boot;
        }
        self.sleep = if is_alarm {
            if let ScanState::Off { start_at } = &mut self.scan {
                *start_at = now.boot;
            }
            Sleep::Listening { begun: false }
        } else {
            Sleep::Awake
        };
    }

    /// Lets the machine sleep when it may.
    pub(super) fn drive_sleep(&mut self, actions: &mut Vec<Action>) {
        let is_scanning = matches!(self.scan, ScanState::On { .. });
        let is_silent = self.pending.is_none()
            && !is_scanning
            && matches!(self.broadcast, BroadcastState::Off { .. });
        let is_saved = !self.saving && (self.unsaved.is_empty() || self.storage_failing);
        match self.sleep {
            Sleep::FallingAsleep { listen_at } if is_silent && is_saved => {
                self.scan = ScanState::Off {
                    start_at: listen_at,
                };
                let listens = self.settings.listen_asleep
                    && self.may_run()
                    && self
                        .radio
                        .as_ref()
                        .is_some_and(crate::radio::RadioState::listens);
                let wake_at = listens.then_some(listen_at);
                self.sleep = Sleep::Asleep { wake_at };
                actions.push(Action::ReadyToSleep { wake_at });
            }
            Sleep::Listening { begun } => {
                let failed = self.scan_failures > 0;
                if is_scanning {
                    self.sleep = Sleep::Listening { begun: true };
                } else if (begun || failed) && self.pending.is_none() && is_saved {
                    self.sleep = Sleep::Awake;
                    actions.push(Action::SleepAgain);
                }
            }
            Sleep::Awake | Sleep::FallingAsleep { .. } | Sleep::Asleep { .. } => {}
        }
    }
}
