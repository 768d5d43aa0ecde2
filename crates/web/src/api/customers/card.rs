//! `GET …/customers/{customer_id}/cards/{card_id}`: one card of a customer.

use std::sync::Arc;

use axum::extract::State;
use domain::{CardDetails, CardId, CustomerId, Timestamp};
use service::ReadCustomerCards;

use super::cards::CustomerCardOut;
use crate::api::Api;
use crate::api::access::Access;
use crate::api::cards::{CardMoney, TokenShape};
use crate::api::error::{ApiError, Code};
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::path::InPath;
use crate::api::wire::answer;

answer! {
    /// A customer's card with its money and its tokens.
    pub(crate) struct CustomerCardDetailsOut<'a> as "CustomerCardDetails" {
        ..card: CustomerCardOut<'a>,
        ..money: CardMoney,
        /// Its tokens, oldest first, with all but their harmless parts hidden.
        tokens: Vec<TokenShape<'a>>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get("/v1/accounts/{aid}/wallets/customers/{customer_id}/cards/{card_id}", handle)
        .named(
            "getCustomerCard",
            "customers",
            "Read a customer's card",
            "Shows a card and its tokens, but no secret. A card of another customer is not found.",
        )
        .permitted::<ReadCustomerCards>()
        .answers::<CustomerCardDetailsOut>(examples::customer_card())
        .refuses(Code::CardNotFound, "The customer has no such card")
        .stored()
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadCustomerCards>,
    InPath(customer_id): InPath<CustomerId>,
    InPath(card_id): InPath<CardId>,
) -> Result<Reply, ApiError> {
    let details = api.service.customer_card(&permit, &customer_id, &card_id).await?;
    Reply::of(&CustomerCardDetailsOut::new(&details, api.service.now_in(permit.caller().aid)))
}

impl<'a> CustomerCardDetailsOut<'a> {
    pub(crate) fn new(details: &'a CardDetails, now: Timestamp) -> Self {
        Self {
            card: CustomerCardOut::new(&details.card, now),
            money: CardMoney::from(&details.card),
            tokens: details.tokens.iter().map(TokenShape::new).collect(),
        }
    }
}
