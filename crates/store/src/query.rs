//! What may be asked when cards are listed.

use domain::{Amount, BatchId, Card, CardType, CardUuid, Currency, CustomerId, Status, Timestamp};

/// Which cards, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardQuery {
    /// The most to answer with.
    pub limit: u32,
    /// Only cards listed after this one.
    pub starting_after: Option<CardUuid>,
    /// Deleted cards too. Who filters by that status gets them anyway.
    pub include_deleted: bool,
    /// Which of them.
    pub filter: CardFilter,
    /// The instant at which statuses are judged.
    pub now: Timestamp,
}

/// Only cards for which all of these hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardFilter {
    /// This status, at the time of the query.
    pub status: Option<Status>,
    /// This type.
    pub kind: Option<CardType>,
    /// This owner.
    pub customer_id: Option<CustomerId>,
    /// This currency.
    pub currency: Option<Currency>,
    /// Made in this batch.
    pub batch: Option<BatchId>,
    /// Made at this instant or later.
    pub created_from: Option<Timestamp>,
    /// Made before this instant.
    pub created_before: Option<Timestamp>,
    /// At least this is available.
    pub available_from: Option<Amount>,
    /// At most this is available.
    pub available_to: Option<Amount>,
    /// The `card_id` or the name begins with this.
    pub prefix: Option<String>,
}

/// A page of cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPage {
    /// The cards, newest first.
    pub cards: Vec<Card>,
    /// Where the next page begins; absent on the last.
    pub next: Option<CardUuid>,
}

/// Which cards of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerCardsQuery {
    /// Whose.
    pub customer_id: CustomerId,
    /// The most to answer with; all when absent.
    pub limit: Option<u32>,
    /// Only cards after this one.
    pub starting_after: Option<CardUuid>,
    /// The instant at which statuses are judged.
    pub now: Timestamp,
}
