//! What every request and answer has around it: an id, a log line, a few headers, one shape of errors.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::RequestId;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use super::Api;
use super::error::{ApiError, Code};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What clients may say of themselves, and the field it is logged as.
const TOLD: [(&str, &str); 5] = [
    ("x-request-id", "client_request_id"),
    ("dintero-system-name", "system_name"),
    ("dintero-system-version", "system_version"),
    ("dintero-system-plugin-name", "plugin_name"),
    ("dintero-system-plugin-version", "plugin_version"),
];

const TOLD_CHARACTERS_MAX: usize = 64;

/// Carries a request to its handler and the answer back.
pub(crate) async fn frame(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = api.service.new_request_id();
    let span = span_of(&request, id);
    let quiet = matches!(request.uri().path(), "/healthz" | "/readyz");
    request.extensions_mut().insert(id);
    let work = async move {
        let response = next.run(request).await;
        answered(&response, started, quiet);
        response
    };
    // On a task of its own: what was begun is ended although the client hangs up, and a panic stays there.
    let worked = tokio::spawn(work.instrument(span.clone())).await;
    let response = worked.unwrap_or_else(|_| {
        let response = ApiError::internal().into_response();
        span.in_scope(|| {
            tracing::error!("the handler panicked");
            answered(&response, started, quiet);
        });
        response
    });
    framed(response, id)
}

fn span_of(request: &Request, id: RequestId) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        request_id = %id,
        method = %request.method(),
        route,
        aid = Empty,
        client = Empty,
        client_request_id = Empty,
        system_name = Empty,
        system_version = Empty,
        plugin_name = Empty,
        plugin_version = Empty,
    );
    for (header, field) in TOLD {
        if let Some(told) = told(request.headers(), header) {
            span.record(field, told);
        }
    }
    span
}

fn told(headers: &HeaderMap, header: &str) -> Option<String> {
    let value = headers.get(header)?.as_bytes();
    let printable = value.iter().copied().filter(|byte| matches!(byte, b' '..=b'~'));
    Some(printable.take(TOLD_CHARACTERS_MAX).map(char::from).collect())
}

fn answered(response: &Response, started: Instant, quiet: bool) {
    let status = response.status().as_u16();
    let duration_ms = started.elapsed().as_secs_f64() * 1e3;
    if quiet {
        tracing::debug!(status, duration_ms, "request answered");
    } else {
        tracing::info!(status, duration_ms, "request answered");
    }
}

fn framed(response: Response, id: RequestId) -> Response {
    let mut response = in_our_shape(response, id);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Errors of the router's own, and of anything else that knows nothing of our shape, get it here. A fault of the
/// server shows the request's id and nothing more.
fn in_our_shape(response: Response, id: RequestId) -> Response {
    let status = response.status();
    let code = response.extensions().get::<Code>().copied();
    let is_fault = status.is_server_error() && status != StatusCode::SERVICE_UNAVAILABLE;
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || (code.is_some() && !is_fault) {
        return response;
    }
    let error = match status {
        _ if is_fault => {
            let code = code.unwrap_or(Code::Internal);
            ApiError::new(code, format!("the server's log has more about request {id}"))
        }
        StatusCode::NOT_FOUND => ApiError::not_found(),
        StatusCode::METHOD_NOT_ALLOWED => {
            ApiError::new(Code::MethodNotAllowed, "this path does not know this method")
        }
        StatusCode::REQUEST_TIMEOUT => {
            ApiError::new(Code::RequestTimeout, "the body did not arrive in time; nothing was done")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(Code::BodyTooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ApiError::new(Code::UnsupportedMediaType, "this content type is not read here")
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            ApiError::new(Code::Overloaded, "too much is waiting; nothing was done").retry_after(1)
        }
        _ => ApiError::invalid("the request is malformed"),
    };
    let (parts, _) = response.into_parts();
    let mut shaped = error.into_response();
    shaped.extensions_mut().extend(parts.extensions);
    // What the layers within said besides of the body stays: what is allowed, and to whom a browser may show it.
    for (name, value) in &parts.headers {
        if *name != CONTENT_TYPE && *name != CONTENT_LENGTH && !shaped.headers().contains_key(name) {
            shaped.headers_mut().append(name, value.clone());
        }
    }
    shaped
}

/// A successful answer: always status 200.
pub(crate) struct Reply(pub(crate) Vec<u8>);

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.0));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl Reply {
    /// Writes an answer into a buffer that is large enough for most.
    pub(crate) fn of(answer: &impl super::wire::Answer) -> Result<Self, ApiError> {
        Self::with_room(answer, 1_024)
    }

    /// Writes an answer of about `bytes`.
    pub(crate) fn with_room(answer: &impl super::wire::Answer, bytes: usize) -> Result<Self, ApiError> {
        let mut buffer = Vec::with_capacity(bytes);
        serde_json::to_writer(&mut buffer, &super::wire::Out(answer)).map_err(|error| {
            tracing::error!(%error, "an answer could not be written");
            ApiError::internal()
        })?;
        Ok(Self(buffer))
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::to_bytes;
    use axum::http::header::RETRY_AFTER;
    use axum::routing::get;
    use domain::Clock;
    use serde_json::Value;
    use service::{MasterKey, Parts, PublicHosts, Service, SystemClock, SystemRandom};
    use store::{SqliteSettings, SqliteStore};
    use tower::ServiceExt;

    use super::*;
    use crate::api::access::Door;
    use crate::api::{ApiSettings, routes};

    async fn answer(routes: Router<Arc<Api>>) -> (Response, Value) {
        let dir = tempfile::tempdir().expect("a directory");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let master_key = MasterKey::generate(&SystemRandom);
        let (settings, pin_check) = (SqliteSettings::default(), service::pin_checker(&master_key));
        let store = SqliteStore::open(dir.path(), clock.clone(), settings, pin_check).expect("a store");
        let parts = Parts {
            store,
            master_key,
            clock,
            random: Arc::new(SystemRandom),
            hosts: PublicHosts::new(&["https://cards.example".to_owned()], &[]),
        };
        let service = Service::open(parts).await.expect("a service");
        let api = Api::new(service, Door::Public, ApiSettings::default());
        let request = Request::get("/").body(Body::empty()).expect("a request");
        let response = routes::framed(routes, api).oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        let body = serde_json::from_slice(&bytes).expect("JSON");
        (Response::from_parts(parts, Body::empty()), body)
    }

    fn assert_shows_only_the_id(response: &Response, body: &Value, code: &str) {
        assert_eq!(response.status(), 500);
        assert_eq!(body["error"]["code"], code);
        let id = response.headers()[REQUEST_ID].to_str().expect("an id");
        let message = format!("the server's log has more about request {id}");
        assert_eq!(body["error"]["message"], message.as_str());
        assert_eq!(body["error"]["errors"][0]["message"], message.as_str());
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_tells_nothing() {
        async fn panicking() {
            panic!("DINCARD:secret");
        }
        let (response, body) = answer(Router::new().route("/", get(panicking))).await;
        assert_shows_only_the_id(&response, &body, "INTERNAL");
    }

    #[tokio::test]
    async fn faults_of_the_server_tell_only_their_code() {
        let unknown = || async { ApiError::from(service::Error::OutcomeUnknown) };
        let (response, body) = answer(Router::new().route("/", get(unknown))).await;
        assert_shows_only_the_id(&response, &body, "OUTCOME_UNKNOWN");
        let foreign = || async { (StatusCode::BAD_GATEWAY, "connection to 10.0.0.7 refused") };
        let (response, body) = answer(Router::new().route("/", get(foreign))).await;
        assert_shows_only_the_id(&response, &body, "INTERNAL");
    }

    #[tokio::test]
    async fn what_cannot_be_served_now_says_when_to_come_again() {
        let away = || async { ApiError::from(service::Error::Unavailable("disk full at /srv".into())) };
        let (response, body) = answer(Router::new().route("/", get(away))).await;
        assert_eq!((response.status().as_u16(), &body["error"]["code"]), (503, &Value::from("UNAVAILABLE")));
        assert!(response.headers().contains_key(RETRY_AFTER) && !body.to_string().contains("disk"));
        let busy = || async { ApiError::from(service::Error::Overloaded) };
        let (response, body) = answer(Router::new().route("/", get(busy))).await;
        assert_eq!((response.status().as_u16(), &body["error"]["code"]), (503, &Value::from("OVERLOADED")));
        assert!(response.headers().contains_key(RETRY_AFTER));
    }
}
