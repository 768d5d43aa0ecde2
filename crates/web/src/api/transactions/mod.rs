//! Moving money.

pub(crate) mod create;

use domain::{
    Amount, CardId, Currency, Metadata, OriginatedBy, Reason, RefId, Timestamp, Transaction, TransactionId,
    TransactionType,
};

use super::wire::{ByWhom, answer};

answer! {
    /// A change of a card's money.
    pub(crate) struct TransactionOut<'a> as "Transaction" {
        /// The transaction's id.
        id: TransactionId,
        /// The client's reference.
        ref_id: &'a RefId,
        /// What it does to the card's money.
        kind as "type": TransactionType,
        /// How much, in minor units.
        amount: Amount,
        /// The card's currency.
        currency: Currency,
        /// The shop, till or person it came from.
        originated_by: Option<&'a OriginatedBy>,
        /// The client's own data.
        metadata: &'a Metadata,
        /// When it was written.
        created_at: Timestamp,
        /// The client that asked for it, or `operator`.
        created_by: ByWhom,
        /// The card.
        card_id: &'a CardId,
        /// Why it was written.
        reason: Reason,
        /// Its place in the card's history, from 1.
        seq: i64,
        /// The card's balance after it.
        balance: Amount,
        /// What could be drawn after it.
        available: Amount,
    }
}

impl<'a> TransactionOut<'a> {
    pub(crate) fn new(transaction: &'a Transaction, card_id: &'a CardId) -> Self {
        Self {
            id: transaction.id,
            ref_id: &transaction.ref_id,
            kind: transaction.kind,
            amount: transaction.amount,
            currency: transaction.currency,
            originated_by: transaction.originated_by.as_ref(),
            metadata: &transaction.metadata,
            created_at: transaction.created_at,
            created_by: ByWhom(transaction.created_by),
            card_id,
            reason: transaction.reason,
            seq: transaction.seq,
            balance: transaction.balance,
            available: transaction.available,
        }
    }
}
