//! What goes into the store and comes out of it.

use gaen::diagnosis::DiagnosisKey;
use gaen::key::{Aem, Rpi, Tek};
use gaen::time::UnixSeconds;
use gaen::window::ExposureWindow;
use serde::{Deserialize, Serialize};

/// Agreement to the terms and the privacy policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The version agreed to.
    pub version: String,
    /// When it was agreed to.
    pub agreed_at: UnixSeconds,
}

/// One scan and what it heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanCycle {
    /// When listening began. The cycle and all its sightings belong to the UTC
    /// day of this instant, also when it ends after midnight.
    pub started: UnixSeconds,
    /// When listening ended.
    pub ended: UnixSeconds,
    /// When the scan before this one took place; `None` when that is unknown.
    pub previous: Option<UnixSeconds>,
    /// Whether it ended before its time, so that it stands for no more than
    /// itself.
    pub cut_short: bool,
    /// What was heard.
    pub sightings: Vec<CycleSighting>,
}

/// One advert heard in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleSighting {
    /// When it was heard.
    pub time: UnixSeconds,
    /// The identifier it carried.
    pub rpi: Rpi,
    /// The encrypted metadata it carried.
    pub aem: Aem,
    /// Received signal strength in dBm, as the controller reported it.
    pub rssi: i8,
}

/// A stored cycle without its sightings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleHeader {
    /// The cycle's id, unique in the store. Ids grow with the UTC day, and within
    /// a day in the order of appending.
    pub id: u64,
    /// When listening began.
    pub started: UnixSeconds,
    /// When listening ended.
    pub ended: UnixSeconds,
    /// When the scan before it took place; `None` when that is unknown.
    pub previous: Option<UnixSeconds>,
    /// Whether it ended before its time.
    pub cut_short: bool,
}

/// How a reading of sightings went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Segments that were read.
    pub segments: u64,
    /// Segments that are missing or could not be read. Where a whole database
    /// page is lost, this is a lower bound.
    pub damaged_segments: u64,
    /// Sightings that were handed over.
    pub sightings: u64,
}

/// For how long was listened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Seconds of the period that scan cycles stand for.
    pub recorded_seconds: u64,
    /// Segments that are missing or could not be read, as in [`ReadReport`].
    pub damaged_segments: u64,
}

/// An export that was dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRecord {
    /// Where it came from; a later record with the same one replaces it.
    pub url: String,
    /// The server's creation time of it, in its own unit.
    pub created: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// What came of it.
    pub outcome: ExportOutcome,
    /// When it was dealt with.
    pub processed_at: UnixSeconds,
}

/// What came of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportOutcome {
    /// It was verified, and its keys were matched.
    Accepted {
        /// How many keys it held.
        keys: u32,
        /// Which batch of which export it is.
        batch: ExportBatch,
        /// Until this instant sightings of its keys may still arrive. One dealt
        /// with earlier is to be matched again.
        open_until: UnixSeconds,
    },
    /// It was refused.
    Refused {
        /// Why.
        reason: String,
    },
}

/// Which batch of which export a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExportBatch {
    /// Start of the time its keys were registered in, in seconds since the epoch.
    pub start: u64,
    /// End of that time.
    pub end: u64,
    /// Which batch it is, from 1.
    pub number: u32,
    /// How many batches there are.
    pub of: u32,
}

/// A diagnosis key that was met, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredExposure {
    /// The key. Its TEK is what tells exposures apart.
    pub key: DiagnosisKey,
    /// The exposure windows, at least one. Each is kept until fourteen days after
    /// its UTC day ended.
    pub windows: Vec<ExposureWindow>,
    /// Whether its report type has changed since it was first met; it may only
    /// once (protocol §3).
    #[serde(default)]
    pub changed: bool,
}

/// What an export changes about the exposures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExposureChanges {
    /// Exposures that are new, or take the place of those with the same TEK.
    pub put: Vec<StoredExposure>,
    /// Keys whose exposures are taken away.
    pub remove: Vec<Tek>,
}

/// All exposures that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposures {
    /// The exposures, in no particular order.
    pub found: Vec<StoredExposure>,
    /// Days whose exposures were lost to damage. Unless it is zero, "none" is
    /// not known.
    pub damaged_days: u64,
}

/// One check against the notification server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// When it began.
    pub started: UnixSeconds,
    /// When it ended.
    pub ended: UnixSeconds,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// More about it, for the person who looks after the device.
    pub detail: String,
}

/// How a check ended; the names on the bus are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckOutcome {
    /// Every export was fetched, verified and matched.
    Complete,
    /// The notification server could not be reached.
    Unreachable,
    /// The server answered, but not as the protocol says.
    BadAnswer,
    /// At least one export was refused.
    ExportRefused,
    /// No notification server is configured.
    NotConfigured,
    /// The store could not be read or written.
    StorageFailed,
}

/// What a purge did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PurgeReport {
    /// The clock has leapt forward; nothing was purged, and nothing will be
    /// before this instant on that clock (see [`super::Store::purge`]).
    pub held_until: Option<UnixSeconds>,
    /// Days whose keys were destroyed.
    pub days_destroyed: u64,
    /// Cycles that were cut from a day of which a part is fourteen days old.
    pub cycles_trimmed: u64,
    /// Own TEKs that were deleted.
    pub teks_deleted: u64,
    /// Whether deleted rows or the write-ahead log are still on the disk, all of
    /// them sealed with keys that are destroyed; the next purge tries again.
    pub remains: bool,
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactReport {
    /// Segments that were joined.
    pub joined: u64,
    /// Segments they became.
    pub written: u64,
}
