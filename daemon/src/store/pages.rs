//! A database file read past SQLite, which refuses one whose header, schema or length is
//! damaged, and cannot reach rows behind a lost page: every page on its own, and the rows
//! of each that is a leaf of a table.
//!
//! After "Database File Format" of sqlite.org, for the one page size there is here. What
//! was deleted does not come back: the pages that SQLite frees are overwritten.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The page size of all our databases, SQLite's default.
pub(super) const PAGE: usize = 4096;
/// A leaf of a table.
const LEAF: u8 = 0x0d;
/// The first page begins with the database's header.
const DATABASE_HEADER: usize = 100;
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// A row of some table: its key, and its columns.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) columns: Vec<Value>,
}

/// The pages of a database, as its write-ahead log has them.
pub(super) struct Pages {
    file: File,
    count: u32,
    log: HashMap<u32, Vec<u8>>,
}

impl Pages {
    /// Opens the database at `path`, and the log at `log` if there is one.
    pub(super) fn open(path: &Path, log: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let log = match std::fs::read(log) {
            Ok(bytes) => read_log(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => HashMap::new(),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        let in_file = u32::try_from(length / size()).unwrap_or(u32::MAX);
        let count = log.keys().copied().max().unwrap_or(0).max(in_file);
        Ok(Self { file, count, log })
    }

    /// Calls `visit` with every row that is whole.
    pub(super) fn for_each_row<E: From<io::Error>>(
        &self,
        visit: &mut dyn FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        for number in 1..=self.count {
            let Some(page) = self.page(number)? else {
                continue;
            };
            // Another page may have come to lie where the first one was.
            let starts: &[usize] = if number == 1 {
                &[DATABASE_HEADER, 0]
            } else {
                &[0]
            };
            for start in starts {
                for cell in cells(&page, *start) {
                    if let Some(row) = self.row(&page[cell..])? {
                        visit(row)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes what the log has into `file`, the database's own.
    pub(super) fn write_log_into(&self, file: &File) -> io::Result<()> {
        for (number, page) in &self.log {
            file.write_all_at(page, offset(*number))?;
        }
        file.sync_all()
    }

    /// Page `number`, from 1; `None` when there is none, or the disk does not give it.
    fn page(&self, number: u32) -> io::Result<Option<Vec<u8>>> {
        if let Some(page) = self.log.get(&number) {
            return Ok(Some(page.clone()));
        }
        if number == 0 || number > self.count {
            return Ok(None);
        }
        let mut page = vec![0; PAGE];
        match self.file.read_exact_at(&mut page, offset(number)) {
            Ok(()) => Ok(Some(page)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            // EIO: this page is lost.
            Err(error) if error.raw_os_error() == Some(nix::libc::EIO) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The row that `cell` is of, if it is whole.
    fn row(&self, cell: &[u8]) -> io::Result<Option<Row>> {
        let mut rest = cell;
        let (Some(length), Some(id)) = (varint(&mut rest), varint(&mut rest)) else {
            return Ok(None);
        };
        let Some(payload) = self.payload(rest, length)? else {
            return Ok(None);
        };
        Ok(columns(&payload).map(|columns| Row {
            id: id.cast_signed(),
            columns,
        }))
    }

    /// A payload of `length` bytes that begins with `local` and goes on, where it is long,
    /// on pages of its own.
    fn payload(&self, local: &[u8], length: u64) -> io::Result<Option<Vec<u8>>> {
        let room = u64::from(self.count) * size();
        let Some(length) = usize::try_from(length).ok().filter(|_| length <= room) else {
            return Ok(None);
        };
        let here = local_length(length);
        let Some((first, rest)) = local.split_at_checked(here) else {
            return Ok(None);
        };
        let mut payload = first.to_vec();
        let mut next = rest.first_chunk().copied();
        while payload.len() < length {
            let Some(number) = next.map(u32::from_be_bytes) else {
                return Ok(None);
            };
            let Some(page) = self.page(number)? else {
                return Ok(None);
            };
            let (link, contents) = page.split_first_chunk::<4>().expect("a whole page");
            let wanted = contents.len().min(length - payload.len());
            payload.extend_from_slice(&contents[..wanted]);
            next = Some(*link);
        }
        Ok(Some(payload))
    }
}

fn size() -> u64 {
    u64::try_from(PAGE).expect("a page is small")
}

fn offset(number: u32) -> u64 {
    u64::from(number.saturating_sub(1)) * size()
}

/// How much of a payload of `length` bytes lies on the leaf itself (section 1.6).
fn local_length(length: usize) -> usize {
    const LARGEST: usize = PAGE - 35;
    const SMALLEST: usize = (PAGE - 12) * 32 / 255 - 23;
    if length <= LARGEST {
        return length;
    }
    let fitting = SMALLEST + (length - SMALLEST) % (PAGE - 4);
    if fitting <= LARGEST {
        fitting
    } else {
        SMALLEST
    }
}

/// Where the cells of a leaf begin whose header is at `start`; none of other pages.
fn cells(page: &[u8], start: usize) -> Vec<usize> {
    if page[start] != LEAF {
        return Vec::new();
    }
    let number = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
    let pointers = start + 8;
    // A count that is damaged leads to cells that are none, and do not parse.
    let count = number(start + 3).min((PAGE - pointers) / 2);
    let after = pointers + 2 * count;
    (0..count)
        .map(|cell| number(pointers + 2 * cell))
        .filter(|cell| (after..PAGE).contains(cell))
        .collect()
}

/// The values of a record (section 2.1); `None` when it is none, or has a number that is
/// no integer, of which there are none in our tables.
fn columns(record: &[u8]) -> Option<Vec<Value>> {
    let mut types = record;
    let header = usize::try_from(varint(&mut types)?).ok()?;
    let read = record.len() - types.len();
    let (mut types, mut values) = types.split_at_checked(header.checked_sub(read)?)?;
    let mut columns = Vec::new();
    while !types.is_empty() {
        let kind = varint(&mut types)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 => 8,
            7 | 10 | 11 => return None,
            12.. => usize::try_from((kind - 12) / 2).ok()?,
        };
        let (value, rest) = values.split_at_checked(length)?;
        values = rest;
        columns.push(match kind {
            0 => Value::Null,
            8 => Value::Integer(0),
            9 => Value::Integer(1),
            1..=6 => Value::Integer(integer(value)),
            _ if kind % 2 == 0 => Value::Blob(value.to_vec()),
            _ => Value::Text(String::from_utf8(value.to_vec()).ok()?),
        });
    }
    values.is_empty().then_some(columns)
}

fn integer(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut extended = [if negative { 0xff } else { 0 }; 8];
    extended[8 - bytes.len()..].copy_from_slice(bytes);
    i64::from_be_bytes(extended)
}

/// Takes a variable-length integer off the front of `bytes`.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for n in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if n == 8 {
            return Some((value << 8) | u64::from(*byte));
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The pages that a write-ahead log has in its last whole transaction (section 4).
fn read_log(bytes: &[u8]) -> HashMap<u32, Vec<u8>> {
    const MAGIC: u32 = 0x377f_0682;
    let mut committed = HashMap::new();
    let Some((header, mut frames)) = bytes.split_at_checked(LOG_HEADER) else {
        return committed;
    };
    let number = |bytes: &[u8], at: usize| {
        u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
    };
    // The last bit tells the byte order of the checksums.
    let magic = number(header, 0);
    let big_endian = magic & 1 == 1;
    let mut sum = checksum((0, 0), &header[..24], big_endian);
    let is_log = magic & !1 == MAGIC
        && usize::try_from(number(header, 8)) == Ok(PAGE)
        && sum == (number(header, 24), number(header, 28));
    if !is_log {
        return committed;
    }
    let mut open = HashMap::new();
    while let Some((frame, rest)) = frames.split_at_checked(FRAME_HEADER + PAGE) {
        frames = rest;
        let (head, page) = frame.split_at(FRAME_HEADER);
        sum = checksum(sum, &head[..8], big_endian);
        sum = checksum(sum, page, big_endian);
        if head[8..16] != header[16..24] || sum != (number(head, 16), number(head, 20)) {
            break;
        }
        open.insert(number(head, 0), page.to_vec());
        if number(head, 4) != 0 {
            committed.extend(open.drain());
        }
    }
    committed
}

fn checksum((mut one, mut two): (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let (pairs, _) = bytes.as_chunks::<8>();
    for pair in pairs {
        let [a, b, c, d, e, f, g, h] = *pair;
        let word = |bytes| {
            if big_endian {
                u32::from_be_bytes(bytes)
            } else {
                u32::from_le_bytes(bytes)
            }
        };
        one = one.wrapping_add(word([a, b, c, d])).wrapping_add(two);
        two = two.wrapping_add(word([e, f, g, h])).wrapping_add(one);
    }
    (one, two)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use rusqlite::config::DbConfig;

    use super::*;

    fn rows(dir: &Path) -> Vec<(i64, Vec<Value>)> {
        let pages = Pages::open(&dir.join("db"), &dir.join("db-wal")).unwrap();
        let mut rows = Vec::new();
        pages
            .for_each_row::<io::Error>(&mut |row| {
                rows.push((row.id, row.columns));
                Ok(())
            })
            .unwrap();
        rows.sort_by_key(|(id, _)| *id);
        rows
    }

    #[test]
    fn every_row_is_found_in_the_file_and_in_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let conn = Connection::open(dir.path().join("db")).unwrap();
        conn.pragma_update(None, "journal_mode", "WAL").unwrap();
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .unwrap();
        conn.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c)")
            .unwrap();
        let mut expected = Vec::new();
        // Of every length about the bounds of a page, and of integers.
        let lengths = (0..200).chain(4000..4200).chain(8100..8300).chain([40_000]);
        for (n, length) in lengths.enumerate() {
            let id = i64::try_from(n).unwrap() * 1_000_003 - 7;
            let integer = i64::try_from(length)
                .unwrap()
                .pow(u32::try_from(n % 4).unwrap());
            let integer = if n % 3 == 0 { -integer } else { integer };
            let blob = vec![u8::try_from(n % 251).unwrap(); length];
            let text = "x".repeat(n % 5);
            conn.execute(
                "INSERT INTO t VALUES (?1, ?2, ?3, ?4)",
                rusqlite::params![id, blob, integer, text],
            )
            .unwrap();
            let columns = vec![
                Value::Null,
                Value::Blob(blob),
                Value::Integer(integer),
                Value::Text(text),
            ];
            expected.push((id, columns));
            if n == 300 {
                conn.query_row("PRAGMA wal_checkpoint", [], |_| Ok(()))
                    .unwrap();
            }
        }
        // The first is the schema's.
        let is_row = |(_, columns): &(i64, Vec<Value>)| columns[0] == Value::Null;
        let found: Vec<_> = rows(dir.path()).into_iter().filter(is_row).collect();
        assert!(found == expected, "{} of {}", found.len(), expected.len());
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        let found: Vec<_> = rows(dir.path()).into_iter().filter(is_row).collect();
        assert!(found == expected, "{} of {}", found.len(), expected.len());
    }
}
