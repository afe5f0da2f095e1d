//! The connection to BlueZ: its signals in the order they were sent, what the
//! kernel says besides, and the calls the radio makes, each with a time limit.
//!
//! bluer offers the signals of a device as a stream of its own, so that a crowd
//! would need a thousand subscriptions; this is one stream for all, and the
//! answer to `GetManagedObjects` is taken from the same stream, so that nothing
//! falls between the first state and its changes.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use zbus::fdo::DBusProxy;
use zbus::message::{Message, Type};
use zbus::{Connection, MatchRule, MessageStream, ObjectPath, Variant};

use super::devices::{DEVICE, Devices, SERVICE_UUID};
use super::kernel::{self, Kernel};
use super::queue::Sender;
use super::sleep_until;
use super::world::{ADAPTER, ADVERTISING_MANAGER, Adapter, Advertising, Properties, World};
use crate::radio::RadioError;

const BLUEZ: &str = "org.bluez";
const BLUEZ_PATH: &str = "/org/bluez/";
const DBUS: &str = "org.freedesktop.DBus";
const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// How long an answer may take. bluetoothd answers most calls within
/// milliseconds; starting and stopping discovery waits for the controller.
const CALL_TIME_MAX: Duration = Duration::from_secs(5);
/// How long to wait before connecting again to a bus that went away.
const RECONNECT_WAIT: Duration = Duration::from_secs(5);

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

    /// Reports from now on what `adapter` hears.
    pub(super) fn start(&self, adapter: &str) {
        self.adapter.send_replace(Some(adapter.to_owned()));
    }

    /// Reports nothing any more.
    pub(super) fn stop(&self) {
        self.adapter.send_replace(None);
    }

    fn is_on(&self, adapter: &str) -> bool {
        self.adapter.borrow().as_deref() == Some(adapter)
    }
}

/// Keeps `link` up to date for as long as it is watched, and reports what is heard.
pub(super) async fn listen(link: watch::Sender<Link>, hearing: Hearing) {
    loop {
        if let Err(error) = listen_once(&link, &hearing).await {
            tracing::warn!(%error, "no connection to the system bus");
        }
        link.send_replace(Link {
            is_known: true,
            ..Link::default()
        });
        sleep(RECONNECT_WAIT).await;
    }
}

/// Listens until the connection ends.
async fn listen_once(link: &watch::Sender<Link>, hearing: &Hearing) -> zbus::Result<()> {
    let connection = Connection::system().await?;
    let mut stream = MessageStream::from(&connection);
    // The stream has to be read while the calls below wait for their answers.
    let mut subscribed = tokio::spawn(subscribe(connection.clone()));
    let mut listener = Listener {
        connection: connection.clone(),
        subscribed: false,
        owner: None,
        owner_signalled: false,
        world: World::default(),
        devices: Devices::default(),
        snapshot: None,
        kernel: open_kernel(),
        hearing,
        link,
    };
    loop {
        let answer_due = listener.snapshot.as_ref().map(|snapshot| snapshot.deadline);
        tokio::select! {
            message = stream.next() => match message {
                Some(message) => listener.message(&message?).await?,
                None => return Ok(()),
            },
            owner = &mut subscribed, if !listener.subscribed => {
                let owner = owner.map_err(|_| zbus::Error::Failure("subscribing was interrupted".into()))??;
                listener.subscribed(owner).await?;
            }
            changed = kernel_changed(&mut listener.kernel) => {
                changed?;
                listener.publish();
            }
            () = sleep_until(answer_due) => {
                tracing::warn!("bluetoothd does not answer");
                listener.ask_for_objects().await?;
            }
        }
    }
}

/// Asks the bus for BlueZ's signals. Returns who owns its name.
async fn subscribe(connection: Connection) -> zbus::Result<Option<String>> {
    let dbus = DBusProxy::new(&connection).await?;
    let signal = || MatchRule::builder().msg_type(Type::Signal);
    let mut rules = vec![
        signal()
            .sender(DBUS)
            .interface(DBUS)
            .member("NameOwnerChanged")
            .add_arg(BLUEZ)
            .build()?,
        signal().sender(BLUEZ).interface(OBJECT_MANAGER).build()?,
    ];
    for interface in [ADAPTER, ADVERTISING_MANAGER, DEVICE] {
        rules.push(
            signal()
                .sender(BLUEZ)
                .interface(PROPERTIES)
                .member("PropertiesChanged")
                .add_arg(interface)
                .build()?,
        );
    }
    for rule in rules {
        dbus.add_match_rule(rule).await?;
    }
    match dbus.get_name_owner(BLUEZ.try_into()?).await {
        Ok(owner) => Ok(Some(owner.to_string())),
        Err(zbus::fdo::Error::NameHasNoOwner(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

struct Listener<'a> {
    connection: Connection,
    /// Whether the bus has been asked for signals.
    subscribed: bool,
    /// The unique name of the running bluetoothd.
    owner: Option<String>,
    /// Whether the bus has signalled a change of owner, which is news to whatever
    /// it answered when it was asked.
    owner_signalled: bool,
    world: World,
    devices: Devices,
    /// The call of `GetManagedObjects` that is being answered.
    snapshot: Option<Snapshot>,
    /// `None` where the kernel is out of reach.
    kernel: Option<Kernel>,
    hearing: &'a Hearing,
    link: &'a watch::Sender<Link>,
}

struct Snapshot {
    serial: std::num::NonZeroU32,
    deadline: Instant,
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
        if self.owner.as_deref() != Some(sender.as_str()) || self.snapshot.is_some() {
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

    /// Takes over the answer to `GetManagedObjects`; others are for their callers.
    fn answer(&mut self, message: &Message) {
        let serial = message.header().reply_serial();
        if self.snapshot.is_none()
            || self.snapshot.as_ref().map(|snapshot| snapshot.serial) != serial
        {
            return;
        }
        self.snapshot = None;
        let body = message.body();
        match body.deserialize::<HashMap<ObjectPath<'_>, Interfaces<'_>>>() {
            Ok(objects) => {
                for (path, interfaces) in &objects {
                    self.object_known(path.as_str(), interfaces);
                }
            }
            Err(error) => tracing::warn!(%error, "bluetoothd's objects were not understood"),
        }
        self.publish();
    }

    fn object_added(&mut self, path: &str, interfaces: &Interfaces<'_>) {
        if let Some(device) = interfaces.get(DEVICE) {
            self.device(path, device);
        }
        self.adapter_interfaces(path, interfaces);
    }

    /// Like [`Self::object_added`], but an RSSI that was there before is no sample.
    fn object_known(&mut self, path: &str, interfaces: &Interfaces<'_>) {
        if let Some(device) = interfaces.get(DEVICE) {
            let _ = self.devices.update(path, device);
        }
        self.adapter_interfaces(path, interfaces);
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
        self.world = World::default();
        self.devices = Devices::default();
        self.snapshot = None;
        if self.owner.is_some() {
            self.ask_for_objects().await?;
        }
        self.publish();
        Ok(())
    }

    async fn ask_for_objects(&mut self) -> zbus::Result<()> {
        let call = Message::method_call("/", "GetManagedObjects")
            .destination(BLUEZ)
            .interface(OBJECT_MANAGER)
            .build(&())?;
        self.snapshot = Some(Snapshot {
            serial: call.primary_header().serial_num(),
            deadline: Instant::now() + CALL_TIME_MAX,
        });
        self.connection.send(&call).await
    }

    fn publish(&mut self) {
        if let Some(kernel) = &mut self.kernel {
            self.world
                .heed_kernel(|adapter| kernel.connectable(adapter));
        }
        let link = Link {
            is_known: self.subscribed && self.snapshot.is_none(),
            bus: self.owner.as_ref().map(|owner| Bus {
                connection: self.connection.clone(),
                owner: owner.clone(),
            }),
            world: self.world.clone(),
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
fn open_kernel() -> Option<Kernel> {
    Kernel::open()
        .inspect_err(|error| {
            tracing::warn!(%error, "the kernel cannot be asked whether it takes connections");
        })
        .ok()
}

async fn kernel_changed(kernel: &mut Option<Kernel>) -> std::io::Result<()> {
    match kernel {
        Some(kernel) => kernel.changed().await,
        None => std::future::pending().await,
    }
}

/// The name of the adapter whose object is at `path`; `None` for other objects.
fn adapter_of(path: &str) -> Option<&str> {
    path.strip_prefix(BLUEZ_PATH)
        .filter(|name| !name.is_empty() && !name.contains('/'))
}

/// The calls to one bluetoothd.
///
/// They go to its unique name: a call to `org.bluez` would start bluetoothd when
/// somebody has just stopped it.
#[derive(Clone)]
pub(super) struct Bus {
    connection: Connection,
    owner: String,
}

impl PartialEq for Bus {
    fn eq(&self, other: &Self) -> bool {
        self.owner == other.owner && self.connection.server_guid() == other.connection.server_guid()
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
        adapter.heed_kernel(kernel::connectable(name));
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

    /// Sets the discovery filter of this connection: Low Energy, our service,
    /// every advert.
    pub(super) async fn set_discovery_filter(&self, adapter: &str) -> Result<(), RadioError> {
        let filter: Properties<'_> = HashMap::from([
            ("Transport", Variant::from("le")),
            ("UUIDs", Variant::from(vec![SERVICE_UUID])),
            ("DuplicateData", Variant::from(true)),
        ]);
        self.call(adapter, ADAPTER, "SetDiscoveryFilter", &(filter,))
            .await?;
        Ok(())
    }

    /// Starts discovery.
    pub(super) async fn start_discovery(&self, adapter: &str) -> Result<(), RadioError> {
        self.call(adapter, ADAPTER, "StartDiscovery", &()).await?;
        Ok(())
    }

    /// Stops discovery.
    pub(super) async fn stop_discovery(&self, adapter: &str) -> Result<(), RadioError> {
        self.call(adapter, ADAPTER, "StopDiscovery", &()).await?;
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
        timeout(CALL_TIME_MAX, call)
            .await
            .map_err(|_| RadioError::Timeout)?
            .map_err(refused)
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
