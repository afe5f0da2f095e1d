//! The database file: opening it, refusing what is not ours to touch, and taking
//! a damaged one apart and together again.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::error::is_damage;
use super::retention::empty_log;
use super::walk::{Row, Table, for_each_row};
use super::{SEGMENT, StoreError, files, schema};

/// How long to wait for a reader to let go of the write-ahead log.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The log is cut back to this many bytes when it was longer.
const LOG_LIMIT: u32 = 1 << 20;

/// Opens the database at `path`, creating it when there is none, brings it to the
/// present schema and, when pages of it are damaged, saves what can be saved.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    check_header(path)?;
    create_file(path)?;
    let mut conn = connect(path)?;
    check_version(&conn)?;
    if !is_sound(&conn)? {
        tracing::error!("the database is damaged; saving what can be read");
        conn = rebuild(conn, path)?;
    }
    migrate(&mut conn)?;
    Ok(conn)
}

/// A connection that only reads, for use beside the one that writes.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    // Read-write at the file level, since a reader has its marks in the log's index.
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    configure(&conn)?;
    conn.pragma_update(None, "query_only", true)?;
    // The log is the writer's to tidy up; a reader that outlives its database must
    // not remove the log of the next one at the same place.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(conn)
}

/// Destroys the database at `path` and the files beside it. A reader may still
/// have it open, and will find nothing in it.
pub(super) fn destroy(path: &Path) -> Result<(), StoreError> {
    // The index of the log holds page numbers alone, and is mapped into memory by
    // whoever has it open: it must not shrink.
    let index = with_suffix(path, "-shm");
    files::remove(&index).map_err(io_error(&index))?;
    let log = with_suffix(path, "-wal");
    files::destroy(&log).map_err(io_error(&log))?;
    files::destroy(path).map_err(io_error(path))
}

/// An I/O error at `path`.
pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| StoreError::Io { path, source }
}

/// Refuses foreign and newer databases by the file's header alone, before SQLite
/// gets to touch anything.
fn check_header(path: &Path) -> Result<(), StoreError> {
    // Offsets in the database header (SQLite file format, section 1.3).
    const USER_VERSION: usize = 60;
    const APPLICATION_ID: usize = 68;
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";

    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_error(path)(error)),
    };
    let mut header = [0; 100];
    match file.read_exact_at(&mut header, 0) {
        Ok(()) => {}
        // Made, but never written to.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let length = file.metadata().map_err(io_error(path))?.len();
            return if length == 0 {
                Ok(())
            } else {
                Err(StoreError::malformed())
            };
        }
        Err(error) => return Err(io_error(path)(error)),
    }
    if !header.starts_with(MAGIC) {
        return Err(StoreError::malformed());
    }
    let number = |at: usize| {
        let bytes = header[at..at + 4].try_into();
        u32::from_be_bytes(bytes.expect("four bytes"))
    };
    check_identity(number(APPLICATION_ID), number(USER_VERSION))
}

/// The same once more, with what the write-ahead log says.
fn check_version(conn: &Connection) -> Result<(), StoreError> {
    let number = |name| conn.pragma_query_value(None, name, |row| row.get(0));
    let refusal = check_identity(number("application_id")?, number("user_version")?);
    if refusal.is_err() {
        // Closing must not carry the log into the database either.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    refusal
}

fn check_identity(application_id: u32, version: u32) -> Result<(), StoreError> {
    match (application_id, version) {
        // Created, but the first migration never took place.
        (0, 0) => Ok(()),
        (schema::APPLICATION_ID, found) if found > schema::VERSION => {
            Err(StoreError::NewerSchema {
                found,
                known: schema::VERSION,
            })
        }
        (schema::APPLICATION_ID, _) => Ok(()),
        _ => Err(StoreError::Foreign),
    }
}

fn create_file(path: &Path) -> Result<(), StoreError> {
    match files::create_private(path, &[]) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io_error(path)(error)),
    }
    // SQLite gives the files beside it the same mode.
    if files::is_open_to_others(&fs::metadata(path).map_err(io_error(path))?) {
        let private = fs::Permissions::from_mode(files::PRIVATE_FILE);
        fs::set_permissions(path, private).map_err(io_error(path))?;
    }
    Ok(())
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    configure(&conn)?;
    // Acknowledged means on the disk.
    conn.pragma_update(None, "synchronous", "FULL")?;
    // What is deleted is overwritten with zeros.
    conn.pragma_update(None, "secure_delete", true)?;
    conn.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    Ok(conn)
}

fn configure(conn: &Connection) -> Result<(), StoreError> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // No temporary files: they would be outside the state folder.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "trusted_schema", false)?;
    // Damage is to be noticed, not followed.
    conn.pragma_update(None, "cell_size_check", true)?;
    Ok(())
}

fn migrate(conn: &mut Connection) -> Result<(), StoreError> {
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Sqlite(rusqlite::Error::InvalidQuery));
    }
    let version: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == schema::VERSION {
        return Ok(());
    }
    to_latest(conn)?;
    // From here on, the header alone tells an older version to keep off.
    empty_log(conn)?;
    Ok(())
}

fn to_latest(conn: &mut Connection) -> Result<(), StoreError> {
    schema::MIGRATIONS.to_latest(conn).map_err(|error| {
        if let rusqlite_migration::Error::RusqliteError { err, .. } = error {
            err.into()
        } else {
            // The migrations themselves are at fault; a test sees to them.
            StoreError::Sqlite(rusqlite::Error::InvalidQuery)
        }
    })
}

/// Whether all pages hang together. That costs one reading of the file.
fn is_sound(conn: &Connection) -> Result<bool, StoreError> {
    let verdict: Result<String, _> = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match verdict {
        Ok(verdict) => Ok(verdict == "ok"),
        Err(error) if is_damage(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Every table and what to copy of it.
const TABLES: [Table; 14] = [
    table("secret", "id", "secret, key_check, erasing"),
    table("secret_copy", "id", "secret, key_check, erasing"),
    table("encounter_key", "day", "wrapped"),
    table("encounter_key_copy", "day", "wrapped"),
    table("exposure_key", "day", "wrapped"),
    table("exposure_key_copy", "day", "wrapped"),
    super::walk::SEGMENTS,
    table("exposure", "day", "sealed"),
    table("tek", "day", "sealed"),
    table(REGISTRATION, "id", "sealed"),
    table("consent", "id", "sealed"),
    table(LISTED_EXPORT, "id", "sealed"),
    table("check_record", "id", "sealed"),
    table("meta", "rowid", "name, sealed"),
];

/// The table that schema 2 added.
const REGISTRATION: &str = "registration";
/// The table that schema 3 added.
const LISTED_EXPORT: &str = "listed_export";

/// The tables that have a copy, with `_copy` after their name.
const KEPT_TWICE: [&str; 3] = ["secret", "encounter_key", "exposure_key"];

const fn table(name: &'static str, key: &'static str, columns: &'static str) -> Table {
    Table { name, key, columns }
}

/// Copies all rows that can be read into a new file, and puts that in the place of
/// the damaged one. When that fails, the damaged one stays as it is.
fn rebuild(damaged: Connection, path: &Path) -> Result<Connection, StoreError> {
    let draft_path = with_suffix(path, ".rebuilt");
    destroy(&draft_path)?;
    files::create_private(&draft_path, &[]).map_err(io_error(&draft_path))?;
    let mut draft = connect(&draft_path)?;
    to_latest(&mut draft)?;
    let transaction = draft.transaction()?;
    let version: u32 = damaged.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for table in &TABLES {
        let since = match table.name {
            REGISTRATION => 2,
            LISTED_EXPORT => 3,
            _ => 1,
        };
        if version < since {
            continue;
        }
        copy_table(&damaged, &transaction, table)?;
    }
    for name in KEPT_TWICE {
        transaction.execute_batch(&format!(
            "INSERT OR IGNORE INTO {name} SELECT * FROM {name}_copy;
             INSERT OR IGNORE INTO {name}_copy SELECT * FROM {name};"
        ))?;
    }
    let openable: bool =
        transaction.query_row("SELECT EXISTS (SELECT 1 FROM secret)", [], |row| row.get(0))?;
    transaction.commit()?;
    draft.close().map_err(|(_, error)| error)?;
    if !openable {
        // Nothing in the copy could ever be read.
        destroy(&draft_path)?;
        return Err(StoreError::malformed());
    }

    // A log left beside the new file would be taken for its own.
    if !empty_log(&damaged)? {
        return Err(StoreError::Busy);
    }
    damaged.close().map_err(|(_, error)| error)?;
    let mut old = File::options()
        .write(true)
        .open(path)
        .map_err(io_error(path))?;
    fs::rename(&draft_path, path).map_err(io_error(path))?;
    if let Some(dir) = path.parent() {
        files::sync_dir(dir).map_err(io_error(dir))?;
    }
    // It holds wrapped keys that nothing would destroy any more.
    files::overwrite(&mut old).map_err(io_error(path))?;
    connect(path)
}

fn copy_table(from: &Connection, to: &Connection, table: &Table) -> Result<(), StoreError> {
    let Table { name, key, columns } = table;
    let count = columns.split(',').count();
    let places = vec![", ?"; count].concat();
    let mut insert = to.prepare(&format!(
        "INSERT INTO {name} ({key}, {columns}) VALUES (?{places})"
    ))?;
    for_each_row(from, table, (0, i64::MAX), &mut |row| {
        match row {
            Row::Found(_, row) => {
                let values: Vec<Value> = (0..=count)
                    .map(|column| row.get(column))
                    .collect::<Result<_, _>>()?;
                insert.execute(params_from_iter(values))?;
            }
            // Keeps the loss visible also where no later segment shows the gap.
            Row::Unreadable(key) if *name == SEGMENT => {
                insert.execute((key, [0_u8; 0]))?;
            }
            Row::Unreadable(_) => {}
        }
        Ok(())
    })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_saved_from_a_damaged_database() {
        let mut conn = Connection::open_in_memory().unwrap();
        to_latest(&mut conn).unwrap();
        let mut tables: Vec<String> = conn
            .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        tables.sort();
        let mut saved = TABLES.map(|table| table.name.to_owned());
        saved.sort();
        assert_eq!(tables, saved);
    }
}
