//! Reading bodies: bounded, typed first, and taken apart only where that fails.

use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use domain::Timestamp;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use service::Idempotency;

use super::error::Code;
use super::wire::{Faults, Parameters, QueryPairs, Tree, Wire, tree};
use super::{Api, ApiError, idempotency};

/// The largest body that is read.
pub(crate) const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A body, and what the service takes of it.
pub(crate) trait Body: Wire + Default {
    /// What the service takes.
    type Request: Send + 'static;

    /// Whether a request without a body means an empty object.
    const MAY_BE_EMPTY: bool = false;

    /// Judges the rules across fields, and makes the request where nothing is wrong.
    ///
    /// Also called for what could be read of a faulty body, so that its other faults are told at once.
    fn build(self, now: Timestamp, faults: &mut Faults) -> Option<Self::Request>;
}

/// What a JSON body asks for.
pub(crate) struct Json<B: Body>(pub(crate) B::Request);

impl<B: Body> FromRequest<Arc<Api>> for Json<B> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        read_json::<B>(api, &parts.headers, body).await.map(|(request, _)| Self(request))
    }
}

/// What a JSON body asks for, and the key under which its answer can be had again.
pub(crate) struct Keyed<B: Body> {
    pub(crate) request: B::Request,
    pub(crate) idempotency: Option<Idempotency>,
}

impl<B: Body> FromRequest<Arc<Api>> for Keyed<B> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let key = idempotency::key(&parts.headers)?;
        let path = super::path::path_values(&mut parts).await?;
        let (request, text) = read_json::<B>(api, &parts.headers, body).await?;
        let canonical = |key| Some(Idempotency { key, canonical: idempotency::canonical(&path, &text)? });
        Ok(Self { request, idempotency: key.and_then(canonical) })
    }
}

/// What a query string asks for.
pub(crate) struct Query<Q>(pub(crate) Q);

impl<Q: Parameters> FromRequestParts<Arc<Api>> for Query<Q> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, ApiError> {
        let mut faults = Faults::default();
        let read = Q::read(&QueryPairs(pairs(&parts.uri)?), &mut faults);
        if faults.is_empty() { Ok(Self(read)) } else { Err(ApiError::of_faults(faults)) }
    }
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, ApiError> {
    let pairs = axum::extract::Query::try_from_uri(uri);
    pairs
        .map(|axum::extract::Query(pairs)| pairs)
        .map_err(|_| ApiError::invalid("the query string is malformed"))
}

async fn read_json<B: Body>(
    api: &Arc<Api>,
    headers: &HeaderMap,
    body: HttpBody,
) -> Result<(B::Request, String), ApiError> {
    if declared_length(headers) > Some(BODY_BYTES_MAX) {
        return Err(too_large());
    }
    let kind = content_type(headers);
    if B::MAY_BE_EMPTY && kind.is_none() {
        let text = read_text(headers, body).await?;
        let text = if text.is_empty() { "{}".to_owned() } else { return Err(not_json()) };
        return understand::<B>(api, text).await;
    }
    if kind.as_deref() != Some("application/json") {
        return Err(not_json());
    }
    let text = read_text(headers, body).await?;
    understand::<B>(api, text).await
}

/// Reads a body to its end, within bounds.
pub(crate) async fn read_text(headers: &HeaderMap, body: HttpBody) -> Result<String, ApiError> {
    if declared_length(headers) > Some(BODY_BYTES_MAX) {
        return Err(too_large());
    }
    let collected = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            too_large()
        } else {
            ApiError::invalid("the body did not arrive whole")
        }
    })?;
    let text = String::from_utf8(collected.to_bytes().into());
    text.map_err(|_| ApiError::invalid("the body is not UTF-8"))
}

/// What the body is said to be, without parameters and in small letters.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(|kind| kind.trim().to_ascii_lowercase())
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> ApiError {
    ApiError::new(Code::BodyTooLarge, format!("the body is larger than {BODY_BYTES_MAX} bytes"))
}

fn not_json() -> ApiError {
    ApiError::new(Code::UnsupportedMediaType, "the content type must be application/json")
}

/// Reads the text as typed fields; where that fails, says everything that is wrong with it.
pub(crate) async fn understand<B: Body>(
    api: &Arc<Api>,
    text: String,
) -> Result<(B::Request, String), ApiError> {
    let now = api.service.now();
    if let Some(draft) = typed::<B>(&text) {
        return Ok((finish(draft, now, Faults::default())?, text));
    }
    // A tree takes much more room than its text: only so many at once.
    let _turn = api.reading.acquire().await.map_err(|_| ApiError::internal())?;
    let faulty = tokio::task::spawn_blocking(move || faults_of::<B>(&text, now)).await;
    Err(faulty.map_err(|_| ApiError::internal())?)
}

/// The fast reader.
fn typed<B: Body>(text: &str) -> Option<B> {
    let mut from = serde_json::Deserializer::from_str(text);
    let draft = B::take(&mut from).ok()?;
    from.end().ok().map(|()| draft)
}

fn finish<B: Body>(draft: B, now: Timestamp, mut faults: Faults) -> Result<B::Request, ApiError> {
    let request = draft.build(now, &mut faults);
    if !faults.is_empty() {
        return Err(ApiError::of_faults(faults));
    }
    request.ok_or_else(|| ApiError::invalid("the body does not fit this operation"))
}

/// The slow reader, for a body that the fast one refused.
fn faults_of<B: Body>(text: &str, now: Timestamp) -> ApiError {
    let mut faults = Faults::default();
    let value = match tree(text, &mut faults) {
        Tree::Grown(value) => value,
        Tree::NotJson { line, column } => {
            return ApiError::invalid(format!(
                "the body is not JSON, or nested too deeply: line {line}, column {column}"
            ));
        }
        Tree::TooMany => return ApiError::invalid("the body has faults, and too many values to say where"),
    };
    let draft = B::read(&value, &mut faults).unwrap_or_default();
    match finish(draft, now, faults) {
        Err(error) => error,
        Ok(_) => ApiError::invalid("the body does not fit this operation"),
    }
}
