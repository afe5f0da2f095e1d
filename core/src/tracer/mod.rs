//! The core: every decision of the daemon, without I/O.
//!
//! The shell tells it what happened ([`Event`], with the time) and does what it
//! answers ([`Action`]). It owns no socket, no file, no clock and no randomness
//! of its own, so that weeks of it run in a test in moments.

mod broadcast;
mod cycle;
mod event;
mod keys;
mod measurement;
mod registration;
mod scan;
pub mod schedule;
mod settings;
mod sleep;
mod status;

use std::collections::VecDeque;
use std::time::Duration;

use gaen::time::UnixSeconds;
use rand_core::CryptoRng;

pub use event::{Action, Event, StorageFault};
pub use measurement::{Measured, NotMeasured};
pub use registration::{
    Application, MAX_KEYS, Obstacle, Refusal, RegistrationStatus, SendOutcome, Submission,
};
pub use settings::{Facts, ScanPlan, Settings};
pub use status::{Counters, Status};

use crate::radio::{Capabilities, Command, RadioError, RadioEvent, RadioState};
use crate::records::ScanCycle;
use crate::status::ConsentState;
use crate::time::{BootTime, Now};
use crate::tracer::schedule::Schedule;
use broadcast::{BroadcastState, Prepared, until_midnight};
use cycle::OpenCycle;
use keys::KeyState;
use measurement::Measurement;
use registration::Registrar;
use scan::ScanState;
use sleep::Sleep;

/// How often old data is looked for. Nothing lives longer than 14 days and this.
const MAINTENANCE_PERIOD: Duration = Duration::from_secs(3_600);
/// The radio bounds every command itself; this is the core's own guard, so that a
/// radio that breaks that promise shows up instead of silencing the device.
const COMMAND_GUARD: Duration = Duration::from_secs(120);
/// A wall clock that leaves the boot clock by more than this was set.
const CLOCK_TOLERANCE: i64 = 60;
/// How often the wall clock is looked at while it is not set.
const CLOCK_POLL: Duration = Duration::from_secs(30);
/// How long the store is left alone after it failed.
const STORAGE_RETRY: Duration = Duration::from_secs(60);
/// How long after the longest life of an identifier it may take to replace it.
const REPLACE_WITHIN: Duration = Duration::from_secs(120);

/// The core.
#[derive(Debug)]
pub struct Tracer<R> {
    settings: Settings,
    rng: R,
    consent: ConsentState,
    radio: Option<RadioState>,
    log_ended: bool,
    shutting_down: bool,
    sleep: Sleep,

    pending: Option<Pending>,
    key: KeyState,
    broadcast: BroadcastState,
    broadcast_failures: u32,
    /// Whether the last of them came of another program's search.
    is_kept_off_air_by_search: bool,
    prepared: Option<Prepared>,
    /// What is on the air, or being put there, is of a key that is given up.
    must_leave_air: bool,
    scan: ScanState,
    scan_failures: u32,
    measurement: Option<Measurement>,
    previous_cycle: Option<UnixSeconds>,
    last_scan: Option<Now>,
    usable_since: BootTime,
    off_air_since: Option<BootTime>,
    unsaved: VecDeque<ScanCycle>,
    saving: bool,
    save_after: BootTime,
    storage_failing: bool,
    next_maintenance: BootTime,
    schedule: Schedule,
    shown_due: (BootTime, UnixSeconds),
    checking: bool,
    check_requested: bool,
    registrar: Registrar,

    last_seen: Now,
    /// When the wall clock was set, or the core started.
    clock_set_at: BootTime,
    counters: Counters,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    command: Command,
    give_up_at: BootTime,
}

impl<R: CryptoRng> Tracer<R> {
    /// A core that starts at `now` from what the store knew.
    pub fn new(settings: Settings, facts: Facts, schedule: Schedule, rng: R, now: Now) -> Self {
        let mut tracer = Self {
            settings,
            rng,
            consent: facts.consent,
            radio: None,
            log_ended: false,
            shutting_down: false,
            sleep: Sleep::Awake,
            pending: None,
            key: KeyState::Missing { retry_at: now.boot },
            broadcast: BroadcastState::Off { start_at: now.boot },
            broadcast_failures: 0,
            is_kept_off_air_by_search: false,
            prepared: None,
            must_leave_air: false,
            scan: ScanState::Off { start_at: now.boot },
            scan_failures: 0,
            measurement: None,
            previous_cycle: facts.last_cycle,
            last_scan: None,
            usable_since: now.boot,
            off_air_since: Some(now.boot),
            unsaved: VecDeque::new(),
            saving: false,
            save_after: now.boot,
            storage_failing: false,
            next_maintenance: now.boot,
            shown_due: (schedule.due(), schedule.due_wall(now)),
            schedule,
            checking: false,
            check_requested: false,
            registrar: Registrar::new(facts.registration),
            last_seen: now,
            clock_set_at: now.boot,
            counters: Counters::default(),
        };
        tracer.plan_chaff(now);
        tracer
    }

    /// Takes in what happened at `now` and decides what to do about it.
    pub fn handle(&mut self, now: Now, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.notice_clock(now);
        match event {
            Event::Timer => {}
            Event::Radio(event) => self.on_radio(now, event, &mut actions),
            Event::KeyLoaded(day, loaded) => self.on_key_loaded(now, day, loaded),
            Event::KeySaved(saved) => self.on_key_saved(now, saved),
            Event::CycleSaved(saved) => self.on_cycle_saved(now, saved),
            Event::Agreed => self.on_agreed(now),
            Event::Withdrawn => self.on_erase(now, true, &mut actions),
            Event::EraseRequested => self.on_erase(now, false, &mut actions),
            Event::Erased(erased) => self.note_storage(erased),
            Event::Maintained { misdated } => self.counters.misdated += misdated,
            // Who asks while a check runs gets the answer of that one.
            Event::CheckRequested => self.check_requested = !self.checking,
            Event::CheckEnded { complete } => {
                self.checking = false;
                if complete {
                    self.schedule.succeeded(now, &mut self.rng);
                } else {
                    self.schedule.failed(now, &mut self.rng);
                }
            }
            Event::Register(application) => self.on_register(now, application, &mut actions),
            Event::RetryRegistration => self.on_retry(now),
            Event::ForgetRegistration => self.on_forget(now, &mut actions),
            Event::AllKeysLoaded(loaded) => self.on_all_keys_loaded(now, loaded, &mut actions),
            Event::RegistrationSaved(saved) => self.on_registration_saved(now, saved),
            Event::RegistrationSent(outcome) => self.on_registration_sent(now, outcome),
            Event::ChaffSent => self.on_chaff_sent(),
            Event::Measure(length) => self.on_measure(now, length),
            Event::GoingToSleep => self.on_going_to_sleep(now),
            Event::WokeUp => self.on_woke_up(now),
            Event::ShutDown => {
                self.shutting_down = true;
                self.save_after = now.boot;
            }
        }
        self.drive(now, &mut actions);
        // Converted once, so that rounding does not make it flicker.
        if self.shown_due.0 != self.schedule.due() {
            self.shown_due = (self.schedule.due(), self.schedule.due_wall(now));
        }
        self.off_air_since = match self.broadcast {
            BroadcastState::On { .. } => None,
            BroadcastState::Off { .. } => Some(self.off_air_since.unwrap_or(now.boot)),
        };
        self.save_next_cycle(now, &mut actions);
        self.settle_registration(now, &mut actions);
        self.drive_sleep(&mut actions);
        actions
    }

    /// When [`Event::Timer`] is to come next.
    ///
    /// Whatever was due when [`Tracer::handle`] last ran has been acted on, or
    /// waits for an event of its own; only the future counts.
    pub fn next_deadline(&self) -> Option<BootTime> {
        let mut deadlines = Vec::with_capacity(8);
        deadlines.extend(self.pending.map(|pending| pending.give_up_at));
        deadlines.extend(self.measured_at());
        if !self.unsaved.is_empty() {
            deadlines.push(self.save_after);
        }
        if self.may_keep_records() && !self.last_seen.wall.is_plausible() {
            // Nothing tells when somebody sets the clock.
            deadlines.push(self.last_seen.boot.after(CLOCK_POLL));
        } else if self.may_keep_records() {
            deadlines.push(self.next_maintenance);
        }
        if self.may_run() && self.last_seen.wall.is_plausible() {
            deadlines.push(self.last_seen.boot.after(until_midnight(self.last_seen)));
            deadlines.extend(self.registration_deadlines());
            if self.settings.has_server && !self.checking {
                deadlines.push(self.schedule.due());
            }
            if let KeyState::Missing { retry_at } = self.key {
                deadlines.push(retry_at);
            }
            if self.may_broadcast() {
                deadlines.push(self.broadcast_due());
                if let BroadcastState::On { gone_by, .. } = self.broadcast {
                    deadlines.push(gone_by);
                }
            }
            if self.may_listen() {
                let (ScanState::Off { start_at: at } | ScanState::On { ends_at: at, .. }) =
                    self.scan;
                deadlines.push(at);
            }
        }
        deadlines
            .into_iter()
            .filter(|at| *at > self.last_seen.boot)
            .min()
    }

    /// Whether somebody may ask for a check at `now`.
    ///
    /// # Errors
    /// Why not.
    pub fn may_check(&self, now: Now) -> Result<(), Refusal> {
        if self.consent != ConsentState::Agreed {
            Err(Refusal::ConsentRequired)
        } else if !now.wall.is_plausible() {
            Err(Refusal::ClockNotSet)
        } else {
            Ok(())
        }
    }

    /// Whether the radio is silent and everything heard is saved or lost for good:
    /// the daemon may end.
    pub fn is_at_rest(&self) -> bool {
        self.pending.is_none()
            && matches!(self.broadcast, BroadcastState::Off { .. })
            && matches!(self.scan, ScanState::Off { .. })
            && !self.saving
            && (self.unsaved.is_empty() || self.storage_failing)
    }

    /// What a front end may know.
    pub fn status(&self, now: Now) -> Status {
        status::status(self, now)
    }

    fn on_radio(&mut self, now: Now, event: RadioEvent, actions: &mut Vec<Action>) {
        match event {
            RadioEvent::Done(result) => self.on_done(now, result, actions),
            RadioEvent::State(state) => self.on_state(now, state),
            RadioEvent::BroadcastLost => {
                tracing::info!("the broadcast ended by itself; a new identifier follows");
                self.broadcast = BroadcastState::Off { start_at: now.boot };
            }
            RadioEvent::ScanLost => {
                tracing::info!("the scan ended by itself");
                self.counters.scan_failures += 1;
                self.scan_failures = self.scan_failures.saturating_add(1);
                self.close_cycle(now, true);
                self.scan = ScanState::Off {
                    start_at: now.boot.after(backoff(self.scan_failures)),
                };
            }
            RadioEvent::Heard(heard) => {
                if let ScanState::On { cycle, .. } = &mut self.scan {
                    self.counters.heard += 1;
                    cycle.hear(&heard, &mut self.rng);
                    self.measure(&heard);
                }
            }
            RadioEvent::Dropped(count) => self.counters.dropped += count,
            RadioEvent::TimePassed => {}
            RadioEvent::Ended => {
                self.log_ended = true;
                self.close_cycle(now, false);
            }
        }
    }

    fn on_done(&mut self, now: Now, result: Result<(), RadioError>, actions: &mut Vec<Action>) {
        let Some(pending) = self.pending.take() else {
            // The answer to a command that the core had given up on. Whatever it
            // left behind is set right by stopping.
            tracing::warn!("the radio answered a command after it was given up");
            return;
        };
        match (pending.command, result) {
            (Command::StartBroadcast(_), Ok(())) => {
                let life = self.random_between(
                    *self.settings.rotation.start(),
                    *self.settings.rotation.end(),
                );
                self.broadcast = BroadcastState::On {
                    rotate_at: now.boot.after(life),
                    rotate_from: now.boot.after(*self.settings.rotation.start()),
                    rotate_by: now.boot.after(*self.settings.rotation.end()),
                    gone_by: now
                        .boot
                        .after(*self.settings.rotation.end() + REPLACE_WITHIN),
                };
                self.broadcast_failures = 0;
                self.prepared = None;
                self.counters.rotations += 1;
            }
            (Command::StartBroadcast(_), Err(error)) => {
                tracing::warn!(%error, "broadcasting failed");
                self.counters.broadcast_failures += 1;
                self.broadcast_failures = self.broadcast_failures.saturating_add(1);
                self.is_kept_off_air_by_search = error == RadioError::Searching;
                self.broadcast = BroadcastState::Off {
                    start_at: now.boot.after(backoff(self.broadcast_failures)),
                };
                let never_on_air = matches!(
                    error,
                    RadioError::Refused(_) | RadioError::NoInstance | RadioError::Searching
                );
                if !never_on_air {
                    // It may have been on the air: that identifier is spent.
                    self.prepared = None;
                }
                if error == RadioError::Timeout || self.must_leave_air {
                    self.command(now, Command::StopBroadcast, actions);
                }
            }
            (Command::StopBroadcast, result) => {
                if let Err(error) = result {
                    tracing::warn!(%error, "could not confirm the end of the broadcast");
                }
                if matches!(self.broadcast, BroadcastState::On { .. }) {
                    self.broadcast = BroadcastState::Off { start_at: now.boot };
                }
            }
            (Command::StartScan, Ok(())) => {
                let length = self.listening_time();
                self.scan_failures = 0;
                self.scan = ScanState::On {
                    cycle: OpenCycle::new(now.wall, self.previous_cycle),
                    started: now.boot,
                    ends_at: now.boot.after(length),
                };
            }
            (Command::StartScan, Err(error)) => {
                tracing::warn!(%error, "listening failed");
                self.counters.scan_failures += 1;
                self.scan_failures = self.scan_failures.saturating_add(1);
                self.scan = ScanState::Off {
                    start_at: now.boot.after(backoff(self.scan_failures)),
                };
            }
            (Command::StopScan, result) => {
                if let Err(error) = result {
                    tracing::warn!(%error, "could not confirm the end of the scan");
                }
                // Normally closed when the command was given; still open only if
                // the command was the clean-up after a failure.
                self.close_cycle(now, true);
            }
        }
    }

    fn on_state(&mut self, now: Now, state: RadioState) {
        let (can_broadcast, can_listen) = (state.broadcasts(), state.listens());
        let was_usable = self.may_listen() || self.may_broadcast();
        self.radio = Some(state);
        if !can_broadcast {
            self.broadcast = BroadcastState::Off { start_at: now.boot };
        }
        if !can_listen {
            self.close_cycle(now, true);
            self.scan = ScanState::Off { start_at: now.boot };
        }
        if !was_usable {
            self.usable_since = now.boot;
            // A fresh start: old failures say nothing about the adapter now.
            self.broadcast_failures = 0;
            self.scan_failures = 0;
            if let BroadcastState::Off { start_at } = &mut self.broadcast {
                *start_at = now.boot;
            }
            if let ScanState::Off { start_at } = &mut self.scan {
                *start_at = now.boot;
            }
        }
    }

    fn on_agreed(&mut self, now: Now) {
        self.consent = ConsentState::Agreed;
        self.next_maintenance = now.boot;
        self.key = KeyState::Missing { retry_at: now.boot };
        self.broadcast = BroadcastState::Off { start_at: now.boot };
        self.scan = ScanState::Off { start_at: now.boot };
        self.schedule.reset(now, &mut self.rng);
        self.plan_chaff(now);
    }

    fn on_erase(&mut self, now: Now, forget_consent: bool, actions: &mut Vec<Action>) {
        if forget_consent {
            self.consent = ConsentState::None;
        }
        self.key = KeyState::Missing { retry_at: now.boot };
        self.prepared = None;
        self.unsaved.clear();
        self.previous_cycle = None;
        self.last_scan = None;
        self.forget_measured();
        self.counters = Counters::default();
        if let ScanState::On { cycle, .. } = &mut self.scan {
            *cycle = OpenCycle::new(now.wall, None);
        }
        self.give_up_broadcast();
        self.forget_registrations();
        self.schedule.reset(now, &mut self.rng);
        actions.push(Action::Erase { forget_consent });
    }

    /// Notices that the wall clock was set: what is on the air belongs to another
    /// time, and the cycle under way spans a jump.
    fn notice_clock(&mut self, now: Now) {
        let passed =
            i64::try_from(now.boot.since(self.last_seen.boot).as_secs()).unwrap_or(i64::MAX);
        let jump = now
            .wall
            .seconds_since(self.last_seen.wall)
            .saturating_sub(passed);
        let unset = self
            .last_seen
            .wall
            .saturating_add_signed(i32::try_from(passed).unwrap_or(i32::MAX));
        self.last_seen = now;
        if jump.abs() <= CLOCK_TOLERANCE {
            return;
        }
        tracing::warn!(seconds = jump, "the clock was set");
        self.clock_set_at = now.boot;
        self.shown_due.1 = self.schedule.due_wall(now);
        // By the clock that it began by: else it would stand for the jump as well.
        self.cut_cycle(Now { wall: unset, ..now }, true);
        self.previous_cycle = None;
        if let ScanState::On { cycle, .. } = &mut self.scan {
            *cycle = OpenCycle::new(now.wall, None);
            self.last_scan = Some(now);
        }
        self.rotate_now(now);
        self.next_maintenance = now.boot;
    }

    /// Brings the radio, the key and the timetable towards what is wanted.
    fn drive(&mut self, now: Now, actions: &mut Vec<Action>) {
        self.give_up_overdue(now, actions);
        self.drive_measurement(now, actions);
        if self.may_keep_records() && now.wall.is_plausible() {
            self.maintain(now, actions);
        }
        if self.may_run() && now.wall.is_plausible() {
            self.check(now, actions);
            self.load_key(now, actions);
        }
        self.note_clear_air();
        if self.pending.is_none() {
            self.drive_radio(now, actions);
        }
        self.drive_registration(now, actions);
    }

    fn give_up_overdue(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self
            .pending
            .is_some_and(|pending| pending.give_up_at <= now.boot)
        {
            tracing::error!("the radio did not answer a command");
            self.on_done(now, Err(RadioError::Timeout), actions);
        }
    }

    fn maintain(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.next_maintenance <= now.boot {
            self.next_maintenance = now.boot.after(MAINTENANCE_PERIOD);
            actions.push(Action::Maintain(now.wall));
        }
    }

    fn check(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.checking {
            return;
        }
        let due = self.settings.has_server && self.schedule.poll(now, &mut self.rng);
        if !(due || self.check_requested) {
            return;
        }
        self.checking = true;
        self.check_requested = false;
        actions.push(Action::Check);
    }

    /// Gives the radio at most one command: first what must stop, then a new
    /// identifier, then the scan.
    fn drive_radio(&mut self, now: Now, actions: &mut Vec<Action>) {
        if let BroadcastState::On { gone_by, .. } = self.broadcast
            && (gone_by <= now.boot
                || self.must_leave_air
                || !(self.may_broadcast() && now.wall.is_plausible()))
        {
            return self.command(now, Command::StopBroadcast, actions);
        }
        let scanning = matches!(self.scan, ScanState::On { .. });
        if scanning && !(self.may_listen() && now.wall.is_plausible()) {
            self.close_cycle(now, true);
            return self.command(now, Command::StopScan, actions);
        }
        if self.may_broadcast() && now.wall.is_plausible() && self.drive_broadcast(now, actions) {
            return;
        }
        if self.may_listen() && now.wall.is_plausible() {
            self.drive_scan(now, actions);
        }
    }

    fn command(&mut self, now: Now, command: Command, actions: &mut Vec<Action>) {
        self.pending = Some(Pending {
            command,
            give_up_at: now.boot.after(COMMAND_GUARD),
        });
        actions.push(Action::Radio(command));
    }

    fn note_storage(&mut self, result: Result<(), StorageFault>) {
        self.storage_failing = result.is_err();
    }

    fn may_run(&self) -> bool {
        self.consent == ConsentState::Agreed && !self.shutting_down
    }

    /// Whether there may be records. What was recorded under earlier terms grows
    /// too old whether or not the new ones are agreed to.
    fn may_keep_records(&self) -> bool {
        self.consent != ConsentState::None && !self.shutting_down
    }

    fn may_broadcast(&self) -> bool {
        self.may_run()
            && self.sleep.is_awake()
            && self.radio.as_ref().is_some_and(RadioState::broadcasts)
    }

    fn may_listen(&self) -> bool {
        self.may_run()
            && self.sleep.is_awake()
            && self.radio.as_ref().is_some_and(RadioState::listens)
    }

    fn capabilities(&self) -> Option<&Capabilities> {
        self.radio.as_ref()?.capabilities()
    }

    fn rotates_while_scanning(&self) -> bool {
        self.capabilities()
            .is_some_and(|capabilities| capabilities.rotates_while_scanning)
    }

    /// A random time between the two, to the millisecond.
    fn random_between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        schedule::between(shortest, longest, &mut self.rng)
    }
}

/// How long to wait after the n-th failure in a row: 1 s doubling to a minute.
fn backoff(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(6)).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests;
