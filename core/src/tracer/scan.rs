//! When to listen, and what becomes of what was heard.

use std::time::Duration;

use rand_core::CryptoRng;

use super::{Action, OpenCycle, STORAGE_RETRY, ScanPlan, StorageFault, Tracer};
use crate::radio::{Command, ScanMethod};
use crate::records::ScanCycle;
use crate::status::ConsentState;
use crate::time::{BootTime, Now};

/// The shortest scan window while another program discovers. Its scan starts about
/// every 10.5 s, and a phone is reported once for each start.
const SHARED_WINDOW: Duration = Duration::from_secs(12);
/// How long it may take to begin a scan that is due: the broadcast comes first.
const START_WITHIN: Duration = Duration::from_secs(30);
/// A scan window that ends this much too late was slept through.
const OVERSLEPT: Duration = Duration::from_secs(30);
/// Cycles kept in memory while the store refuses them (six hours at the default plan).
const MAX_UNSAVED: usize = 90;

#[derive(Debug)]
pub(super) enum ScanState {
    Off {
        start_at: BootTime,
    },
    On {
        cycle: OpenCycle,
        started: BootTime,
        ends_at: BootTime,
    },
}

impl<R: CryptoRng> Tracer<R> {
    pub(super) fn on_cycle_saved(
        &mut self,
        now: Now,
        saved: Result<u64, (ScanCycle, StorageFault)>,
    ) {
        self.saving = false;
        match saved {
            Ok(count) => {
                self.counters.stored += count;
                self.note_storage(Ok(()));
            }
            Err((cycle, fault)) => {
                self.unsaved.push_front(cycle);
                self.save_after = now.boot.after(STORAGE_RETRY);
                self.note_storage(Err(fault));
            }
        }
    }

    pub(super) fn save_next_cycle(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.saving || self.save_after > now.boot {
            return;
        }
        if let Some(cycle) = self.unsaved.pop_front() {
            self.saving = true;
            actions.push(Action::SaveCycle(cycle));
        }
    }

    pub(super) fn drive_scan(&mut self, now: Now, actions: &mut Vec<Action>) {
        match self.scan {
            ScanState::Off { start_at } if start_at <= now.boot && !self.log_ended => {
                self.command(now, Command::StartScan, actions);
            }
            ScanState::On {
                ends_at, started, ..
            } if ends_at <= now.boot => {
                // Whoever oversleeps the end was suspended: nothing was heard since.
                let cut_short = now.boot.since(ends_at) > OVERSLEPT;
                match self.plan() {
                    ScanPlan::Windows {
                        every: (shortest, longest),
                        ..
                    } => {
                        self.close_cycle(now, cut_short);
                        let gap = self.random_between(shortest, longest);
                        self.scan = ScanState::Off {
                            start_at: started.after(gap),
                        };
                        self.command(now, Command::StopScan, actions);
                    }
                    ScanPlan::Continuous { cycle: length } => {
                        self.cut_cycle(now, cut_short);
                        if let ScanState::On {
                            started, ends_at, ..
                        } = &mut self.scan
                        {
                            *started = now.boot;
                            *ends_at = now.boot.after(length);
                        }
                    }
                }
            }
            ScanState::Off { .. } | ScanState::On { .. } => {}
        }
    }

    /// Ends the cycle under way, if any, and with it the scan.
    pub(super) fn close_cycle(&mut self, now: Now, cut_short: bool) {
        self.cut_cycle(now, cut_short);
        if matches!(self.scan, ScanState::On { .. }) {
            self.scan = ScanState::Off { start_at: now.boot };
        }
    }

    /// Queues what the cycle under way heard for the store and begins the next
    /// one in its place.
    pub(super) fn cut_cycle(&mut self, now: Now, cut_short: bool) {
        let ScanState::On { cycle, .. } = &mut self.scan else {
            return;
        };
        let cycle = std::mem::replace(cycle, OpenCycle::new(now.wall, None));
        self.counters.cycles += 1;
        self.counters.dropped += cycle.overflow();
        if cut_short {
            self.counters.cycles_cut_short += 1;
        }
        let cycle = cycle.close(now.wall, cut_short, self.timetable());
        // A cut cycle that heard nobody may have had no time to: it must not take
        // the time before it from the next one.
        if !(cut_short && cycle.sightings.is_empty()) {
            self.previous_cycle = Some(cycle.started);
        }
        if let ScanState::On { cycle: next, .. } = &mut self.scan {
            *next = OpenCycle::new(now.wall, self.previous_cycle);
        }
        self.last_scan = Some(now);
        if self.consent == ConsentState::None {
            // Withdrawn in the midst of it: nothing may be stored any more.
            return;
        }
        if self.unsaved.len() >= MAX_UNSAVED {
            tracing::error!("the store has refused too many cycles; the oldest is lost");
            let lost = self.unsaved.pop_front();
            self.counters.dropped += lost.map_or(0, |lost| {
                u64::try_from(lost.sightings.len()).unwrap_or(u64::MAX)
            });
        }
        self.unsaved.push_back(cycle);
    }

    pub(super) fn plan(&self) -> ScanPlan {
        if self.measurement.is_some()
            || self
                .capabilities()
                .is_some_and(|capabilities| capabilities.always_listening)
        {
            ScanPlan::Continuous {
                cycle: self.settings.log_cycle,
            }
        } else {
            self.settings.scan
        }
    }

    pub(super) fn listening_time(&self) -> Duration {
        let shares_discovery = self
            .capabilities()
            .is_some_and(|capabilities| capabilities.scan_method == ScanMethod::SharedDiscovery);
        match self.plan() {
            ScanPlan::Windows { listen, .. } if shares_discovery => listen.max(SHARED_WINDOW),
            ScanPlan::Windows { listen: length, .. } | ScanPlan::Continuous { cycle: length } => {
                length
            }
        }
    }

    pub(super) fn longest_rest(&self) -> Duration {
        match self.plan() {
            ScanPlan::Windows {
                every: (_, longest),
                ..
            } => longest,
            ScanPlan::Continuous { .. } => Duration::ZERO,
        }
    }

    /// The longest time from the start of one scan to that of the next, with what the
    /// radio and a change of plan may take.
    pub(super) fn timetable(&self) -> Duration {
        let rest = |plan| match plan {
            ScanPlan::Windows {
                every: (_, longest),
                ..
            } => longest,
            ScanPlan::Continuous { cycle } => cycle,
        };
        let present = rest(self.plan());
        // A measurement listens all the time, and began or ended in between.
        let is_chosen = self
            .capabilities()
            .is_none_or(|capabilities| !capabilities.always_listening);
        if is_chosen {
            present.max(rest(self.settings.scan)) + START_WITHIN
        } else {
            present + START_WITHIN
        }
    }
}
