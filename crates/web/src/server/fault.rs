//! Errors that arise before or around a handler, in the shape that all errors of the service have.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Puts together the one shape; both parts are literals that need no escaping.
macro_rules! body {
    ($code:literal, $message:literal) => {
        concat!(
            "{\"error\":{\"message\":\"",
            $message,
            "\",\"code\":\"",
            $code,
            "\",\"errors\":[{\"code\":\"",
            $code,
            "\",\"message\":\"",
            $message,
            "\",\"path\":[]}]}}"
        )
    };
}

const OVERLOADED: &str =
    body!("OVERLOADED", "the server has all the connections it can serve; come back later");

/// Makes any answer one that says that the body did not arrive in time. What the layers within wrote into its
/// header stays: the request's id, and what a browser wants to see before it shows an answer.
pub fn into_request_timeout(mut response: Response) -> Response {
    let body = body!("REQUEST_TIMEOUT", "the body did not arrive in time; nothing was done");
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    *response.body_mut() = Body::from(body);
    let header = response.headers_mut();
    header.remove(CONTENT_LENGTH);
    header.insert(CONTENT_TYPE, JSON);
    header.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A handler panicked.
pub fn internal() -> Response {
    let body = body!("INTERNAL", "the server failed");
    (StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, JSON)], body).into_response()
}

/// The server is starting, stopping or cut off from its store.
pub fn unavailable() -> Response {
    let body = body!("UNAVAILABLE", "the server is not ready");
    let later = [(RETRY_AFTER, HeaderValue::from_static("1"))];
    (StatusCode::SERVICE_UNAVAILABLE, later, [(CONTENT_TYPE, JSON)], body).into_response()
}

/// The whole answer to a connection that will not be served, as it goes over the wire.
pub fn overloaded() -> String {
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\nretry-after: 1\r\n\
         connection: close\r\n\r\n{OVERLOADED}",
        OVERLOADED.len()
    )
}
