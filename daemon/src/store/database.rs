//! The database file: opening it, and refusing what is not ours to touch, or damaged.

use std::ffi::c_int;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::error::is_damage;
use super::pages::{PAGE, Pages, Value};
use super::retention::empty_log;
use super::{StoreError, files, schema};

/// What SQLite calls the database of a connection.
const MAIN: &str = "main";
/// How long to wait for a reader to let go of the write-ahead log.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// SQLite's file access that keeps every other process out, which the store does anyway,
/// and has the index of the write-ahead log in memory. As a file that index would be
/// mapped, and on a full disk a write to it ends the process (SIGBUS).
const FILE_ACCESS: &str = "unix-excl";
/// The log is cut back to this many bytes when it was longer.
const LOG_LIMIT: u32 = 1 << 20;

/// Opens the database at `path`, creating it when there is none, and brings it to the
/// present schema.
///
/// # Errors
/// [`StoreError::Damaged`] when its pages do not hang together.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    check_header(path)?;
    create_file(path)?;
    // As an earlier version left it.
    remove_index(path)?;
    let mut conn = connect(path)?;
    check_version(&conn, path)?;
    if !is_sound(&conn)? {
        return Err(StoreError::malformed());
    }
    migrate(&mut conn)?;
    Ok(conn)
}

/// A connection that only reads, for use beside the one that writes.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    // Read-write at the file level, since a reader has its marks in the log's index.
    let conn = Connection::open_with_flags_and_vfs(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        FILE_ACCESS,
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
    destroy_log(path)?;
    files::destroy(path).map_err(io_error(path))
}

/// Destroys the write-ahead log of the database at `path`, and its index.
pub(super) fn destroy_log(path: &Path) -> Result<(), StoreError> {
    remove_index(path)?;
    let log = log_of(path);
    files::destroy(&log).map_err(io_error(&log))
}

/// Removes the index of the log, which holds page numbers alone.
fn remove_index(path: &Path) -> Result<(), StoreError> {
    let index = with_suffix(path, "-shm");
    files::remove(&index).map_err(io_error(&index))
}

/// A copy of `database`, one in memory.
pub(super) fn copy_in_memory(database: &Connection) -> Result<Connection, StoreError> {
    let image = database.serialize(MAIN)?;
    let mut copy = Connection::open_in_memory()?;
    copy.deserialize_read_exact(MAIN, &*image, image.len(), true)?;
    Ok(copy)
}

/// Writes `database`, one in memory, over what is at `path`. See [`files::write_over`]
/// for when that needs no room.
pub(super) fn write_over(path: &Path, database: &Connection) -> Result<(), StoreError> {
    // "File format write version" and read version (SQLite file format, section 1.3):
    // 2 stands for a write-ahead log, so that opening it has nothing to write.
    const VERSIONS: Range<usize> = 18..20;
    let mut image = database.serialize(MAIN)?.to_vec();
    image[VERSIONS].fill(2);
    destroy_log(path)?;
    files::write_over(path, &image).map_err(io_error(path))
}

/// Where the write-ahead log of the database at `path` is.
pub(super) fn log_of(path: &Path) -> PathBuf {
    with_suffix(path, "-wal")
}

/// An I/O error at `path`.
pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> StoreError + use<> {
    let path = path.to_owned();
    move |source| {
        if files::is_full(&source) {
            StoreError::DiskFull
        } else {
            StoreError::Io { path, source }
        }
    }
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
    match check_identity(number(APPLICATION_ID), number(USER_VERSION)) {
        // The header is damaged, unless it is another program's.
        Err(StoreError::Foreign) if has_our_tables(&file) => Err(StoreError::malformed()),
        Err(newer @ StoreError::NewerSchema { .. }) => Err(newer_or_damaged(path, newer)?),
        other => other,
    }
}

/// `newer`, unless the header's number is not what was written: a newer version has its
/// number in a row as well. That row is looked for past SQLite, so that whatever else is
/// damaged, a newer version's database is left to that version.
fn newer_or_damaged(path: &Path, newer: StoreError) -> Result<StoreError, StoreError> {
    let pages = Pages::open(path, &log_of(path)).map_err(io_error(path))?;
    let mut is_newer = false;
    pages
        .for_each_row(&mut |row| {
            if let [Value::Null, Value::Integer(number)] = row.columns.as_slice() {
                is_newer |= *number > i64::from(schema::VERSION);
            }
            Ok(())
        })
        .map_err(|error: io::Error| io_error(path)(error))?;
    Ok(if is_newer {
        newer
    } else {
        StoreError::malformed()
    })
}

/// Whether the file's first page names a table as only our schema does.
fn has_our_tables(file: &File) -> bool {
    const NAME: &[u8] = b"CREATE TABLE encounter_key";
    let mut page = [0; PAGE];
    let read = file.read_at(&mut page, 0).unwrap_or(0);
    page[..read].windows(NAME.len()).any(|text| text == NAME)
}

/// The same once more, with what the write-ahead log says.
fn check_version(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let number = |name| conn.pragma_query_value(None, name, |row| row.get(0));
    let Err(refusal) = check_identity(number("application_id")?, number("user_version")?) else {
        return Ok(());
    };
    // Closing must not carry the log into the database either.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if matches!(refusal, StoreError::NewerSchema { .. }) {
        return Err(newer_or_damaged(path, refusal)?);
    }
    Err(refusal)
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

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let conn = Connection::open_with_flags_and_vfs(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        FILE_ACCESS,
    )?;
    configure(&conn)?;
    // Acknowledged means on the disk.
    conn.pragma_update(None, "synchronous", "FULL")?;
    // What is deleted is overwritten with zeros.
    conn.pragma_update(None, "secure_delete", true)?;
    conn.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
    keep_log(&conn)?;
    Ok(conn)
}

/// Leaves the log where it is when the database is closed, empty: a full disk may not have
/// room for a file to be made.
fn keep_log(conn: &Connection) -> Result<(), StoreError> {
    let mut keep: c_int = 1;
    // SAFETY: the handle is of an open connection, the name ends in a zero, and SQLite
    // reads and writes one `int` behind the pointer (sqlite3.h, SQLITE_FCNTL_PERSIST_WAL).
    let code = unsafe {
        ffi::sqlite3_file_control(
            conn.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_PERSIST_WAL,
            (&raw mut keep).cast(),
        )
    };
    if code == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into())
    }
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
    if version >= schema::NUMBERED_SINCE {
        let sql = format!("SELECT number FROM {}", schema::NUMBER_TABLE);
        let number: u32 = conn.query_row(&sql, [], |row| row.get(0))?;
        if number != version {
            return Err(StoreError::malformed());
        }
    }
    if version == schema::VERSION {
        return Ok(());
    }
    to_latest(conn)?;
    // From here on, the header alone tells an older version to keep off.
    empty_log(conn)?;
    Ok(())
}

pub(super) fn to_latest(conn: &mut Connection) -> Result<(), StoreError> {
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

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    PathBuf::from(path)
}
