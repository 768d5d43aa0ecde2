//! Reading transactions.

use domain::{CardId, Refusal, TransactionId};
use store::{CardTransaction, HistoryQuery, TransactionPage, TransactionQuery};

use crate::{Error, Permit, ReadCards, Service};

impl Service {
    /// A page of the account's transactions, newest first.
    pub async fn transactions(
        &self,
        permit: &Permit<ReadCards>,
        query: &TransactionQuery,
    ) -> Result<TransactionPage, Error> {
        Ok(self.store.transactions(permit.caller().aid, query).await?)
    }

    /// One transaction.
    pub async fn transaction(
        &self,
        permit: &Permit<ReadCards>,
        id: TransactionId,
    ) -> Result<CardTransaction, Error> {
        let found = self.store.transaction(permit.caller().aid, id).await?;
        found.ok_or(Error::Refused(Refusal::TransactionNotFound))
    }

    /// A part of a card's history, oldest first. A deleted card has its history.
    pub async fn history(
        &self,
        permit: &Permit<ReadCards>,
        card_id: &CardId,
        query: &HistoryQuery,
    ) -> Result<Vec<CardTransaction>, Error> {
        let found = self.store.history(permit.caller().aid, card_id, query).await?;
        found.ok_or(Error::Refused(Refusal::CardNotFound))
    }
}
