//! `PUT /api/v3/diagnosis` (and v2's path): registering as positive (docs/protocol.md §8).
//!
//! # Chaff
//! Devices send dummies at random times, marked by a header inside TLS, so that who
//! watches the network cannot tell who registered. A dummy goes the same way as a
//! registration: limits, JSON, rules, a look into the database, a question to the
//! management system, a transaction that is committed. It differs in three points: the
//! question says that it is about no number (the management system does what it does for
//! a genuine one, and takes it back), it is never wrong, and what is written is made up,
//! and deleted in the same transaction. What remains of the difference in time is hidden by
//! the answer waiting for the next multiple of `registration.answer_milliseconds`; all
//! answers are of one size. Where a registration would be answered 400, 413, 429 or 503 at
//! the time, so is a dummy. No dummy is answered 406: a person who mistyped is told, and
//! sends again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName};
use axum::routing::put;
use futures_util::TryStreamExt;
use gaen::registration::Diagnosis;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::answer::{Outcome, even_out};
use super::check::{CheckError, Checker};
use super::config::Registration;
use super::limits::{Limits, TooMany};
use super::metrics::Metrics;
use super::rules::{self, Accepted, Refusal};
use super::store::{Registered, Store, StoreError};
use crate::clock::Clock;
use crate::http::source::{Bucket, Sources};
use crate::log::Causes;

const CHAFF: HeaderName = HeaderName::from_static("x-chaff");
/// Longest wait for a place to ask the management system from.
const PLACE_WAIT: Duration = Duration::from_secs(10);

/// What registering needs.
pub(super) struct Registrar {
    pub(super) clock: Clock,
    pub(super) store: Store,
    pub(super) checker: Checker,
    pub(super) limits: Limits,
    pub(super) sources: Sources,
    pub(super) regions: Vec<String>,
    pub(super) rules: Registration,
    pub(super) metrics: Metrics,
}

/// A registration that cannot be decided on now.
#[derive(Debug, thiserror::Error)]
enum Unavailable {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error("too many registrations wait for the management system")]
    Crowded,
    #[error("the time is not known")]
    NoTime,
}

pub(super) fn router(registrar: Arc<Registrar>) -> Router {
    Router::new()
        .route("/api/v3/diagnosis", put(register))
        .route("/api/v2/diagnosis", put(register))
        // The body is read here, so that what is too long is answered like the rest.
        .layer(DefaultBodyLimit::disable())
        .with_state(registrar)
}

async fn register(
    State(registrar): State<Arc<Registrar>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Outcome {
    let is_chaff = headers.contains_key(CHAFF);
    let source = registrar.sources.bucket(peer, &headers);
    let body = read(body, registrar.rules.max_bytes).await;
    let began = Instant::now();
    let outcome = match body {
        Ok(body) => registrar.answer(&body, is_chaff, source).await,
        Err(outcome) => outcome,
    };
    registrar.metrics.answered(is_chaff, outcome);
    even_out(began, registrar.rules.answer_time()).await;
    outcome
}

/// The whole body, wiped when it is dropped.
async fn read(body: Body, max_len: usize) -> Result<Zeroizing<Vec<u8>>, Outcome> {
    let mut stream = body.into_data_stream();
    // Never grows: what is left behind by growing would not be wiped.
    let mut whole = Zeroizing::new(Vec::with_capacity(max_len));
    loop {
        match stream.try_next().await {
            Ok(Some(chunk)) if chunk.len() > max_len - whole.len() => {
                return Err(Outcome::TooLarge);
            }
            Ok(Some(chunk)) => whole.extend_from_slice(&chunk),
            Ok(None) => return Ok(whole),
            Err(_) => return Err(Outcome::Invalid(Refusal::Json)),
        }
    }
}

impl Registrar {
    async fn answer(&self, body: &[u8], is_chaff: bool, source: Bucket) -> Outcome {
        if let Err(TooMany(wait)) = self.limits.request(source, std::time::Instant::now()) {
            return Outcome::TooMany(wait);
        }
        let Ok(diagnosis) = serde_json::from_slice::<Diagnosis>(body) else {
            return Outcome::Invalid(Refusal::Json);
        };
        let apps = &self.rules.apps;
        if !apps.is_empty() && !apps.contains(&diagnosis.app_package_name) {
            return Outcome::NotAllowed;
        }
        let decided = if self.clock.is_known() {
            let now = self.clock.now();
            let rules = &self.rules;
            match rules::check(&diagnosis, is_chaff, now, &self.regions, rules) {
                Err(refusal) => return Outcome::Invalid(refusal),
                Ok(accepted) if is_chaff => self.pretend(accepted, source).await,
                Ok(accepted) => {
                    let number = &diagnosis.verification_payload;
                    self.decide(accepted, number, source).await
                }
            }
        } else {
            Err(Unavailable::NoTime)
        };
        decided.unwrap_or_else(|error| {
            tracing::warn!(
                error = %Causes(&error),
                "a registration is put off"
            );
            Outcome::Unavailable
        })
    }

    async fn decide(
        &self,
        accepted: Accepted,
        processing_number: &str,
        source: Bucket,
    ) -> Result<Outcome, Unavailable> {
        let done = done(&accepted);
        let Accepted {
            id,
            digest,
            regions,
            keys,
            unusable: _,
        } = accepted;
        if let Some(registered) = self.store.find(id, digest).await? {
            return Ok(outcome(registered, done));
        }
        let number = self.limits.number(processing_number);
        let is_genuine = {
            // In this order, so that no more go into debt than there are places.
            let place = self.limits.place(PLACE_WAIT).await;
            let _place = place.map_err(|_| Unavailable::Crowded)?;
            let now = std::time::Instant::now();
            if let Err(TooMany(wait)) = self.limits.may_ask(source, Some(number), now) {
                return Ok(Outcome::TooMany(wait));
            }
            let is_genuine = self.checker.is_genuine(processing_number, &id).await?;
            if !is_genuine {
                self.limits.wrong(source, number, std::time::Instant::now());
            }
            is_genuine
        };
        if !is_genuine {
            return Ok(Outcome::WrongNumber);
        }
        // From here on the number is used up. Should this server fail now, the same
        // registration sent again is found genuine again, and stored then.
        let now = self.clock.now();
        let registered = self.store.register(id, digest, regions, keys, now).await?;
        Ok(outcome(registered, done))
    }

    /// The way of [`Self::decide`] without a number and without an effect.
    async fn pretend(&self, accepted: Accepted, source: Bucket) -> Result<Outcome, Unavailable> {
        self.store.find(accepted.id, accepted.digest).await?;
        {
            let place = self.limits.place(PLACE_WAIT).await;
            let _place = place.map_err(|_| Unavailable::Crowded)?;
            let now = std::time::Instant::now();
            if let Err(TooMany(wait)) = self.limits.may_ask(source, None, now) {
                return Ok(Outcome::TooMany(wait));
            }
            self.checker.pretend().await?;
        }
        let (done, now) = (done(&accepted), self.clock.now());
        let Accepted { regions, keys, .. } = accepted;
        self.store.pretend_to_register(regions, keys, now).await?;
        Ok(done)
    }
}

const fn done(accepted: &Accepted) -> Outcome {
    Outcome::Done {
        keys: accepted.keys.len(),
        unusable: accepted.unusable,
    }
}

const fn outcome(registered: Registered, done: Outcome) -> Outcome {
    match registered {
        Registered::New | Registered::Again => done,
        Registered::Conflict => Outcome::Invalid(Refusal::IdempotencyConflict),
    }
}
