//! Letting go: what is fourteen days old, and everything at an erasure.
//!
//! In both, keys are destroyed first and in a transaction of their own. What is
//! interrupted after that leaves rows nobody can open, and is finished later.
//!
//! A key that was deleted may lie on, wrapped, in blocks of the disk that nobody can
//! overwrite any more. So a purge ends with everything that stays being sealed under
//! another wrapping secret (`wrapping.rs`), which is [due](is_due) from the transaction
//! on that deleted something.

use std::time::Duration;

use gaen::time::{DAY_SECONDS, UnixSeconds, UtcDay};
use rusqlite::{Connection, TransactionBehavior};
use serde::{Deserialize, Serialize};
use sesshoku_core::belief::{self, KEEP_SECONDS, Memory};
use sesshoku_core::time::Look;

use super::database::BUSY_TIMEOUT;
use super::day_key::Purpose;
use super::seal::Keys;
use super::segment::SegmentId;
use super::types::PurgeReport;
use super::{StoreError, encounters, exposures, rows};

/// A day that grows old is rewritten for at least this much of it.
const TRIM_SECONDS: i64 = 3600;
/// The name of the value that remembers the clock.
const CLOCK: &str = "store.clock";
/// The name of the value that is there while nothing was deleted since the wrapping
/// secret was last replaced. Where it was lost, too, the secret is replaced.
const SETTLED: &str = "store.settled";
/// The name of the value that is there while days may have been lost of which nothing at
/// all could be saved.
const SALVAGED: &str = "store.salvaged";

/// That the database was saved from damage.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Salvaged {
    /// By when, in seconds since 1970; unknown before the first purge.
    by: Option<u32>,
}

/// Notes that the database was saved from damage: whatever was in it before may be lost.
pub(super) fn note_salvage(conn: &Connection, keys: &Keys) -> Result<(), StoreError> {
    rows::put_meta_json(conn, keys, SALVAGED, &Salvaged::default())
}

/// Whether days may be missing of which nothing is left: for fourteen days, until they
/// would be gone, after the database was saved from damage.
pub(super) fn was_salvaged(conn: &Connection, keys: &Keys) -> Result<bool, StoreError> {
    Ok(rows::meta(conn, keys, SALVAGED)?.is_some())
}

/// Forgets that the database was saved from damage, `certain` being a time that has
/// passed, once everything that was lost would be gone.
fn outlive_salvage(conn: &Connection, keys: &Keys, certain: UnixSeconds) -> Result<(), StoreError> {
    let Some(salvaged) = rows::meta_json::<Salvaged>(conn, keys, SALVAGED)? else {
        return Ok(());
    };
    match salvaged.by {
        None => {
            let by = Some(certain.get());
            rows::put_meta_json(conn, keys, SALVAGED, &Salvaged { by })
        }
        Some(by) if certain.get() > by.saturating_add(KEEP_SECONDS + DAY_SECONDS) => {
            rows::put_meta(conn, keys, SALVAGED, None)
        }
        Some(_) => Ok(()),
    }
}

/// Destroys what is fourteen days old, and what was recorded for a time that has not
/// come, as far as the clocks of `look` are believed.
pub(super) fn purge(
    conn: &mut Connection,
    keys: &Keys,
    look: &Look,
) -> Result<PurgeReport, StoreError> {
    if !look.wall.is_plausible() {
        return Err(StoreError::ClockNotSet);
    }
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let remembered = rows::meta_json(&transaction, keys, CLOCK)?;
    let (memory, judgement) = belief::judge(remembered, look);
    rows::put_meta_json(&transaction, keys, CLOCK, &memory)?;
    let cutoff = UnixSeconds::new(judgement.certain.get().saturating_sub(KEEP_SECONDS));
    let edge = cutoff.utc_day();
    let mut report = PurgeReport::at(judgement.certain);
    report.is_held = judgement.is_held;
    let destroyed = Purpose::Encounters.destroy_before(&transaction, edge)?;
    let exposures = Purpose::Exposures.destroy_before(&transaction, edge)?;
    // A TEK is fourteen days old when its day began that long ago.
    let teks = transaction.execute("DELETE FROM tek WHERE day <= ?1", [edge.get()])?;
    report.days_destroyed = u64::try_from(destroyed).unwrap_or(u64::MAX);
    report.teks_deleted = u64::try_from(teks).unwrap_or(u64::MAX);
    if destroyed + exposures + teks > 0 {
        make_due(&transaction, keys)?;
    }
    outlive_salvage(&transaction, keys, judgement.certain)?;
    transaction.commit()?;

    if let Some(limit) = judgement.nothing_after {
        report.misdated_seconds = tolerating_damage(&mut report.remains, || {
            destroy_future(conn, keys, limit, memory)
        })?;
    }
    report.cycles_trimmed = tolerating_damage(&mut report.remains, || {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let trimmed = encounters::trim_day(&transaction, keys, edge, cutoff, TRIM_SECONDS)?;
        if trimmed > 0 {
            make_due(&transaction, keys)?;
        }
        transaction.commit()?;
        Ok(trimmed)
    })?;
    tolerating_damage(&mut report.remains, || remove_orphans(conn, edge))?;
    tolerating_damage(&mut report.remains, || {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let deleted = rows::retain_records(&transaction, keys, cutoff)?
            + rows::forget_old_exports(&transaction, keys, judgement.certain)?;
        if deleted > 0 {
            make_due(&transaction, keys)?;
        }
        transaction.commit()?;
        Ok(())
    })?;
    report.remains |= !empty_log(conn)?;
    Ok(report)
}

/// Destroys the encounters and own keys of days that have not come at `limit`, and of
/// that day what was recorded for later. A contact that was found stays: it is not taken
/// back because of a clock. Returns for how many seconds there was a recording.
fn destroy_future(
    conn: &mut Connection,
    keys: &Keys,
    limit: UnixSeconds,
    mut memory: Memory,
) -> Result<u64, StoreError> {
    let day = limit.utc_day();
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let misdated = encounters::recorded_after(&transaction, keys, limit)?;
    Purpose::Encounters.destroy_after(&transaction, day)?;
    exposures::destroy_empty_after(&transaction, keys, day)?;
    transaction.execute("DELETE FROM tek WHERE day > ?1", [day.get()])?;
    encounters::cut_day(&transaction, keys, day, limit)?;
    make_due(&transaction, keys)?;
    memory.future_is_gone();
    rows::put_meta_json(&transaction, keys, CLOCK, &memory)?;
    transaction.commit()?;
    Ok(misdated)
}

/// Whether the wrapping secret has to be replaced: something was deleted under it.
pub(super) fn is_due(conn: &Connection, keys: &Keys) -> Result<bool, StoreError> {
    Ok(rows::meta(conn, keys, SETTLED)?.is_none())
}

/// Notes that something is deleted that was sealed under the present wrapping secret.
fn make_due(conn: &Connection, keys: &Keys) -> Result<(), StoreError> {
    rows::put_meta(conn, keys, SETTLED, None)
}

/// Notes that `keys` hang on a wrapping secret under which nothing was deleted yet.
pub(super) fn settle(conn: &Connection, keys: &Keys) -> Result<(), StoreError> {
    rows::put_meta(conn, keys, SETTLED, Some(&[]))
}

/// Removes everything that an erasure is to remove, all of which is sealed with
/// keys that are destroyed already, and gives the room back to the disk.
pub(super) fn finish_erasure(conn: &mut Connection, keys: &Keys) -> Result<(), StoreError> {
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
    conn.execute_batch("VACUUM")?;
    // From here on it is as a new one: the next start has nothing to write.
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction
        .execute_batch("UPDATE secret SET erasing = 0; UPDATE secret_copy SET erasing = 0;")?;
    rows::ensure_registration(&transaction, keys)?;
    settle(&transaction, keys)?;
    transaction.commit()?;
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

/// [`empty_log`] after a write, without waiting for somebody who reads: the next write
/// does it then. What was written is on the disk in any case, and no failure here may say
/// otherwise.
pub(super) fn empty_log_unless_read(conn: &Connection) {
    let emptied = conn
        .busy_timeout(Duration::ZERO)
        .map_err(StoreError::from)
        .and_then(|()| empty_log(conn));
    let restored = conn.busy_timeout(BUSY_TIMEOUT).map_err(StoreError::from);
    if let Err(error) = emptied.and(restored) {
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::warn!(error, "the log of the database could not be emptied");
    }
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
