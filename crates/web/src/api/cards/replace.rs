//! `POST …/cards/{card_id}/replace`: another card takes a card's place.

use std::sync::Arc;

use axum::extract::State;
use domain::{CardId, Format, ReasonCode, RefId, Timestamp};
use serde_json::json;
use service::{Present, ReplaceRequest, ReplacedCard, TokenTerms, WriteCards};

use super::{CardOut, PinOut, TokenOut};
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Keyed};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::transactions::TransactionOut;
use crate::api::wire::{CardTokenIn, Faults, PinIn, answer, card_token_terms, pin_format, wire};

wire! {
    /// A card that is to take another one's place.
    pub(crate) struct ReplaceBody as "ReplaceRequest" {
        /// Your reference: the same request with the same one is carried out once.
        ref_id: RefId [required],
        /// The card that takes the place: an inactive one in the hand, or the id of a new one.
        card_id: CardId [required],
        /// Why, as a word of your own list.
        reason_code: ReasonCode [required],
        /// Ask for a PIN for a new card.
        pin: PinIn,
        /// Ask for a token for a new card.
        card_token: CardTokenIn,
    }
}

answer! {
    /// A card in whose place another stands now.
    pub(crate) struct ReplacedOut<'a> as "ReplacedCard" {
        /// The drawdown that emptied the old card.
        transaction: TransactionOut<'a>,
        /// The old card, which is blocked for ever.
        old_card: CardOut<'a>,
        /// The card that took its place.
        card: CardOut<'a>,
        /// The new card's PIN, where one was made.
        pin: Option<PinOut<'a>>,
        /// The new card's token, where one was made.
        card_token: Option<TokenOut<'a>>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/cards/{card_id}/replace", handle)
        .named(
            "replaceCard",
            "cards",
            "Replace a card",
            "Moves all money to another card, which takes over type, customer, name and dates; the old card ends \
             blocked, and what is given back of its drawdowns goes to the new one. A new card gets a PIN and a token \
             when asked for; they are shown in this answer alone, so send an `Idempotency-Key` to be able to get a \
             lost answer again. An equal request with the same `ref_id` shows both cards without secrets.",
        )
        .permitted::<WriteCards>()
        .keyed()
        .body::<ReplaceBody>(json!({
            "ref_id": "case-4712",
            "card_id": "spring-0002",
            "reason_code": "lost",
            "pin": {"format": {"length": 4}},
            "card_token": {},
        }))
        .answers::<ReplacedOut>(examples::replaced())
        .refuses(Code::CardInactive, "The card has not been activated")
        .refuses(Code::CardExpired, "The last day of either card has passed")
        .refuses(Code::CardBlocked, "Another card has taken the card's place, or the card in the hand was stopped")
        .refuses(Code::CardHasLocks, "Pending transactions hold money of the card")
        .refuses(Code::CardNotInactive, "The card in the hand was activated before")
        .refuses(Code::CardNotFound, "No such card")
        .refuses(Code::CardIdTaken, "The card in the hand was deleted")
        .refuses(Code::RefIdReused, "The `ref_id` stands for another request")
        .changing()
}

/// A replacement but for the card, which the path names.
pub(crate) struct Asked {
    ref_id: RefId,
    new_card_id: CardId,
    reason_code: ReasonCode,
    pin: Option<Format>,
    token: Option<TokenTerms>,
}

impl Body for ReplaceBody {
    type Request = Asked;

    fn build(self, present: &Present, faults: &mut Faults) -> Option<Asked> {
        let pin = self.pin.map(|pin| faults.within("pin", |faults| pin_format(pin, faults)));
        let token = self
            .card_token
            .map(|token| faults.within("card_token", |faults| card_token_terms(token, present, faults)));
        Some(Asked {
            ref_id: self.ref_id?,
            new_card_id: self.card_id?,
            reason_code: self.reason_code?,
            pin: pin.flatten(),
            token: token.flatten(),
        })
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteCards>,
    InPath(card_id): InPath<CardId>,
    Keyed { request, idempotency }: Keyed<ReplaceBody>,
) -> Result<Reply, ApiError> {
    let Asked { ref_id, new_card_id, reason_code, pin, token } = request;
    let request = ReplaceRequest { card_id, ref_id, new_card_id, reason_code, pin, token };
    let replaced = api.service.replace_card(&permit, &request, idempotency.as_ref()).await;
    let replaced = replaced.map_err(|error| ApiError::from(error).within_one_card())?;
    Reply::of(&ReplacedOut::new(&replaced, api.service.now_in(permit.caller().aid)))
}

impl<'a> ReplacedOut<'a> {
    pub(crate) fn new(replaced: &'a ReplacedCard, now: Timestamp) -> Self {
        Self {
            transaction: TransactionOut::new(&replaced.transaction, &replaced.old.card_id),
            old_card: CardOut::new(&replaced.old, now),
            card: CardOut::new(&replaced.new, now),
            pin: replaced.pin.as_ref().map(PinOut::from),
            card_token: replaced.token.as_ref().map(TokenOut::from),
        }
    }
}
