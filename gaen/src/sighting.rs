//! One advert heard: what the radio hands to the store, and the store to matching.

use crate::key::{Aem, Rpi};
use crate::time::UnixSeconds;

/// One Exposure Notification advert as it was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// When it was heard.
    pub time: UnixSeconds,
    /// The identifier it carried.
    pub rpi: Rpi,
    /// The encrypted metadata it carried.
    pub aem: Aem,
    /// Received signal strength in dBm, as the controller reported it.
    pub rssi: i8,
    /// The scan it was heard in.
    pub scan: Scan,
}

/// The scan in which an advert was heard; durations come from it (docs/protocol.md §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scan {
    /// Which scan cycle it was. Sightings of one key in one cycle form one
    /// ScanInstance. `None` for records of a phone, which have no cycle: there
    /// the 25.5 s rule separates instances.
    pub cycle: Option<u64>,
    /// When the scan before this one took place; `None` when that is unknown.
    pub previous: Option<UnixSeconds>,
}
