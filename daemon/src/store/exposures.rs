//! Exposures: one row per UTC day with everything that was found on it.
//!
//! Every day on which something was recorded has its row, also where nobody was
//! met, and rows are padded: whether there was a contact at all does not show
//! without the key. A day's row goes with the day's exposure key.

use std::collections::BTreeMap;

use gaen::time::UtcDay;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use sesshoku_core::records::{ExposureChanges, Exposures, StoredExposure};

use super::StoreError;
use super::day_key::{DayKey, Purpose};
use super::rows::{open_json, seal_json};
use super::seal::{Keys, Place};
use super::segment::padded_len;

/// The shortest padded row: room for the exposures of an ordinary bad day.
const SHORTEST: usize = 4096;

/// Everything that was found on one day.
#[derive(Default, Serialize, Deserialize)]
struct DayRow {
    /// What was in the row before was lost to damage.
    lost: bool,
    /// The exposures with this day's windows.
    exposures: Vec<StoredExposure>,
}

/// Gives `day` its row if it has none.
pub(super) fn ensure_day(conn: &Connection, keys: &Keys, day: UtcDay) -> Result<(), StoreError> {
    let known: bool = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM exposure WHERE day = ?1)")?
        .query_row([day.get()], |row| row.get(0))?;
    if known {
        return Ok(());
    }
    write(conn, keys, day, &DayRow::default())
}

/// Destroys the keys of days after `day` on which no exposure is known.
pub(super) fn destroy_empty_after(
    conn: &Connection,
    keys: &Keys,
    day: UtcDay,
) -> Result<(), StoreError> {
    for (later, row) in read_all(conn, keys)?.range(day.saturating_add(1)..) {
        if row.exposures.is_empty() {
            Purpose::Exposures.destroy(conn, *later)?;
        }
    }
    Ok(())
}

/// Notes that what was found on `day` is lost.
pub(super) fn mark_lost(conn: &Connection, keys: &Keys, day: UtcDay) -> Result<(), StoreError> {
    let row = DayRow {
        lost: true,
        ..DayRow::default()
    };
    write(conn, keys, day, &row)
}

/// All exposures, each with its windows of all days.
pub(super) fn all(conn: &Connection, keys: &Keys) -> Result<Exposures, StoreError> {
    let mut exposures = Exposures::default();
    for row in read_all(conn, keys)?.into_values() {
        exposures.damaged_days += u64::from(row.lost);
        for part in row.exposures {
            let known = exposures
                .found
                .iter_mut()
                .find(|known| known.key.tek == part.key.tek);
            match known {
                Some(known) => known.windows.extend(part.windows),
                None => exposures.found.push(part),
            }
        }
    }
    Ok(exposures)
}

/// Carries out `changes`.
pub(super) fn change(
    conn: &Connection,
    keys: &Keys,
    changes: &ExposureChanges,
) -> Result<(), StoreError> {
    if changes.put.is_empty() && changes.remove.is_empty() {
        return Ok(());
    }
    let mut rows = read_all(conn, keys)?;
    let gone = |exposure: &StoredExposure| {
        let tek = &exposure.key.tek;
        changes.remove.contains(tek) || changes.put.iter().any(|put| put.key.tek == *tek)
    };
    for row in rows.values_mut() {
        row.exposures.retain(|exposure| !gone(exposure));
    }
    for exposure in &changes.put {
        let mut by_day: BTreeMap<UtcDay, Vec<_>> = BTreeMap::new();
        for window in &exposure.windows {
            by_day.entry(window.date).or_default().push(window.clone());
        }
        for (day, windows) in by_day {
            rows.entry(day).or_default().exposures.push(StoredExposure {
                key: exposure.key.clone(),
                windows,
                changed: exposure.changed,
            });
        }
    }
    // All rows are sealed anew, so that the changed pages do not tell the day.
    rows.iter()
        .try_for_each(|(day, row)| write(conn, keys, *day, row))
}

fn read_all(conn: &Connection, keys: &Keys) -> Result<BTreeMap<UtcDay, DayRow>, StoreError> {
    let rows: Vec<(u32, Vec<u8>)> = conn
        .prepare_cached("SELECT day, sealed FROM exposure ORDER BY day")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut read = BTreeMap::new();
    for (day, sealed) in rows {
        let day = UtcDay::new(day);
        let row = match Purpose::Exposures.find(conn, keys, day)? {
            // The day was purged and only its row is still there.
            None => continue,
            Some(DayKey::Whole(key)) => open_json(&key, &Place::day("exposure", day), &sealed),
            Some(DayKey::Damaged) => None,
        };
        let lost = DayRow {
            lost: true,
            exposures: Vec::new(),
        };
        read.insert(day, row.unwrap_or(lost));
    }
    // A day has its key and its row from the same moment on.
    for day in Purpose::Exposures.days(conn, UtcDay::new(0))? {
        read.entry(day).or_insert(DayRow {
            lost: true,
            exposures: Vec::new(),
        });
    }
    Ok(read)
}

fn write(conn: &Connection, keys: &Keys, day: UtcDay, row: &DayRow) -> Result<(), StoreError> {
    let key = Purpose::Exposures.find_or_create(conn, keys, day)?;
    let sealed = seal_json(&key, &Place::day("exposure", day), row, |length| {
        padded_len(length).max(SHORTEST)
    })?;
    conn.prepare_cached(
        "INSERT INTO exposure (day, sealed) VALUES (?1, ?2)
         ON CONFLICT (day) DO UPDATE SET sealed = excluded.sealed",
    )?
    .execute(params![day.get(), sealed])?;
    Ok(())
}
