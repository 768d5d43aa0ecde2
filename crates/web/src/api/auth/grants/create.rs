//! `POST …/auth/client-grants`: scopes for a client.

use std::sync::Arc;

use axum::extract::State;
use domain::{Audience, ClientUuid, Scope, ScopeSet};
use serde_json::json;
use service::{Present, WriteAccounts};

use super::GrantOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{Faults, List, wire};

wire! {
    /// A grant that is asked for.
    pub(crate) struct CreateBody as "ClientGrantRequest" {
        /// The client's `id`.
        client_id: ClientUuid [required],
        /// The account's URL, as access tokens are asked for.
        audience: Audience [required],
        /// What is granted.
        scope: List<Scope, 1, 64> [required],
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post(super::ALL, handle)
        .named(
            "createClientGrant",
            "clients",
            "Grant scopes to a client",
            "A client may only grant scopes that it holds itself. The client's access tokens end at once.",
        )
        .permitted::<WriteAccounts>()
        .body::<CreateBody>(json!({
            "client_id": "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
            "audience": "https://api.gavekort.example/v1/accounts/T12345678",
            "scope": ["write:wallets:/activate", "write:wallets:/transactions"],
        }))
        .answers::<GrantOut>(examples::grant())
        .refuses(Code::NotFound, "No such client")
        .changing()
}

/// What is to be granted, and to whom.
pub(crate) struct NewGrant {
    client: ClientUuid,
    audience: Audience,
    scopes: ScopeSet,
}

impl Body for CreateBody {
    type Request = NewGrant;

    fn build(self, _: &Present, _: &mut Faults) -> Option<NewGrant> {
        let List(scopes) = self.scope?;
        let scopes = scopes.into_iter().collect();
        Some(NewGrant { client: self.client_id?, audience: self.audience?, scopes })
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteAccounts>,
    Json(NewGrant { client, audience, scopes }): Json<CreateBody>,
) -> Result<Reply, ApiError> {
    let grant = api.service.create_grant(&permit, client, audience, scopes).await?;
    Reply::of(&GrantOut::new(client, &grant))
}
