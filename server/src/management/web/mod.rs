//! placeholder
use super::Inner;
use axum::Router;
use std::sync::Arc;
pub(super) fn router(_: Arc<Inner>) -> Router {
    Router::new()
}
