//! `POST /signing-keys/{mode}/rotate`: another key signs access tokens.

use std::sync::Arc;

use axum::extract::State;
use domain::Mode;

use crate::api::Api;
use crate::api::auth::jwks::KeySetOut;
use crate::api::auth::keys::KeyOut;
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::{InPath, PathValue};

impl PathValue for Mode {
    const NAME: &'static str = "mode";

    fn parse(segment: &str) -> Result<Self, ApiError> {
        let modes = [Self::Test, Self::Production];
        modes.into_iter().find(|mode| mode.letter() == segment).ok_or_else(ApiError::not_found)
    }
}

pub(crate) fn rotate() -> Operation {
    Operation::post("/signing-keys/{mode}/rotate", handle)
        .named(
            "rotateSigningKey",
            "operator",
            "Sign access tokens with another key",
            "The key before verifies until the last token it signed has expired.",
        )
        .answers::<KeySetOut>(examples::key_set())
        .changing()
}

async fn handle(State(api): State<Arc<Api>>, InPath(mode): InPath<Mode>) -> Result<Reply, ApiError> {
    api.service.rotate_signing_key(mode).await.map_err(|fault| {
        tracing::error!(%fault, "the signing key could not be rotated");
        ApiError::internal()
    })?;
    let keys = api.service.public_keys();
    Reply::of(&KeySetOut { keys: keys.iter().map(KeyOut::from).collect() })
}
