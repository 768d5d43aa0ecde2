//! Moving money.

pub(crate) mod capture;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod reverse;
pub(crate) mod void;

use domain::{
    Action, Amount, CardId, Currency, Metadata, Note, OriginatedBy, Reason, ReasonCode, RefId, Timestamp,
    Transaction, TransactionId, TransactionType,
};
use service::CardTransaction;

use super::error::ApiError;
use super::frame::Reply;
use super::wire::{ByWhom, answer};

/// A transaction in a list, by experience.
pub(crate) const TRANSACTION_BYTES: usize = 512;

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
        /// The transaction it follows from: a lock's for its captures and its end, a drawdown's for what is given
        /// back of it.
        parent_id: Option<TransactionId>,
        /// The shop, till or person it came from.
        originated_by: Option<&'a OriginatedBy>,
        /// The client's own data.
        metadata: &'a Metadata,
        /// When it was written.
        created_at: Timestamp,
        /// The client that asked for it, or `operator`; absent where a lock ran out by itself.
        created_by: Option<ByWhom>,
        /// The card.
        card_id: &'a CardId,
        /// Why it was written.
        reason: Reason,
        /// Why staff did it, in a word.
        reason_code: Option<&'a ReasonCode>,
        /// Why staff did it, in their own words.
        note: Option<&'a Note>,
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
            parent_id: transaction.parent,
            originated_by: transaction.originated_by.as_ref(),
            metadata: &transaction.metadata,
            created_at: transaction.created_at,
            created_by: by_whom(transaction),
            card_id,
            reason: transaction.reason,
            reason_code: transaction.reason_code.as_ref(),
            note: transaction.note.as_ref(),
            seq: transaction.seq,
            balance: transaction.balance,
            available: transaction.available,
        }
    }
}

impl<'a> From<&'a CardTransaction> for TransactionOut<'a> {
    fn from(row: &'a CardTransaction) -> Self {
        Self::new(&row.transaction, &row.card_id)
    }
}

/// Whoever asked for a row; nobody where a lock ran out by itself.
pub(crate) fn by_whom(row: &Transaction) -> Option<ByWhom> {
    (row.asked.operation != Action::Expire).then_some(ByWhom(row.created_by))
}

/// A transaction that was written.
pub(crate) fn reply((transaction, card_id): &(Transaction, CardId)) -> Result<Reply, ApiError> {
    Reply::of(&TransactionOut::new(transaction, card_id))
}
