//! Who calls, and whether the call is permitted. A handler's parameters are its authorisation.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use domain::{Aid, RequestId};
use percent_encoding::percent_decode_str;
use service::{Caller, Permission, Permit};
use tracing::Span;

use super::{Api, ApiError};

/// How callers come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// From anywhere, with an access token.
    Public,
    /// At the server's own shell, with every scope.
    Operator,
}

/// Proof that the caller may do what `P` stands for. Stands before anything that reads the body.
pub(crate) struct Access<P>(pub(crate) Permit<P>);

impl<P: Permission> FromRequestParts<Arc<Api>> for Access<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let aid = aid_of(parts)?;
        let caller = caller(parts, api, aid).await?;
        Span::current().record("aid", aid.as_str());
        if let Some(client) = caller.actor.client() {
            Span::current().record("client", client.to_string());
        }
        Ok(Self(caller.permit::<P>()?))
    }
}

/// The account that the path names.
pub(crate) struct PathAid(pub(crate) Aid);

impl FromRequestParts<Arc<Api>> for PathAid {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, ApiError> {
        aid_of(parts).map(Self)
    }
}

/// Read from the path as it came: whether the other segments are sound is judged later.
pub(crate) fn aid_of(parts: &Parts) -> Result<Aid, ApiError> {
    let segment = parts.uri.path().strip_prefix("/v1/accounts/").and_then(|rest| rest.split('/').next());
    let segment = percent_decode_str(segment.unwrap_or_default()).decode_utf8();
    let segment = segment.map_err(|_| super::path::not_utf8())?;
    Aid::try_from(segment.as_ref()).map_err(|fault| ApiError::invalid(format!("the account id {fault}")))
}

async fn caller(parts: &Parts, api: &Api, aid: Aid) -> Result<Caller, ApiError> {
    let request = request_id(parts)?;
    match api.door {
        Door::Public => {
            let token = credentials(&parts.headers, "Bearer").ok_or_else(ApiError::unauthorized)?;
            Ok(api.service.authenticate(token, aid, request).await?)
        }
        Door::Operator => {
            let known = api.service.accounts().await?.iter().any(|account| account.aid == aid);
            if known { Ok(Caller::operator(aid, request)) } else { Err(ApiError::not_found()) }
        }
    }
}

/// The request as logs and audit name it; the frame gave it.
pub(crate) fn request_id(parts: &Parts) -> Result<RequestId, ApiError> {
    parts.extensions.get::<RequestId>().copied().ok_or_else(ApiError::internal)
}

/// What follows the scheme in the one `Authorization` header there may be.
pub(crate) fn credentials<'h>(headers: &'h HeaderMap, scheme: &str) -> Option<&'h str> {
    let mut lines = headers.get_all(AUTHORIZATION).iter();
    let line = lines.next()?.to_str().ok()?;
    let (given, credentials) = line.split_once(' ')?;
    let credentials = credentials.trim();
    let whole = lines.next().is_none() && !credentials.is_empty() && !credentials.contains(' ');
    (whole && given.eq_ignore_ascii_case(scheme)).then_some(credentials)
}
