//! The part of the management system (管理システム) that issues and checks 処理番号.
//!
//! A worker of a health centre signs in ([`account`], `web`) and enters a mail address
//! or phone number; a number is drawn, made valid, and sent there (`issue`,
//! `send`). The notification server has it checked, once (`api`). What is kept
//! (`store`) tells neither the number, nor to whom it went.

pub mod account;
mod api;
mod audit;
mod config;
mod issue;
mod keys;
mod message;
mod metrics;
mod number;
mod number_command;
mod recipient;
mod send;
mod source;
mod statistics;
mod store;
mod web;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::tz::TimeZone;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::clock::keeper::Keeper;
use crate::database::{Database, DatabaseError};
use crate::http::internal::{Metrics, Ready};
use crate::http::source::Sources;
use crate::log::Causes;
use crate::secret::{Place, Secret, SecretError};
use account::password::{PasswordError, Passwords};
use keys::{Digest, KeyError, Keys, sha256};
use send::{Sender, SetUpError};
use source::Tries;
use store::Store;

pub use config::{Accounts, Audit, Config, DatabaseSettings, Numbers, Secrets, Web};
pub use number_command::{NumberCommand, NumberCommandError};
pub use send::{Mail, MailKind, MailTls, Sms, SmsFormat};

/// How often what has expired is deleted.
const PURGE_EVERY: Duration = Duration::from_secs(60);
/// With fewer wrong numbers a day than one in so many valid ones, honest mistakes may use
/// them up.
const LIVE_A_WRONG_WARNED: u64 = 20;
/// The shortest credential that is taken, in bytes: 128 bits even where it is hex.
const CREDENTIAL_LEN_MIN: usize = 32;

/// The running role.
pub struct Management {
    inner: Arc<Inner>,
    keeper: Option<Keeper>,
}

struct Inner {
    config: Config,
    clock: Clock,
    store: Store,
    keys: Keys,
    /// The digest of what the notification server shows: digests are compared, so
    /// that the time this takes does not depend on how much of a guess is right.
    check_credential: Digest,
    sender: Sender,
    time_zone: TimeZone,
    passwords: Passwords,
    sources: Sources,
    sign_ins: Tries,
    metrics: metrics::Metrics,
    /// What goes on although the one who asked has hung up.
    tasks: TaskTracker,
}

/// Why the role cannot run.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A secret cannot be read.
    #[error("cannot read the {0}")]
    Secret(&'static str, #[source] SecretError),
    /// The key cannot be used.
    #[error("cannot use the management key")]
    Key(#[from] KeyError),
    /// The credential is too short.
    #[error("the check credential is shorter than {CREDENTIAL_LEN_MIN} characters")]
    ShortCredential,
    /// The database cannot be opened.
    #[error("cannot open the database")]
    Database(#[from] DatabaseError),
    /// Nothing can be sent.
    #[error("cannot set up sending")]
    SetUp(#[from] SetUpError),
    /// No password can be checked.
    #[error("cannot hash passwords")]
    Passwords(#[from] PasswordError),
    /// The time zone is not known to this system.
    #[error("cannot read the time zone")]
    TimeZone(#[source] jiff::Error),
}

/// Opens the role's database and brings its schema up to date.
///
/// # Errors
/// [`DatabaseError`].
pub async fn database(config: &Config) -> Result<Database, DatabaseError> {
    Ok(Store::open(&config.database.0).await?.database())
}

/// What can be checked of a configuration without asking anybody: every file that it names is
/// opened, among them secrets.
///
/// # Errors
/// [`OpenError`] says what is missing.
pub fn check(config: &Config) -> Result<(), OpenError> {
    secrets(config)?;
    config.database.0.check()?;
    Sender::new(&config.mail, &config.sms)?;
    Ok(())
}

/// The keys, and what the notification server shows.
fn secrets(config: &Config) -> Result<(Keys, Secret), OpenError> {
    let secret = |what, place: &Place| place.read().map_err(|error| OpenError::Secret(what, error));
    let keys = Keys::new(&secret("management key", &config.secrets.key)?)?;
    let credential = secret("check credential", &config.secrets.check_credential)?;
    if credential.expose().len() < CREDENTIAL_LEN_MIN {
        return Err(OpenError::ShortCredential);
    }
    Ok((keys, credential))
}

/// Opens everything the role needs, begins to keep `clock` by its database, and counts in
/// `metrics`.
///
/// # Errors
/// [`OpenError`].
pub async fn open(
    config: Config,
    clock: Clock,
    metrics: &Metrics,
) -> Result<Management, OpenError> {
    let (keys, credential) = secrets(&config)?;
    let numbers = &config.numbers;
    tell_guessing_bound(numbers);
    let store = Store::open(&config.database.0).await?;
    let keeper = Keeper::begin(&clock, store.database(), metrics).await?;
    let inner = Arc::new(Inner {
        store,
        keys,
        check_credential: sha256(credential.expose().as_bytes()),
        sender: Sender::new(&config.mail, &config.sms)?,
        time_zone: TimeZone::get(&numbers.time_zone).map_err(OpenError::TimeZone)?,
        passwords: Passwords::new().await?,
        sources: Sources::new(&config.http),
        sign_ins: Tries::new(config.accounts.sign_ins_per_source_minute),
        metrics: metrics::Metrics::new(metrics),
        tasks: TaskTracker::new(),
        config,
        clock,
    });
    Ok(Management { inner, keeper })
}

impl Management {
    /// The page and the JSON interface. A client's address is taken from
    /// `ConnectInfo<SocketAddr>`; without it all share one limit for signing in.
    pub fn router(&self) -> Router {
        let inner = &self.inner;
        api::router(Arc::clone(inner)).merge(web::router(Arc::clone(inner)))
    }

    /// Whether the database answers, and the time is known.
    pub fn ready(&self) -> Ready {
        let inner = Arc::clone(&self.inner);
        Arc::new(move || {
            let inner = Arc::clone(&inner);
            Box::pin(async move {
                inner
                    .store
                    .ping()
                    .await
                    .map_err(|_| "the database does not answer")?;
                inner.clock.condition()
            })
        })
    }

    /// Keeps the time, and deletes what has expired, again and again, until `shutdown`,
    /// which is to come when no request is served any more; then waits for messages being
    /// sent.
    pub async fn run_background(mut self, shutdown: impl Future<Output = ()>) {
        let keeping = self.keeper.take().map(|keeper| tokio::spawn(keeper.run()));
        let purging = async {
            let mut ticks = tokio::time::interval(PURGE_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.purge().await;
            }
        };
        tokio::select! {
            () = purging => (),
            () = shutdown => (),
        }
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        if let Some(keeping) = keeping {
            keeping.abort();
        }
    }

    async fn purge(&self) {
        let Inner {
            store,
            clock,
            config,
            ..
        } = &*self.inner;
        if !clock.is_settled() {
            return;
        }
        let times = config.accounts.session_times();
        if let Err(error) = store.purge(clock.now(), times, config.audit.kept()).await {
            tracing::error!(error = %Causes(&error), "what has expired cannot be deleted");
        }
    }
}

/// Says how many wrong numbers a day may have, and loudly where honest mistakes may use
/// them up.
fn tell_guessing_bound(numbers: &Numbers) {
    let live = u64::from(numbers.live_max);
    let wrong_per_day = numbers.guessing_budget() / live;
    if wrong_per_day < live / LIVE_A_WRONG_WARNED {
        tracing::warn!(
            wrong_per_day,
            "with numbers.live_max valid, so few wrong numbers a day are looked at that \
             honest mistakes may use them up: raise numbers.digits"
        );
    } else {
        tracing::info!(wrong_per_day, "guessing a number is bounded");
    }
}
