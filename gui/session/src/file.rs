//! Small files of text that people write.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use guidance::DirectoryError;

/// No file that people write for this is longer, in bytes.
const LONGEST: u64 = 1 << 20;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is too long to have been written by people.
    #[error("{} is longer than {LONGEST} bytes", .0.display())]
    TooLong(PathBuf),
    /// It is not TOML, or has an unknown key or a wrong type.
    #[error("{} is refused", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Where in it, and what.
        source: Box<toml::de::Error>,
    },
    /// What is shown on a line cannot be.
    #[error("{} is refused: `{key}` is empty, too long, or not what it has to be", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Which it is.
        key: &'static str,
    },
    /// What has to be a day is none, or has a time, too.
    #[error("{} is refused: `since` is a day, such as 2026-12-01", .0.display())]
    NoDay(PathBuf),
    /// It is no directory of contacts.
    #[error("{} is refused", path.display())]
    Directory {
        /// The file.
        path: PathBuf,
        /// Why.
        source: DirectoryError,
    },
}

/// The contents of a file; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, FileError> {
    let failed = |source| FileError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match settings::file::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = String::new();
    let read = file
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if u64::try_from(read).is_ok_and(|read| read <= LONGEST) {
        Ok(Some(text))
    } else {
        Err(FileError::TooLong(path.to_owned()))
    }
}
