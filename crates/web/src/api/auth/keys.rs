//! `GET …/auth/keys`: the public keys that verify an account's access tokens.

use std::sync::Arc;

use axum::extract::State;
use service::{AnyScope, PublicKey};

use crate::api::Api;
use crate::api::access::Access;
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::answer;

answer! {
    /// A public key (RFC 7517).
    pub(crate) struct KeyOut<'a> as "PublicKey" {
        /// Always `RSA`.
        kty: &'a str,
        /// Always `sig`.
        use_for as "use": &'a str,
        /// Always `RS256`.
        alg: &'a str,
        /// The key's id, as tokens name it.
        kid: &'a str,
        /// The modulus, base64url.
        n: &'a str,
        /// The exponent, base64url.
        e: &'a str,
    }
}

impl<'a> From<&'a PublicKey> for KeyOut<'a> {
    fn from(key: &'a PublicKey) -> Self {
        Self { kty: "RSA", use_for: "sig", alg: "RS256", kid: &key.kid, n: &key.n, e: &key.e }
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get("/v1/accounts/{aid}/auth/keys", handle)
        .named(
            "listKeys",
            "auth",
            "Public keys of the account's access tokens",
            "Newest first. A key that was replaced stays until the last token it signed has expired. Any access token \
             of the account will do.",
        )
        .permitted::<AnyScope>()
        .answers::<[KeyOut]>(examples::keys())
}

async fn handle(State(api): State<Arc<Api>>, Access(permit): Access<AnyScope>) -> Result<Reply, ApiError> {
    let keys = api.service.account_keys(&permit);
    Reply::of(&keys.iter().map(KeyOut::from).collect::<Vec<_>>())
}
