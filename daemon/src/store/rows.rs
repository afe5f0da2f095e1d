//! The small rows: consent, own TEKs, registration, listed exports, checks, and
//! values by name. JSON inside, padded, sealed for their table and key.

use std::collections::BTreeMap;

use gaen::diagnosis::RollingPeriod;
use gaen::key::{KEY_LEN, Tek};
use gaen::time::{INTERVALS_PER_DAY, UnixSeconds, UtcDay};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sesshoku_core::records::{
    CheckOutcome, CheckRecord, Consent, OwnKey, RegistrationRecord, Standing, UsedIntervals,
};
use sesshoku_core::verdict::{CheckMemory, Ledger, ListedExport};
use zeroize::Zeroizing;

use super::StoreError;
use super::seal::{Keys, Place, SealingKey};
use super::segment::SegmentId;

/// Length of an own key in its stored form: the TEK, the offset of its start in the
/// day, its period (0 where there is no key), its standing, its used intervals.
const OWN_KEY_LEN: usize = KEY_LEN + 3 + UsedIntervals::LEN;
/// Length of a day's own key as schema 1 had it: the TEK and its used intervals.
const OWN_KEY_LEN_1: usize = KEY_LEN + UsedIntervals::LEN;
/// A day's own keys are padded to a multiple of this many, so that nobody sees which
/// days had more than one: only those on which somebody registered as positive do.
const OWN_KEYS_BUCKET: usize = 8;
/// Small rows are padded to a multiple of this many bytes, so that their length
/// does not tell one outcome from another.
const ROW_BUCKET: usize = 256;
/// The same for what is known of registering, which holds up to thirty keys or none.
const REGISTRATION_BUCKET: usize = 8_192;
const REGISTRATION_ID: i64 = 1;
/// How many checks are remembered at most.
const CHECKS_KEPT: i64 = 256;
const CONSENT_ID: i64 = 1;
/// The tables of small rows: an id, and a value that is sealed for table and id.
pub(super) const ROW_TABLES: [&str; 4] = ["consent", LISTED_EXPORT, "check_record", "registration"];
/// The name of the value that held the time of the last complete check in schema 2.
const LAST_SUCCESS: &str = "store.last-success";
/// The name of the value that holds what is remembered of checks.
const CHECK_MEMORY: &str = "store.checks";
const LISTED_EXPORT: &str = "listed_export";

pub(super) fn consent(conn: &Connection, keys: &Keys) -> Result<Option<Consent>, StoreError> {
    let sealed: Option<Vec<u8>> = conn
        .query_row("SELECT sealed FROM consent", [], |row| row.get(0))
        .optional()?;
    // Unreadable agreement is none: nothing runs, and it is asked for again.
    Ok(
        sealed
            .and_then(|sealed| open_json(&keys.rows, &Place::row("consent", CONSENT_ID), &sealed)),
    )
}

pub(super) fn set_consent(
    conn: &Connection,
    keys: &Keys,
    consent: Option<&Consent>,
) -> Result<(), StoreError> {
    conn.execute("DELETE FROM consent", [])?;
    if let Some(consent) = consent {
        let sealed = seal_json(
            &keys.rows,
            &Place::row("consent", CONSENT_ID),
            consent,
            padded_row,
        )?;
        conn.execute(
            "INSERT INTO consent (id, sealed) VALUES (?1, ?2)",
            params![CONSENT_ID, sealed],
        )?;
    }
    Ok(())
}

pub(super) fn own_keys(conn: &Connection, keys: &Keys) -> Result<Vec<OwnKey>, StoreError> {
    let rows: Vec<(u32, Vec<u8>)> = conn
        .prepare_cached("SELECT day, sealed FROM tek ORDER BY day")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let own_keys = rows.into_iter();
    Ok(own_keys
        .flat_map(|(day, sealed)| open_own_keys(keys, UtcDay::new(day), &sealed))
        .collect())
}

pub(super) fn own_keys_of(
    conn: &Connection,
    keys: &Keys,
    day: UtcDay,
) -> Result<Vec<OwnKey>, StoreError> {
    let sealed: Option<Vec<u8>> = conn
        .prepare_cached("SELECT sealed FROM tek WHERE day = ?1")?
        .query_row([day.get()], |row| row.get(0))
        .optional()?;
    Ok(sealed.map_or_else(Vec::new, |sealed| open_own_keys(keys, day, &sealed)))
}

/// Keeps `key` beside the others of its day, in the place of what was known of it.
pub(super) fn put_own_key(conn: &Connection, keys: &Keys, key: &OwnKey) -> Result<(), StoreError> {
    let mut of_day = own_keys_of(conn, keys, key.day)?;
    match of_day.iter_mut().find(|known| known.tek == key.tek) {
        Some(known) => *known = key.clone(),
        None => of_day.push(key.clone()),
    }
    let places = of_day.len().next_multiple_of(OWN_KEYS_BUCKET);
    let mut plain = Zeroizing::new(vec![0; places * OWN_KEY_LEN]);
    for (place, key) in plain.chunks_exact_mut(OWN_KEY_LEN).zip(&of_day) {
        write_own_key(place, key)?;
    }
    let sealed = keys
        .teks
        .seal(&Place::day("tek", key.day), plain.as_slice())?;
    conn.execute(
        "INSERT INTO tek (day, sealed) VALUES (?1, ?2)
         ON CONFLICT (day) DO UPDATE SET sealed = excluded.sealed",
        params![key.day.get(), sealed],
    )?;
    Ok(())
}

/// Notes that the server has those of the own keys whose TEKs are `sent`.
pub(super) fn mark_sent(conn: &Connection, keys: &Keys, sent: &[Tek]) -> Result<(), StoreError> {
    for mut key in own_keys(conn, keys)? {
        if sent.contains(&key.tek) {
            key.standing = Standing::Sent;
            put_own_key(conn, keys, &key)?;
        }
    }
    Ok(())
}

pub(super) fn registration(
    conn: &Connection,
    keys: &Keys,
) -> Result<RegistrationRecord, StoreError> {
    let sealed: Option<Vec<u8>> = conn
        .query_row("SELECT sealed FROM registration", [], |row| row.get(0))
        .optional()?;
    let place = Place::row("registration", REGISTRATION_ID);
    Ok(sealed
        .and_then(|sealed| open_json(&keys.rows, &place, &sealed))
        .unwrap_or_default())
}

pub(super) fn put_registration(
    conn: &Connection,
    keys: &Keys,
    record: &RegistrationRecord,
) -> Result<(), StoreError> {
    let place = Place::row("registration", REGISTRATION_ID);
    let padded = |length: usize| length.next_multiple_of(REGISTRATION_BUCKET);
    let sealed = seal_json(&keys.rows, &place, record, padded)?;
    conn.execute(
        "INSERT INTO registration (id, sealed) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed",
        params![REGISTRATION_ID, sealed],
    )?;
    Ok(())
}

/// Puts down that there is no registration where nothing is put down, so that having
/// something here tells nobody that there was one.
pub(super) fn ensure_registration(conn: &Connection, keys: &Keys) -> Result<(), StoreError> {
    let exists: bool = conn.query_row("SELECT EXISTS (SELECT 1 FROM registration)", [], |row| {
        row.get(0)
    })?;
    if exists {
        return Ok(());
    }
    put_registration(conn, keys, &RegistrationRecord::default())
}

/// Everything that was ever listed.
pub(super) fn ledger(conn: &Connection, keys: &Keys) -> Result<Ledger, StoreError> {
    Ok(Ledger::new(list(conn, &keys.rows, LISTED_EXPORT)?))
}

/// Keeps `export` under `id`, in the place of what was there.
pub(super) fn put_listed_export(
    conn: &Connection,
    keys: &Keys,
    id: i64,
    export: &ListedExport,
) -> Result<(), StoreError> {
    let sealed = seal_json(
        &keys.rows,
        &Place::row(LISTED_EXPORT, id),
        export,
        padded_row,
    )?;
    conn.prepare_cached(
        "INSERT INTO listed_export (id, sealed) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed",
    )?
    .execute(params![id, sealed])?;
    Ok(())
}

/// Forgets the exports that cannot matter any more at `now`.
pub(super) fn forget_old_exports(
    conn: &Connection,
    keys: &Keys,
    now: UnixSeconds,
) -> Result<usize, StoreError> {
    let mut deleted = 0;
    for id in ledger(conn, keys)?.forget_old(now) {
        delete(conn, LISTED_EXPORT, id)?;
        deleted += 1;
    }
    Ok(deleted)
}

pub(super) fn check_records(
    conn: &Connection,
    keys: &Keys,
) -> Result<Vec<(i64, Option<CheckRecord>)>, StoreError> {
    list(conn, &keys.rows, "check_record")
}

/// Keeps `record`, and what it says together with what is remembered of the checks
/// before; `unrecorded` when there was one that could not be put down.
pub(super) fn put_check_record(
    conn: &Connection,
    keys: &Keys,
    record: &CheckRecord,
    looked_at: &[(UtcDay, u32)],
    unrecorded: bool,
) -> Result<(), StoreError> {
    let mut memory = check_memory(conn, keys)?;
    if unrecorded {
        memory.failures.insert(CheckOutcome::StorageFailed);
    }
    memory.note(record.outcome, record.ended, looked_at);
    put_meta_json(conn, keys, CHECK_MEMORY, &memory)?;
    let id = append(conn, &keys.rows, "check_record", record)?;
    conn.execute(
        "DELETE FROM check_record WHERE id <= ?1",
        [id.saturating_sub(CHECKS_KEPT)],
    )?;
    Ok(())
}

/// What is remembered of checks.
pub(super) fn check_memory(conn: &Connection, keys: &Keys) -> Result<CheckMemory, StoreError> {
    if let Some(memory) = meta_json(conn, keys, CHECK_MEMORY)? {
        return Ok(memory);
    }
    // As schema 2 had it.
    let mut memory = CheckMemory::default();
    for (_, record) in check_records(conn, keys)? {
        if let Some(record) = record {
            memory.note(record.outcome, record.ended, &[]);
        }
    }
    memory.last_success = meta_json(conn, keys, LAST_SUCCESS)?;
    // Which cycles that one looked at was not kept. If none, all there are would count as
    // recorded after it, and so by a clock that was set back since.
    if memory.last_success.is_some() {
        memory.looked_at = last_cycles(conn)?;
    }
    Ok(memory)
}

/// The number of the last cycle of each day that has one.
fn last_cycles(conn: &Connection) -> Result<Vec<(UtcDay, u32)>, StoreError> {
    let mut last = BTreeMap::new();
    let mut ids = conn.prepare_cached("SELECT id FROM segment ORDER BY id")?;
    for id in ids.query_map([], |row| row.get(0))? {
        if let Some(id) = SegmentId::from_row(id?) {
            last.insert(id.day, id.number);
        }
    }
    Ok(last.into_iter().collect())
}

/// Deletes the records of checks that ended at `cutoff` or before, except the last, and
/// tells how many.
pub(super) fn retain_records(
    conn: &Connection,
    keys: &Keys,
    cutoff: UnixSeconds,
) -> Result<usize, StoreError> {
    let mut deleted = 0;
    let mut checks = check_records(conn, keys)?;
    checks.pop();
    for (id, record) in checks {
        if record.is_none_or(|record| record.ended <= cutoff) {
            delete(conn, "check_record", id)?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

pub(super) fn meta(
    conn: &Connection,
    keys: &Keys,
    name: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let sealed: Option<Vec<u8>> = conn
        .prepare_cached("SELECT sealed FROM meta WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(sealed.and_then(|sealed| keys.rows.open(&Place::named("meta", name), &sealed)))
}

pub(super) fn put_meta(
    conn: &Connection,
    keys: &Keys,
    name: &str,
    value: Option<&[u8]>,
) -> Result<(), StoreError> {
    let Some(value) = value else {
        conn.execute("DELETE FROM meta WHERE name = ?1", [name])?;
        return Ok(());
    };
    let sealed = keys.rows.seal(&Place::named("meta", name), value)?;
    conn.execute(
        "INSERT INTO meta (name, sealed) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
        params![name, sealed],
    )?;
    Ok(())
}

pub(super) fn meta_json<T: DeserializeOwned>(
    conn: &Connection,
    keys: &Keys,
    name: &str,
) -> Result<Option<T>, StoreError> {
    Ok(meta(conn, keys, name)?.and_then(|value| serde_json::from_slice(&value).ok()))
}

pub(super) fn put_meta_json<T: Serialize>(
    conn: &Connection,
    keys: &Keys,
    name: &str,
    value: &T,
) -> Result<(), StoreError> {
    put_meta(conn, keys, name, Some(&to_json(value)))
}

/// `value` as JSON, padded to the length that `padded` gives, and sealed.
pub(super) fn seal_json<T: Serialize>(
    key: &SealingKey,
    place: &Place,
    value: &T,
    padded: fn(usize) -> usize,
) -> Result<Vec<u8>, StoreError> {
    let mut json = to_json(value);
    let length = padded(json.len());
    // JSON may end in spaces.
    json.resize(length, b' ');
    key.seal(place, &json)
}

/// What [`seal_json`] sealed, or `None` when this is not it.
pub(super) fn open_json<T: DeserializeOwned>(
    key: &SealingKey,
    place: &Place,
    sealed: &[u8],
) -> Option<T> {
    let json = key.open(place, sealed)?;
    serde_json::from_slice(&json).ok()
}

fn to_json<T: Serialize>(value: &T) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(
        serde_json::to_vec(value).expect("stored types have no maps with keys other than text"),
    )
}

fn padded_row(length: usize) -> usize {
    length.next_multiple_of(ROW_BUCKET)
}

fn open_own_keys(keys: &Keys, day: UtcDay, sealed: &[u8]) -> Vec<OwnKey> {
    let plain = keys.teks.open(&Place::day("tek", day), sealed);
    let own_keys = plain.and_then(|plain| {
        if plain.len() == OWN_KEY_LEN_1 {
            return Some(vec![read_own_key_1(day, &plain)?]);
        }
        let places = plain.chunks_exact(OWN_KEY_LEN);
        places
            .filter(|place| place.get(KEY_LEN + 1) != Some(&0))
            .map(|place| read_own_key(day, place))
            .collect()
    });
    own_keys.unwrap_or_else(|| {
        tracing::error!(%day, "the day's own keys are damaged and lost");
        Vec::new()
    })
}

fn write_own_key(place: &mut [u8], key: &OwnKey) -> Result<(), StoreError> {
    let start = key.start.get().checked_sub(key.day.first_interval().get());
    let byte = |number: Option<u32>| {
        let byte = number.and_then(|number| u8::try_from(number).ok());
        byte.ok_or(StoreError::TooLarge)
    };
    let (tek, rest) = place.split_at_mut(KEY_LEN);
    let (numbers, used) = rest.split_at_mut(3);
    tek.copy_from_slice(key.tek.expose_bytes());
    numbers.copy_from_slice(&[
        byte(start)?,
        byte(Some(key.period.get()))?,
        match key.standing {
            Standing::InUse => 0,
            Standing::Retired => 1,
            Standing::Sent => 2,
        },
    ]);
    used.copy_from_slice(&key.used.to_bytes());
    Ok(())
}

fn read_own_key(day: UtcDay, place: &[u8]) -> Option<OwnKey> {
    let (tek, rest) = place.split_first_chunk::<KEY_LEN>()?;
    let ([start, period, standing], used) = rest.split_first_chunk()?;
    let start = u32::from(*start);
    let period = u32::from(*period);
    if start + period > INTERVALS_PER_DAY {
        return None;
    }
    Some(OwnKey {
        day,
        tek: Tek::from_bytes(*tek),
        start: day.first_interval().saturating_add(start),
        period: RollingPeriod::new(period)?,
        standing: match standing {
            0 => Standing::InUse,
            1 => Standing::Retired,
            2 => Standing::Sent,
            _ => return None,
        },
        used: UsedIntervals::from_bytes(used.try_into().ok()?),
    })
}

fn read_own_key_1(day: UtcDay, plain: &[u8]) -> Option<OwnKey> {
    let (tek, used) = plain.split_first_chunk::<KEY_LEN>()?;
    Some(OwnKey {
        day,
        tek: Tek::from_bytes(*tek),
        start: day.first_interval(),
        period: RollingPeriod::DAY,
        standing: Standing::InUse,
        used: UsedIntervals::from_bytes(used.try_into().ok()?),
    })
}

/// All rows of `table`, `None` where one does not open.
fn list<T: DeserializeOwned>(
    conn: &Connection,
    key: &SealingKey,
    table: &str,
) -> Result<Vec<(i64, Option<T>)>, StoreError> {
    let rows: Vec<(i64, Vec<u8>)> = conn
        .prepare_cached(&format!("SELECT id, sealed FROM {table} ORDER BY id"))?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    Ok(rows
        .into_iter()
        .map(|(id, sealed)| (id, open_json(key, &Place::row(table, id), &sealed)))
        .collect())
}

fn append<T: Serialize>(
    conn: &Connection,
    key: &SealingKey,
    table: &str,
    value: &T,
) -> Result<i64, StoreError> {
    let newest: Option<i64> =
        conn.query_row(&format!("SELECT max(id) FROM {table}"), [], |row| {
            row.get(0)
        })?;
    let id = newest.unwrap_or(0).saturating_add(1);
    let sealed = seal_json(key, &Place::row(table, id), value, padded_row)?;
    conn.execute(
        &format!("INSERT INTO {table} (id, sealed) VALUES (?1, ?2)"),
        params![id, sealed],
    )?;
    Ok(id)
}

fn delete(conn: &Connection, table: &str, id: i64) -> Result<(), StoreError> {
    conn.execute(&format!("DELETE FROM {table} WHERE id = ?1"), [id])?;
    Ok(())
}
