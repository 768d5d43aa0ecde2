//! `DELETE …/auth/client-grants/{id}`: scopes are taken back.

use std::sync::Arc;

use axum::extract::State;
use domain::GrantId;
use service::WriteAccounts;

use super::GrantOut;
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
            "deleteClientGrant",
            "clients",
            "Take a grant away",
            "The client's access tokens end at once. Somebody must keep `admin:accounts`.",
        )
        .permitted::<WriteAccounts>()
        .answers::<GrantOut>(examples::grant())
        .refuses(Code::NotFound, "No such grant")
        .changing()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteAccounts>,
    InPath(id): InPath<GrantId>,
) -> Result<Reply, ApiError> {
    let (client, grant) = api.service.delete_grant(&permit, id).await?;
    Reply::of(&GrantOut::new(client, &grant))
}
