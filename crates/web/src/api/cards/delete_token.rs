//! `DELETE …/cards/{card_id}/tokens/{id}`: a token is taken from a card.

use std::sync::Arc;

use axum::extract::State;
use domain::{CardId, TokenUuid};
use service::WriteCards;

use super::DeletedTokenOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;

pub(crate) fn operation() -> Operation {
    Operation::delete("/v1/accounts/{aid}/wallets/cards/{card_id}/tokens/{id}", handle)
        .named(
            "deleteCardToken",
            "cards",
            "Take a token from a card",
            "From then on the token opens nothing.",
        )
        .permitted::<WriteCards>()
        .answers::<DeletedTokenOut>(examples::deleted_token())
        .refuses(Code::CardNotFound, "No such card")
        .refuses(Code::NotFound, "The card has no such token")
        .changing()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteCards>,
    InPath(card_id): InPath<CardId>,
    InPath(token): InPath<TokenUuid>,
) -> Result<Reply, ApiError> {
    let token = api.service.delete_token(&permit, &card_id, token).await?;
    Reply::of(&DeletedTokenOut::new(&token))
}
