//! A mark that a check is under way, beside the database, and what its list told.
//!
//! A check that fails because the disk is full cannot have its failure stored, and "no
//! contact" would go on being said by the last complete one. So a mark is made before
//! a check begins and taken back once how it ended is stored: one that is still there
//! after a restart says that something should have been looked at and was not. And what
//! a list names is put down here before it goes into the ledger, until it is there: else
//! an export whose name could not be stored, and that is then held back, would never
//! have been.
//!
//! The file has its full length from the beginning, and is written in place, which
//! needs no room on most file systems. Where it cannot be written, the check does not go
//! on, and this process at least knows.
//!
//! It tells what a server had to offer, and nothing about a person.
//!
//! # Layout
//! Numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0–7 | [`AT_REST`] or [`UNDER_WAY`] |
//! | 8–11, 12–15 | how many entries count, twice |
//! | 16–65,551 | [`MOST`] entries of 32 bytes: kind (4), name (12), date or number (8), since (4), the beginning of the SHA-256 of all that (4) |
//!
//! Entries are added behind those that count, then the count is raised: a power cut leaves
//! what was, or what was to be. They are never taken out singly.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gaen::time::UnixSeconds;
use sha2::{Digest, Sha256};

use super::files;
use crate::verdict::{Announced, AnnouncedKind, NameHash, name_hash};

/// The name of the file in the state folder.
pub(super) const FILE: &str = "check";
/// What is in it while no check is under way.
const AT_REST: &[u8; 8] = b"at-rest\n";
/// What is in it from before a check begins until its end is stored.
const UNDER_WAY: &[u8; 8] = b"underway";
/// Where in it is how many entries count.
const COUNT_AT: usize = AT_REST.len();
/// Where in it the entries begin.
const ENTRIES_AT: usize = COUNT_AT + 8;
/// Length of an entry, in bytes.
const ENTRY_LEN: usize = 32;
/// Most entries: fourteen days of an export every ten minutes.
const MOST: usize = 2048;
/// The length of the file.
const FILE_LEN: usize = ENTRIES_AT + MOST * ENTRY_LEN;
/// Stands for all that found no room: no list can name it.
const NO_NAME: NameHash = [0xff; 12];

/// Remembers that a check is under way, or ended in no known way, and what a list told
/// that is not in the ledger yet.
#[derive(Debug)]
pub struct CheckMark {
    file: Option<File>,
    unrecorded: AtomicBool,
    announced: Mutex<Vec<Announced>>,
}

impl CheckMark {
    /// The mark in `state_dir`, made if there is none. Where that is not possible, no
    /// check can begin.
    pub(super) fn open(state_dir: &Path) -> Self {
        let mut announced = Vec::new();
        let (file, unrecorded) = match open_file(state_dir) {
            Ok(file) => {
                let is_whole = read(&file, &mut announced);
                (Some(file), !is_whole)
            }
            Err(error) => {
                tracing::error!(%error, "there is no mark of checks");
                (None, false)
            }
        };
        Self {
            file,
            unrecorded: AtomicBool::new(unrecorded),
            announced: Mutex::new(announced),
        }
    }

    /// Whether there is one in `state_dir`, as in every folder in which a store was ever
    /// opened.
    pub(super) fn is_in(state_dir: &Path) -> bool {
        state_dir.join(FILE).exists()
    }

    /// Removes the mark in `state_dir`, if there is one.
    pub(super) fn remove(state_dir: &Path) -> io::Result<()> {
        files::remove(&state_dir.join(FILE))
    }

    /// Notes that a check begins.
    ///
    /// # Errors
    /// When that cannot be put down. It is remembered in memory all the same that how
    /// the check ended is not known.
    pub fn begins(&self) -> io::Result<()> {
        let written = self.write(UNDER_WAY, 0);
        if written.is_err() {
            self.stays_open();
        }
        written
    }

    /// Notes that how the check ended is stored, or that it came to nothing.
    pub fn ended(&self) {
        // The other way round, a mark that cannot be written would be lost.
        match self.write(AT_REST, 0) {
            Ok(()) => self.unrecorded.store(false, Ordering::SeqCst),
            Err(error) => tracing::error!(%error, "the mark of a check stays"),
        }
    }

    /// Notes that a check that was cut off had nothing to tell, unless one before had, or
    /// its list did.
    pub fn cut_off(&self) {
        if self.announced().is_empty() && !self.is_unrecorded() {
            self.ended();
        } else {
            self.stays_open();
        }
    }

    /// Notes that how the check ended could not be stored.
    pub fn stays_open(&self) {
        self.unrecorded.store(true, Ordering::SeqCst);
    }

    /// Whether there was a check of which nobody knows how it ended.
    pub fn is_unrecorded(&self) -> bool {
        self.unrecorded.load(Ordering::SeqCst)
    }

    /// Puts down what a list told, beside what is here already.
    ///
    /// # Errors
    /// When that cannot be written. It is remembered in memory all the same.
    pub fn put_down(&self, told: &[Announced]) -> io::Result<()> {
        if told.is_empty() {
            return Ok(());
        }
        let mut announced = self.announced();
        let is_new = |it: &&Announced| !announced.iter().any(|known| known.is_again(it));
        let new: Vec<Announced> = told.iter().filter(is_new).copied().collect();
        announced.extend(new);
        if announced.len() > MOST {
            let since = announced.iter().map(|it| it.since).max();
            announced.truncate(MOST - 1);
            announced.push(Announced {
                kind: AnnouncedKind::Export,
                name: NO_NAME,
                version: u64::MAX,
                since: since.unwrap_or(UnixSeconds::new(0)),
            });
        }
        // All of them: what could not be written before is tried again.
        let entries: Vec<u8> = announced.iter().flat_map(entry).collect();
        self.write(&entries, ENTRIES_AT)?;
        self.write(&count(announced.len()), COUNT_AT)
    }

    /// What was put down and not struck out.
    pub fn told(&self) -> Vec<Announced> {
        self.announced().clone()
    }

    /// The number of the newest signed list from `url` that was put down.
    pub fn sequence(&self, url: &str) -> Option<u64> {
        let hash = name_hash(url);
        let announced = self.announced();
        let of_list = announced
            .iter()
            .filter(|it| (it.kind, it.name) == (AnnouncedKind::SignedList, hash));
        of_list.map(|it| it.version).max()
    }

    /// Strikes out all that was put down.
    pub fn strike_out(&self) {
        let mut announced = self.announced();
        if announced.is_empty() {
            return;
        }
        match self.write(&count(0), COUNT_AT) {
            Ok(()) => announced.clear(),
            Err(error) => tracing::error!(%error, "what a list told stays put down"),
        }
    }

    fn announced(&self) -> MutexGuard<'_, Vec<Announced>> {
        self.announced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, bytes: &[u8], at: usize) -> io::Result<()> {
        let file = self.file.as_ref();
        let file = file.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        file.write_all_at(bytes, offset(at))?;
        file.sync_data()
    }
}

fn open_file(state_dir: &Path) -> io::Result<File> {
    let path = state_dir.join(FILE);
    let mut at_rest = vec![0; FILE_LEN];
    at_rest[..AT_REST.len()].copy_from_slice(AT_REST);
    match files::create_private(&path, &at_rest) {
        Ok(()) => files::sync_dir(state_dir)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let file = File::options().read(true).write(true).open(path)?;
    if file.metadata()?.len() < offset(FILE_LEN) {
        lengthen(&file);
    }
    Ok(file)
}

/// Gives a file that has not its full length that length.
fn lengthen(file: &File) {
    let mut begin = [0; ENTRIES_AT];
    let has_begin = file.read_exact_at(&mut begin, 0).is_ok();
    let from = if has_begin { ENTRIES_AT } else { COUNT_AT };
    let zeros = vec![0; FILE_LEN - from];
    let written = file.write_all_at(&zeros, offset(from));
    if let Err(error) = written.and_then(|()| file.sync_data()) {
        tracing::error!(%error, "there is no room for what lists tell");
    }
}

/// Reads what was put down. Returns whether all of it could be read, and no check was
/// under way.
fn read(file: &File, announced: &mut Vec<Announced>) -> bool {
    let mut begin = [0; ENTRIES_AT];
    if file.read_exact_at(&mut begin, 0).is_err() {
        // No room for more, as it is on a full disk.
        let mut state = [0; AT_REST.len()];
        return file.read_exact_at(&mut state, 0).is_ok() && &state == AT_REST;
    }
    let (state, counts) = begin.split_at(COUNT_AT);
    let (counted, again) = counts.split_at(4);
    let counted = u32::from_le_bytes(counted.try_into().unwrap_or_default());
    let counted = usize::try_from(counted).unwrap_or(usize::MAX);
    let is_right = counts.starts_with(again) && counted <= MOST;
    let mut entries = vec![0; counted.min(MOST) * ENTRY_LEN];
    if is_right && file.read_exact_at(&mut entries, offset(ENTRIES_AT)).is_ok() {
        announced.extend(entries.chunks_exact(ENTRY_LEN).filter_map(parse));
    }
    state == AT_REST && is_right && announced.len() == counted
}

/// An entry of the file.
fn entry(announced: &Announced) -> [u8; ENTRY_LEN] {
    let kind: u32 = match announced.kind {
        AnnouncedKind::Export => 1,
        AnnouncedKind::SignedList => 2,
    };
    let mut entry = [0; ENTRY_LEN];
    entry[..4].copy_from_slice(&kind.to_le_bytes());
    entry[4..16].copy_from_slice(&announced.name);
    entry[16..24].copy_from_slice(&announced.version.to_le_bytes());
    entry[24..28].copy_from_slice(&announced.since.get().to_le_bytes());
    let check = Sha256::digest(&entry[..28]);
    entry[28..].copy_from_slice(&check[..4]);
    entry
}

/// What [`entry`] wrote, unless it is damaged.
fn parse(bytes: &[u8]) -> Option<Announced> {
    let kind = match bytes.first()? {
        1 => AnnouncedKind::Export,
        2 => AnnouncedKind::SignedList,
        _ => return None,
    };
    let announced = Announced {
        kind,
        name: bytes.get(4..16)?.try_into().ok()?,
        version: u64::from_le_bytes(bytes.get(16..24)?.try_into().ok()?),
        since: UnixSeconds::new(u32::from_le_bytes(bytes.get(24..28)?.try_into().ok()?)),
    };
    (entry(&announced) == bytes).then_some(announced)
}

/// How many entries count, as it stands in the file.
fn count(count: usize) -> [u8; 8] {
    let count = u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
    let mut twice = [0; 8];
    twice[..4].copy_from_slice(&count);
    twice[4..].copy_from_slice(&count);
    twice
}

fn offset(at: usize) -> u64 {
    u64::try_from(at).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn export(number: u64) -> Announced {
        Announced {
            kind: AnnouncedKind::Export,
            name: name_hash(&number.to_string()),
            version: number,
            since: UnixSeconds::new(1_600_000_000),
        }
    }

    fn list(url: &str, version: u64) -> Announced {
        Announced {
            kind: AnnouncedKind::SignedList,
            name: name_hash(url),
            version,
            since: UnixSeconds::new(1_600_000_000),
        }
    }

    #[test]
    fn what_was_put_down_is_there_after_a_restart_until_it_is_struck_out() {
        let dir = TempDir::new().unwrap();
        let mark = CheckMark::open(dir.path());
        let all = [list("a", 3), list("b", 9), export(1), export(2)];
        mark.put_down(&all[..3]).unwrap();
        let later = UnixSeconds::new(1_700_000_000);
        let again = Announced {
            since: later,
            ..export(1)
        };
        mark.put_down(&[again, export(2)]).unwrap();
        for mark in [mark, CheckMark::open(dir.path())] {
            assert_eq!(mark.told(), all);
            assert_eq!(mark.sequence("b"), Some(9));
            assert_eq!(mark.sequence("1"), None);
            assert!(!mark.is_unrecorded());
        }
        CheckMark::open(dir.path()).strike_out();
        assert_eq!(CheckMark::open(dir.path()).told(), []);
    }

    #[test]
    fn what_finds_no_room_is_waited_for() {
        let dir = TempDir::new().unwrap();
        let mark = CheckMark::open(dir.path());
        let many: Vec<_> = (0..3000).map(export).collect();
        mark.put_down(&many).unwrap();
        mark.put_down(&[export(5000)]).unwrap();
        let told = CheckMark::open(dir.path()).told();
        assert_eq!(told.len(), MOST);
        assert_eq!(told[..MOST - 1], many[..MOST - 1]);
        assert_eq!(told[MOST - 1].name, NO_NAME);
        assert_eq!(
            fs::metadata(dir.path().join(FILE)).unwrap().len(),
            offset(FILE_LEN)
        );
    }

    #[test]
    fn a_file_of_any_length_is_taken_and_lengthened() {
        for length in 0..ENTRIES_AT + 3 * ENTRY_LEN {
            let dir = TempDir::new().unwrap();
            CheckMark::open(dir.path());
            let path = dir.path().join(FILE);
            let mut content = fs::read(&path).unwrap();
            content.truncate(length);
            fs::write(&path, content).unwrap();
            let mark = CheckMark::open(dir.path());
            assert_eq!(mark.is_unrecorded(), length < AT_REST.len(), "{length}");
            mark.put_down(&[export(1)]).unwrap();
            assert_eq!(CheckMark::open(dir.path()).told(), [export(1)], "{length}");
        }
    }

    #[test]
    fn damage_is_noticed() {
        let dir = TempDir::new().unwrap();
        CheckMark::open(dir.path())
            .put_down(&[export(1), list("a", 3)])
            .unwrap();
        let path = dir.path().join(FILE);
        let whole = fs::read(&path).unwrap();
        for bit in 0..(ENTRIES_AT + 2 * ENTRY_LEN) * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, damaged).unwrap();
            assert!(CheckMark::open(dir.path()).is_unrecorded(), "bit {bit}");
        }
        fs::write(&path, &whole[..ENTRIES_AT + ENTRY_LEN]).unwrap();
        assert!(CheckMark::open(dir.path()).is_unrecorded());
    }
}
