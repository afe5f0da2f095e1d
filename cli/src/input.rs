//! Reading input files, and what can be wrong with them.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use capture::Adverts;
use capture::btsnoop::{LogError, RecordError};
use gaen::export::{BatchError, ExportError, Limits, PinnedKey, PinnedKeyError};
use gaen::import::ImportError;

use settings::file::{self, Bounded};

use crate::args::PublicKey;

/// Longest line of a file of sightings, in bytes; they have about 200.
const MAX_LINE: u64 = 64 * 1024;
/// Most sightings; they take half a gigabyte of memory.
pub(crate) const MAX_SIGHTINGS: usize = 10_000_000;
/// Longest file of exposure windows, in bytes. Phones' have some hundred kilobytes.
pub(crate) const MAX_WINDOWS_FILE: u64 = 64 * 1024 * 1024;

/// Why an input file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// It cannot be read.
    #[error("{} cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// It is longer than anything of its kind.
    #[error("{} is longer than {limit} bytes", .path.display())]
    TooLong { path: PathBuf, limit: u64 },
    /// A line of it is longer than any sighting. Lines are counted from 1.
    #[error("line {line} of {} is longer than {MAX_LINE} bytes", .path.display())]
    LineTooLong { path: PathBuf, line: u64 },
    /// It has more sightings than anybody could have recorded.
    #[error("{} has more than {MAX_SIGHTINGS} sightings", .0.display())]
    TooManySightings(PathBuf),
    /// It is not a Bluetooth log.
    #[error("{} is not a log that can be read", .0.display())]
    Log(PathBuf, #[source] capture::btsnoop::LogError),
    /// A line of it is not a sighting. Lines are counted from 1.
    #[error("line {line} of {} is not a sighting", .path.display())]
    Sighting {
        path: PathBuf,
        line: u64,
        #[source]
        source: SightingError,
    },
    /// It is not a JSON file of exposure windows.
    #[error("{} does not hold exposure windows", .0.display())]
    Json(PathBuf, #[source] serde_json::Error),
    /// An exposure window of it is out of range. Windows are counted from 0.
    #[error("window {index} of {} is refused", .path.display())]
    Window {
        path: PathBuf,
        index: usize,
        #[source]
        source: ImportError,
    },
    /// It is not a public key.
    #[error("{} cannot be used", .0.display())]
    PublicKey(PathBuf, #[source] PinnedKeyError),
}

impl InputError {
    /// Its stable name, for JSON.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Unreadable(..) => "input-unreadable",
            Self::TooLong { .. } | Self::LineTooLong { .. } | Self::TooManySightings(_) => {
                "input-too-long"
            }
            Self::Log(..) => "input-not-a-log",
            Self::Sighting { .. } => "input-bad-sighting",
            Self::Json(..) => "input-not-windows",
            Self::Window { .. } => "input-bad-window",
            Self::PublicKey(..) => "input-not-a-public-key",
        }
    }
}

/// What is wrong with a line of sightings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SightingError {
    /// It is not the JSON object it should be.
    #[error("it is not a sighting in JSON")]
    Json(#[from] serde_json::Error),
    /// Its RPI is not 32 hexadecimal digits.
    #[error("its rpi is not 32 hexadecimal digits")]
    Rpi,
    /// Its AEM is not hexadecimal.
    #[error("its aem is not hexadecimal")]
    Aem,
}

/// Why the keys of a file are not matched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// The file is refused.
    #[error("{} is refused", .0.display())]
    Export(PathBuf, #[source] ExportError),
    /// A batch of an export is missing.
    #[error("the export of {} is not complete", .0.display())]
    Batches(PathBuf, #[source] BatchError),
}

impl KeysError {
    /// Its stable name, for JSON.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Export(_, error) => error_name(error),
            Self::Batches(..) => "batches",
        }
    }
}

/// The stable name of an error, for JSON.
pub(crate) const fn error_name(error: &ExportError) -> &'static str {
    match error {
        ExportError::Archive(_) => "archive",
        ExportError::Header => "header",
        ExportError::Message(_) | ExportError::Framing => "message",
        ExportError::SignatureMessage(_) => "signature-message",
        ExportError::Unsigned => "unsigned",
        ExportError::UnknownKey { .. } => "unknown-key",
        ExportError::Algorithm { .. } => "algorithm",
        ExportError::Signature { .. } => "signature",
        ExportError::SignatureCount { .. } => "signature-count",
        ExportError::Period => "period",
        ExportError::BatchNumber => "batch-number",
        ExportError::Key { .. } => "key",
    }
}

/// An error with its causes, as one text.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// All bytes of a file, which must be no longer than `limit`.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    file::read(path, limit).map_err(|error| unreadable(path, limit, error))
}

/// A Bluetooth log that is being read.
pub(crate) type Log = Adverts<BufReader<Bounded>>;

/// Opens a Bluetooth log. Ask [`whole_log`] when it is read.
pub(crate) fn open_log(path: &Path) -> Result<Log, InputError> {
    let file = Bounded::open(path, file::MAX_LOG)
        .map_err(|error| unreadable(path, file::MAX_LOG, error))?;
    Adverts::new(BufReader::new(file)).map_err(|error| {
        if let LogError::Unreadable(kind) = error {
            return unreadable(path, file::MAX_LOG, kind.into());
        }
        InputError::Log(path.to_owned(), error)
    })
}

/// Whether the bytes of the log could be read as far as there was sense in them.
pub(crate) fn whole_log(path: &Path, log: &Log) -> Result<(), InputError> {
    match log.ended_early() {
        Some(RecordError::Unreadable { kind, .. }) => {
            Err(unreadable(path, file::MAX_LOG, kind.into()))
        }
        Some(RecordError::Truncated { .. } | RecordError::Corrupt { .. }) | None => Ok(()),
    }
}

fn unreadable(path: &Path, limit: u64, error: io::Error) -> InputError {
    let path = path.to_owned();
    if error.kind() == io::ErrorKind::FileTooLarge {
        InputError::TooLong { path, limit }
    } else {
        InputError::Unreadable(path, error)
    }
}

/// The bytes of an export, as many as tell whether it is too long.
pub(crate) fn read_export(path: &Path, limits: &Limits) -> Result<Vec<u8>, InputError> {
    let read = || {
        let most = u64::try_from(limits.archive).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        file::open(path)?
            .take(most.saturating_add(1))
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| InputError::Unreadable(path.to_owned(), error))
}

/// Calls `each` with every line that is not blank, and its number from 1.
pub(crate) fn for_each_line(
    path: &Path,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), InputError>,
) -> Result<(), InputError> {
    let unreadable = |error| InputError::Unreadable(path.to_owned(), error);
    let mut file = BufReader::new(file::open(path).map_err(unreadable)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut bounded = (&mut file).take(MAX_LINE + 1);
        let read = bounded.read_until(b'\n', &mut line).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        if u64::try_from(read).is_ok_and(|read| read > MAX_LINE) {
            let path = path.to_owned();
            return Err(InputError::LineTooLong { path, line: number });
        }
        let line = line.trim_ascii();
        if !line.is_empty() {
            each(number, line)?;
        }
    }
    Ok(())
}

impl PublicKey {
    /// The key of `--public-key`, `None` without.
    pub(crate) fn read(&self) -> Result<Option<PinnedKey>, InputError> {
        let Some(path) = &self.public_key else {
            return Ok(None);
        };
        let pem = file::read_text(path).map_err(|error| unreadable(path, file::MAX_TEXT, error))?;
        PinnedKey::from_pem(&self.key_id, &self.key_version, &pem)
            .map(Some)
            .map_err(|error| InputError::PublicKey(path.clone(), error))
    }
}
