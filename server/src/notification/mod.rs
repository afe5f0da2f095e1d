//! The notification server (通知サーバー): takes the keys of people who register as
//! positive and hands them out, signed (docs/protocol.md §8).
//!
//! ```text
//! PUT /api/v3/diagnosis → limits → rules → check → store      (register)
//! store → export → blobs → list.json                          (export)
//! GET /c19r/… ← cache ← blobs                                 (distribute)
//! what else COCOA's app asks for                              (cocoa)
//! ```
//!
//! Invariants: nothing here knows who anybody is; a registration's keys are kept
//! without relation to each other; what is handed out never names what is not there.

mod answer;
mod blobs;
mod cache;
mod check;
mod cocoa;
pub mod config;
mod distribute;
mod export;
mod exports_command;
pub mod limits;
mod metrics;
pub mod notices;
mod register;
mod rules;
mod signers;
mod store;

use std::sync::Arc;

use axum::Router;
use gaen::export::SignerError;

use crate::clock::Clock;
use crate::clock::keeper::Keeper;
use crate::database::{Database, DatabaseError};
use crate::http::internal::{self, Ready};
use crate::http::source::Sources;
use crate::http::{Shutdown, ended};
use crate::secret::{Place, SecretError};

use blobs::Blobs;
use check::Checker;
use distribute::{Configurations, Distributor};
use export::{Exporter, Parts};
use limits::Limits;
use metrics::Metrics;
use notices::Notices;
use register::{Bodies, Registrar};
use signers::Signers;
use store::{Seals, Store, StoreError};

pub use blobs::BlobError;
pub use check::CheckerError;
pub(crate) use check::{GUESSED, NO_NUMBER};
pub use config::Config;
pub use distribute::ConfigurationsError;
pub use export::ExportError;
pub use exports_command::{ExportsCommand, ExportsCommandError};
pub use notices::NoticesError;

/// An open notification server.
pub struct Notification {
    clock: Clock,
    keeper: Option<Keeper>,
    registrar: Arc<Registrar>,
    distributor: Arc<Distributor>,
    exporter: Option<Exporter>,
    store: Store,
    blobs: Blobs,
    regions: Vec<String>,
}

/// Why the server cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error("the database cannot be opened")]
    Database(#[from] DatabaseError),
    /// What is in the database cannot be used.
    #[error("what is in the database cannot be used")]
    Store(#[from] StoreError),
    /// The place of the files.
    #[error("the storage cannot be opened")]
    Storage(#[from] BlobError),
    /// The management system cannot be asked.
    #[error("the management system cannot be asked")]
    Management(#[from] CheckerError),
    /// The signing key is missing.
    #[error("the signing key is missing")]
    SigningKey(#[from] SecretError),
    /// The signing key is none.
    #[error("the signing key cannot be used")]
    Signer(#[from] SignerError),
    /// What comes after the signing key is the same one.
    #[error("signing.next.key is the key that signs already")]
    SameKey,
    /// The configuration for devices.
    #[error("the configuration for devices cannot be handed out")]
    Configurations(#[from] ConfigurationsError),
    /// The notices.
    #[error("the notices cannot be handed out")]
    Notices(#[from] NoticesError),
}

/// What can be checked of a configuration without asking anybody: every file that it names is
/// opened, among them secrets and keys. What the server makes itself need not be there.
///
/// # Errors
/// [`OpenError`] says what is missing.
pub async fn check(config: &Config) -> Result<(), OpenError> {
    Signers::open(&config.signing)?;
    seals(&config.signing)?;
    Checker::new(&config.management)?;
    Configurations::load(&config.distribution)?;
    config.database.check()?;
    Blobs::check(&config.storage)?;
    Notices::open(config.distribution.notices.clone()).await?;
    Ok(())
}

/// Opens the role's database and brings its schema up to date.
///
/// # Errors
/// [`DatabaseError`].
pub async fn database(config: &Config) -> Result<Database, DatabaseError> {
    store::open_database(&config.database).await
}

/// Opens a notification server, whose counters go to `metrics`, and begins to keep
/// `clock` by its database.
///
/// # Errors
/// [`OpenError`] says what is missing.
pub async fn open(
    config: Config,
    clock: Clock,
    metrics: &internal::Metrics,
) -> Result<Notification, OpenError> {
    let signers = Signers::open(&config.signing)?;
    let checker = Checker::new(&config.management)?;
    let configurations = Configurations::load(&config.distribution)?;
    let notices = Notices::open(config.distribution.notices.clone()).await?;
    let store = Store::open(&config.database, seals(&config.signing)?).await?;
    store.check_seals().await?;
    let keeper = Keeper::begin(&clock, store.database(), metrics).await?;
    let metrics = Metrics::new(metrics);
    let parts = Parts {
        metrics: metrics.clone(),
        ..exporter_parts(&config, clock.clone(), &store, signers).await?
    };
    let (blobs, regions) = (parts.blobs.clone(), parts.regions.clone());
    let exporter = config.export.enabled.then(|| Exporter::new(parts));
    Ok(Notification {
        clock: clock.clone(),
        keeper,
        registrar: Arc::new(Registrar {
            clock,
            store: store.clone(),
            checker,
            limits: Limits::new(config.limits),
            sources: Sources::new(&config.http),
            regions: regions.clone(),
            bodies: Bodies::new(config.registration.max_bytes_at_once),
            within: config.http.request_time(),
            rules: config.registration,
            metrics,
        }),
        distributor: Arc::new(Distributor {
            blobs: blobs.clone(),
            regions: regions.clone(),
            configurations,
            notices,
        }),
        exporter,
        store,
        blobs,
        regions,
    })
}

/// What an exporter works with, counting for nobody.
async fn exporter_parts(
    config: &Config,
    clock: Clock,
    store: &Store,
    signers: Signers,
) -> Result<Parts, OpenError> {
    Ok(Parts {
        clock,
        store: store.apart(&config.database).await?,
        blobs: Blobs::open(&config.storage, config.distribution.cache_max_bytes)?,
        signers,
        regions: config.distribution.regions.clone(),
        base_url: config.distribution.base_url.clone(),
        settings: config.export.clone(),
        metrics: Metrics::default(),
        keys_at_once: export::KEYS_AT_ONCE,
    })
}

/// What keys are sealed with while they wait. Whoever has the signing key can publish
/// anything: nothing is kept from them that a secret of its own would keep.
fn seals(settings: &config::Signing) -> Result<Seals, SecretError> {
    // Another replica may have changed to the next key before.
    let next = settings.next.as_ref().map(|next| &next.key);
    let others = settings.former_keys.iter().chain(next);
    let others: Result<Vec<_>, _> = others.map(Place::read).collect();
    Ok(Seals::new(&settings.key.read()?, &others?))
}

impl Notification {
    /// What the public is answered.
    pub fn router(&self) -> Router {
        register::router(Arc::clone(&self.registrar))
            .merge(distribute::router(Arc::clone(&self.distributor)))
            .merge(cocoa::router())
            .merge(internal::health())
    }

    /// Whether the database and the files can be got at, every file that is listed is
    /// there, and the time is known.
    pub fn ready(&self) -> Ready {
        let (clock, store, blobs) = (self.clock.clone(), self.store.clone(), self.blobs.clone());
        let regions = self.regions.clone();
        Arc::new(move || {
            let (clock, store, blobs) = (clock.clone(), store.clone(), blobs.clone());
            let regions = regions.clone();
            Box::pin(async move {
                for region in &regions {
                    match export::is_incomplete(&store, &blobs, region).await {
                        Ok(false) => {}
                        Ok(true) => {
                            return Err("a file that is listed is not there: see \
                                        `sesshoku-server exports rebuild`");
                        }
                        Err(ExportError::Store(_)) => return Err("the database does not answer"),
                        Err(_) => return Err("the files cannot be got at"),
                    }
                }
                clock.condition()
            })
        })
    }

    /// Keeps the time, and makes exports where this process is to, until `shutdown`.
    pub async fn run_background(self, shutdown: Shutdown) {
        let keeping = self.keeper.map(|keeper| tokio::spawn(keeper.run()));
        match self.exporter {
            Some(exporter) => exporter.run(shutdown).await,
            None => ended(shutdown).await,
        }
        if let Some(keeping) = keeping {
            keeping.abort();
        }
    }
}
