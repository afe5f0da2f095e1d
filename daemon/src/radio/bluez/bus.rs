//! The connections to BlueZ: its signals in the order they were sent, what the kernel
//! says besides, the questions the radio asks, and bluer's session for what it wants
//! done; each call with a time limit.
//!
//! One stream for all signals, and the answer to `GetManagedObjects` is taken from
//! the same stream, so that nothing falls between the first state and its changes.
//!
//! Between scans this connection asks for nothing that happens often: signals of
//! devices are subscribed to for the length of a scan.
//!
//! A bluetoothd that leaves a call unanswered is asked for a sign of life, and so is every
//! one half-way between two scans. One that gives none counts as absent, and is asked for
//! its objects once more: the answer comes when it goes on, and nobody has to try until
//! then.

use std::collections::HashMap;
use std::future::Future;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bluer::{ErrorKind, InternalErrorKind, Session};
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use sesshoku_core::radio::RadioError;
use sesshoku_core::time::BootTime;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use zbus::fdo::DBusProxy;
use zbus::message::{Message, Type};
use zbus::{Connection, MatchRule, MessageStream, ObjectPath};

use super::devices::{DEVICE, Devices};
use super::kernel::{self, Kernel};
use super::memory::Memory;
use super::queue::Sender;
use super::rfkill::{Rfkill, Switches};
use super::sleep_until;
use super::world::{ADAPTER, ADVERTISING_MANAGER, Adapter, Advertising, Properties, World};
use crate::bus::reach;
use crate::clock::{Clock, SystemClock, system_now};
use crate::config;

const BLUEZ: &str = "org.bluez";
const BLUEZ_PATH: &str = "/org/bluez/";
const DBUS: &str = "org.freedesktop.DBus";
const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const PEER: &str = "org.freedesktop.DBus.Peer";

/// How long an answer may take. bluetoothd answers most calls within
/// milliseconds; starting and stopping discovery waits for the controller.
const CALL_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a sign of life may take, which is asked for when an answer has not come.
const LIFE_TIME_MAX: Duration = Duration::from_secs(2);
/// So long after a scan bluetoothd is asked for a sign of life: scans are five minutes
/// apart at the most.
const LIFE_ASKED_AFTER: Duration = Duration::from_secs(150);
/// The adapters whose coming and going is watched for: hci0 up to this. The kernel
/// gives the lowest number that is free.
const ADAPTERS_MAX: u16 = 16;

type Interfaces<'a> = HashMap<&'a str, Properties<'a>>;

/// What is known of BlueZ at a moment.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Link {
    /// Whether the rest says what there is, and not only that it is being asked for.
    pub(super) is_known: bool,
    /// The way to the running bluetoothd.
    pub(super) bus: Option<Bus>,
    /// Its adapters.
    pub(super) world: World,
    /// The machine's radio switches.
    pub(super) switches: Switches,
}

/// Where the adverts of devices go while a scan runs.
#[derive(Clone)]
pub(super) struct Hearing {
    adapter: watch::Sender<Option<String>>,
    events: Sender,
}

impl Hearing {
    pub(super) fn new(events: Sender) -> Self {
        Self {
            adapter: watch::Sender::new(None),
            events,
        }
    }

    /// Reports from now on what `adapter` of this bluetoothd hears.
    pub(super) async fn start(&self, bus: &Bus, adapter: &str) -> Result<(), RadioError> {
        bus.device_signals("AddMatch").await?;
        self.adapter.send_replace(Some(adapter.to_owned()));
        Ok(())
    }

    /// Reports nothing any more, and has the bus tell nothing more of devices.
    pub(super) async fn stop(&self, bus: &Bus) {
        self.adapter.send_replace(None);
        if let Err(error) = bus.device_signals("RemoveMatch").await {
            tracing::debug!(%error, "the bus may go on telling of devices");
        }
    }

    fn is_on(&self, adapter: &str) -> bool {
        self.adapter.borrow().as_deref() == Some(adapter)
    }
}

/// Keeps `link` up to date for as long as it is watched, and reports what is heard. What
/// must be known to the daemon after this one is kept in the folder `memory`.
pub(super) async fn listen(link: watch::Sender<Link>, hearing: Hearing, memory: Option<PathBuf>) {
    let mut rfkill = Rfkill::open();
    // It outlives the connections: what it has seen nobody tells again.
    let mut kernel = open_kernel(memory.as_deref());
    loop {
        let connected = reach(&config::Bus::System, || async {
            let connection = config::Bus::System.builder().build().await?;
            let session = Session::new().await;
            let session = session.map_err(|error| zbus::Error::Failure(error.to_string()))?;
            Ok((connection, session))
        });
        tokio::pin!(connected);
        let (connection, session) = loop {
            tokio::select! {
                connected = &mut connected => break connected,
                () = rfkill.changed(true) => publish_absent(&link, &rfkill),
                changed = kernel_changed(&mut kernel) => if let Err(error) = changed {
                    tracing::warn!(%error, "the kernel tells nothing more");
                },
            }
        };
        if kernel.is_none() {
            kernel = open_kernel(memory.as_deref());
        }
        let (rfkill, kernel) = (&mut rfkill, &mut kernel);
        let listened = listen_once(connection, session, &link, &hearing, rfkill, kernel);
        if let Err(error) = listened.await {
            tracing::warn!(%error, "no connection to the system bus");
        }
        publish_absent(&link, rfkill);
    }
}

fn publish_absent(link: &watch::Sender<Link>, rfkill: &Rfkill) {
    link.send_replace(Link {
        is_known: true,
        switches: rfkill.switches().clone(),
        ..Link::default()
    });
}

/// Listens until the connection ends.
async fn listen_once(
    connection: Connection,
    session: Session,
    link: &watch::Sender<Link>,
    hearing: &Hearing,
    rfkill: &mut Rfkill,
    kernel: &mut Option<Kernel>,
) -> zbus::Result<()> {
    let mut stream = MessageStream::from(&connection);
    // The stream has to be read while the calls below wait for their answers.
    let mut subscribed = tokio::spawn(subscribe(connection.clone()));
    let mut hears = hearing.adapter.subscribe();
    let mut listener = Listener {
        connection: connection.clone(),
        session,
        subscribed: false,
        owner: None,
        owner_signalled: false,
        is_silent: false,
        alarm: open_alarm(),
        ask_at: None,
        doubt: Arc::default(),
        worn_out: Arc::default(),
        sign_of_life: None,
        world: World::default(),
        devices: Devices::default(),
        objects: None,
        devices_known: None,
        kernel,
        rfkill,
        hearing,
        link,
    };
    loop {
        let answer_due = listener.answer_due();
        let no_adapter_is_on = !listener.world.is_any_on();
        tokio::select! {
            message = stream.next() => match message {
                Some(message) => listener.message(&message?).await?,
                None => return Ok(()),
            },
            owner = &mut subscribed, if !listener.subscribed => {
                let owner = owner.map_err(|_| zbus::Error::Failure("subscribing was interrupted".into()))??;
                listener.subscribed(owner).await?;
            }
            changed = kernel_changed(listener.kernel) => {
                changed?;
                listener.publish();
            }
            () = listener.rfkill.changed(no_adapter_is_on) => listener.publish(),
            Ok(()) = hears.changed() => {
                let is_on = hears.borrow_and_update().is_some();
                listener.hearing_changed(is_on).await?;
            }
            () = listener.doubt.notified() => listener.ask_for_life().await?,
            () = listener.worn_out.notified() => return Ok(()),
            () = sleep_until(answer_due) => listener.no_answer().await?,
            () = ring(listener.alarm.as_ref(), listener.ask_at) => {
                listener.ask_at = None;
                listener.ask_for_life().await?;
            }
        }
    }
}

/// Asks the bus for BlueZ's signals. Returns who owns its name.
async fn subscribe(connection: Connection) -> zbus::Result<Option<String>> {
    let dbus = DBusProxy::new(&connection).await?;
    let mut rules = vec![
        signal()
            .sender(DBUS)
            .interface(DBUS)
            .member("NameOwnerChanged")
            .add_arg(BLUEZ)
            .build()?,
        of_properties(ADAPTER)?,
        of_properties(ADVERTISING_MANAGER)?,
    ];
    for number in 0..ADAPTERS_MAX {
        let path = format!("{BLUEZ_PATH}hci{number}");
        rules.push(of_objects().arg_path(0, path).build()?);
    }
    try_join_all(rules.into_iter().map(|rule| dbus.add_match_rule(rule))).await?;
    match dbus.get_name_owner(BLUEZ.try_into()?).await {
        Ok(owner) => Ok(Some(owner.to_string())),
        Err(zbus::fdo::Error::NameHasNoOwner(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn signal() -> zbus::match_rule::Builder<'static> {
    MatchRule::builder().msg_type(Type::Signal)
}

/// BlueZ's signals of objects that come and go.
fn of_objects() -> zbus::match_rule::Builder<'static> {
    signal().sender(BLUEZ).interface(OBJECT_MANAGER)
}

/// BlueZ's signals of properties of `interface` that change.
fn of_properties(interface: &'static str) -> zbus::Result<MatchRule<'static>> {
    signal()
        .sender(BLUEZ)
        .interface(PROPERTIES)
        .member("PropertiesChanged")
        .add_arg(interface)
        .build()
}

struct Listener<'a> {
    connection: Connection,
    /// The same for bluer, which makes a connection of its own.
    session: Session,
    /// Whether the bus has been asked for signals.
    subscribed: bool,
    /// The unique name of the running bluetoothd.
    owner: Option<String>,
    /// Whether the bus has signalled a change of owner, which is news to whatever
    /// it answered when it was asked.
    owner_signalled: bool,
    /// Whether bluetoothd gives no sign of life.
    is_silent: bool,
    /// Wakes the daemon once; tokio's own timers take several wake-ups for minutes.
    alarm: Option<SystemClock>,
    /// When it is to ask for a sign of life that nobody needs yet.
    ask_at: Option<BootTime>,
    /// Notified when a call of bluetoothd was not answered in time.
    doubt: Arc<Notify>,
    /// Notified when nothing can be done any more over these connections.
    worn_out: Arc<Notify>,
    /// The call that asks for a sign of life.
    sign_of_life: Option<Call>,
    world: World,
    devices: Devices,
    /// The call of `GetManagedObjects` for all there is.
    objects: Option<Call>,
    /// The same for the devices that were there when a scan started.
    devices_known: Option<NonZeroU32>,
    /// `None` where the kernel is out of reach.
    kernel: &'a mut Option<Kernel>,
    rfkill: &'a mut Rfkill,
    hearing: &'a Hearing,
    link: &'a watch::Sender<Link>,
}

/// A call that is being answered.
struct Call {
    serial: NonZeroU32,
    /// By when; `None` for whenever bluetoothd goes on.
    due: Option<Instant>,
}

impl Call {
    /// Whether `answer` is the answer to `call`.
    fn is_answered(call: &Option<Self>, answer: Option<NonZeroU32>) -> bool {
        call.as_ref()
            .is_some_and(|call| Some(call.serial) == answer)
    }
}

impl Listener<'_> {
    async fn message(&mut self, message: &Message) -> zbus::Result<()> {
        match message.message_type() {
            Type::Signal => self.signal(message).await,
            Type::MethodReturn | Type::Error => {
                self.answer(message);
                Ok(())
            }
            Type::MethodCall => Ok(()),
        }
    }

    async fn signal(&mut self, message: &Message) -> zbus::Result<()> {
        let header = message.header();
        let (Some(sender), Some(member)) = (header.sender(), header.member()) else {
            return Ok(());
        };
        if sender.as_str() == DBUS {
            if member.as_str() == "NameOwnerChanged" {
                let body = message.body();
                let (name, _, new): (&str, &str, &str) = body.deserialize()?;
                if name == BLUEZ {
                    self.owner_signalled = true;
                    let owner = (!new.is_empty()).then(|| new.to_owned());
                    self.owner_changed(owner).await?;
                }
            }
            return Ok(());
        }
        // The bus passes on signals that anybody sends to us directly; and what
        // comes before the answer to GetManagedObjects is part of that answer.
        if self.owner.as_deref() != Some(sender.as_str()) || self.objects.is_some() {
            return Ok(());
        }
        if let Err(error) = self.bluez_signal(member.as_str(), message) {
            tracing::debug!(%error, member = member.as_str(), "a signal of bluetoothd was not understood");
        }
        Ok(())
    }

    fn bluez_signal(&mut self, member: &str, message: &Message) -> zbus::Result<()> {
        let body = message.body();
        match member {
            "PropertiesChanged" => {
                let header = message.header();
                let Some(path) = header.path() else {
                    return Ok(());
                };
                let (interface, changed, invalidated): (&str, Properties<'_>, Vec<&str>) =
                    body.deserialize()?;
                if interface == DEVICE {
                    if invalidated.contains(&"RSSI") {
                        self.devices.forget_rssi(path.as_str());
                    }
                    self.device(path.as_str(), &changed);
                } else if let Some(adapter) = adapter_of(path.as_str()) {
                    self.world.properties_changed(adapter, interface, &changed);
                    self.publish();
                }
            }
            "InterfacesAdded" => {
                let (path, interfaces): (ObjectPath<'_>, Interfaces<'_>) = body.deserialize()?;
                self.object_added(path.as_str(), &interfaces);
                self.publish();
            }
            "InterfacesRemoved" => {
                let (path, interfaces): (ObjectPath<'_>, Vec<&str>) = body.deserialize()?;
                if interfaces.contains(&DEVICE) {
                    self.devices.remove(path.as_str());
                }
                if let Some(adapter) = adapter_of(path.as_str()) {
                    for interface in interfaces {
                        self.world.interface_removed(adapter, interface);
                    }
                    self.publish();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes over the answers to the listener's own calls; others are for their
    /// callers.
    fn answer(&mut self, message: &Message) {
        let serial = message.header().reply_serial();
        if Call::is_answered(&self.sign_of_life, serial) {
            self.sign_of_life = None;
        } else if Call::is_answered(&self.objects, serial) {
            self.objects = None;
            self.is_silent = false;
            self.objects_known(message);
            self.publish();
        } else if serial.is_some() && self.devices_known == serial {
            self.devices_known = None;
            self.objects_known(message);
        }
    }

    fn objects_known(&mut self, answer: &Message) {
        let body = answer.body();
        match body.deserialize::<HashMap<ObjectPath<'_>, Interfaces<'_>>>() {
            Ok(objects) => {
                for (path, interfaces) in &objects {
                    self.object_known(path.as_str(), interfaces);
                }
            }
            Err(error) => tracing::warn!(%error, "bluetoothd's objects were not understood"),
        }
    }

    fn object_added(&mut self, path: &str, interfaces: &Interfaces<'_>) {
        if let Some(device) = interfaces.get(DEVICE) {
            self.device(path, device);
        }
        self.adapter_interfaces(path, interfaces);
    }

    /// An object that was there before: its RSSI is no sample.
    fn object_known(&mut self, path: &str, interfaces: &Interfaces<'_>) {
        if let Some(device) = interfaces.get(DEVICE) {
            let _ = self.devices.update(path, device);
        }
        // An adapter that is known comes to nothing new by being told of again.
        if adapter_of(path).is_some_and(|adapter| self.world.adapter(adapter).is_none()) {
            self.adapter_interfaces(path, interfaces);
        }
    }

    fn adapter_interfaces(&mut self, path: &str, interfaces: &Interfaces<'_>) {
        let Some(adapter) = adapter_of(path) else {
            return;
        };
        // The adapter's own interface first: it makes the adapter.
        for interface in [ADAPTER]
            .into_iter()
            .chain(interfaces.keys().copied().filter(|name| *name != ADAPTER))
        {
            if let Some(properties) = interfaces.get(interface) {
                self.world.interface_added(adapter, interface, properties);
            }
        }
    }

    fn device(&mut self, path: &str, news: &Properties<'_>) {
        let Some(heard) = self.devices.update(path, news) else {
            return;
        };
        let adapter = path
            .strip_prefix(BLUEZ_PATH)
            .and_then(|rest| rest.split_once('/'))
            .map(|(adapter, _)| adapter);
        if adapter.is_some_and(|adapter| self.hearing.is_on(adapter)) {
            self.hearing.events.hear(heard);
        }
    }

    /// Signals arrive from now on; `owner` is who owned BlueZ's name when asked.
    async fn subscribed(&mut self, owner: Option<String>) -> zbus::Result<()> {
        self.subscribed = true;
        if self.owner_signalled {
            self.publish();
            return Ok(());
        }
        self.owner_changed(owner).await
    }

    async fn owner_changed(&mut self, owner: Option<String>) -> zbus::Result<()> {
        tracing::debug!(
            running = owner.is_some(),
            "bluetoothd is known to run or not"
        );
        self.owner = owner;
        self.forget();
        self.is_silent = false;
        self.objects = None;
        if self.owner.is_some() {
            self.ask_for_objects(Some(CALL_TIME_MAX)).await?;
        }
        self.publish();
        Ok(())
    }

    /// Forgets what bluetoothd has said.
    fn forget(&mut self) {
        self.world.forget();
        self.devices = Devices::default();
        self.devices_known = None;
        self.sign_of_life = None;
    }

    async fn ask_for_objects(&mut self, within: Option<Duration>) -> zbus::Result<()> {
        self.objects = self
            .ask("GetManagedObjects", OBJECT_MANAGER)
            .await?
            .map(|serial| Call {
                serial,
                due: within.map(|within| Instant::now() + within),
            });
        Ok(())
    }

    /// Whether bluetoothd lives; libdbus answers this by itself.
    async fn ask_for_life(&mut self) -> zbus::Result<()> {
        if self.objects.is_none() && self.sign_of_life.is_none() {
            self.sign_of_life = self.ask("Ping", PEER).await?.map(|serial| Call {
                serial,
                due: Some(Instant::now() + LIFE_TIME_MAX),
            });
        }
        Ok(())
    }

    /// A scan has started or ended.
    async fn hearing_changed(&mut self, is_on: bool) -> zbus::Result<()> {
        self.devices = Devices::default();
        self.ask_at = (!is_on).then(|| system_now().boot.after(LIFE_ASKED_AFTER));
        self.devices_known = if is_on {
            self.ask("GetManagedObjects", OBJECT_MANAGER).await?
        } else {
            None
        };
        Ok(())
    }

    /// Calls bluetoothd, if there is one. The answer comes with the signals.
    async fn ask(&self, method: &str, interface: &str) -> zbus::Result<Option<NonZeroU32>> {
        let Some(owner) = &self.owner else {
            return Ok(None);
        };
        let call = Message::method_call("/", method)
            .destination(owner.as_str())
            .interface(interface)
            .build(&())?;
        self.connection.send(&call).await?;
        Ok(Some(call.primary_header().serial_num()))
    }

    fn answer_due(&self) -> Option<Instant> {
        let calls = [&self.objects, &self.sign_of_life];
        let due = calls.into_iter().flatten().filter_map(|call| call.due);
        due.min()
    }

    /// bluetoothd does not answer: it counts as absent until it does.
    async fn no_answer(&mut self) -> zbus::Result<()> {
        tracing::warn!("bluetoothd does not answer");
        self.forget();
        self.is_silent = true;
        match &mut self.objects {
            Some(call) => call.due = None,
            None => self.ask_for_objects(None).await?,
        }
        self.publish();
        Ok(())
    }

    fn publish(&mut self) {
        if let Some(kernel) = self.kernel {
            self.world
                .heed_kernel(|adapter, advertises| kernel.bearing(adapter, advertises));
        }
        let link = Link {
            is_known: self.subscribed && (self.objects.is_none() || self.is_silent),
            bus: self
                .owner
                .as_ref()
                .filter(|_| !self.is_silent)
                .map(|owner| Bus {
                    connection: self.connection.clone(),
                    session: self.session.clone(),
                    owner: owner.clone(),
                    doubt: Arc::clone(&self.doubt),
                    worn_out: Arc::clone(&self.worn_out),
                }),
            world: self.world.clone(),
            switches: self.rfkill.switches().clone(),
        };
        self.link.send_if_modified(|last| {
            let changed = *last != link;
            *last = link;
            changed
        });
    }
}

/// Without the kernel it is for bluetoothd to say whether connections are taken; one
/// that does not leaves the adapter at risk.
fn open_kernel(memory: Option<&Path>) -> Option<Kernel> {
    Kernel::open(Memory::open(memory))
        .inspect_err(|error| {
            tracing::warn!(%error, "the kernel cannot be asked whether it takes connections");
        })
        .ok()
}

fn open_alarm() -> Option<SystemClock> {
    SystemClock::new()
        .inspect_err(|error| tracing::warn!(%error, "there is no timer for signs of life"))
        .ok()
}

/// Resolves at `at`, or never.
async fn ring(alarm: Option<&SystemClock>, at: Option<BootTime>) {
    match (alarm, at) {
        (Some(alarm), Some(at)) => alarm.sleep_until(at).await,
        _ => std::future::pending().await,
    }
}

/// Resolves when the kernel has told something. One that fails is closed, since what it has
/// told meanwhile is lost.
async fn kernel_changed(kernel: &mut Option<Kernel>) -> std::io::Result<()> {
    let Some(open) = kernel else {
        return std::future::pending().await;
    };
    let changed = open.changed().await;
    if changed.is_err() {
        *kernel = None;
    }
    changed
}

/// The name of the adapter whose object is at `path`; `None` for other objects.
fn adapter_of(path: &str) -> Option<&str> {
    path.strip_prefix(BLUEZ_PATH)
        .filter(|name| !name.is_empty() && !name.contains('/'))
}

/// The way to one bluetoothd.
///
/// Questions go to its unique name. bluer's calls go to `org.bluez`, which would start
/// bluetoothd when somebody has just stopped it: there are none without a `Bus`.
#[derive(Clone)]
pub(super) struct Bus {
    connection: Connection,
    session: Session,
    owner: String,
    doubt: Arc<Notify>,
    worn_out: Arc<Notify>,
}

impl PartialEq for Bus {
    fn eq(&self, other: &Self) -> bool {
        self.owner == other.owner && Arc::ptr_eq(&self.worn_out, &other.worn_out)
    }
}

impl Bus {
    /// Asks bluetoothd and the kernel afresh about the adapter.
    pub(super) async fn adapter(&self, name: &str) -> Result<Adapter, RadioError> {
        let mut adapter = Adapter::default();
        let answer = self.call(name, PROPERTIES, "GetAll", &(ADAPTER,)).await?;
        let body = answer.body();
        let properties: Properties<'_> = body.deserialize().map_err(refused)?;
        adapter.update(&properties);
        adapter.heed_kernel(kernel::bearing(name));
        Ok(adapter)
    }

    /// Reads how many adverts are registered on the adapter, by all programs.
    pub(super) async fn active_instances(&self, name: &str) -> Result<u8, RadioError> {
        let mut advertising = Advertising::default();
        let answer = self
            .call(name, PROPERTIES, "GetAll", &(ADVERTISING_MANAGER,))
            .await?;
        let body = answer.body();
        let properties: Properties<'_> = body.deserialize().map_err(refused)?;
        advertising.update(&properties);
        Ok(advertising.active)
    }

    /// bluer's way to the adapter.
    pub(super) fn bluez(&self, adapter: &str) -> Result<bluer::Adapter, RadioError> {
        self.session.adapter(adapter).map_err(refused_by_bluez)
    }

    /// Has bluer do something, and waits for it no longer than for any call: its own
    /// limit is two minutes. What it has begun it brings to its end, since an advert
    /// whose registration is cancelled half way is nobody's.
    pub(super) async fn within<T: Send + 'static>(
        &self,
        job: impl Future<Output = bluer::Result<T>> + Send + 'static,
    ) -> Result<bluer::Result<T>, RadioError> {
        match timeout(CALL_TIME_MAX, tokio::spawn(job)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                tracing::error!(%error, "bluer");
                Err(RadioError::Refused("ended".to_owned()))
            }
            Err(_) => {
                self.doubt.notify_one();
                Err(RadioError::Timeout)
            }
        }
    }

    /// Has everything that is known of BlueZ thrown away, and a new connection made.
    pub(super) fn start_anew(&self) {
        self.worn_out.notify_one();
    }

    /// Asks the bus to tell of devices, or not to.
    async fn device_signals(&self, method: &str) -> Result<(), RadioError> {
        let rules = [of_properties(DEVICE), of_objects().build()];
        let calls = rules.into_iter().map(async |rule| {
            self.connection
                .call_method(
                    Some(DBUS),
                    "/org/freedesktop/DBus",
                    Some(DBUS),
                    method,
                    &rule?,
                )
                .await
        });
        timeout(CALL_TIME_MAX, try_join_all(calls))
            .await
            .map_err(|_| RadioError::Timeout)?
            .map_err(refused)?;
        Ok(())
    }

    async fn call<B>(
        &self,
        adapter: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<Message, RadioError>
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let path = format!("{BLUEZ_PATH}{adapter}");
        let call = self.connection.call_method(
            Some(self.owner.as_str()),
            path.as_str(),
            Some(interface),
            method,
            body,
        );
        match timeout(CALL_TIME_MAX, call).await {
            Ok(answer) => answer.map_err(refused),
            Err(_) => {
                self.doubt.notify_one();
                Err(RadioError::Timeout)
            }
        }
    }
}

/// The error of a call, by its D-Bus name alone: texts may hold addresses.
fn refused(error: zbus::Error) -> RadioError {
    if let zbus::Error::MethodError(name, _, _) = error {
        return RadioError::Refused(name.to_string());
    }
    if let zbus::Error::FDO(error) = error {
        return RadioError::Refused(zbus::DBusError::name(&*error).to_string());
    }
    tracing::debug!(%error, "a call of bluetoothd failed");
    RadioError::Refused("no connection".to_owned())
}

/// The same for bluer's.
pub(super) fn refused_by_bluez(error: bluer::Error) -> RadioError {
    if let ErrorKind::Internal(InternalErrorKind::DBus(name)) = error.kind {
        return RadioError::Refused(name);
    }
    RadioError::Refused(format!("org.bluez.Error.{:?}", error.kind))
}
