//! `GET /.well-known/jwks.json`: the public keys that verify any access token of this server.

use std::sync::Arc;

use axum::extract::State;

use super::keys::KeyOut;
use crate::api::Api;
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::answer;

answer! {
    /// Public keys (RFC 7517).
    pub(crate) struct KeySetOut<'a> as "PublicKeySet" {
        /// The keys, newest first.
        keys: Vec<KeyOut<'a>>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get("/.well-known/jwks.json", handle)
        .named(
            "getKeySet",
            "auth",
            "Public keys of all access tokens",
            "The keys of test and of production accounts, for whoever verifies tokens of this server.",
        )
        .open()
        .answers::<KeySetOut>(examples::key_set())
}

async fn handle(State(api): State<Arc<Api>>) -> Result<Reply, ApiError> {
    let keys = api.service.public_keys();
    Reply::of(&KeySetOut { keys: keys.iter().map(KeyOut::from).collect() })
}
