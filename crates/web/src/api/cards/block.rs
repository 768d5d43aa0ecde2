//! `POST …/cards/{card_id}/block`: a card is stopped.

use std::sync::Arc;

use axum::extract::State;
use domain::{CardId, Note};
use serde_json::json;
use service::{Present, WriteCards};

use super::CardOut;
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
    /// Why a card is stopped or let go.
    pub(crate) struct ReasonBody as "BlockRequest" {
        /// Why, for whoever reads it later in the audit.
        reason: Note [required],
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/cards/{card_id}/block", handle)
        .named(
            "blockCard",
            "cards",
            "Block a card",
            "No money leaves a blocked card; locks may be voided and money may be put on. A card that is blocked stays \
             as it is.",
        )
        .permitted::<WriteCards>()
        .body::<ReasonBody>(json!({"reason": "Reported stolen"}))
        .answers::<CardOut>(examples::blocked())
        .refuses(Code::CardNotFound, "No such card")
        .changing()
}

impl Body for ReasonBody {
    type Request = Note;

    fn build(self, _: &Present, _: &mut Faults) -> Option<Note> {
        self.reason
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteCards>,
    InPath(card_id): InPath<CardId>,
    Json(reason): Json<ReasonBody>,
) -> Result<Reply, ApiError> {
    let card = api.service.block_card(&permit, card_id, reason).await?;
    Reply::of(&CardOut::new(&card, api.service.now_in(permit.caller().aid)))
}
