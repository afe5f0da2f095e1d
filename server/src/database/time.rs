//! The time as the database has it: what its clock shows, and what a role was sure of.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Database, DatabaseError};

/// What a role has been sure of, in its table `clock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// A time that has passed, in seconds since 1970; `None` before the first.
    pub time: Option<i64>,
    /// How often an operator has vouched for the clock.
    pub vouched: i64,
}

/// The SQL of a role's table `clock`, with integers of this type; the role's migration
/// puts its one row in.
macro_rules! clock_table {
    ($integer:literal, $options:literal) => {
        concat!(
            "CREATE TABLE clock (one ",
            $integer,
            " NOT NULL PRIMARY KEY CHECK (one = 1), time ",
            $integer,
            ", vouched ",
            $integer,
            " NOT NULL) ",
            $options,
            ";"
        )
    };
}
pub(crate) use clock_table;

impl Database {
    /// What the clock shows that all replicas share, in milliseconds since 1970:
    /// PostgreSQL's, or with SQLite this machine's.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn shown(&self) -> Result<i64, DatabaseError> {
        match self {
            Self::Sqlite(_) => Ok(machine_shows()),
            Self::Postgres(database) => {
                let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT";
                Ok(database.get().await?.query_one(sql, &[]).await?.get(0))
            }
        }
    }

    /// What the role was sure of last.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn witnessed(&self) -> Result<Witnessed, DatabaseError> {
        const SQL: &str = "SELECT time, vouched FROM clock";
        let (time, vouched) = match self {
            Self::Sqlite(database) => {
                database
                    .write::<_, DatabaseError>(|tx| {
                        Ok(tx.query_row(SQL, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
                    })
                    .await?
            }
            Self::Postgres(database) => {
                let row = database.get().await?.query_one(SQL, &[]).await?;
                (row.get(0), row.get(1))
            }
        };
        Ok(Witnessed { time, vouched })
    }

    /// Keeps that `seconds` since 1970 have passed, where no operator has vouched since
    /// `vouched` was read.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn witness(&self, seconds: i64, vouched: i64) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(database) => {
                database
                    .write(move |tx| {
                        tx.execute(
                            "UPDATE clock SET time = ?1 WHERE vouched = ?2",
                            [seconds, vouched],
                        )?;
                        Ok(())
                    })
                    .await
            }
            Self::Postgres(database) => {
                let sql = "UPDATE clock SET time = $1 WHERE vouched = $2";
                let client = database.get().await?;
                client.execute(sql, &[&seconds, &vouched]).await?;
                Ok(())
            }
        }
    }

    /// Keeps that an operator vouches for a clock that shows `seconds` since 1970.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn vouch(&self, seconds: i64) -> Result<(), DatabaseError> {
        match self {
            Self::Sqlite(database) => {
                database
                    .write(move |tx| {
                        let sql = "UPDATE clock SET time = ?1, vouched = vouched + 1";
                        tx.execute(sql, [seconds])?;
                        Ok(())
                    })
                    .await
            }
            Self::Postgres(database) => {
                let sql = "UPDATE clock SET time = $1, vouched = vouched + 1";
                database.get().await?.execute(sql, &[&seconds]).await?;
                Ok(())
            }
        }
    }
}

/// What this machine's clock shows, in milliseconds since 1970; 0 before that.
pub(crate) fn machine_shows() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}
