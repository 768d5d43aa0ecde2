//! `POST …/transactions`: money is taken from a card, locked on it, put on it or given back.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use domain::{
    CardId, Currency, LockLife, Metadata, OriginatedBy, Pending, RefId, TransactionId, TransactionType,
};
use serde_json::json;
use service::{Movement, Present, TransactionRequest, WriteTransactions};

use super::{TransactionOut, reply};
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::network::From;
use crate::api::operation::Operation;
use crate::api::wire::{Faults, Flag, PositiveAmount, SecretText, wire};
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
        /// The card's PIN.
        pin: SecretText,
        /// `drawdown` takes money, `fund` adds some; `drawdown` unless told otherwise.
        kind as "type": TransactionType,
        /// Only lock the money of a drawdown, to capture or void it later.
        pending: Flag,
        /// Seconds after which a lock ends by itself; as the account's settings say, or else never.
        expires_in: LockLife,
        /// The drawdown of which a fund is a refund.
        parent_id: TransactionId,
        /// Take what is available where a drawdown asks for more; `amount` of the answer says how much.
        allow_partial: Flag,
        /// The shop, till or person it comes from.
        originated_by: OriginatedBy,
        /// Your own data: at most 64 keys and 16 KiB.
        metadata: Metadata,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/transactions", handle)
        .named(
            "createTransaction",
            "transactions",
            "Move a card's money",
            "Takes money from a card, locks it to be taken later, adds some, or gives money of a drawdown back. Names \
             the card by a token, by its `card_id`, or by both where they agree. A caller that holds no more than \
             `write:wallets:/transactions` only takes or locks money, and must have the token. An equal request with \
             the same `ref_id` is answered as the first time, and nothing moves twice.",
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
        .refuses(Code::CardBlocked, "The card was stopped, or another one has taken its place")
        .refuses(Code::TokenUsed, "The token was used up")
        .refuses(Code::PinRequired, "The account demands the PIN of a card that has one")
        .refuses(Code::PinInvalid, "Not the card's PIN, or the card has none")
        .refuses(Code::AmountLimit, "More than is kept, or than the account allows on one day")
        .refuses(Code::BalanceLimit, "More than the account allows a card to hold")
        .refuses(Code::RefundExceedsDrawdown, "More than is left of the drawdown; `details.left` says how much")
        .refuses(Code::CardNotFound, "No such card, or none that this token opens")
        .refuses(Code::TransactionNotFound, "No such transaction to give money back of")
        .refuses(Code::RefIdReused, "The `ref_id` stands for another request")
        .refuses(Code::PinLocked, "Too many wrong PINs; the PIN was not compared")
        .refuses(Code::TooManyTries, "Too many unknown tokens; wait for `Retry-After` seconds")
        .changing()
}

impl Body for TransactionBody {
    type Request = TransactionRequest;

    fn build(self, _: &Present, faults: &mut Faults) -> Option<TransactionRequest> {
        if self.token.is_none() && self.card_id.is_none() && faults.is_clean_at(&["token", "card_id"]) {
            faults.add_at("token", "or card_id is required");
        }
        let movement = self.movement(faults);
        let PositiveAmount(amount) = self.amount?;
        Some(TransactionRequest {
            token: self.token.map(|SecretText(token)| token),
            card_id: self.card_id,
            pin: self.pin.map(|SecretText(pin)| pin),
            ref_id: self.ref_id?,
            amount,
            currency: self.currency?,
            movement: movement?,
            originated_by: self.originated_by,
            metadata: self.metadata.unwrap_or_default(),
        })
    }
}

impl TransactionBody {
    /// Ignoring what belongs to another type would move money otherwise than was asked.
    fn movement(&self, faults: &mut Faults) -> Option<Movement> {
        let (is_pending, allow_partial) = (self.pending == Some(true), self.allow_partial == Some(true));
        let mut refuse = |field: &'static str, is_given: bool, message: &'static str| {
            if is_given && faults.is_clean_at(&[field]) {
                faults.add_at(field, message);
            }
        };
        match self.kind.unwrap_or(TransactionType::Drawdown) {
            TransactionType::Drawdown => {
                refuse("parent_id", self.parent_id.is_some(), "is for type fund only");
                let is_lost = self.expires_in.is_some() && !is_pending;
                refuse("expires_in", is_lost, "is for pending transactions only");
                let pending = is_pending.then_some(Pending { expires_in: self.expires_in });
                Some(Movement::Drawdown { allow_partial, pending })
            }
            TransactionType::Fund => {
                refuse("pending", is_pending, "is for type drawdown only");
                refuse("expires_in", self.expires_in.is_some(), "is for pending transactions only");
                refuse("allow_partial", allow_partial, "is for type drawdown only");
                Some(Movement::Fund { parent: self.parent_id })
            }
            TransactionType::PendingCapture | TransactionType::Voided | TransactionType::Expired => {
                refuse("type", true, "must be drawdown or fund");
                None
            }
        }
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<WriteTransactions>,
    From(network): From,
    Json(request): Json<TransactionBody>,
) -> (Option<Extension<Event>>, Result<Reply, ApiError>) {
    let is_payment = matches!(request.movement, Movement::Drawdown { .. });
    let written = api.service.create_transaction(&permit, request, network).await.map_err(ApiError::from);
    let told = written.as_ref().map_or_else(|error| result(error.code()), |_| "completed");
    let event = is_payment.then_some(Extension(Event::Redemption(told)));
    (event, written.and_then(|written| reply(&written)))
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
        Code::PinRequired => "pin_required",
        Code::PinInvalid => "pin_invalid",
        Code::PinLocked => "pin_locked",
        Code::AmountLimit => "amount_limit",
        Code::CardNotFound => "card_not_found",
        Code::RefIdReused => "ref_id_reused",
        Code::TooManyTries => "too_many_tries",
        Code::OutcomeUnknown => "outcome_unknown",
        Code::Overloaded => "overloaded",
        _ => "other",
    }
}
