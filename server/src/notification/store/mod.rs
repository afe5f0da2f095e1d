//! What the notification server remembers: keys, exports, which registrations are
//! in effect, and who makes exports.
//!
//! There is no relation between the keys of a person. Until their export they wait
//! sealed ([`seals`]); then those of everybody are written together, in the order
//! of their random bytes, without a time, and nothing refers to them but the export
//! they are in. Random keys that fill an export up are rows like any other.
//!
//! Each operation is one transaction, in SQLite ([`sqlite`]) and in PostgreSQL
//! ([`postgres`]); one suite of tests holds both to the same behaviour.

mod plan;
mod postgres;
mod seals;
mod sqlite;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gaen::diagnosis::{DiagnosisKey, ReportType, RollingPeriod};
use gaen::key::{KEY_LEN, Tek};
use gaen::time::{Interval, UnixSeconds};
use getrandom::SysRng;
use rand_core::{Rng, UnwrapErr};

use crate::database::{Database, DatabaseError, Migrations, Settings};

pub(super) use plan::{Part, Sizes};
pub(super) use seals::Seals;

const MIGRATIONS: Migrations = Migrations {
    sqlite: sqlite::MIGRATIONS,
    postgres: postgres::MIGRATIONS,
};

/// The open store.
#[derive(Clone, Debug)]
pub(super) struct Store {
    database: Database,
    seals: Arc<Seals>,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A row holds what this program never writes.
    #[error("a row of {0} is damaged")]
    Damaged(&'static str),
    /// Another process makes the exports now.
    #[error("another exporter has taken over")]
    LeaseLost,
    /// A key that waits for its export does not open.
    #[error(
        "keys wait for their export that were sealed with another signing key: \
         signing.former_keys has to name it"
    )]
    Sealed,
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers")]
    Random(#[from] getrandom::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Registered {
    /// It is in effect now.
    New,
    /// It was already, and said the same.
    Again,
    /// Another one has this name.
    Conflict,
}

/// By how much clocks that are right may differ, in seconds.
const CLOCK_DRIFT: i64 = 3600;

/// How many connections to PostgreSQL the exporter has to itself.
const EXPORTER_CONNECTIONS: usize = 2;

/// The slot of a last publication after which another is due at once.
const ORDERED: i64 = -1;

/// A process that makes exports, by a random name.
pub(super) type Holder = [u8; 16];

/// One batch of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// The number in its file's name.
    pub(super) number: i64,
    /// Which batch, from 1.
    pub(super) batch_num: u32,
    /// How many batches there are.
    pub(super) batch_size: u32,
    /// Since when its keys were registered.
    pub(super) start: UnixSeconds,
    /// When it was made.
    pub(super) end: UnixSeconds,
}

/// A batch that is on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// The batch.
    pub(super) batch: Batch,
    /// SHA-256 of its file; `None` where a version listed it that kept none.
    pub(super) sha256: Option<Sha256>,
}

/// A file that was published, and what is in it.
#[derive(Clone, Debug)]
pub(super) struct Published {
    /// Its place on the list.
    pub(super) listed: Listed,
    /// Its keys.
    pub(super) keys: Vec<DiagnosisKey>,
}

/// A hash of a file.
pub(super) type Sha256 = [u8; 32];

/// An export to be made of what is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    /// Who makes it.
    pub(super) holder: Holder,
    /// Where.
    pub(super) region: &'a str,
    /// When.
    pub(super) now: UnixSeconds,
    /// How long a publication's slot is, in seconds. Slots are counted since 1970; in
    /// each at most one export is made.
    pub(super) period: u32,
    /// Keys are due that end at this interval or before it.
    pub(super) due: Interval,
    /// Keys that ended before it are not published any more.
    pub(super) oldest: Interval,
    /// How large files are.
    pub(super) sizes: Sizes,
    /// What is said of when it was made: later than of the part before.
    pub(super) end: UnixSeconds,
    /// Which of the keys it is of. The slot is done with the last part.
    pub(super) part: Part,
}

impl Run<'_> {
    /// The same in another region.
    fn of(self, region: &str) -> Run<'_> {
        Run { region, ..self }
    }

    /// The slot of the region's last publication after this one.
    fn slot_after(&self) -> i64 {
        self.slot() - i64::from(!self.part.is_last())
    }

    /// The slot it is in.
    fn slot(&self) -> i64 {
        self.slot_of(self.now.get().into())
    }

    /// Whether the region's last publication, in `slot` at `time`, leaves nothing to do
    /// before the next slot. One in the future does not: the clock was wrong then.
    fn is_done(&self, slot: i64, time: i64) -> bool {
        let ahead = time - i64::from(self.now.get());
        slot >= self.slot() && ahead <= CLOCK_DRIFT.max(i64::from(self.period))
    }

    fn slot_of(&self, time: i64) -> i64 {
        time.div_euclid(i64::from(self.period.max(1)))
    }
}

/// Runs the SQLite or the PostgreSQL form of an operation.
macro_rules! either {
    ($self:ident, $name:ident ( $($argument:expr),* )) => {
        match &$self.database {
            Database::Sqlite(database) => sqlite::$name(database, $($argument),*).await,
            Database::Postgres(database) => postgres::$name(database, $($argument),*).await,
        }
    };
}

/// Opens the database alone and brings its schema up to date.
pub(super) async fn open_database(settings: &Settings) -> Result<Database, DatabaseError> {
    Database::open(settings, &MIGRATIONS).await
}

impl Store {
    /// Opens the store, whose waiting keys are sealed with `seals`, and brings its schema up
    /// to date.
    pub(super) async fn open(settings: &Settings, seals: Seals) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: open_database(settings).await?,
            seals: Arc::new(seals),
        })
    }

    /// The same store for the exporter: registrations, however many come at once, do not keep
    /// PostgreSQL's connections from it.
    pub(super) async fn apart(&self, settings: &Settings) -> Result<Self, DatabaseError> {
        Ok(Self {
            database: match &self.database {
                Database::Sqlite(_) => self.database(),
                Database::Postgres(_) => {
                    open_database(&settings.with_connections(EXPORTER_CONNECTIONS)).await?
                }
            },
            seals: Arc::clone(&self.seals),
        })
    }

    /// The database it is in.
    pub(super) fn database(&self) -> Database {
        self.database.clone()
    }

    /// Makes sure that each key that waits for its export can be opened.
    pub(super) async fn check_seals(&self) -> Result<(), StoreError> {
        either!(self, check_waiting(&self.seals))
    }

    /// How many keys of a region wait for their export.
    pub(super) async fn count_waiting(&self, region: &str) -> Result<u64, StoreError> {
        let count: i64 = either!(self, count_waiting(region))?;
        u64::try_from(count).map_err(|_| StoreError::Damaged("waiting_key"))
    }

    /// What is known of the registration `id`, with what it says as `digest`.
    pub(super) async fn find(
        &self,
        id: [u8; 32],
        digest: [u8; 32],
    ) -> Result<Option<Registered>, StoreError> {
        let known = either!(self, digest_of(id))?;
        Ok(known.map(|known| same(&known, &digest)))
    }

    /// Puts a registration into effect, once.
    pub(super) async fn register(
        &self,
        id: [u8; 32],
        digest: [u8; 32],
        regions: Vec<String>,
        keys: Vec<DiagnosisKey>,
        now: UnixSeconds,
    ) -> Result<Registered, StoreError> {
        let day = i64::from(now.utc_day().get());
        let keys = self.seals.seal(&regions, &keys)?;
        match either!(self, register(id, digest, keys, day, false))? {
            None => Ok(Registered::New),
            Some(known) => Ok(same(&known, &digest)),
        }
    }

    /// Does all that [`Self::register`] does for so many keys, and takes it back in the same
    /// transaction: as much is written, and nothing is there. The keys are made up, for a
    /// dummy's own may be somebody's.
    pub(super) async fn pretend_to_register(
        &self,
        regions: Vec<String>,
        mut keys: Vec<DiagnosisKey>,
        now: UnixSeconds,
    ) -> Result<(), StoreError> {
        let mut random = UnwrapErr(SysRng);
        for key in &mut keys {
            key.tek = Tek::generate(&mut random);
        }
        let [mut id, mut digest] = [[0; 32]; 2];
        random.fill_bytes(&mut id);
        random.fill_bytes(&mut digest);
        let day = i64::from(now.utc_day().get());
        let keys = self.seals.seal(&regions, &keys)?;
        either!(self, register(id, digest, keys, day, true))?;
        Ok(())
    }

    /// Makes `holder` the one exporter until `until`, if nobody else is at `now`. A lease
    /// that was taken in the future is none: the clock was wrong then.
    pub(super) async fn take_lease(
        &self,
        holder: Holder,
        now: UnixSeconds,
        until: UnixSeconds,
    ) -> Result<bool, StoreError> {
        either!(self, take_lease(holder, now, until))
    }

    /// Gives the lease back.
    pub(super) async fn drop_lease(&self, holder: Holder) -> Result<(), StoreError> {
        either!(self, drop_lease(holder))
    }

    /// Puts every key of the run's part that is due into an export of its own, filled up and
    /// split; gives how many batches that makes, 0 when the slot is done or nothing is due.
    ///
    /// Where there is nothing to publish, an export of made-up keys alone is due all
    /// the same, at a random time, before a day has passed since the last one.
    pub(super) async fn claim(&self, run: Run<'_>) -> Result<usize, StoreError> {
        either!(self, claim(&self.seals, run))
    }

    /// The batches whose files are not yet known to be there.
    pub(super) async fn pending(&self, region: &str) -> Result<Vec<Batch>, StoreError> {
        either!(self, pending(region))
    }

    /// The keys of a batch, in the order of their random bytes: as good as any
    /// other order, and the same each time.
    pub(super) async fn keys(
        &self,
        region: &str,
        number: i64,
    ) -> Result<Vec<DiagnosisKey>, StoreError> {
        either!(self, keys(region, number))
    }

    /// Lists these pending batches from now on: their files, of these hashes, are
    /// there.
    pub(super) async fn publish(
        &self,
        region: &str,
        holder: Holder,
        files: Vec<(i64, Sha256)>,
    ) -> Result<(), StoreError> {
        either!(self, publish(region, holder, files))
    }

    /// Keeps the hash of a listed batch's file.
    pub(super) async fn keep_hash(
        &self,
        region: &str,
        number: i64,
        sha256: Sha256,
    ) -> Result<(), StoreError> {
        either!(self, keep_hash(region, number, sha256))
    }

    /// The sequence number of the region's last signed listing; 0 before the first.
    pub(super) async fn sequence(&self, region: &str) -> Result<i64, StoreError> {
        either!(self, sequence(region))
    }

    /// Gives out the sequence number of a new signed listing: greater than any that
    /// was given out, and at least `least`.
    pub(super) async fn next_sequence(
        &self,
        region: &str,
        holder: Holder,
        least: i64,
    ) -> Result<i64, StoreError> {
        either!(self, next_sequence(region, holder, least))
    }

    /// The number the next batch gets; `None` before the first publication.
    pub(super) async fn next_number(&self, region: &str) -> Result<Option<i64>, StoreError> {
        either!(self, next_number(region))
    }

    /// Lists what was published and is not known here, because the database comes from a
    /// backup; the next batch gets the number `next`, or a higher one. Changes nothing, and
    /// says so, where one of the keys is in another batch.
    pub(super) async fn take_up(
        &self,
        region: &str,
        holder: Holder,
        published: Option<Published>,
        next: i64,
    ) -> Result<bool, StoreError> {
        either!(self, take_up(region, holder, published, next))
    }

    /// Makes an export due in the next round, also where nothing is to be published.
    pub(super) async fn order(&self, region: &str) -> Result<(), StoreError> {
        either!(self, order(region))
    }

    /// The batches on the list, in the order of their numbers.
    pub(super) async fn listed(&self, region: &str) -> Result<Vec<Listed>, StoreError> {
        either!(self, listed(region))
    }

    /// Takes batches made before `before` off the list.
    pub(super) async fn withdraw(
        &self,
        region: &str,
        holder: Holder,
        before: UnixSeconds,
    ) -> Result<(), StoreError> {
        either!(self, withdraw(region, holder, before))
    }

    /// The numbers that were taken off the list.
    pub(super) async fn withdrawn(&self, region: &str) -> Result<Vec<i64>, StoreError> {
        either!(self, withdrawn(region))
    }

    /// Deletes a batch that was taken off the list, with its keys.
    pub(super) async fn forget(&self, region: &str, number: i64) -> Result<(), StoreError> {
        either!(self, forget(region, number))
    }

    /// Deletes registrations of days before that of `before`.
    pub(super) async fn expire(&self, before: UnixSeconds) -> Result<(), StoreError> {
        either!(self, expire(before))
    }

    /// Leaves nothing of what was deleted in the database's log.
    pub(super) async fn clean_up(&self) -> Result<(), StoreError> {
        match &self.database {
            Database::Sqlite(database) => Ok(database.checkpoint().await?),
            // PostgreSQL's own vacuum does that.
            Database::Postgres(_) => Ok(()),
        }
    }
}

fn same(known: &[u8], digest: &[u8; 32]) -> Registered {
    if known == digest {
        Registered::Again
    } else {
        Registered::Conflict
    }
}

/// The states of an export.
mod state {
    /// Its keys are chosen; its files are not known to be there.
    pub(super) const PENDING: i64 = 0;
    /// Its files are there, and on the list.
    pub(super) const LISTED: i64 = 1;
    /// Off the list; its files are about to be deleted.
    pub(super) const WITHDRAWN: i64 = 2;
}

/// A key as a row, in the types both databases have.
struct Row {
    tek: Vec<u8>,
    rolling_start: i64,
    rolling_period: i64,
    report_type: i64,
    days_since_onset: Option<i64>,
}

impl From<&DiagnosisKey> for Row {
    fn from(key: &DiagnosisKey) -> Self {
        Self {
            tek: key.tek.expose_bytes().to_vec(),
            rolling_start: key.rolling_start.get().into(),
            rolling_period: key.rolling_period.get().into(),
            report_type: key.report_type.number().into(),
            days_since_onset: key.days_since_onset.map(i64::from),
        }
    }
}

impl TryFrom<Row> for DiagnosisKey {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        const DAMAGED: StoreError = StoreError::Damaged("diagnosis_key");
        Ok(Self {
            tek: <[u8; KEY_LEN]>::try_from(row.tek)
                .map(Tek::from_bytes)
                .map_err(|_| DAMAGED)?,
            rolling_start: Interval::new(u32::try_from(row.rolling_start).map_err(|_| DAMAGED)?),
            rolling_period: u32::try_from(row.rolling_period)
                .ok()
                .and_then(RollingPeriod::new)
                .ok_or(DAMAGED)?,
            transmission_risk_level: super::rules::TRANSMISSION_RISK_LEVEL,
            report_type: i32::try_from(row.report_type)
                .map(ReportType::from_number)
                .map_err(|_| DAMAGED)?,
            days_since_onset: row
                .days_since_onset
                .map(i32::try_from)
                .transpose()
                .map_err(|_| DAMAGED)?,
        })
    }
}

/// A batch's columns, as both databases give them.
fn batch(
    number: i64,
    batch_num: i64,
    batch_size: i64,
    start: i64,
    end: i64,
) -> Result<Batch, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged("export");
    Ok(Batch {
        number,
        batch_num: u32::try_from(batch_num).map_err(|_| DAMAGED)?,
        batch_size: u32::try_from(batch_size).map_err(|_| DAMAGED)?,
        start: time(start)?,
        end: time(end)?,
    })
}

/// The hash in a column, as both databases give it.
fn hash(column: Option<Vec<u8>>) -> Result<Option<Sha256>, StoreError> {
    column
        .map(Sha256::try_from)
        .transpose()
        .map_err(|_| StoreError::Damaged("export"))
}

fn time(seconds: i64) -> Result<UnixSeconds, StoreError> {
    UnixSeconds::from_i64(seconds).ok_or(StoreError::Damaged("export"))
}
