//! `PATCH …/cards/{card_id}`: what is not money changes.

use std::sync::Arc;

use axum::extract::State;
use domain::{CardId, CustomerId, Metadata, Name, OriginatedBy, Timestamp};
use serde_json::json;
use service::{CardChange, Present, WriteCards};

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
    /// What is to change of a card. What is absent stays.
    pub(crate) struct ChangeBody as "CardChange" {
        /// Whose it is.
        customer_id: CustomerId,
        /// What people call it.
        name: Name,
        /// The shop, till or person it comes from.
        originated_by: OriginatedBy,
        /// Your own data in the place of what there was: at most 64 keys and 16 KiB.
        metadata: Metadata,
        /// From when on it cannot be used any more: later than before, or any time to come with `admin:wallets`.
        expires_at: Timestamp,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::patch(super::get::PATH, handle)
        .named(
            "changeCard",
            "cards",
            "Change a card",
            "Changes whose it is, what it is called, your own data, or its last day. The audit shows who did it.",
        )
        .permitted::<WriteCards>()
        .body::<ChangeBody>(json!({"customer_id": "customer-17", "expires_at": "2030-02-28T09:00:00Z"}))
        .answers::<CardOut>(examples::card())
        .refuses(Code::CardNotFound, "No such card")
        .changing()
}

impl Body for ChangeBody {
    type Request = CardChange;

    fn build(self, _: &Present, _: &mut Faults) -> Option<CardChange> {
        Some(CardChange {
            customer_id: self.customer_id,
            name: self.name,
            metadata: self.metadata,
            originated_by: self.originated_by,
            expires_at: self.expires_at,
        })
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteCards>,
    InPath(card_id): InPath<CardId>,
    Json(change): Json<ChangeBody>,
) -> Result<Reply, ApiError> {
    let card = api.service.change_card(&permit, card_id, change).await?;
    Reply::of(&CardOut::new(&card, api.service.now_in(permit.caller().aid)))
}
