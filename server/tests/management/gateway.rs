//! What stands for the SMS gateway: an HTTP server, as the settings describe one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;

pub(crate) const CREDENTIAL: &str = "gateway credential";

/// A running gateway.
pub(crate) struct Gateway {
    pub(crate) url: String,
    state: Arc<Mutex<Log>>,
}

#[derive(Default)]
struct Log {
    /// What to answer before 200.
    answers: VecDeque<u16>,
    messages: Vec<Value>,
}

impl Gateway {
    /// Answers with `answers` one after the other, then with 200.
    pub(crate) async fn start(answers: &[u16]) -> Self {
        let state = Arc::new(Mutex::new(Log {
            answers: answers.iter().copied().collect(),
            messages: Vec::new(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/messages", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/messages", post(take))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, state }
    }

    /// What was taken.
    pub(crate) fn messages(&self) -> Vec<Value> {
        self.state.lock().unwrap().messages.clone()
    }
}

async fn take(
    State(state): State<Arc<Mutex<Log>>>,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    if headers["authorization"] != format!("Bearer {CREDENTIAL}") {
        return StatusCode::UNAUTHORIZED;
    }
    let mut state = state.lock().unwrap();
    if let Some(answer) = state.answers.pop_front() {
        return StatusCode::from_u16(answer).unwrap();
    }
    state.messages.push(serde_json::from_str(&body).unwrap());
    StatusCode::OK
}
