//! The D-Bus service: thin methods over the [`Request`] channel, properties from
//! the latest [`Snapshot`].
//!
//! The interface is documented in `dbus-api/interfaces/`.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gaen::metadata::Confidence;
use gaen::registration::ProcessingNumber;
use gaen::time::UnixSeconds;
use sesshoku_dbus_api::{
    BUS_NAME, CheckOutcome, ConsentState, ContactDay, Error, ExposureResult, Measurement,
    OBJECT_PATH,
};
use tokio::sync::{mpsc, oneshot, watch};
use zbus::fdo::Properties;
use zbus::object_server::{Interface, SignalEmitter};
use zbus::{Connection, Variant, interface};
use zeroize::Zeroizing;

use crate::calibration;
use crate::clock::system_now;
use crate::config::Bus;
use crate::tracer::Status;

/// Calls that may wait for the core at once, and callers that may wait for one
/// check. More are told [`Error::Busy`], so that nobody can fill the daemon's
/// memory with questions.
pub const MAX_WAITING: usize = 32;

/// How long a measurement may take.
const MEASURING_SECONDS: RangeInclusive<u32> = 5..=120;

/// What a caller asks of the daemon; the answer goes to `reply`.
#[derive(Debug)]
pub enum Request {
    /// Agree to a version of the terms.
    Agree {
        /// The version, which must be the one in force.
        version: String,
        /// Where the answer goes.
        reply: Reply<()>,
    },
    /// Withdraw agreement and erase everything.
    Withdraw(Reply<()>),
    /// Erase everything recorded.
    Erase(Reply<()>),
    /// Check now.
    Check(Reply<CheckOutcome>),
    /// Register as positive.
    Register {
        /// The version of the agreement, which must be the one in force.
        agreement_version: String,
        /// Whether there are symptoms.
        has_symptoms: bool,
        /// When they began, else when the test was, `YYYY-MM-DD`.
        date: String,
        /// The processing number; `None` where it was none.
        number: Option<ProcessingNumber>,
        /// Where the answer goes.
        reply: Reply<()>,
    },
    /// Try the registration that waits now.
    RetryRegistration(Reply<()>),
    /// Forget the registration.
    ForgetRegistration(Reply<()>),
    /// Listen for so long to whoever is nearest.
    Measure(Duration, Reply<Measurement>),
    /// The result over the last 14 days.
    Result(Reply<ExposureResult>),
    /// The days that count as a contact.
    Contacts(Reply<Vec<ContactDay>>),
}

/// Where the answer to a request goes.
pub type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// Everything the properties show, as of the last event.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The core's own status.
    pub status: Status,
    /// The version agreed to, and when.
    pub agreed: Option<(String, UnixSeconds)>,
    /// When the last check ended.
    pub last_check: Option<UnixSeconds>,
    /// How it ended.
    pub last_outcome: CheckOutcome,
    /// When the last complete check ended.
    pub last_success: Option<UnixSeconds>,
    /// Counts up whenever the result or the contact list may have changed.
    pub result_generation: u64,
}

/// What never changes while the daemon runs.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The radio's name.
    pub radio: &'static str,
    /// The version of the terms in force.
    pub terms_version: String,
    /// The version of the registration agreement in force.
    pub agreement_version: String,
    /// What the radio is like.
    pub calibration: calibration::Calibration,
    /// Where the daemon's time comes from.
    pub time: TimeSource,
}

/// Where the `Time` property comes from.
#[derive(Clone, Debug)]
pub enum TimeSource {
    /// The machine's clock.
    System,
    /// A simulated clock, in Unix seconds, kept up to date by the main loop.
    Simulated(Arc<AtomicU32>),
}

impl TimeSource {
    fn now(&self) -> u64 {
        match self {
            Self::System => system_now().wall.get().into(),
            Self::Simulated(seconds) => seconds.load(Ordering::Relaxed).into(),
        }
    }
}

/// The service while it is on the bus.
#[derive(Debug)]
pub struct Service {
    connection: Connection,
}

impl Service {
    /// Connects to the bus, exports the object and takes the name. What callers
    /// ask comes out of the receiver.
    ///
    /// # Errors
    /// When the bus cannot be reached, or the name is taken or not allowed.
    pub async fn start(
        bus: &Bus,
        identity: Identity,
        snapshots: watch::Receiver<Snapshot>,
    ) -> zbus::Result<(Self, mpsc::Receiver<Request>)> {
        let (sender, requests) = mpsc::channel(MAX_WAITING);
        let tracing = Tracing {
            sender: sender.clone(),
            snapshots: snapshots.clone(),
            identity: identity.clone(),
        };
        let consent = Consent {
            sender: sender.clone(),
            snapshots: snapshots.clone(),
            identity: identity.clone(),
        };
        let registration = Registration {
            sender: sender.clone(),
            snapshots: snapshots.clone(),
            identity: identity.clone(),
        };
        let calibration = Calibration {
            sender: sender.clone(),
            calibration: identity.calibration,
        };
        let exposure = Exposure {
            sender,
            snapshots: snapshots.clone(),
        };
        let connection = bus
            .builder()
            .serve_at(OBJECT_PATH, tracing)
            .serve_at(OBJECT_PATH, consent)
            .serve_at(OBJECT_PATH, exposure)
            .serve_at(OBJECT_PATH, registration)
            .serve_at(OBJECT_PATH, calibration)
            .name(BUS_NAME)
            .build()
            .await?;
        tokio::spawn(announce(connection.clone(), snapshots));
        Ok((Self { connection }, requests))
    }

    /// Resolves when the bus is gone. Nobody can reach the daemon then, and it does
    /// not come back by itself.
    pub async fn closed(&self) {
        self.connection.closed().await;
    }

    /// Gives the name back, so that clients see the daemon leave before it has.
    pub async fn close(self) {
        if let Err(error) = self.connection.release_name(BUS_NAME).await {
            tracing::debug!(%error, "could not release the bus name");
        }
        self.connection.graceful_shutdown().await;
    }
}

struct Tracing {
    sender: mpsc::Sender<Request>,
    snapshots: watch::Receiver<Snapshot>,
    identity: Identity,
}

#[interface(name = "org.sesshoku.Tracing1")]
impl Tracing {
    async fn erase(&self) -> Result<(), Error> {
        ask(&self.sender, Request::Erase).await
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    #[zbus(property)]
    fn state(&self) -> String {
        self.snapshots.borrow().status.state.to_string()
    }

    #[zbus(property)]
    fn reason(&self) -> String {
        self.snapshots.borrow().status.reason.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn radio(&self) -> &'static str {
        self.identity.radio
    }

    #[zbus(property)]
    fn adapter(&self) -> String {
        self.snapshots.borrow().status.adapter.clone()
    }

    #[zbus(property)]
    fn scan_method(&self) -> String {
        self.snapshots.borrow().status.scan_method.clone()
    }

    #[zbus(property)]
    fn broadcasting(&self) -> bool {
        self.snapshots.borrow().status.broadcasting
    }

    #[zbus(property(emits_changed_signal = "false"))]
    fn time(&self) -> u64 {
        self.identity.time.now()
    }

    #[zbus(property)]
    fn last_scan(&self) -> u64 {
        seconds(self.snapshots.borrow().status.last_scan)
    }

    #[zbus(property)]
    fn counters(&self) -> HashMap<&'static str, u64> {
        self.snapshots.borrow().counters()
    }
}

struct Consent {
    sender: mpsc::Sender<Request>,
    snapshots: watch::Receiver<Snapshot>,
    identity: Identity,
}

#[interface(name = "org.sesshoku.Consent1")]
impl Consent {
    async fn agree(&self, version: String) -> Result<(), Error> {
        ask(&self.sender, |reply| Request::Agree { version, reply }).await
    }

    async fn withdraw(&self) -> Result<(), Error> {
        ask(&self.sender, Request::Withdraw).await
    }

    #[zbus(property)]
    fn state(&self) -> String {
        self.snapshots.borrow().status.consent.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn current_version(&self) -> &str {
        &self.identity.terms_version
    }

    #[zbus(property)]
    fn agreed_version(&self) -> String {
        self.snapshots.borrow().agreed_version()
    }

    #[zbus(property)]
    fn agreed_at(&self) -> u64 {
        self.snapshots.borrow().agreed_at()
    }
}

struct Exposure {
    sender: mpsc::Sender<Request>,
    snapshots: watch::Receiver<Snapshot>,
}

#[interface(name = "org.sesshoku.Exposure1")]
impl Exposure {
    async fn check_now(&self) -> Result<String, Error> {
        ask(&self.sender, Request::Check)
            .await
            .map(|outcome| outcome.to_string())
    }

    async fn get_result(&self) -> Result<ExposureResult, Error> {
        ask(&self.sender, Request::Result).await
    }

    async fn get_contacts(&self) -> Result<Vec<ContactDay>, Error> {
        ask(&self.sender, Request::Contacts).await
    }

    #[zbus(signal)]
    async fn result_changed(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(property)]
    fn checking(&self) -> bool {
        self.snapshots.borrow().status.checking
    }

    #[zbus(property)]
    fn last_check(&self) -> u64 {
        seconds(self.snapshots.borrow().last_check)
    }

    #[zbus(property)]
    fn last_outcome(&self) -> String {
        self.snapshots.borrow().last_outcome.to_string()
    }

    #[zbus(property)]
    fn last_success(&self) -> u64 {
        seconds(self.snapshots.borrow().last_success)
    }

    #[zbus(property)]
    fn next_check(&self) -> u64 {
        seconds(self.snapshots.borrow().status.next_check)
    }
}

struct Registration {
    sender: mpsc::Sender<Request>,
    snapshots: watch::Receiver<Snapshot>,
    identity: Identity,
}

impl Registration {
    /// The properties that change.
    const CHANGING: [&'static str; 9] = [
        "State",
        "Reason",
        "Since",
        "Days",
        "HasSymptoms",
        "Date",
        "NextTry",
        "TriesLeft",
        "PausedUntil",
    ];
}

#[interface(name = "org.sesshoku.Registration1")]
impl Registration {
    async fn register(
        &self,
        agreement_version: String,
        has_symptoms: bool,
        date: String,
        processing_number: String,
    ) -> Result<(), Error> {
        let processing_number = Zeroizing::new(processing_number);
        let number = ProcessingNumber::parse(&processing_number);
        ask(&self.sender, |reply| Request::Register {
            agreement_version,
            has_symptoms,
            date,
            number,
            reply,
        })
        .await
    }

    async fn retry(&self) -> Result<(), Error> {
        ask(&self.sender, Request::RetryRegistration).await
    }

    async fn forget(&self) -> Result<(), Error> {
        ask(&self.sender, Request::ForgetRegistration).await
    }

    #[zbus(property(emits_changed_signal = "invalidates"))]
    fn state(&self) -> String {
        let snapshot = self.snapshots.borrow();
        snapshot.status.registration.state.to_string()
    }

    #[zbus(property(emits_changed_signal = "invalidates"))]
    fn reason(&self) -> String {
        let snapshot = self.snapshots.borrow();
        snapshot.status.registration.reason.to_string()
    }

    #[zbus(property(emits_changed_signal = "invalidates"))]
    fn since(&self) -> u64 {
        seconds(self.snapshots.borrow().status.registration.since)
    }

    #[zbus(property(emits_changed_signal = "invalidates"))]
    fn days(&self) -> Vec<String> {
        self.snapshots.borrow().days()
    }

    #[zbus(property(emits_changed_signal = "invalidates"))]
    fn has_symptoms(&self) -> bool {
        self.snapshots.borrow().status.registration.has_symptoms
    }

    #[zbus(property(emits_changed_signal = "invalidates"))]
    fn date(&self) -> String {
        self.snapshots.borrow().date()
    }

    #[zbus(property(emits_changed_signal = "invalidates"))]
    fn next_try(&self) -> u64 {
        seconds(self.snapshots.borrow().status.registration.next_try)
    }

    #[zbus(property(emits_changed_signal = "invalidates"))]
    fn tries_left(&self) -> u32 {
        self.snapshots.borrow().status.registration.tries_left
    }

    #[zbus(property(emits_changed_signal = "invalidates"))]
    fn paused_until(&self) -> u64 {
        seconds(self.snapshots.borrow().status.registration.paused_until)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn agreement_version(&self) -> &str {
        &self.identity.agreement_version
    }
}

struct Calibration {
    sender: mpsc::Sender<Request>,
    calibration: calibration::Calibration,
}

#[interface(name = "org.sesshoku.Calibration1")]
impl Calibration {
    async fn measure(&self, seconds: u32) -> Result<Measurement, Error> {
        if !MEASURING_SECONDS.contains(&seconds) {
            return Err(Error::InvalidDuration("5 to 120 seconds".into()));
        }
        let time = Duration::from_secs(seconds.into());
        ask(&self.sender, |reply| Request::Measure(time, reply)).await
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn model(&self) -> &str {
        self.calibration.model.as_deref().unwrap_or_default()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn tx_power(&self) -> i16 {
        self.calibration.tx_power.into()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn tx_power_source(&self) -> &str {
        self.calibration.tx_power_source.as_str()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn confidence(&self) -> u8 {
        match self.calibration.confidence {
            Confidence::Lowest => 0,
            Confidence::Low => 1,
            Confidence::Medium => 2,
            Confidence::High => 3,
        }
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn rssi_correction(&self) -> i16 {
        self.calibration.rssi_correction.into()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    fn rssi_correction_source(&self) -> &str {
        self.calibration.rssi_correction_source.as_str()
    }
}

/// 0 stands for "never" on the bus.
fn seconds(at: Option<UnixSeconds>) -> u64 {
    at.map_or(0, |at| at.get().into())
}

async fn ask<T>(
    sender: &mpsc::Sender<Request>,
    request: impl FnOnce(Reply<T>) -> Request,
) -> Result<T, Error> {
    let (reply, answer) = oneshot::channel();
    sender
        .try_send(request(reply))
        .map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::Busy("too many calls are waiting".into()),
            mpsc::error::TrySendError::Closed(_) => shutting_down(),
        })?;
    answer.await.unwrap_or_else(|_| Err(shutting_down()))
}

/// What callers are told while the daemon ends.
pub(crate) fn shutting_down() -> Error {
    Error::ShuttingDown("the daemon is shutting down".into())
}

/// Turns differences between snapshots into signals.
async fn announce(connection: Connection, mut snapshots: watch::Receiver<Snapshot>) {
    let mut last = snapshots.borrow_and_update().clone();
    while snapshots.changed().await.is_ok() {
        let now = snapshots.borrow_and_update().clone();
        if let Err(error) = announce_changes(&connection, &last, &now).await {
            tracing::warn!(%error, "could not announce a change on the bus");
        }
        last = now;
    }
}

/// One `PropertiesChanged` for each interface that changed, so that clients never
/// see half of a change.
async fn announce_changes(
    connection: &Connection,
    old: &Snapshot,
    new: &Snapshot,
) -> zbus::Result<()> {
    let emitter = SignalEmitter::new(connection, OBJECT_PATH)?;
    for (interface, before, mut changed) in [
        (Tracing::name(), old.tracing(), new.tracing()),
        (Consent::name(), old.consent(), new.consent()),
        (Exposure::name(), old.exposure(), new.exposure()),
    ] {
        changed.retain(|name, value| before.get(name) != Some(value));
        // Counters move with every advert; they are announced with the cycle or
        // the change they belong to.
        if changed.keys().all(|name| *name == "Counters") {
            continue;
        }
        Properties::properties_changed(&emitter, interface, changed, [].as_slice().into()).await?;
    }
    if old.status.registration != new.status.registration {
        // Signals reach everybody on the bus, so that this one tells nothing but that.
        let all = Registration::CHANGING.as_slice().into();
        Properties::properties_changed(&emitter, Registration::name(), HashMap::new(), all).await?;
    }
    if old.result_generation != new.result_generation {
        Exposure::result_changed(&emitter).await?;
    }
    Ok(())
}

/// Properties that change, by name.
type Changing = HashMap<&'static str, Variant<'static>>;

impl Snapshot {
    fn tracing(&self) -> Changing {
        HashMap::from([
            ("State", self.status.state.to_string().into()),
            ("Reason", self.status.reason.to_string().into()),
            ("Adapter", self.status.adapter.clone().into()),
            ("ScanMethod", self.status.scan_method.clone().into()),
            ("Broadcasting", self.status.broadcasting.into()),
            ("LastScan", seconds(self.status.last_scan).into()),
            ("Counters", self.counters().into()),
        ])
    }

    fn consent(&self) -> Changing {
        HashMap::from([
            ("State", self.status.consent.to_string().into()),
            ("AgreedVersion", self.agreed_version().into()),
            ("AgreedAt", self.agreed_at().into()),
        ])
    }

    fn exposure(&self) -> Changing {
        HashMap::from([
            ("Checking", self.status.checking.into()),
            ("LastCheck", seconds(self.last_check).into()),
            ("LastOutcome", self.last_outcome.to_string().into()),
            ("LastSuccess", seconds(self.last_success).into()),
            ("NextCheck", seconds(self.status.next_check).into()),
        ])
    }

    fn days(&self) -> Vec<String> {
        let days = self.status.registration.days.iter();
        days.map(ToString::to_string).collect()
    }

    fn date(&self) -> String {
        let date = self.status.registration.date;
        date.map(|date| date.to_string()).unwrap_or_default()
    }

    fn agreed_version(&self) -> String {
        self.agreed
            .as_ref()
            .map(|(version, _)| version.clone())
            .unwrap_or_default()
    }

    fn agreed_at(&self) -> u64 {
        seconds(self.agreed.as_ref().map(|(_, at)| *at))
    }

    fn counters(&self) -> HashMap<&'static str, u64> {
        let counters = &self.status.counters;
        HashMap::from([
            ("cycles", counters.cycles),
            ("cycles-cut-short", counters.cycles_cut_short),
            ("heard", counters.heard),
            ("stored", counters.stored),
            ("dropped", counters.dropped),
            ("rotations", counters.rotations),
            ("broadcast-failures", counters.broadcast_failures),
            ("scan-failures", counters.scan_failures),
        ])
    }
}

/// Whether the stored agreement covers the terms in force.
pub fn consent_state(agreed_version: Option<&str>, current: &str) -> ConsentState {
    match agreed_version {
        None => ConsentState::None,
        Some(version) if version == current => ConsentState::Agreed,
        Some(_) => ConsentState::Outdated,
    }
}
