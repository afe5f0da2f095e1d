//! The D-Bus service: thin methods over the [`Request`] channel, properties from
//! the latest [`Snapshot`].
//!
//! Properties and broadcast signals reach everybody on the bus. Whatever is personal
//! comes from methods, behind [`Authority`], or by signals to those who may read it.
//!
//! The interface is documented in `dbus-api/interfaces/`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::sync::atomic::{AtomicU32, Ordering};

use gaen::registration::ProcessingNumber;
use gaen::time::UnixSeconds;
use sesshoku_dbus_api::{
    BUS_NAME, CheckOutcome, ConsentState, ContactDay, Error, ExposureResult, OBJECT_PATH,
    RegistrationStatus,
};
use tokio::sync::{mpsc, oneshot, watch};
use zbus::fdo::Properties;
use zbus::message::Header;
use zbus::names::{BusName, OwnedUniqueName};
use zbus::object_server::{Interface, SignalEmitter};
use zbus::{Connection, Variant, fdo, interface};
use zeroize::Zeroizing;

use crate::authority::{Admission, Authority, Capability};
use crate::clock::system_now;
use crate::config::Bus;
use crate::tracer::Status;

/// Calls that may wait for the core at once, and callers that may wait for one
/// check. More are told [`Error::Busy`], so that nobody can fill the daemon's
/// memory with questions.
pub const MAX_WAITING: usize = 32;

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
        let gate = Gate {
            authority: Authority::default(),
            sender,
        };
        let readers = Readers::default();
        let tracing = Tracing {
            gate: gate.clone(),
            snapshots: snapshots.clone(),
            identity: identity.clone(),
        };
        let consent = Consent {
            gate: gate.clone(),
            snapshots: snapshots.clone(),
            identity: identity.clone(),
        };
        let registration = Registration {
            gate: gate.clone(),
            snapshots: snapshots.clone(),
            identity,
            readers: readers.clone(),
        };
        let exposure = Exposure {
            gate,
            snapshots: snapshots.clone(),
        };
        let connection = bus
            .builder()
            .serve_at(OBJECT_PATH, tracing)
            .serve_at(OBJECT_PATH, consent)
            .serve_at(OBJECT_PATH, exposure)
            .serve_at(OBJECT_PATH, registration)
            .name(BUS_NAME)
            .build()
            .await?;
        tokio::spawn(announce(connection.clone(), snapshots, readers));
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
    gate: Gate,
    snapshots: watch::Receiver<Snapshot>,
    identity: Identity,
}

#[interface(name = "org.sesshoku.Tracing1")]
impl Tracing {
    async fn erase(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let caller = (connection, &header);
        self.gate.ask(caller, Capability::Erase, Request::Erase).await
    }

    async fn get_heard(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<HashMap<&'static str, u64>, Error> {
        let caller = (connection, &header);
        let _admitted = self.gate.admit(caller, Capability::ReadContacts).await?;
        Ok(self.snapshots.borrow().heard())
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
    gate: Gate,
    snapshots: watch::Receiver<Snapshot>,
    identity: Identity,
}

#[interface(name = "org.sesshoku.Consent1")]
impl Consent {
    async fn agree(
        &self,
        version: String,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let request = |reply| Request::Agree { version, reply };
        let caller = (connection, &header);
        self.gate.ask(caller, Capability::ChangeConsent, request).await
    }

    async fn withdraw(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let (caller, request) = ((connection, &header), Request::Withdraw);
        self.gate.ask(caller, Capability::ChangeConsent, request).await
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
    gate: Gate,
    snapshots: watch::Receiver<Snapshot>,
}

#[interface(name = "org.sesshoku.Exposure1")]
impl Exposure {
    async fn check_now(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<String, Error> {
        let (caller, request) = ((connection, &header), Request::Check);
        let outcome = self.gate.ask(caller, Capability::Configure, request).await?;
        Ok(outcome.to_string())
    }

    async fn get_result(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<ExposureResult, Error> {
        let (caller, request) = ((connection, &header), Request::Result);
        self.gate.ask(caller, Capability::ReadContacts, request).await
    }

    async fn get_contacts(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<Vec<ContactDay>, Error> {
        let (caller, request) = ((connection, &header), Request::Contacts);
        self.gate.ask(caller, Capability::ReadContacts, request).await
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
    gate: Gate,
    snapshots: watch::Receiver<Snapshot>,
    identity: Identity,
    readers: Readers,
}

#[interface(name = "org.sesshoku.Registration1")]
impl Registration {
    #[expect(clippy::too_many_arguments, reason = "two of them say who is calling")]
    async fn register(
        &self,
        agreement_version: String,
        has_symptoms: bool,
        date: String,
        processing_number: String,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let processing_number = Zeroizing::new(processing_number);
        let number = ProcessingNumber::parse(&processing_number);
        let request = |reply| Request::Register {
            agreement_version,
            has_symptoms,
            date,
            number,
            reply,
        };
        let caller = (connection, &header);
        self.gate.ask(caller, Capability::Register, request).await
    }

    async fn retry(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let (caller, request) = ((connection, &header), Request::RetryRegistration);
        self.gate.ask(caller, Capability::Register, request).await
    }

    async fn forget(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let (caller, request) = ((connection, &header), Request::ForgetRegistration);
        self.gate.ask(caller, Capability::Register, request).await
    }

    async fn get_registration(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<RegistrationStatus, Error> {
        let caller = (connection, &header);
        let _admitted = self.gate.admit(caller, Capability::ReadContacts).await?;
        // Told of changes from before what is read here on, so that none is missed.
        self.readers.add(connection, &header).await;
        Ok(self.snapshots.borrow().registration())
    }

    #[zbus(signal)]
    async fn registration_changed(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(property(emits_changed_signal = "const"))]
    fn agreement_version(&self) -> &str {
        &self.identity.agreement_version
    }
}

/// Who is calling: on which connection, and with which message.
type Caller<'a> = (&'a Connection, &'a Header<'a>);

/// The way to the core, past [`Authority`].
#[derive(Clone)]
struct Gate {
    authority: Authority,
    sender: mpsc::Sender<Request>,
}

impl Gate {
    async fn admit(
        &self,
        (connection, header): Caller<'_>,
        capability: Capability,
    ) -> Result<Admission, Error> {
        self.authority.admit(connection, header, capability).await
    }

    /// Asks the core for `caller`, if they may.
    async fn ask<T>(
        &self,
        caller: Caller<'_>,
        capability: Capability,
        request: impl FnOnce(Reply<T>) -> Request,
    ) -> Result<T, Error> {
        let _admitted = self.admit(caller, capability).await?;
        let (reply, answer) = oneshot::channel();
        self.sender
            .try_send(request(reply))
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => {
                    Error::Busy("too many calls are waiting".into())
                }
                mpsc::error::TrySendError::Closed(_) => shutting_down(),
            })?;
        answer.await.unwrap_or_else(|_| Err(shutting_down()))
    }
}

/// Clients that have read the registration, and are told when it changes. Everybody
/// else on the bus is not even told that there is one.
#[derive(Clone, Default)]
struct Readers(Arc<Mutex<Vec<OwnedUniqueName>>>);

impl Readers {
    /// Those who left are looked for when there are more than these.
    const MANY: usize = 64;

    async fn add(&self, connection: &Connection, header: &Header<'_>) {
        let Some(sender) = header.sender() else {
            return;
        };
        let sender = OwnedUniqueName::from(sender.to_owned());
        let are_many = {
            let mut readers = self.lock();
            if !readers.contains(&sender) {
                readers.push(sender);
            }
            readers.len() > Self::MANY
        };
        if are_many {
            self.present(connection).await;
        }
    }

    /// Those who are still on the bus, at most [`Readers::MANY`]; the others are
    /// forgotten.
    async fn present(&self, connection: &Connection) -> Vec<OwnedUniqueName> {
        let Ok(dbus) = fdo::DBusProxy::new(connection).await else {
            return Vec::new();
        };
        let mut gone = Vec::new();
        let readers = self.lock().clone();
        for reader in readers {
            let name = BusName::from(reader.inner().to_owned());
            if !dbus.name_has_owner(name).await.unwrap_or(false) {
                gone.push(reader);
            }
        }
        let mut readers = self.lock();
        readers.retain(|reader| !gone.contains(reader));
        let too_many = readers.len().saturating_sub(Self::MANY);
        readers.drain(..too_many);
        readers.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OwnedUniqueName>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 0 stands for "never" on the bus.
fn seconds(at: Option<UnixSeconds>) -> u64 {
    at.map_or(0, |at| at.get().into())
}

/// What callers are told while the daemon ends.
pub(crate) fn shutting_down() -> Error {
    Error::ShuttingDown("the daemon is shutting down".into())
}

/// Turns differences between snapshots into signals.
async fn announce(
    connection: Connection,
    mut snapshots: watch::Receiver<Snapshot>,
    readers: Readers,
) {
    let mut last = snapshots.borrow_and_update().clone();
    while snapshots.changed().await.is_ok() {
        let now = snapshots.borrow_and_update().clone();
        if let Err(error) = announce_changes(&connection, &last, &now, &readers).await {
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
    readers: &Readers,
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
        for reader in readers.present(connection).await {
            let reader = BusName::from(reader.into_inner());
            let emitter = SignalEmitter::new(connection, OBJECT_PATH)?.set_destination(reader);
            Registration::registration_changed(&emitter).await?;
        }
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

    fn registration(&self) -> RegistrationStatus {
        let registration = &self.status.registration;
        let date = registration.date;
        RegistrationStatus {
            state: registration.state.to_string(),
            reason: registration.reason.to_string(),
            since: seconds(registration.since),
            days: registration.days.iter().map(ToString::to_string).collect(),
            has_symptoms: registration.has_symptoms,
            date: date.map(|date| date.to_string()).unwrap_or_default(),
            next_try: seconds(registration.next_try),
            tries_left: registration.tries_left,
            paused_until: seconds(registration.paused_until),
        }
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
            ("rotations", counters.rotations),
            ("broadcast-failures", counters.broadcast_failures),
            ("scan-failures", counters.scan_failures),
        ])
    }

    /// How many people were near can be told from these, so that they are no property.
    fn heard(&self) -> HashMap<&'static str, u64> {
        let counters = &self.status.counters;
        HashMap::from([
            ("heard", counters.heard),
            ("stored", counters.stored),
            ("dropped", counters.dropped),
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
