//! The JSON interface: the notification server has numbers checked, and programs of
//! health centres have them issued (`openapi/management.yaml`).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use axum::{Json, Router};
use gaen::registration::{ProcessingNumber, is_number_of_digits};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Inner;
use super::account::{Role, Token};
use super::issue::{IssueError, Order};
use super::keys::{self, Digest, random};
use super::message::Spoken;
use super::recipient::{Recipient, RecipientError};
use super::send::SendError;
use super::statistics::Counted;
use super::store::{Check, Checked, FormId};
use crate::log::Causes;
use crate::notification::{GUESSED, NO_NUMBER};

/// No body here needs more.
const BODY_LEN_MAX: usize = 4096;
/// When to try again what the database or a mail server did not do now.
const RETRY_SOON: Duration = Duration::from_secs(30);

pub(super) fn router(inner: Arc<Inner>) -> Router {
    Router::new()
        .route("/api/v1/processing-number/check", post(check))
        .route("/api/v1/processing-number", post(issue))
        .route("/api/v1/processing-number/{id}", delete(take_back))
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .layer(from_fn_with_state(Arc::clone(&inner), needs_time))
        .with_state(inner)
}

/// No number is issued, checked or forgotten while nobody knows the time.
async fn needs_time(
    State(inner): State<Arc<Inner>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if inner.clock.is_known() {
        Ok(next.run(request).await)
    } else {
        Err(UNAVAILABLE)
    }
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct CheckRequest {
    processing_number: String,
    request: String,
}

#[derive(Serialize)]
struct CheckAnswer {
    genuine: bool,
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct IssueRequest {
    #[serde(default, deserialize_with = "given")]
    mail: Option<String>,
    #[serde(default, deserialize_with = "given")]
    phone: Option<String>,
    #[serde(default)]
    #[zeroize(skip)]
    language: Spoken,
}

#[derive(Serialize)]
struct IssueAnswer {
    /// By which it can be taken back.
    id: String,
    expires: String,
}

/// An answer that is not what was asked for: a status, and a word for programs.
#[derive(Serialize)]
struct Problem {
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    retry_after: Option<Duration>,
    error: &'static str,
}

impl Problem {
    const fn new(status: StatusCode, error: &'static str) -> Self {
        Self {
            status,
            retry_after: None,
            error,
        }
    }

    const fn later(status: StatusCode, error: &'static str, wait: Duration) -> Self {
        Self {
            status,
            retry_after: Some(wait),
            error,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = answer(status, self);
        let headers = response.headers_mut();
        if let Some(wait) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

const UNAUTHORIZED: Problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized");
const FORBIDDEN: Problem = Problem::new(StatusCode::FORBIDDEN, "not-allowed");
const UNKNOWN: Problem = Problem::new(StatusCode::NOT_FOUND, "unknown");
const MALFORMED: Problem = Problem::new(StatusCode::BAD_REQUEST, "malformed");
const UNAVAILABLE: Problem =
    Problem::later(StatusCode::SERVICE_UNAVAILABLE, "unavailable", RETRY_SOON);

/// Whether a number is genuine. A genuine one is gone afterwards.
async fn check(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Result<Json<CheckRequest>, JsonRejection>,
) -> Result<Response, Problem> {
    let shown = bearer(&headers).ok_or(UNAUTHORIZED)?;
    if !keys::same(&keys::sha256(shown.as_bytes()), &inner.check_credential) {
        return Err(UNAUTHORIZED);
    }
    let Json(body) = body.map_err(unreadable)?;
    let mut request: Digest = [0; 32];
    hex::decode_to_slice(&body.request, &mut request).map_err(|_| MALFORMED)?;
    let is_dummy = body.processing_number == NO_NUMBER;
    let has_guessed = headers.contains_key(GUESSED);
    let digest = if is_dummy {
        // Random, and of no number.
        request
    } else if let Some(number) = ProcessingNumber::parse(&body.processing_number) {
        inner.keys.number(&number)
    } else if is_number_of_digits(&body.processing_number) {
        // Its check digit does not fit: nobody was sent such a one, and it is no guess.
        inner.metrics.checked("mistyped", has_guessed);
        return Ok(answer(StatusCode::OK, CheckAnswer { genuine: false }));
    } else {
        return Err(MALFORMED);
    };
    let check = Check {
        digest,
        request,
        is_dummy,
        now: inner.clock.now(),
        has_guessed,
        budget: inner.config.numbers.guessing_budget(),
    };
    let checked = inner.store.check(check).await.map_err(|error| {
        tracing::error!(error = %Causes(&error), "a number cannot be checked");
        inner.metrics.checked("failed", has_guessed);
        UNAVAILABLE
    })?;
    if !is_dummy {
        let result = match checked {
            Checked::Consumed => "genuine",
            Checked::Repeated => "repeated",
            Checked::Wrong => "wrong",
            Checked::Bounded(_) => "bounded",
        };
        inner.metrics.checked(result, has_guessed);
    }
    count_later(&inner, checked, is_dummy);
    let genuine = match checked {
        Checked::Consumed | Checked::Repeated => true,
        // By the true time it may be valid.
        Checked::Wrong if !inner.clock.is_settled() => return Err(UNAVAILABLE),
        Checked::Wrong => false,
        Checked::Bounded(wait) => {
            tracing::warn!("too many wrong numbers within a day: this one is not checked");
            let status = StatusCode::TOO_MANY_REQUESTS;
            return Err(Problem::later(status, "too-many-wrong-numbers", wait));
        }
    };
    Ok(answer(StatusCode::OK, CheckAnswer { genuine }))
}

/// Counts for the statistics what a check was, after it is answered: that a dummy is not
/// counted is not to show in the time.
fn count_later(inner: &Arc<Inner>, checked: Checked, is_dummy: bool) {
    let counted = match checked {
        Checked::Consumed if !is_dummy => Counted::Used,
        Checked::Wrong => Counted::Wrong,
        Checked::Consumed | Checked::Repeated | Checked::Bounded(_) => return,
    };
    let task = Arc::clone(inner);
    inner.tasks.spawn(async move { task.count(counted).await });
}

/// A text; null is none.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Issues a number to a mail address or phone number.
async fn issue(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Result<Json<IssueRequest>, JsonRejection>,
) -> Result<Response, Problem> {
    let account = issuer(&inner, &headers).await?;
    let Json(body) = body.map_err(unreadable)?;
    let form = random().map_err(|_| UNAVAILABLE)?;
    let order = Order {
        account,
        recipient: Recipient::parse(body.mail.as_deref(), body.phone.as_deref())
            .map_err(not_a_recipient)?,
        language: body.language,
        form,
    };
    drop(body);
    // It goes on to its end although the client may hang up: half-way there would be a
    // valid number that was not sent.
    let task = Arc::clone(&inner);
    let issued = inner.tasks.spawn(async move { task.issue(order).await });
    let expires = issued.await.map_err(|_| UNAVAILABLE)?.map_err(not_issued)?;
    let expires = Timestamp::from_second(i64::from(expires.get()))
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string();
    let id = hex::encode(form);
    Ok(answer(StatusCode::CREATED, IssueAnswer { id, expires }))
}

/// Takes a number back that the same account had issued within a day.
async fn take_back(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let account = issuer(&inner, &headers).await?;
    let mut form: FormId = [0; 16];
    hex::decode_to_slice(&id, &mut form).map_err(|_| UNKNOWN)?;
    let known = inner.take_back(&account, form, Some(&account)).await;
    let known = known.map_err(|error| {
        tracing::error!(error = %Causes(&error), "a number cannot be taken back");
        UNAVAILABLE
    })?;
    if !known {
        return Err(UNKNOWN);
    }
    let no_store = [(CACHE_CONTROL, "no-store")];
    Ok((StatusCode::NO_CONTENT, no_store).into_response())
}

/// The name of the account whose token is shown, if it may issue numbers.
async fn issuer(inner: &Inner, headers: &HeaderMap) -> Result<String, Problem> {
    let token = bearer(headers).and_then(Token::parse);
    let token = token.ok_or(UNAUTHORIZED)?;
    let account = inner.store.account_with_token(token.digest()).await;
    let account = account.map_err(|error| {
        tracing::error!(error = %Causes(&error), "a token cannot be looked up");
        UNAVAILABLE
    })?;
    let account = account.ok_or(UNAUTHORIZED)?;
    if !account.roles.has(Role::Issue) {
        return Err(FORBIDDEN);
    }
    Ok(account.name)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| credential.trim())
}

fn answer(status: StatusCode, body: impl Serialize) -> Response {
    let no_store = [(CACHE_CONTROL, "no-store")];
    (status, no_store, Json(body)).into_response()
}

/// What the body is not. The parser's own text would quote it, so it is dropped.
fn unreadable(rejection: JsonRejection) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json")
        }
        _ => MALFORMED,
    }
}

fn not_a_recipient(error: RecipientError) -> Problem {
    let word = match error {
        RecipientError::Missing => "no-recipient",
        RecipientError::Both => "two-recipients",
        RecipientError::Mail => "not-a-mail-address",
        RecipientError::Phone => "not-a-phone-number",
        RecipientError::PhoneLength => "phone-number-length",
        RecipientError::Landline => "not-a-mobile-phone-number",
    };
    Problem::new(StatusCode::BAD_REQUEST, word)
}

fn not_issued(error: IssueError) -> Problem {
    match error {
        IssueError::Limited(wait) => {
            Problem::later(StatusCode::TOO_MANY_REQUESTS, "too-many-numbers", wait)
        }
        IssueError::Full => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::later(status, "too-many-live-numbers", RETRY_SOON)
        }
        IssueError::ChannelOff => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "channel-not-set-up")
        }
        IssueError::Send(SendError::Refused(_) | SendError::Off) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "message-refused")
        }
        IssueError::Send(SendError::Unavailable(_) | SendError::Timeout) => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::later(status, "message-not-sent", RETRY_SOON)
        }
        IssueError::KnownForm | IssueError::Database(_) | IssueError::Random(_) => UNAVAILABLE,
    }
}
