//! `GET …/auth/clients`: the account's clients.

use std::sync::Arc;

use axum::extract::State;
use service::ReadAccounts;

use super::ClientOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;

pub(crate) fn operation() -> Operation {
    Operation::get(super::ALL, handle)
        .named("listClients", "clients", "List clients", "Every client of the account, oldest first.")
        .permitted::<ReadAccounts>()
        .answers::<[ClientOut]>(examples::clients())
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadAccounts>,
) -> Result<Reply, ApiError> {
    let clients = api.service.clients(&permit);
    Reply::of(&clients.iter().map(ClientOut::from).collect::<Vec<_>>())
}
