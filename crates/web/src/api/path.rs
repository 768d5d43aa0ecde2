//! What a path names, percent-decoded.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use domain::{CardId, ClientUuid, CustomerId, GrantId, Refusal, TokenUuid, TransactionId};
use uuid::Uuid;

use super::refusal::refused;
use super::{Api, ApiError};

/// A value named by the path.
pub(crate) struct InPath<T>(pub(crate) T);

/// A type that a path can name.
pub(crate) trait PathValue: Sized {
    /// The parameter, as the route names it.
    const NAME: &'static str;

    /// What stands there when the route has no such parameter.
    const FIXED: &'static str = "";

    fn parse(segment: &str) -> Result<Self, ApiError>;
}

impl<T: PathValue> FromRequestParts<Arc<Api>> for InPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, ApiError> {
        let values = path_values(parts).await?;
        let named = values.iter().find(|(name, _)| name == T::NAME).map(|(_, value)| value.as_str());
        T::parse(named.unwrap_or(T::FIXED)).map(Self)
    }
}

/// Every value the path names, by parameter.
pub(crate) async fn path_values(parts: &mut Parts) -> Result<Vec<(String, String)>, ApiError> {
    let values = RawPathParams::from_request_parts(parts, &()).await;
    let values = values.map_err(|_| not_utf8())?;
    Ok(values.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// What a path gets that is no text once it is decoded.
pub(crate) fn not_utf8() -> ApiError {
    ApiError::invalid("the path is not UTF-8")
}

impl PathValue for CardId {
    const NAME: &'static str = "card_id";
    // `POST …/cards/batch` makes a batch; with every other method it is a card of this id.
    const FIXED: &'static str = "batch";

    fn parse(segment: &str) -> Result<Self, ApiError> {
        Self::try_from(segment)
            .map_err(|fault| ApiError::invalid(format!("card_id {fault}")).at([Self::NAME]))
    }
}

impl PathValue for CustomerId {
    const NAME: &'static str = "customer_id";

    fn parse(segment: &str) -> Result<Self, ApiError> {
        let parsed = Self::try_from(segment);
        parsed.map_err(|fault| ApiError::invalid(format!("customer_id {fault}")).at([Self::NAME]))
    }
}

impl PathValue for TransactionId {
    const NAME: &'static str = "id";

    fn parse(segment: &str) -> Result<Self, ApiError> {
        let parsed = Uuid::try_parse(segment).map(Self::from);
        parsed.map_err(|_| refused(&Refusal::TransactionNotFound))
    }
}

macro_rules! ids {
    ($($type:ty),+) => {$(
        impl PathValue for $type {
            const NAME: &'static str = "id";

            fn parse(segment: &str) -> Result<Self, ApiError> {
                // What is no id names nothing.
                Uuid::try_parse(segment).map(Self::from).map_err(|_| ApiError::not_found())
            }
        }
    )+};
}

ids!(ClientUuid, GrantId, TokenUuid);
