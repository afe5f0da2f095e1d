//! The D-Bus service: thin methods over the [`Request`] channel, properties from
//! the latest [`Snapshot`].
//!
//! Properties and broadcast signals reach everybody on the bus. Whatever is personal
//! comes from methods, behind [`Authority`], or by signals to those who may read it.
//!
//! The interface is documented in `dbus-api/interfaces/`.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use gaen::metadata::Confidence;
use gaen::registration::{PROCESSING_NUMBER_DIGITS, ProcessingNumber};
use gaen::time::UnixSeconds;
use sesshoku_core::records::{CheckOutcome, PLACE_AGREEMENT_VERSION};
use sesshoku_core::status::OverwriteDoubt;
use sesshoku_core::tracer::Status;
use sesshoku_dbus_api::{
    BUS_NAME, CheckEntry, ContactDay, Error, ExposureResult, Measurement, NEVER_CHECKED, Named,
    Notice, OBJECT_PATH, RegistrationStatus, seconds,
};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use zbus::fdo::Properties;
use zbus::message::Header;
use zbus::names::{BusName, OwnedUniqueName};
use zbus::object_server::{Interface, SignalEmitter};
use zbus::{Connection, OwnedFd, Variant, fdo, interface};
use zeroize::Zeroizing;

use crate::authority::{Admission, Authority, Capability};
use crate::bus::reach;
use crate::calibration;
use crate::clock::system_now;
use crate::config::Bus;

/// Calls that may wait for the core at once, and callers that may wait for one
/// check. More are told [`Error::Busy`], so that nobody can fill the daemon's
/// memory with questions.
pub const MAX_WAITING: usize = 32;

/// How long the core has for an answer. Checks, the longest, are bounded by themselves.
const ANSWER_WITHIN: Duration = Duration::from_mins(15);
/// After this long, whoever waits is watched.
const WATCH_AFTER: Duration = Duration::from_secs(1);

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
        /// When they began, else when the test was, `YYYY-MM-DD`; of a place its first
        /// day.
        date: String,
        /// Of a place, its last day.
        last_day: Option<String>,
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
    /// The checks that are remembered.
    Checks(Reply<Vec<CheckEntry>>),
}

/// Where the answer to a request goes.
pub type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// Everything the properties show, as of the last event.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The core's own status.
    pub status: Status,
    /// The version agreed to, and when, where that is known.
    pub agreed: Option<(String, Option<UnixSeconds>)>,
    /// When the last check ended.
    pub last_check: Option<UnixSeconds>,
    /// How it ended; `None` while there was none.
    pub last_outcome: Option<CheckOutcome>,
    /// When the last complete check ended.
    pub last_success: Option<UnixSeconds>,
    /// The operator's notices.
    pub notices: Vec<Notice>,
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
    /// Why what was deleted may still be on the disk.
    pub overwrite_doubt: Option<OverwriteDoubt>,
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

/// The service. When its bus is gone it waits for another and takes its name there.
#[derive(Debug)]
pub struct Service {
    connection: watch::Receiver<Link>,
    task: JoinHandle<()>,
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
        let face = Face {
            bus: bus.clone(),
            sender,
            snapshots,
            identity,
        };
        let (current, connection) = watch::channel(face.connect().await?);
        let task = tokio::spawn(face.stay(current));
        Ok((Self { connection, task }, requests))
    }

    /// Gives the name back, so that clients see the daemon leave before it has.
    pub async fn close(self) {
        let Self { connection, task } = self;
        task.abort();
        let _ = task.await;
        let current = connection.borrow().clone();
        // What goes on using the connection keeps it from ending.
        drop(connection);
        let Link { connection, .. } = current;
        if connection.is_closed() {
            return;
        }
        if let Err(error) = connection.release_name(BUS_NAME).await {
            tracing::debug!(%error, "could not release the bus name");
        }
        connection.graceful_shutdown().await;
    }
}

/// A connection, and who reads there: another bus may give their names to others.
#[derive(Clone, Debug)]
struct Link {
    connection: Connection,
    readers: Readers,
}

/// What the daemon shows on a bus.
struct Face {
    bus: Bus,
    sender: mpsc::Sender<Request>,
    snapshots: watch::Receiver<Snapshot>,
    identity: Identity,
}

impl Face {
    async fn connect(&self) -> zbus::Result<Link> {
        let gate = Gate {
            authority: Authority::default(),
            sender: self.sender.clone(),
        };
        let readers = Readers::default();
        let tracing = Tracing {
            gate: gate.clone(),
            snapshots: self.snapshots.clone(),
            identity: self.identity.clone(),
        };
        let consent = Consent {
            gate: gate.clone(),
            snapshots: self.snapshots.clone(),
            identity: self.identity.clone(),
        };
        let registration = Registration {
            gate: gate.clone(),
            snapshots: self.snapshots.clone(),
            identity: self.identity.clone(),
            readers: readers.clone(),
        };
        let calibration = Calibration {
            gate: gate.clone(),
            calibration: self.identity.calibration.clone(),
        };
        let exposure = Exposure {
            gate,
            snapshots: self.snapshots.clone(),
        };
        let notices = Notices {
            snapshots: self.snapshots.clone(),
        };
        let connection = self
            .bus
            .builder()
            .serve_at(OBJECT_PATH, tracing)
            .serve_at(OBJECT_PATH, consent)
            .serve_at(OBJECT_PATH, exposure)
            .serve_at(OBJECT_PATH, registration)
            .serve_at(OBJECT_PATH, notices)
            .serve_at(OBJECT_PATH, calibration)
            .name(BUS_NAME)
            .build()
            .await?;
        Ok(Link {
            connection,
            readers,
        })
    }

    /// Announces what changes, on one bus after the other.
    async fn stay(self, current: watch::Sender<Link>) {
        loop {
            let link = current.borrow().clone();
            tokio::select! {
                () = link.connection.closed() => {}
                () = announce(&link, self.snapshots.clone()) => return,
            }
            tracing::warn!("the bus is gone; nobody can ask until there is another");
            let link = reach(&self.bus, || self.connect()).await;
            tracing::info!("on the bus again");
            drop(current.send_replace(link));
        }
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
        self.gate
            .ask(caller, Capability::Erase, Request::Erase)
            .await
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

    #[zbus(property(emits_changed_signal = "const"))]
    fn overwrite_doubt(&self) -> &str {
        let doubt = self.identity.overwrite_doubt.as_ref();
        doubt.map_or("", |doubt| doubt.as_str())
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
        self.gate
            .ask(caller, Capability::ChangeConsent, request)
            .await
    }

    async fn withdraw(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let (caller, request) = ((connection, &header), Request::Withdraw);
        self.gate
            .ask(caller, Capability::ChangeConsent, request)
            .await
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
        let outcome = self
            .gate
            .ask(caller, Capability::Configure, request)
            .await?;
        Ok(outcome.to_string())
    }

    async fn get_result(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<ExposureResult, Error> {
        let (caller, request) = ((connection, &header), Request::Result);
        self.gate
            .ask(caller, Capability::ReadContacts, request)
            .await
    }

    async fn get_contacts(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<Vec<ContactDay>, Error> {
        let (caller, request) = ((connection, &header), Request::Contacts);
        self.gate
            .ask(caller, Capability::ReadContacts, request)
            .await
    }

    async fn get_checks(
        &self,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<Vec<CheckEntry>, Error> {
        let (caller, request) = ((connection, &header), Request::Checks);
        self.gate
            .ask(caller, Capability::ReadContacts, request)
            .await
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
    fn last_outcome(&self) -> &'static str {
        self.snapshots.borrow().last_outcome()
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

/// Of a place: the server takes the keys of more days where there are symptoms.
const PLACE_HAS_SYMPTOMS: bool = true;
/// How long the processing number may take to come through its pipe.
const NUMBER_WITHIN: Duration = Duration::from_secs(5);
/// No more of it is read: what is as long, longer than any number, is none.
const LONGEST_NUMBER: usize = *PROCESSING_NUMBER_DIGITS.end() + 1;

/// The processing number that comes through `pipe`; `None` where it is none, or does not
/// come in time. Nothing that it was read into is left unwiped.
async fn read_number(pipe: OwnedFd) -> Option<ProcessingNumber> {
    // Whatever else it is would have to be waited for on a thread.
    let mut pipe = pipe::Receiver::from_owned_fd(pipe.into()).ok()?;
    let mut read = Zeroizing::new([0; LONGEST_NUMBER]);
    let mut length = 0;
    let all = async {
        while length < read.len() {
            match pipe.read(&mut read[length..]).await {
                Ok(0) => return Some(length),
                Ok(more) => length += more,
                Err(_) => return None,
            }
        }
        None
    };
    let length = tokio::time::timeout(NUMBER_WITHIN, all).await.ok()??;
    ProcessingNumber::parse(str::from_utf8(&read[..length]).ok()?)
}

struct Registration {
    gate: Gate,
    snapshots: watch::Receiver<Snapshot>,
    identity: Identity,
    readers: Readers,
}

#[interface(name = "org.sesshoku.Registration1")]
impl Registration {
    async fn register_with(
        &self,
        agreement_version: String,
        has_symptoms: bool,
        date: String,
        processing_number: OwnedFd,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let number = read_number(processing_number).await;
        let days = (has_symptoms, date, None);
        self.ask_to_register((connection, &header), agreement_version, days, number)
            .await
    }

    async fn register_place_with(
        &self,
        agreement_version: String,
        first_day: String,
        last_day: String,
        processing_number: OwnedFd,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let number = read_number(processing_number).await;
        let days = (PLACE_HAS_SYMPTOMS, first_day, Some(last_day));
        self.ask_to_register((connection, &header), agreement_version, days, number)
            .await
    }

    async fn register(
        &self,
        agreement_version: String,
        has_symptoms: bool,
        date: String,
        processing_number: String,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let number = ProcessingNumber::parse(&Zeroizing::new(processing_number));
        let days = (has_symptoms, date, None);
        self.ask_to_register((connection, &header), agreement_version, days, number)
            .await
    }

    async fn register_place(
        &self,
        agreement_version: String,
        first_day: String,
        last_day: String,
        processing_number: String,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<(), Error> {
        let number = ProcessingNumber::parse(&Zeroizing::new(processing_number));
        let days = (PLACE_HAS_SYMPTOMS, first_day, Some(last_day));
        self.ask_to_register((connection, &header), agreement_version, days, number)
            .await
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
        let is_place = self.identity.agreement_version == PLACE_AGREEMENT_VERSION;
        Ok(self.snapshots.borrow().registration(is_place))
    }

    #[zbus(signal)]
    async fn registration_changed(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(property(emits_changed_signal = "const"))]
    fn agreement_version(&self) -> &str {
        &self.identity.agreement_version
    }
}

impl Registration {
    async fn ask_to_register(
        &self,
        caller: (&Connection, &Header<'_>),
        agreement_version: String,
        (has_symptoms, date, last_day): (bool, String, Option<String>),
        number: Option<ProcessingNumber>,
    ) -> Result<(), Error> {
        let request = |reply| Request::Register {
            agreement_version,
            has_symptoms,
            date,
            last_day,
            number,
            reply,
        };
        self.gate.ask(caller, Capability::Register, request).await
    }
}

struct Notices {
    snapshots: watch::Receiver<Snapshot>,
}

#[interface(name = "org.sesshoku.Notices1")]
impl Notices {
    #[zbus(property)]
    fn notices(&self) -> Vec<HashMap<&'static str, Variant<'static>>> {
        self.snapshots.borrow().notice_dicts()
    }
}

struct Calibration {
    gate: Gate,
    calibration: calibration::Calibration,
}

#[interface(name = "org.sesshoku.Calibration1")]
impl Calibration {
    async fn measure(
        &self,
        seconds: u32,
        #[zbus(connection)] connection: &Connection,
        #[zbus(header)] header: Header<'_>,
    ) -> Result<Measurement, Error> {
        if !MEASURING_SECONDS.contains(&seconds) {
            return Err(Error::InvalidDuration("5 to 120 seconds".into()));
        }
        let time = Duration::from_secs(seconds.into());
        let request = |reply| Request::Measure(time, reply);
        self.gate
            .ask((connection, &header), Capability::Configure, request)
            .await
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

    /// Asks the core for `caller`, if they may. Whoever leaves the bus meanwhile gives
    /// up their place.
    ///
    /// # Errors
    /// The core's, and [`Error::TimedOut`] where it gives no answer within
    /// [`ANSWER_WITHIN`].
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
                mpsc::error::TrySendError::Closed(_) => Error::shutting_down(),
            })?;
        let (connection, header) = caller;
        let left = async {
            // Most answers come at once, and nobody has to be watched for them.
            tokio::time::sleep(WATCH_AFTER).await;
            has_left(connection, header).await
        };
        tokio::select! {
            biased;
            answer = answer => answer.unwrap_or_else(|_| Err(Error::shutting_down())),
            () = left => {
                tracing::debug!("a caller has left the bus without the answer");
                Err(Error::TimedOut("nobody waits for the answer".into()))
            }
            () = tokio::time::sleep(ANSWER_WITHIN) => {
                tracing::error!("a call was not answered in time");
                Err(Error::TimedOut("there was no answer in time".into()))
            }
        }
    }
}

/// Resolves when the sender of `header` is no longer on the bus; never where the bus does
/// not tell.
async fn has_left(connection: &Connection, header: &Header<'_>) {
    let watch = async {
        let sender = header.sender().ok_or(zbus::Error::MissingField)?;
        let dbus = fdo::DBusProxy::new(connection).await?;
        let mut changes = dbus
            .receive_name_owner_changed_with_args(&[(0, sender.as_str()), (2, "")])
            .await?;
        // They may have left before anybody watched.
        if dbus
            .name_has_owner(BusName::from(sender.to_owned()))
            .await?
        {
            changes.next().await;
        }
        Ok::<_, zbus::Error>(())
    };
    if let Err(error) = watch.await {
        tracing::debug!(%error, "the bus does not tell when a caller leaves");
        std::future::pending().await
    }
}

/// Clients that have read the registration, and are told when it changes. Everybody
/// else on the bus is not even told that there is one.
#[derive(Clone, Debug, Default)]
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

/// Turns differences between snapshots into signals.
async fn announce(link: &Link, mut snapshots: watch::Receiver<Snapshot>) {
    let Link {
        connection,
        readers,
    } = link;
    let mut last = snapshots.borrow_and_update().clone();
    while snapshots.changed().await.is_ok() {
        let now = snapshots.borrow_and_update().clone();
        if let Err(error) = announce_changes(connection, &last, &now, readers).await {
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
        (Notices::name(), old.notices(), new.notices()),
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
            ("LastOutcome", self.last_outcome().into()),
            ("LastSuccess", seconds(self.last_success).into()),
            ("NextCheck", seconds(self.status.next_check).into()),
        ])
    }

    fn registration(&self, is_place: bool) -> RegistrationStatus {
        RegistrationStatus {
            is_place: Some(is_place),
            ..RegistrationStatus::from(&self.status.registration)
        }
    }

    fn notices(&self) -> Changing {
        HashMap::from([("Notices", self.notice_dicts().into())])
    }

    fn last_outcome(&self) -> &'static str {
        self.last_outcome.map_or(NEVER_CHECKED, Named::as_str)
    }

    fn notice_dicts(&self) -> Vec<HashMap<&'static str, Variant<'static>>> {
        self.notices.iter().map(Notice::to_dict).collect()
    }

    fn agreed_version(&self) -> String {
        self.agreed
            .as_ref()
            .map(|(version, _)| version.clone())
            .unwrap_or_default()
    }

    fn agreed_at(&self) -> u64 {
        seconds(self.agreed.as_ref().and_then(|(_, at)| *at))
    }

    fn counters(&self) -> HashMap<&'static str, u64> {
        let counters = &self.status.counters;
        HashMap::from([
            ("cycles", counters.cycles),
            ("cycles-cut-short", counters.cycles_cut_short),
            ("misdated-seconds", counters.misdated),
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
