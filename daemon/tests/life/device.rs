//! A device: the real core, store and checks, with a radio and clocks that the test moves.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use gaen::key::Rpi;
use gaen::sighting::Sighting;
use gaen::time::UnixSeconds;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sesshoku_core::radio::{Capabilities, Command, RadioEvent, RadioState, ScanMethod};
use sesshoku_core::records::ScanCycle;
use sesshoku_core::status::ConsentState;
use sesshoku_core::time::{BootTime, Look, Now, Voucher};
use sesshoku_core::tracer::schedule::{DEFAULT_INTERVAL, History, Schedule};
use sesshoku_core::tracer::{
    Action, Event, Facts, Obstacle, Refusal, ScanPlan, SendOutcome, Settings, StorageFault, Tracer,
};
use sesshoku_core::verdict::Assessment;
use sesshokud::store::{DeviceKey, Store};
use sesshokud::sync::{self, Server};
use tokio::runtime::Runtime;

use crate::world::Person;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// How the radio is when it works.
pub(crate) fn ready() -> RadioState {
    RadioState::Ready(Capabilities {
        adapter: "sim0".into(),
        scan_method: ScanMethod::Room,
        rotates_while_scanning: true,
        always_listening: false,
    })
}

/// Something that becomes known about what was near or listed, with the time that the wall
/// clock shows.
pub(crate) enum Happened {
    /// A cycle is stored, and when it truly began.
    Cycle(ScanCycle, UnixSeconds),
    Check {
        shown: UnixSeconds,
    },
    /// Whether the clock was right.
    Purge {
        shown: UnixSeconds,
        is_right: bool,
    },
}

pub(crate) struct Device {
    runtime: Runtime,
    store: Arc<Mutex<Store>>,
    /// Where it looks for exports: another one where there is no network.
    pub(crate) server: Arc<Server>,
    tracer: Tracer<ChaCha8Rng>,
    /// What time it truly is.
    pub(crate) truth: UnixSeconds,
    /// What the wall clock shows, and how long ago the machine was started.
    pub(crate) now: Now,
    pub(crate) voucher: Voucher,
    radio: RadioState,
    /// Who is a metre away.
    pub(crate) near: Vec<Person>,
    /// Whether the server takes registrations.
    pub(crate) is_registering_possible: bool,
    answers: Vec<Result<(), Refusal>>,
    aired: BTreeSet<Rpi>,
    pub(crate) misdated: u64,
    /// Until somebody takes it.
    pub(crate) happened: Vec<Happened>,
}

impl Device {
    /// Starts on what `dir` holds, at `truth`, with a clock that is right.
    pub(crate) fn start(
        dir: &Path,
        server: Server,
        truth: UnixSeconds,
        boot: BootTime,
        seed: u64,
    ) -> Self {
        let key = DeviceKey::load(dir, None).unwrap();
        let store = Store::open(dir, &key).unwrap();
        let now = Now { wall: truth, boot };
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let history = History {
            last_success: store.last_success().unwrap(),
            last_attempt: store.last_check().unwrap().map(|check| check.ended),
        };
        let schedule = Schedule::start(DEFAULT_INTERVAL, history, now, &mut rng);
        let settings = Settings {
            scan: ScanPlan::Windows {
                listen: Duration::from_secs(4),
                every: (Duration::from_secs(210), Duration::from_secs(300)),
            },
            log_cycle: MINUTE,
            rotation: MINUTE * 10..=MINUTE * 20,
            has_server: true,
            can_register: true,
            chaff_every: None,
            metadata: [0x40, 0, 0, 0],
            listen_asleep: false,
        };
        let facts = Facts {
            consent: ConsentState::Agreed,
            last_cycle: store.last_cycle().unwrap().map(|cycle| cycle.started),
            registration: store.registration().unwrap(),
        };
        let mut device = Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            store: Arc::new(Mutex::new(store)),
            server: Arc::new(server),
            tracer: Tracer::new(settings, facts, schedule, rng, now),
            truth,
            now,
            voucher: Voucher::Synchronisation,
            radio: ready(),
            near: Vec::new(),
            is_registering_possible: false,
            answers: Vec::new(),
            aired: BTreeSet::new(),
            misdated: 0,
            happened: Vec::new(),
        };
        device.set_radio(ready());
        device
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    pub(crate) fn set_radio(&mut self, state: RadioState) {
        self.radio = state.clone();
        self.event(Event::Radio(RadioEvent::State(state)));
    }

    pub(crate) fn radio(&self) -> &RadioState {
        &self.radio
    }

    /// Suspends the machine for `time`.
    pub(crate) fn sleep(&mut self, time: Duration) {
        self.event(Event::GoingToSleep);
        let end = self.now.boot.after(time);
        self.pass(end);
        self.event(Event::WokeUp);
    }

    /// Sets the wall clock so that it is `seconds` ahead of the true time.
    pub(crate) fn set_clock(&mut self, seconds: i64) {
        let wall = i64::from(self.truth.get()) + seconds;
        // As the clock is read: what is no protocol time is the epoch.
        self.now.wall = UnixSeconds::new(u32::try_from(wall).unwrap_or(0));
        self.event(Event::Timer);
    }

    /// Lets time pass, deadline by deadline.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now.boot.after(time);
        while let Some(deadline) = self.tracer.next_deadline().filter(|at| *at <= end) {
            self.pass(deadline);
            self.event(Event::Timer);
        }
        self.pass(end);
    }

    fn pass(&mut self, to: BootTime) {
        let seconds = to.since_boot().as_secs() - self.now.boot.since_boot().as_secs();
        let seconds = u32::try_from(seconds).unwrap();
        let later = |time: UnixSeconds| time.get().checked_add(seconds).map(UnixSeconds::new);
        self.truth = later(self.truth).unwrap();
        // After 2106 it is read as the epoch, and stays that.
        if self.now.wall.get() > 0 {
            self.now.wall = later(self.now.wall).unwrap_or(UnixSeconds::new(0));
        }
        self.now.boot = to;
    }

    pub(crate) fn event(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.tracer.handle(self.now, event) {
                self.perform(action, &mut events);
            }
        }
    }

    fn perform(&mut self, action: Action, events: &mut VecDeque<Event>) {
        match action {
            Action::Radio(command) => self.command(command, events),
            Action::LoadKey(day) => {
                let keys = self.store().own_keys_of(day).unwrap();
                events.push_back(Event::KeyLoaded(day, Ok(keys)));
            }
            Action::SaveKey(key) => {
                let saved = self.store().put_own_key(&key);
                events.push_back(Event::KeySaved(saved.map_err(|_| StorageFault)));
            }
            Action::SaveCycle(cycle) => {
                self.store().append_cycle(&cycle).unwrap();
                // It is stored while the clock is as it was when it began.
                let ago = self.now.wall.seconds_since(cycle.started);
                let ago = i32::try_from(ago).unwrap();
                let truly = self.truth.saturating_add_signed(-ago);
                self.happened.push(Happened::Cycle(cycle, truly));
                events.push_back(Event::CycleSaved(Ok(0)));
            }
            Action::Maintain(now) => {
                assert_eq!(now, self.now.wall);
                let misdated = self.purge();
                self.store().compact(now.utc_day()).unwrap();
                events.push_back(Event::Maintained { misdated });
            }
            Action::Check => {
                let server = Some(Arc::clone(&self.server));
                let check = sync::check(server, Arc::clone(&self.store), self.now.wall);
                let report = self.runtime.block_on(check);
                self.happened.push(Happened::Check {
                    shown: self.now.wall,
                });
                events.push_back(Event::CheckEnded {
                    complete: report.outcome == sesshoku_dbus_api::CheckOutcome::Complete,
                });
            }
            Action::LoadAllKeys => {
                let keys = self.store().own_keys().unwrap();
                events.push_back(Event::AllKeysLoaded(Ok(keys)));
            }
            Action::SaveRegistration {
                record,
                changed,
                sent,
            } => {
                let saved = self.store().put_registration(&record, &changed, &sent);
                events.push_back(Event::RegistrationSaved(saved.map_err(|_| StorageFault)));
            }
            Action::Send(_) => {
                events.push_back(Event::RegistrationSent(if self.is_registering_possible {
                    SendOutcome::Taken
                } else {
                    SendOutcome::NotYet(Obstacle::Unreachable, None)
                }));
            }
            Action::Answer(answer) => self.answers.push(answer),
            Action::Erase { .. } | Action::Measured(_) => panic!("nobody asked for it"),
            Action::CancelSending | Action::ReadyToSleep { .. } | Action::SleepAgain => {}
        }
    }

    fn command(&mut self, command: Command, events: &mut VecDeque<Event>) {
        if let Command::StartBroadcast(broadcast) = command {
            assert!(
                self.aired.insert(broadcast.rpi),
                "an identifier was on the air before"
            );
        }
        events.push_back(Event::Radio(RadioEvent::Done(Ok(()))));
        if command == Command::StartScan {
            for person in &self.near {
                let heard = person.heard(self.truth);
                events.push_back(Event::Radio(RadioEvent::Heard(heard)));
            }
        }
    }

    /// Purges at once. Returns for how many seconds there was a recording of the future.
    pub(crate) fn purge(&mut self) -> u64 {
        let look = Look {
            wall: self.now.wall,
            boot: self.now.boot,
            voucher: self.voucher,
        };
        let report = self.store().purge(&look).unwrap();
        self.misdated += report.misdated_seconds;
        self.happened.push(Happened::Purge {
            shown: self.now.wall,
            is_right: self.now.wall == self.truth,
        });
        report.misdated_seconds
    }

    /// What is told of recordings that were dated by a clock that was ahead, in seconds.
    pub(crate) fn status_misdated(&self) -> u64 {
        self.tracer.status(self.now).counters.misdated
    }

    /// What is said about the last fourteen days, of a server that makes no promise.
    pub(crate) fn assess(&self) -> Assessment {
        self.assess_fresh_within(None)
    }

    /// The same of one that promises to sign something that often.
    pub(crate) fn assess_fresh_within(&self, within: Option<Duration>) -> Assessment {
        sync::assess(&self.store(), ConsentState::Agreed, within, self.now.wall).unwrap()
    }

    /// All sightings there are.
    pub(crate) fn sightings(&self) -> Vec<Sighting> {
        let mut sightings = Vec::new();
        let report = self
            .store()
            .for_each_sighting(UnixSeconds::new(0), &mut |sighting| {
                sightings.push(*sighting)
            })
            .unwrap();
        assert_eq!(report.damaged_segments, 0);
        sightings
    }

    /// The answer to what was asked last about registering.
    pub(crate) fn answer(&mut self) -> Option<Result<(), Refusal>> {
        self.answers.pop()
    }
}
