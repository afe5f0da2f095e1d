//! What the core is configured with, and what it begins with.

use std::ops::RangeInclusive;
use std::time::Duration;

use gaen::key::AEM_LEN;
use gaen::time::UnixSeconds;

use crate::records::RegistrationRecord;
use crate::status::ConsentState;

/// How and how long to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScanPlan {
    /// Listen for `listen`, then rest until `every` (chosen anew each time between
    /// its ends) after the start.
    Windows {
        /// Length of a window. It must be long enough to hear all three
        /// advertising channels (docs/protocol.md §2).
        listen: Duration,
        /// Shortest and longest time from one start to the next.
        every: (Duration, Duration),
    },
    /// Listen all the time, in cycles of `cycle`.
    Continuous {
        /// Length of a cycle.
        cycle: Duration,
    },
}

/// What the core is configured with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How to listen, on a radio that can choose.
    pub scan: ScanPlan,
    /// How to cut what a radio hears that cannot choose (a log).
    pub log_cycle: Duration,
    /// Shortest and longest life of an identifier on the air (docs/protocol.md §2).
    pub rotation: RangeInclusive<Duration>,
    /// Whether there is a notification server to check with by itself.
    pub has_server: bool,
    /// Whether there is a server to register as positive with.
    pub can_register: bool,
    /// How often dummies are sent to it, on average; `None` for never.
    pub chaff_every: Option<Duration>,
    /// The metadata to broadcast, before encryption.
    pub metadata: [u8; AEM_LEN],
    /// Whether to wake a sleeping machine to listen.
    pub listen_asleep: bool,
}

/// What the store knew when the daemon started.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Whether the terms in force are agreed to.
    pub consent: ConsentState,
    /// When the last scan cycle started.
    pub last_cycle: Option<UnixSeconds>,
    /// What is known of registering as positive.
    pub registration: RegistrationRecord,
}
