//! What operators and their machines ask: is it alive, is it ready, how is it doing.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::task::spawn_blocking;

use super::Metrics;
use super::fault;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether requests should be sent here now. It is asked at each request to `/readyz` and must not wait.
pub type Ready = Arc<dyn Fn() -> bool + Send + Sync>;

/// The admin listener: `/metrics` in OpenMetrics text; `/healthz`, which answers while the process can; `/readyz`,
/// which answers 503 while `ready` says no.
pub fn admin_router(metrics: Metrics, ready: Ready) -> Router {
    let page = Router::new().route("/metrics", get(page)).with_state(metrics);
    page.merge(health_router(ready))
}

fn health_router(ready: Ready) -> Router {
    let readyz = |State(ready): State<Ready>| async move {
        match ready() {
            true => "ready\n".into_response(),
            false => fault::unavailable(),
        }
    };
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(readyz)).with_state(ready)
}

async fn page(State(metrics): State<Metrics>) -> Response {
    // The figures come from files and from locks of the store; requests shall not wait behind them.
    match spawn_blocking(move || metrics.page()).await {
        Ok(Ok(page)) => ([(CONTENT_TYPE, OPENMETRICS)], page).into_response(),
        Ok(Err(_)) | Err(_) => fault::internal(),
    }
}
