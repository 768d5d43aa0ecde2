//! `POST …/transactions`: money is taken from a card.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use domain::{CardId, Currency, Metadata, OriginatedBy, RefId, Timestamp, TransactionId, TransactionType};
use serde_json::json;
use service::{DrawdownRequest, WriteTransactions};

use super::TransactionOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::network::From;
use crate::api::operation::Operation;
use crate::api::wire::{Faults, Flag, PositiveAmount, Seconds, SecretText, wire};
use crate::server::Event;

wire! {
    /// A change of a card's money that is asked for.
    pub(crate) struct TransactionBody as "TransactionRequest" {
        /// Your reference: the same request with the same one is carried out once.
        ref_id: RefId [required],
        /// How much, in minor units; more than 0.
        amount: PositiveAmount [required],
        /// In which currency; the card's.
        currency: Currency [required],
        /// The token that was scanned.
        token: SecretText,
        /// The card, instead of a token or beside it.
        card_id: CardId,
        /// Always `drawdown`: this server does nothing else yet.
        kind as "type": TransactionType,
        /// The shop, till or person it comes from.
        originated_by: OriginatedBy,
        /// Your own data: at most 64 keys and 16 KiB.
        metadata: Metadata,
        /// Not yet done by this server.
        pin: SecretText,
        /// Not yet done by this server.
        pending: Flag,
        /// Not yet done by this server.
        expires_in: Seconds,
        /// Not yet done by this server.
        parent_id: TransactionId,
        /// Not yet done by this server.
        allow_partial: Flag,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/transactions", handle)
        .named(
            "createTransaction",
            "transactions",
            "Take money from a card",
            "Names the card by a token, by its `card_id`, or by both where they agree. A caller that holds no more \
             than `write:wallets:/transactions` must have the token. An equal request with the same `ref_id` is \
             answered as the first time, and nothing is taken twice.",
        )
        .permitted::<WriteTransactions>()
        .body::<TransactionBody>(json!({
            "ref_id": "receipt-2026-0815",
            "amount": 12_500,
            "currency": "NOK",
            "token": "DINCARD:0f8fad5b-d9cb-469f-a165-70867728950e",
        }))
        .answers::<TransactionOut>(examples::transaction())
        .refuses(Code::InsufficientFunds, "The card holds less; `details.available` says how much")
        .refuses(Code::CurrencyMismatch, "The card holds another currency")
        .refuses(Code::CardInactive, "The card has not been activated")
        .refuses(Code::CardNotYetActive, "The card's first day has not come")
        .refuses(Code::CardExpired, "The card's last day has passed")
        .refuses(Code::CardBlocked, "The card was stopped")
        .refuses(Code::TokenUsed, "The token was used up")
        .refuses(Code::AmountLimit, "The amount is larger than is kept")
        .refuses(Code::CardNotFound, "No such card, or none that this token opens")
        .refuses(Code::RefIdReused, "The `ref_id` stands for another request")
        .refuses(Code::TooManyTries, "Too many unknown tokens; wait for `Retry-After` seconds")
        .changing()
}

impl Body for TransactionBody {
    type Request = DrawdownRequest;

    fn build(self, _: Timestamp, faults: &mut Faults) -> Option<DrawdownRequest> {
        self.note_what_is_not_done(faults);
        if self.token.is_none() && self.card_id.is_none() && faults.is_clean_at(&["token", "card_id"]) {
            faults.add_at("token", "or card_id is required");
        }
        let PositiveAmount(amount) = self.amount?;
        Some(DrawdownRequest {
            token: self.token.map(|SecretText(token)| token),
            card_id: self.card_id,
            ref_id: self.ref_id?,
            amount,
            currency: self.currency?,
            originated_by: self.originated_by,
            metadata: self.metadata.unwrap_or_default(),
        })
    }
}

impl TransactionBody {
    /// Ignoring what this server does not do yet would take money otherwise than was asked.
    fn note_what_is_not_done(&self, faults: &mut Faults) {
        let asked = [
            ("type", self.kind.is_some_and(|kind| kind != TransactionType::Drawdown)),
            ("pin", self.pin.is_some()),
            ("pending", self.pending == Some(true)),
            ("expires_in", self.expires_in.is_some()),
            ("parent_id", self.parent_id.is_some()),
            ("allow_partial", self.allow_partial == Some(true)),
        ];
        for (field, _) in asked.into_iter().filter(|(_, asked)| *asked) {
            faults.add_at(field, "asks for what this server does not do yet");
        }
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteTransactions>,
    From(network): From,
    Json(request): Json<TransactionBody>,
) -> (Extension<Event>, Result<Reply, ApiError>) {
    let drawn = api.service.drawdown(&permit, request, network).await.map_err(ApiError::from);
    let event = Event::Redemption(drawn.as_ref().map_or_else(|error| result(error.code()), |_| "completed"));
    let reply =
        drawn.and_then(|(transaction, card_id)| Reply::of(&TransactionOut::new(&transaction, &card_id)));
    (Extension(event), reply)
}

/// A refusal as the metrics call it.
fn result(code: Code) -> &'static str {
    match code {
        Code::InsufficientFunds => "insufficient_funds",
        Code::CurrencyMismatch => "currency_mismatch",
        Code::CardInactive => "card_inactive",
        Code::CardNotYetActive => "card_not_yet_active",
        Code::CardExpired => "card_expired",
        Code::CardBlocked => "card_blocked",
        Code::TokenUsed => "token_used",
        Code::AmountLimit => "amount_limit",
        Code::CardNotFound => "card_not_found",
        Code::RefIdReused => "ref_id_reused",
        Code::TooManyTries => "too_many_tries",
        Code::OutcomeUnknown => "outcome_unknown",
        Code::Overloaded => "overloaded",
        _ => "other",
    }
}
