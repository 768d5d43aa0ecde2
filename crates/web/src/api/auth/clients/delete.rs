//! `DELETE …/auth/clients/{id}`: a client is gone, and its access tokens with it.

use std::sync::Arc;

use axum::extract::State;
use domain::ClientUuid;
use service::WriteAccounts;

use super::ClientOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;

pub(crate) fn operation() -> Operation {
    Operation::delete(super::ONE, handle)
        .named(
            "deleteClient",
            "clients",
            "Delete a client",
            "Its access tokens end at once. A client may only delete clients whose every scope it holds itself; the \
             last one with `admin:accounts` stays.",
        )
        .permitted::<WriteAccounts>()
        .answers::<ClientOut>(examples::client())
        .refuses(Code::NotFound, "No such client")
        .changing()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteAccounts>,
    InPath(id): InPath<ClientUuid>,
) -> Result<Reply, ApiError> {
    Reply::of(&ClientOut::from(&api.service.delete_client(&permit, id).await?))
}
