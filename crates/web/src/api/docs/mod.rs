//! What everybody may read: the OpenAPI document, a page that shows it, a short text, and the server's health.

pub(crate) mod health;
mod page;
mod text;

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

use super::settings::ApiSettings;
use super::{Api, openapi};

/// The routes that are no operations of the API.
pub(crate) fn routes(settings: &ApiSettings) -> Router<Arc<Api>> {
    let document = openapi::openapi_for(settings.public_url.as_deref());
    let text = text::llms(settings.public_url.as_deref());
    Router::new()
        .route("/openapi.json", get(([(CONTENT_TYPE, "application/json")], document)))
        .route("/llms.txt", get(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text)))
        .merge(page::routes())
}
