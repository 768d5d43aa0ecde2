//! Every change of money on a card is one of these rows; a card's amounts are sums over them.

use crate::macros::names;
use crate::{
    Action, Amount, CardUuid, ClientUuid, Currency, LockLife, Metadata, Note, OriginatedBy, ReasonCode,
    RefId, RequestId, Timestamp, TokenUuid, TransactionId,
};

/// What a row does to the card's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionType {
    /// Adds money.
    Fund,
    /// Takes money.
    Drawdown,
    /// Locks money: it is still on the card, but not available.
    PendingCapture,
    /// Ends a lock by a client's wish and frees what was left of it.
    Voided,
    /// Ends a lock that ran out and frees what was left of it; dated with its limit.
    Expired,
}

/// Why the row was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The card was created with this amount.
    Creation,
    /// The card was activated with this amount.
    Activation,
    /// Money was added.
    Fund,
    /// Something was paid with the card, or was to be: locks and their ends by void and expiry carry it too.
    Sale,
    /// Locked money was taken.
    Capture,
    /// Money of a drawdown was given back.
    Refund,
    /// A whole drawdown was given back by whoever made it, soon after.
    Reversal,
    /// Staff corrected the card's money.
    Adjust,
    /// The card's money moved to the card that took its place.
    Replace,
    /// The card was deleted and its money given up.
    Forfeit,
}

/// What of a request is kept to tell a repeat of it from another one, beside what the row says anyway (client,
/// card, parent, type, currency, `originated_by`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The operation, which also tells pending from not pending.
    pub operation: Action,
    /// The amount as it was sent; none where none was.
    pub amount: Option<Amount>,
    /// The lock's `expires_in` as it was sent; none where none was.
    pub expires_in: Option<LockLife>,
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
    /// The row it follows from: a lock's for its captures and its end, a drawdown's for what is given back of it,
    /// the old card's drawdown for the first money of the card that took its place.
    pub parent: Option<TransactionId>,
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
    /// What was asked for, to know a repeat by.
    pub asked: Asked,
    /// Why staff did it, in a word.
    pub reason_code: Option<ReasonCode>,
    /// Why staff did it, in their own words.
    pub note: Option<Note>,
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
    pub(crate) parent: Option<TransactionId>,
    pub(crate) token: Option<TokenUuid>,
    pub(crate) originated_by: Option<OriginatedBy>,
    pub(crate) metadata: Metadata,
    pub(crate) asked: Asked,
    pub(crate) reason_code: Option<ReasonCode>,
    pub(crate) note: Option<Note>,
}

impl Asked {
    /// An operation that was asked for with this amount.
    pub(crate) fn amount(operation: Action, amount: Amount) -> Self {
        Self { operation, amount: Some(amount), expires_in: None }
    }

    /// An operation that is asked for without any amount.
    pub(crate) fn whole(operation: Action) -> Self {
        Self { operation, amount: None, expires_in: None }
    }
}

impl Entry {
    pub(crate) fn new(
        id: TransactionId,
        (kind, reason): (TransactionType, Reason),
        amount: Amount,
        asked: Asked,
    ) -> Self {
        Self {
            id,
            ref_id: None,
            kind,
            reason,
            amount,
            parent: None,
            token: None,
            originated_by: None,
            metadata: Metadata::default(),
            asked,
            reason_code: None,
            note: None,
        }
    }
}

names!(TransactionType {
    Fund = "fund",
    Drawdown = "drawdown",
    PendingCapture = "pending_capture",
    Voided = "voided",
    Expired = "expired",
});
names!(Reason {
    Creation = "creation",
    Activation = "activation",
    Fund = "fund",
    Sale = "sale",
    Capture = "capture",
    Refund = "refund",
    Reversal = "reversal",
    Adjust = "adjust",
    Replace = "replace",
    Forfeit = "forfeit",
});
