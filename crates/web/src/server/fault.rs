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

const MALFORMED: &str = body!("INVALID_REQUEST", "the request is not well-formed HTTP");

const HEADER_TOO_LARGE: &str = body!("INVALID_REQUEST", "the header of the request is too large");

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

/// The server could not do what it is there for.
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
    whole("503 Service Unavailable", "retry-after: 1\r\n", OVERLOADED)
}

/// What to write instead of the answer that hyper gives by itself, without a body, to what it cannot read.
pub fn instead_of(written: &[u8]) -> Option<String> {
    let status = written.strip_prefix(b"HTTP/1.1 ").or(written.strip_prefix(b"HTTP/1.0 "))?;
    let is = |line: &str| {
        let rest = status.strip_prefix(line.as_bytes());
        rest.is_some_and(|rest| rest.starts_with(b"\r\nconnection: close\r\ncontent-length: 0\r\n"))
    };
    let refusals =
        [("400 Bad Request", MALFORMED), ("431 Request Header Fields Too Large", HEADER_TOO_LARGE)];
    refusals.into_iter().find(|(line, _)| is(line)).map(|(line, body)| whole(line, "", body))
}

/// An answer after which the connection is closed.
fn whole(status: &str, more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nx-content-type-options: nosniff\r\n{more}connection: close\r\n\r\n{body}",
        body.len()
    )
}
