//! What only the operator sees: whether the server is alive and ready, and what it
//! counted, for Prometheus.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::future::BoxFuture;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted. Its clones are the same.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Mutex<Registry>>);

/// Whether the server could do its work now: what keeps it from that as an error, what
/// an operator should look at beside.
pub type Ready =
    Arc<dyn Fn() -> BoxFuture<'static, Result<Option<String>, &'static str>> + Send + Sync>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

/// Requests, counted by route and status.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: Family<Labels, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Registry::with_prefix("sesshoku"))))
    }
}

impl Metrics {
    /// Adds metrics.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The metrics of requests, registered.
    pub fn http(&self) -> HttpMetrics {
        let http = HttpMetrics {
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| {
                Histogram::new([0.001, 0.005, 0.02, 0.1, 0.3, 0.6, 1.2, 5.0, 30.0])
            }),
        };
        self.register(|registry| {
            registry.register("http_requests", "Requests answered", http.requests.clone());
            registry.register(
                "http_request_seconds",
                "Time from a request's head to its answer's",
                http.seconds.clone(),
            );
        });
        http
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(
            &mut text,
            &self.0.lock().unwrap_or_else(PoisonError::into_inner),
        )?;
        Ok(text)
    }
}

impl HttpMetrics {
    pub(super) fn count(&self, route: String, status: StatusCode, took: Duration) {
        self.seconds
            .get_or_create(&Route {
                route: route.clone(),
            })
            .observe(took.as_secs_f64());
        let labels = Labels {
            route,
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
    }
}

/// `/healthz` alone, for the public side.
pub fn health() -> Router {
    Router::new().route("/healthz", get(|| async { "alive\n" }))
}

/// `/healthz`, `/readyz` and `/metrics`.
pub fn router(metrics: Metrics, ready: Ready) -> Router {
    let metrics = Router::new()
        .route("/metrics", get(show_metrics))
        .with_state(metrics);
    let ready = Router::new()
        .route("/readyz", get(show_readiness))
        .with_state(ready);
    health().merge(metrics).merge(ready)
}

async fn show_metrics(State(metrics): State<Metrics>) -> Response {
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn show_readiness(State(ready): State<Ready>) -> Response {
    match ready().await {
        Ok(None) => "ready\n".into_response(),
        Ok(Some(note)) => format!("ready\n{note}\n").into_response(),
        Err(why) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {why}\n"),
        )
            .into_response(),
    }
}
