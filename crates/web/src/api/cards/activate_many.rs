//! `POST …/activations`: cards are sold together.

use std::sync::Arc;

use axum::extract::State;
use domain::{
    Amount, CardDetails, CardId, Currency, CustomerId, Metadata, Name, OriginatedBy, RefId, Timestamp,
};
use serde_json::json;
use service::{ActivateCards, ActivateRequest, Present};

use super::DetailsOut;
use super::activate::{ActivateBody, ActivatedTokenIn};
use super::batch::note_doubles;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Json};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{Faults, List, answer, wire};

/// A card with its tokens, by experience.
const DETAILS_BYTES: usize = 1_536;

wire! {
    /// A card that is to be activated with others, and what it is to be worth from now on.
    pub(crate) struct CardIn as "ActivationRequest" {
        /// The card.
        card_id: CardId [required],
        /// How much it starts with, in minor units.
        amount: Amount [required],
        /// In which currency, for ever.
        currency: Currency [required],
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

wire! {
    /// Cards that are to be activated together.
    pub(crate) struct ActivationsBody as "ActivationsRequest" {
        /// Your reference: the same request with the same one is carried out once. Each card's first transaction has
        /// it.
        ref_id: RefId [required],
        /// The cards.
        cards: List<CardIn, 1, 1000> [required],
    }
}

answer! {
    /// Cards that were activated together.
    pub(crate) struct ActivationsOut<'a> as "Activations" {
        /// The cards, in the order of the request.
        cards: Vec<DetailsOut<'a>>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post("/v1/accounts/{aid}/wallets/activations", handle)
        .named(
            "activateCards",
            "cards",
            "Activate cards together",
            "Turns 1 to 1,000 inactive cards into ones with money on them: all of them, or none. Every card that \
             stands against it is named by its place.",
        )
        .permitted::<ActivateCards>()
        .body::<ActivationsBody>(json!({
            "ref_id": "order-2026-0042",
            "cards": [
                {"card_id": "spring-0001", "amount": 50_000, "currency": "NOK"},
                {"card_id": "spring-0002", "amount": 25_000, "currency": "NOK"},
            ],
        }))
        .answers::<ActivationsOut>(examples::activations())
        .refuses(Code::CardNotInactive, "The card was activated before")
        .refuses(Code::CardExpired, "The card's last day has passed")
        .refuses(Code::CardBlocked, "The card was stopped")
        .refuses(Code::AmountLimit, "More than is kept, or than the account allows at once or on one day")
        .refuses(Code::BalanceLimit, "More than the account allows a card to hold")
        .refuses(Code::CardNotFound, "No such card")
        .refuses(Code::RefIdReused, "The `ref_id` stands for another request")
        .changing()
}

impl CardIn {
    fn build(self, present: &Present, faults: &mut Faults) -> Option<ActivateRequest> {
        let card_id = self.card_id;
        let rest = ActivateBody {
            amount: self.amount,
            currency: self.currency,
            ref_id: None,
            customer_id: self.customer_id,
            name: self.name,
            originated_by: self.originated_by,
            metadata: self.metadata,
            active_from: self.active_from,
            expires_at: self.expires_at,
            card_token: self.card_token,
        };
        Some(rest.build(present, faults)?.of(card_id?))
    }
}

impl Body for ActivationsBody {
    type Request = (RefId, Vec<ActivateRequest>);

    fn build(self, present: &Present, faults: &mut Faults) -> Option<Self::Request> {
        let List(cards) = self.cards?;
        let cards = faults.within("cards", |faults| {
            note_doubles(cards.iter().map(|card| card.card_id.as_ref()), faults);
            let numbered = cards.into_iter().enumerate();
            let built: Vec<Option<ActivateRequest>> = numbered
                .map(|(place, card)| faults.within(place, |faults| card.build(present, faults)))
                .collect();
            built.into_iter().collect::<Option<Vec<ActivateRequest>>>()
        });
        Some((self.ref_id?, cards?))
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ActivateCards>,
    Json((ref_id, cards)): Json<ActivationsBody>,
) -> Result<Reply, ApiError> {
    let activated = api.service.activate_cards(&permit, ref_id, cards).await?;
    let now = api.service.now_in(permit.caller().aid);
    Reply::with_room(&ActivationsOut::new(&activated, now), activated.len() * DETAILS_BYTES)
}

impl<'a> ActivationsOut<'a> {
    pub(crate) fn new(activated: &'a [CardDetails], now: Timestamp) -> Self {
        Self { cards: activated.iter().map(|details| DetailsOut::new(details, now)).collect() }
    }
}
