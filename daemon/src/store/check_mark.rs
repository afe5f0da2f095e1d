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
//! Entries are written first, then the 16 bytes before them: a power cut leaves what was,
//! or what was to be. Where some are taken out, a new file takes its place.
//!
//! What is in memory is the truth while the daemon runs: all of it is written each time, so
//! that damage to the file, or its deletion, is mended by the next check. A start that
//! finds it damaged, missing or out of reach counts as a name that nobody knows, and puts
//! that down at once. Where not even that can be done, so does the next start.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::{io, mem};

use gaen::time::UnixSeconds;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use sesshoku_core::status::OverwriteDoubt;
use sesshoku_core::verdict::{Announced, AnnouncedKind, NameHash, name_hash};
use sha2::{Digest, Sha256};

use super::{files, medium};

/// The name of the file in the state folder.
pub(super) const FILE: &str = "check";
/// The name of one that is being made.
pub(super) const DRAFT: &str = "check.new";
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
/// Stands for all that found no room, or cannot be read any more: no list can name it.
const NO_NAME: NameHash = [0xff; 12];
/// The time of what cannot be read any more, until somebody knows what time it is.
const UNDATED: UnixSeconds = UnixSeconds::new(u32::MAX);

/// Remembers that a check is under way, or ended in no known way, and what a list told
/// that is not in the ledger yet.
#[derive(Debug)]
pub struct CheckMark {
    path: PathBuf,
    unrecorded: AtomicBool,
    kept: Mutex<Kept>,
}

/// What is in the file, or is to be.
#[derive(Debug)]
struct Kept {
    /// Where that is; `None` where there is no file, or none that can be used.
    file: Option<File>,
    state: &'static [u8; 8],
    announced: Vec<Announced>,
}

impl CheckMark {
    /// The mark in `state_dir`, made if there is none. Where that is not possible, no
    /// check can begin. Beside a store that is not new one that is missing is damage.
    pub(super) fn open(state_dir: &Path, is_new: bool) -> Self {
        let path = state_dir.join(FILE);
        let (file, read) = match File::options().read(true).write(true).open(&path) {
            Ok(file) => {
                let read = read(&file);
                (Some(file), read)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_new => {
                (None, Some((true, Vec::new())))
            }
            Err(error) => {
                tracing::error!(%error, "cannot open the mark of checks");
                (None, None)
            }
        };
        // One that is copied on write has no room of its own on a full disk.
        let in_place = |file: &File| medium::doubt(file) != Some(OverwriteDoubt::CopyOnWrite);
        let is_as_it_should_be = file.as_ref().is_some_and(in_place) && read.is_some();
        let (at_rest, announced) = read.unwrap_or_else(|| {
            tracing::error!("what lists told when it could not be stored is lost");
            (false, vec![lost(UNDATED)])
        });
        let mut kept = Kept {
            file: None,
            state: if at_rest { AT_REST } else { UNDER_WAY },
            announced,
        };
        // A new one takes its place, or where that cannot be made, it has to do.
        if is_as_it_should_be {
            kept.file = file;
        } else if let Err(error) = kept.write(&path) {
            kept.file = file;
            if let Err(again) = kept.write(&path) {
                tracing::error!(%error, %again, "there is no mark of checks");
            }
        }
        Self {
            path,
            unrecorded: AtomicBool::new(!at_rest),
            kept: Mutex::new(kept),
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
        let mut kept = self.kept();
        kept.state = UNDER_WAY;
        let written = kept.write(&self.path);
        if written.is_err() {
            self.stays_open();
        }
        written
    }

    /// Notes that how the check ended is stored, or that it came to nothing.
    pub fn ended(&self) {
        // The other way round, a mark that cannot be written would be lost.
        let mut kept = self.kept();
        kept.state = AT_REST;
        match kept.write(&self.path) {
            Ok(()) => self.unrecorded.store(false, Ordering::SeqCst),
            Err(error) => {
                kept.state = UNDER_WAY;
                tracing::error!(%error, "the mark of a check stays");
            }
        }
    }

    /// Notes that a check that was cut off had nothing to tell, unless one before had, or
    /// its list did.
    pub fn cut_off(&self) {
        if self.kept().announced.is_empty() && !self.is_unrecorded() {
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

    /// Puts down what a list told at `now`, beside what is here already.
    ///
    /// # Errors
    /// When that cannot be written. It is remembered in memory all the same.
    pub fn put_down(&self, told: &[Announced], now: UnixSeconds) -> io::Result<()> {
        let mut kept = self.kept();
        let announced = &mut kept.announced;
        let undated = announced.iter_mut().filter(|it| it.since == UNDATED);
        let dated = undated.map(|it| it.since = now).count();
        if told.is_empty() && dated == 0 {
            return Ok(());
        }
        let is_new = |it: &&Announced| !announced.iter().any(|known| known.is_again(it));
        let new: Vec<Announced> = told.iter().filter(is_new).copied().collect();
        announced.extend(new);
        if announced.len() > MOST {
            let since = announced.iter().map(|it| it.since).max();
            announced.truncate(MOST - 1);
            announced.push(lost(since.unwrap_or(now)));
        }
        kept.write(&self.path)
    }

    /// Whether more was told than is known here.
    pub fn lacks_names(&self) -> bool {
        self.kept().announced.iter().any(Self::stands_for_lost)
    }

    /// Whether it stands for what was told and is not known here.
    pub fn stands_for_lost(announced: &Announced) -> bool {
        announced.name == NO_NAME
    }

    /// What was put down and not struck out.
    pub fn told(&self) -> Vec<Announced> {
        self.kept().announced.clone()
    }

    /// The number of the newest signed list from `url` that was put down.
    pub fn sequence(&self, url: &str) -> Option<u64> {
        let hash = name_hash(url);
        let kept = self.kept();
        let of_list = kept
            .announced
            .iter()
            .filter(|it| (it.kind, it.name) == (AnnouncedKind::SignedList, hash));
        of_list.map(|it| it.version).max()
    }

    /// Strikes out all that was put down.
    pub fn strike_out(&self) {
        self.strike_out_but(&[]);
    }

    /// Strikes out what was put down but those of it that are `lacking`, and while there
    /// are any, the numbers of signed lists.
    pub fn strike_out_but(&self, lacking: &[&Announced]) {
        let mut kept = self.kept();
        let mut left = kept.announced.clone();
        left.retain(|it| {
            lacking.contains(&it) || !lacking.is_empty() && it.kind == AnnouncedKind::SignedList
        });
        if left.len() == kept.announced.len() {
            return;
        }
        // Written into one another, a power cut could leave neither what was nor what is
        // to be; nothing at all has the count alone to change.
        let file = if left.is_empty() {
            None
        } else {
            kept.file.take()
        };
        let before = mem::replace(&mut kept.announced, left);
        if let Err(error) = kept.write(&self.path) {
            tracing::error!(%error, "what a list told stays put down");
            kept.announced = before;
            kept.file = kept.file.take().or(file);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Writes all of it into the file at `path`, or makes that.
    fn write(&mut self, path: &Path) -> io::Result<()> {
        let mut head = [0; ENTRIES_AT];
        head[..COUNT_AT].copy_from_slice(self.state);
        head[COUNT_AT..].copy_from_slice(&count(self.announced.len()));
        let entries: Vec<u8> = self.announced.iter().flat_map(entry).collect();
        let file = self.file.take().filter(|file| is_at(file, path));
        let Some(file) = file else {
            self.file = Some(make(path, &head, &entries)?);
            return Ok(());
        };
        let file = self.file.insert(file);
        // Else there would be no room for what a list tells.
        allocate(file)?;
        if !entries.is_empty() {
            file.write_all_at(&entries, offset(ENTRIES_AT))?;
            file.sync_data()?;
        }
        file.write_all_at(&head, 0)?;
        file.sync_data()
    }
}

/// Whether `path` names `file`, and not another one, or none any more.
fn is_at(file: &File, path: &Path) -> bool {
    let there = fs::symlink_metadata(path);
    file.metadata()
        .is_ok_and(|file| there.is_ok_and(|it| (it.dev(), it.ino()) == (file.dev(), file.ino())))
}

/// Makes the file, which gets its name when it is whole.
fn make(path: &Path, head: &[u8], entries: &[u8]) -> io::Result<File> {
    let mut contents = vec![0; FILE_LEN];
    contents[..ENTRIES_AT].copy_from_slice(head);
    contents[ENTRIES_AT..ENTRIES_AT + entries.len()].copy_from_slice(entries);
    let draft = path.with_file_name(DRAFT);
    files::remove(&draft)?;
    let made = files::create_private(&draft, &contents).and_then(|()| fs::rename(&draft, path));
    if let Err(error) = made {
        files::remove(&draft)?;
        return Err(error);
    }
    if let Some(dir) = path.parent() {
        files::sync_dir(dir)?;
    }
    File::options().read(true).write(true).open(path)
}

/// Sees to it that the file has its full length, with room on the disk for all of it.
fn allocate(file: &File) -> io::Result<()> {
    let length = offset(FILE_LEN);
    let whole = i64::try_from(length).unwrap_or(i64::MAX);
    match fallocate(file, FallocateFlags::empty(), 0, whole) {
        Ok(()) => Ok(()),
        Err(Errno::EOPNOTSUPP) => {
            let has = file.metadata()?.len().min(length);
            let zeros = vec![0; FILE_LEN - usize::try_from(has).unwrap_or(FILE_LEN)];
            file.write_all_at(&zeros, has)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether no check was under way, and what was put down; `None` where a part of it
/// cannot be read any more.
fn read(file: &File) -> Option<(bool, Vec<Announced>)> {
    let mut state = [0; COUNT_AT];
    file.read_exact_at(&mut state, 0).ok()?;
    let at_rest = match &state {
        AT_REST => true,
        UNDER_WAY => false,
        _ => return None,
    };
    // So long were those of earlier versions.
    if file.metadata().ok()?.len() == offset(COUNT_AT) {
        return Some((at_rest, Vec::new()));
    }
    let mut counts = [0; ENTRIES_AT - COUNT_AT];
    file.read_exact_at(&mut counts, offset(COUNT_AT)).ok()?;
    let (counted, again) = counts.split_at(4);
    let counted_twice = counted == again;
    let counted = u32::from_le_bytes(counted.try_into().ok()?);
    let counted = usize::try_from(counted).ok()?;
    if !counted_twice || counted > MOST {
        return None;
    }
    let mut entries = vec![0; counted * ENTRY_LEN];
    file.read_exact_at(&mut entries, offset(ENTRIES_AT)).ok()?;
    let entries = entries.chunks_exact(ENTRY_LEN);
    let announced: Option<Vec<Announced>> = entries.map(parse).collect();
    Some((at_rest, announced?))
}

/// Stands for what nobody knows any more, since `since`.
const fn lost(since: UnixSeconds) -> Announced {
    Announced {
        kind: AnnouncedKind::Export,
        name: NO_NAME,
        version: u64::MAX,
        since,
    }
}

/// An entry of the file.
fn entry(announced: &Announced) -> [u8; ENTRY_LEN] {
    let kind: u32 = match announced.kind {
        AnnouncedKind::Export => 1,
        AnnouncedKind::SignedList => 2,
        AnnouncedKind::Earlier => 3,
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
        3 => AnnouncedKind::Earlier,
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
    use tempfile::TempDir;

    use super::*;

    const NOW: UnixSeconds = UnixSeconds::new(1_600_000_000);

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
        let mark = CheckMark::open(dir.path(), true);
        let all = [list("a", 3), list("b", 9), export(1), export(2)];
        mark.put_down(&all[..3], NOW).unwrap();
        let later = UnixSeconds::new(1_700_000_000);
        let again = Announced {
            since: later,
            ..export(1)
        };
        mark.put_down(&[again, export(2)], NOW).unwrap();
        for mark in [mark, CheckMark::open(dir.path(), true)] {
            assert_eq!(mark.told(), all);
            assert_eq!(mark.sequence("b"), Some(9));
            assert_eq!(mark.sequence("1"), None);
            assert!(!mark.is_unrecorded());
        }
        CheckMark::open(dir.path(), true).strike_out();
        assert_eq!(CheckMark::open(dir.path(), true).told(), []);
    }

    #[test]
    fn what_finds_no_room_is_waited_for() {
        let dir = TempDir::new().unwrap();
        let mark = CheckMark::open(dir.path(), true);
        let many: Vec<_> = (0..3000).map(export).collect();
        mark.put_down(&many, NOW).unwrap();
        mark.put_down(&[export(5000)], NOW).unwrap();
        let told = CheckMark::open(dir.path(), true).told();
        assert_eq!(told.len(), MOST);
        assert_eq!(told[..MOST - 1], many[..MOST - 1]);
        assert_eq!(told[MOST - 1].name, NO_NAME);
        assert_eq!(
            fs::metadata(dir.path().join(FILE)).unwrap().len(),
            offset(FILE_LEN)
        );
    }

    #[test]
    fn the_file_of_an_earlier_version_is_taken_and_gets_room() {
        let dir = TempDir::new().unwrap();
        CheckMark::open(dir.path(), true);
        let path = dir.path().join(FILE);
        fs::write(&path, AT_REST).unwrap();
        let mark = CheckMark::open(dir.path(), false);
        assert!(!mark.is_unrecorded() && mark.told().is_empty());
        mark.begins().unwrap();
        let file = fs::metadata(&path).unwrap();
        assert_eq!(file.len(), offset(FILE_LEN));
        assert!(file.blocks() * 512 >= offset(FILE_LEN), "there are holes");
        mark.put_down(&[export(1)], NOW).unwrap();
        let mark = CheckMark::open(dir.path(), false);
        assert!(mark.is_unrecorded());
        assert_eq!(mark.told(), [export(1)]);
    }

    #[test]
    fn what_happens_to_the_file_while_it_is_in_use_is_mended() {
        type Harm = fn(&Path);
        let harms: [Harm; 4] = [
            |path| fs::remove_file(path).unwrap(),
            |path| fs::write(path, vec![0; FILE_LEN]).unwrap(),
            |path| fs::write(path, b"").unwrap(),
            |path| {
                fs::copy(path.with_extension("old"), path)
                    .map(|_| ())
                    .unwrap()
            },
        ];
        for harm in harms {
            let dir = TempDir::new().unwrap();
            let path = dir.path().join(FILE);
            let mark = CheckMark::open(dir.path(), true);
            fs::copy(&path, path.with_extension("old")).unwrap();
            mark.put_down(&[export(1)], NOW).unwrap();
            harm(&path);
            mark.begins().unwrap();
            assert_eq!(CheckMark::open(dir.path(), false).told(), [export(1)]);
        }
    }

    #[test]
    fn what_is_lacking_and_the_numbers_of_lists_stay_when_the_rest_is_struck_out() {
        let dir = TempDir::new().unwrap();
        let mark = CheckMark::open(dir.path(), true);
        let told = [export(1), list("a", 3), export(2), export(3)];
        mark.put_down(&told, NOW).unwrap();
        mark.strike_out_but(&[&export(2)]);
        let left = [list("a", 3), export(2)];
        assert_eq!(mark.told(), left);
        assert_eq!(CheckMark::open(dir.path(), false).told(), left);
        mark.put_down(&[export(4)], NOW).unwrap();
        mark.strike_out_but(&[]);
        assert_eq!(CheckMark::open(dir.path(), false).told(), []);
    }

    #[test]
    fn what_is_lost_stays_lost_over_many_starts() {
        let dir = TempDir::new().unwrap();
        drop(CheckMark::open(dir.path(), true));
        fs::remove_file(dir.path().join(FILE)).unwrap();
        for _ in 0..3 {
            let mark = CheckMark::open(dir.path(), false);
            assert!(mark.is_unrecorded() && mark.lacks_names());
        }
    }

    #[test]
    fn a_file_that_cannot_be_used_stands_for_a_name_that_nobody_knows() {
        let dir = TempDir::new().unwrap();
        // Nor can another be made in its place.
        fs::create_dir(dir.path().join(FILE)).unwrap();
        let mark = CheckMark::open(dir.path(), false);
        assert!(mark.is_unrecorded() && mark.lacks_names());
        mark.begins().unwrap_err();
        // Once one can, it goes on.
        fs::remove_dir(dir.path().join(FILE)).unwrap();
        mark.begins().unwrap();
        assert!(CheckMark::open(dir.path(), false).lacks_names());
    }

    #[test]
    fn what_is_damaged_or_gone_stands_for_a_name_that_nobody_knows() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(FILE);
        let mark = CheckMark::open(dir.path(), true);
        mark.put_down(&[export(1), list("a", 3)], NOW).unwrap();
        let whole = fs::read(&path).unwrap();
        let length = ENTRIES_AT + 2 * ENTRY_LEN;
        let flipped = (0..length * 8).map(|bit| {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            Some(damaged)
        });
        let cut = (0..length).filter(|length| *length != COUNT_AT);
        let cut = cut.map(|length| Some(whole[..length].to_vec()));
        for (number, damaged) in flipped.chain(cut).chain([None]).enumerate() {
            match damaged {
                Some(damaged) => fs::write(&path, damaged).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let mark = CheckMark::open(dir.path(), false);
            assert!(mark.is_unrecorded() && mark.lacks_names(), "{number}");
            if number % 50 == 0 {
                mark.put_down(&[], NOW).unwrap();
                mark.ended();
                let mark = CheckMark::open(dir.path(), false);
                assert_eq!(mark.told(), [lost(NOW)], "{number}");
                assert!(!mark.is_unrecorded(), "{number}");
            }
        }
    }
}
