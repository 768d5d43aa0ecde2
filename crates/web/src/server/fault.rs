//! Errors that arise before or around a handler, in the shape that all errors of the service have.

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Puts together the one shape; both parts are literals that need no escaping.
macro_rules! body {
    ($code:literal, $message:literal) => {
        concat!("{\"error\":{\"message\":\"", $message, "\",\"code\":\"", $code, "\",\"errors\":[]}}")
    };
}

const OVERLOADED: &str =
    body!("OVERLOADED", "The server has all the connections it can serve. Come back later.");

/// The body did not arrive in time.
pub fn request_timeout() -> Response {
    let body = body!("REQUEST_TIMEOUT", "The body of the request did not arrive in time. Nothing was done.");
    let close = [(CONNECTION, HeaderValue::from_static("close"))];
    (StatusCode::REQUEST_TIMEOUT, close, [(CONTENT_TYPE, JSON)], body).into_response()
}

/// A handler panicked.
pub fn internal() -> Response {
    let body = body!("INTERNAL", "The server failed.");
    (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, JSON)], body).into_response()
}

/// The server is starting, stopping or cut off from its store.
pub fn unavailable() -> Response {
    let body = body!("UNAVAILABLE", "The server is not ready.");
    let later = [(RETRY_AFTER, HeaderValue::from_static("1"))];
    (StatusCode::SERVICE_UNAVAILABLE, later, [(CONTENT_TYPE, JSON)], body).into_response()
}

/// The whole answer to a connection that will not be served, as it goes over the wire.
pub fn overloaded() -> String {
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         retry-after: 1\r\nconnection: close\r\n\r\n{OVERLOADED}",
        OVERLOADED.len()
    )
}
