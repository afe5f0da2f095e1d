//! What every router of both roles is wrapped in.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONNECTION, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use super::internal::HttpMetrics;
use super::{Settings, Shutdown};

const REFERRER_POLICY: HeaderName = HeaderName::from_static("referrer-policy");

/// `router` within the limits of `settings`, with the headers every answer has, and
/// counted in `metrics`. A panic in it is an answer 500, and no more.
pub fn wrap(
    router: Router,
    settings: &Settings,
    metrics: HttpMetrics,
    shutdown: Shutdown,
) -> Router {
    router
        .layer(SetResponseHeaderLayer::overriding(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            settings.request_time(),
        ))
        .layer(CatchPanicLayer::custom(|_| {
            tracing::error!("a request made the server panic");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }))
        .layer(from_fn_with_state(metrics, count))
        .layer(from_fn_with_state(shutdown, close_when_ending))
}

/// Counts a request by its route as it is written in the router, never by the
/// path that was asked for.
async fn count(State(metrics): State<HttpMetrics>, request: Request, next: Next) -> Response {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let began = Instant::now();
    let response = next.run(request).await;
    metrics.count(route, response.status(), began.elapsed());
    response
}

/// Tells clients to come back on another connection once the server ends.
async fn close_when_ending(
    State(shutdown): State<Shutdown>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if *shutdown.borrow() {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
