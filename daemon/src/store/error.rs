//! Why the store could not do what it was asked to.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use super::device_key::DeviceKeyError;
use super::files;

/// Why the store could not do what it was asked to.
///
/// None of the texts holds anything that is stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The state folder or a file in it could not be used.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another daemon has this state folder open.
    #[error("{} is in use by another sesshokud", state_dir.display())]
    InUse {
        /// The state folder.
        state_dir: PathBuf,
    },
    /// There is no usable device key.
    #[error(transparent)]
    DeviceKey(DeviceKeyError),
    /// The database was made with another device key; without that one, nothing
    /// in it can be read. Nothing was changed: the right key opens it again, and
    /// [`super::Store::start_over`] gives it up.
    #[error("the database was made with another device key, which is lost or not the one given")]
    OtherDeviceKey,
    /// The database was written by a newer version. Nothing was changed.
    #[error(
        "the database was written by a newer version (schema {found}; this one knows up to {known}): install that again"
    )]
    NewerSchema {
        /// The database's schema.
        found: u32,
        /// The newest one this version knows.
        known: u32,
    },
    /// The file is a database of another program. Nothing was changed.
    #[error("the database belongs to another program")]
    Foreign,
    /// A part of the database that everything depends on is damaged.
    #[error("the database is damaged")]
    Damaged(#[source] Option<rusqlite::Error>),
    /// There is no room left on the disk. What was acknowledged before is kept.
    #[error("the disk is full")]
    DiskFull,
    /// Someone kept reading, so the write-ahead log could not be emptied. Keys
    /// that were to be destroyed are destroyed in the database; the rest is
    /// finished by the next call or at the next start.
    #[error("the database is being read; its log could not be emptied")]
    Busy,
    /// Everything was erased while it was being read.
    #[error("the data was erased while it was read")]
    Erased,
    /// The clock shows a time before this program existed, by which nothing may
    /// be judged old.
    #[error("the clock is not set")]
    ClockNotSet,
    /// A cycle, or a day's number of cycles, is larger than the format allows.
    #[error("more than the store's format has room for")]
    TooLarge,
    /// The system gave no random bytes.
    #[error("no random bytes from the system")]
    Random(#[source] getrandom::Error),
    /// SQLite failed otherwise.
    #[error("the database failed")]
    Sqlite(#[source] rusqlite::Error),
}

impl StoreError {
    /// The database holds something that was never written.
    pub(super) fn malformed() -> Self {
        Self::Damaged(None)
    }

    /// Whether what is in the place of the database cannot be used, whoever wrote it.
    pub(super) fn is_of_contents(&self) -> bool {
        self.is_of_damage() || matches!(self, Self::OtherDeviceKey | Self::Foreign)
    }

    /// Whether the database is not as it was written, as far as can be told: SQLite says
    /// so, or fails where nothing but what it reads can be the reason.
    pub(super) fn is_of_damage(&self) -> bool {
        let Self::Sqlite(error) = self else {
            return matches!(self, Self::Damaged(_));
        };
        error.sqlite_error_code().is_none_or(|code| {
            matches!(
                code,
                ErrorCode::Unknown
                    | ErrorCode::ConstraintViolation
                    | ErrorCode::TypeMismatch
                    | ErrorCode::TooBig
                    | ErrorCode::SchemaChanged
            )
        })
    }
}

impl From<DeviceKeyError> for StoreError {
    fn from(error: DeviceKeyError) -> Self {
        if let DeviceKeyError::Io { source, .. } = &error
            && files::is_full(source)
        {
            return Self::DiskFull;
        }
        Self::DeviceKey(error)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) {
            return Self::Damaged(Some(error));
        }
        let failure = error.sqlite_error().copied();
        match failure {
            Some(failure) if failure.code == ErrorCode::DiskFull => Self::DiskFull,
            Some(failure) if failure.code == ErrorCode::DatabaseBusy => Self::Busy,
            Some(_) | None => Self::Sqlite(error),
        }
    }
}

/// Whether `error` means that a part of the file is not what was written, or that
/// the disk does not give it back.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error;
    if matches!(
        error,
        Error::InvalidColumnType(..)
            | Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
    ) {
        return true;
    }
    error.sqlite_error().is_some_and(|failure| {
        matches!(
            failure.code,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase
        ) || matches!(
            failure.extended_code,
            ffi::SQLITE_IOERR_READ | ffi::SQLITE_IOERR_SHORT_READ | ffi::SQLITE_IOERR_CORRUPTFS
        )
    })
}
