//! `GET …/customers/{customer_id}/cards`: the cards a customer can use.

use std::sync::Arc;

use axum::extract::State;
use domain::{Card, CardUuid, CustomerId, Timestamp};
use service::{CustomerListRequest, ReadCustomerCards};

use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::Query;
use crate::api::cards::list::LIST_OVERLOADED;
use crate::api::cards::{CardFacts, PinShape};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::{Limit, answer, query};

/// A card in a list, by experience.
const CARD_BYTES: usize = 1_024;

query! {
    /// How many, and from where on.
    pub(crate) struct ListQuery {
        /// The most to answer with; all unless told otherwise, which is refused where they are more than 10,000.
        limit: Limit,
        /// Only cards after the one of this `id`.
        starting_after: CardUuid,
    }
}

answer! {
    /// A customer's card, without amounts.
    pub(crate) struct CustomerCardOut<'a> as "CustomerCard" {
        ..facts: CardFacts<'a>,
        /// Its PIN, where it has one.
        pin: Option<PinShape<'a>>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get("/v1/accounts/{aid}/wallets/customers/{customer_id}/cards", handle)
        .named(
            "listCustomerCards",
            "customers",
            "List a customer's cards",
            "Oldest first, without amounts; cards that are deleted, inactive or expired are left out.",
        )
        .permitted::<ReadCustomerCards>()
        .query::<ListQuery>()
        .answers::<[CustomerCardOut]>(examples::customer_cards())
        .refuses(Code::Overloaded, LIST_OVERLOADED)
        .stored()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadCustomerCards>,
    InPath(customer_id): InPath<CustomerId>,
    Query(query): Query<ListQuery>,
) -> Result<Reply, ApiError> {
    let now = api.service.now_in(permit.caller().aid);
    let limit = query.limit.map(|Limit(limit)| limit);
    let asked = CustomerListRequest { customer_id, limit, starting_after: query.starting_after, now };
    let cards = api.service.customer_cards(&permit, asked).await?;
    let out: Vec<_> = cards.iter().map(|card| CustomerCardOut::new(card, now)).collect();
    Reply::with_room(&out, cards.len() * CARD_BYTES)
}

impl<'a> CustomerCardOut<'a> {
    pub(crate) fn new(card: &'a Card, now: Timestamp) -> Self {
        Self { facts: CardFacts::new(card, now), pin: card.pin.as_ref().map(PinShape::new) }
    }
}
