//! `POST …/cards`: one card with money on it.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use domain::{Amount, CardId, CardType, Currency, CustomerId, Metadata, Name, OriginatedBy, Timestamp};
use serde_json::json;
use service::{CardRequest, CreateCardRequest, CreateCards, MadeCard, Present};

use super::{CardFacts, CardMoney, PinOut, TokenOut, dates};
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Keyed};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{CardTokenIn, Faults, PinIn, answer, card_token_terms, pin_format, wire};
use crate::server::Event;

pub(crate) const PATH: &str = "/v1/accounts/{aid}/wallets/cards";

wire! {
    /// A card that is asked for, with what it is to be worth.
    pub(crate) struct CreateBody as "CardRequest" {
        /// The id you choose for the card; unique in the account for ever.
        card_id: CardId [required],
        /// How much it starts with, in minor units.
        amount: Amount [required],
        /// In which currency, for ever.
        currency: Currency [required],
        /// What it is given for; `gift_card` unless told otherwise.
        kind as "type": CardType,
        /// Whose it is.
        customer_id: CustomerId,
        /// What people call it.
        name: Name,
        /// The shop, till or person it comes from.
        originated_by: OriginatedBy,
        /// Your own data: at most 64 keys and 16 KiB.
        metadata: Metadata,
        /// From when on it can be used.
        active_from: Timestamp,
        /// From when on it cannot be used any more.
        expires_at: Timestamp,
        /// Ask for a PIN.
        pin: PinIn,
        /// Ask for a token.
        card_token: CardTokenIn,
    }
}

answer! {
    /// A card that was made, in the one answer that shows its PIN and its token.
    pub(crate) struct CreatedOut<'a> as "CreatedCard" {
        ..facts: CardFacts<'a>,
        ..money: CardMoney,
        /// What it was created with.
        amount: Amount,
        /// Its PIN, where one was asked for.
        pin: Option<PinOut<'a>>,
        /// Its token, where one was asked for.
        card_token: Option<TokenOut<'a>>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post(PATH, handle)
        .named(
            "createCard",
            "cards",
            "Create a card with money on it",
            "The card can be used at once, or from `active_from` on. A PIN and a token are made only when asked for, \
             and shown in this answer alone; send an `Idempotency-Key` to be able to get a lost answer again.",
        )
        .permitted::<CreateCards>()
        .keyed()
        .body::<CreateBody>(json!({
            "card_id": "spring-0001",
            "amount": 50_000,
            "currency": "NOK",
            "name": "Spring 2026",
            "customer_id": "customer-17",
            "metadata": {"shelf": 4},
            "active_from": "2026-03-02T09:00:00Z",
            "expires_at": "2029-02-28T09:00:00Z",
            "pin": {"format": {"length": 4}},
            "card_token": {},
        }))
        .answers::<CreatedOut>(examples::created())
        .refuses(Code::CardIdTaken, "A card of this id exists or existed")
        .refuses(Code::AmountLimit, "More than is kept, or than the account allows at once or on one day")
        .refuses(Code::BalanceLimit, "More than the account allows a card to hold")
        .changing()
}

impl Body for CreateBody {
    type Request = CreateCardRequest;

    fn build(self, present: &Present, faults: &mut Faults) -> Option<CreateCardRequest> {
        let dates = dates(self.active_from, self.expires_at, present.now, faults);
        let pin = self.pin.map(|pin| faults.within("pin", |faults| pin_format(pin, faults)));
        let token = self
            .card_token
            .map(|token| faults.within("card_token", |faults| card_token_terms(token, present, faults)));
        let card = CardRequest {
            card_id: self.card_id?,
            kind: self.kind.unwrap_or_default(),
            name: self.name,
            customer_id: self.customer_id,
            originated_by: self.originated_by,
            metadata: self.metadata.unwrap_or_default(),
            dates: dates?,
        };
        let (amount, currency) = (self.amount?, self.currency?);
        Some(CreateCardRequest { card, amount, currency, pin: pin.flatten(), token: token.flatten() })
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<CreateCards>,
    Keyed { request, idempotency }: Keyed<CreateBody>,
) -> Result<(Extension<Event>, Reply), ApiError> {
    let made = api.service.create_card(&permit, &request, idempotency.as_ref()).await;
    let made = made.map_err(|error| ApiError::from(error).within_one_card())?;
    Ok((Extension(Event::CardsIssued(1)), Reply::of(&CreatedOut::new(&made))?))
}

impl<'a> CreatedOut<'a> {
    pub(crate) fn new(made: &'a MadeCard) -> Self {
        let card = &made.details.card;
        Self {
            // A repeat is answered as the first time: by how the card was when it was made.
            facts: CardFacts::new(card, card.created_at),
            money: CardMoney::from(card),
            amount: card.amount,
            pin: made.pin.as_ref().map(PinOut::from),
            card_token: made.token.as_ref().map(TokenOut::from),
        }
    }
}
