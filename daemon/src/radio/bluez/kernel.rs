//! Whether an adapter takes connections, as the kernel says: over its management
//! interface (doc/mgmt-api.txt of BlueZ), which everybody may read.
//!
//! An adapter that takes connections sends every advert connectable and from its
//! public address. bluetoothd before 5.79 does not tell, and such an adapter need
//! not look like one: when the time for which it was discoverable is over (180 s
//! unless set otherwise), the kernel hides it but goes on taking connections. With
//! bluetoothd 5.66 every advert after that was seen to go out connectable and from
//! the public address, until somebody made the adapter discoverable and hidden
//! again by hand.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use nix::libc;
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

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

const CONNECTABLE: u32 = 1 << 1;

/// Longer than any packet that is read here.
const PACKET_LEN_MAX: usize = 1024;
/// How many packets may lie between a question and its answer, which the kernel
/// queues before it returns from the question.
const PACKETS_BEFORE_ANSWER_MAX: usize = 256;

/// What the kernel has said, kept up to date for as long as [`Kernel::changed`] is
/// asked.
pub(super) struct Kernel {
    socket: AsyncFd<Socket>,
    connectable: BTreeMap<u16, bool>,
}

impl Kernel {
    /// Opens the way to the kernel.
    pub(super) fn open() -> io::Result<Self> {
        let socket = open()?;
        // SAFETY: a `Socket` owns its descriptor and names the same one for as long
        // as it lives.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
        Ok(Self {
            socket,
            connectable: BTreeMap::new(),
        })
    }

    /// Whether `adapter` (such as `hci0`) takes connections; `None` when the
    /// kernel does not say.
    pub(super) fn connectable(&mut self, adapter: &str) -> Option<bool> {
        let index = index(adapter)?;
        if let Some(known) = self.connectable.get(&index) {
            return Some(*known);
        }
        let answer = ask(index)
            .inspect_err(|error| tracing::debug!(%error, "the kernel does not tell"))
            .ok()?;
        self.connectable.insert(index, answer);
        Some(answer)
    }

    /// Resolves when something may have changed. Cancel-safe.
    pub(super) async fn changed(&mut self) -> io::Result<()> {
        let mut packet = [0; PACKET_LEN_MAX];
        loop {
            let mut ready = self.socket.readable().await?;
            let Ok(read) = ready.try_io(|socket| socket.get_ref().read(&mut packet)) else {
                continue;
            };
            match packet.get(..read?).and_then(Packet::parse) {
                Some(Packet::Settings { index, settings }) => {
                    let connectable = settings & CONNECTABLE != 0;
                    if self.connectable.insert(index, connectable) != Some(connectable) {
                        return Ok(());
                    }
                }
                Some(Packet::Removed { index }) => {
                    self.connectable.remove(&index);
                }
                Some(Packet::Failed { .. }) | None => {}
            }
        }
    }
}

/// Asks whether `adapter` takes connections, now.
pub(super) fn connectable(adapter: &str) -> Option<bool> {
    index(adapter).and_then(|index| ask(index).ok())
}

fn ask(index: u16) -> io::Result<bool> {
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
            }) if answered == index => return Ok(settings & CONNECTABLE != 0),
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
    Settings { index: u16, settings: u32 },
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

fn settings(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().copied().map(u32::from_le_bytes)
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
        let settings = 0x0201;
        let expected = Some(Packet::Settings { index: 2, settings });
        assert_eq!(Packet::parse(&information(settings)), expected);
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
