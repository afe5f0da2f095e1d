//! The operations in PostgreSQL.

use std::collections::BTreeSet;
use std::pin::pin;

use futures_util::TryStreamExt;
use gaen::diagnosis::DiagnosisKey;
use gaen::time::UnixSeconds;
use tokio_postgres::{IsolationLevel, Row as PostgresRow, Transaction};

use super::seals::{Seals, Waiting};
use super::{
    Batch, CLOCK_DRIFT, Holder, Listed, ORDERED, Part, Published, Row, Run, Sha256, StoreError,
    plan, state,
};
use crate::database::Postgres;
use crate::database::time::clock_table;

pub(super) const MIGRATIONS: &[&str] = &[
    "
CREATE TABLE registration (
    id BYTEA NOT NULL PRIMARY KEY,
    digest BYTEA NOT NULL,
    day BIGINT NOT NULL
);

CREATE TABLE export (
    region TEXT NOT NULL,
    number BIGINT NOT NULL,
    batch_num BIGINT NOT NULL,
    batch_size BIGINT NOT NULL,
    start_time BIGINT NOT NULL,
    end_time BIGINT NOT NULL,
    state BIGINT NOT NULL,
    PRIMARY KEY (region, number)
);

CREATE TABLE diagnosis_key (
    region TEXT NOT NULL,
    tek BYTEA NOT NULL,
    rolling_start BIGINT NOT NULL,
    rolling_period BIGINT NOT NULL,
    report_type BIGINT NOT NULL,
    days_since_onset BIGINT,
    export BIGINT,
    PRIMARY KEY (region, tek, rolling_start, rolling_period)
);
CREATE INDEX diagnosis_key_by_export ON diagnosis_key (region, export, tek);

-- What is true of a region after its last publication.
CREATE TABLE publication (
    region TEXT NOT NULL PRIMARY KEY,
    slot BIGINT NOT NULL,
    time BIGINT NOT NULL,
    next_number BIGINT NOT NULL
);

CREATE TABLE lease (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    holder BYTEA NOT NULL,
    until BIGINT NOT NULL
);
",
    "
-- Of the file; NULL where it was listed before hashes were kept.
ALTER TABLE export ADD COLUMN sha256 BYTEA;

-- The last sequence number that was given out for a region's signed listings.
CREATE TABLE listing (
    region TEXT NOT NULL PRIMARY KEY,
    sequence BIGINT NOT NULL
);
",
    concat!(
        clock_table!("BIGINT", ""),
        "
INSERT INTO clock (one, time, vouched) SELECT 1, max(time), 0 FROM publication;

-- When it was taken, or renewed.
ALTER TABLE lease ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
"
    ),
    "
-- Keys that wait for their export.
CREATE TABLE waiting_key (
    id BYTEA NOT NULL PRIMARY KEY,
    region TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
",
];

/// A query's parameters where it has none.
const NOTHING: [i64; 0] = [];

/// A time as a column.
fn seconds(time: UnixSeconds) -> i64 {
    time.get().into()
}

pub(super) async fn digest_of(
    database: &Postgres,
    id: [u8; 32],
) -> Result<Option<Vec<u8>>, StoreError> {
    let client = database.get().await?;
    let statement = client
        .prepare_cached("SELECT digest FROM registration WHERE id = $1")
        .await?;
    let row = client.query_opt(&statement, &[&id.as_slice()]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// Makes sure that every key that waits for its export can be opened.
pub(super) async fn check_waiting(database: &Postgres, seals: &Seals) -> Result<(), StoreError> {
    let client = database.get().await?;
    let all = "SELECT region, sealed FROM waiting_key";
    let mut rows = pin!(client.query_raw(all, NOTHING).await?);
    while let Some(row) = rows.try_next().await? {
        seals.open(row.get(0), row.get(1))?;
    }
    Ok(())
}

pub(super) async fn count_waiting(database: &Postgres, region: &str) -> Result<i64, StoreError> {
    let count = "SELECT count(*) FROM waiting_key WHERE region = $1";
    let client = database.get().await?;
    Ok(client.query_one(count, &[&region]).await?.get(0))
}

/// Gives the digest of the registration that has the name already.
pub(super) async fn register(
    database: &Postgres,
    id: [u8; 32],
    digest: [u8; 32],
    keys: Vec<Waiting>,
    day: i64,
    takes_back: bool,
) -> Result<Option<Vec<u8>>, StoreError> {
    let mut client = database.get().await?;
    let tx = client.transaction().await?;
    let new = tx
        .prepare_cached(
            "INSERT INTO registration (id, digest, day) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
        )
        .await?;
    // Waits for another transaction that registers the same.
    let inserted = tx
        .execute(&new, &[&id.as_slice(), &digest.as_slice(), &day])
        .await?;
    if inserted == 0 {
        let row = tx
            .query_one(
                "SELECT digest FROM registration WHERE id = $1",
                &[&id.as_slice()],
            )
            .await?;
        return Ok(Some(row.get(0)));
    }
    wait(&tx, &keys).await?;
    if takes_back {
        let all = tx
            .prepare_cached(
                "WITH taken_back AS (DELETE FROM registration WHERE id = $2)
                 DELETE FROM waiting_key WHERE id = ANY($1)",
            )
            .await?;
        let ids: Vec<&[u8]> = keys.iter().map(|key| key.id.as_slice()).collect();
        tx.execute(&all, &[&ids, &id.as_slice()]).await?;
    }
    tx.commit().await?;
    Ok(None)
}

/// Has keys wait for their export.
async fn wait(tx: &deadpool_postgres::Transaction<'_>, keys: &[Waiting]) -> Result<(), StoreError> {
    let statement = tx
        .prepare_cached("INSERT INTO waiting_key (id, region, sealed) VALUES ($1, $2, $3)")
        .await?;
    for Waiting { id, region, sealed } in keys {
        tx.execute(&statement, &[&id.as_slice(), region, sealed])
            .await?;
    }
    Ok(())
}

pub(super) async fn take_lease(
    database: &Postgres,
    holder: Holder,
    now: UnixSeconds,
    until: UnixSeconds,
) -> Result<bool, StoreError> {
    let taken = database
        .get()
        .await?
        .execute(
            "INSERT INTO lease (one, holder, until, since) VALUES (1, $1, $2, $3)
             ON CONFLICT (one) DO UPDATE
             SET holder = excluded.holder, until = excluded.until, since = excluded.since
             WHERE lease.holder = excluded.holder OR lease.until <= excluded.since
                OR lease.since > excluded.since + $4",
            &[
                &holder.as_slice(),
                &seconds(until),
                &seconds(now),
                &CLOCK_DRIFT,
            ],
        )
        .await?;
    Ok(taken == 1)
}

pub(super) async fn drop_lease(database: &Postgres, holder: Holder) -> Result<(), StoreError> {
    database
        .get()
        .await?
        .execute("DELETE FROM lease WHERE holder = $1", &[&holder.as_slice()])
        .await?;
    Ok(())
}

/// Holds the lease's row, so that nobody takes over before the transaction ends.
async fn check_lease(tx: &Transaction<'_>, holder: &Holder) -> Result<(), StoreError> {
    tx.query_opt(
        "SELECT 1 FROM lease WHERE holder = $1 FOR UPDATE",
        &[&holder.as_slice()],
    )
    .await?
    .map(|_| ())
    .ok_or(StoreError::LeaseLost)
}

pub(super) async fn claim(
    database: &Postgres,
    seals: &Seals,
    run: Run<'_>,
) -> Result<usize, StoreError> {
    let region = run.region;
    let mut client = database.get().await?;
    // Keys that are registered meanwhile are left for the next export.
    let tx = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .await?;
    check_lease(&tx, &run.holder).await?;
    let last = tx
        .query_opt(
            "SELECT slot, time, next_number FROM publication WHERE region = $1",
            &[&region],
        )
        .await?
        .map(|row| {
            (
                row.get::<_, i64>(0),
                row.get::<_, i64>(1),
                row.get::<_, i64>(2),
            )
        });
    if last.is_some_and(|(done, time, _)| run.is_done(done, time)) {
        return Ok(0);
    }
    let end = seconds(run.end);
    let (start, first) = last.map_or((end, 1), |(_, time, next)| (time.min(end), next));
    let (mut due, later) = plan::due(&run, take_waiting(&tx, seals, region, run.part).await?);
    wait(&tx, &seals.seal(&[region.to_owned()], &later)?).await?;
    leave_out_published(&tx, region, &mut due).await?;
    let is_ordered = last.is_some_and(|(slot, ..)| slot == ORDERED);
    let newest_end = newest_end(&tx, region).await?.filter(|_| !is_ordered);
    let files = plan::files(&run, due, newest_end);
    let size = i64::try_from(files.len()).unwrap_or(i64::MAX);
    let mut next = first;
    for (number, keys) in (1_i64..).zip(&files) {
        tx.execute(
            "INSERT INTO export
                 (region, number, batch_num, batch_size, start_time, end_time, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &[
                &region,
                &next,
                &number,
                &size,
                &start,
                &end,
                &state::PENDING,
            ],
        )
        .await?;
        for key in keys {
            insert(&tx, region, next, &key.into()).await?;
        }
        next += 1;
    }
    tx.execute(
        "INSERT INTO publication (region, slot, time, next_number) VALUES ($1, $2, $3, $4)
         ON CONFLICT (region) DO UPDATE
         SET slot = excluded.slot, time = excluded.time, next_number = excluded.next_number",
        &[&region, &run.slot_after(), &end, &next],
    )
    .await?;
    tx.commit().await?;
    Ok(files.len())
}

/// Takes out the keys of a region that wait for their export and are of the part, and with
/// the first those that an earlier version left unsealed.
async fn take_waiting(
    tx: &Transaction<'_>,
    seals: &Seals,
    region: &str,
    part: Part,
) -> Result<Vec<DiagnosisKey>, StoreError> {
    let mut keys = Vec::new();
    let mut taken: Vec<Vec<u8>> = Vec::new();
    let waiting = "SELECT id, sealed FROM waiting_key WHERE region = $1";
    let mut rows = pin!(tx.query_raw(waiting, [region]).await?);
    while let Some(row) = rows.try_next().await? {
        let key = seals.open(region, row.get(1))?;
        if part.holds(&key) {
            keys.push(key);
            taken.push(row.get(0));
        }
    }
    let delete = "DELETE FROM waiting_key WHERE id = ANY($1)";
    tx.execute(delete, &[&taken]).await?;
    if part.is_first() {
        let unsealed = tx
            .query(
                "DELETE FROM diagnosis_key WHERE region = $1 AND export IS NULL
                 RETURNING tek, rolling_start, rolling_period, report_type, days_since_onset",
                &[&region],
            )
            .await?;
        for row in &unsealed {
            keys.push(key_row(row).try_into()?);
        }
    }
    Ok(keys)
}

/// Leaves out of `due` what is in an export already.
async fn leave_out_published(
    tx: &Transaction<'_>,
    region: &str,
    due: &mut Vec<DiagnosisKey>,
) -> Result<(), StoreError> {
    let teks: Vec<&[u8]> = due
        .iter()
        .map(|key| key.tek.expose_bytes().as_slice())
        .collect();
    let published = tx
        .query(
            "SELECT tek, rolling_start, rolling_period, report_type, days_since_onset
             FROM diagnosis_key WHERE region = $1 AND tek = ANY($2)",
            &[&region, &teks],
        )
        .await?;
    let published = published
        .iter()
        .map(|row| Ok(plan::identity(&DiagnosisKey::try_from(key_row(row))?)))
        .collect::<Result<BTreeSet<_>, StoreError>>()?;
    due.retain(|key| !published.contains(&plan::identity(key)));
    Ok(())
}

async fn insert(
    tx: &deadpool_postgres::Transaction<'_>,
    region: &str,
    export: i64,
    row: &Row,
) -> Result<(), StoreError> {
    let statement = tx
        .prepare_cached(
            "INSERT INTO diagnosis_key
                 (region, tek, rolling_start, rolling_period, report_type, days_since_onset,
                  export)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .await?;
    tx.execute(
        &statement,
        &[
            &region,
            &row.tek,
            &row.rolling_start,
            &row.rolling_period,
            &row.report_type,
            &row.days_since_onset,
            &export,
        ],
    )
    .await?;
    Ok(())
}

/// When the region's newest export was made.
async fn newest_end(tx: &Transaction<'_>, region: &str) -> Result<Option<i64>, StoreError> {
    let row = tx
        .query_one(
            "SELECT max(end_time) FROM export WHERE region = $1",
            &[&region],
        )
        .await?;
    Ok(row.get(0))
}

fn key_row(row: &PostgresRow) -> Row {
    Row {
        tek: row.get(0),
        rolling_start: row.get(1),
        rolling_period: row.get(2),
        report_type: row.get(3),
        days_since_onset: row.get(4),
    }
}

pub(super) async fn pending(database: &Postgres, region: &str) -> Result<Vec<Batch>, StoreError> {
    let rows = database
        .get()
        .await?
        .query(
            "SELECT number, batch_num, batch_size, start_time, end_time FROM export
             WHERE region = $1 AND state = $2 ORDER BY number",
            &[&region, &state::PENDING],
        )
        .await?;
    rows.iter()
        .map(|row| super::batch(row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)))
        .collect()
}

pub(super) async fn keys(
    database: &Postgres,
    region: &str,
    number: i64,
) -> Result<Vec<DiagnosisKey>, StoreError> {
    let rows = database
        .get()
        .await?
        .query(
            "SELECT tek, rolling_start, rolling_period, report_type, days_since_onset
             FROM diagnosis_key WHERE region = $1 AND export = $2
             ORDER BY tek, rolling_start, rolling_period",
            &[&region, &number],
        )
        .await?;
    rows.iter()
        .map(|row| DiagnosisKey::try_from(key_row(row)))
        .collect()
}

pub(super) async fn publish(
    database: &Postgres,
    region: &str,
    holder: Holder,
    files: Vec<(i64, Sha256)>,
) -> Result<(), StoreError> {
    let mut client = database.get().await?;
    let tx = client.transaction().await?;
    check_lease(&tx, &holder).await?;
    for (number, sha256) in &files {
        tx.execute(
            "UPDATE export SET state = $1, sha256 = $2
             WHERE region = $3 AND number = $4 AND state = $5",
            &[
                &state::LISTED,
                &sha256.as_slice(),
                &region,
                number,
                &state::PENDING,
            ],
        )
        .await?;
    }
    Ok(tx.commit().await?)
}

pub(super) async fn keep_hash(
    database: &Postgres,
    region: &str,
    number: i64,
    sha256: Sha256,
) -> Result<(), StoreError> {
    database
        .get()
        .await?
        .execute(
            "UPDATE export SET sha256 = $1 WHERE region = $2 AND number = $3",
            &[&sha256.as_slice(), &region, &number],
        )
        .await?;
    Ok(())
}

pub(super) async fn sequence(database: &Postgres, region: &str) -> Result<i64, StoreError> {
    let row = database
        .get()
        .await?
        .query_opt("SELECT sequence FROM listing WHERE region = $1", &[&region])
        .await?;
    Ok(row.map_or(0, |row| row.get(0)))
}

pub(super) async fn next_sequence(
    database: &Postgres,
    region: &str,
    holder: Holder,
    least: i64,
) -> Result<i64, StoreError> {
    let mut client = database.get().await?;
    let tx = client.transaction().await?;
    check_lease(&tx, &holder).await?;
    let row = tx
        .query_one(
            "INSERT INTO listing (region, sequence) VALUES ($1, $2)
             ON CONFLICT (region) DO UPDATE
             SET sequence = greatest(listing.sequence + 1, excluded.sequence)
             RETURNING sequence",
            &[&region, &least],
        )
        .await?;
    tx.commit().await?;
    Ok(row.get(0))
}

pub(super) async fn next_number(
    database: &Postgres,
    region: &str,
) -> Result<Option<i64>, StoreError> {
    let row = database
        .get()
        .await?
        .query_opt(
            "SELECT next_number FROM publication WHERE region = $1",
            &[&region],
        )
        .await?;
    Ok(row.map(|row| row.get(0)))
}

pub(super) async fn take_up(
    database: &Postgres,
    region: &str,
    holder: Holder,
    published: Option<Published>,
    next: i64,
) -> Result<bool, StoreError> {
    let mut client = database.get().await?;
    let tx = client.transaction().await?;
    check_lease(&tx, &holder).await?;
    let mut end = 0;
    if let Some(Published { listed, keys }) = published {
        let batch = listed.batch;
        let is_published = tx
            .prepare_cached(
                "SELECT 1 FROM diagnosis_key
                 WHERE region = $1 AND tek = $2 AND rolling_start = $3
                   AND rolling_period = $4 AND export IS NOT NULL",
            )
            .await?;
        for key in &keys {
            let row = Row::from(key);
            let found = tx
                .query_opt(
                    &is_published,
                    &[&region, &row.tek, &row.rolling_start, &row.rolling_period],
                )
                .await?;
            if found.is_some() {
                return Ok(false);
            }
        }
        end = seconds(batch.end);
        let (num, size) = (i64::from(batch.batch_num), i64::from(batch.batch_size));
        tx.execute(
            "INSERT INTO export (region, number, batch_num, batch_size, start_time, end_time,
                                 state, sha256)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                &region,
                &batch.number,
                &num,
                &size,
                &seconds(batch.start),
                &end,
                &state::LISTED,
                &listed.sha256.as_ref().map(<[u8; 32]>::as_slice),
            ],
        )
        .await?;
        let waits = tx
            .prepare_cached(
                "DELETE FROM diagnosis_key
                 WHERE region = $1 AND tek = $2 AND rolling_start = $3
                   AND rolling_period = $4 AND export IS NULL",
            )
            .await?;
        for key in &keys {
            let row = Row::from(key);
            // One that an earlier version left waiting unsealed waits no more.
            tx.execute(
                &waits,
                &[&region, &row.tek, &row.rolling_start, &row.rolling_period],
            )
            .await?;
            insert(&tx, region, batch.number, &row).await?;
        }
    }
    tx.execute(
        "INSERT INTO publication (region, slot, time, next_number) VALUES ($1, 0, $2, $3)
         ON CONFLICT (region) DO UPDATE
         SET time = greatest(publication.time, excluded.time),
             next_number = greatest(publication.next_number, excluded.next_number)",
        &[&region, &end, &next],
    )
    .await?;
    tx.commit().await?;
    Ok(true)
}

pub(super) async fn order(database: &Postgres, region: &str) -> Result<(), StoreError> {
    database
        .get()
        .await?
        .execute(
            "UPDATE publication SET slot = $1 WHERE region = $2",
            &[&ORDERED, &region],
        )
        .await?;
    Ok(())
}

pub(super) async fn listed(database: &Postgres, region: &str) -> Result<Vec<Listed>, StoreError> {
    let rows = database
        .get()
        .await?
        .query(
            "SELECT number, batch_num, batch_size, start_time, end_time, sha256 FROM export
             WHERE region = $1 AND state = $2 ORDER BY number",
            &[&region, &state::LISTED],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Listed {
                batch: super::batch(row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))?,
                sha256: super::hash(row.get(5))?,
            })
        })
        .collect()
}

pub(super) async fn withdraw(
    database: &Postgres,
    region: &str,
    holder: Holder,
    before: UnixSeconds,
) -> Result<(), StoreError> {
    let mut client = database.get().await?;
    let tx = client.transaction().await?;
    check_lease(&tx, &holder).await?;
    tx.execute(
        "UPDATE export SET state = $1 WHERE region = $2 AND state = $3 AND end_time < $4",
        &[&state::WITHDRAWN, &region, &state::LISTED, &seconds(before)],
    )
    .await?;
    Ok(tx.commit().await?)
}

pub(super) async fn withdrawn(database: &Postgres, region: &str) -> Result<Vec<i64>, StoreError> {
    let rows = database
        .get()
        .await?
        .query(
            "SELECT number FROM export WHERE region = $1 AND state = $2 ORDER BY number",
            &[&region, &state::WITHDRAWN],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub(super) async fn forget(
    database: &Postgres,
    region: &str,
    number: i64,
) -> Result<(), StoreError> {
    let mut client = database.get().await?;
    let tx = client.transaction().await?;
    tx.execute(
        "DELETE FROM diagnosis_key WHERE region = $1 AND export = $2",
        &[&region, &number],
    )
    .await?;
    tx.execute(
        "DELETE FROM export WHERE region = $1 AND number = $2 AND state = $3",
        &[&region, &number, &state::WITHDRAWN],
    )
    .await?;
    Ok(tx.commit().await?)
}

pub(super) async fn expire(database: &Postgres, before: UnixSeconds) -> Result<(), StoreError> {
    let client = database.get().await?;
    client
        .execute(
            "DELETE FROM registration WHERE day < $1",
            &[&i64::from(before.utc_day().get())],
        )
        .await?;
    Ok(())
}
