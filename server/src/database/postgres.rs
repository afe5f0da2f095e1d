//! PostgreSQL: a pool of connections.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;

use super::{DatabaseError, missing};
use crate::secret::Secret;

/// How long a query waits for a connection.
const WAIT_TIME_MAX: Duration = Duration::from_secs(5);
/// Any number: it keeps replicas that start together from migrating together.
const MIGRATION_LOCK: i64 = 0x5365_7373;

/// A pool of connections.
#[derive(Clone)]
pub struct Postgres(Pool);

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Postgres {
    pub(super) async fn open(
        url: &Secret,
        connections: usize,
        migrations: &'static [&'static str],
    ) -> Result<Self, DatabaseError> {
        let config = tokio_postgres::Config::from_str(url.expose()).map_err(DatabaseError::Url)?;
        let manager = Manager::from_config(
            config,
            NoTls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT_TIME_MAX))
            .create_timeout(Some(WAIT_TIME_MAX))
            .build()?;
        let this = Self(pool);
        this.migrate(migrations).await?;
        Ok(this)
    }

    /// A connection; it goes back to the pool when it is dropped.
    ///
    /// # Errors
    /// [`DatabaseError::Unreachable`].
    pub async fn get(&self) -> Result<Object, DatabaseError> {
        Ok(self.0.get().await?)
    }

    async fn migrate(&self, migrations: &'static [&'static str]) -> Result<(), DatabaseError> {
        let mut client = self.get().await?;
        let transaction = client.transaction().await?;
        transaction
            .execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK])
            .await?;
        transaction
            .batch_execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
            .await?;
        let found = transaction
            .query_opt("SELECT max(version) FROM schema_version", &[])
            .await?
            .and_then(|row| row.get::<_, Option<i64>>(0))
            .unwrap_or(0);
        for (number, step) in missing(found, migrations)? {
            transaction.batch_execute(step).await?;
            transaction
                .execute(
                    "INSERT INTO schema_version (version) VALUES ($1)",
                    &[&number],
                )
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}
