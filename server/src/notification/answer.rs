//! Answers to registrations: all of one size, at times that say nothing.
//!
//! The size is that of the whole answer over HTTP/1.1. A status is three digits, but each
//! has a text of its own behind it, so all have the same here; and where a header says when
//! to come back, the body is shorter by as much.

use std::time::Duration;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use getrandom::SysRng;
use hyper::ext::ReasonPhrase;
use rand_core::{Rng, UnwrapErr};
use serde::Serialize;
use tokio::time::Instant;

use super::rules::Refusal;

/// Length of every answer's body, in bytes, with the line that says when to come back.
pub(super) const ANSWER_LEN: usize = 512;
/// What the status line says, whatever the status.
const REASON: ReasonPhrase = ReasonPhrase::from_static(b"Answered");
/// When to come back where nobody can say how long it takes.
const RETRY_SECONDS: u64 = 60;

/// What became of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is in effect (or was chaff), with so many keys; so many could not be used.
    Done { keys: usize, unusable: usize },
    /// It is not in order.
    Invalid(Refusal),
    /// Its app may not register here.
    NotAllowed,
    /// The 処理番号 is wrong, used or expired.
    WrongNumber,
    /// The body is too long.
    TooLarge,
    /// It was tried too often.
    TooMany(Duration),
    /// The management system or the database does not answer.
    Unavailable,
}

/// Who registers, as far as that decides which statuses it has words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// A device that marks what it sends, a dummy or not (docs/protocol.md §8): it knows
    /// every status of the interface, and which of them is worth another try.
    Marked,
    /// COCOA's app, which marks nothing. It says something at 200, 400, 406, 500 and 503;
    /// at any other status it shows nothing at all, and counts a failed try.
    Cocoa,
}

impl Outcome {
    /// A word for metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Invalid(_) => "invalid",
            Self::NotAllowed => "not_allowed",
            Self::WrongNumber => "wrong_number",
            Self::TooLarge => "too_large",
            Self::TooMany(_) => "too_many_tries",
            Self::Unavailable => "unavailable",
        }
    }

    const fn status(self, client: Client) -> StatusCode {
        match (self, client) {
            (Self::NotAllowed | Self::TooLarge, Client::Cocoa) => StatusCode::BAD_REQUEST,
            (Self::TooMany(_), Client::Cocoa) => StatusCode::SERVICE_UNAVAILABLE,
            (outcome, Client::Cocoa | Client::Marked) => outcome.own_status(),
        }
    }

    const fn own_status(self) -> StatusCode {
        match self {
            Self::Done { .. } => StatusCode::OK,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::NotAllowed => StatusCode::FORBIDDEN,
            Self::WrongNumber => StatusCode::NOT_ACCEPTABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn message(self) -> String {
        match self {
            Self::Done { keys, unusable: 0 } => {
                format!("the registration is in effect, with {keys} keys")
            }
            Self::Done { keys, unusable } => format!(
                "the registration is in effect, with {keys} keys; {unusable} could not be used"
            ),
            Self::Invalid(refusal) => refusal.to_string(),
            Self::NotAllowed => "this app may not register here".to_owned(),
            Self::WrongNumber => "the number is wrong, used or expired".to_owned(),
            Self::TooLarge => "the registration is too long".to_owned(),
            Self::TooMany(_) => "there were too many tries".to_owned(),
            Self::Unavailable => "the service is not available now".to_owned(),
        }
    }

    fn retry_after(self) -> Option<u64> {
        match self {
            Self::TooMany(wait) => Some(wait.as_secs().saturating_add(1)),
            Self::Unavailable => Some(RETRY_SECONDS),
            Self::Done { .. }
            | Self::Invalid(_)
            | Self::NotAllowed
            | Self::WrongNumber
            | Self::TooLarge => None,
        }
    }
}

impl Outcome {
    /// The answer to `client`. Its body says the same to all of them.
    pub(super) fn to(self, client: Client) -> Response {
        let headers = [
            (CONTENT_TYPE, "application/json"),
            // A proxy that compressed the answer would undo the padding.
            (CACHE_CONTROL, "no-store, no-transform"),
        ];
        let retry_after = self.retry_after().map(HeaderValue::from);
        let line_len = retry_after.as_ref().map_or(0, |value| {
            format!("{RETRY_AFTER}: \r\n").len() + value.len()
        });
        let body = body(self, ANSWER_LEN - line_len);
        let mut response = (self.status(client), headers, body).into_response();
        if let Some(value) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, value);
        }
        response.extensions_mut().insert(REASON);
        response
    }
}

/// JSON of exactly `len` bytes, most of which are random.
fn body(outcome: Outcome, len: usize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body {
        result: &'static str,
        message: String,
        padding: String,
    }
    let mut noise = [0; ANSWER_LEN / 2];
    UnwrapErr(SysRng).fill_bytes(&mut noise);
    let mut body = Body {
        result: outcome.name(),
        message: outcome.message(),
        padding: String::new(),
    };
    let json = |body: &Body| serde_json::to_vec(body).expect("texts are always JSON");
    let missing = len.saturating_sub(json(&body).len());
    body.padding = hex::encode(noise).chars().take(missing).collect();
    json(&body)
}

/// Waits until a multiple of `step` after `began`.
pub(super) async fn even_out(began: Instant, step: Duration) {
    tokio::time::sleep_until(began + next_step(began.elapsed(), step)).await;
}

fn next_step(elapsed: Duration, step: Duration) -> Duration {
    let mut at = step;
    while at < elapsed && !step.is_zero() {
        at += step;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_of_one_size_and_none_like_another() {
        for outcome in [
            Outcome::Done {
                keys: 30,
                unusable: 0,
            },
            Outcome::Done {
                keys: 0,
                unusable: 30,
            },
            Outcome::Invalid(Refusal::IdempotencyKey),
            Outcome::Invalid(Refusal::Json),
            Outcome::NotAllowed,
            Outcome::WrongNumber,
            Outcome::TooLarge,
            Outcome::TooMany(Duration::from_secs(3600)),
            Outcome::Unavailable,
        ] {
            for len in [ANSWER_LEN, ANSWER_LEN - 20] {
                let answer = body(outcome, len);
                assert_eq!(answer.len(), len, "{outcome:?}");
                let value: serde_json::Value = serde_json::from_slice(&answer).unwrap();
                assert_eq!(value["result"], outcome.name());
                assert_ne!(answer, body(outcome, len));
            }
        }
    }

    #[test]
    fn cocoas_app_gets_the_nearest_status_that_it_has_words_for() {
        let wait = Duration::from_secs(60);
        for (outcome, marked, cocoa) in [
            (
                Outcome::Done {
                    keys: 1,
                    unusable: 0,
                },
                200,
                200,
            ),
            (Outcome::Invalid(Refusal::Json), 400, 400),
            (Outcome::NotAllowed, 403, 400),
            (Outcome::WrongNumber, 406, 406),
            (Outcome::TooLarge, 413, 400),
            (Outcome::TooMany(wait), 429, 503),
            (Outcome::Unavailable, 503, 503),
        ] {
            for (client, status) in [(Client::Marked, marked), (Client::Cocoa, cocoa)] {
                let response = outcome.to(client);
                assert_eq!(response.status(), status, "{outcome:?} {client:?}");
                assert_eq!(
                    response.headers().contains_key(RETRY_AFTER),
                    matches!(outcome, Outcome::TooMany(_) | Outcome::Unavailable)
                );
            }
        }
    }

    #[test]
    fn answers_go_out_on_steps() {
        let step = Duration::from_millis(250);
        for (elapsed, expected) in [(0, 250), (1, 250), (250, 250), (251, 500), (1600, 1750)] {
            assert_eq!(
                next_step(Duration::from_millis(elapsed), step),
                Duration::from_millis(expected)
            );
        }
        assert_eq!(next_step(step, Duration::ZERO), Duration::ZERO);
    }
}
