//! The operations in SQLite.

use std::sync::Arc;

use gaen::diagnosis::DiagnosisKey;
use gaen::time::UnixSeconds;
use rusqlite::{OptionalExtension, Transaction, params};

use super::seals::{Seals, Waiting};
use super::{
    Batch, CLOCK_DRIFT, Holder, Listed, ORDERED, Part, Published, Row, Run, Sha256, StoreError,
    plan, state,
};
use crate::database::Sqlite;
use crate::database::time::clock_table;

pub(super) const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE registration (
    id BLOB NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL,
    day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE export (
    region TEXT NOT NULL,
    number INTEGER NOT NULL,
    batch_num INTEGER NOT NULL,
    batch_size INTEGER NOT NULL,
    start_time INTEGER NOT NULL,
    end_time INTEGER NOT NULL,
    state INTEGER NOT NULL,
    PRIMARY KEY (region, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE diagnosis_key (
    region TEXT NOT NULL,
    tek BLOB NOT NULL,
    rolling_start INTEGER NOT NULL,
    rolling_period INTEGER NOT NULL,
    report_type INTEGER NOT NULL,
    days_since_onset INTEGER,
    export INTEGER,
    PRIMARY KEY (region, tek, rolling_start, rolling_period)
) STRICT, WITHOUT ROWID;
CREATE INDEX diagnosis_key_by_export ON diagnosis_key (region, export, tek);

-- What is true of a region after its last publication.
CREATE TABLE publication (
    region TEXT NOT NULL PRIMARY KEY,
    slot INTEGER NOT NULL,
    time INTEGER NOT NULL,
    next_number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    holder BLOB NOT NULL,
    until INTEGER NOT NULL
) STRICT;
",
    "
-- Of the file; NULL where it was listed before hashes were kept.
ALTER TABLE export ADD COLUMN sha256 BLOB;

-- The last sequence number that was given out for a region's signed listings.
CREATE TABLE listing (
    region TEXT NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
",
    concat!(
        clock_table!("INTEGER", "STRICT"),
        "
INSERT INTO clock (one, time, vouched) SELECT 1, max(time), 0 FROM publication;

-- When it was taken, or renewed.
ALTER TABLE lease ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
"
    ),
    "
-- Keys that wait for their export.
CREATE TABLE waiting_key (
    id BLOB NOT NULL PRIMARY KEY,
    region TEXT NOT NULL,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
",
];

pub(super) async fn digest_of(
    database: &Sqlite,
    id: [u8; 32],
) -> Result<Option<Vec<u8>>, StoreError> {
    database.write(move |tx| find(tx, &id)).await
}

fn find(tx: &Transaction<'_>, id: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT digest FROM registration WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?)
}

/// Makes sure that every key that waits for its export can be opened.
pub(super) async fn check_waiting(database: &Sqlite, seals: &Arc<Seals>) -> Result<(), StoreError> {
    let seals = Arc::clone(seals);
    database
        .write(move |tx| {
            let mut select = tx.prepare_cached("SELECT region, sealed FROM waiting_key")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let (region, sealed): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
                seals.open(&region, &sealed)?;
            }
            Ok(())
        })
        .await
}

pub(super) async fn count_waiting(database: &Sqlite, region: &str) -> Result<i64, StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            Ok(tx
                .prepare_cached("SELECT count(*) FROM waiting_key WHERE region = ?1")?
                .query_row([region], |row| row.get(0))?)
        })
        .await
}

/// Gives the digest of the registration that has the name already.
pub(super) async fn register(
    database: &Sqlite,
    id: [u8; 32],
    digest: [u8; 32],
    keys: Vec<Waiting>,
    day: i64,
    takes_back: bool,
) -> Result<Option<Vec<u8>>, StoreError> {
    database
        .write(move |tx| {
            if let Some(known) = find(tx, &id)? {
                return Ok(Some(known));
            }
            tx.prepare_cached("INSERT INTO registration (id, digest, day) VALUES (?1, ?2, ?3)")?
                .execute(params![id, digest, day])?;
            wait(tx, &keys)?;
            if takes_back {
                tx.prepare_cached("DELETE FROM registration WHERE id = ?1")?
                    .execute(params![id])?;
                let mut delete = tx.prepare_cached("DELETE FROM waiting_key WHERE id = ?1")?;
                for key in &keys {
                    delete.execute([key.id])?;
                }
            }
            Ok(None)
        })
        .await
}

/// Has keys wait for their export.
fn wait(tx: &Transaction<'_>, keys: &[Waiting]) -> Result<(), StoreError> {
    let mut insert =
        tx.prepare_cached("INSERT INTO waiting_key (id, region, sealed) VALUES (?1, ?2, ?3)")?;
    for Waiting { id, region, sealed } in keys {
        insert.execute(params![id, region, sealed])?;
    }
    Ok(())
}

pub(super) async fn take_lease(
    database: &Sqlite,
    holder: Holder,
    now: UnixSeconds,
    until: UnixSeconds,
) -> Result<bool, StoreError> {
    database
        .write(move |tx| {
            let taken = tx
                .prepare_cached(
                    "INSERT INTO lease (one, holder, until, since) VALUES (1, ?1, ?2, ?3)
                     ON CONFLICT (one) DO UPDATE
                     SET holder = excluded.holder, until = excluded.until,
                         since = excluded.since
                     WHERE lease.holder = excluded.holder OR lease.until <= excluded.since
                        OR lease.since > excluded.since + ?4",
                )?
                .execute(params![holder, until.get(), now.get(), CLOCK_DRIFT])?;
            Ok(taken == 1)
        })
        .await
}

pub(super) async fn drop_lease(database: &Sqlite, holder: Holder) -> Result<(), StoreError> {
    database
        .write(move |tx| {
            tx.execute("DELETE FROM lease WHERE holder = ?1", [holder])?;
            Ok(())
        })
        .await
}

fn check_lease(tx: &Transaction<'_>, holder: &Holder) -> Result<(), StoreError> {
    tx.prepare_cached("SELECT 1 FROM lease WHERE holder = ?1")?
        .query_row([holder], |_| Ok(()))
        .optional()?
        .ok_or(StoreError::LeaseLost)
}

pub(super) async fn claim(
    database: &Sqlite,
    seals: &Arc<Seals>,
    run: Run<'_>,
) -> Result<usize, StoreError> {
    let (region, seals) = (run.region.to_owned(), Arc::clone(seals));
    // Without the borrowed name, the rest can go where the transaction runs.
    let run = run.of("");
    database
        .write(move |tx| {
            check_lease(tx, &run.holder)?;
            let last: Option<(i64, i64, i64)> = tx
                .query_row(
                    "SELECT slot, time, next_number FROM publication WHERE region = ?1",
                    [&region],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )
                .optional()?;
            if last.is_some_and(|(done, time, _)| run.is_done(done, time)) {
                return Ok(0);
            }
            let end = i64::from(run.end.get());
            let (start, first) = last.map_or((end, 1), |(_, time, next)| (time.min(end), next));
            let (mut due, later) = plan::due(&run, take_waiting(tx, &seals, &region, run.part)?);
            wait(tx, &seals.seal(std::slice::from_ref(&region), &later)?)?;
            leave_out_published(tx, &region, &mut due)?;
            let is_ordered = last.is_some_and(|(slot, ..)| slot == ORDERED);
            let newest_end = newest_end(tx, &region)?.filter(|_| !is_ordered);
            let files = plan::files(&run, due, newest_end);
            let size = i64::try_from(files.len()).unwrap_or(i64::MAX);
            let mut next = first;
            for (number, keys) in (1_i64..).zip(&files) {
                tx.prepare_cached(
                    "INSERT INTO export
                         (region, number, batch_num, batch_size, start_time, end_time, state)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    region,
                    next,
                    number,
                    size,
                    start,
                    end,
                    state::PENDING
                ])?;
                for key in keys {
                    insert(tx, &region, next, &key.into())?;
                }
                next += 1;
            }
            tx.execute(
                "INSERT INTO publication (region, slot, time, next_number)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (region) DO UPDATE
                 SET slot = excluded.slot, time = excluded.time,
                     next_number = excluded.next_number",
                params![region, run.slot_after(), end, next],
            )?;
            Ok(files.len())
        })
        .await
}

/// Takes out the keys of a region that wait for their export and are of the part, and with
/// the first those that an earlier version left unsealed.
fn take_waiting(
    tx: &Transaction<'_>,
    seals: &Seals,
    region: &str,
    part: Part,
) -> Result<Vec<DiagnosisKey>, StoreError> {
    let mut keys = Vec::new();
    let mut taken: Vec<[u8; 16]> = Vec::new();
    let mut select = tx.prepare_cached("SELECT id, sealed FROM waiting_key WHERE region = ?1")?;
    let mut rows = select.query([region])?;
    while let Some(row) = rows.next()? {
        let sealed: Vec<u8> = row.get(1)?;
        let key = seals.open(region, &sealed)?;
        if part.holds(&key) {
            keys.push(key);
            taken.push(row.get(0)?);
        }
    }
    let mut delete = tx.prepare_cached("DELETE FROM waiting_key WHERE id = ?1")?;
    for id in taken {
        delete.execute([id])?;
    }
    if part.is_first() {
        let unsealed: Vec<Row> = tx
            .prepare_cached(
                "DELETE FROM diagnosis_key WHERE region = ?1 AND export IS NULL
                 RETURNING tek, rolling_start, rolling_period, report_type, days_since_onset",
            )?
            .query_map([region], key_row)?
            .collect::<Result<_, _>>()?;
        for row in unsealed {
            keys.push(row.try_into()?);
        }
    }
    Ok(keys)
}

/// Leaves out of `due` what is in an export already.
fn leave_out_published(
    tx: &Transaction<'_>,
    region: &str,
    due: &mut Vec<DiagnosisKey>,
) -> Result<(), StoreError> {
    let mut is_published = tx.prepare_cached(
        "SELECT 1 FROM diagnosis_key
         WHERE region = ?1 AND tek = ?2 AND rolling_start = ?3 AND rolling_period = ?4",
    )?;
    let mut rest = Vec::with_capacity(due.len());
    for key in due.drain(..) {
        let row = Row::from(&key);
        let identity = params![region, row.tek, row.rolling_start, row.rolling_period];
        if !is_published.exists(identity)? {
            rest.push(key);
        }
    }
    *due = rest;
    Ok(())
}

fn insert(tx: &Transaction<'_>, region: &str, export: i64, row: &Row) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO diagnosis_key
             (region, tek, rolling_start, rolling_period, report_type, days_since_onset, export)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        region,
        row.tek,
        row.rolling_start,
        row.rolling_period,
        row.report_type,
        row.days_since_onset,
        export
    ])?;
    Ok(())
}

/// When the region's newest export was made.
fn newest_end(tx: &Transaction<'_>, region: &str) -> Result<Option<i64>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT max(end_time) FROM export WHERE region = ?1")?
        .query_row([region], |row| row.get(0))?)
}

fn key_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        tek: row.get(0)?,
        rolling_start: row.get(1)?,
        rolling_period: row.get(2)?,
        report_type: row.get(3)?,
        days_since_onset: row.get(4)?,
    })
}

pub(super) async fn pending(database: &Sqlite, region: &str) -> Result<Vec<Batch>, StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            let rows: Vec<(i64, i64, i64, i64, i64)> = tx
                .prepare_cached(
                    "SELECT number, batch_num, batch_size, start_time, end_time FROM export
                     WHERE region = ?1 AND state = ?2 ORDER BY number",
                )?
                .query_map(params![region, state::PENDING], |row| {
                    Ok((
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                    ))
                })?
                .collect::<Result<_, _>>()?;
            rows.into_iter()
                .map(|(number, num, size, start, end)| super::batch(number, num, size, start, end))
                .collect()
        })
        .await
}

pub(super) async fn keys(
    database: &Sqlite,
    region: &str,
    number: i64,
) -> Result<Vec<DiagnosisKey>, StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            let rows: Vec<Row> = tx
                .prepare_cached(
                    "SELECT tek, rolling_start, rolling_period, report_type, days_since_onset
                     FROM diagnosis_key WHERE region = ?1 AND export = ?2
                     ORDER BY tek, rolling_start, rolling_period",
                )?
                .query_map(params![region, number], key_row)?
                .collect::<Result<_, _>>()?;
            rows.into_iter().map(DiagnosisKey::try_from).collect()
        })
        .await
}

pub(super) async fn publish(
    database: &Sqlite,
    region: &str,
    holder: Holder,
    files: Vec<(i64, Sha256)>,
) -> Result<(), StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            check_lease(tx, &holder)?;
            for (number, sha256) in &files {
                tx.prepare_cached(
                    "UPDATE export SET state = ?1, sha256 = ?2
                     WHERE region = ?3 AND number = ?4 AND state = ?5",
                )?
                .execute(params![
                    state::LISTED,
                    sha256,
                    region,
                    number,
                    state::PENDING
                ])?;
            }
            Ok(())
        })
        .await
}

pub(super) async fn keep_hash(
    database: &Sqlite,
    region: &str,
    number: i64,
    sha256: Sha256,
) -> Result<(), StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            tx.execute(
                "UPDATE export SET sha256 = ?1 WHERE region = ?2 AND number = ?3",
                params![sha256, region, number],
            )?;
            Ok(())
        })
        .await
}

pub(super) async fn sequence(database: &Sqlite, region: &str) -> Result<i64, StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            Ok(tx
                .prepare_cached("SELECT sequence FROM listing WHERE region = ?1")?
                .query_row([region], |row| row.get(0))
                .optional()?
                .unwrap_or_default())
        })
        .await
}

pub(super) async fn next_sequence(
    database: &Sqlite,
    region: &str,
    holder: Holder,
    least: i64,
) -> Result<i64, StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            check_lease(tx, &holder)?;
            Ok(tx
                .prepare_cached(
                    "INSERT INTO listing (region, sequence) VALUES (?1, ?2)
                     ON CONFLICT (region) DO UPDATE
                     SET sequence = max(listing.sequence + 1, excluded.sequence)
                     RETURNING sequence",
                )?
                .query_row(params![region, least], |row| row.get(0))?)
        })
        .await
}

pub(super) async fn next_number(
    database: &Sqlite,
    region: &str,
) -> Result<Option<i64>, StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            Ok(tx
                .prepare_cached("SELECT next_number FROM publication WHERE region = ?1")?
                .query_row([region], |row| row.get(0))
                .optional()?)
        })
        .await
}

pub(super) async fn take_up(
    database: &Sqlite,
    region: &str,
    holder: Holder,
    published: Option<Published>,
    next: i64,
) -> Result<bool, StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            check_lease(tx, &holder)?;
            let mut end = 0;
            if let Some(Published { listed, keys }) = published {
                let batch = listed.batch;
                let mut is_published = tx.prepare_cached(
                    "SELECT 1 FROM diagnosis_key
                     WHERE region = ?1 AND tek = ?2 AND rolling_start = ?3
                       AND rolling_period = ?4 AND export IS NOT NULL",
                )?;
                for key in &keys {
                    let row = Row::from(key);
                    let key = params![region, row.tek, row.rolling_start, row.rolling_period];
                    if is_published.exists(key)? {
                        return Ok(false);
                    }
                }
                end = batch.end.get();
                tx.execute(
                    "INSERT INTO export (region, number, batch_num, batch_size, start_time,
                                         end_time, state, sha256)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        region,
                        batch.number,
                        batch.batch_num,
                        batch.batch_size,
                        batch.start.get(),
                        end,
                        state::LISTED,
                        listed.sha256
                    ],
                )?;
                for key in &keys {
                    let row = Row::from(key);
                    // One that an earlier version left waiting unsealed waits no more.
                    tx.prepare_cached(
                        "DELETE FROM diagnosis_key
                         WHERE region = ?1 AND tek = ?2 AND rolling_start = ?3
                           AND rolling_period = ?4 AND export IS NULL",
                    )?
                    .execute(params![
                        region,
                        row.tek,
                        row.rolling_start,
                        row.rolling_period
                    ])?;
                    insert(tx, &region, batch.number, &row)?;
                }
            }
            tx.execute(
                "INSERT INTO publication (region, slot, time, next_number)
                 VALUES (?1, 0, ?2, ?3)
                 ON CONFLICT (region) DO UPDATE
                 SET time = max(publication.time, excluded.time),
                     next_number = max(publication.next_number, excluded.next_number)",
                params![region, end, next],
            )?;
            Ok(true)
        })
        .await
}

pub(super) async fn order(database: &Sqlite, region: &str) -> Result<(), StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            tx.execute(
                "UPDATE publication SET slot = ?1 WHERE region = ?2",
                params![ORDERED, region],
            )?;
            Ok(())
        })
        .await
}

pub(super) async fn listed(database: &Sqlite, region: &str) -> Result<Vec<Listed>, StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            let mut statement = tx.prepare_cached(
                "SELECT number, batch_num, batch_size, start_time, end_time, sha256 FROM export
                 WHERE region = ?1 AND state = ?2 ORDER BY number",
            )?;
            let mut rows = statement.query(params![region, state::LISTED])?;
            let mut listed = Vec::new();
            while let Some(row) = rows.next()? {
                listed.push(Listed {
                    batch: super::batch(
                        row.get(0)?,
                        row.get(1)?,
                        row.get(2)?,
                        row.get(3)?,
                        row.get(4)?,
                    )?,
                    sha256: super::hash(row.get(5)?)?,
                });
            }
            Ok(listed)
        })
        .await
}

pub(super) async fn withdraw(
    database: &Sqlite,
    region: &str,
    holder: Holder,
    before: UnixSeconds,
) -> Result<(), StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            check_lease(tx, &holder)?;
            tx.execute(
                "UPDATE export SET state = ?1 WHERE region = ?2 AND state = ?3 AND end_time < ?4",
                params![state::WITHDRAWN, region, state::LISTED, before.get()],
            )?;
            Ok(())
        })
        .await
}

pub(super) async fn withdrawn(database: &Sqlite, region: &str) -> Result<Vec<i64>, StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            Ok(tx
                .prepare_cached(
                    "SELECT number FROM export WHERE region = ?1 AND state = ?2 ORDER BY number",
                )?
                .query_map(params![region, state::WITHDRAWN], |row| row.get(0))?
                .collect::<Result<_, _>>()?)
        })
        .await
}

pub(super) async fn forget(database: &Sqlite, region: &str, number: i64) -> Result<(), StoreError> {
    let region = region.to_owned();
    database
        .write(move |tx| {
            tx.execute(
                "DELETE FROM diagnosis_key WHERE region = ?1 AND export = ?2",
                params![region, number],
            )?;
            tx.execute(
                "DELETE FROM export WHERE region = ?1 AND number = ?2 AND state = ?3",
                params![region, number, state::WITHDRAWN],
            )?;
            Ok(())
        })
        .await
}

pub(super) async fn expire(database: &Sqlite, before: UnixSeconds) -> Result<(), StoreError> {
    database
        .write(move |tx| {
            tx.execute(
                "DELETE FROM registration WHERE day < ?1",
                [before.utc_day().get()],
            )?;
            Ok(())
        })
        .await
}
