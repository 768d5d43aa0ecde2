//! `POST …/auth/clients/{id}/rotate-secret`: another secret for a client.

use std::sync::Arc;

use axum::extract::State;
use domain::ClientUuid;
use serde_json::json;
use service::{Present, WriteAccounts};

use super::MadeClientOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Keyed};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::{Faults, GraceSeconds, wire};

wire! {
    /// How a secret is to be replaced.
    pub(crate) struct RotateBody as "RotateSecretRequest" {
        /// Seconds for which the secret before, and access tokens made with it, still count; none unless told
        /// otherwise.
        grace_seconds: GraceSeconds,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/auth/clients/{id}/rotate-secret", handle)
        .named(
            "rotateClientSecret",
            "clients",
            "Give a client another secret",
            "The new secret counts at once. The one before, and access tokens made with it, end at once or after \
             `grace_seconds`. This answer alone shows the secret; send an `Idempotency-Key` to be able to get a lost \
             answer again.",
        )
        .permitted::<WriteAccounts>()
        .keyed()
        .body::<RotateBody>(json!({"grace_seconds": 3_600}))
        .answers::<MadeClientOut>(examples::made_client())
        .refuses(Code::NotFound, "No such client")
        .changing()
}

impl Body for RotateBody {
    type Request = u32;

    const MAY_BE_EMPTY: bool = true;

    fn build(self, _: &Present, _: &mut Faults) -> Option<u32> {
        Some(self.grace_seconds.map_or(0, |GraceSeconds(seconds)| seconds))
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteAccounts>,
    InPath(id): InPath<ClientUuid>,
    Keyed { request: grace_seconds, idempotency }: Keyed<RotateBody>,
) -> Result<Reply, ApiError> {
    let rotated = api.service.rotate_client_secret(&permit, id, grace_seconds, idempotency.as_ref());
    Reply::of(&MadeClientOut::from(&rotated.await?))
}
