//! `GET …/auth/client-grants`: everything that is granted.

use std::sync::Arc;

use axum::extract::State;
use service::ReadAccounts;

use super::GrantOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;

pub(crate) fn operation() -> Operation {
    Operation::get(super::ALL, handle)
        .named(
            "listClientGrants",
            "clients",
            "List client grants",
            "Every grant of the account, oldest client first.",
        )
        .permitted::<ReadAccounts>()
        .answers::<[GrantOut]>(examples::grants())
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadAccounts>,
) -> Result<Reply, ApiError> {
    let grants = api.service.grants(&permit);
    Reply::of(&grants.iter().map(|(client, grant)| GrantOut::new(*client, grant)).collect::<Vec<_>>())
}
