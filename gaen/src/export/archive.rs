//! The ZIP file around an export (docs/protocol.md §6).
//!
//! Nothing in it is believed: what counts is `export.bin`, whose signature covers every
//! byte. So any program's archive is read, as long as it holds the files of an export and
//! nothing else, and says how long they are.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::Limits;

/// Name of the entry that holds the keys.
pub(super) const BIN_NAME: &str = "export.bin";
/// Name of the entry that holds the signatures.
pub(super) const SIG_NAME: &str = "export.sig";

/// The two files of an export, decompressed.
pub(super) struct Files {
    pub(super) bin: Vec<u8>,
    pub(super) sig: Option<Vec<u8>>,
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file is longer than [`Limits::archive`].
    #[error("the file is longer than {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// It is no ZIP file, or a damaged one.
    #[error("not a ZIP file that can be read")]
    Zip(#[source] ZipError),
    /// An entry that is neither `export.bin` nor `export.sig`.
    #[error("the ZIP file holds something else than an export")]
    ForeignEntry,
    /// An entry that is there twice.
    #[error("the ZIP file holds an entry twice")]
    DuplicateEntry,
    /// An entry that is missing.
    #[error("the ZIP file holds no {0}")]
    MissingEntry(&'static str),
    /// An entry would be longer than its limit when decompressed.
    #[error("{name} would be longer than {limit} bytes")]
    EntryTooLong {
        /// Its name.
        name: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
    /// An entry's data cannot be decompressed, or its checksum does not match.
    #[error("{name} is damaged or of a kind that is not supported")]
    Entry {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        #[source]
        source: ZipError,
    },
    /// An entry does not hold as much as the archive says.
    #[error("{0} does not hold as much as the ZIP file says")]
    Length(&'static str),
}

/// Reads an archive that holds `export.bin` and `export.sig`, in either order.
/// With `bare_allowed`, `export.sig` may be missing.
pub(super) fn read(
    bytes: &[u8],
    limits: &Limits,
    bare_allowed: bool,
) -> Result<Files, ArchiveError> {
    if bytes.len() > limits.archive {
        return Err(ArchiveError::TooLong {
            limit: limits.archive,
        });
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(ArchiveError::Zip)?;
    if archive.has_duplicate_names() {
        return Err(ArchiveError::DuplicateEntry);
    }
    let is_ours = |name: &[u8]| [BIN_NAME, SIG_NAME].map(str::as_bytes).contains(&name);
    if !archive.file_names_raw().all(is_ours) {
        return Err(ArchiveError::ForeignEntry);
    }
    let sig = read_entry(&mut archive, SIG_NAME, limits.sig)?;
    if sig.is_none() && !bare_allowed {
        return Err(ArchiveError::MissingEntry(SIG_NAME));
    }
    let bin = read_entry(&mut archive, BIN_NAME, limits.bin)?;
    let bin = bin.ok_or(ArchiveError::MissingEntry(BIN_NAME))?;
    Ok(Files { bin, sig })
}

/// The entry of this name, if there is one. Its length is known before anything of it is
/// unpacked, and not a byte more is.
fn read_entry(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    name: &'static str,
    limit: usize,
) -> Result<Option<Vec<u8>>, ArchiveError> {
    let entry_error = |source| ArchiveError::Entry { name, source };
    let Some(index) = archive.index_for_name_raw(name.as_bytes()) else {
        return Ok(None);
    };
    let mut entry = archive.by_index(index).map_err(entry_error)?;
    let size = entry.size();
    let length = usize::try_from(size)
        .ok()
        .filter(|&length| length <= limit)
        .ok_or(ArchiveError::EntryTooLong { name, limit })?;
    let mut content = Vec::with_capacity(length);
    // One byte more, so that the end is seen, where the checksum is compared.
    let read = entry.by_ref().take(size + 1).read_to_end(&mut content);
    read.map_err(|error| entry_error(error.into()))?;
    if content.len() != length {
        return Err(ArchiveError::Length(name));
    }
    Ok(Some(content))
}
