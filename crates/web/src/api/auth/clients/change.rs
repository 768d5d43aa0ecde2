//! `PATCH …/auth/clients/{id}`: another name or description.

use std::sync::Arc;

use axum::extract::State;
use domain::{ClientUuid, Description, Name};
use serde_json::json;
use service::{Present, WriteAccounts};

use super::ClientOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::{Faults, wire};

wire! {
    /// What is to be otherwise about a client. What is absent stays.
    pub(crate) struct ChangeBody as "ClientChange" {
        /// What people call it.
        name: Name,
        /// What it is for.
        description: Description,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::patch(super::ONE, handle)
        .named(
            "changeClient",
            "clients",
            "Change a client's name or description",
            "A client may only change clients whose every scope it holds itself. Access tokens stay valid.",
        )
        .permitted::<WriteAccounts>()
        .body::<ChangeBody>(json!({"name": "Till 4"}))
        .answers::<ClientOut>(examples::client())
        .refuses(Code::NotFound, "No such client")
        .changing()
}

impl Body for ChangeBody {
    type Request = Self;

    fn build(self, _: &Present, _: &mut Faults) -> Option<Self> {
        Some(self)
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteAccounts>,
    InPath(id): InPath<ClientUuid>,
    Json(ChangeBody { name, description }): Json<ChangeBody>,
) -> Result<Reply, ApiError> {
    Reply::of(&ClientOut::from(&api.service.rename_client(&permit, id, name, description).await?))
}
