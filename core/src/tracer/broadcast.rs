//! What is on the air, for how long, and what comes after it.

use std::time::Duration;

use gaen::time::{DAY_SECONDS, Interval};
use rand_core::CryptoRng;

use super::sleep::Sleep;
use super::{Action, KeyState, ScanPlan, ScanState, Tracer};
use crate::radio::Command;
use crate::time::{BootTime, Now};

/// An interval chosen for the next broadcast. It is recorded as used in the store
/// before the radio hears of it, so that no crash can put it on the air twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prepared {
    pub(super) interval: Interval,
    pub(super) saved: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BroadcastState {
    Off {
        start_at: BootTime,
    },
    On {
        rotate_at: BootTime,
        /// From when and until when a scan window may decide it.
        rotate_from: BootTime,
        rotate_by: BootTime,
        /// What cannot be replaced leaves the air by this time.
        gone_by: BootTime,
    },
}

impl<R: CryptoRng> Tracer<R> {
    /// The key of what is on the air is no longer to be broadcast.
    pub(super) fn give_up_broadcast(&mut self) {
        self.must_leave_air = true;
        self.note_clear_air();
    }

    pub(super) fn note_clear_air(&mut self) {
        let is_open = self.pending.is_some_and(|pending| {
            matches!(
                pending.command,
                Command::StartBroadcast(_) | Command::StopBroadcast
            )
        });
        let is_on = matches!(self.broadcast, BroadcastState::On { .. });
        self.must_leave_air &= is_on || is_open;
    }

    /// Returns whether the broadcast has the radio, or needs it next.
    pub(super) fn drive_broadcast(&mut self, now: Now, actions: &mut Vec<Action>) -> bool {
        if self.broadcast_due() > now.boot {
            return false;
        }
        if matches!(self.key, KeyState::Loading) {
            // It comes in a moment. A scan begun meanwhile would be in the way.
            return true;
        }
        let Some(prepared) = self.prepare(now, actions) else {
            return false;
        };
        if !prepared.saved {
            return true;
        }
        if matches!(self.scan, ScanState::On { .. }) && !self.rotates_while_scanning() {
            // A window is over in a moment; a continuous scan gives way.
            if matches!(self.plan(), ScanPlan::Windows { .. }) {
                return false;
            }
            self.close_cycle(now, false);
            self.scan = ScanState::Off { start_at: now.boot };
            self.command(now, Command::StopScan, actions);
            return true;
        }
        let KeyState::Ready(key) = &self.key else {
            return false;
        };
        let broadcast = key.broadcast(prepared.interval, self.settings.metadata);
        self.command(now, Command::StartBroadcast(broadcast), actions);
        true
    }

    /// When the next identifier is to go on the air.
    ///
    /// Where there are scan windows, with the first after its time has come, or if
    /// that may be too late, with the last before: a wake-up for both is one less.
    pub(super) fn broadcast_due(&self) -> BootTime {
        let (rotate_at, from, by) = match self.broadcast {
            BroadcastState::Off { start_at } => return start_at,
            BroadcastState::On {
                rotate_at,
                rotate_from,
                rotate_by,
                ..
            } => (rotate_at, rotate_from, rotate_by),
        };
        let ScanState::Off { start_at: window } = self.scan else {
            return rotate_at;
        };
        let is_last = window.after(self.longest_rest()) > by;
        if self.may_listen() && (from..=by).contains(&window) && (rotate_at <= window || is_last) {
            window
        } else {
            rotate_at
        }
    }

    /// What is on the air is to be replaced at once.
    pub(super) fn rotate_now(&mut self, now: Now) {
        if let BroadcastState::On {
            rotate_at,
            rotate_by,
            ..
        } = &mut self.broadcast
        {
            (*rotate_at, *rotate_by) = (now.boot, now.boot);
        }
    }

    /// The interval to broadcast next; chosen and sent to be saved if there is none yet.
    pub(super) fn prepare(&mut self, now: Now, actions: &mut Vec<Action>) -> Option<Prepared> {
        let KeyState::Ready(key) = &mut self.key else {
            return None;
        };
        let interval_now = now.wall.interval();
        if let Some(prepared) = self.prepared
            && key.is_within_reach(prepared.interval, interval_now)
        {
            return Some(prepared);
        }
        let is_for_a_moment = matches!(self.sleep, Sleep::Listening { .. });
        let next = if is_for_a_moment {
            // There are six identifiers an hour, and more wake-ups than that.
            key.present_interval(interval_now)
        } else {
            key.next_interval(interval_now)
        };
        let Some(interval) = next else {
            if is_for_a_moment {
                return None;
            }
            tracing::warn!("every identifier within reach was on the air already; waiting");
            self.postpone_broadcast(now, Duration::from_secs(60));
            return None;
        };
        key.mark_used(interval);
        let prepared = Prepared {
            interval,
            saved: false,
        };
        self.prepared = Some(prepared);
        actions.push(Action::SaveKey(key.clone()));
        Some(prepared)
    }

    pub(super) fn postpone_broadcast(&mut self, now: Now, wait: Duration) {
        let later = now.boot.after(wait);
        match &mut self.broadcast {
            BroadcastState::Off { start_at } => *start_at = later,
            // No window before that may decide it: not the one that begins now either.
            BroadcastState::On {
                rotate_at,
                rotate_from,
                ..
            } => (*rotate_at, *rotate_from) = (later, later),
        }
    }
}

/// Time to the next UTC midnight, when a new key takes over.
pub(super) fn until_midnight(now: Now) -> Duration {
    Duration::from_secs((DAY_SECONDS - now.wall.get() % DAY_SECONDS).into())
}
