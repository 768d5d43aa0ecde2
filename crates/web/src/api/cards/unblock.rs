//! `POST …/cards/{card_id}/unblock`: a blocked card is let go.

use std::sync::Arc;

use axum::extract::State;
use domain::CardId;
use serde_json::json;
use service::WriteCards;

use super::CardOut;
use super::block::ReasonBody;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::Json;
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/cards/{card_id}/unblock", handle)
        .named(
            "unblockCard",
            "cards",
            "Unblock a card",
            "The card stands again as it would without the block. One in whose place another stands is not let go.",
        )
        .permitted::<WriteCards>()
        .body::<ReasonBody>(json!({"reason": "Found again"}))
        .answers::<CardOut>(examples::card())
        .refuses(Code::CardBlocked, "Another card has taken the card's place")
        .refuses(Code::CardNotFound, "No such card")
        .changing()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteCards>,
    InPath(card_id): InPath<CardId>,
    Json(reason): Json<ReasonBody>,
) -> Result<Reply, ApiError> {
    let card = api.service.unblock_card(&permit, card_id, reason).await?;
    Reply::of(&CardOut::new(&card, api.service.now_in(permit.caller().aid)))
}
