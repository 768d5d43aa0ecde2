//! Reading cards. Secrets are never in a read.

use domain::{Card, CardDetails, CardId, CustomerId, Refusal};
use store::{CardPage, CardQuery, CustomerCardsQuery};

use crate::{Error, Permit, ReadCards, ReadCustomerCards, Service};

impl Service {
    /// A page of the account's cards, newest first.
    pub async fn cards(&self, permit: &Permit<ReadCards>, query: &CardQuery) -> Result<CardPage, Error> {
        Ok(self.store.cards(permit.caller().aid, query).await?)
    }

    /// A card and its tokens.
    pub async fn card(
        &self,
        permit: &Permit<ReadCards>,
        card_id: &CardId,
        deleted_too: bool,
    ) -> Result<CardDetails, Error> {
        let details = self.store.card(permit.caller().aid, card_id, deleted_too).await?;
        details.ok_or(Error::Refused(Refusal::CardNotFound))
    }

    /// A customer's cards that can be used, oldest first.
    pub async fn customer_cards(
        &self,
        permit: &Permit<ReadCustomerCards>,
        query: &CustomerCardsQuery,
    ) -> Result<Vec<Card>, Error> {
        Ok(self.store.customer_cards(permit.caller().aid, query).await?)
    }

    /// One card of a customer, and its tokens.
    pub async fn customer_card(
        &self,
        permit: &Permit<ReadCustomerCards>,
        customer: &CustomerId,
        card_id: &CardId,
    ) -> Result<CardDetails, Error> {
        let details = self.store.customer_card(permit.caller().aid, customer, card_id).await?;
        details.ok_or(Error::Refused(Refusal::CardNotFound))
    }
}
