//! Which contacts a person was told of, or has looked at.
//!
//! A contact is a digest under a salt that lies beside it, and a file is filled up
//! with random ones: that there was a contact does not show, though whoever tries all
//! dates finds it. Those who may read the file may ask the daemon as well.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// A file has a multiple of this many digests.
const FULL: usize = 64;

/// A day of the contact list: its UTC date, `YYYY-MM-DD`, and how many contacts it has.
pub type Day<'a> = (&'a str, u32);

/// The contacts that were told of, or looked at, in a file.
#[derive(Debug)]
pub struct Told {
    path: PathBuf,
    salt: [u8; 32],
    digests: BTreeSet<[u8; 32]>,
}

impl Told {
    /// Reads the file at `path`; where there is none, or it makes no sense, nothing was
    /// told of yet.
    ///
    /// # Errors
    /// When there is one that cannot be read, or nothing random to be had.
    pub fn load(path: PathBuf) -> io::Result<Self> {
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            text => text.unwrap_or_default(),
        };
        let mut lines = text.lines().filter_map(|line| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(line, &mut bytes).ok().map(|()| bytes)
        });
        let salt = match lines.next() {
            Some(salt) => salt,
            None => random()?,
        };
        let digests = lines.collect();
        Ok(Self {
            path,
            salt,
            digests,
        })
    }

    /// Whether `days` have a contact that was not told of.
    pub fn has_new(&self, days: &[Day<'_>]) -> bool {
        self.of(days).any(|digest| !self.digests.contains(&digest))
    }

    /// Takes down that all of `days` were told of, and forgets the days that are over.
    ///
    /// # Errors
    /// When that cannot be written; they are not told of then.
    pub fn note(&mut self, days: &[Day<'_>]) -> io::Result<()> {
        let mut digests: BTreeSet<_> = self.of(days).collect();
        while digests.is_empty() || digests.len() % FULL != 0 {
            digests.insert(random()?);
        }
        let lines = [&self.salt].into_iter().chain(&digests).map(hex::encode);
        let text = lines.collect::<Vec<_>>().join("\n");
        let dir = self.path.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let new = self.path.with_extension("new");
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()?;
        fs::rename(new, &self.path)?;
        self.digests = digests;
        Ok(())
    }

    /// Forgets everything, on the disk too.
    ///
    /// # Errors
    /// When the file cannot be deleted.
    pub fn forget(&mut self) -> io::Result<()> {
        self.digests.clear();
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// A digest for each contact: the second of a day is another than the first.
    fn of(&self, days: &[Day<'_>]) -> impl Iterator<Item = [u8; 32]> {
        days.iter().flat_map(move |&(date, contacts)| {
            (0..contacts).map(move |number| {
                Sha256::new()
                    .chain_update(self.salt)
                    .chain_update(date)
                    .chain_update(number.to_be_bytes())
                    .finalize()
                    .into()
            })
        })
    }
}

fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: [Day<'static>; 2] = [("2020-08-01", 1), ("2020-07-30", 2)];

    #[test]
    fn each_contact_is_new_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/notified");
        let mut told = Told::load(path.clone()).unwrap();
        assert!(!told.has_new(&[]));
        assert!(told.has_new(&DAYS));
        told.note(&DAYS).unwrap();
        assert!(!told.has_new(&DAYS));

        let mut told = Told::load(path.clone()).unwrap();
        assert!(!told.has_new(&DAYS), "it is remembered");
        let more = [("2020-08-01", 2)];
        assert!(told.has_new(&more), "a second contact of a day is new");
        told.forget().unwrap();
        assert!(told.has_new(&DAYS));
        assert!(!path.exists());
    }

    #[test]
    fn the_file_looks_the_same_with_contacts_and_without() {
        let dir = tempfile::tempdir().unwrap();
        let size = |name: &str, days: &[Day<'_>]| {
            let path = dir.path().join(name);
            Told::load(path.clone()).unwrap().note(days).unwrap();
            let text = fs::read_to_string(path).unwrap();
            assert!(!text.contains("2020-"));
            text.len()
        };
        assert_eq!(size("with", &DAYS), size("without", &[]));
    }
}
