//! `POST …/auth/clients`: a new client.

use std::sync::Arc;

use axum::extract::State;
use domain::{Description, Name};
use serde_json::json;
use service::{NewClient, Present, WriteAccounts};

use super::MadeClientOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Keyed};
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{Faults, wire};

wire! {
    /// A client that is asked for.
    pub(crate) struct CreateBody as "ClientRequest" {
        /// What people call it.
        name: Name [required],
        /// What it is for.
        description: Description,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post(super::ALL, handle)
        .named(
            "createClient",
            "clients",
            "Create a client",
            "It holds nothing until scopes are granted to it. This answer alone shows its secret; send an \
             `Idempotency-Key` to be able to get a lost answer again.",
        )
        .permitted::<WriteAccounts>()
        .keyed()
        .body::<CreateBody>(json!({"name": "Till 3", "description": "The till by the door"}))
        .answers::<MadeClientOut>(examples::made_client())
        .changing()
}

impl Body for CreateBody {
    type Request = NewClient;

    fn build(self, _: &Present, _: &mut Faults) -> Option<NewClient> {
        Some(NewClient { name: self.name?, description: self.description })
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteAccounts>,
    Keyed { request, idempotency }: Keyed<CreateBody>,
) -> Result<Reply, ApiError> {
    let made = api.service.create_client(&permit, &request, idempotency.as_ref()).await?;
    Reply::of(&MadeClientOut::from(&made))
}
