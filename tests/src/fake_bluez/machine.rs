//! What bluetoothd, the kernel and the controllers do, without a bus or a clock: calls
//! come in, answers and signals go out.

mod told;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;
use zbus::message::{Flags, Header, Message, Type};
use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

use super::instruction::{Change, Shown, Treatment};
use super::{ADAPTER, Options, Sent};
use told::{service_data_property, written};

pub(super) const BLUEZ: &str = "org.bluez";
pub(super) const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const ADAPTER_INTERFACE: &str = "org.bluez.Adapter1";
const DEVICE: &str = "org.bluez.Device1";
const ADVERTISING: &str = "org.bluez.LEAdvertisingManager1";
const ADVERT: &str = "org.bluez.LEAdvertisement1";
const MONITORING: &str = "org.bluez.AdvertisementMonitorManager1";
const MONITOR: &str = "org.bluez.AdvertisementMonitor1";

const SERVICE_UUID: &str = "0000fd6f-0000-1000-8000-00805f9b34fb";

/// How many adverts the kernel keeps, on legacy controllers by taking turns.
const INSTANCES: u8 = 5;
/// How often a phone advertises (docs/protocol.md §2).
const ADVERT_INTERVAL: Duration = Duration::from_millis(250);
/// How long the kernel discovers before it rests, and for how long.
const DISCOVERY: Duration = Duration::from_millis(10_240);
const REST: Duration = Duration::from_millis(500);
/// When a device that is not heard any more is forgotten.
const TEMPORARY: Duration = Duration::from_secs(30);

/// What another program is called among the clients.
const ANOTHER: &str = "another program";

type Properties = HashMap<&'static str, Variant<'static>>;

/// A question to a client.
pub(super) struct Ask {
    pub(super) client: String,
    pub(super) path: String,
    pub(super) interface: &'static str,
    pub(super) method: &'static str,
    pub(super) argument: Option<&'static str>,
    pub(super) purpose: Purpose,
}

/// What a question is for.
pub(super) enum Purpose {
    /// The properties of an advert, which this call registers.
    Register { call: Message, adapter: String },
    /// The monitors below a root.
    Monitors { adapter: String, root: String },
}

/// What a client answered; nothing, when it refused or is gone.
pub(super) struct Answered {
    pub(super) client: String,
    pub(super) purpose: Purpose,
    pub(super) answer: Option<Message>,
}

/// An error that a call is answered with.
struct Refusal(&'static str);

/// `None` for a call that is answered later.
type Result<T = Option<Message>> = std::result::Result<T, Refusal>;

const NOT_READY: Refusal = Refusal("org.bluez.Error.NotReady");
const IN_PROGRESS: Refusal = Refusal("org.bluez.Error.InProgress");
const FAILED: Refusal = Refusal("org.bluez.Error.Failed");
const ALREADY_EXISTS: Refusal = Refusal("org.bluez.Error.AlreadyExists");
const DOES_NOT_EXIST: Refusal = Refusal("org.bluez.Error.DoesNotExist");
const NOT_PERMITTED: Refusal = Refusal("org.bluez.Error.NotPermitted");
const INVALID_ARGUMENTS: Refusal = Refusal("org.bluez.Error.InvalidArguments");
const UNKNOWN_METHOD: Refusal = Refusal("org.freedesktop.DBus.Error.UnknownMethod");
const UNKNOWN_OBJECT: Refusal = Refusal("org.freedesktop.DBus.Error.UnknownObject");

pub(super) struct Machine {
    options: Options,
    is_running: bool,
    adapters: BTreeMap<String, Adapter>,
    phones: BTreeMap<String, Phone>,
    treatments: BTreeMap<String, Treatment>,
    sent: Vec<Sent>,
    /// How many addresses were made up.
    addresses: u32,
    outbox: Vec<Message>,
    asks: Vec<Ask>,
}

#[derive(Default)]
struct Adapter {
    powered: bool,
    discoverable: bool,
    hidden_at: Option<Instant>,
    discoverable_timeout: u32,
    connectable: bool,
    adverts: Vec<Advert>,
    /// Who discovers, and with which filter.
    sessions: BTreeSet<String>,
    filters: BTreeMap<String, bool>,
    monitors: Vec<Monitor>,
    scan: Option<Scan>,
    is_stalled: bool,
    devices: BTreeMap<String, Device>,
}

struct Advert {
    client: String,
    path: String,
    data: Vec<u8>,
    is_peripheral: bool,
    /// Its place in the log while it is on the air.
    sent: Option<usize>,
}

struct Monitor {
    client: String,
    root: String,
    active: BTreeSet<String>,
}

/// A scan of the kernel.
struct Scan {
    rests_at: Instant,
    /// The phones that this start of it has reported.
    reported: BTreeSet<String>,
}

struct Phone {
    address: [u8; 6],
    data: Vec<u8>,
    rssi: i8,
    next: Instant,
}

struct Device {
    phone: [u8; 6],
    rssi: Option<i8>,
    data: Vec<u8>,
    last_heard: Instant,
}

impl Machine {
    pub(super) fn new(options: Options) -> Self {
        let mut machine = Self {
            options,
            is_running: false,
            adapters: BTreeMap::new(),
            phones: BTreeMap::new(),
            treatments: BTreeMap::new(),
            sent: Vec::new(),
            addresses: 0,
            outbox: Vec::new(),
            asks: Vec::new(),
        };
        machine.plug(ADAPTER);
        machine
    }

    /// What is to be sent.
    pub(super) fn outbox(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.outbox)
    }

    /// What is to be asked.
    pub(super) fn asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// What was on the air.
    pub(super) fn air(&self) -> Vec<Sent> {
        self.sent.clone()
    }

    /// A new bluetoothd takes everything off the air that it finds there.
    pub(super) fn bluetoothd_starts(&mut self) {
        self.is_running = true;
        for name in self.names() {
            self.on(&name, |adapter, sent| adapter.clear(sent));
        }
        self.outbox.clear();
    }

    /// bluetoothd ends. When it is killed, the kernel goes on sending.
    pub(super) fn bluetoothd_ends(&mut self, is_killed: bool) {
        self.is_running = false;
        for name in self.names() {
            self.on(&name, |adapter, sent| {
                if !is_killed {
                    adapter.clear(sent);
                }
                adapter.sessions.clear();
                adapter.filters.clear();
                adapter.monitors.clear();
                adapter.devices.clear();
                adapter.scan = None;
            });
        }
        self.outbox.clear();
        self.asks.clear();
    }

    pub(super) fn change(&mut self, change: Change, now: Instant) {
        match change {
            Change::Powered(name, on) => drop(self.set_powered(&name, on)),
            Change::Discoverable(name, shown) => {
                self.show(&name, shown, now);
            }
            Change::Plug(name) => {
                self.plug(&name);
                self.announce(&name);
            }
            Change::Unplug(name) => self.unplug(&name),
            Change::Phone { name, rssi } => {
                if let Some(phone) = self.phones.get_mut(&name) {
                    phone.rssi = rssi;
                } else {
                    let address = self.fresh_address();
                    // An identifier of its own, which tells phones apart.
                    let own = address[3..].iter().rev();
                    let data = own.cycle().take(20).copied().collect();
                    let phone = Phone {
                        address,
                        data,
                        rssi,
                        next: now,
                    };
                    self.phones.insert(name, phone);
                }
            }
            Change::Remove(name) => drop(self.phones.remove(&name)),
            Change::Treat(method, treatment) => {
                self.treatments.insert(method, treatment);
            }
            Change::AdvertsEnd => {
                for name in self.names() {
                    self.on(&name, |adapter, sent| adapter.clear(sent));
                    self.tell_instances(&name);
                }
            }
            Change::DiscoveryEnds => {
                for name in self.names() {
                    self.on(&name, |adapter, _| {
                        adapter.sessions.clear();
                        adapter.scan = None;
                    });
                    self.tell_discovering(&name);
                }
            }
            Change::DiscoveryStalls(is_stalled) => {
                for adapter in self.adapters.values_mut() {
                    adapter.is_stalled = is_stalled;
                }
            }
            Change::AnotherDiscovers => {
                drop(self.start_discovery(ADAPTER, ANOTHER, now));
            }
            Change::AnotherAdvertises => {
                let advert = Advert {
                    client: ANOTHER.to_owned(),
                    path: String::new(),
                    data: Vec::new(),
                    is_peripheral: false,
                    sent: None,
                };
                self.put_on_air(ADAPTER, advert);
            }
            Change::AnotherStops => self.client_left(ANOTHER),
        }
    }

    /// When something happens by itself next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let of_adapter = |adapter: &Adapter| {
            let devices = adapter.devices.values();
            let forgotten = devices.map(|device| device.last_heard + TEMPORARY).min();
            [
                adapter.hidden_at,
                adapter.scan.as_ref().map(|scan| scan.rests_at + REST),
                forgotten,
            ]
        };
        let of_adapters = self.adapters.values().flat_map(of_adapter).flatten();
        let is_heard = self.adapters.values().any(|it| it.scan.is_some());
        let phones = self.phones.values().filter(|_| is_heard);
        of_adapters.chain(phones.map(|phone| phone.next)).min()
    }

    /// What happens by itself up to `now`.
    pub(super) fn pass(&mut self, now: Instant) {
        for name in self.names() {
            let Some(adapter) = self.adapters.get_mut(&name) else {
                continue;
            };
            if adapter.hidden_at.is_some_and(|at| at <= now) {
                // Hidden, but open to connections for good (kernel 6.1).
                adapter.hidden_at = None;
                adapter.discoverable = false;
                self.tell_adapter(&name, "Discoverable");
            }
            self.on(&name, |adapter, _| {
                if let Some(scan) = &mut adapter.scan
                    && scan.rests_at + REST <= now
                {
                    *scan = Scan::start(now);
                }
            });
            self.forget_devices(&name, |device| device.last_heard + TEMPORARY <= now);
        }
        let due: Vec<String> = self
            .phones
            .iter_mut()
            .filter(|(_, phone)| phone.next <= now)
            .map(|(name, phone)| {
                phone.next = now + ADVERT_INTERVAL;
                name.clone()
            })
            .collect();
        for phone in due {
            for adapter in self.names() {
                self.hear(&adapter, &phone, now);
            }
        }
    }

    /// Takes in a message from the bus.
    pub(super) fn receive(&mut self, message: &Message, now: Instant) {
        match message.message_type() {
            Type::MethodCall => self.call(message, now),
            Type::Signal => self.signal(message),
            Type::MethodReturn | Type::Error => {}
        }
    }

    /// Takes in what a client answered.
    pub(super) fn answered(&mut self, answered: Answered, _now: Instant) {
        let Answered {
            client,
            purpose,
            answer,
        } = answered;
        match purpose {
            Purpose::Register { call, adapter } => {
                let result = self.register(&call, &adapter, &client, answer.as_ref());
                self.answer(&call, result);
            }
            Purpose::Monitors { adapter, root } => {
                let Some(message) = answer else { return };
                let body = message.body();
                type Objects<'a> =
                    HashMap<ObjectPath<'a>, HashMap<&'a str, HashMap<&'a str, Variant<'a>>>>;
                let Ok(objects) = body.deserialize::<Objects<'_>>() else {
                    return;
                };
                for (path, interfaces) in &objects {
                    if interfaces.contains_key(MONITOR) {
                        self.activate(&adapter, &client, &root, path.as_str());
                    }
                }
            }
        }
    }

    fn call(&mut self, call: &Message, now: Instant) {
        let header = call.header();
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let (path, client, interface, method) = (
            text(header.path().map(ObjectPath::as_str)),
            text(header.sender().map(|name| name.as_str())),
            text(header.interface().map(|name| name.as_str())),
            text(header.member().map(|name| name.as_str())),
        );
        let result = match self.treatments.get(&method) {
            Some(Treatment::Ignore) => return,
            Some(Treatment::Refuse(error)) => {
                let error = Message::error(&header, error.as_str());
                self.outbox.extend(error.and_then_build());
                return;
            }
            Some(Treatment::Pretend) => done(&header, &()),
            treatment @ (Some(Treatment::Obey | Treatment::Show) | None) => {
                if treatment == Some(&Treatment::Show) {
                    self.show(ADAPTER, Shown::Yes, now);
                }
                self.dispatch(call, &path, &client, (&interface, &method), now)
            }
        };
        self.answer(call, result);
    }

    fn answer(&mut self, call: &Message, result: Result) {
        match result {
            Ok(answer) => self.outbox.extend(answer),
            Err(Refusal(error)) => {
                let error = Message::error(&call.header(), error);
                self.outbox.extend(error.and_then_build());
            }
        }
    }

    fn dispatch(
        &mut self,
        call: &Message,
        path: &str,
        client: &str,
        method: (&str, &str),
        now: Instant,
    ) -> Result {
        let header = call.header();
        if method == (OBJECT_MANAGER, "GetManagedObjects") {
            return self.objects(&header);
        }
        let name = path.strip_prefix("/org/bluez/").unwrap_or_default();
        if !self.adapters.contains_key(name) {
            return Err(UNKNOWN_OBJECT);
        }
        match method {
            (PROPERTIES, "GetAll") => {
                let interface: String = argument(call)?;
                let of = self.interfaces(name);
                let properties = of.into_iter().find(|(known, _)| *known == interface);
                let (_, properties) = properties.ok_or(INVALID_ARGUMENTS)?;
                return done(&header, &(properties));
            }
            (PROPERTIES, "Get") => {
                let (interface, property): (String, String) = argument(call)?;
                let of = self.interfaces(name);
                let properties = of.into_iter().find(|(known, _)| *known == interface);
                let (_, mut properties) = properties.ok_or(INVALID_ARGUMENTS)?;
                let value = properties.remove(property.as_str());
                return done(&header, &value.ok_or(INVALID_ARGUMENTS)?);
            }
            (PROPERTIES, "Set") => {
                let (_, property, value): (String, String, OwnedVariant) = argument(call)?;
                self.set(name, &property, &value, now)?;
            }
            (ADAPTER_INTERFACE, "SetDiscoveryFilter") => {
                let filter: HashMap<String, OwnedVariant> = argument(call)?;
                let repeats = filter
                    .get("DuplicateData")
                    .map(|it| Variant::from(it.clone()));
                let repeats = matches!(repeats, Some(Variant::Bool(true)));
                self.on(name, |adapter, _| {
                    adapter.filters.insert(client.to_owned(), repeats);
                });
            }
            (ADAPTER_INTERFACE, "StartDiscovery") => self.start_discovery(name, client, now)?,
            (ADAPTER_INTERFACE, "StopDiscovery") => self.stop_discovery(name, client)?,
            (ADAPTER_INTERFACE, "RemoveDevice") => {
                let path: OwnedObjectPath = argument(call)?;
                let path = path.as_str().to_owned();
                if !self.on(name, |adapter, _| adapter.devices.contains_key(&path)) {
                    return Err(DOES_NOT_EXIST);
                }
                self.forget(&path, name);
            }
            (ADVERTISING, "RegisterAdvertisement") => {
                let (path, _): (OwnedObjectPath, HashMap<String, OwnedVariant>) = argument(call)?;
                self.may_advertise(name, client, path.as_str())?;
                self.asks.push(Ask {
                    client: client.to_owned(),
                    path: path.as_str().to_owned(),
                    interface: PROPERTIES,
                    method: "GetAll",
                    argument: Some(ADVERT),
                    purpose: Purpose::Register {
                        call: call.clone(),
                        adapter: name.to_owned(),
                    },
                });
                return Ok(None);
            }
            (ADVERTISING, "UnregisterAdvertisement") => {
                let path: OwnedObjectPath = argument(call)?;
                let found = self.on(name, |adapter, sent| {
                    adapter.take_off(sent, |it| it.client == client && it.path == path.as_str())
                });
                if !found {
                    return Err(DOES_NOT_EXIST);
                }
                self.tell_instances(name);
            }
            (MONITORING, "RegisterMonitor") if self.options.experimental => {
                let root: OwnedObjectPath = argument(call)?;
                let root = root.as_str().to_owned();
                self.on(name, |adapter, _| {
                    adapter.monitors.push(Monitor {
                        client: client.to_owned(),
                        root: root.clone(),
                        active: BTreeSet::new(),
                    });
                });
                self.asks.push(Ask {
                    client: client.to_owned(),
                    path: root.clone(),
                    interface: OBJECT_MANAGER,
                    method: "GetManagedObjects",
                    argument: None,
                    purpose: Purpose::Monitors {
                        adapter: name.to_owned(),
                        root,
                    },
                });
            }
            (MONITORING, "UnregisterMonitor") if self.options.experimental => {
                let root: OwnedObjectPath = argument(call)?;
                self.on(name, |adapter, _| {
                    let monitors = &mut adapter.monitors;
                    monitors.retain(|it| it.client != client || it.root != root.as_str());
                });
            }
            _ => return Err(UNKNOWN_METHOD),
        }
        done(&header, &())
    }

    fn signal(&mut self, signal: &Message) {
        let header = signal.header();
        let body = signal.body();
        match header.member().map(|member| member.as_str()) {
            Some("NameOwnerChanged") => {
                if let Ok((name, _, new)) = body.deserialize::<(&str, &str, &str)>()
                    && name.starts_with(':')
                    && new.is_empty()
                {
                    self.client_left(name);
                }
            }
            Some("InterfacesAdded") => {
                type Interfaces<'a> = HashMap<&'a str, HashMap<&'a str, Variant<'a>>>;
                let Ok((path, interfaces)) = body.deserialize::<(ObjectPath<'_>, Interfaces<'_>)>()
                else {
                    return;
                };
                let (Some(client), Some(root)) = (header.sender(), header.path()) else {
                    return;
                };
                if interfaces.contains_key(MONITOR) {
                    for adapter in self.names() {
                        self.activate(&adapter, client.as_str(), root.as_str(), path.as_str());
                    }
                }
            }
            Some("InterfacesRemoved") => {
                let Ok((path, _)) = body.deserialize::<(ObjectPath<'_>, Vec<&str>)>() else {
                    return;
                };
                for adapter in self.adapters.values_mut() {
                    for monitor in &mut adapter.monitors {
                        monitor.active.remove(path.as_str());
                    }
                }
            }
            _ => {}
        }
    }

    fn client_left(&mut self, client: &str) {
        for name in self.names() {
            let (was_on_air, discovered) = self.on(&name, |adapter, sent| {
                adapter.monitors.retain(|monitor| monitor.client != client);
                adapter.filters.remove(client);
                (
                    adapter.take_off(sent, |advert| advert.client == client),
                    adapter.sessions.contains(client),
                )
            });
            if was_on_air {
                self.tell_instances(&name);
            }
            if discovered {
                drop(self.stop_discovery(&name, client));
            }
        }
    }

    fn activate(&mut self, adapter: &str, client: &str, root: &str, path: &str) {
        let is_new = self.on(adapter, |adapter, _| {
            let mut monitors = adapter.monitors.iter_mut();
            let monitor = monitors.find(|it| it.client == client && it.root == root);
            monitor.is_some_and(|monitor| monitor.active.insert(path.to_owned()))
        });
        if is_new {
            let call = Message::method_call(path, "Activate")
                .destination(client)
                .interface(MONITOR)
                .with_flags(Flags::NO_REPLY_EXPECTED);
            self.outbox.extend(call.build(&()).ok());
        }
    }

    fn may_advertise(&mut self, name: &str, client: &str, path: &str) -> Result<()> {
        let is_extended = self.options.extended;
        self.on(name, |adapter, _| {
            let mut adverts = adapter.adverts.iter();
            if adverts.any(|it| it.client == client && it.path == path) {
                return Err(ALREADY_EXISTS);
            }
            if adapter.active() >= INSTANCES {
                return Err(NOT_PERMITTED);
            }
            // A legacy controller cannot change its address while it scans.
            if !adapter.powered || (!is_extended && adapter.scan.is_some()) {
                return Err(FAILED);
            }
            Ok(())
        })
    }

    fn register(
        &mut self,
        call: &Message,
        adapter: &str,
        client: &str,
        answer: Option<&Message>,
    ) -> Result {
        let path: (OwnedObjectPath, HashMap<String, OwnedVariant>) = argument(call)?;
        let path = path.0.as_str().to_owned();
        if !self.adapters.contains_key(adapter) {
            return Err(UNKNOWN_OBJECT);
        }
        self.may_advertise(adapter, client, &path)?;
        let body = answer.ok_or(FAILED)?.body();
        let properties: HashMap<&str, Variant<'_>> =
            body.deserialize().map_err(|_| INVALID_ARGUMENTS)?;
        let is_peripheral = match properties.get("Type") {
            Some(Variant::Str(kind)) => kind.as_str() != "broadcast",
            _ => return Err(INVALID_ARGUMENTS),
        };
        let data = properties.get("ServiceData").and_then(service_data);
        let advert = Advert {
            client: client.to_owned(),
            path,
            data: data.unwrap_or_default(),
            is_peripheral,
            sent: None,
        };
        self.put_on_air(adapter, advert);
        done(&call.header(), &())
    }

    fn put_on_air(&mut self, name: &str, advert: Advert) {
        let address = self.fresh_address();
        self.on(name, |adapter, sent| {
            adapter.adverts.push(advert);
            if let Some(advert) = adapter.adverts.len().checked_sub(1) {
                adapter.send(name, advert, address, sent);
            }
        });
        self.tell_instances(name);
    }

    fn set(
        &mut self,
        name: &str,
        property: &str,
        value: &OwnedVariant,
        now: Instant,
    ) -> Result<()> {
        match (property, Variant::from(value.clone())) {
            ("Powered", Variant::Bool(on)) => self.set_powered(name, on),
            ("Discoverable", Variant::Bool(on)) => {
                let timeout = self.on(name, |adapter, _| adapter.discoverable_timeout);
                let shown = match (on, timeout) {
                    (false, _) => Shown::No,
                    (true, 0) => Shown::Yes,
                    (true, seconds) => Shown::For(Duration::from_secs(seconds.into())),
                };
                if !self.show(name, shown, now) {
                    return Err(FAILED);
                }
                Ok(())
            }
            ("DiscoverableTimeout", Variant::U32(seconds)) => {
                self.on(name, |adapter, _| adapter.discoverable_timeout = seconds);
                self.tell_adapter(name, "DiscoverableTimeout");
                Ok(())
            }
            _ => Err(INVALID_ARGUMENTS),
        }
    }

    fn set_powered(&mut self, name: &str, on: bool) -> Result<()> {
        let changed = self.on(name, |adapter, sent| {
            let changed = adapter.powered != on;
            adapter.powered = on;
            if changed && !on {
                // Silently gone, and not restored.
                for advert in &mut adapter.adverts {
                    end(sent, &mut advert.sent);
                }
                adapter.sessions.clear();
                adapter.scan = None;
                adapter.discoverable = false;
                adapter.connectable = false;
            }
            changed
        });
        if changed {
            self.tell_adapter(name, "Powered");
            if !on {
                for property in ["Discovering", "Discoverable"] {
                    self.tell_adapter(name, property);
                }
            }
        }
        Ok(())
    }

    /// Returns whether it could be done.
    fn show(&mut self, name: &str, shown: Shown, now: Instant) -> bool {
        let addresses: Vec<[u8; 6]> = (0..INSTANCES).map(|_| self.fresh_address()).collect();
        let shows = self.on(name, |adapter, sent| {
            if !adapter.powered {
                return false;
            }
            adapter.discoverable = shown != Shown::No;
            adapter.connectable = adapter.discoverable;
            adapter.hidden_at = match shown {
                Shown::For(time) => Some(now + time),
                Shown::No | Shown::Yes => None,
            };
            // What is on the air is written anew, as the adapter is now.
            for (place, address) in (0..adapter.adverts.len()).zip(addresses) {
                if adapter
                    .adverts
                    .get(place)
                    .is_some_and(|it| it.sent.is_some())
                {
                    adapter.send(name, place, address, sent);
                }
            }
            true
        });
        if shows {
            self.tell_adapter(name, "Discoverable");
            if !self.options.old {
                self.tell_adapter(name, "Connectable");
            }
        }
        shows
    }

    fn start_discovery(&mut self, name: &str, client: &str, now: Instant) -> Result<()> {
        self.on(name, |adapter, _| {
            if !adapter.powered {
                return Err(NOT_READY);
            }
            if !adapter.sessions.insert(client.to_owned()) {
                return Err(IN_PROGRESS);
            }
            adapter.scan.get_or_insert_with(|| Scan::start(now));
            Ok(())
        })?;
        for phone in self.phones.values_mut() {
            phone.next = phone.next.max(now);
        }
        self.tell_discovering(name);
        Ok(())
    }

    fn stop_discovery(&mut self, name: &str, client: &str) -> Result<()> {
        let is_over = self.on(name, |adapter, _| {
            if !adapter.sessions.remove(client) {
                return Err(FAILED);
            }
            Ok(adapter.sessions.is_empty())
        })?;
        if is_over {
            self.on(name, |adapter, _| adapter.scan = None);
            let devices = self.on(name, |adapter, _| {
                for device in adapter.devices.values_mut() {
                    device.rssi = None;
                }
                adapter.devices.keys().cloned().collect::<Vec<_>>()
            });
            for path in devices {
                self.changed(&path, DEVICE, Properties::new(), &["RSSI"]);
            }
            self.tell_discovering(name);
        }
        Ok(())
    }

    /// An advert of `phone` arrives at `name`.
    fn hear(&mut self, name: &str, phone: &str, now: Instant) {
        let Some(heard) = self.phones.get(phone) else {
            return;
        };
        let (address, data, rssi) = (heard.address, heard.data.clone(), heard.rssi);
        let path = format!("/org/bluez/{name}/dev_{}", written(address, '_'));
        let report = self.on(name, |adapter, _| {
            // A monitor lifts the duplicate filter, except from somebody else's scan.
            let is_lifted = adapter.monitors.iter().any(|it| !it.active.is_empty())
                && !adapter.sessions.contains(ANOTHER);
            let repeats = adapter.filters.values().any(|repeats| *repeats);
            let is_stalled = adapter.is_stalled;
            let scan = adapter.scan.as_mut().filter(|_| !is_stalled)?;
            let is_first = now < scan.rests_at && scan.reported.insert(phone.to_owned());
            let is_reported = is_first || (is_lifted && repeats);
            if !is_reported {
                return None;
            }
            let device = adapter.devices.get_mut(&path);
            let is_known = device.is_some();
            let before = device.and_then(|device| {
                device.last_heard = now;
                device.rssi.replace(rssi)
            });
            if !is_known {
                let device = Device {
                    phone: address,
                    rssi: Some(rssi),
                    data: data.clone(),
                    last_heard: now,
                };
                adapter.devices.insert(path.clone(), device);
            }
            Some((is_known, before, repeats))
        });
        match report {
            None => {}
            Some((false, _, _)) => self.added(&path),
            Some((true, before, repeats)) => {
                let mut changed = Properties::new();
                if before != Some(rssi) {
                    changed.insert("RSSI", i16::from(rssi).into());
                }
                if repeats {
                    changed.insert("ServiceData", service_data_property(&data));
                }
                if !changed.is_empty() {
                    self.changed(&path, DEVICE, changed, &[]);
                }
            }
        }
    }

    fn forget_devices(&mut self, name: &str, is_over: impl Fn(&Device) -> bool) {
        let over = self.on(name, |adapter, _| {
            let devices = adapter.devices.iter();
            let over = devices.filter(|(_, device)| is_over(device));
            over.map(|(path, _)| path.clone()).collect::<Vec<_>>()
        });
        for path in over {
            self.forget(&path, name);
        }
    }

    fn forget(&mut self, path: &str, adapter: &str) {
        self.on(adapter, |adapter, _| adapter.devices.remove(path));
        self.removed(path, &[DEVICE]);
    }

    fn plug(&mut self, name: &str) {
        let adapter = self.adapters.entry(name.to_owned()).or_default();
        adapter.powered = true;
        adapter.discoverable_timeout = 180;
    }

    fn unplug(&mut self, name: &str) {
        if !self.adapters.contains_key(name) {
            return;
        }
        self.forget_devices(name, |_| true);
        let path = format!("/org/bluez/{name}");
        let interfaces: Vec<&'static str> = self
            .interfaces(name)
            .into_iter()
            .map(|(it, _)| it)
            .collect();
        self.on(name, |adapter, sent| adapter.clear(sent));
        self.adapters.remove(name);
        self.removed(&path, &interfaces);
    }

    fn announce(&mut self, name: &str) {
        self.added(&format!("/org/bluez/{name}"));
    }

    /// Does something with adapter `name` and the log of the air.
    ///
    /// # Panics
    /// When there is no such adapter.
    fn on<T>(&mut self, name: &str, job: impl FnOnce(&mut Adapter, &mut Vec<Sent>) -> T) -> T {
        let adapter = self.adapters.get_mut(name);
        job(adapter.expect("the adapter is plugged in"), &mut self.sent)
    }

    fn names(&self) -> Vec<String> {
        self.adapters.keys().cloned().collect()
    }

    fn fresh_address(&mut self) -> [u8; 6] {
        self.addresses = self.addresses.wrapping_add(1);
        let [_, high, middle, low] = self.addresses.to_be_bytes();
        // Non-resolvable and private: the two highest bits are 0.
        [0x0a, 0x0b, 0x0c, high, middle, low]
    }
}

impl Adapter {
    fn active(&self) -> u8 {
        u8::try_from(self.adverts.len()).unwrap_or(u8::MAX)
    }

    /// Puts the advert at `place` on the air from `address`, or as the adapter is from
    /// its own.
    fn send(&mut self, name: &str, place: usize, address: [u8; 6], sent: &mut Vec<Sent>) {
        let is_exposed = self.discoverable || self.connectable;
        let Some(advert) = self.adverts.get_mut(place) else {
            return;
        };
        end(sent, &mut advert.sent);
        let is_connectable = is_exposed || advert.is_peripheral;
        advert.sent = Some(sent.len());
        sent.push(Sent {
            adapter: name.to_owned(),
            address: if is_connectable {
                public_address(name)
            } else {
                address
            },
            is_public: is_connectable,
            is_connectable,
            data: advert.data.clone(),
            is_on_air: true,
        });
    }

    /// Takes off the air and forgets what `which` picks. Returns whether there was any.
    ///
    /// What is unregistered while the adapter is off, the kernel sends again when it is
    /// switched on, in reality; here it is only forgotten.
    fn take_off(&mut self, sent: &mut [Sent], which: impl Fn(&Advert) -> bool) -> bool {
        let before = self.adverts.len();
        self.adverts.retain_mut(|advert| {
            if which(advert) {
                end(sent, &mut advert.sent);
                return false;
            }
            true
        });
        self.adverts.len() < before
    }

    fn clear(&mut self, sent: &mut [Sent]) {
        self.take_off(sent, |_| true);
    }
}

impl Scan {
    fn start(now: Instant) -> Self {
        Self {
            rests_at: now + DISCOVERY,
            reported: BTreeSet::new(),
        }
    }
}

/// What ends with a message, where building it can fail only for a name that is none.
trait AndThenBuild {
    fn and_then_build(self) -> Option<Message>;
}

impl AndThenBuild for zbus::message::Builder<'_> {
    fn and_then_build(self) -> Option<Message> {
        self.build(&("the fake refuses",)).ok()
    }
}

fn done<B>(header: &Header<'_>, body: &B) -> Result
where
    B: serde::Serialize + zbus::DynamicType,
{
    Message::method_return(header)
        .build(body)
        .map(Some)
        .map_err(|_| FAILED)
}

fn argument<T>(call: &Message) -> Result<T>
where
    T: serde::de::DeserializeOwned + zbus::wire::Type,
{
    call.body().deserialize().map_err(|_| INVALID_ARGUMENTS)
}

/// Ends a stretch of time on the air.
fn end(sent: &mut [Sent], place: &mut Option<usize>) {
    if let Some(sent) = place.take().and_then(|place| sent.get_mut(place)) {
        sent.is_on_air = false;
    }
}

fn object_path(path: &str) -> ObjectPath<'static> {
    ObjectPath::try_from(path.to_owned()).expect("made of names that may be in paths")
}

fn public_address(adapter: &str) -> [u8; 6] {
    let number = adapter.trim_start_matches(|c: char| !c.is_ascii_digit());
    let [high, low] = number.parse::<u16>().unwrap_or_default().to_be_bytes();
    [0x02, 0xfa, 0x4e, 0x00, high, low]
}

/// The data of 0xFD6F in an advert's `ServiceData`.
fn service_data(property: &Variant<'_>) -> Option<Vec<u8>> {
    let Variant::Dict(services) = property else {
        return None;
    };
    let mut services = services.iter();
    let (_, data) = services
        .find(|(uuid, _)| matches!(uuid, Variant::Str(uuid) if uuid.as_str() == SERVICE_UUID))?;
    let data = if let Variant::Variant(inner) = data {
        inner
    } else {
        data
    };
    let Variant::Array(bytes) = data else {
        return None;
    };
    let bytes: std::result::Result<Vec<u8>, _> = bytes.iter().map(u8::try_from).collect();
    bytes.ok()
}
