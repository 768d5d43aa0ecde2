//! `POST …/cards/{card_id}/adjust`: staff corrects a card's money.

use std::sync::Arc;

use axum::extract::State;
use domain::{Adjustment, CardId, Currency, Note, ReasonCode, RefId};
use serde_json::json;
use service::{AdjustCards, AdjustRequest, Present};

use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::transactions::{TransactionOut, reply};
use crate::api::wire::{Faults, wire};

wire! {
    /// A correction of a card's money.
    pub(crate) struct AdjustBody as "AdjustRequest" {
        /// Your reference: the same request with the same one is carried out once.
        ref_id: RefId [required],
        /// How much, in minor units: added where it is more than 0, taken where it is less.
        amount: Adjustment [required],
        /// In which currency; the card's.
        currency: Currency [required],
        /// Why, as a word of your own list.
        reason_code: ReasonCode [required],
        /// Why, in words.
        note: Note,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/cards/{card_id}/adjust", handle)
        .named(
            "adjustCard",
            "cards",
            "Correct a card's money",
            "Writes a fund or a drawdown with the reason `adjust`, on a blocked or expired card too.",
        )
        .permitted::<AdjustCards>()
        .body::<AdjustBody>(json!({
            "ref_id": "case-4711",
            "amount": -2_500,
            "currency": "NOK",
            "reason_code": "double_refund",
            "note": "The till gave the money back twice",
        }))
        .answers::<TransactionOut>(examples::adjustment())
        .refuses(Code::InsufficientFunds, "The card holds less; `details.available` says how much")
        .refuses(Code::CurrencyMismatch, "The card holds another currency")
        .refuses(Code::CardInactive, "The card has not been activated")
        .refuses(Code::CardBlocked, "Another card has taken the card's place")
        .refuses(Code::AmountLimit, "More than is kept")
        .refuses(Code::CardNotFound, "No such card")
        .refuses(Code::RefIdReused, "The `ref_id` stands for another request")
        .changing()
}

/// A correction but for the card, which the path names.
pub(crate) struct Asked {
    ref_id: RefId,
    adjustment: Adjustment,
    currency: Currency,
    reason_code: ReasonCode,
    note: Option<Note>,
}

impl Body for AdjustBody {
    type Request = Asked;

    fn build(self, _: &Present, _: &mut Faults) -> Option<Asked> {
        Some(Asked {
            ref_id: self.ref_id?,
            adjustment: self.amount?,
            currency: self.currency?,
            reason_code: self.reason_code?,
            note: self.note,
        })
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<AdjustCards>,
    InPath(card_id): InPath<CardId>,
    Json(Asked { ref_id, adjustment, currency, reason_code, note }): Json<AdjustBody>,
) -> Result<Reply, ApiError> {
    let request = AdjustRequest { card_id, ref_id, adjustment, currency, reason_code, note };
    reply(&api.service.adjust_card(&permit, request).await?)
}
