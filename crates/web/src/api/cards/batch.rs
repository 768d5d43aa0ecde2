//! `POST …/cards/batch`: many inactive cards at once, for printing.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use domain::{CardId, CardType, CustomerId, Metadata, Name, OriginatedBy, Timestamp};
use serde_json::json;
use service::{BatchRequest, CardRequest, CreateCards, MadeBatch, Present};

use super::{CardFacts, CardMoney, PinOut, TokenOut, dates, render};
use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::{Body, Keyed};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::wire::{CardTokenIn, Faults, List, PinIn, answer, card_token_terms, pin_format, wire};
use crate::server::Event;

pub(crate) const PATH: &str = "/v1/accounts/{aid}/wallets/cards/batch";

wire! {
    /// A card of a batch.
    pub(crate) struct BatchCard as "BatchCardRequest" {
        /// The id you choose for the card; unique in the account for ever.
        card_id: CardId [required],
        /// What it is given for; `gift_card` unless told otherwise.
        kind as "type": CardType,
        /// What people call it.
        name: Name,
        /// Whose it is.
        customer_id: CustomerId,
        /// The shop, till or person it comes from.
        originated_by: OriginatedBy,
        /// Your own data: at most 64 keys and 16 KiB.
        metadata: Metadata,
        /// From when on it can be used.
        active_from: Timestamp,
        /// From when on it cannot be used any more.
        expires_at: Timestamp,
    }
}

wire! {
    /// How the codes of a batch are made.
    pub(crate) struct BatchOptions {
        /// How each card's PIN is made.
        pin: PinIn,
        /// How each card's token is made.
        card_token: CardTokenIn,
    }
}

wire! {
    /// Inactive cards that are asked for.
    pub(crate) struct BatchBody as "BatchRequest" {
        /// The cards, in order.
        cards: List<BatchCard, 1, 1000> [required],
        /// How their codes are made.
        options: BatchOptions,
    }
}

answer! {
    /// A card of a batch, in the one answer that shows its PIN and its token.
    pub(crate) struct BatchCardOut<'a> as "BatchCard" {
        ..facts: CardFacts<'a>,
        ..money: CardMoney,
        /// Always 0.
        amount: domain::Amount,
        /// Its PIN.
        pin: PinOut<'a>,
        /// Its token.
        card_token: TokenOut<'a>,
    }
}

answer! {
    /// The cards of a batch.
    pub(crate) struct BatchOut<'a> as "Batch" {
        /// The cards, in the order of the request.
        cards: Vec<BatchCardOut<'a>>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::post(PATH, handle)
        .named(
            "createCardBatch",
            "cards",
            "Create a batch of inactive cards",
            "Makes 1 to 1,000 cards: all of them, or none. Each has a token and a PIN, which this answer alone shows; \
             send an `Idempotency-Key` to be able to get a lost answer again. The cards are worth nothing until each \
             is activated.",
        )
        .permitted::<CreateCards>()
        .keyed()
        .body::<BatchBody>(json!({
            "cards": [{
                "card_id": "spring-0001",
                "name": "Spring 2026",
                "expires_at": "2029-02-28T09:00:00Z",
                "metadata": {"shelf": 4},
            }],
            "options": {"pin": {"format": {"length": 4}}},
        }))
        .answers::<BatchOut>(examples::batch())
        .refuses(Code::CardIdTaken, "A card of this id exists or existed; every such card is named")
        .changing()
}

impl BatchCard {
    fn build(self, now: Timestamp, faults: &mut Faults) -> Option<CardRequest> {
        let dates = dates(self.active_from, self.expires_at, now, faults);
        Some(CardRequest {
            card_id: self.card_id?,
            kind: self.kind.unwrap_or_default(),
            name: self.name,
            customer_id: self.customer_id,
            originated_by: self.originated_by,
            metadata: self.metadata.unwrap_or_default(),
            dates: dates?,
        })
    }
}

impl Body for BatchBody {
    type Request = BatchRequest;

    fn build(self, present: &Present, faults: &mut Faults) -> Option<BatchRequest> {
        let options = self.options.unwrap_or_default();
        let (pin, token) = faults.within("options", |faults| {
            let pin = options.pin.unwrap_or_default();
            let token = options.card_token.unwrap_or_default();
            let pin = faults.within("pin", |faults| pin_format(pin, faults));
            (pin, faults.within("card_token", |faults| card_token_terms(token, present, faults)))
        });
        let List(cards) = self.cards?;
        let cards = faults.within("cards", |faults| {
            note_doubles(cards.iter().map(|card| card.card_id.as_ref()), faults);
            let numbered = cards.into_iter().enumerate();
            let built: Vec<Option<CardRequest>> = numbered
                .map(|(place, card)| faults.within(place, |faults| card.build(present.now, faults)))
                .collect();
            built.into_iter().collect::<Option<Vec<CardRequest>>>()
        });
        Some(BatchRequest { cards: cards?, pin: pin?, token: token? })
    }
}

/// Notes each card whose id an earlier one has.
pub(crate) fn note_doubles<'a>(
    card_ids: impl ExactSizeIterator<Item = Option<&'a CardId>>,
    faults: &mut Faults,
) {
    let mut first: HashMap<&CardId, usize> = HashMap::with_capacity(card_ids.len());
    for (place, card_id) in card_ids.enumerate() {
        let Some(card_id) = card_id else { continue };
        match first.get(card_id) {
            Some(earlier) => {
                faults.within(place, |faults| {
                    faults.add_at("card_id", format!("is that of cards[{earlier}] too"))
                });
            }
            None => {
                first.insert(card_id, place);
            }
        }
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<CreateCards>,
    Keyed { request, idempotency }: Keyed<BatchBody>,
) -> Result<(Extension<Event>, Reply), ApiError> {
    let made = api.service.create_batch(&permit, &request, idempotency.as_ref()).await?;
    let event = Event::BatchIssued(u64::try_from(made.cards.len()).unwrap_or_default());
    Ok((Extension(event), render::batch(&api, made).await?))
}

impl<'a> BatchCardOut<'a> {
    /// The card at `place` of a batch; nothing beyond its end.
    pub(crate) fn new(made: &'a MadeBatch, place: usize) -> Option<Self> {
        let card = made.cards.get(place)?;
        Some(Self {
            // A batch card's status depends on its dates alone, and they lay ahead when it was made.
            facts: CardFacts::new(card, card.created_at),
            money: CardMoney::from(card),
            amount: card.amount,
            pin: PinOut::new(&made.pin_format, made.pins.get(place)?),
            card_token: TokenOut::new(made.tokens.get(place)?, made.token_values.get(place)?),
        })
    }
}
