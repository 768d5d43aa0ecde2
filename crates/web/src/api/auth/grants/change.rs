//! `PATCH …/auth/client-grants/{id}`: other scopes.

use std::sync::Arc;

use axum::extract::State;
use domain::{GrantId, Scope, ScopeSet};
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
use crate::api::path::InPath;
use crate::api::wire::{Faults, List, wire};

wire! {
    /// What is to be granted instead.
    pub(crate) struct ChangeBody as "ClientGrantChange" {
        /// What is granted from now on.
        scope: List<Scope, 1, 64> [required],
    }
}

pub(crate) fn operation() -> Operation {
    Operation::patch(super::ONE, handle)
        .named(
            "changeClientGrant",
            "clients",
            "Change a grant's scopes",
            "A client may only grant scopes that it holds itself. The client's access tokens end at once.",
        )
        .permitted::<WriteAccounts>()
        .body::<ChangeBody>(json!({"scope": ["write:wallets:/transactions"]}))
        .answers::<GrantOut>(examples::grant())
        .refuses(Code::NotFound, "No such grant")
        .changing()
}

impl Body for ChangeBody {
    type Request = ScopeSet;

    fn build(self, _: &Present, _: &mut Faults) -> Option<ScopeSet> {
        self.scope.map(|List(scopes)| scopes.into_iter().collect())
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteAccounts>,
    InPath(id): InPath<GrantId>,
    Json(scopes): Json<ChangeBody>,
) -> Result<Reply, ApiError> {
    let (client, grant) = api.service.change_grant(&permit, id, scopes).await?;
    Reply::of(&GrantOut::new(client, &grant))
}
