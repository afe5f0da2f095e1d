//! SQLite: one connection, on blocking threads.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{DatabaseError, missing};

/// How long to wait for another process that has the file.
const BUSY_TIME_MAX: Duration = Duration::from_secs(5);

/// An open file.
#[derive(Clone)]
pub struct Sqlite(Arc<Mutex<Connection>>);

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Opens the file, made with mode 0600 if it is not there, and migrates it.
    pub(super) async fn open(
        path: &Path,
        migrations: &'static [&'static str],
    ) -> Result<Self, DatabaseError> {
        let path = path.to_owned();
        blocking(move || {
            create_private(&path)?;
            let conn = Connection::open(&path)?;
            conn.busy_timeout(BUSY_TIME_MAX)?;
            // What is deleted is overwritten: a 処理番号 that was used up is gone.
            conn.pragma_update(None, "secure_delete", true)?;
            conn.pragma_update(None, "journal_mode", "wal")?;
            conn.pragma_update(None, "synchronous", "full")?;
            conn.pragma_update(None, "foreign_keys", true)?;
            let this = Self(Arc::new(Mutex::new(conn)));
            this.with(|transaction| migrate(transaction, migrations))?;
            Ok(this)
        })
        .await
    }

    /// Runs `work` in a transaction of its own, which is kept if it succeeds.
    ///
    /// # Errors
    /// Those of `work`, and [`DatabaseError::Sqlite`].
    pub async fn write<T: Send + 'static, E: From<DatabaseError> + Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        let this = self.clone();
        blocking(move || this.with(work)).await
    }

    /// Empties the write-ahead log, so that nothing deleted is left in it.
    ///
    /// # Errors
    /// [`DatabaseError::Sqlite`].
    pub async fn checkpoint(&self) -> Result<(), DatabaseError> {
        let this = self.clone();
        blocking(move || {
            let conn = this.0.lock().unwrap_or_else(PoisonError::into_inner);
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(())
        })
        .await
    }

    fn with<T, E: From<DatabaseError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut conn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(DatabaseError::from)?;
        let done = work(&transaction)?;
        transaction.commit().map_err(DatabaseError::from)?;
        Ok(done)
    }
}

fn migrate(
    transaction: &Transaction<'_>,
    migrations: &'static [&'static str],
) -> Result<(), DatabaseError> {
    let found = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (number, step) in missing(found, migrations)? {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    Ok(())
}

/// SQLite would make the file readable by whom the umask allows.
fn create_private(path: &Path) -> Result<(), DatabaseError> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(|_| ())
        .map_err(|error| {
            let cannot_open = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
            let message = format!("{}: {error}", path.display());
            rusqlite::Error::SqliteFailure(cannot_open, Some(message)).into()
        })
}

/// Whether the file can be read and written, where it is there.
pub(super) fn check(path: &Path) -> Result<(), DatabaseError> {
    if path.try_exists().is_ok_and(|exists| !exists) {
        return Ok(());
    }
    create_private(path)
}

async fn blocking<T: Send + 'static, E: From<DatabaseError> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(DatabaseError::BrokenOff.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn migrations_are_made_once_and_a_newer_schema_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        const OLD: &[&str] = &["CREATE TABLE a (x INTEGER) STRICT"];
        const NEW: &[&str] = &[OLD[0], "CREATE TABLE b (x INTEGER) STRICT"];
        for migrations in [OLD, OLD, NEW, NEW] {
            Sqlite::open(&path, migrations).await.unwrap();
        }
        let error = Sqlite::open(&path, OLD).await.unwrap_err();
        assert!(
            matches!(error, DatabaseError::Newer { found: 2, known: 1 }),
            "{error}"
        );
    }
}
