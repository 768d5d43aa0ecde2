//! `GET …/transactions/{id}`: one transaction.

use std::sync::Arc;

use axum::extract::State;
use domain::TransactionId;
use service::ReadCards;

use super::TransactionOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;

pub(crate) fn operation() -> Operation {
    Operation::get("/v1/accounts/{aid}/wallets/transactions/{id}", handle)
        .named("getTransaction", "transactions", "Read a transaction", "Shows it as it was written.")
        .permitted::<ReadCards>()
        .answers::<TransactionOut>(examples::transaction())
        .refuses(Code::TransactionNotFound, "No such transaction")
        .stored()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadCards>,
    InPath(id): InPath<TransactionId>,
) -> Result<Reply, ApiError> {
    let row = api.service.transaction(&permit, id).await?;
    Reply::of(&TransactionOut::from(&row))
}
