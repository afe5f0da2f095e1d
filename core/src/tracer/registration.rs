//! Registering as positive: which keys, when they are sent, and what comes of it.
//!
//! Keys that are in a registration are out of use from the moment it is accepted: the
//! rest of the day has a new one, both are on the disk before anything is sent, and
//! what was on the air is off it. They stay so whatever becomes of the registration,
//! since nobody knows whether a request without an answer has arrived.

use std::fmt;
use std::time::Duration;

use crate::status::{RegistrationReason, RegistrationState};
use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::key::Tek;
use gaen::registration::{
    ProcessingNumber, REGISTRABLE_DAYS, days_since_onset, infectious_window, is_registrable_date,
};
use gaen::time::{Interval, UnixSeconds, UtcDay};
use rand_core::CryptoRng;

use super::{Action, KeyState, STORAGE_RETRY, StorageFault, Tracer};
use crate::radio::Command;
use crate::records::{
    OwnKey, Registration, RegistrationEnd, RegistrationFailure, RegistrationId, RegistrationRecord,
    Standing,
};
use crate::time::{BootTime, Now};

/// Nothing that waits is given up by a wall clock that was set less long ago than this.
const CLOCK_HOLD: Duration = Duration::from_secs(1_800);

/// The most keys one registration has. Those of fourteen days are fourteen, and one
/// more for each registration begun on them.
pub const MAX_KEYS: usize = 30;

/// The server takes the keys of this many days after the first of a place
/// (docs/protocol.md §8: ten days after an onset).
const MOST_PLACE_DAYS: u32 = 10;

/// So many wrong numbers within [`TRIES_COUNT_FOR`] make a pause.
const TRIES: usize = 3;
/// For how many seconds a wrong number counts.
const TRIES_COUNT_FOR: i64 = 86_400;
/// How many seconds a pause lasts.
const PAUSE: i32 = 1_800;
/// A processing number is good for a day: for so long a registration is kept that could
/// not be sent.
const KEPT_FOR: Duration = Duration::from_hours(24);
/// For how long it is told how a registration ended.
const TOLD_FOR: Duration = Duration::from_hours(14 * 24);
/// The wait after the first failure to send; it doubles with each.
const FIRST_RETRY: Duration = Duration::from_secs(15);
/// The longest wait between two tries, also if the server asks for more.
const LONGEST_RETRY: Duration = Duration::from_mins(15);
/// How many keys a dummy has.
const CHAFF_DAYS: u32 = 14;

/// What somebody registers.
#[derive(Clone, PartialEq, Eq)]
pub struct Application {
    /// Whether there are symptoms.
    pub has_symptoms: bool,
    /// When they began, else when the test was; of a place the first of its days.
    pub date: UtcDay,
    /// Of a place, the last day on which somebody infectious was there.
    pub last_day: Option<UtcDay>,
    /// The processing number.
    pub number: ProcessingNumber,
    /// The version of the agreement, which is the one in force.
    pub agreement_version: String,
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Application(…)")
    }
}

/// What is to be sent to the notification server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Whether it is a dummy, which the server answers and throws away. Nobody in
    /// between can tell.
    pub is_chaff: bool,
    /// The registration.
    pub registration: Registration,
    /// Its processing number.
    pub number: ProcessingNumber,
}

/// What came of sending a [`Submission`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The server has taken it.
    Taken,
    /// The server has refused it for good.
    Refused(RegistrationFailure),
    /// It may be taken another time.
    NotYet(Obstacle, Option<Duration>),
}

/// What stood in the way of sending; the wait beside it is what the server asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// No answer, or one by which the server is out of order.
    Unreachable,
    /// The number could not be checked.
    ManagementUnavailable,
    /// The server gets too many tries.
    TooManyTries,
}

/// Why a request about registering is turned down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The terms in force are not agreed to.
    ConsentRequired,
    /// There is no server to register with.
    NotConfigured,
    /// The clock is not set.
    ClockNotSet,
    /// Too many numbers were wrong.
    Paused,
    /// One is being begun or sent.
    Busy,
    /// The date is too long ago or in the future.
    InvalidDate,
    /// The last day of a place is before the first, or too long after it.
    InvalidLastDay,
    /// There is no key to register.
    NoKeys,
    /// Another registration waits.
    Pending,
    /// No registration waits.
    NothingPending,
    /// The number has to be given again.
    NumberRequired,
    /// The store failed.
    Storage,
}

/// What a front end may know of registering.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistrationStatus {
    /// How far it is.
    pub state: RegistrationState,
    /// Why it waits or has failed.
    pub reason: RegistrationReason,
    /// When the state became what it is.
    pub since: Option<UnixSeconds>,
    /// The days whose keys are or were sent.
    pub days: Vec<UtcDay>,
    /// Whether there are symptoms.
    pub has_symptoms: bool,
    /// The date of onset or test.
    pub date: Option<UtcDay>,
    /// When it is tried again.
    pub next_try: Option<UnixSeconds>,
    /// How many wrong numbers there may be before a pause.
    pub tries_left: u32,
    /// Until when nothing can be registered.
    pub paused_until: Option<UnixSeconds>,
}

impl fmt::Debug for RegistrationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistrationStatus(…)")
    }
}

/// The registration, and the timetable of dummies.
#[derive(Debug)]
pub(super) struct Registrar {
    record: RegistrationRecord,
    /// Only here, and only until the server has judged it.
    number: Option<ProcessingNumber>,
    phase: Phase,
    failures: u32,
    /// When what is pending was begun, unless that was before a restart.
    begun_at: Option<BootTime>,
    /// Keys the server has, which the store does not know yet.
    sent: Vec<Tek>,
    save: Save,
    shown: (RegistrationState, Option<UnixSeconds>),
    answers: Vec<Result<(), Refusal>>,
    chaff: Chaff,
}

#[derive(Debug)]
enum Phase {
    /// Nothing is pending.
    Idle,
    /// The own keys are being read.
    Choosing(Application),
    /// The registration and the change of keys are being stored.
    Beginning(Box<(Registration, ProcessingNumber)>),
    /// It is sent at `at`, if the air is clear.
    Due { at: BootTime, why: Why },
    /// It is being sent.
    Sending,
    /// The daemon was restarted.
    WithoutNumber,
}

/// Why it has not been sent yet.
#[derive(Clone, Copy, Debug)]
enum Why {
    JustBegun,
    Obstacle(Obstacle, UnixSeconds),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Save {
    Clean,
    Due(BootTime),
    UnderWay,
}

/// Dummies come at random, on average one in `every`, whatever came before: when the
/// last one was tells nothing about the next, and nothing has to be remembered.
#[derive(Debug)]
struct Chaff {
    due: Option<BootTime>,
    under_way: bool,
}

impl Registrar {
    pub(super) fn new(record: RegistrationRecord) -> Self {
        let phase = match record.pending {
            Some(_) => Phase::WithoutNumber,
            None => Phase::Idle,
        };
        let mut registrar = Self {
            record,
            number: None,
            phase,
            failures: 0,
            begun_at: None,
            sent: Vec::new(),
            save: Save::Clean,
            shown: (RegistrationState::None, None),
            answers: Vec::new(),
            chaff: Chaff {
                due: None,
                under_way: false,
            },
        };
        let since = match (&registrar.record.pending, &registrar.record.ended) {
            (Some(pending), _) => Some(pending.begun),
            (None, ended) => ended.as_ref().map(|ended| ended.at),
        };
        registrar.shown = (registrar.state(), since);
        registrar
    }

    fn state(&self) -> RegistrationState {
        match self.phase {
            Phase::Idle | Phase::Choosing(_) | Phase::Beginning(_) => match &self.record.ended {
                None => RegistrationState::None,
                Some(ended) if ended.failure.is_none() => RegistrationState::Done,
                Some(_) => RegistrationState::Failed,
            },
            Phase::Sending
            | Phase::Due {
                why: Why::JustBegun,
                ..
            } => RegistrationState::Sending,
            Phase::Due { .. } | Phase::WithoutNumber => RegistrationState::WaitingToRetry,
        }
    }

    fn reason(&self) -> RegistrationReason {
        match &self.phase {
            Phase::WithoutNumber => RegistrationReason::NumberNeeded,
            Phase::Due {
                why: Why::Obstacle(obstacle, _),
                ..
            } => match obstacle {
                Obstacle::Unreachable => RegistrationReason::Unreachable,
                Obstacle::ManagementUnavailable => RegistrationReason::ManagementUnavailable,
                Obstacle::TooManyTries => RegistrationReason::TooManyTries,
            },
            Phase::Due { .. } | Phase::Sending => RegistrationReason::None,
            Phase::Idle | Phase::Choosing(_) | Phase::Beginning(_) => {
                match self.record.ended.as_ref().and_then(|ended| ended.failure) {
                    None => RegistrationReason::None,
                    Some(RegistrationFailure::NumberRefused) => RegistrationReason::NumberRefused,
                    Some(RegistrationFailure::Invalid) => RegistrationReason::Invalid,
                    Some(RegistrationFailure::NotAllowed) => RegistrationReason::NotAllowed,
                    Some(RegistrationFailure::BadAnswer) => RegistrationReason::BadAnswer,
                    Some(RegistrationFailure::Expired) => RegistrationReason::Expired,
                }
            }
        }
    }

    /// The wrong tries that still count. One of the future is of a clock that was
    /// ahead, and cannot be dated.
    fn tries(&self, now: UnixSeconds) -> impl Iterator<Item = UnixSeconds> {
        let counts = move |at: &UnixSeconds| (0..TRIES_COUNT_FOR).contains(&now.seconds_since(*at));
        self.record.wrong_tries.iter().copied().filter(counts)
    }

    fn paused_until(&self, now: UnixSeconds) -> Option<UnixSeconds> {
        let last = self.tries(now).last()?;
        let until = last.saturating_add_signed(PAUSE);
        (self.tries(now).count().is_multiple_of(TRIES) && now < until).then_some(until)
    }

    fn tries_left(&self, now: UnixSeconds) -> u32 {
        if self.paused_until(now).is_some() {
            return 0;
        }
        u32::try_from(TRIES - self.tries(now).count() % TRIES).unwrap_or(u32::MAX)
    }

    /// Ends what is pending. The number has served.
    fn end(&mut self, now: Now, failure: Option<RegistrationFailure>) {
        self.number = None;
        self.phase = Phase::Idle;
        self.failures = 0;
        self.begun_at = None;
        self.save = Save::Due(now.boot);
        let Some(pending) = self.record.pending.take() else {
            return;
        };
        let days = if failure.is_none() {
            pending.days()
        } else {
            Vec::new()
        };
        self.record.ended = Some(RegistrationEnd {
            failure,
            at: now.wall,
            has_symptoms: pending.has_symptoms,
            date: pending.date,
            days,
        });
    }

    pub(super) fn status(&self, now: UnixSeconds) -> RegistrationStatus {
        let (state, since) = self.shown;
        let pending = self.record.pending.as_ref();
        let ended = self.record.ended.as_ref();
        let of = |pending: Option<(bool, UtcDay)>, ended| pending.or(ended);
        let registered = of(
            pending.map(|it| (it.has_symptoms, it.date)),
            ended.map(|it| (it.has_symptoms, it.date)),
        );
        RegistrationStatus {
            state,
            reason: self.reason(),
            since,
            days: match (pending, ended) {
                (Some(pending), _) => pending.days(),
                (None, Some(ended)) => ended.days.clone(),
                (None, None) => Vec::new(),
            },
            has_symptoms: registered.is_some_and(|(has_symptoms, _)| has_symptoms),
            date: registered.map(|(_, date)| date),
            next_try: match self.phase {
                Phase::Due {
                    why: Why::Obstacle(_, at),
                    ..
                } => Some(at),
                Phase::Idle
                | Phase::Choosing(_)
                | Phase::Beginning(_)
                | Phase::Due { .. }
                | Phase::Sending
                | Phase::WithoutNumber => None,
            },
            tries_left: self.tries_left(now),
            paused_until: self.paused_until(now),
        }
    }
}

impl<R: CryptoRng> Tracer<R> {
    pub(super) fn on_register(
        &mut self,
        now: Now,
        application: Application,
        actions: &mut Vec<Action>,
    ) {
        if let Err(refusal) = self.may_register(now, &application) {
            return self.registrar.answers.push(Err(refusal));
        }
        if self.registrar.record.pending.is_some() {
            self.registrar.number = Some(application.number);
            self.registrar.failures = 0;
            self.registrar.phase = Phase::Due {
                at: now.boot,
                why: Why::JustBegun,
            };
            return self.registrar.answers.push(Ok(()));
        }
        self.registrar.phase = Phase::Choosing(application);
        actions.push(Action::LoadAllKeys);
    }

    fn may_register(&self, now: Now, application: &Application) -> Result<(), Refusal> {
        if !self.may_run() {
            return Err(Refusal::ConsentRequired);
        }
        if !self.settings.can_register {
            return Err(Refusal::NotConfigured);
        }
        if !now.wall.is_plausible() {
            return Err(Refusal::ClockNotSet);
        }
        if self.registrar.paused_until(now.wall).is_some() {
            return Err(Refusal::Paused);
        }
        match self.registrar.phase {
            Phase::Choosing(_) | Phase::Beginning(_) | Phase::Sending => return Err(Refusal::Busy),
            Phase::Idle | Phase::Due { .. } | Phase::WithoutNumber => {}
        }
        if let Some(pending) = &self.registrar.record.pending {
            let asked = (application.has_symptoms, application.date);
            return if asked == (pending.has_symptoms, pending.date) {
                Ok(())
            } else {
                Err(Refusal::Pending)
            };
        }
        if !is_registrable_date(application.date, now.wall.utc_day()) {
            return Err(Refusal::InvalidDate);
        }
        let most = application.date.saturating_add(MOST_PLACE_DAYS);
        if application
            .last_day
            .is_some_and(|last| !(application.date..=most).contains(&last))
        {
            return Err(Refusal::InvalidLastDay);
        }
        Ok(())
    }

    /// Chooses the keys, takes them out of use, and has that stored.
    pub(super) fn on_all_keys_loaded(
        &mut self,
        now: Now,
        loaded: Result<Vec<OwnKey>, StorageFault>,
        actions: &mut Vec<Action>,
    ) {
        let phase = std::mem::replace(&mut self.registrar.phase, Phase::Idle);
        let Phase::Choosing(application) = phase else {
            self.registrar.phase = phase;
            return;
        };
        self.note_storage(loaded.as_ref().map(|_| ()).map_err(|fault| *fault));
        let Ok(mut keys) = loaded else {
            return self.registrar.answers.push(Err(Refusal::Storage));
        };
        self.overlay_present_key(&mut keys);
        keys.retain(|key| !self.registrar.sent.contains(&key.tek));
        let mut window = infectious_window(application.has_symptoms, application.date);
        if let Some(last_day) = application.last_day {
            window = (application.date, last_day.min(window.1));
        }
        let chosen = choose(&keys, now.wall.interval(), window);
        if chosen.is_empty() {
            return self.registrar.answers.push(Err(Refusal::NoKeys));
        }
        let mut id = [0; 16];
        self.rng.fill_bytes(&mut id);
        let registration = Registration {
            id: RegistrationId::from_bytes(id),
            has_symptoms: application.has_symptoms,
            date: application.date,
            keys: chosen
                .iter()
                .map(|key| DiagnosisKey {
                    tek: key.tek.clone(),
                    rolling_start: key.start,
                    rolling_period: key.period,
                    transmission_risk_level: 0,
                    report_type: ReportType::ConfirmedTest,
                    days_since_onset: Some(days_since_onset(application.date, key.day)),
                })
                .collect(),
            agreement_version: application.agreement_version,
            begun: now.wall,
        };
        let given_up = keys.iter().filter(|key| {
            key.standing == Standing::InUse && chosen.iter().any(|it| it.tek == key.tek)
        });
        let given_up: Vec<Tek> = given_up.map(|key| key.tek.clone()).collect();
        self.give_up_broadcast();
        let mut changed = chosen;
        changed.extend(self.succeed_present_key(now, &changed, &given_up));
        let record = RegistrationRecord {
            pending: Some(registration.clone()),
            ended: None,
            wrong_tries: self.registrar.tries(now.wall).collect(),
        };
        self.registrar.phase = Phase::Beginning(Box::new((registration, application.number)));
        actions.push(Action::SaveRegistration {
            record,
            changed,
            sent: self.registrar.sent.clone(),
        });
    }

    pub(super) fn on_registration_saved(&mut self, now: Now, saved: Result<(), StorageFault>) {
        self.note_storage(saved);
        let registrar = &mut self.registrar;
        let phase = std::mem::replace(&mut registrar.phase, Phase::Idle);
        let Phase::Beginning(begun) = phase else {
            registrar.phase = phase;
            match saved {
                Err(StorageFault) => registrar.save = Save::Due(now.boot.after(STORAGE_RETRY)),
                // It may be due again already.
                Ok(()) if registrar.save == Save::UnderWay => {
                    registrar.save = Save::Clean;
                    registrar.sent.clear();
                }
                Ok(()) => {}
            }
            return;
        };
        // The keys stay out of use even if that could not be stored: better so than
        // to be wrong about what is on the disk.
        if saved.is_err() {
            return registrar.answers.push(Err(Refusal::Storage));
        }
        let (registration, number) = *begun;
        registrar.record.pending = Some(registration);
        registrar.record.ended = None;
        registrar.save = Save::Clean;
        registrar.sent.clear();
        registrar.number = Some(number);
        registrar.failures = 0;
        registrar.begun_at = Some(now.boot);
        registrar.phase = Phase::Due {
            at: now.boot,
            why: Why::JustBegun,
        };
        registrar.answers.push(Ok(()));
    }

    pub(super) fn on_registration_sent(&mut self, now: Now, outcome: SendOutcome) {
        if !matches!(self.registrar.phase, Phase::Sending) {
            return;
        }
        match outcome {
            SendOutcome::Taken => {
                if let Some(pending) = &self.registrar.record.pending {
                    let teks = pending.keys.iter().map(|key| key.tek.clone());
                    self.registrar.sent.extend(teks);
                }
                self.registrar.end(now, None);
            }
            SendOutcome::Refused(failure) => {
                if failure == RegistrationFailure::NumberRefused {
                    let mut tries: Vec<_> = self.registrar.tries(now.wall).collect();
                    tries.push(now.wall);
                    self.registrar.record.wrong_tries = tries;
                }
                self.registrar.end(now, Some(failure));
            }
            SendOutcome::NotYet(obstacle, asked_wait) => {
                self.registrar.failures = self.registrar.failures.saturating_add(1);
                let doublings = self.registrar.failures.saturating_sub(1).min(16);
                let longest = FIRST_RETRY
                    .saturating_mul(1 << doublings)
                    .min(LONGEST_RETRY);
                let wait = self
                    .random_between(longest / 2, longest)
                    .max(asked_wait.unwrap_or_default().min(LONGEST_RETRY));
                let seconds = i32::try_from(wait.as_secs()).unwrap_or(i32::MAX);
                self.registrar.phase = Phase::Due {
                    at: now.boot.after(wait),
                    why: Why::Obstacle(obstacle, now.wall.saturating_add_signed(seconds)),
                };
            }
        }
    }

    pub(super) fn on_retry(&mut self, now: Now) {
        let answer = match &mut self.registrar.phase {
            Phase::Idle => Err(Refusal::NothingPending),
            Phase::Choosing(_) | Phase::Beginning(_) | Phase::Sending => Err(Refusal::Busy),
            Phase::WithoutNumber => Err(Refusal::NumberRequired),
            Phase::Due { at, .. } => {
                *at = now.boot;
                Ok(())
            }
        };
        self.registrar.answers.push(answer);
    }

    pub(super) fn on_forget(&mut self, now: Now, actions: &mut Vec<Action>) {
        let registrar = &mut self.registrar;
        match registrar.phase {
            Phase::Choosing(_) | Phase::Beginning(_) => {
                return registrar.answers.push(Err(Refusal::Busy));
            }
            Phase::Sending => actions.push(Action::CancelSending),
            Phase::Idle | Phase::Due { .. } | Phase::WithoutNumber => {}
        }
        if registrar.record.pending.is_some() || registrar.record.ended.is_some() {
            registrar.end(now, None);
            registrar.record.ended = None;
        }
        registrar.answers.push(Ok(()));
    }

    /// Everything is being erased: no registration was ever.
    pub(super) fn forget_registrations(&mut self) {
        let was_beginning = matches!(
            self.registrar.phase,
            Phase::Choosing(_) | Phase::Beginning(_)
        );
        let chaff_due = self.registrar.chaff.due;
        let answers = std::mem::take(&mut self.registrar.answers);
        self.registrar = Registrar::new(RegistrationRecord::default());
        self.registrar.chaff.due = chaff_due;
        self.registrar.answers = answers;
        if was_beginning {
            self.registrar.answers.push(Err(Refusal::Busy));
        }
    }

    pub(super) fn on_chaff_sent(&mut self) {
        self.registrar.chaff.under_way = false;
    }

    /// Sends what is due, and gives up what was in vain for too long.
    pub(super) fn drive_registration(&mut self, now: Now, actions: &mut Vec<Action>) {
        if !(self.may_run() && now.wall.is_plausible()) {
            return;
        }
        self.expire_registration(now);
        if let Phase::Due { at, .. } = self.registrar.phase
            && at <= now.boot
            && !self.must_leave_air
            && let (Some(registration), Some(number)) =
                (&self.registrar.record.pending, &self.registrar.number)
        {
            let submission = Submission {
                is_chaff: false,
                registration: registration.clone(),
                number: number.clone(),
            };
            self.registrar.phase = Phase::Sending;
            actions.push(Action::Send(submission));
        }
        self.drive_chaff(now, actions);
    }

    /// Has the record stored where it changed, shows since when the state is what it
    /// is, and answers those who asked, in this order.
    pub(super) fn settle_registration(&mut self, now: Now, actions: &mut Vec<Action>) {
        let state = self.registrar.state();
        if self.registrar.shown.0 != state {
            let since = (state != RegistrationState::None).then_some(now.wall);
            self.registrar.shown = (state, since);
        }
        if let Save::Due(at) = self.registrar.save
            && at <= now.boot
            && !matches!(self.registrar.phase, Phase::Beginning(_))
        {
            self.registrar.save = Save::UnderWay;
            actions.push(Action::SaveRegistration {
                record: self.registrar.record.clone(),
                changed: Vec::new(),
                sent: self.registrar.sent.clone(),
            });
        }
        actions.extend(self.registrar.answers.drain(..).map(Action::Answer));
    }

    /// When something is to happen here.
    pub(super) fn registration_deadlines(&self) -> impl Iterator<Item = BootTime> {
        let at = match self.registrar.phase {
            Phase::Due { at, .. } => Some(at),
            Phase::Idle
            | Phase::Choosing(_)
            | Phase::Beginning(_)
            | Phase::Sending
            | Phase::WithoutNumber => None,
        };
        let save_at = match self.registrar.save {
            Save::Due(at) => Some(at),
            Save::Clean | Save::UnderWay => None,
        };
        let pause = self.registrar.paused_until(self.last_seen.wall);
        let pause_ends = pause.map(|until| {
            let seconds = until.seconds_since(self.last_seen.wall);
            let seconds = u64::try_from(seconds).unwrap_or(0);
            self.last_seen.boot.after(Duration::from_secs(seconds))
        });
        let chaff = &self.registrar.chaff;
        let chaff_due = chaff.due.filter(|_| !chaff.under_way);
        [at, save_at, pause_ends, chaff_due].into_iter().flatten()
    }

    /// When the next dummy is sent: by the exponential distribution, so that at every
    /// moment one is as likely as at any other.
    pub(super) fn plan_chaff(&mut self, now: Now) {
        self.registrar.chaff.due = self.settings.chaff_every.map(|mean| {
            let below_one = f64::from(self.rng.next_u32()) / (f64::from(u32::MAX) + 1.0);
            let factor = -(1.0 - below_one).ln();
            let wait = Duration::try_from_secs_f64(mean.as_secs_f64() * factor);
            now.boot.after(wait.unwrap_or(mean))
        });
    }

    fn drive_chaff(&mut self, now: Now, actions: &mut Vec<Action>) {
        let chaff = &self.registrar.chaff;
        if chaff.under_way || chaff.due.is_none_or(|due| due > now.boot) {
            return;
        }
        self.plan_chaff(now);
        self.registrar.chaff.under_way = true;
        let submission = self.dummy(now);
        actions.push(Action::Send(submission));
    }

    /// What looks like a registration, of keys that nobody ever has.
    fn dummy(&mut self, now: Now) -> Submission {
        let today = now.wall.utc_day();
        let date = today.saturating_sub(3);
        let first = today.saturating_sub(CHAFF_DAYS - 1);
        let keys = (0..CHAFF_DAYS).map(|number| {
            let day = first.saturating_add(number);
            DiagnosisKey {
                tek: Tek::generate(&mut self.rng),
                rolling_start: day.first_interval(),
                rolling_period: RollingPeriod::DAY,
                transmission_risk_level: 0,
                report_type: ReportType::ConfirmedTest,
                days_since_onset: Some(days_since_onset(date, day)),
            }
        });
        let keys = keys.collect();
        let mut id = [0; 16];
        self.rng.fill_bytes(&mut id);
        let digits = format!("{:08}", self.rng.next_u64() % 100_000_000);
        Submission {
            is_chaff: true,
            registration: Registration {
                id: RegistrationId::from_bytes(id),
                has_symptoms: true,
                date,
                keys,
                agreement_version: String::new(),
                begun: now.wall,
            },
            number: ProcessingNumber::parse(&digits).expect("it is a number of eight digits"),
        }
    }

    /// Gives up what has waited for too long: by the boot clock where that can tell, else
    /// by a wall clock that was not set just now.
    fn expire_registration(&mut self, now: Now) {
        let is_settled = now.boot.since(self.clock_set_at) >= CLOCK_HOLD;
        let passed = |since: UnixSeconds| {
            let passed = u64::try_from(now.wall.seconds_since(since)).unwrap_or(0);
            Duration::from_secs(if is_settled { passed } else { 0 })
        };
        let registrar = &mut self.registrar;
        match registrar.phase {
            Phase::Due { .. } | Phase::WithoutNumber => {
                let waited = match (registrar.begun_at, &registrar.record.pending) {
                    (Some(begun), _) => now.boot.since(begun),
                    (None, Some(pending)) => passed(pending.begun),
                    (None, None) => return,
                };
                if waited > KEPT_FOR {
                    registrar.end(now, Some(RegistrationFailure::Expired));
                }
            }
            Phase::Idle => {
                let ended = registrar.record.ended.as_ref().map(|it| it.at);
                if ended.is_some_and(|at| passed(at) > TOLD_FOR) {
                    registrar.record.ended = None;
                    registrar.save = Save::Due(now.boot);
                }
            }
            Phase::Choosing(_) | Phase::Beginning(_) | Phase::Sending => {}
        }
    }

    /// What is in memory of the present key is ahead of the store, but what has not
    /// been given to the radio yet was not on the air.
    fn overlay_present_key(&self, keys: &mut [OwnKey]) {
        let KeyState::Ready(present) = &self.key else {
            return;
        };
        let Some(key) = keys.iter_mut().find(|key| key.tek == present.tek) else {
            return;
        };
        *key = present.clone();
        let is_starting = self
            .pending
            .is_some_and(|pending| matches!(pending.command, Command::StartBroadcast(_)));
        if let Some(prepared) = self.prepared.filter(|_| !is_starting) {
            key.mark_unused(prepared.interval);
        }
    }

    /// A key for the rest of the day, where one of today that was in use is `given_up`;
    /// `chosen` tells where it ended.
    fn succeed_present_key(
        &mut self,
        now: Now,
        chosen: &[OwnKey],
        given_up: &[Tek],
    ) -> Option<OwnKey> {
        let today = now.wall.utc_day();
        let ends = chosen
            .iter()
            .filter(|key| key.day == today && given_up.contains(&key.tek))
            .map(OwnKey::end);
        let end = ends.max().filter(|end| end.utc_day() == today);
        let successor = end.map(|end| OwnKey::generate(end, &mut self.rng));
        if let KeyState::Ready(present) = &self.key
            && given_up.contains(&present.tek)
        {
            self.prepared = None;
            self.key = match successor.clone() {
                Some(successor) => KeyState::Ready(successor),
                None => KeyState::Missing { retry_at: now.boot },
            };
        }
        successor
    }
}

/// Those of `keys` that belong into a registration at `now`, taken out of use: of the
/// last fourteen days, within `window`, not known to the server, and with something on
/// the air. Where that is more than [`MAX_KEYS`], those that were on it the longest.
fn choose(keys: &[OwnKey], now: Interval, window: (UtcDay, UtcDay)) -> Vec<OwnKey> {
    let today = now.utc_day();
    let first = today.saturating_sub(REGISTRABLE_DAYS - 1).max(window.0);
    let days = first..=today.min(window.1);
    let mut chosen: Vec<_> = keys
        .iter()
        .filter(|key| days.contains(&key.day) && key.start <= now && !key.used.is_empty())
        .cloned()
        .filter_map(|mut key| match key.standing {
            Standing::Sent => None,
            Standing::Retired => Some(key),
            Standing::InUse if key.day == today => key.retire(now).then_some(key),
            Standing::InUse => {
                key.standing = Standing::Retired;
                Some(key)
            }
        })
        .collect();
    if chosen.len() > MAX_KEYS {
        chosen.sort_by_key(|key| std::cmp::Reverse(key.used.count()));
        chosen.truncate(MAX_KEYS);
        chosen.sort_by_key(|key| key.start);
    }
    chosen
}
