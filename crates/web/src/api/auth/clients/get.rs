//! `GET …/auth/clients/{id}`: one client.

use std::sync::Arc;

use axum::extract::State;
use domain::ClientUuid;
use service::ReadAccounts;

use super::ClientOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;

pub(crate) fn operation() -> Operation {
    Operation::get(super::ONE, handle)
        .named("getClient", "clients", "Read a client", "Shows a client, but never its secret.")
        .permitted::<ReadAccounts>()
        .answers::<ClientOut>(examples::client())
        .refuses(Code::NotFound, "No such client")
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadAccounts>,
    InPath(id): InPath<ClientUuid>,
) -> Result<Reply, ApiError> {
    Reply::of(&ClientOut::from(&api.service.client(&permit, id)?))
}
