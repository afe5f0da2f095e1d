//! What goes into the store and comes out of it.

use std::fmt;

use gaen::diagnosis::DiagnosisKey;
use gaen::key::{Aem, Rpi, Tek};
use gaen::time::{UnixSeconds, UtcDay};
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
    /// Whether the scan before it was longer ago than the timetable has it, or listening
    /// was not possible in between: nobody would have been heard in that time, and the
    /// cycle does not stand for it.
    pub after_gap: bool,
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
    /// Whether it does not stand for the time since the scan before it.
    pub after_gap: bool,
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
    /// Segments that are missing or could not be read, as in [`ReadReport`]; one more
    /// while days may be missing since the database was saved from damage.
    pub damaged_segments: u64,
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
    /// once (docs/protocol.md §3).
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

/// What is known of registering as positive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationRecord {
    /// The registration that is being sent or waits.
    pub pending: Option<Registration>,
    /// How the last one ended.
    pub ended: Option<RegistrationEnd>,
    /// When processing numbers were refused, oldest first.
    pub wrong_tries: Vec<UnixSeconds>,
}

/// A registration as positive, without the processing number, which is never stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Tells the server that two requests are one registration.
    pub id: RegistrationId,
    /// Whether there are symptoms.
    pub has_symptoms: bool,
    /// When they began, else when the test was.
    pub date: UtcDay,
    /// The keys, oldest first.
    pub keys: Vec<DiagnosisKey>,
    /// The version of the agreement it is under.
    pub agreement_version: String,
    /// When it began.
    pub begun: UnixSeconds,
}

impl Registration {
    /// The days it has keys of, each once, oldest first.
    pub fn days(&self) -> Vec<UtcDay> {
        let starts = self.keys.iter().map(|key| key.rolling_start.utc_day());
        let mut days: Vec<_> = starts.collect();
        days.dedup();
        days
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registration(…)")
    }
}

/// The idempotency key of a registration: 128 random bits.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegistrationId(String);

impl RegistrationId {
    /// The id of these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    /// 32 hexadecimal digits, for the server alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RegistrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistrationId(…)")
    }
}

/// How a registration ended.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationEnd {
    /// Why it failed; `None` where it did not.
    pub failure: Option<RegistrationFailure>,
    /// When.
    pub at: UnixSeconds,
    /// Whether there are symptoms.
    pub has_symptoms: bool,
    /// When they began, else when the test was.
    pub date: UtcDay,
    /// The days whose keys were sent; none where it failed.
    pub days: Vec<UtcDay>,
}

impl fmt::Debug for RegistrationEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistrationEnd(…)")
    }
}

/// Why a registration failed; the names on the bus are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistrationFailure {
    /// The processing number is wrong, used or expired.
    NumberRefused,
    /// The server does not accept what was sent.
    Invalid,
    /// The server takes nothing from this device.
    NotAllowed,
    /// The server answered in no known way.
    BadAnswer,
    /// It could not be sent for a day.
    Expired,
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
    /// What there was to compare; `None` where there was no list.
    #[serde(default)]
    pub counts: Option<CheckCounts>,
    /// More about it, for the person who looks after the device.
    pub detail: String,
}

/// How many exports a check had before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCounts {
    /// Those on the server's list.
    pub listed: u32,
    /// Those of them that were verified and compared in this check.
    pub compared: u32,
}

/// How a check ended; the names on the bus are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// The list is not signed as it was before, or an old one, or lacks what was on it.
    ListRefused,
    /// No notification server is configured.
    NotConfigured,
    /// The store could not be read or written.
    StorageFailed,
}

/// What a purge did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeReport {
    /// A time that has certainly passed: what was fourteen days old then is gone.
    pub certain: UnixSeconds,
    /// Whether the clock shows more than is believed yet (see [`super::Store::purge`]).
    pub is_held: bool,
    /// Seconds of listening that were recorded for a time that has not come, by a clock
    /// that was ahead, and were destroyed for that.
    pub misdated_seconds: u64,
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

impl PurgeReport {
    /// A purge that has found nothing to do when `certain` has certainly passed.
    pub(super) fn at(certain: UnixSeconds) -> Self {
        Self {
            certain,
            is_held: false,
            misdated_seconds: 0,
            days_destroyed: 0,
            cycles_trimmed: 0,
            teks_deleted: 0,
            remains: false,
        }
    }
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompactReport {
    /// Segments that were joined.
    pub joined: u64,
    /// Segments they became.
    pub written: u64,
}
