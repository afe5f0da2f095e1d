//! What would give an adapter away, as the kernel says: over its management interface
//! (doc/mgmt-api.txt of BlueZ), which everybody may read.
//!
//! An adapter that takes connections sends every advert connectable and from its
//! public address. bluetoothd before 5.79 does not tell, and such an adapter need
//! not look like one: when the time for which it was discoverable is over (180 s
//! unless set otherwise), the kernel hides it but goes on taking connections. With
//! bluetoothd 5.66 every advert after that was seen to go out connectable and from
//! the public address, until somebody made the adapter discoverable and hidden
//! again by hand.
//!
//! On extended controllers hiding it does not end that. When an adapter begins or
//! ceases to take connections while any advert is registered, the kernel enables
//! advertising set 0, which is nobody's: connectable, from the public address, with
//! the adapter's name for whoever asks. Nothing disables it but switching the adapter
//! off, and nothing tells that it is there. So it is concluded here from what led to
//! it (`Bearing::exposed`). What led to it before this daemon was there it has from the
//! one before (`memory`); and where any advert is on an adapter that it comes upon, nobody
//! can tell what that advert has seen.
//!
//! An adapter with privacy (`Privacy` in bluetoothd's main.conf) sends from addresses
//! of the kernel's own making, which live as long as the kernel thinks fit: on legacy
//! controllers two identifiers were seen under one. And whoever was ever paired can
//! tell whose they are.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use nix::libc;
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::memory::Memory;

/// `BTPROTO_HCI` of the kernel's bluetooth.h.
const PROTOCOL_HCI: i32 = 1;
/// `HCI_DEV_NONE` and `HCI_CHANNEL_CONTROL` of hci_sock.h.
const NO_DEVICE: u16 = 0xFFFF;
const CONTROL_CHANNEL: u16 = 3;

/// Opcodes and events of the management interface.
const READ_CONTROLLER_INFORMATION: u16 = 0x0004;
const COMMAND_COMPLETE: u16 = 0x0001;
const COMMAND_STATUS: u16 = 0x0002;
const INDEX_REMOVED: u16 = 0x0005;
const NEW_SETTINGS: u16 = 0x0006;

const POWERED: u32 = 1 << 0;
const CONNECTABLE: u32 = 1 << 1;
const PRIVACY: u32 = 1 << 13;

/// How long bluetoothd may take to tell of an advert that the kernel has already.
const ADVERT_TOLD_WITHIN: Duration = Duration::from_secs(2);

/// Longer than any packet that is read here.
const PACKET_LEN_MAX: usize = 1024;
/// How many packets may lie between a question and its answer, which the kernel
/// queues before it returns from the question.
const PACKETS_BEFORE_ANSWER_MAX: usize = 256;

/// What the kernel has said, kept up to date for as long as [`Kernel::changed`] is
/// asked.
pub(super) struct Kernel {
    socket: AsyncFd<Socket>,
    known: Known,
}

/// What is known of all controllers.
struct Known {
    controllers: BTreeMap<u16, Controller>,
    memory: Memory,
}

/// What the kernel says of an adapter, as far as it can give it away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bearing {
    /// It takes connections.
    pub(super) connectable: bool,
    /// It sends from resolvable addresses that the kernel chooses.
    pub(super) resolvable: bool,
    /// Since it was switched on, the kernel has begun to send an advert of its own
    /// from the public address, and sends it until the adapter is switched off. So it
    /// is called until the adapter is on again.
    pub(super) exposed: bool,
}

/// What is known of a controller, from its first mention to its going.
///
/// It outlives bluetoothd: a restart of it need not end what the kernel sends.
#[derive(Debug)]
struct Controller {
    settings: Settings,
    /// Whether any program has had an advert on it since it was switched on, where it
    /// does extended advertising.
    advertised: bool,
    /// When it last began or ceased to take connections.
    turned: Option<Instant>,
    exposed: bool,
}

/// The settings that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settings {
    powered: bool,
    connectable: bool,
    privacy: bool,
}

impl Kernel {
    /// Opens the way to the kernel. What has to outlive the daemon is kept in `memory`.
    pub(super) fn open(memory: Memory) -> io::Result<Self> {
        let socket = open()?;
        // SAFETY: a `Socket` owns its descriptor and names the same one for as long
        // as it lives.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
        Ok(Self {
            socket,
            known: Known::new(memory),
        })
    }

    /// What it says of `adapter` (such as `hci0`); `None` when it does not.
    ///
    /// `advertises` is whether bluetoothd counts an advert on an extended controller.
    pub(super) fn bearing(&mut self, adapter: &str, advertises: bool) -> Option<Bearing> {
        let index = index(adapter)?;
        self.known.bearing(index, advertises, || {
            ask(index)
                .inspect_err(|error| tracing::debug!(%error, "the kernel does not tell"))
                .ok()
        })
    }

    /// Resolves when something may have changed. Cancel-safe.
    pub(super) async fn changed(&mut self) -> io::Result<()> {
        let mut packet = [0; PACKET_LEN_MAX];
        loop {
            let mut ready = self.socket.readable().await?;
            let Ok(read) = ready.try_io(|socket| socket.get_ref().read(&mut packet)) else {
                continue;
            };
            let packet = packet.get(..read?).and_then(Packet::parse);
            if packet.is_some_and(|packet| self.known.heed(packet, Instant::now())) {
                return Ok(());
            }
        }
    }
}

impl Known {
    const fn new(memory: Memory) -> Self {
        Self {
            controllers: BTreeMap::new(),
            memory,
        }
    }

    /// What is known of controller `index`, whose settings `ask` finds out where they are
    /// not.
    fn bearing(
        &mut self,
        index: u16,
        advertises: bool,
        ask: impl FnOnce() -> Option<Settings>,
    ) -> Option<Bearing> {
        let controller = match self.controllers.entry(index) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let remembered = self.memory.is_exposed(index);
                unknown.insert(Controller::found(ask()?, advertises, remembered))
            }
        };
        if advertises {
            controller.advertises(Instant::now());
        }
        self.memory.note(index, controller.exposed);
        Some(controller.bearing())
    }

    /// Takes in what the kernel says; whether something may have changed by it. What has to
    /// outlive the daemon is kept at once: nobody may come to ask.
    fn heed(&mut self, packet: Packet, now: Instant) -> bool {
        match packet {
            Packet::Settings { index, settings } => {
                let Some(controller) = self.controllers.get_mut(&index) else {
                    // One that is on already is asked about when it is needed, together
                    // with what is on it then.
                    if !settings.powered {
                        self.controllers.insert(index, Controller::new(settings));
                    }
                    return true;
                };
                let before = controller.bearing();
                controller.become_as(settings, now);
                self.memory.note(index, controller.exposed);
                controller.bearing() != before
            }
            Packet::Removed { index } => {
                self.controllers.remove(&index);
                self.memory.note(index, false);
                false
            }
            Packet::Failed { .. } => false,
        }
    }
}

impl Controller {
    const fn new(settings: Settings) -> Self {
        Self {
            settings,
            advertised: false,
            turned: None,
            exposed: false,
        }
    }

    /// As it is come upon. What it has been through was seen by nobody but the daemon
    /// before this one.
    const fn found(settings: Settings, advertises: bool, remembered: bool) -> Self {
        Self {
            exposed: settings.powered && (advertises || remembered),
            ..Self::new(settings)
        }
    }

    /// An advert is on it.
    fn advertises(&mut self, now: Instant) {
        if !self.settings.powered || self.advertised {
            return;
        }
        self.advertised = true;
        self.exposed |= self
            .turned
            .is_some_and(|turned| now.duration_since(turned) < ADVERT_TOLD_WITHIN);
    }

    /// Its settings are these from now on.
    fn become_as(&mut self, settings: Settings, now: Instant) {
        let before = std::mem::replace(&mut self.settings, settings);
        // Not when it goes off: bluetoothd, which tells later, would still call it on.
        if settings.powered && !before.powered {
            *self = Self::new(settings);
        } else if settings.powered && settings.connectable != before.connectable {
            self.turned = Some(now);
            self.exposed |= self.advertised;
        }
    }

    const fn bearing(&self) -> Bearing {
        Bearing {
            connectable: self.settings.connectable,
            resolvable: self.settings.privacy,
            exposed: self.exposed,
        }
    }
}

impl Settings {
    const fn of(bits: u32) -> Self {
        Self {
            powered: bits & POWERED != 0,
            connectable: bits & CONNECTABLE != 0,
            privacy: bits & PRIVACY != 0,
        }
    }
}

/// Asks about `adapter` now. What led up to it is not in the answer.
pub(super) fn bearing(adapter: &str) -> Option<Bearing> {
    let settings = index(adapter).and_then(|index| ask(index).ok())?;
    Some(Controller::new(settings).bearing())
}

fn ask(index: u16) -> io::Result<Settings> {
    let mut socket = open()?;
    let mut question = Vec::with_capacity(6);
    for word in [READ_CONTROLLER_INFORMATION, index, 0] {
        question.extend(word.to_le_bytes());
    }
    socket.write_all(&question)?;
    let mut packet = [0; PACKET_LEN_MAX];
    for _ in 0..PACKETS_BEFORE_ANSWER_MAX {
        let len = socket.read(&mut packet)?;
        match packet.get(..len).and_then(Packet::parse) {
            Some(Packet::Settings {
                index: answered,
                settings,
            }) if answered == index => return Ok(settings),
            Some(Packet::Failed { index: answered }) if answered == index => break,
            Some(_) | None => {}
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

fn open() -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::from(libc::AF_BLUETOOTH),
        Type::RAW,
        Some(Protocol::from(PROTOCOL_HCI)),
    )?;
    socket.set_nonblocking(true)?;
    socket.bind(&control_address()?)?;
    Ok(socket)
}

/// A `struct sockaddr_hci`: family, device, channel.
fn control_address() -> io::Result<SockAddr> {
    #[repr(C)]
    struct HciAddress {
        family: libc::sa_family_t,
        device: u16,
        channel: u16,
    }
    let family = libc::sa_family_t::try_from(libc::AF_BLUETOOTH).map_err(io::Error::other)?;
    let len = libc::socklen_t::try_from(size_of::<HciAddress>()).map_err(io::Error::other)?;
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `HciAddress` is a form of socket address, all of whose bit patterns are
    // valid, and `sockaddr_storage` has room and alignment for every such form.
    let address = unsafe { storage.view_as::<HciAddress>() };
    *address = HciAddress {
        family,
        device: NO_DEVICE,
        channel: CONTROL_CHANNEL,
    };
    // SAFETY: the storage holds a valid address of that length, written above.
    Ok(unsafe { SockAddr::new(storage, len) })
}

/// The n of hciN.
fn index(adapter: &str) -> Option<u16> {
    adapter.strip_prefix("hci")?.parse().ok()
}

/// A packet from the kernel.
#[derive(Debug, PartialEq, Eq)]
enum Packet {
    /// A controller's settings as they are.
    Settings { index: u16, settings: Settings },
    /// The question about a controller was refused.
    Failed { index: u16 },
    /// A controller is gone.
    Removed { index: u16 },
}

impl Packet {
    /// Takes a packet apart; `None` for what is of no interest here.
    fn parse(packet: &[u8]) -> Option<Self> {
        let (code, rest) = word(packet)?;
        let (index, rest) = word(rest)?;
        let (_len, parameters) = word(rest)?;
        match code {
            NEW_SETTINGS => Some(Self::Settings {
                index,
                settings: settings(parameters)?,
            }),
            INDEX_REMOVED => Some(Self::Removed { index }),
            COMMAND_COMPLETE | COMMAND_STATUS => {
                let (opcode, rest) = word(parameters)?;
                let (status, information) = rest.split_first()?;
                if opcode != READ_CONTROLLER_INFORMATION {
                    return None;
                }
                if code == COMMAND_STATUS || *status != 0 {
                    return Some(Self::Failed { index });
                }
                // Address, version, manufacturer, supported settings; then these.
                Some(Self::Settings {
                    index,
                    settings: settings(information.get(13..)?)?,
                })
            }
            _ => None,
        }
    }
}

fn word(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (word, rest) = bytes.split_first_chunk()?;
    Some((u16::from_le_bytes(*word), rest))
}

fn settings(bytes: &[u8]) -> Option<Settings> {
    let bits = bytes.first_chunk().copied().map(u32::from_le_bytes)?;
    Some(Settings::of(bits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What kernel 6.1 answers, with the address blanked.
    fn information(settings: u32) -> Vec<u8> {
        let mut packet = vec![1, 0, 2, 0, 0x1B, 1, 4, 0, 0];
        packet.extend([0; 6]);
        packet.extend([9, 0xFF, 0xFF]);
        packet.extend([0xFF, 0xFF, 0, 0]);
        packet.extend(settings.to_le_bytes());
        packet.extend([0; 263]);
        packet
    }

    #[test]
    fn answers_and_events_tell_the_settings() {
        let settings = Settings::of(0x0201);
        let expected = Some(Packet::Settings { index: 2, settings });
        assert_eq!(Packet::parse(&information(0x0201)), expected);
        let event = [6, 0, 2, 0, 4, 0, 1, 2, 0, 0];
        assert_eq!(Packet::parse(&event), expected);
        assert_eq!(
            Packet::parse(&[5, 0, 2, 0, 0, 0]),
            Some(Packet::Removed { index: 2 })
        );
        let invalid_index = [2, 0, 2, 0, 3, 0, 4, 0, 0x11];
        assert_eq!(
            Packet::parse(&invalid_index),
            Some(Packet::Failed { index: 2 })
        );
        // The answer to somebody else's question.
        assert_eq!(Packet::parse(&[1, 0, 2, 0, 3, 0, 5, 0, 0]), None);
    }

    /// What a controller is told of, and whether it then sends by itself.
    #[test]
    fn an_adapter_that_turned_connectable_beside_an_advert_is_exposed_until_it_is_off() {
        const ON: u32 = POWERED;
        const OPEN: u32 = POWERED | CONNECTABLE;
        enum Told {
            Settings(u32),
            Advert,
            Seconds(u64),
        }
        use Told::{Advert, Seconds, Settings as Are};
        for (told, exposed) in [
            (&[Are(ON), Advert][..], false),
            (&[Are(ON), Advert, Are(OPEN)], true),
            (&[Are(ON), Advert, Are(OPEN), Are(ON)], true),
            (&[Are(ON), Advert, Are(OPEN), Are(ON), Are(0)], true),
            (
                &[Are(ON), Advert, Are(OPEN), Are(ON), Are(0), Are(ON)],
                false,
            ),
            (
                &[Are(ON), Advert, Are(OPEN), Are(0), Are(ON), Advert],
                false,
            ),
            (
                &[Are(ON), Advert, Are(OPEN), Are(0), Are(ON), Are(OPEN)],
                false,
            ),
            // Nobody advertised while it turned, and long after.
            (&[Are(ON), Are(OPEN), Are(ON), Seconds(3), Advert], false),
            // bluetoothd was slow to tell of the advert.
            (&[Are(ON), Are(OPEN), Are(ON), Seconds(1), Advert], true),
            // It was connectable before anybody looked.
            (&[Are(OPEN), Advert], false),
            (&[Are(OPEN), Advert, Are(ON)], true),
        ] {
            let mut now = Instant::now();
            let mut controller: Option<Controller> = None;
            for event in told {
                match (event, &mut controller) {
                    (Are(bits), None) => controller = Some(Controller::new(Settings::of(*bits))),
                    (Are(bits), Some(known)) => known.become_as(Settings::of(*bits), now),
                    (Advert, Some(known)) => known.advertises(now),
                    (Advert, None) => {}
                    (Seconds(seconds), _) => now += Duration::from_secs(*seconds),
                }
            }
            assert_eq!(controller.is_some_and(|it| it.bearing().exposed), exposed);
        }
    }

    #[test]
    fn what_an_adapter_that_is_come_upon_has_been_through_is_remembered_or_feared() {
        let (on, off) = (Settings::of(POWERED), Settings::of(0));
        for (settings, advertises, remembered, exposed) in [
            (on, false, false, false),
            (on, true, false, true),
            (on, false, true, true),
            (off, false, true, false),
            (off, true, false, false),
        ] {
            let mut controller = Controller::found(settings, advertises, remembered);
            assert_eq!(controller.exposed, exposed);
            controller.become_as(off, Instant::now());
            controller.become_as(on, Instant::now());
            assert!(!controller.exposed, "it was off");
        }
    }

    #[test]
    fn what_is_seen_is_known_to_the_next_daemon_whether_anybody_asks_or_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let daemon = || Known::new(Memory::open(Some(dir.path())));
        let said = |known: &mut Known, bits| {
            let settings = Settings::of(bits);
            known.heed(Packet::Settings { index: 0, settings }, Instant::now());
        };
        let ask = |known: &mut Known, advertises| {
            let bearing = known.bearing(0, advertises, || Some(Settings::of(POWERED)));
            bearing.expect("it is known").exposed
        };
        let mut first = daemon();
        said(&mut first, 0);
        said(&mut first, POWERED);
        assert!(!ask(&mut first, true));
        said(&mut first, POWERED | CONNECTABLE);
        let mut second = daemon();
        assert!(ask(&mut second, false), "nobody has asked the first");
        said(&mut second, 0);
        said(&mut second, POWERED);
        assert!(!ask(&mut daemon(), false), "it was off");

        assert!(ask(&mut daemon(), true), "an advert was there before");
        let mut fourth = daemon();
        assert!(ask(&mut fourth, false));
        fourth.heed(Packet::Removed { index: 0 }, Instant::now());
        assert!(!ask(&mut daemon(), false), "it was pulled out");
    }

    #[test]
    fn adapters_have_numbers() {
        for (name, number) in [
            ("hci0", Some(0)),
            ("hci12", Some(12)),
            ("hci", None),
            ("hci70000", None),
            ("sim0", None),
        ] {
            assert_eq!(index(name), number, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_packet_is_taken_apart_or_left(packet: Vec<u8>) {
            let _ = Packet::parse(&packet);
        }
    }
}
