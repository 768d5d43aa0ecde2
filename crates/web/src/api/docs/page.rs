//! A page that shows the OpenAPI document. It loads nothing from anywhere else.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa_swagger_ui::Config;

use crate::api::Api;
use crate::api::error::ApiError;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
frame-ancestors 'none'";

/// Nothing is asked of the validator that the page knows by default: it is another host.
static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::from("/openapi.json").validator_url("none")));

pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/docs", get(|| async { (StatusCode::PERMANENT_REDIRECT, [(LOCATION, "/docs/")]) }))
        .route("/docs/", get(|| async { file("") }))
        .route("/docs/{*file}", get(|Path(name): Path<String>| async move { file(&name) }))
}

fn file(name: &str) -> axum::response::Response {
    let file = match utoipa_swagger_ui::serve(name, CONFIG.clone()) {
        Ok(Some(file)) => file,
        Ok(None) => return ApiError::not_found().into_response(),
        Err(_) => return ApiError::internal().into_response(),
    };
    let response = Response::builder()
        .header(CONTENT_TYPE, file.content_type)
        .header(CONTENT_SECURITY_POLICY, POLICY)
        .header(REFERRER_POLICY, "no-referrer");
    let response = if file.gzpipped { response.header(CONTENT_ENCODING, "gzip") } else { response };
    let response = response.body(Body::from(file.bytes.into_owned()));
    response.unwrap_or_else(|_| ApiError::internal().into_response())
}
