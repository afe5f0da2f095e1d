//! The two databases a role can keep its rows in: SQLite, which needs no other
//! service, and PostgreSQL, which any number of replicas share.
//!
//! Here is what both need: opening, and numbered migrations. A schema newer than
//! the program is refused, never written to. What is stored is each role's own:
//! a module of queries per database, held together by one conformance suite.

mod postgres;
mod sqlite;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod time;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::secret::{Place, SecretError};

pub use postgres::Postgres;
pub use sqlite::Sqlite;
pub use time::Witnessed;
pub(crate) use time::machine_shows;

/// The `[database]` table: `kind = "sqlite"` with `path`, or `kind = "postgres"` with
/// `url`, the place of a secret such as `postgres://user:password@host/database`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Settings {
    /// A file.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A server.
    Postgres {
        /// The secret with its URL.
        url: Place,
        /// How many connections at most.
        #[serde(default = "default_connections")]
        connections: usize,
        /// A PEM file of the only authorities to trust, where they are not the system's.
        #[serde(default)]
        ca_file: Option<PathBuf>,
    },
}

impl Settings {
    /// The same database, with so many connections to it at most.
    #[must_use]
    pub fn with_connections(&self, most: usize) -> Self {
        let mut settings = self.clone();
        if let Self::Postgres { connections, .. } = &mut settings {
            *connections = most.min(*connections);
        }
        settings
    }

    /// Opens what they name, without asking a server: the secret with the URL, the
    /// authorities' file, and a database that is a file, where it is there.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn check(&self) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite { path } => sqlite::check(path),
            Self::Postgres { url, ca_file, .. } => {
                postgres::check(&url.read()?, ca_file.as_deref())
            }
        }
    }
}

const fn default_connections() -> usize {
    8
}

/// The numbered migrations of a role, the first being number 1. One that was
/// released is never changed; a change is a new one at the end, for both databases.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// For SQLite.
    pub sqlite: &'static [&'static str],
    /// For PostgreSQL.
    pub postgres: &'static [&'static str],
}

/// An open database.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file.
    Sqlite(Sqlite),
    /// A server.
    Postgres(Postgres),
}

impl Database {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// [`DatabaseError`], among them that the schema is newer than this program.
    pub async fn open(settings: &Settings, migrations: &Migrations) -> Result<Self, DatabaseError> {
        match settings {
            Settings::Sqlite { path } => Sqlite::open(path, migrations.sqlite)
                .await
                .map(Self::Sqlite),
            Settings::Postgres {
                url,
                connections,
                ca_file,
            } => {
                let (url, ca_file) = (url.read()?, ca_file.as_deref());
                Postgres::open(&url, *connections, ca_file, migrations.postgres)
                    .await
                    .map(Self::Postgres)
            }
        }
    }
}

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite failed.
    #[error("the database failed")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL failed.
    #[error("the database failed")]
    Postgres(#[from] tokio_postgres::Error),
    /// There is no connection to PostgreSQL.
    #[error("the database cannot be reached")]
    Unreachable(#[from] deadpool_postgres::PoolError),
    /// The URL is not one.
    #[error("the database's URL cannot be used")]
    Url(#[source] tokio_postgres::Error),
    /// The authorities' file cannot be used.
    #[error("cannot use the authorities in {}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// TLS cannot be set up.
    #[error("TLS to the database cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The pool cannot be made.
    #[error("the database's connections cannot be set up")]
    Pool(#[from] deadpool_postgres::BuildError),
    /// The secret with the URL cannot be read.
    #[error("the database's URL is missing")]
    Secret(#[from] SecretError),
    /// The schema was written by a newer version.
    #[error("the database has schema {found}, and this version knows up to {known}")]
    Newer {
        /// The schema in the database.
        found: i64,
        /// The newest this version knows.
        known: i64,
    },
    /// A query did not come to its end.
    #[error("a query was broken off")]
    BrokenOff,
}

/// The number of the newest migration.
fn newest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// The migrations still to be made from schema `found`, with their numbers.
fn missing<'a>(
    found: i64,
    migrations: &'a [&'static str],
) -> Result<impl Iterator<Item = (i64, &'static str)> + use<'a>, DatabaseError> {
    let known = newest(migrations);
    if found > known {
        return Err(DatabaseError::Newer { found, known });
    }
    Ok((1..)
        .zip(migrations.iter().copied())
        .filter(move |(number, _)| *number > found))
}
