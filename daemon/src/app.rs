//! The shell around the core: carries events to it and its actions out.
//!
//! One task, one loop. Only the store and the matching leave it, to a blocking
//! thread, so that a slow disk never silences the bus.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gaen::registration::ProcessingNumber;
use gaen::time::{UnixSeconds, UtcDay};
use rand_core::CryptoRng;
use sesshoku_core::radio::RadioEvent;
use sesshoku_core::records::{CheckOutcome, Consent, PLACE_AGREEMENT_VERSION};
use sesshoku_core::status::ConsentState;
use sesshoku_core::time::Look;
use sesshoku_core::tracer::{
    Action, Application, Event, Obstacle, SendOutcome, StorageFault, Submission, Tracer,
};
use sesshoku_core::verdict::Assessment;
use sesshoku_dbus_api::{ContactDay, Error, ExposureResult, Measurement};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::agreement::Agreement;
use crate::clock::{Clock, SystemClock};
use crate::power::{Power, PowerEvent};
use crate::radio::Radio;
use crate::service::{MAX_WAITING, Reply, Request, Snapshot};
use crate::store::{Store, StoreError};
use crate::sync::{self, CheckReport, Server};

/// How long the radio has to fall silent when the daemon ends.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// Everything the loop works with.
pub struct App<R, C, G> {
    /// The core.
    pub tracer: Tracer<G>,
    /// The radio.
    pub radio: R,
    /// The clock that goes with the radio.
    pub clock: C,
    /// The machine's sleep.
    pub power: Power,
    /// The store.
    pub store: Arc<Mutex<Store>>,
    /// The notification server, if one is configured.
    pub server: Option<Arc<Server>>,
    /// What callers ask.
    pub requests: mpsc::Receiver<Request>,
    /// What the properties show.
    pub snapshots: watch::Sender<Snapshot>,
    /// Whose agreement counts.
    pub agreement: Agreement,
    /// The version of the terms in force.
    pub terms_version: String,
    /// The version of the registration agreement in force.
    pub agreement_version: String,
    /// Kept at the clock's time for the `Time` property.
    pub shown_time: Arc<AtomicU32>,
    /// Whether to end when a log does.
    pub exit_at_end: bool,
}

/// How often to tell that the loop is alive, and how.
pub struct Heartbeat<F> {
    /// The longest time between two beats, on a clock of its own; `None` where nobody
    /// listens. tokio's timers take several wake-ups to come to a time that is far.
    pub every: Option<(SystemClock, Duration)>,
    /// Called whenever the loop comes round.
    pub beat: F,
}

impl<R: Radio, C: Clock, G: CryptoRng> App<R, C, G> {
    /// Runs until `stop` resolves (or the log ends, if that is to end it), then
    /// leaves the air and saves what was heard.
    pub async fn run(self, stop: impl Future<Output = ()>, mut heartbeat: Heartbeat<impl FnMut()>) {
        let mut stop = pin!(stop);
        let mut running = Running {
            app: self,
            events: VecDeque::from([Event::Timer]),
            check: None,
            check_replies: Vec::new(),
            erase_replies: Vec::new(),
            sending: None,
            chaff: None,
            registration_replies: VecDeque::new(),
            looking: None,
            measure_reply: None,
            log_ended: false,
        };
        loop {
            running.work().await;
            (heartbeat.beat)();
            if running.log_ended && running.app.exit_at_end {
                break;
            }
            let beat = async {
                match &heartbeat.every {
                    Some((clock, every)) => clock.sleep_until(clock.now().boot.after(*every)).await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                biased;
                () = &mut stop => break,
                event = running.wait() => event,
                () = beat => continue,
            };
            match event {
                Woken::Event(event) => running.events.push_back(event),
                Woken::Request(request) => running.on_request(request).await,
                Woken::Checked(report) => running.on_checked(report).await,
                Woken::Sent(outcome) => {
                    running.events.push_back(Event::RegistrationSent(outcome));
                }
                Woken::ChaffSent => running.events.push_back(Event::ChaffSent),
                Woken::Looked(look) => running.maintain(look).await,
            }
        }
        running.close().await;
    }
}

/// Why the loop woke up.
enum Woken {
    Event(Event),
    Request(Request),
    Checked(CheckReport),
    Sent(SendOutcome),
    ChaffSent,
    Looked(Look),
}

/// The loop's own state besides what it was given.
struct Running<R, C, G> {
    app: App<R, C, G>,
    events: VecDeque<Event>,
    check: Option<JoinHandle<CheckReport>>,
    check_replies: Vec<Reply<CheckOutcome>>,
    erase_replies: Vec<Reply<()>>,
    /// A registration that is being sent.
    sending: Option<JoinHandle<SendOutcome>>,
    /// A dummy that is.
    chaff: Option<JoinHandle<SendOutcome>>,
    /// Who asked about registering, in the order the core answers them.
    registration_replies: VecDeque<Reply<()>>,
    /// A look at the clocks, for which somebody else is asked about them.
    looking: Option<JoinHandle<Look>>,
    /// Who waits for a measurement.
    measure_reply: Option<Reply<Measurement>>,
    log_ended: bool,
}

impl<R: Radio, C: Clock, G: CryptoRng> Running<R, C, G> {
    /// Waits for the next thing to happen. Cancel-safe.
    async fn wait(&mut self) -> Woken {
        let deadline = self.app.tracer.next_deadline();
        // Simulated time waits for the servers, so that a slow one does not make a
        // check end days later.
        let waits = self.check.is_some()
            || self.sending.is_some()
            || self.chaff.is_some()
            || self.looking.is_some();
        let hold_time = self.app.clock.is_simulated() && waits;
        let clock = &self.app.clock;
        let timer = async move {
            match deadline {
                Some(deadline) => clock.sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        // In no fixed order, so that a caller who never stops asking cannot keep the
        // identifier on the air, nor a log played at full speed the callers waiting.
        tokio::select! {
            Some(request) = self.app.requests.recv() => Woken::Request(request),
            report = finished(&mut self.check) => Woken::Checked(report),
            outcome = sent(&mut self.sending) => Woken::Sent(outcome),
            _ = sent(&mut self.chaff) => Woken::ChaffSent,
            look = looked(&mut self.looking) => Woken::Looked(look),
            () = timer => Woken::Event(Event::Timer),
            event = self.app.power.next() => Woken::Event(match event {
                PowerEvent::GoingToSleep => Event::GoingToSleep,
                PowerEvent::WokeUp => Event::WokeUp,
            }),
            event = self.app.radio.next(deadline), if !hold_time => {
                self.log_ended |= event == RadioEvent::Ended;
                Woken::Event(Event::Radio(event))
            }
        }
    }

    /// Tells the core what happened and does what it answers, until it rests.
    async fn work(&mut self) {
        self.decide().await;
        self.refuse_checks();
        self.publish();
    }

    /// The same without showing what came of it yet.
    async fn decide(&mut self) {
        while let Some(event) = self.events.pop_front() {
            let now = self.app.clock.now();
            for action in self.app.tracer.handle(now, event) {
                if let Some(answer) = self.perform(action).await {
                    self.events.push_back(answer);
                }
            }
        }
    }

    async fn perform(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Radio(command) => {
                self.app.radio.command(command);
                None
            }
            Action::LoadKey(day) => {
                let loaded =
                    self.with_store("read the own keys", move |store| store.own_keys_of(day));
                Some(Event::KeyLoaded(day, loaded.await))
            }
            Action::SaveKey(key) => {
                let saved =
                    self.with_store("save the own key", move |store| store.put_own_key(&key));
                Some(Event::KeySaved(saved.await))
            }
            Action::SaveCycle(cycle) => {
                let count = u64::try_from(cycle.sightings.len()).unwrap_or(u64::MAX);
                let copy = cycle.clone();
                let saved =
                    self.with_store("save a scan cycle", move |store| store.append_cycle(&copy));
                Some(Event::CycleSaved(match saved.await {
                    Ok(_) => Ok(count),
                    Err(fault) => Err((cycle, fault)),
                }))
            }
            Action::Maintain(_) => {
                if self.looking.is_none() {
                    let clock = self.app.clock.clone();
                    self.looking = Some(tokio::task::spawn_local(look(clock)));
                }
                None
            }
            Action::Erase { forget_consent } => {
                self.stop_check(|| {
                    if forget_consent {
                        Error::ConsentRequired("the agreement is withdrawn".into())
                    } else {
                        Error::Busy("everything is being erased".into())
                    }
                })
                .await;
                stop(&mut self.sending).await;
                if stop(&mut self.chaff).await {
                    self.events.push_back(Event::ChaffSent);
                }
                let erased = self.with_store("erase", move |store| {
                    if forget_consent {
                        store.withdraw()
                    } else {
                        store.erase()
                    }
                });
                let erased = erased.await;
                self.refresh_records().await;
                if erased.is_err() {
                    for reply in self.erase_replies.drain(..) {
                        answer(
                            reply,
                            Err(Error::Storage("could not erase everything".into())),
                        );
                    }
                }
                Some(Event::Erased(erased))
            }
            Action::Measured(measured) => {
                if let Some(reply) = self.measure_reply.take() {
                    answer(reply, measured.map(Measurement::from).map_err(Error::from));
                }
                None
            }
            Action::ReadyToSleep { wake_at } => {
                self.app.power.ready_to_sleep(wake_at);
                None
            }
            Action::SleepAgain => {
                self.app.power.sleep_again();
                None
            }
            Action::Check => {
                let now = self.app.clock.now().wall;
                let store = Arc::clone(&self.app.store);
                let server = self.app.server.clone();
                self.check = Some(tokio::task::spawn_local(sync::check(server, store, now)));
                None
            }
            Action::LoadAllKeys => {
                let loaded = self.with_store("read the own keys", |store| store.own_keys());
                Some(Event::AllKeysLoaded(loaded.await))
            }
            Action::SaveRegistration {
                record,
                changed,
                sent,
            } => {
                let saved = self.with_store("save the registration", move |store| {
                    store.put_registration(&record, &changed, &sent)
                });
                Some(Event::RegistrationSaved(saved.await))
            }
            Action::Send(submission) => {
                let slot = if submission.is_chaff {
                    &mut self.chaff
                } else {
                    &mut self.sending
                };
                let server = self.app.server.clone();
                *slot = Some(tokio::task::spawn_local(send(server, submission)));
                None
            }
            Action::CancelSending => {
                stop(&mut self.sending).await;
                None
            }
            Action::Answer(result) => {
                if let Some(reply) = self.registration_replies.pop_front() {
                    answer(reply, result.map_err(Error::from));
                }
                None
            }
        }
    }

    /// Purges and compacts what there is, by the clocks of `look`.
    async fn maintain(&mut self, look: Look) {
        if !look.wall.is_plausible() {
            return;
        }
        let done = self.with_store("purge and compact", move |store| {
            let purged = store.purge(&look)?;
            store.compact(look.wall.utc_day())?;
            Ok(purged)
        });
        // Failing to tidy up does not keep anything from being recorded.
        let misdated = done.await.map_or(0, |purged| purged.misdated_seconds);
        if misdated > 0 {
            tracing::warn!(
                seconds = misdated,
                "what was recorded while the clock was ahead is gone"
            );
        }
        self.announce_result();
        self.events.push_back(Event::Maintained { misdated });
    }

    async fn on_request(&mut self, request: Request) {
        match request {
            Request::Agree { version, reply } => {
                let agreed = self.agree(version).await;
                // Whoever has the answer sees what came of it.
                self.work().await;
                answer(reply, agreed);
            }
            Request::Withdraw(reply) => {
                if let Err(error) = self.app.agreement.may_be_changed_by_callers() {
                    return answer(reply, Err(error));
                }
                self.erase_replies.push(reply);
                self.events.push_back(Event::Withdrawn);
            }
            Request::Erase(reply) => {
                self.erase_replies.push(reply);
                self.events.push_back(Event::EraseRequested);
            }
            Request::Check(reply) => {
                if let Err(error) = self.may_check() {
                    return answer(reply, Err(error));
                }
                self.check_replies.retain(|reply| !reply.is_closed());
                if self.check_replies.len() >= MAX_WAITING {
                    let busy = Error::Busy("too many callers wait for this check".into());
                    return answer(reply, Err(busy));
                }
                self.check_replies.push(reply);
                self.events.push_back(Event::CheckRequested);
            }
            Request::Register {
                agreement_version,
                has_symptoms,
                date,
                last_day,
                number,
                reply,
            } => {
                let dates = (date.as_str(), last_day.as_deref());
                match self.application(agreement_version, has_symptoms, dates, number) {
                    Ok(application) => {
                        self.registration_replies.push_back(reply);
                        self.events.push_back(Event::Register(application));
                    }
                    Err(error) => answer(reply, Err(error)),
                };
            }
            Request::RetryRegistration(reply) => {
                self.registration_replies.push_back(reply);
                self.events.push_back(Event::RetryRegistration);
            }
            Request::ForgetRegistration(reply) => {
                self.registration_replies.push_back(reply);
                self.events.push_back(Event::ForgetRegistration);
            }
            Request::Measure(time, reply) => {
                // Nobody waits any more for one whose caller is gone: it begins anew.
                let is_awaited = |reply: &Reply<Measurement>| !reply.is_closed();
                if self.measure_reply.as_ref().is_some_and(is_awaited) {
                    let busy = Error::Busy("a measurement is under way".into());
                    return answer(reply, Err(busy));
                }
                self.measure_reply = Some(reply);
                self.events.push_back(Event::Measure(time));
            }
            Request::Result(reply) => {
                let result = self.assess().await.map(|it| ExposureResult::from(&it));
                answer(reply, result);
            }
            Request::Contacts(reply) => {
                let contacts = self
                    .assess()
                    .await
                    .map(|assessment| assessment.days.iter().map(ContactDay::from).collect());
                answer(reply, contacts);
            }
            Request::Checks(reply) => {
                let checks = self.with_store("read the checks", |store| store.checks());
                let entries = checks
                    .await
                    .map_err(|StorageFault| Error::Storage("could not read the checks".into()));
                let entries = entries.map(|all| all.into_iter().map(Into::into).collect());
                answer(reply, entries);
            }
        }
    }

    async fn agree(&mut self, version: String) -> Result<(), Error> {
        self.app.agreement.may_be_changed_by_callers()?;
        if version != self.app.terms_version {
            return Err(Error::TermsVersionMismatch(format!(
                "the terms in force are version {}",
                self.app.terms_version
            )));
        }
        if self.status_consent() == ConsentState::Agreed {
            return Ok(());
        }
        let consent = Consent {
            version,
            agreed_at: self.app.clock.now().wall,
        };
        self.with_store("save the agreement", move |store| {
            store.set_consent(Some(&consent))
        })
        .await
        .map_err(|StorageFault| Error::Storage("could not save the agreement".into()))?;
        self.refresh_records().await;
        self.events.push_back(Event::Agreed);
        Ok(())
    }

    fn application(
        &self,
        agreement_version: String,
        has_symptoms: bool,
        (date, last_day): (&str, Option<&str>),
        number: Option<ProcessingNumber>,
    ) -> Result<Application, Error> {
        let is_of_place = self.app.agreement_version == PLACE_AGREEMENT_VERSION;
        if agreement_version != self.app.agreement_version || last_day.is_some() != is_of_place {
            return Err(Error::AgreementVersionMismatch(format!(
                "the agreement in force is version {}",
                self.app.agreement_version
            )));
        }
        let day = |text| {
            let no_date = || Error::InvalidDate("not a date, YYYY-MM-DD, since 1970".into());
            utc_day(text).ok_or_else(no_date)
        };
        let date = day(date)?;
        let last_day = last_day.map(day).transpose()?;
        let number = number.ok_or_else(|| {
            Error::InvalidNumber(
                "not 8 to 16 digits, or the last, the check digit, does not fit".into(),
            )
        })?;
        Ok(Application {
            has_symptoms,
            date,
            last_day,
            number,
            agreement_version,
        })
    }

    fn may_check(&self) -> Result<(), Error> {
        let now = self.app.clock.now();
        self.app.tracer.may_check(now).map_err(Error::from)
    }

    fn status_consent(&self) -> ConsentState {
        self.app.tracer.status(self.app.clock.now()).consent
    }

    async fn assess(&mut self) -> Result<Assessment, Error> {
        let consent = self.status_consent();
        let now = self.app.clock.now().wall;
        let server = self.app.server.as_ref();
        let fresh_within = server.and_then(|server| server.fresh_within());
        self.with_store("read the result", move |store| {
            sync::assess(store, consent, fresh_within, now)
        })
        .await
        .map_err(|StorageFault| Error::Storage("could not read the result".into()))
    }

    async fn on_checked(&mut self, report: CheckReport) {
        let complete = report.outcome == CheckOutcome::Complete;
        // That it has ended and how are shown as one change.
        self.events.push_back(Event::CheckEnded { complete });
        self.decide().await;
        self.refresh_records().await;
        for reply in self.check_replies.drain(..) {
            answer(reply, Ok(report.outcome));
        }
    }

    /// Ends a check under way without a result and tells those who wait why.
    async fn stop_check(&mut self, why: impl Fn() -> Error) {
        if let Some(check) = self.check.take() {
            check.abort();
            let _ = check.await;
            self.events.push_back(Event::CheckEnded { complete: false });
        }
        for reply in self.check_replies.drain(..) {
            answer(reply, Err(why()));
        }
    }

    /// Tells those who wait for a check that cannot begin any more.
    fn refuse_checks(&mut self) {
        if self.check.is_some() || self.check_replies.is_empty() {
            return;
        }
        while let Err(error) = self.may_check()
            && let Some(reply) = self.check_replies.pop()
        {
            answer(reply, Err(error));
        }
    }

    /// Reads what the properties show of the store.
    async fn refresh_records(&mut self) {
        let agreement = self.app.agreement.clone();
        let records = self
            .with_store("read the records", move |store| {
                Ok((
                    agreement.stands(store)?,
                    store.last_check()?,
                    store.last_success()?,
                    sync::notices::kept(store)?,
                ))
            })
            .await;
        let Ok((agreed, last_check, last_success, notices)) = records else {
            return;
        };
        let status = self.app.tracer.status(self.app.clock.now());
        self.app.snapshots.send_modify(|snapshot| {
            snapshot.status = status;
            snapshot.agreed = agreed;
            snapshot.last_check = last_check.as_ref().map(|it| it.ended);
            snapshot.last_outcome = last_check.map(|it| it.outcome);
            snapshot.last_success = last_success;
            snapshot.notices = notices;
        });
        self.announce_result();
    }

    /// Says that the result may have changed: after each check and each look at the
    /// time, which changes it, too. Never only when it did, which would tell everybody
    /// on the bus.
    fn announce_result(&self) {
        self.app
            .snapshots
            .send_modify(|snapshot| snapshot.result_generation += 1);
    }

    fn publish(&mut self) {
        let now = self.app.clock.now();
        self.app.shown_time.store(now.wall.get(), Ordering::Relaxed);
        let status = self.app.tracer.status(now);
        if self.app.tracer.is_at_rest() || status.consent == ConsentState::Agreed {
            for reply in self.erase_replies.drain(..) {
                answer(reply, Ok(()));
            }
        }
        self.app.snapshots.send_if_modified(|snapshot| {
            let changed = snapshot.status != status;
            snapshot.status = status;
            changed
        });
    }

    /// Leaves the air and saves what was heard.
    async fn close(mut self) {
        self.stop_check(Error::shutting_down).await;
        stop(&mut self.sending).await;
        stop(&mut self.chaff).await;
        self.events.push_back(Event::ShutDown);
        self.work().await;
        let at_rest = async {
            while !self.app.tracer.is_at_rest() {
                let event = self.app.radio.next(None).await;
                self.events.push_back(Event::Radio(event));
                self.work().await;
            }
        };
        if tokio::time::timeout(CLOSE_WITHIN, at_rest).await.is_err() {
            tracing::warn!("the radio did not fall silent in time");
        }
        if tokio::time::timeout(CLOSE_WITHIN, self.app.radio.close())
            .await
            .is_err()
        {
            tracing::warn!("the radio did not close in time");
        }
    }

    /// Runs `work` with the store on a blocking thread; what fails is logged as
    /// having failed to do `what`.
    async fn with_store<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StorageFault> {
        let store = Arc::clone(&self.app.store);
        let done = tokio::task::spawn_blocking(move || {
            work(&mut store.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match done.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::error!(error, "could not {what}");
                Err(StorageFault)
            }
            Err(error) => {
                tracing::error!(%error, "could not {what}");
                Err(StorageFault)
            }
        }
    }
}

/// Resolves when the check under way ends; never while there is none.
async fn finished(check: &mut Option<JoinHandle<CheckReport>>) -> CheckReport {
    let Some(task) = check else {
        return std::future::pending().await;
    };
    let report = task.await;
    *check = None;
    report.unwrap_or_else(|error| {
        tracing::error!(%error, "the check ended unexpectedly");
        CheckReport::broken_off(UnixSeconds::new(0))
    })
}

/// Both clocks, with who vouches for the wall clock.
async fn look<C: Clock>(clock: C) -> Look {
    let voucher = clock.voucher().await;
    let now = clock.now();
    Look {
        wall: now.wall,
        boot: now.boot,
        voucher,
    }
}

/// Resolves when the look under way ends; never while there is none.
async fn looked(looking: &mut Option<JoinHandle<Look>>) -> Look {
    loop {
        let Some(task) = looking else {
            return std::future::pending().await;
        };
        let look = task.await;
        *looking = None;
        match look {
            Ok(look) => return look,
            Err(error) => tracing::error!(%error, "the look at the clocks ended unexpectedly"),
        }
    }
}

/// Sends `submission`. Without a server the core sends nothing.
async fn send(server: Option<Arc<Server>>, submission: Submission) -> SendOutcome {
    match server.as_ref().and_then(|server| server.registrar()) {
        Some(registrar) => sync::registration::send(registrar, &submission).await,
        None => SendOutcome::NotYet(Obstacle::Unreachable, None),
    }
}

/// Resolves when what is being sent has been; never while nothing is.
async fn sent(sending: &mut Option<JoinHandle<SendOutcome>>) -> SendOutcome {
    let Some(task) = sending else {
        return std::future::pending().await;
    };
    let outcome = task.await;
    *sending = None;
    outcome.unwrap_or_else(|error| {
        tracing::error!(%error, "sending ended unexpectedly");
        SendOutcome::NotYet(Obstacle::Unreachable, None)
    })
}

/// Ends what is being sent without a result. Returns whether there was something.
async fn stop(sending: &mut Option<JoinHandle<SendOutcome>>) -> bool {
    let Some(task) = sending.take() else {
        return false;
    };
    task.abort();
    let _ = task.await;
    true
}

/// The day that `date` writes as `YYYY-MM-DD`; `None` of anything else.
pub fn utc_day(date: &str) -> Option<UtcDay> {
    let date: jiff::civil::Date = date.parse().ok().filter(|_| date.len() == 10)?;
    let since_epoch = date.since(jiff::civil::date(1970, 1, 1)).ok()?;
    Some(UtcDay::new(u32::try_from(since_epoch.get_days()).ok()?))
}

/// Answers a caller, who may be gone by now.
fn answer<T>(reply: Reply<T>, result: Result<T, Error>) {
    let _ = reply.send(result);
}
