//! `PUT /api/v3/diagnosis` (and the paths of v2 and v1): registering as positive
//! (docs/protocol.md §8).
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
//!
//! # Statuses
//! COCOA's app registers at the same paths as our devices, and has no words for 403, 413
//! and 429. Ours has them for 429, by which a person learns that waiting helps, and marks
//! both what is a dummy and what is none; the app marks nothing. So who sends no mark is
//! answered with the statuses that the app knows ([`Client`]).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use axum::routing::put;
use futures_util::TryStreamExt;
use gaen::registration::{Diagnosis, is_processing_number};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use super::answer::{Client, Outcome, even_out};
use super::check::{CheckError, Checker};
use super::config::Registration;
use super::limits::{Limits, TooMany};
use super::metrics::{Checked, Metrics};
use super::rules::{self, Accepted, Refusal};
use super::store::{Registered, Store, StoreError};
use crate::clock::Clock;
use crate::http::source::{Origin, Sources};
use crate::log::{Causes, Seldom};

const CHAFF: HeaderName = HeaderName::from_static("x-chaff");
/// What a registration of our devices has in the other's place.
const NO_CHAFF: HeaderName = HeaderName::from_static("x-hcaff");
/// Longest wait for a place to ask the management system from, and for memory.
const PLACE_WAIT: Duration = Duration::from_secs(10);
const KIB: usize = 1024;

/// What registering needs.
pub(super) struct Registrar {
    pub(super) clock: Clock,
    pub(super) store: Store,
    pub(super) checker: Checker,
    pub(super) limits: Limits,
    pub(super) sources: Sources,
    pub(super) regions: Vec<String>,
    pub(super) rules: Registration,
    pub(super) bodies: Bodies,
    pub(super) metrics: Metrics,
    /// How long a whole answer may take.
    pub(super) within: Duration,
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
        .route("/api/diagnosis", put(register))
        // The body is read here, so that what is too long is answered like the rest.
        .layer(DefaultBodyLimit::disable())
        .with_state(registrar)
}

async fn register(
    State(registrar): State<Arc<Registrar>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let is_chaff = headers.contains_key(CHAFF);
    let client = if is_chaff || headers.contains_key(NO_CHAFF) {
        Client::Marked
    } else {
        Client::Cocoa
    };
    let origin = registrar.sources.origin(peer, &headers);
    let mut began = Instant::now();
    let outcome = timeout(registrar.decision_time(), async {
        let body = registrar.bodies.read(body, registrar.rules.max_bytes).await;
        began = Instant::now();
        match &body {
            Ok(body) => registrar.answer(&body.bytes, is_chaff, origin).await,
            Err(outcome) => *outcome,
        }
    });
    let outcome = outcome.await.unwrap_or(Outcome::Unavailable);
    registrar.metrics.answered(is_chaff, outcome);
    even_out(began, registrar.rules.answer_time()).await;
    outcome.to(client)
}

/// Bodies in memory, which take so much at most, however many come at once.
#[derive(Debug)]
pub(super) struct Bodies {
    kib: Arc<Semaphore>,
    wait: Duration,
    /// That there is no room.
    told: Seldom,
}

/// A whole body, wiped when it is dropped, and its part of what all may take.
struct Whole {
    bytes: Zeroizing<Vec<u8>>,
    room: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    /// Room for `max_len` bytes of all together.
    pub(super) fn new(max_len: usize) -> Self {
        Self {
            kib: Arc::new(Semaphore::new(max_len / KIB)),
            wait: PLACE_WAIT,
            told: Seldom::default(),
        }
    }

    /// Reads a body, which takes up no more than what has arrived of it, twice over.
    async fn read(&self, body: Body, max_len: usize) -> Result<Whole, Outcome> {
        let mut stream = body.into_data_stream();
        let mut whole = Whole {
            bytes: Zeroizing::default(),
            room: None,
        };
        loop {
            match stream.try_next().await {
                Ok(Some(chunk)) if chunk.len() > max_len - whole.bytes.len() => {
                    return Err(Outcome::TooLarge);
                }
                Ok(Some(chunk)) => {
                    let len = whole.bytes.len() + chunk.len();
                    if len > whole.bytes.capacity() {
                        self.grow(&mut whole, len.next_power_of_two().max(4 * KIB))
                            .await?;
                    }
                    whole.bytes.extend_from_slice(&chunk);
                }
                Ok(None) => return Ok(whole),
                Err(_) => return Err(Outcome::Invalid(Refusal::Json)),
            }
        }
    }

    async fn grow(&self, whole: &mut Whole, capacity: usize) -> Result<(), Outcome> {
        let kib = u32::try_from(capacity / KIB).map_err(|_| Outcome::TooLarge)?;
        // Its part so far is given back first, so that two that grow do not wait for
        // each other.
        whole.room = None;
        let room = timeout(self.wait, Arc::clone(&self.kib).acquire_many_owned(kib)).await;
        whole.room = room.ok().and_then(Result::ok);
        if whole.room.is_none() {
            if self.told.is_due() {
                tracing::warn!("bodies of registrations take all the memory they may");
            }
            return Err(Outcome::Unavailable);
        }
        // Copied by hand: what `Vec` leaves behind when it grows is not wiped.
        let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
        larger.extend_from_slice(&whole.bytes);
        whole.bytes = larger;
        Ok(())
    }
}

impl Registrar {
    /// How long a registration may take to arrive and be decided on, so that an answer is
    /// left that looks like the others.
    fn decision_time(&self) -> Duration {
        let spare = (self.rules.answer_time() * 2).max(self.within / 10);
        self.within.saturating_sub(spare).max(self.within / 2)
    }

    async fn answer(&self, body: &[u8], is_chaff: bool, origin: Origin) -> Outcome {
        let now = std::time::Instant::now();
        if let Err(TooMany(wait)) = self.limits.request(origin.source, now) {
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
                // By the true time it may be in order.
                Err(_) if !self.clock.is_settled() => Err(Unavailable::NoTime),
                Err(refusal) => return Outcome::Invalid(refusal),
                Ok(accepted) if is_chaff => self.pretend(accepted, origin).await,
                Ok(accepted) => {
                    let number = &diagnosis.verification_payload;
                    self.decide(accepted, number, origin).await
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
        origin: Origin,
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
        if !is_processing_number(processing_number) {
            // Nobody was sent such a one: there is nothing to ask, and it is no guess.
            self.metrics.checked(Checked::Mistyped);
            return Ok(Outcome::WrongNumber);
        }
        let number = self.limits.number(processing_number);
        let is_genuine = {
            // In this order, so that no more go into debt than there are places.
            let place = self.limits.place(origin.source, PLACE_WAIT).await;
            let _place = place.map_err(|_| Unavailable::Crowded)?;
            let now = std::time::Instant::now();
            let has_guessed = match self.limits.may_ask(origin, Some(number), now) {
                Ok(has_guessed) => has_guessed,
                Err(TooMany(wait)) => {
                    self.metrics.checked(Checked::BoundedHere);
                    return Ok(Outcome::TooMany(wait));
                }
            };
            let answer = self
                .checker
                .is_genuine(processing_number, &id, has_guessed)
                .await;
            self.metrics.checked(match &answer {
                Ok(true) => Checked::Genuine,
                Ok(false) => Checked::Wrong,
                Err(error) if error.is_bound() => Checked::BoundedThere,
                Err(_) => Checked::Unanswered,
            });
            let is_genuine = answer?;
            if !is_genuine {
                let now = std::time::Instant::now();
                self.limits.wrong(origin, number, has_guessed, now);
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
    async fn pretend(&self, accepted: Accepted, origin: Origin) -> Result<Outcome, Unavailable> {
        self.store.find(accepted.id, accepted.digest).await?;
        {
            let place = self.limits.place(origin.source, PLACE_WAIT).await;
            let _place = place.map_err(|_| Unavailable::Crowded)?;
            let now = std::time::Instant::now();
            let has_guessed = match self.limits.may_ask(origin, None, now) {
                Ok(has_guessed) => has_guessed,
                Err(TooMany(wait)) => return Ok(Outcome::TooMany(wait)),
            };
            self.checker.pretend(has_guessed).await?;
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Bytes;
    use futures_util::{StreamExt as _, stream};

    use super::*;

    const MAX_LEN: usize = 64 * KIB;

    fn in_chunks(bytes: &[u8], len: usize) -> Body {
        let chunks: Vec<_> = bytes
            .chunks(len)
            .map(|chunk| Ok::<_, Infallible>(Bytes::copy_from_slice(chunk)))
            .collect();
        Body::from_stream(stream::iter(chunks))
    }

    #[tokio::test]
    async fn a_body_is_read_in_whatever_pieces_it_comes() {
        let bodies = Bodies::new(2 * MAX_LEN);
        for len in [0, 1, 4 * KIB, 4 * KIB + 1, MAX_LEN] {
            let bytes: Vec<_> = (0..len)
                .map(|place| u8::try_from(place % 251).unwrap())
                .collect();
            for chunk in [1, 7, 5_000, MAX_LEN] {
                let whole = bodies.read(in_chunks(&bytes, chunk), MAX_LEN).await;
                assert!(
                    *whole.ok().unwrap().bytes == bytes,
                    "{len} in pieces of {chunk}"
                );
            }
        }
        let longer = in_chunks(&[0; MAX_LEN + 1], 1_000);
        let refused = bodies.read(longer, MAX_LEN).await;
        assert!(matches!(refused, Err(Outcome::TooLarge)));
        assert_eq!(bodies.kib.available_permits(), 2 * MAX_LEN / KIB);
    }

    #[tokio::test]
    async fn bodies_that_stall_take_no_more_than_their_part() {
        let bodies = Arc::new(Bodies {
            wait: Duration::from_millis(10),
            ..Bodies::new(2 * MAX_LEN)
        });
        let mut stalled = tokio::task::JoinSet::new();
        for _ in 0..200 {
            let bodies = Arc::clone(&bodies);
            stalled.spawn(async move {
                let begun = stream::iter([Ok::<_, Infallible>(Bytes::from(vec![0; 40 * KIB]))]);
                let body = Body::from_stream(begun.chain(stream::pending()));
                bodies.read(body, MAX_LEN).await.err()
            });
        }
        // Two have their part and stall; the others are told.
        for _ in 0..198 {
            let outcome = stalled.join_next().await.unwrap().unwrap();
            assert_eq!(outcome, Some(Outcome::Unavailable));
        }
        let waits = bodies.read(in_chunks(b"{}", 2), MAX_LEN).await;
        assert!(matches!(waits, Err(Outcome::Unavailable)));
        stalled.shutdown().await;
        assert!(bodies.read(in_chunks(b"{}", 2), MAX_LEN).await.is_ok());
    }
}
