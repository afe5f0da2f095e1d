//! What the store tells of its own work.

use gaen::time::UnixSeconds;

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
