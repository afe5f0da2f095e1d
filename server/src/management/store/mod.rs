//! What the role keeps: digests of live numbers, accounts, sessions, the audit log,
//! and counts. No row has a number, an address, or whom a number was sent to.
//!
//! Here is what an operation means; how it is done is in a module per database, and
//! `conformance` holds the two together.

#[cfg(test)]
mod conformance;
mod postgres;
mod schema;
mod sqlite;

use std::time::Duration;

use gaen::time::UnixSeconds;

use super::account::backoff;
use super::account::roles::Roles;
use super::keys::Digest;
use crate::database::{Database, DatabaseError, Settings};

/// How long it is remembered that a request was answered with "genuine".
const ANSWER_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a form that was sent is known, so that sending it again does nothing.
const FORM_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a number is valid at most.
const VALID_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// By how much a clock that is followed may be set back.
const DRIFT: Duration = Duration::from_secs(60 * 60);
/// RFC 6238, section 5.2.
const TOTP_STEP_SECONDS: i64 = 30;
/// An unused session is marked as used at most this often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
/// For how many full hours a wrong number counts.
const DAY_HOURS: i64 = 24;
/// The most forms in a list.
const LIST_MAX: i64 = 1_000;
/// No more numbers are valid, whatever the settings. While there is room for a wrong number
/// that costs as much, they need not be counted.
const LIVE_CEILING: i64 = 1_000_000;

/// Names of what is counted in the hour.
mod scope {
    /// What wrong numbers cost that came from where nobody had guessed.
    pub(super) const GUESSES: &str = "guesses";
    /// What they cost that came from where somebody had.
    pub(super) const GUESSES_AGAIN: &str = "guesses again";
    /// Numbers issued, by all accounts.
    pub(super) const ISSUED: &str = "issued";

    /// Numbers issued by one account.
    pub(super) fn issued_by(account: &str) -> String {
        format!("issued by {account}")
    }
}

/// The open database with this role's tables.
#[derive(Clone, Debug)]
pub(super) struct Store(Database);

/// A form's one-time id.
pub(super) type FormId = [u8; 16];

/// A number to be issued.
#[derive(Clone, Debug)]
pub(super) struct Issue {
    /// Its digest.
    pub digest: Digest,
    /// The account that issues it.
    pub account: String,
    /// What it was asked for with.
    pub form: FormId,
    /// By which it can be taken back: a keyed hash of the form, so that the database alone
    /// does not tell which form's number is used.
    pub handle: Digest,
    /// Now.
    pub now: UnixSeconds,
    /// Until when it is valid, itself excluded.
    pub expires: UnixSeconds,
    /// What bounds issuing.
    pub limits: IssueLimits,
}

/// What bounds issuing.
#[derive(Clone, Copy, Debug)]
pub(super) struct IssueLimits {
    /// Numbers per account in an hour of the clock.
    pub per_account_hour: u32,
    /// Numbers in an hour of the clock.
    pub per_hour: u32,
    /// Numbers valid at the same time.
    pub live: u32,
}

/// What became of an [`Issue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Issued {
    /// The number is valid from now on.
    Done,
    /// The form was sent before: nothing was done.
    KnownForm,
    /// There is such a number already: another must be drawn.
    Taken,
    /// A limit is reached: nothing was done, and will not before this time.
    Limited(Duration),
    /// As many numbers as are allowed are valid: nothing was done.
    Full,
}

/// How far a form's number has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is being sent.
    Sending,
    /// It is sent.
    Sent,
    /// It could not be sent, and is deleted.
    Failed,
    /// It was taken back.
    TakenBack,
}

/// What is known of a form that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Submission {
    /// How far it has got.
    pub progress: Progress,
    /// Since when.
    pub since: UnixSeconds,
    /// Until when its number is valid.
    pub expires: UnixSeconds,
}

/// A form that was sent, in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Its one-time id.
    pub form: FormId,
    /// Who sent it.
    pub account: String,
    /// What is known of it.
    pub submission: Submission,
}

/// A number to be checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    /// Its digest.
    pub digest: Digest,
    /// Whose registration it is for.
    pub request: Digest,
    /// It stands for nobody: all that is done for a valid number is done, and taken back in
    /// the same transaction, so that it takes as long and leaves nothing.
    pub is_dummy: bool,
    /// Now.
    pub now: UnixSeconds,
    /// It comes from where somebody has tried a wrong number within a day.
    pub has_guessed: bool,
    /// What wrong numbers may cost within a day, half of it for sources that have guessed.
    /// Each costs as much as numbers are valid.
    pub budget: u64,
}

/// The answer to a [`Check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// The number was valid, and is gone now.
    Consumed,
    /// This request was told so before.
    Repeated,
    /// There is no such number.
    Wrong,
    /// There were too many wrong numbers; this one is not looked at before this time.
    Bounded(Duration),
}

/// An account.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// Its name.
    pub name: String,
    /// The password's hash, in PHC form.
    pub password: String,
    /// Whether the password must be changed first.
    pub must_change: bool,
    /// The TOTP secret, sealed.
    pub totp: Vec<u8>,
    /// Whether it may do nothing.
    pub disabled: bool,
    /// What it may do otherwise.
    pub roles: Roles,
    /// Whether it has an API token.
    pub has_token: bool,
    /// Since when it is there.
    pub created: UnixSeconds,
}

/// An account that does not exist yet.
#[derive(Clone, Debug)]
pub(super) struct NewAccount {
    /// Its name.
    pub name: String,
    /// The password's hash, in PHC form.
    pub password: String,
    /// The TOTP secret, sealed.
    pub totp: Vec<u8>,
    /// What it may do.
    pub roles: Roles,
    /// Now.
    pub created: UnixSeconds,
}

/// A change to an account.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// It may do nothing, or something again. Its sessions end.
    Disabled(bool),
    /// It gets another password. Its sessions end.
    Password {
        /// The hash, in PHC form.
        hash: String,
        /// Whether it must be changed first.
        must_change: bool,
    },
    /// It gets another TOTP secret. Its sessions end.
    Totp(Vec<u8>),
    /// It may do something else. Its sessions end.
    Roles(Roles),
    /// It gets another API token, or none.
    Token(Option<Digest>),
    /// It is deleted, with its sessions.
    Removed,
}

/// A sign-in whose password and code were right.
#[derive(Clone, Debug)]
pub(super) struct SignIn {
    /// The account.
    pub account: String,
    /// The digest under which failures are counted.
    pub attempt: Digest,
    /// The time step of the code.
    pub totp_step: i64,
    /// The digest of the new session's id.
    pub session: Digest,
    /// Now.
    pub now: UnixSeconds,
}

/// How long sessions live.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionTimes {
    /// Since the last request.
    pub idle: Duration,
    /// In all.
    pub total: Duration,
}

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AuditRow {
    /// When.
    pub at: UnixSeconds,
    /// Who: an account, or `-` where it is none, or `command line`.
    pub who: String,
    /// What.
    pub action: String,
    /// What became of it.
    pub outcome: String,
}

/// How long an hour of the clock lasts from `now`.
fn rest_of_hour(now: UnixSeconds) -> Duration {
    Duration::from_secs(u64::from(3600 - now.get() % 3600))
}

fn hour(now: UnixSeconds) -> i64 {
    i64::from(now.get() / 3600)
}

fn seconds(time: UnixSeconds) -> i64 {
    i64::from(time.get())
}

/// The first hour whose wrong numbers count now: whichever day there is, it has no more
/// hours of the clock than from then to now.
fn first_hour_of_day(now: UnixSeconds) -> i64 {
    hour(now) - DAY_HOURS
}

impl Check {
    /// Whether a wrong number that costs `cost` would be one too many, where `fresh` was
    /// spent by sources that had not guessed, and `again` by those that had.
    fn is_too_much(&self, fresh: i64, again: i64, cost: i64) -> bool {
        let budget = i64::try_from(self.budget).unwrap_or(i64::MAX);
        let all = fresh.saturating_add(again).saturating_add(cost);
        all > budget || (self.has_guessed && again.saturating_add(cost) > budget / 2)
    }

    const fn scope(&self) -> &'static str {
        if self.has_guessed {
            scope::GUESSES_AGAIN
        } else {
            scope::GUESSES
        }
    }
}

/// A time from the database, which holds none that is out of range.
fn time(seconds: i64) -> UnixSeconds {
    UnixSeconds::from_i64(seconds).unwrap_or(UnixSeconds::new(u32::MAX))
}

/// Statements of a purge, each with the one number that it takes.
type PurgeSteps = [(&'static str, i64); 17];

fn purge_steps(now: UnixSeconds, times: SessionTimes, audit_kept: Duration) -> PurgeSteps {
    [
        ("DELETE FROM number WHERE expires <= $1", seconds(now)),
        ("DELETE FROM answered WHERE expires <= $1", seconds(now)),
        (
            "DELETE FROM tally WHERE hour < $1 AND scope NOT IN ('guesses', 'guesses again')",
            hour(now),
        ),
        ("DELETE FROM tally WHERE hour < $1", first_hour_of_day(now)),
        (
            "DELETE FROM submission WHERE since <= $1",
            before(now, FORM_KEPT),
        ),
        (
            "DELETE FROM attempt WHERE last <= $1",
            before(now, backoff::FAILURES_KEPT),
        ),
        (
            "DELETE FROM session WHERE used <= $1",
            before(now, times.idle),
        ),
        (
            "DELETE FROM session WHERE created <= $1",
            before(now, times.total),
        ),
        ("DELETE FROM audit WHERE at <= $1", before(now, audit_kept)),
        (
            "DELETE FROM statistic WHERE day * 86400 <= $1",
            before(now, audit_kept),
        ),
        // What a clock that was ahead has left: it would last for as much longer.
        (
            "UPDATE number SET expires = $1 WHERE expires > $1",
            after(now, VALID_MAX),
        ),
        (
            "UPDATE answered SET expires = $1 WHERE expires > $1",
            after(now, ANSWER_KEPT),
        ),
        ("DELETE FROM tally WHERE hour > $1", hour(now) + 1),
        (
            "UPDATE submission SET since = $1 WHERE since > $1",
            after(now, DRIFT),
        ),
        (
            "UPDATE attempt SET last = $1 WHERE last > $1",
            after(now, DRIFT),
        ),
        ("DELETE FROM session WHERE used > $1", after(now, DRIFT)),
        // A code of that time was used; by then the device shows others.
        (
            "UPDATE account SET totp_step = $1 WHERE totp_step > $1",
            seconds(now) / TOTP_STEP_SECONDS + 1,
        ),
    ]
}

fn before(now: UnixSeconds, duration: Duration) -> i64 {
    seconds(now).saturating_sub(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}

fn after(now: UnixSeconds, duration: Duration) -> i64 {
    seconds(now).saturating_add(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}

impl Progress {
    const fn name(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::TakenBack => "taken back",
        }
    }

    fn from_name(name: &str) -> Self {
        match name {
            "sent" => Self::Sent,
            "failed" => Self::Failed,
            "taken back" => Self::TakenBack,
            _ => Self::Sending,
        }
    }
}

/// Runs the operation of the same name on whichever database it is.
macro_rules! on_either {
    ($store:expr, $operation:ident $(, $argument:expr)*) => {
        match &$store.0 {
            Database::Sqlite(db) => sqlite::$operation(db $(, $argument)*).await,
            Database::Postgres(db) => postgres::$operation(db $(, $argument)*).await,
        }
    };
}

type Result<T> = std::result::Result<T, DatabaseError>;

impl Store {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn open(settings: &Settings) -> Result<Self> {
        Database::open(settings, &schema::MIGRATIONS)
            .await
            .map(Self)
    }

    /// The database it is in.
    pub(super) fn database(&self) -> Database {
        self.0.clone()
    }

    /// Asks the database for nothing, to see whether it answers.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn ping(&self) -> Result<()> {
        on_either!(self, ping)
    }

    /// Makes a number valid, if its form is new and the limits allow it, in one
    /// transaction.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn issue(&self, issue: Issue) -> Result<Issued> {
        on_either!(self, issue, issue)
    }

    /// Deletes a number that nobody was told.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn withdraw(&self, digest: Digest) -> Result<()> {
        on_either!(self, withdraw, digest)?;
        self.forget_deleted().await
    }

    /// Takes back the number of a form that `account` sent, or anybody where that is `None`;
    /// false if there is no such form. It is the same whether the number was still valid: nobody
    /// learns here whether somebody has registered with it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn take_back(
        &self,
        form: FormId,
        handle: Digest,
        account: Option<&str>,
        now: UnixSeconds,
    ) -> Result<bool> {
        let account = account.map(str::to_owned);
        let known = on_either!(self, take_back, form, handle, account, now)?;
        self.forget_deleted().await?;
        Ok(known)
    }

    /// The forms of the last day, newest first: those that `account` sent, or all where that
    /// is `None`, with who sent them.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn submissions(&self, account: Option<&str>) -> Result<Vec<Sent>> {
        on_either!(self, submissions, account.map(str::to_owned))
    }

    /// Counts something on a day, for the statistics.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn count(&self, day: i64, what: &'static str) -> Result<()> {
        on_either!(self, count_on_day, day, what)
    }

    /// What was counted since a day, by day and name.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn statistics(&self, since: i64) -> Result<Vec<(i64, String, i64)>> {
        on_either!(self, statistics, since)
    }

    /// Notes how far a form's number has got, unless it was taken back meanwhile.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn set_progress(
        &self,
        form: FormId,
        progress: Progress,
        now: UnixSeconds,
    ) -> Result<()> {
        on_either!(self, set_progress, form, progress, now)
    }

    /// What is known of a form that `account` sent.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn submission(
        &self,
        form: FormId,
        account: &str,
    ) -> Result<Option<Submission>> {
        on_either!(self, submission, form, account.to_owned())
    }

    /// Checks a number, and consumes it if it is valid, in one transaction: of any
    /// number of checks at the same time, one succeeds.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn check(&self, check: Check) -> Result<Checked> {
        let checked = on_either!(self, check, check)?;
        if checked == Checked::Consumed {
            // The number is consumed, and the answer holds even where the log cannot be
            // emptied at once; the next purge empties it.
            if let Err(error) = self.forget_deleted().await {
                tracing::warn!(error = %error, "cannot empty the write-ahead log yet");
            }
        }
        Ok(checked)
    }

    /// Adds an account; false if there is one of that name.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn add_account(&self, account: NewAccount) -> Result<bool> {
        on_either!(self, add_account, account)
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn accounts(&self) -> Result<Vec<Account>> {
        on_either!(self, accounts)
    }

    /// One account.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn account(&self, name: &str) -> Result<Option<Account>> {
        on_either!(self, account, name.to_owned())
    }

    /// The account with an API token, unless it is disabled.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn account_with_token(&self, token: Digest) -> Result<Option<Account>> {
        on_either!(self, account_with_token, token)
    }

    /// Changes an account; false if there is none.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn change_account(&self, name: &str, change: Change) -> Result<bool> {
        let changed = on_either!(self, change_account, name.to_owned(), change)?;
        self.forget_deleted().await?;
        Ok(changed)
    }

    /// Counts a try to sign in as failed before it is made, so that tries at the same
    /// time count, too; or says how long none will be looked at.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn begin_attempt(
        &self,
        attempt: Digest,
        now: UnixSeconds,
    ) -> Result<Option<Duration>> {
        on_either!(self, begin_attempt, attempt, now)
    }

    /// Forgets the failures counted under `attempt`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn clear_attempts(&self, attempt: Digest) -> Result<()> {
        on_either!(self, clear_attempts, attempt)
    }

    /// Starts a session and forgets the failures, unless a code of this time step or a
    /// later one was used before, or the account is disabled or gone: then false.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn sign_in(&self, sign_in: SignIn) -> Result<bool> {
        on_either!(self, sign_in, sign_in)
    }

    /// The account of a live session, which thereby lives on.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn session(
        &self,
        id: Digest,
        times: SessionTimes,
        now: UnixSeconds,
    ) -> Result<Option<Account>> {
        on_either!(self, session, id, times, now)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn end_session(&self, id: Digest) -> Result<()> {
        on_either!(self, end_session, id)
    }

    /// Adds a row to the audit log.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn audit(&self, row: AuditRow) -> Result<()> {
        on_either!(self, audit, row)
    }

    /// The newest `count` rows of the audit log, oldest first.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn audit_rows(&self, count: u32) -> Result<Vec<AuditRow>> {
        on_either!(self, audit_rows, count)
    }

    /// Deletes what has expired, and rows of the audit log older than `audit_kept`; and
    /// brings what was written by a clock that was ahead back to what it would be now.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn purge(
        &self,
        now: UnixSeconds,
        times: SessionTimes,
        audit_kept: Duration,
    ) -> Result<()> {
        on_either!(self, purge, purge_steps(now, times, audit_kept))?;
        self.forget_deleted().await
    }

    /// Leaves nothing deleted in the database's files, as far as that is ours to do:
    /// PostgreSQL's are its own.
    async fn forget_deleted(&self) -> Result<()> {
        match &self.0 {
            Database::Sqlite(db) => db.checkpoint().await,
            Database::Postgres(_) => Ok(()),
        }
    }
}

/// How long an account has to wait whose last failure was number `failures`, at `last`.
fn waiting(failures: i64, last: i64, now: UnixSeconds) -> Option<Duration> {
    let failures = u32::try_from(failures).unwrap_or(u32::MAX);
    let wait = backoff::wait_after(failures)?;
    let until = time(last.saturating_add(i64::try_from(wait.as_secs()).unwrap_or(i64::MAX)));
    u64::try_from(until.seconds_since(now))
        .ok()
        .filter(|rest| *rest > 0)
        .map(Duration::from_secs)
}
