//! Saving what is left of a damaged database.
//!
//! Every page is read on its own (`pages.rs`), so that neither the header nor the schema
//! nor any one page is needed to find the rows of the others. Which table a row belongs
//! to shows by what it is sealed for: only in its place does it open. Segments have keys
//! like no other row.
//!
//! What was lost is not known from what is left. So each recorded day has a segment put
//! behind its last that does not open: until the day is gone, it counts as damaged. Where
//! the key of its exposures is lost, what was found on it counts as lost. Days of which
//! nothing is left count as damaged for fourteen days, in which they would be there.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;

use gaen::time::UtcDay;
use rusqlite::{Connection, params};

use super::database::{self, io_error, log_of, with_suffix};
use super::day_key::Purpose;
use super::device_key::DeviceKey;
use super::pages::{Pages, Row, Value};
use super::rows::ROW_TABLES;
use super::seal::{Keys, Place, SealingKey};
use super::segment::SegmentId;
use super::wrapping::Wrapping;
use super::{
    SECRET_ID, SECRET_TABLES, SecretRow, StoreError, exposures, files, retention, unlock_with,
};

/// What was saved.
#[derive(Debug, Default)]
struct Saved {
    days: BTreeMap<UtcDay, Option<SegmentId>>,
    segments: u64,
    rows: u64,
}

/// Copies all rows of the database at `path` that open into a new one, and puts that in
/// its place.
///
/// # Errors
/// [`StoreError::Damaged`] when the secret is lost without which nothing opens,
/// [`StoreError::OtherDeviceKey`] when the one there is does not open. The database then
/// stays as it is.
pub(super) fn salvage(
    path: &Path,
    device_key: &DeviceKey,
    wrapping: &Wrapping,
) -> Result<(), StoreError> {
    tracing::error!("the database is damaged; saving what can be read");
    let log = log_of(path);
    let pages = Pages::open(path, &log).map_err(io_error(path))?;
    let draft_path = with_suffix(path, ".rebuilt");
    database::destroy(&draft_path)?;

    let mut secrets = Vec::new();
    for_each_row(&pages, path, &mut |row| {
        secrets.extend(secret_row(row));
        Ok(())
    })?;
    if secrets.is_empty() {
        return Err(StoreError::malformed());
    }
    let (secret, unlocked) =
        unlock_with(&secrets, device_key, wrapping).ok_or(StoreError::OtherDeviceKey)?;

    files::create_private(&draft_path, &[]).map_err(io_error(&draft_path))?;
    let mut draft = database::connect(&draft_path)?;
    database::to_latest(&mut draft)?;
    let transaction = draft.transaction()?;
    for table in SECRET_TABLES {
        transaction.execute(
            &format!(
                "INSERT INTO {table} (id, secret, key_check, erasing) VALUES (?1, ?2, ?3, ?4)"
            ),
            params![
                SECRET_ID,
                secret.secret.as_slice(),
                secret.key_check,
                secret.erasing
            ],
        )?;
    }
    let saved = copy(&pages, path, &unlocked.keys, &transaction)?;
    transaction.commit()?;
    draft.close().map_err(|(_, error)| error)?;
    database::destroy_log(&draft_path)?;
    tracing::error!(
        days = saved.days.len(),
        segments = saved.segments,
        other_rows = saved.rows,
        "saved from the damaged database; what is not among it is lost"
    );
    replace(path, &draft_path, &pages)
}

/// Puts the new database in the place of the damaged one, wherever this is interrupted.
fn replace(path: &Path, draft_path: &Path, pages: &Pages) -> Result<(), StoreError> {
    let mut old = File::options()
        .write(true)
        .open(path)
        .map_err(io_error(path))?;
    // A log left beside the new file would be taken for its own; what is in it is not to
    // be lost before that file is there.
    pages.write_log_into(&old).map_err(io_error(path))?;
    database::destroy_log(path)?;
    fs::rename(draft_path, path).map_err(io_error(path))?;
    if let Some(dir) = path.parent() {
        files::sync_dir(dir).map_err(io_error(dir))?;
    }
    // It holds wrapped keys that nothing would destroy any more.
    files::overwrite(&mut old).map_err(io_error(path))
}

/// Copies what `keys` open.
fn copy(pages: &Pages, path: &Path, keys: &Keys, to: &Connection) -> Result<Saved, StoreError> {
    let mut saved = Saved::default();
    for_each_row(pages, path, &mut |row| {
        saved.rows += u64::from(copy_row(row, keys, to)?);
        Ok(())
    })?;
    // The rest hangs on the keys of the days, which are all there now.
    let mut day_keys = DayKeys::default();
    for day in Purpose::Encounters.days(to, UtcDay::new(0))? {
        saved.days.insert(day, None);
    }
    let mut recorded: BTreeSet<UtcDay> = saved.days.keys().copied().collect();
    for_each_row(pages, path, &mut |row| {
        let [Value::Null, Value::Blob(sealed)] = row.columns.as_slice() else {
            return Ok(());
        };
        recorded.extend(day_of_segment(row.id));
        if let Some(id) = SegmentId::from_row(row.id).filter(|id| saved.days.contains_key(&id.day))
        {
            // One that does not open is copied too: it tells of itself.
            to.prepare_cached("INSERT OR IGNORE INTO segment (id, sealed) VALUES (?1, ?2)")?
                .execute(params![row.id, sealed])?;
            saved.segments += 1;
            let last = saved.days.entry(id.day).or_default();
            *last = (*last).max(Some(id));
        } else if let Ok(day) = u32::try_from(row.id)
            && let Some(key) = day_keys.exposures(to, keys, UtcDay::new(day))?
            && key.open(&Place::row("exposure", row.id), sealed).is_some()
        {
            to.execute(
                "INSERT OR IGNORE INTO exposure (day, sealed) VALUES (?1, ?2)",
                params![row.id, sealed],
            )?;
            saved.rows += 1;
        }
        Ok(())
    })?;
    for day in recorded {
        if Purpose::Exposures.find_whole(to, keys, day)?.is_none() {
            exposures::mark_lost(to, keys, day)?;
        }
    }
    for (day, last) in &saved.days {
        let behind = last.map_or(Some(SegmentId::first(*day)), SegmentId::next);
        if let Some(id) = behind {
            to.execute(
                "INSERT INTO segment (id, sealed) VALUES (?1, x'')",
                [id.row()],
            )?;
        }
    }
    retention::note_salvage(to, keys)?;
    Ok(saved)
}

/// Copies a row that hangs on no day's key, if it is one and opens.
fn copy_row(row: &Row, keys: &Keys, to: &Connection) -> Result<bool, StoreError> {
    // Segments are the most by far, and have keys of a length of their own.
    if day_of_segment(row.id).is_some() {
        return Ok(false);
    }
    match row.columns.as_slice() {
        [Value::Null, Value::Blob(sealed)] => {
            for purpose in [Purpose::Encounters, Purpose::Exposures] {
                if keys
                    .days
                    .unwrap(&Place::row(purpose.name(), row.id), sealed)
                    .is_none()
                {
                    continue;
                }
                for table in purpose.tables() {
                    to.execute(
                        &format!("INSERT OR IGNORE INTO {table} (day, wrapped) VALUES (?1, ?2)"),
                        params![row.id, sealed],
                    )?;
                }
                return Ok(true);
            }
            let own_keys = [("tek", "day", &keys.teks)];
            let small = ROW_TABLES.map(|table| (table, "id", &keys.rows));
            for (table, id, key) in own_keys.into_iter().chain(small) {
                if key.open(&Place::row(table, row.id), sealed).is_some() {
                    to.execute(
                        &format!("INSERT OR IGNORE INTO {table} ({id}, sealed) VALUES (?1, ?2)"),
                        params![row.id, sealed],
                    )?;
                    return Ok(true);
                }
            }
            Ok(false)
        }
        [Value::Text(name), Value::Blob(sealed)] => {
            if keys
                .rows
                .open(&Place::named("meta", name), sealed)
                .is_none()
            {
                return Ok(false);
            }
            to.execute(
                "INSERT OR IGNORE INTO meta (name, sealed) VALUES (?1, ?2)",
                params![name, sealed],
            )?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// The day of the segment with this row key; `None` of every other row.
fn day_of_segment(id: i64) -> Option<UtcDay> {
    let day = SegmentId::from_row(id)?.day;
    (day > UtcDay::new(0)).then_some(day)
}

/// The row of a secret that `row` is, if it looks like one.
fn secret_row(row: &Row) -> Option<SecretRow> {
    let [
        Value::Null,
        Value::Blob(secret),
        Value::Blob(key_check),
        Value::Integer(erasing),
    ] = row.columns.as_slice()
    else {
        return None;
    };
    Some(SecretRow {
        secret: secret.clone().into(),
        key_check: key_check.clone(),
        erasing: *erasing != 0,
    })
}

fn for_each_row(
    pages: &Pages,
    path: &Path,
    visit: &mut dyn FnMut(&Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    enum Failure {
        Io(std::io::Error),
        Store(StoreError),
    }
    impl From<std::io::Error> for Failure {
        fn from(error: std::io::Error) -> Self {
            Self::Io(error)
        }
    }
    pages
        .for_each_row(&mut |row| visit(&row).map_err(Failure::Store))
        .map_err(|failure| match failure {
            Failure::Io(error) => io_error(path)(error),
            Failure::Store(error) => error,
        })
}

/// The keys of the days' exposures, each unwrapped once.
#[derive(Default)]
struct DayKeys(BTreeMap<UtcDay, Option<SealingKey>>);

impl DayKeys {
    fn exposures(
        &mut self,
        conn: &Connection,
        keys: &Keys,
        day: UtcDay,
    ) -> Result<Option<&SealingKey>, StoreError> {
        Ok(match self.0.entry(day) {
            Entry::Occupied(known) => known.into_mut().as_ref(),
            Entry::Vacant(unknown) => {
                let key = Purpose::Exposures.find_whole(conn, keys, day)?;
                unknown.insert(key).as_ref()
            }
        })
    }
}
