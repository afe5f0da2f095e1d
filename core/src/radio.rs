//! The radio, as the core sees it: what is asked of it, and what it reports.
//!
//! A radio carries out one command at a time. The core sends the next after the
//! [`RadioEvent::Done`] that answers the last.

use std::fmt;

use gaen::key::{Aem, Rpi};

/// What the core asks of a radio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Broadcast this identifier from a fresh random address, after whatever was
    /// broadcast before is off the air (docs/protocol.md §2: an RPI and an address live
    /// and die together).
    StartBroadcast(Broadcast),
    /// Stop broadcasting.
    StopBroadcast,
    /// Start listening.
    StartScan,
    /// Stop listening.
    StopScan,
}

/// The changing part of what is broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broadcast {
    /// The identifier.
    pub rpi: Rpi,
    /// The metadata encrypted for it.
    pub aem: Aem,
}

/// What a radio reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RadioEvent {
    /// The answer to the outstanding command.
    Done(Result<(), RadioError>),
    /// The adapter's state, first of all at the start and then at every change.
    ///
    /// A state that does not allow broadcasting ([`RadioState::broadcasts`])
    /// means that the broadcast has ended, one that does not allow listening
    /// ([`RadioState::listens`]) that the scan has: the radio has seen to that
    /// itself and reports no loss besides. One exception is beyond its reach:
    /// after bluetoothd was killed, the kernel sends the last advert on until
    /// bluetoothd is back.
    State(RadioState),
    /// The broadcast ended without being asked to, in a state that allows it
    /// (the adapter was switched off and on, another program took the
    /// advertising instance, …). The old identifier must not be broadcast again.
    BroadcastLost,
    /// The scan ended without being asked to, in a state that allows it.
    ScanLost,
    /// An Exposure Notification advert was heard.
    Heard(Heard),
    /// This many adverts were heard but dropped because the daemon was too slow.
    Dropped(u64),
    /// A simulated radio reached the time it was told to stop at.
    TimePassed,
    /// A simulated radio has nothing more to play.
    Ended,
}

/// An Exposure Notification advert as it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its identifier.
    pub rpi: Rpi,
    /// Its metadata.
    pub aem: Aem,
    /// Received signal strength in dBm.
    pub rssi: i8,
}

/// What the adapter can do at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RadioState {
    /// There is no adapter, or bluetoothd is not running.
    Absent,
    /// The adapter of this name, and every other there is, has no Bluetooth Low Energy.
    Incapable(String),
    /// The adapter of this name is switched off.
    Off(String),
    /// The adapter is blocked by rfkill: a kill switch or airplane mode.
    Blocked,
    /// Broadcasting now would give the device away, so it is refused. Listening works: it
    /// gives nothing away, and somebody who is discoverable for an hour still wants to be
    /// warned.
    PrivacyAtRisk(PrivacyRisk, Capabilities),
    /// Broadcasting and listening work.
    Ready(Capabilities),
}

impl RadioState {
    /// Whether broadcasting is possible in this state.
    pub const fn broadcasts(&self) -> bool {
        matches!(self, Self::Ready(_))
    }

    /// Whether listening is possible in this state.
    pub const fn listens(&self) -> bool {
        self.capabilities().is_some()
    }

    /// The same state while another program discovers.
    pub fn sharing_discovery(mut self) -> Self {
        if let Self::PrivacyAtRisk(_, capabilities) | Self::Ready(capabilities) = &mut self
            && matches!(
                capabilities.scan_method,
                ScanMethod::MonitorAndDiscovery | ScanMethod::Discovery
            )
        {
            capabilities.scan_method = ScanMethod::SharedDiscovery;
        }
        self
    }

    /// The adapter's name, where it is known which one it is.
    pub fn adapter(&self) -> Option<&str> {
        match self {
            Self::Absent | Self::Blocked => None,
            Self::Off(adapter) | Self::Incapable(adapter) => Some(adapter),
            Self::PrivacyAtRisk(_, it) | Self::Ready(it) => Some(&it.adapter),
        }
    }

    /// What the adapter can do, when it can do anything.
    pub const fn capabilities(&self) -> Option<&Capabilities> {
        match self {
            Self::Absent | Self::Incapable(_) | Self::Off(_) | Self::Blocked => None,
            Self::PrivacyAtRisk(_, capabilities) | Self::Ready(capabilities) => Some(capabilities),
        }
    }
}

/// Why broadcasting would give the device away (docs/bluez.md, trap 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivacyRisk {
    /// The adapter is discoverable.
    Discoverable,
    /// The adapter accepts connections to its identity address.
    Connectable,
    /// The adapter was discoverable or connectable beside an advert, or nobody can tell
    /// that it was not, and the kernel goes on sending the identity address until it is
    /// switched off.
    Exposed,
    /// The adapter sends from addresses that the kernel keeps for as long as it thinks
    /// fit, and that paired devices recognise (`Privacy` in bluetoothd's main.conf).
    Resolvable,
}

/// What a ready radio is and can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The adapter's name, such as `hci0`; never its address.
    pub adapter: String,
    /// How it listens.
    pub scan_method: ScanMethod,
    /// Whether a new identifier can be put on the air while a scan runs. Legacy
    /// controllers refuse (docs/bluez.md, trap 4).
    pub rotates_while_scanning: bool,
    /// Whether everything is heard all the time, so that the core cuts cycles
    /// instead of opening windows.
    pub always_listening: bool,
}

/// How a radio listens, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanMethod {
    /// An advertisement monitor with discovery: every advert arrives.
    MonitorAndDiscovery,
    /// Discovery alone: a sample per device for each start of the scan.
    Discovery,
    /// Discovery alone while another program discovers as well: the scan is not ours
    /// to start, and does so by itself about every ten seconds, with the duplicate
    /// filter that a monitor would have lifted.
    SharedDiscovery,
    /// A recorded log.
    Log,
    /// A simulated room.
    Room,
}

impl fmt::Display for ScanMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MonitorAndDiscovery => "monitor+discovery",
            Self::Discovery => "discovery",
            Self::SharedDiscovery => "shared-discovery",
            Self::Log => "log",
            Self::Room => "room",
        })
    }
}

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RadioError {
    /// The adapter's state does not allow it.
    #[error("the adapter is not ready")]
    NotReady,
    /// Broadcasting would give the device away.
    #[error("broadcasting would go out from the adapter's own address")]
    PrivacyAtRisk,
    /// The answer did not come in time.
    #[error("no answer in time")]
    Timeout,
    /// All advertising instances are taken by other programs; on a legacy
    /// controller, which has only one, by any other program.
    #[error("no free advertising instance")]
    NoInstance,
    /// Another program searches for devices without a pause, and a legacy controller takes
    /// no new address meanwhile.
    #[error("another program searches for devices without a pause")]
    Searching,
    /// The system below refused, with its D-Bus error name.
    #[error("refused: {0}")]
    Refused(String),
}
