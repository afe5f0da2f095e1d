//! The core: every decision of the daemon, without I/O.
//!
//! The shell tells it what happened ([`Event`], with the time) and does what it
//! answers ([`Action`]). It owns no socket, no file, no clock and no randomness
//! of its own, so that weeks of it run in a test in moments.

mod cycle;
mod measurement;
mod registration;
pub mod schedule;
mod sleep;
mod status;

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use gaen::key::{AEM_LEN, Tek};
use gaen::time::{DAY_SECONDS, Interval, UnixSeconds, UtcDay};
use rand_core::CryptoRng;

pub use measurement::{Measured, NotMeasured};
pub use registration::{
    Application, MAX_KEYS, Obstacle, Refusal, RegistrationStatus, SendOutcome, Submission,
};
pub use status::{Counters, Status};

use crate::radio::{Capabilities, Command, RadioError, RadioEvent, RadioState, ScanMethod};
use crate::records::{OwnKey, RegistrationRecord, ScanCycle};
use crate::status::ConsentState;
use crate::time::{BootTime, Now};
use crate::tracer::schedule::Schedule;
use cycle::OpenCycle;
use measurement::Measurement;
use registration::Registrar;
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
/// The shortest scan window while another program discovers. Its scan starts about
/// every 10.5 s, and a phone is reported once for each start.
const SHARED_WINDOW: Duration = Duration::from_secs(12);
/// How long the store is left alone after it failed.
const STORAGE_RETRY: Duration = Duration::from_secs(60);
/// How long after the longest life of an identifier it may take to replace it.
const REPLACE_WITHIN: Duration = Duration::from_secs(120);
/// How long it may take to begin a scan that is due: the broadcast comes first.
const START_WITHIN: Duration = Duration::from_secs(30);
/// A scan window that ends this much too late was slept through.
const OVERSLEPT: Duration = Duration::from_secs(30);
/// Nothing that waits is given up by a wall clock that was set less long ago than this.
const CLOCK_HOLD: Duration = Duration::from_secs(1_800);
/// Cycles kept in memory while the store refuses them (six hours at the default plan).
const MAX_UNSAVED: usize = 90;

/// What the core is told.
#[derive(Debug)]
pub enum Event {
    /// A deadline passed, or nothing happened but the shell wants to know.
    Timer,
    /// The radio reported something.
    Radio(RadioEvent),
    /// The answer to [`Action::LoadKey`]: the keys of that day.
    KeyLoaded(UtcDay, Result<Vec<OwnKey>, StorageFault>),
    /// The answer to [`Action::SaveKey`].
    KeySaved(Result<(), StorageFault>),
    /// The answer to [`Action::SaveCycle`]; a cycle that was not saved comes back.
    CycleSaved(Result<u64, (ScanCycle, StorageFault)>),
    /// The terms now in force were agreed to, and that is stored.
    Agreed,
    /// Agreement was withdrawn. [`Action::Erase`] follows from the core.
    Withdrawn,
    /// Everything recorded is to be erased; agreement stays.
    EraseRequested,
    /// The answer to [`Action::Erase`].
    Erased(Result<(), StorageFault>),
    /// The answer to [`Action::Maintain`]: for how many seconds there was a recording
    /// that was destroyed because a clock that was ahead dated it.
    Maintained {
        /// In seconds.
        misdated: u64,
    },
    /// Somebody asks for a check now.
    CheckRequested,
    /// The answer to [`Action::Check`]: whether it was complete.
    CheckEnded {
        /// Whether every export was fetched, verified and matched.
        complete: bool,
    },
    /// Somebody registers as positive; [`Action::Answer`] follows.
    Register(Application),
    /// The registration that waits is to be tried now; [`Action::Answer`] follows.
    RetryRegistration,
    /// The registration is to be forgotten; [`Action::Answer`] follows.
    ForgetRegistration,
    /// The answer to [`Action::LoadAllKeys`].
    AllKeysLoaded(Result<Vec<OwnKey>, StorageFault>),
    /// The answer to [`Action::SaveRegistration`].
    RegistrationSaved(Result<(), StorageFault>),
    /// The answer to [`Action::Send`] of a registration.
    RegistrationSent(SendOutcome),
    /// The answer to [`Action::Send`] of a dummy; what came of it is nobody's concern.
    ChaffSent,
    /// Somebody calibrates the radio: listen for so long to whoever is nearest;
    /// [`Action::Measured`] follows. Not while one is under way.
    Measure(Duration),
    /// The machine is about to be suspended, and waits for [`Action::ReadyToSleep`].
    GoingToSleep,
    /// The machine was suspended, and is awake.
    WokeUp,
    /// The daemon is to end: leave the air, save what was heard.
    ShutDown,
}

/// What the core asks of the shell.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Give the radio a command; it is answered by [`RadioEvent::Done`].
    Radio(Command),
    /// Read the own keys of a day.
    LoadKey(UtcDay),
    /// Store an own key with its record of use, before anything of it is on the air.
    SaveKey(OwnKey),
    /// Store a finished scan cycle.
    SaveCycle(ScanCycle),
    /// Purge what is too old and compact finished days.
    Maintain(UnixSeconds),
    /// Destroy all keys, then everything recorded; the agreement too if `forget_consent`.
    Erase {
        /// Whether agreement was withdrawn.
        forget_consent: bool,
    },
    /// Check against the notification server.
    Check,
    /// Read all own keys.
    LoadAllKeys,
    /// Store what is known of registering, with the own keys it changes and the TEKs
    /// the server has: all, or nothing.
    SaveRegistration {
        /// What is known.
        record: RegistrationRecord,
        /// The own keys that change.
        changed: Vec<OwnKey>,
        /// The TEKs the server has.
        sent: Vec<Tek>,
    },
    /// Send this to the notification server.
    Send(Submission),
    /// Stop sending a registration; no answer follows.
    CancelSending,
    /// Answer the earliest request about registering that has no answer yet.
    Answer(Result<(), Refusal>),
    /// What a measurement heard, or why there is none.
    Measured(Result<Measured, NotMeasured>),
    /// Let the machine be suspended: nothing is on the air, all is saved.
    ReadyToSleep {
        /// When to wake it to listen.
        wake_at: Option<BootTime>,
    },
    /// The machine was woken only to listen, and that is done: have it suspended
    /// again, unless somebody has begun to use it.
    SleepAgain,
}

/// The store could not do what was asked. What failed is logged where it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store failed")]
pub struct StorageFault;

/// How and how long to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanPlan {
    /// Listen for `listen`, then rest until `every` (chosen anew each time between
    /// its ends) after the start.
    Windows {
        /// Length of a window. It must be long enough to hear all three
        /// advertising channels (docs/protocol.md §2).
        listen: Duration,
        /// Shortest and longest time from one start to the next.
        every: (Duration, Duration),
    },
    /// Listen all the time, in cycles of `cycle`.
    Continuous {
        /// Length of a cycle.
        cycle: Duration,
    },
}

/// What the core is configured with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How to listen, on a radio that can choose.
    pub scan: ScanPlan,
    /// How to cut what a radio hears that cannot choose (a log).
    pub log_cycle: Duration,
    /// Shortest and longest life of an identifier on the air (docs/protocol.md §2).
    pub rotation: RangeInclusive<Duration>,
    /// Whether there is a notification server to check with by itself.
    pub has_server: bool,
    /// Whether there is a server to register as positive with.
    pub can_register: bool,
    /// How often dummies are sent to it, on average; `None` for never.
    pub chaff_every: Option<Duration>,
    /// The metadata to broadcast, before encryption.
    pub metadata: [u8; AEM_LEN],
    /// Whether to wake a sleeping machine to listen.
    pub listen_asleep: bool,
}

/// What the store knew when the daemon started.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whether the terms in force are agreed to.
    pub consent: ConsentState,
    /// When the last scan cycle started.
    pub last_cycle: Option<UnixSeconds>,
    /// What is known of registering as positive.
    pub registration: RegistrationRecord,
}

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

/// The own key of the present day.
#[derive(Debug)]
enum KeyState {
    Missing { retry_at: BootTime },
    Loading,
    Ready(OwnKey),
}

/// An interval chosen for the next broadcast. It is recorded as used in the store
/// before the radio hears of it, so that no crash can put it on the air twice.
#[derive(Clone, Copy, Debug)]
struct Prepared {
    interval: Interval,
    saved: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BroadcastState {
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

#[derive(Debug)]
enum ScanState {
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

    fn on_key_loaded(&mut self, now: Now, day: UtcDay, loaded: Result<Vec<OwnKey>, StorageFault>) {
        if !matches!(self.key, KeyState::Loading) {
            return;
        }
        self.note_storage(loaded.as_ref().map(|_| ()).map_err(|fault| *fault));
        self.key = match loaded {
            Ok(keys) => KeyState::Ready(OwnKey::of_day(
                day,
                keys,
                now.wall.interval(),
                &mut self.rng,
            )),
            Err(StorageFault) => KeyState::Missing {
                retry_at: now.boot.after(STORAGE_RETRY),
            },
        };
    }

    fn on_key_saved(&mut self, now: Now, saved: Result<(), StorageFault>) {
        self.note_storage(saved);
        match saved {
            Ok(()) => {
                if let Some(prepared) = &mut self.prepared {
                    prepared.saved = true;
                }
            }
            Err(StorageFault) => {
                if let (KeyState::Ready(key), Some(prepared)) =
                    (&mut self.key, self.prepared.take())
                {
                    key.mark_unused(prepared.interval);
                }
                // What is on the air may stay until its time has come.
                self.postpone_broadcast(now, STORAGE_RETRY);
            }
        }
    }

    fn on_cycle_saved(&mut self, now: Now, saved: Result<u64, (ScanCycle, StorageFault)>) {
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

    /// The key of what is on the air is no longer to be broadcast.
    fn give_up_broadcast(&mut self) {
        self.must_leave_air = true;
        self.note_clear_air();
    }

    fn note_clear_air(&mut self) {
        let is_open = self.pending.is_some_and(|pending| {
            matches!(
                pending.command,
                Command::StartBroadcast(_) | Command::StopBroadcast
            )
        });
        let is_on = matches!(self.broadcast, BroadcastState::On { .. });
        self.must_leave_air &= is_on || is_open;
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

    fn save_next_cycle(&mut self, now: Now, actions: &mut Vec<Action>) {
        if self.saving || self.save_after > now.boot {
            return;
        }
        if let Some(cycle) = self.unsaved.pop_front() {
            self.saving = true;
            actions.push(Action::SaveCycle(cycle));
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

    fn load_key(&mut self, now: Now, actions: &mut Vec<Action>) {
        let today = now.wall.utc_day();
        let wanted = match &self.key {
            KeyState::Missing { retry_at } => *retry_at <= now.boot,
            KeyState::Loading => false,
            KeyState::Ready(key) => key.day != today || key.end() <= now.wall.interval(),
        };
        if wanted {
            self.prepared = None;
            self.key = KeyState::Loading;
            actions.push(Action::LoadKey(today));
        }
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

    /// Returns whether the broadcast has the radio, or needs it next.
    fn drive_broadcast(&mut self, now: Now, actions: &mut Vec<Action>) -> bool {
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
    fn broadcast_due(&self) -> BootTime {
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
    fn rotate_now(&mut self, now: Now) {
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
    fn prepare(&mut self, now: Now, actions: &mut Vec<Action>) -> Option<Prepared> {
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

    fn drive_scan(&mut self, now: Now, actions: &mut Vec<Action>) {
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
    fn close_cycle(&mut self, now: Now, cut_short: bool) {
        self.cut_cycle(now, cut_short);
        if matches!(self.scan, ScanState::On { .. }) {
            self.scan = ScanState::Off { start_at: now.boot };
        }
    }

    /// Queues what the cycle under way heard for the store and begins the next
    /// one in its place.
    fn cut_cycle(&mut self, now: Now, cut_short: bool) {
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

    fn postpone_broadcast(&mut self, now: Now, wait: Duration) {
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

    fn plan(&self) -> ScanPlan {
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

    fn listening_time(&self) -> Duration {
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

    fn longest_rest(&self) -> Duration {
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
    fn timetable(&self) -> Duration {
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

    /// A random time between the two, to the millisecond.
    fn random_between(&mut self, shortest: Duration, longest: Duration) -> Duration {
        let spread =
            u64::try_from(longest.saturating_sub(shortest).as_millis()).unwrap_or(u64::MAX);
        shortest + Duration::from_millis(self.rng.next_u64() % spread.saturating_add(1))
    }
}

/// Time to the next UTC midnight, when a new key takes over.
fn until_midnight(now: Now) -> Duration {
    Duration::from_secs((DAY_SECONDS - now.wall.get() % DAY_SECONDS).into())
}

/// How long to wait after the n-th failure in a row: 1 s doubling to a minute.
fn backoff(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(6)).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests;
