//! `POST …/cards/{card_id}/activate`: a card is sold.

use std::sync::Arc;

use axum::extract::State;
use domain::{Amount, CardId, Currency, CustomerId, Metadata, Name, OriginatedBy, RefId, Timestamp};
use serde_json::json;
use service::{ActivateCards, ActivateRequest, Present};

use super::{DetailsOut, dates, details_reply};
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::{Faults, Flag, Seconds, wire};

wire! {
    /// The life of a card's own token, which begins with activation.
    pub(crate) struct ActivatedTokenIn as "ActivatedTokenRequest" {
        /// Seconds it lives from now on.
        expires_in: Seconds,
        /// Whether one drawdown uses it up.
        expires_after_transaction: Flag,
    }
}

wire! {
    /// What a card is to be worth from now on. What is absent stays as the card has it.
    pub(crate) struct ActivateBody as "ActivateRequest" {
        /// How much it starts with, in minor units.
        amount: Amount [required],
        /// In which currency, for ever.
        currency: Currency [required],
        /// Your reference: the same one again answers the card as it is then.
        ref_id: RefId,
        /// Whose it is.
        customer_id: CustomerId,
        /// What people call it.
        name: Name,
        /// The shop, till or person it comes from.
        originated_by: OriginatedBy,
        /// Your own data: at most 64 keys and 16 KiB.
        metadata: Metadata,
        /// From when on it can be used; at once when neither you nor the card says so.
        active_from: Timestamp,
        /// From when on it cannot be used any more.
        expires_at: Timestamp,
        /// How long the card's own token lives.
        card_token: ActivatedTokenIn,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/cards/{card_id}/activate", handle)
        .named(
            "activateCard",
            "cards",
            "Activate a card",
            "Turns an inactive card into one with money on it. For a card that was activated before, the refusal says \
             when, by which client and with what amount, so that a till that lost its answer knows where it stands.",
        )
        .permitted::<ActivateCards>()
        .body::<ActivateBody>(json!({"amount": 50_000, "currency": "NOK", "ref_id": "till-3-2026-0042"}))
        .answers::<DetailsOut>(examples::details())
        .refuses(Code::CardNotInactive, "The card was activated before")
        .refuses(Code::CardExpired, "The card's last day has passed")
        .refuses(Code::CardBlocked, "The card was stopped")
        .refuses(Code::AmountLimit, "More than is kept, or than the account allows at once or on one day")
        .refuses(Code::BalanceLimit, "More than the account allows a card to hold")
        .refuses(Code::CardNotFound, "No such card")
        .refuses(Code::RefIdReused, "The `ref_id` stands for another request")
        .changing()
}

/// An activation but for the card, which the path names.
pub(crate) struct Activation {
    amount: Amount,
    currency: Currency,
    rest: ActivateBody,
}

impl Body for ActivateBody {
    type Request = Activation;

    fn build(self, _: &Present, faults: &mut Faults) -> Option<Activation> {
        // Whether it is still to come is judged after a repeat is known, which may come later than that.
        dates(self.active_from, self.expires_at, Timestamp::EPOCH, faults)?;
        Some(Activation { amount: self.amount?, currency: self.currency?, rest: self })
    }
}

impl Activation {
    pub(super) fn of(self, card_id: CardId) -> ActivateRequest {
        let Self { amount, currency, rest } = self;
        let token = rest.card_token.unwrap_or_default();
        ActivateRequest {
            card_id,
            ref_id: rest.ref_id,
            amount,
            currency,
            name: rest.name,
            customer_id: rest.customer_id,
            originated_by: rest.originated_by,
            metadata: rest.metadata,
            active_from: rest.active_from,
            expires_at: rest.expires_at,
            token_expires_in: token.expires_in.map(|Seconds(seconds)| seconds),
            token_expires_after_transaction: token.expires_after_transaction,
        }
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ActivateCards>,
    InPath(card_id): InPath<CardId>,
    Json(activation): Json<ActivateBody>,
) -> Result<Reply, ApiError> {
    let details = api.service.activate(&permit, activation.of(card_id)).await?;
    details_reply(&details, api.service.now_in(permit.caller().aid))
}
