//! A stand-in for the management system's check (its interface, nothing else of it),
//! which can also be out of order.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) const CREDENTIAL: &str = "let-me-in";

/// The management system, on a port of its own.
#[derive(Clone)]
pub(crate) struct Management {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State_>>,
}

#[derive(Default)]
struct State_ {
    numbers: BTreeSet<String>,
    /// Requests that were answered yes, with their number.
    remembered: BTreeMap<String, String>,
    wrong: usize,
    of_guessers: usize,
    dummies: usize,
    trouble: Option<Trouble>,
}

/// How it is out of order.
#[derive(Clone, Copy)]
pub(crate) enum Trouble {
    /// Answers so.
    Status(StatusCode),
    /// Does not answer.
    Silent,
    /// Does what it is asked, but the answer is lost.
    LosesAnswers,
    /// Answers something that is none.
    Nonsense,
}

impl Management {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let router = Router::new()
            .route("/api/v1/processing-number/check", post(check))
            .with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        this
    }

    /// Issues numbers.
    pub(crate) fn issue(&self, numbers: impl IntoIterator<Item = String>) {
        self.lock().numbers.extend(numbers);
    }

    pub(crate) fn trouble(&self, trouble: Option<Trouble>) {
        self.lock().trouble = trouble;
    }

    /// How many numbers are not used up.
    pub(crate) fn left(&self) -> usize {
        self.lock().numbers.len()
    }

    /// How many wrong numbers it was asked about.
    pub(crate) fn wrong(&self) -> usize {
        self.lock().wrong
    }

    /// How many of them came from where somebody had tried a wrong one.
    pub(crate) fn of_guessers(&self) -> usize {
        self.lock().of_guessers
    }

    /// How many questions were about no number.
    pub(crate) fn dummies(&self) -> usize {
        self.lock().dummies
    }

    fn lock(&self) -> MutexGuard<'_, State_> {
        self.state.lock().unwrap()
    }
}

async fn check(State(this): State<Management>, headers: HeaderMap, body: String) -> Response {
    if headers
        .get("authorization")
        .is_none_or(|value| value != &format!("Bearer {CREDENTIAL}"))
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let trouble = this.lock().trouble;
    match trouble {
        Some(Trouble::Status(status)) => return status.into_response(),
        Some(Trouble::Silent) => std::future::pending().await,
        Some(Trouble::Nonsense) => return "genuine".into_response(),
        Some(Trouble::LosesAnswers) | None => {}
    }
    let answer = this.answer(&body, headers.contains_key("sesshoku-guessed"));
    if matches!(trouble, Some(Trouble::LosesAnswers)) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    answer
}

impl Management {
    fn answer(&self, body: &str, has_guessed: bool) -> Response {
        let mut state = self.lock();
        let question: Value = serde_json::from_str(body).unwrap_or_default();
        let (Some(number), Some(request)) = (
            question["processing_number"].as_str(),
            question["request"].as_str(),
        ) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        let is_hex = request.len() == 64 && request.bytes().all(|it| it.is_ascii_hexdigit());
        if number == "chaff" && is_hex {
            state.dummies += 1;
            return axum::Json(json!({ "genuine": true })).into_response();
        }
        if !gaen::registration::is_processing_number(number) || !is_hex {
            return StatusCode::BAD_REQUEST.into_response();
        }
        let genuine = match state.remembered.get(request) {
            Some(known) => known == number,
            None => state.numbers.remove(number),
        };
        if genuine {
            state
                .remembered
                .insert(request.to_owned(), number.to_owned());
        } else {
            state.wrong += 1;
            state.of_guessers += usize::from(has_guessed);
        }
        axum::Json(json!({ "genuine": genuine })).into_response()
    }
}
