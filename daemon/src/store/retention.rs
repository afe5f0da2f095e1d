//! Letting go: what is fourteen days old, and everything at an erasure.
//!
//! In both, keys are destroyed first and in a transaction of their own. What is
//! interrupted after that leaves rows nobody can open, and is finished later.

use gaen::time::{DAY_SECONDS, UnixSeconds, UtcDay};
use rusqlite::{Connection, TransactionBehavior};
use serde::{Deserialize, Serialize};

use super::day_key::Purpose;
use super::encounters;
use super::seal::Keys;
use super::segment::SegmentId;
use super::types::PurgeReport;
use super::{StoreError, rows};

/// What is older is gone (requirements R2, R4).
const KEEP_SECONDS: u32 = 14 * DAY_SECONDS;

/// Before this instant (2020-01-01) the program did not exist: a clock that shows
/// an earlier time is not set.
const CLOCK_SET: UnixSeconds = UnixSeconds::new(1_577_836_800);
/// A day that grows old is rewritten for at least this much of it.
const TRIM_SECONDS: i64 = 3600;
/// A clock further ahead of the last purge than this has leapt, or the device
/// was off.
const LEAP_SECONDS: i64 = 86_400;
/// A leap is believed when the clock still shows it this much later.
const HOLD_SECONDS: i32 = 1800;
/// The name of the value that remembers the clock.
const CLOCK: &str = "store.clock";

/// Whether a leap of the clock is believed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The time is known to be right.
    Confirmed,
    /// The clock may have leapt.
    Unconfirmed,
}

/// What is remembered of the clock from purge to purge.
#[derive(Serialize, Deserialize)]
struct ClockMemory {
    /// The time of the last purge that was carried out.
    purged: UnixSeconds,
    /// The time of the first purge that was held since then.
    leapt: Option<UnixSeconds>,
}

/// Destroys what is fourteen days old at `now`.
pub(super) fn purge(
    conn: &mut Connection,
    keys: &Keys,
    now: UnixSeconds,
    trust: Trust,
) -> Result<PurgeReport, StoreError> {
    if now < CLOCK_SET {
        return Err(StoreError::ClockNotSet);
    }
    let cutoff = now.saturating_add_signed(-KEEP_SECONDS.cast_signed());
    let edge = cutoff.utc_day();
    let mut report = PurgeReport::default();

    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let remembered = rows::meta_json(&transaction, keys, CLOCK)?;
    let (memory, held_until) = judge_clock(remembered, now, trust);
    rows::put_meta_json(&transaction, keys, CLOCK, &memory)?;
    report.held_until = held_until;
    if held_until.is_none() {
        let destroyed = Purpose::Encounters.destroy_before(&transaction, edge)?;
        Purpose::Exposures.destroy_before(&transaction, edge)?;
        // A TEK is fourteen days old when its day began that long ago.
        let teks = transaction.execute("DELETE FROM tek WHERE day <= ?1", [edge.get()])?;
        report.days_destroyed = u64::try_from(destroyed).unwrap_or(u64::MAX);
        report.teks_deleted = u64::try_from(teks).unwrap_or(u64::MAX);
    }
    transaction.commit()?;
    if report.held_until.is_some() {
        return Ok(report);
    }

    report.cycles_trimmed = tolerating_damage(&mut report.remains, || {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let trimmed = encounters::trim_day(&transaction, keys, edge, cutoff, TRIM_SECONDS)?;
        transaction.commit()?;
        Ok(trimmed)
    })?;
    tolerating_damage(&mut report.remains, || remove_orphans(conn, edge))?;
    tolerating_damage(&mut report.remains, || {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        rows::retain_records(&transaction, keys, cutoff)?;
        rows::forget_old_exports(&transaction, keys, now)?;
        transaction.commit()?;
        Ok(())
    })?;
    report.remains |= !empty_log(conn)?;
    Ok(report)
}

/// Removes everything that an erasure is to remove, all of which is sealed with
/// keys that are destroyed already, and gives the room back to the disk.
pub(super) fn finish_erasure(conn: &mut Connection) -> Result<(), StoreError> {
    conn.execute_batch(
        "BEGIN IMMEDIATE;
         DELETE FROM encounter_key;
         DELETE FROM encounter_key_copy;
         DELETE FROM exposure_key;
         DELETE FROM exposure_key_copy;
         DELETE FROM tek;
         DELETE FROM registration;
         DELETE FROM segment;
         DELETE FROM exposure;
         DELETE FROM listed_export;
         DELETE FROM check_record;
         DELETE FROM meta;
         COMMIT;",
    )
    .or_else(|error| {
        if !conn.is_autocommit() {
            conn.execute_batch("ROLLBACK")?;
        }
        Err(error)
    })?;
    if !empty_log(conn)? {
        return Err(StoreError::Busy);
    }
    conn.execute_batch(
        "VACUUM;
         BEGIN IMMEDIATE;
         UPDATE secret SET erasing = 0;
         UPDATE secret_copy SET erasing = 0;
         COMMIT;",
    )?;
    if !empty_log(conn)? {
        return Err(StoreError::Busy);
    }
    Ok(())
}

/// Carries all of the write-ahead log into the database and cuts it to nothing.
/// Returns whether that was possible: someone may be reading.
pub(super) fn empty_log(conn: &Connection) -> Result<bool, StoreError> {
    let busy: bool = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(!busy)
}

/// What to remember of the clock, and until when a purge at `now` is held.
fn judge_clock(
    memory: Option<ClockMemory>,
    now: UnixSeconds,
    trust: Trust,
) -> (ClockMemory, Option<UnixSeconds>) {
    let believed = ClockMemory {
        purged: now,
        leapt: None,
    };
    let Some(memory) = memory else {
        return (believed, None);
    };
    if trust == Trust::Confirmed || now.seconds_since(memory.purged) <= LEAP_SECONDS {
        return (believed, None);
    }
    // A clock that went back since shows that the leap was none.
    let leapt = memory.leapt.filter(|leapt| *leapt <= now).unwrap_or(now);
    if now.seconds_since(leapt) >= i64::from(HOLD_SECONDS) {
        return (believed, None);
    }
    (
        ClockMemory {
            purged: memory.purged,
            leapt: Some(leapt),
        },
        Some(leapt.saturating_add_signed(HOLD_SECONDS)),
    )
}

/// Removes the rows of days before `edge` and of all days without a key.
fn remove_orphans(conn: &mut Connection, edge: UtcDay) -> Result<(), StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute(
        "DELETE FROM segment WHERE id < ?1",
        [SegmentId::first(edge).row()],
    )?;
    transaction.execute(
        "DELETE FROM segment WHERE id >> 24 NOT IN
             (SELECT day FROM encounter_key UNION SELECT day FROM encounter_key_copy)",
        [],
    )?;
    transaction.execute(
        "DELETE FROM exposure WHERE day NOT IN
             (SELECT day FROM exposure_key UNION SELECT day FROM exposure_key_copy)",
        [],
    )?;
    transaction.commit()?;
    Ok(())
}

/// Runs `action`; when a damaged page stops it, notes that something remains.
/// Whatever that is, its key is destroyed, or its day's will be.
fn tolerating_damage<T: Default>(
    remains: &mut bool,
    action: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match action() {
        Err(StoreError::Damaged(_)) => {
            tracing::error!("damaged pages keep old rows from being removed");
            *remains = true;
            Ok(T::default())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_of_the_clock_is_believed_when_it_lasts() {
        const T: u32 = 1_600_000_000;
        const DAY: u32 = DAY_SECONDS;
        for (purged, leapt, now, held_until) in [
            (T, None, T + DAY, None),
            (T, None, T + DAY + 1, Some(T + DAY + 1 + 1800)),
            (
                T,
                Some(T + 3 * DAY),
                T + 3 * DAY + 1799,
                Some(T + 3 * DAY + 1800),
            ),
            (T, Some(T + 3 * DAY), T + 3 * DAY + 1800, None),
            // The clock leapt to somewhere earlier, then here: judged anew.
            (T, Some(T + 9 * DAY), T + 3 * DAY, Some(T + 3 * DAY + 1800)),
            // The clock is back where it was.
            (T, Some(T + 9 * DAY), T + 60, None),
            (T, None, T - 30 * DAY, None),
        ] {
            let memory = ClockMemory {
                purged: UnixSeconds::new(purged),
                leapt: leapt.map(UnixSeconds::new),
            };
            let now = UnixSeconds::new(now);
            let (memory, held) = judge_clock(Some(memory), now, Trust::Unconfirmed);
            assert_eq!(held.map(UnixSeconds::get), held_until, "{now:?}");
            assert_eq!(memory.leapt.is_some(), held.is_some());
            assert_eq!(memory.purged == now, held.is_none());
        }
        let memory = || ClockMemory {
            purged: UnixSeconds::new(T),
            leapt: None,
        };
        let now = UnixSeconds::new(T + 40 * DAY);
        assert_eq!(judge_clock(None, now, Trust::Unconfirmed).1, None);
        assert_eq!(judge_clock(Some(memory()), now, Trust::Confirmed).1, None);
    }
}
