//! Every change of money on a card is one of these rows; a card's amounts are sums over them.

use crate::macros::names;
use crate::{
    Amount, CardUuid, ClientUuid, Currency, Metadata, OriginatedBy, RefId, RequestId, Timestamp, TokenUuid,
    TransactionId,
};

/// What a row does to the card's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionType {
    /// Adds money.
    Fund,
    /// Takes money.
    Drawdown,
}

/// Why the row was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The card was created with this amount.
    Creation,
    /// The card was activated with this amount.
    Activation,
    /// Something was paid with the card.
    Sale,
    /// The card was deleted and its money given up.
    Forfeit,
}

/// One row of a card's history; never changed once written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The transaction's id.
    pub id: TransactionId,
    /// The card it belongs to.
    pub card: CardUuid,
    /// The client's reference; unique among the transactions of the card.
    pub ref_id: RefId,
    /// What it does.
    pub kind: TransactionType,
    /// Why it was written.
    pub reason: Reason,
    /// How much, in minor units of `currency`.
    pub amount: Amount,
    /// The card's currency.
    pub currency: Currency,
    /// The token that was presented.
    pub token: Option<TokenUuid>,
    /// Where the request came from, in the client's own words.
    pub originated_by: Option<OriginatedBy>,
    /// The client's own data.
    pub metadata: Metadata,
    /// When it was written.
    pub created_at: Timestamp,
    /// Which client asked for it; none where an operator did.
    pub created_by: Option<ClientUuid>,
    /// The request that asked for it.
    pub request: RequestId,
    /// Its place in the card's history, from 1.
    pub seq: i64,
    /// The card's balance after it.
    pub balance: Amount,
    /// What could be drawn after it.
    pub available: Amount,
}

/// A change of a card's sums, before its place in the card's history is known.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: TransactionId,
    /// Without one, the row's own id serves.
    pub(crate) ref_id: Option<RefId>,
    pub(crate) kind: TransactionType,
    pub(crate) reason: Reason,
    pub(crate) amount: Amount,
    pub(crate) token: Option<TokenUuid>,
    pub(crate) originated_by: Option<OriginatedBy>,
    pub(crate) metadata: Metadata,
}

impl Entry {
    pub(crate) fn new(id: TransactionId, kind: TransactionType, reason: Reason, amount: Amount) -> Self {
        let metadata = Metadata::default();
        Self { id, ref_id: None, kind, reason, amount, token: None, originated_by: None, metadata }
    }
}

names!(TransactionType { Fund = "fund", Drawdown = "drawdown" });
names!(Reason { Creation = "creation", Activation = "activation", Sale = "sale", Forfeit = "forfeit" });
