//! What COCOA's app asks its server for beside registering and the files: it is answered so
//! that the app goes on, and nothing of it is kept (docs/server.md "The COCOA app").

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use futures_util::TryStreamExt;

/// The most of an event log that is listened to. The app sends 8 MiB of logs at the most,
/// which are written as JSON within JSON, so that each byte may take two.
const EVENT_LOG_BYTES_MAX: usize = 18 << 20;

pub(super) fn router() -> Router {
    Router::new()
        .route("/api/register", post(register))
        .route("/api/v1/event_log", put(event_log))
        .route("/api/inquirylog", get(inquiry_log))
}

/// The first start. Any other answer than 200 ends it, and the first versions read the
/// body as JSON. There is nothing to register: the app sends nothing, and gets no name.
async fn register() -> Response {
    json("{}")
}

/// Logs of contacts that a person agreed to send. They tell who met whom, and nobody here
/// needs them: they are heard out, for a client that is interrupted takes that for a
/// broken line and sends all of it again, and each piece is dropped as it comes.
async fn event_log(body: Body) -> Response {
    let mut stream = body.into_data_stream();
    let mut len = 0;
    loop {
        match stream.try_next().await {
            Ok(Some(piece)) => len += piece.len(),
            Ok(None) => return json("{}"),
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        }
        if len > EVENT_LOG_BYTES_MAX {
            return StatusCode::BAD_REQUEST.into_response();
        }
    }
}

/// Where to put logs for the help desk: a token for a storage whose address is in the app.
/// An empty one makes every version say that the logs could not be sent.
async fn inquiry_log() -> Response {
    json(r#"{"sas_token":""}"#)
}

fn json(body: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, body).into_response()
}
