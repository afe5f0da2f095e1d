//! Nothing that depends on the time is answered while nobody knows it.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use super::Clock;

/// When to come back, in seconds.
const RETRY_SECONDS: &str = "60";

/// `router`, all of whose answers are 503 while the time is not known.
pub fn guard(router: Router, clock: Clock) -> Router {
    router.layer(from_fn_with_state(clock, refuse_without_time))
}

async fn refuse_without_time(State(clock): State<Clock>, request: Request, next: Next) -> Response {
    if clock.is_known() {
        next.run(request).await
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            [(RETRY_AFTER, RETRY_SECONDS)],
            "the service is not available now\n",
        )
            .into_response()
    }
}
