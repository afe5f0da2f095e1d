//! The wrapping secret: one of the three that everything in the database hangs on, and
//! the one that is replaced whenever something is let go.
//!
//! What a database once held lies on in blocks that the file system has freed: in a
//! write-ahead log that was cut, in pages that were given back. Overwriting the database
//! does not reach those. So there is one small file that is only ever written in place.
//! When days are purged, everything that stays is sealed anew under another secret, and
//! the one before is overwritten; whatever was sealed under it, wherever it lies, opens
//! no more.
//!
//! ```text
//! slot 0: page, the same page once more | slot 1: page, the same page once more
//! a page: secret 32 | state u8 | zeros up to 4096
//! ```
//!
//! The state of a secret is 1 once it has been in force. One slot holds the secret in
//! force. The other holds zeros, or for the length of a change the next secret. Which one
//! is in force, the database tells: only one opens it. Where one has been in force and
//! there is no database, that was lost.
//!
//! Zeros with the state 2 say that everything was erased, and that there was no room yet
//! for a new database: whatever is found in the old one's place is not lost but erased.
//! Behind it is the agreement, where that is to stay: length u16, little-endian, JSON.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sesshoku_core::records::Consent;
use sesshoku_core::status::OverwriteDoubt;
use zeroize::Zeroizing;

use super::check_mark::CheckMark;
use super::database::io_error;
use super::seal::{KEY_LEN, random_bytes};
use super::{StoreError, files, medium};

/// Name of the file in the state folder.
pub(super) const WRAPPING_FILE: &str = "wrapping.key";
/// A block of every usual file system. Smaller files may lie among its own records, which
/// go through its journal.
const PAGE: usize = 4096;
const COPIES: usize = 2;
const PAGES: usize = 2 * COPIES;
/// The state of a secret that is, or was, in force.
const IN_FORCE: u8 = 1;
/// The state of a page without a secret that tells of an erasure.
const ERASED: u8 = 2;
/// Where on such a page the agreement is.
const AGREEMENT_AT: usize = KEY_LEN + 1;

/// A secret that keys are wrapped under; wiped from memory when dropped.
pub(super) type WrappingSecret = Zeroizing<[u8; KEY_LEN]>;

/// The file, and what its pages hold.
pub(super) struct Wrapping {
    path: PathBuf,
    file: File,
    pages: [Page; PAGES],
    /// The slot whose secret is in force, as far as that is known.
    in_force: Option<usize>,
    /// Whether a store was opened in this folder before, and not given up.
    was_used: bool,
}

/// What a page holds.
#[derive(Clone, PartialEq, Eq)]
enum Page {
    Nothing,
    /// That everything was erased but this agreement.
    Erased(Option<Consent>),
    Secret(Held),
}

impl Page {
    fn secret(&self) -> Option<&Held> {
        match self {
            Self::Secret(held) => Some(held),
            Self::Nothing | Self::Erased(_) => None,
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
struct Held {
    secret: WrappingSecret,
    was_in_force: bool,
}

impl Wrapping {
    /// Opens the file in `state_dir`, or makes it.
    pub(super) fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let path = state_dir.join(WRAPPING_FILE);
        let file = open_or_create(&path).map_err(io_error(&path))?;
        let pages = read_pages(&file).map_err(io_error(&path))?;
        files::sync_dir(state_dir).map_err(io_error(state_dir))?;
        // Until the database says more: what never came in force is not to be kept.
        let was = |page: &Page| page.secret().is_some_and(|held| held.was_in_force);
        let in_force = pages.iter().position(was).map(|page| page / COPIES);
        let was_used = CheckMark::is_in(state_dir) && erased(&pages).is_none();
        Ok(Self {
            path,
            file,
            pages,
            in_force,
            was_used,
        })
    }

    /// Whether everything in `state_dir` was erased, and there was no room yet for a new
    /// database.
    pub(super) fn is_erased(state_dir: &Path) -> io::Result<bool> {
        match File::open(state_dir.join(WRAPPING_FILE)) {
            Ok(file) => Ok(erased(&read_pages(&file)?).is_some()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether no secret is left that was in force.
    pub(super) fn is_cleared(&self) -> bool {
        let mut secrets = self.pages.iter().filter_map(Page::secret);
        !secrets.any(|held| held.was_in_force)
    }

    /// The agreement that an erasure is to leave, where there was no room for it yet.
    pub(super) fn agreement(&self) -> Option<Consent> {
        erased(&self.pages)?.clone()
    }

    /// The secrets that may be in force.
    pub(super) fn candidates(&self) -> Vec<WrappingSecret> {
        let mut candidates: Vec<WrappingSecret> = Vec::new();
        for held in self.pages.iter().filter_map(Page::secret) {
            if !candidates.contains(&held.secret) {
                candidates.push(held.secret.clone());
            }
        }
        candidates
    }

    /// Whether a secret has been in force: there was a database.
    pub(super) fn was_in_force(&self) -> bool {
        self.was_used || !self.is_cleared()
    }

    /// Puts a new secret down beside the one in force, which [`Wrapping::settle`] was
    /// last called with. It does not come in force before the database says so.
    pub(super) fn prepare(&mut self) -> Result<WrappingSecret, StoreError> {
        let secret = random_bytes()?;
        let spare = match self.in_force {
            Some(0) => COPIES..PAGES,
            Some(_) | None => 0..COPIES,
        };
        let held = Page::Secret(Held {
            secret: secret.clone(),
            was_in_force: false,
        });
        for page in spare {
            self.write(page, &held)?;
        }
        self.sync()?;
        Ok(secret)
    }

    /// Overwrites all secrets but `in_force`, and sees that there are two copies of that.
    pub(super) fn settle(&mut self, in_force: &WrappingSecret) -> Result<(), StoreError> {
        let holds = |page: &Page| page.secret().is_some_and(|held| held.secret == *in_force);
        let slot = self.pages.iter().position(holds).unwrap_or(0) / COPIES;
        let held = Page::Secret(Held {
            secret: in_force.clone(),
            was_in_force: true,
        });
        self.in_force = Some(slot);
        let mut written = false;
        for page in 0..PAGES {
            let wanted = if page / COPIES == slot {
                &held
            } else {
                &Page::Nothing
            };
            if self.pages[page] != *wanted {
                self.write(page, wanted)?;
                written = true;
            }
        }
        if written { self.sync() } else { Ok(()) }
    }

    /// Overwrites all secrets, and notes that everything is erased but `agreement`. That
    /// needs no room where the file system writes in place.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`] where it does not, and finds none.
    pub(super) fn clear(&mut self, agreement: Option<&Consent>) -> Result<(), StoreError> {
        self.in_force = None;
        self.was_used = false;
        for page in 0..PAGES {
            self.write(page, &Page::Erased(agreement.cloned()))?;
        }
        self.sync()
    }

    /// Overwrites and removes the file in `state_dir`, if there is one.
    pub(super) fn destroy(state_dir: &Path) -> Result<(), StoreError> {
        let path = state_dir.join(WRAPPING_FILE);
        files::destroy(&path).map_err(io_error(&path))
    }

    /// What is written over the secret may not take its place on the disk; why not.
    pub(super) fn doubt(&self) -> Option<OverwriteDoubt> {
        medium::doubt(&self.file)
    }

    fn write(&mut self, page: usize, holds: &Page) -> Result<(), StoreError> {
        let mut contents = Zeroizing::new([0; PAGE]);
        match holds {
            Page::Nothing => {}
            Page::Erased(agreement) => {
                contents[KEY_LEN] = ERASED;
                put_agreement(agreement.as_ref(), &mut contents[AGREEMENT_AT..]);
            }
            Page::Secret(held) => {
                contents[..KEY_LEN].copy_from_slice(held.secret.as_slice());
                contents[KEY_LEN] = u8::from(held.was_in_force) * IN_FORCE;
            }
        }
        self.file
            .write_all_at(contents.as_slice(), offset(page))
            .map_err(io_error(&self.path))?;
        self.pages[page] = holds.clone();
        Ok(())
    }

    fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_all().map_err(io_error(&self.path))
    }
}

fn open_or_create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(files::PRIVATE_FILE);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            medium::write_in_place(&file);
            // All blocks are there before a secret is, so that it is written into them.
            file.write_all_at(&[0; PAGE * PAGES], 0)?;
            file.sync_all()?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
    }
}

/// That everything was erased, but for what agreement; `None` where nothing says so.
fn erased(pages: &[Page]) -> Option<&Option<Consent>> {
    pages.iter().find_map(|page| match page {
        Page::Erased(agreement) => Some(agreement),
        Page::Nothing | Page::Secret(_) => None,
    })
}

/// Writes `agreement` at the beginning of `place`. One that does not fit has to be given
/// again.
fn put_agreement(agreement: Option<&Consent>, place: &mut [u8]) {
    let Some(Ok(json)) = agreement.map(serde_json::to_vec) else {
        return;
    };
    let (Some((length, place)), Ok(len)) =
        (place.split_first_chunk_mut(), u16::try_from(json.len()))
    else {
        return;
    };
    if let Some(place) = place.get_mut(..json.len()) {
        *length = len.to_le_bytes();
        place.copy_from_slice(&json);
    }
}

/// What [`put_agreement`] wrote at the beginning of `place`.
fn get_agreement(place: &[u8]) -> Option<Consent> {
    let (length, place) = place.split_first_chunk()?;
    let json = place.get(..usize::from(u16::from_le_bytes(*length)))?;
    serde_json::from_slice(json).ok()
}

fn read_pages(file: &File) -> io::Result<[Page; PAGES]> {
    let mut pages = [const { Page::Nothing }; PAGES];
    for (number, page) in pages.iter_mut().enumerate() {
        *page = read_page(file, number)?;
    }
    Ok(pages)
}

/// What is on a page; nothing where it is missing from a file cut short.
fn read_page(file: &File, page: usize) -> io::Result<Page> {
    let mut contents = Zeroizing::new([0; PAGE]);
    match file.read_exact_at(contents.as_mut_slice(), offset(page)) {
        Ok(()) => {
            let mut secret = Zeroizing::new([0; KEY_LEN]);
            secret.copy_from_slice(&contents[..KEY_LEN]);
            let is_empty = secret.iter().all(|byte| *byte == 0);
            Ok(match contents[KEY_LEN] {
                ERASED if is_empty => Page::Erased(get_agreement(&contents[AGREEMENT_AT..])),
                _ if is_empty => Page::Nothing,
                state => Page::Secret(Held {
                    secret,
                    was_in_force: state != 0,
                }),
            })
        }
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Page::Nothing),
        Err(error) => Err(error),
    }
}

fn offset(page: usize) -> u64 {
    u64::try_from(page * PAGE).expect("a few pages")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(dir: &Path) -> Vec<u8> {
        std::fs::read(dir.join(WRAPPING_FILE)).unwrap()
    }

    fn holds(contents: &[u8], secret: &WrappingSecret) -> usize {
        let windows = contents.windows(KEY_LEN);
        windows
            .filter(|window| *window == secret.as_slice())
            .count()
    }

    #[test]
    fn a_new_secret_is_written_beside_the_old_one_and_then_that_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let mut wrapping = Wrapping::open(dir.path()).unwrap();
        assert_eq!(wrapping.candidates().len(), 0);
        assert!(!wrapping.was_in_force());
        let mut before = wrapping.prepare().unwrap();
        wrapping.settle(&before).unwrap();
        for _ in 0..3 {
            let next = wrapping.prepare().unwrap();
            let both = contents(dir.path());
            assert_eq!((holds(&both, &before), holds(&both, &next)), (2, 2));
            let mut reopened = Wrapping::open(dir.path()).unwrap();
            assert_eq!(reopened.candidates().len(), 2);
            reopened.settle(&next).unwrap();
            wrapping = Wrapping::open(dir.path()).unwrap();
            let after = contents(dir.path());
            assert_eq!((holds(&after, &before), holds(&after, &next)), (0, 2));
            assert_eq!(after.len(), PAGE * PAGES);
            assert!(wrapping.was_in_force());
            before = next;
        }
        wrapping.clear(None).unwrap();
        assert_eq!(holds(&contents(dir.path()), &before), 0);
        assert_eq!(Wrapping::open(dir.path()).unwrap().candidates().len(), 0);
    }

    #[test]
    fn an_erasure_is_told_until_the_next_secret_is_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let erased = || Wrapping::is_erased(dir.path()).unwrap();
        assert!(!erased());
        let mut wrapping = Wrapping::open(dir.path()).unwrap();
        let secret = wrapping.prepare().unwrap();
        wrapping.settle(&secret).unwrap();
        assert!(!erased());
        let agreement = Consent {
            version: "1".to_owned(),
            agreed_at: gaen::time::UnixSeconds::new(1_600_000_000),
        };
        for agreement in [None, Some(&agreement)] {
            wrapping.clear(agreement).unwrap();
            assert!(erased());
            wrapping = Wrapping::open(dir.path()).unwrap();
            assert_eq!(wrapping.agreement().as_ref(), agreement);
        }
        let secret = wrapping.prepare().unwrap();
        assert!(erased());
        wrapping.settle(&secret).unwrap();
        assert!(!erased());
    }

    #[test]
    fn a_change_that_was_given_up_leaves_the_secret_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let mut wrapping = Wrapping::open(dir.path()).unwrap();
        // In the one slot, then in the other.
        for _ in 0..2 {
            let in_force = wrapping.prepare().unwrap();
            wrapping.settle(&in_force).unwrap();
            let given_up = wrapping.prepare().unwrap();
            // The next change does not take the place of the one in force.
            let next = wrapping.prepare().unwrap();
            let contents = contents(dir.path());
            assert_eq!(holds(&contents, &in_force), 2);
            assert_eq!(holds(&contents, &given_up), 0);
            assert_eq!(holds(&contents, &next), 2);
        }
    }

    #[test]
    fn a_damaged_copy_is_mended_from_the_other() {
        for page in 0..COPIES {
            let dir = tempfile::tempdir().unwrap();
            let mut wrapping = Wrapping::open(dir.path()).unwrap();
            let secret = wrapping.prepare().unwrap();
            wrapping.settle(&secret).unwrap();
            let path = dir.path().join(WRAPPING_FILE);
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            file.write_all_at(&[0xa7; PAGE], offset(page)).unwrap();
            let mut wrapping = Wrapping::open(dir.path()).unwrap();
            assert!(wrapping.candidates().contains(&secret));
            wrapping.settle(&secret).unwrap();
            assert_eq!(Wrapping::open(dir.path()).unwrap().candidates(), [secret]);
        }
    }
}
