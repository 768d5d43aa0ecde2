//! Commands that move money, and what staff does to a card.

use super::{Activate, CardSelector, NewCard};
use crate::{
    Amount, AmountFault, CardId, CardUuid, Currency, CustomerId, LockLife, Metadata, Name, Note,
    OriginatedBy, PresentedPin, ReasonCode, RefId, Timestamp, TransactionId,
};

/// Pay with a card, or lock money of it to be taken later.
#[derive(Clone)]
pub struct Drawdown {
    /// The card.
    pub card: CardSelector,
    /// The PIN, where one was sent.
    pub pin: Option<PresentedPin>,
    /// The client's reference.
    pub ref_id: RefId,
    /// The id of the row to write.
    pub id: TransactionId,
    /// How much; more than nothing.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Whether less is taken where less is available.
    pub allow_partial: bool,
    /// Whether the money is only locked.
    pub pending: Option<Pending>,
    /// Where the request comes from.
    pub originated_by: Option<OriginatedBy>,
    /// The client's own data.
    pub metadata: Metadata,
}

/// Money is locked instead of taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// How long, where the request says so.
    pub expires_in: Option<LockLife>,
}

/// Add money to a card, or give money of a drawdown back.
#[derive(Clone)]
pub struct Fund {
    /// The card.
    pub card: CardSelector,
    /// The PIN, where one was sent.
    pub pin: Option<PresentedPin>,
    /// The client's reference.
    pub ref_id: RefId,
    /// The id of the row to write.
    pub id: TransactionId,
    /// How much; more than nothing.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// The drawdown of which this is a refund.
    pub parent: Option<TransactionId>,
    /// Where the request comes from.
    pub originated_by: Option<OriginatedBy>,
    /// The client's own data.
    pub metadata: Metadata,
}

/// Whose locks a client may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Anyone's.
    Account,
    /// Those it made itself: all that `write:wallets:/transactions` allows.
    Own,
}

/// Take locked money.
#[derive(Clone, Debug)]
pub struct Capture {
    /// The lock.
    pub lock: TransactionId,
    /// Whose locks may be captured.
    pub reach: Reach,
    /// The client's reference.
    pub ref_id: RefId,
    /// The id of the row to write.
    pub id: TransactionId,
    /// How much, more than nothing; all that is still locked when absent.
    pub amount: Option<Amount>,
    /// Where the request comes from.
    pub originated_by: Option<OriginatedBy>,
    /// The client's own data.
    pub metadata: Metadata,
}

/// End a lock and free what is left of it.
#[derive(Clone, Debug)]
pub struct Void {
    /// The lock.
    pub lock: TransactionId,
    /// Whose locks may be ended.
    pub reach: Reach,
    /// The client's reference.
    pub ref_id: RefId,
    /// The id of the row to write.
    pub id: TransactionId,
    /// The client's own data.
    pub metadata: Metadata,
}

/// Give a whole drawdown back, soon after, by the client that made it.
#[derive(Clone, Debug)]
pub struct Reverse {
    /// The drawdown.
    pub drawdown: TransactionId,
    /// The client's reference.
    pub ref_id: RefId,
    /// The id of the row to write.
    pub id: TransactionId,
}

/// A correction of a card's money; never of nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    /// Money is added.
    Add(Amount),
    /// Money is taken.
    Take(Amount),
}

/// Why an adjustment was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdjustmentFault {
    /// Nothing to adjust.
    #[error("must not be 0")]
    Zero,
    /// Beyond the largest amount, either way.
    #[error(transparent)]
    Amount(AmountFault),
}

impl Adjustment {
    /// How much, either way.
    pub fn amount(self) -> Amount {
        match self {
            Self::Add(amount) | Self::Take(amount) => amount,
        }
    }
}

impl TryFrom<i64> for Adjustment {
    type Error = AdjustmentFault;

    fn try_from(minor_units: i64) -> Result<Self, AdjustmentFault> {
        // Beyond every limit, so that the smallest number of all, which has no opposite, is too.
        let size = minor_units.checked_abs().unwrap_or(i64::MAX);
        let amount = Amount::try_from(size).map_err(AdjustmentFault::Amount)?;
        match minor_units {
            0 => Err(AdjustmentFault::Zero),
            ..0 => Ok(Self::Take(amount)),
            1.. => Ok(Self::Add(amount)),
        }
    }
}

/// Correct a card's money.
#[derive(Clone, Debug)]
pub struct Adjust {
    /// The card.
    pub card_id: CardId,
    /// The client's reference.
    pub ref_id: RefId,
    /// The id of the row to write.
    pub id: TransactionId,
    /// What is added or taken.
    pub adjustment: Adjustment,
    /// In which currency.
    pub currency: Currency,
    /// Why, in a word.
    pub reason_code: ReasonCode,
    /// Why, in words.
    pub note: Option<Note>,
}

/// Move a card's money to another card, which takes its place.
#[derive(Clone, Debug)]
pub struct Replace {
    /// The card.
    pub card_id: CardId,
    /// The client's reference.
    pub ref_id: RefId,
    /// The id of the `drawdown` row on the card.
    pub drawdown: TransactionId,
    /// The id of the `fund` row on the card that takes its place.
    pub fund: TransactionId,
    /// The card to make, unless an inactive card with its `card_id` exists: then that one is used as it lies there,
    /// with its own PIN and token.
    pub new: NewCard,
    /// Why, in a word.
    pub reason_code: ReasonCode,
}

/// Activate cards together: all of them or none.
#[derive(Clone, Debug)]
pub struct ActivateCards {
    /// The client's reference, which becomes that of each card's `fund` row.
    pub ref_id: RefId,
    /// The cards, in the order of the request. Their own `ref_id` does not count.
    pub cards: Vec<Activate>,
}

/// Stop a card, or let it go again.
#[derive(Clone, Debug)]
pub struct BlockCard {
    /// The card.
    pub card_id: CardId,
    /// Why.
    pub reason: Note,
}

/// Change what is not money; what is absent stays.
#[derive(Clone, Debug)]
pub struct ChangeCard {
    /// The card.
    pub card_id: CardId,
    /// A new owner.
    pub customer_id: Option<CustomerId>,
    /// A new name.
    pub name: Option<Name>,
    /// New data.
    pub metadata: Option<Metadata>,
    /// A new origin.
    pub originated_by: Option<OriginatedBy>,
    /// A new last day.
    pub expires_at: Option<Timestamp>,
    /// Which way the last day may be moved.
    pub expiry: ExpiryChange,
}

/// Which way a client may move a card's last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryChange {
    /// Only to a later day: nobody loses by it.
    Later,
    /// To any day to come; takes `admin:wallets`.
    Any,
}

/// Look a card up with its PIN.
#[derive(Clone)]
pub struct Info {
    /// The card, by token.
    pub card: CardSelector,
    /// The PIN.
    pub pin: PresentedPin,
}

/// Enter the ends of locks that have run out. Only the server itself gives this command.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The cards; those that are gone or have nothing due are passed over.
    pub cards: Vec<CardUuid>,
}

/// Move a test account's clock. It only goes forward, and the same command twice is the same as once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveTestClock {
    /// How far the clock shall be ahead of the server's, in milliseconds.
    pub ahead_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_AMOUNT;

    #[test]
    fn an_adjustment_is_signed_and_never_nothing() {
        let most = Amount::try_from(MAX_AMOUNT).expect("the largest amount");
        let one = Amount::try_from(1).expect("an amount");
        assert_eq!(Adjustment::try_from(MAX_AMOUNT), Ok(Adjustment::Add(most)));
        assert_eq!(Adjustment::try_from(-MAX_AMOUNT), Ok(Adjustment::Take(most)));
        assert_eq!(Adjustment::try_from(-1), Ok(Adjustment::Take(one)));
        assert_eq!(Adjustment::try_from(0), Err(AdjustmentFault::Zero));
        let too_large = Err(AdjustmentFault::Amount(AmountFault::TooLarge));
        for bad in [MAX_AMOUNT + 1, -MAX_AMOUNT - 1, i64::MAX, i64::MIN, i64::MIN + 1] {
            assert_eq!(Adjustment::try_from(bad), too_large, "{bad}");
        }
    }
}
