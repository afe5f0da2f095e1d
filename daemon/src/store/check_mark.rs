//! A mark that a check is under way, beside the database.
//!
//! A check that fails because the disk is full cannot have its failure stored, and "no
//! contact" would go on being said by the last complete one. So a mark is made before
//! a check begins and taken back once how it ended is stored: one that is still there
//! after a restart says that something should have been looked at and was not. The
//! mark is a few bytes of a file that exists already, written in their place, which
//! needs no room on most file systems; where it cannot be written, the check does not
//! begin, and this process at least knows.
//!
//! The file tells that there was a check, and nothing about a person.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::files;

/// The name of the file in the state folder.
const FILE: &str = "check";
/// What is in it while no check is under way.
const AT_REST: &[u8; 8] = b"at-rest\n";
/// What is in it from before a check begins until its end is stored.
const UNDER_WAY: &[u8; 8] = b"underway";

/// Remembers that a check is under way, or ended in no known way.
#[derive(Debug)]
pub struct CheckMark {
    file: Option<File>,
    unrecorded: AtomicBool,
}

impl CheckMark {
    /// The mark in `state_dir`, made if there is none. Where that is not possible, no
    /// check can begin.
    pub(super) fn open(state_dir: &Path) -> Self {
        let (file, unrecorded) = match open_file(state_dir) {
            Ok(file) => {
                let mut state = [0; AT_REST.len()];
                let is_read = file.read_exact_at(&mut state, 0).is_ok();
                (Some(file), !is_read || &state != AT_REST)
            }
            Err(error) => {
                tracing::error!(%error, "there is no mark of checks");
                (None, false)
            }
        };
        Self {
            file,
            unrecorded: AtomicBool::new(unrecorded),
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
        let written = self.write(UNDER_WAY);
        if written.is_err() {
            self.stays_open();
        }
        written
    }

    /// Notes that how the check ended is stored, or that it came to nothing.
    pub fn ended(&self) {
        // The other way round, a mark that cannot be written would be lost.
        match self.write(AT_REST) {
            Ok(()) => self.unrecorded.store(false, Ordering::SeqCst),
            Err(error) => tracing::error!(%error, "the mark of a check stays"),
        }
    }

    /// Notes that a check that was cut off had nothing to tell, unless one before had.
    pub fn cut_off(&self) {
        if !self.is_unrecorded() {
            self.ended();
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

    fn write(&self, state: &[u8; 8]) -> io::Result<()> {
        let file = self.file.as_ref();
        let file = file.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        file.write_all_at(state, 0)?;
        file.sync_data()
    }
}

fn open_file(state_dir: &Path) -> io::Result<File> {
    let path = state_dir.join(FILE);
    match files::create_private(&path, AT_REST) {
        Ok(()) => files::sync_dir(state_dir)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    File::options().read(true).write(true).open(path)
}
