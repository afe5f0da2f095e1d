//! Which adapters go on sending their identity, kept for a daemon that starts after this
//! one: nothing else tells it.
//!
//! It is kept in a folder that goes with the machine's power, as what the kernel sends
//! does. Where an adapter is switched off and on while no daemon runs, it is asked for once
//! too often.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const FILE: &str = "exposed";
/// More than the numbers of all adapters that a machine can have take.
const FILE_LEN_MAX: u64 = 64 * 1024;

/// The numbers of these adapters.
#[derive(Debug)]
pub(super) struct Memory {
    /// `None` where nothing is kept.
    dir: Option<PathBuf>,
    exposed: BTreeSet<u16>,
}

impl Memory {
    /// Reads what an earlier daemon left in `dir`.
    pub(super) fn open(dir: Option<&Path>) -> Self {
        let exposed = dir.and_then(|dir| {
            let warn = |error: &io::Error| {
                tracing::warn!(%error, "what an earlier daemon knew of adapters is lost");
            };
            read(&dir.join(FILE)).inspect_err(warn).ok()
        });
        Self {
            dir: dir.map(Path::to_owned),
            exposed: exposed.unwrap_or_default(),
        }
    }

    /// Whether adapter `index` is one of them.
    pub(super) fn is_exposed(&self, index: u16) -> bool {
        self.exposed.contains(&index)
    }

    /// Adapter `index` is one of them from now on, or is not.
    pub(super) fn note(&mut self, index: u16, exposed: bool) {
        let changed = if exposed {
            self.exposed.insert(index)
        } else {
            self.exposed.remove(&index)
        };
        if changed
            && let Some(dir) = &self.dir
            && let Err(error) = write(dir, &self.exposed)
        {
            tracing::warn!(%error, "what is known of adapters goes with this daemon");
        }
    }
}

fn read(path: &Path) -> io::Result<BTreeSet<u16>> {
    let len = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        metadata => metadata?.len(),
    };
    if len > FILE_LEN_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let text = fs::read_to_string(path)?;
    let numbers = text.lines().map(str::parse).collect::<Result<_, _>>();
    numbers.map_err(io::Error::other)
}

/// Whole, or not at all: a daemon can be killed at any time.
fn write(dir: &Path, exposed: &BTreeSet<u16>) -> io::Result<()> {
    let text: String = exposed.iter().map(|index| format!("{index}\n")).collect();
    let new = dir.join(format!("{FILE}.new"));
    fs::write(&new, text)?;
    fs::rename(&new, dir.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_daemon_knows_what_this_one_did() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut memory = Memory::open(Some(dir.path()));
        assert!(!memory.is_exposed(0));
        memory.note(0, true);
        memory.note(12, true);
        memory.note(3, false);
        let mut memory = Memory::open(Some(dir.path()));
        let exposed = |memory: &Memory| [0, 3, 12].map(|index| memory.is_exposed(index));
        assert_eq!(exposed(&memory), [true, false, true]);
        memory.note(0, false);
        assert_eq!(
            exposed(&Memory::open(Some(dir.path()))),
            [false, false, true]
        );
    }

    #[test]
    fn without_a_folder_or_with_a_damaged_file_it_goes_on() {
        let mut memory = Memory::open(None);
        memory.note(1, true);
        assert!(memory.is_exposed(1) && !Memory::open(None).is_exposed(1));

        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(FILE), "1\nhci2\n").expect("written");
        let mut memory = Memory::open(Some(dir.path()));
        assert!(!memory.is_exposed(1));
        memory.note(2, true);
        assert!(Memory::open(Some(dir.path())).is_exposed(2));
    }
}
