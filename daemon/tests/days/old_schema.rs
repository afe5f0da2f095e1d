//! Takes a database back to the form in which an earlier version wrote it, so that it can be
//! upgraded in the middle of a life.
//!
//! What the tables hold is as it was; what changed are the tables themselves, the keys that
//! everything is sealed with, the names of a few values, and the files beside the database.
//! A database that an earlier version itself wrote is in daemon/tests/store/schema-1.

use std::fs;
use std::path::Path;

use hkdf::Hkdf;
use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use sha2::Sha256;

const PAGE: usize = 4096;

/// What keys of a database seal, by the names that they are derived for.
struct Keys {
    secret: Vec<u8>,
    input: Vec<u8>,
    context: &'static [u8],
}

impl Keys {
    fn key(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(&self.secret), &self.input)
            .expand_multi_info(&[self.context, purpose.as_bytes()], &mut key)
            .unwrap();
        key
    }
}

fn place(table: &str, id: &[u8]) -> Vec<u8> {
    [table.as_bytes(), &[0], id].concat()
}

/// Takes the database in `dir`, which nobody has open, back to schema 2, 3 or 4.
pub(crate) fn take_back(dir: &Path, schema: u32) {
    assert!((2..=4).contains(&schema));
    let conn = Connection::open(dir.join("store.db")).unwrap();
    conn.execute_batch("BEGIN IMMEDIATE; DROP TABLE schema_number;")
        .unwrap();
    if schema < 4 {
        let device_key = fs::read(dir.join("device.key")).unwrap();
        let secret = conn
            .query_row("SELECT secret FROM secret", [], |row| row.get(0))
            .unwrap();
        let old = Keys {
            secret,
            input: device_key,
            context: b"sesshoku store 1 ",
        };
        let new = Keys {
            secret: old.secret.clone(),
            input: [&old.input[..], &wrapping_secret(dir)].concat(),
            context: b"sesshoku store 2 ",
        };
        forget_meta(&conn, &["store.settled", "store.salvaged"]);
        if schema < 3 {
            forget_lists(&conn, &new);
        }
        reseal(&conn, &new, &old);
    }
    conn.pragma_update(None, "user_version", schema).unwrap();
    conn.execute_batch("COMMIT").unwrap();
    conn.close().unwrap();
    if schema < 4 {
        fs::remove_file(dir.join("wrapping.key")).unwrap();
        fs::write(dir.join("check"), "at-rest\n").unwrap();
    }
    if schema < 3 {
        fs::remove_file(dir.join("check")).unwrap();
    }
}

/// The schema of the database in `dir`.
pub(crate) fn schema_of(dir: &Path) -> u32 {
    let conn = Connection::open(dir.join("store.db")).unwrap();
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// The secret that is in force: of two there may be after an interruption, there is one.
fn wrapping_secret(dir: &Path) -> Vec<u8> {
    let file = fs::read(dir.join("wrapping.key")).unwrap();
    let pages = file.chunks(PAGE).map(|page| &page[..32]);
    let mut secrets: Vec<&[u8]> = pages.filter(|secret| **secret != [0; 32]).collect();
    secrets.dedup();
    assert_eq!(secrets.len(), 1);
    secrets[0].to_vec()
}

/// Until schema 2 nothing was kept of what lists named, and of checks no more than when
/// the last complete one ended, and how each went.
fn forget_lists(conn: &Connection, keys: &Keys) {
    let key = keys.key("rows");
    let name = "store.checks";
    let sealed: Option<Vec<u8>> = conn
        .query_row("SELECT sealed FROM meta WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .optional()
        .unwrap();
    if let Some(sealed) = sealed {
        let checks = seal::open(&key, &place("meta", name.as_bytes()), &sealed).unwrap();
        let checks: Value = serde_json::from_slice(&checks).unwrap();
        put_meta(
            conn,
            &key,
            "store.last-success",
            &checks["last_success"].to_string(),
        );
    }
    let name = "store.clock";
    let clock: Vec<u8> = conn
        .query_row("SELECT sealed FROM meta WHERE name = ?1", [name], |row| {
            row.get(0)
        })
        .unwrap();
    let clock = seal::open(&key, &place("meta", name.as_bytes()), &clock).unwrap();
    let clock: Value = serde_json::from_slice(&clock).unwrap();
    let clock = json!({ "purged": clock["purged"], "leapt": null });
    put_meta(conn, &key, name, &clock.to_string());
    forget_meta(conn, &["store.checks", "sync.signed-list", "sync.notices"]);
    conn.execute_batch(
        "DROP TABLE listed_export;
         CREATE TABLE export_record (
             id     INTEGER PRIMARY KEY,
             sealed BLOB NOT NULL
         ) STRICT;",
    )
    .unwrap();
}

fn forget_meta(conn: &Connection, names: &[&str]) {
    for name in names {
        conn.execute("DELETE FROM meta WHERE name = ?1", [name])
            .unwrap();
    }
}

fn put_meta(conn: &Connection, key: &[u8; 32], name: &str, value: &str) {
    let sealed = seal::seal(key, &place("meta", name.as_bytes()), value.as_bytes()).unwrap();
    conn.execute(
        "INSERT OR REPLACE INTO meta (name, sealed) VALUES (?1, ?2)",
        params![name, sealed],
    )
    .unwrap();
}

/// Seals with `to` everything that is sealed with `from`.
fn reseal(conn: &Connection, from: &Keys, to: &Keys) {
    let numbered = |table, id, value, named, purpose| {
        let place = |id: &i64| place(named, &id.to_be_bytes());
        reseal_column(conn, [table, id, value], from, to, purpose, place)
    };
    let mut values = 0;
    for table in ["secret", "secret_copy"] {
        values += numbered(table, "id", "key_check", "secret", "check");
    }
    for (table, named) in [
        ("encounter_key", "encounter_key"),
        ("encounter_key_copy", "encounter_key"),
        ("exposure_key", "exposure_key"),
        ("exposure_key_copy", "exposure_key"),
    ] {
        values += numbered(table, "day", "wrapped", named, "day keys");
    }
    values += numbered("tek", "day", "sealed", "tek", "own keys");
    for table in ["consent", "check_record", "registration"] {
        values += numbered(table, "id", "sealed", table, "rows");
    }
    let has_lists: bool = conn
        .query_row(
            "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'listed_export')",
            [],
            |row| row.get(0),
        )
        .unwrap();
    if has_lists {
        values += numbered("listed_export", "id", "sealed", "listed_export", "rows");
    }
    let named = |name: &String| place("meta", name.as_bytes());
    values += reseal_column(conn, ["meta", "name", "sealed"], from, to, "rows", named);
    assert!(values > 10, "hardly anything was sealed");
}

/// Returns how many values there were.
fn reseal_column<I: FromSql + ToSql>(
    conn: &Connection,
    [table, id, value]: [&str; 3],
    from: &Keys,
    to: &Keys,
    purpose: &str,
    place: impl Fn(&I) -> Vec<u8>,
) -> usize {
    let (from, to) = (from.key(purpose), to.key(purpose));
    let mut select = conn
        .prepare(&format!("SELECT {id}, {value} FROM {table}"))
        .unwrap();
    let rows: Vec<(I, Vec<u8>)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (id_of_row, sealed) in &rows {
        let place = place(id_of_row);
        let opened = seal::open(&from, &place, sealed).expect("it is sealed with these keys");
        conn.execute(
            &format!("UPDATE {table} SET {value} = ?1 WHERE {id} = ?2"),
            params![seal::seal(&to, &place, &opened).unwrap(), id_of_row],
        )
        .unwrap();
    }
    rows.len()
}
