//! Databases for tests: an SQLite file, or a PostgreSQL server of the tests' own.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::Settings;
use crate::secret::Place;

#[path = "../../tests/common/postgres.rs"]
pub(crate) mod postgres;

/// Where databases of one kind are made.
pub(crate) struct Databases {
    is_postgres: bool,
    dir: TempDir,
}

impl Databases {
    pub(crate) fn sqlite() -> Self {
        Self {
            is_postgres: false,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn postgres() -> Self {
        Self {
            is_postgres: true,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// An empty database.
    pub(crate) async fn settings(&self) -> Settings {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let path = self.dir.path().join(name);
        if !self.is_postgres {
            return Settings::Sqlite { path };
        }
        fs::write(&path, postgres::empty_database().await).unwrap();
        Settings::Postgres {
            url: Place::File(path),
            connections: 4,
            ca_file: None,
        }
    }
}
