//! What may be asked when cards are listed.

use domain::{Amount, BatchId, Card, CardType, CardUuid, Currency, CustomerId, Status, Timestamp};

/// Which cards, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardQuery {
    /// The most to answer with.
    pub limit: u32,
    /// Only cards listed after this one.
    pub starting_after: Option<CardUuid>,
    /// The most cards to look at, one at least: a page that is not full by then is answered as it is.
    pub looks_max: u32,
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

/// A page of cards. It may hold fewer than were asked for, even none, and still not be the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPage {
    /// The cards, newest first.
    pub cards: Vec<Card>,
    /// Where the next page begins: after the last card looked at. Absent on the last page.
    pub next: Option<CardUuid>,
}

/// Which cards of a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerCardsQuery {
    /// Whose.
    pub customer_id: CustomerId,
    /// The most to answer with.
    pub limit: u32,
    /// Only cards after this one.
    pub starting_after: Option<CardUuid>,
    /// The instant at which statuses are judged.
    pub now: Timestamp,
}

/// Where a list goes on after a card that does not exist, in milliseconds: an id begins with its time.
pub(crate) fn time_of(card: CardUuid) -> i64 {
    i64::try_from(card.0.as_u128() >> 80).unwrap_or(i64::MAX)
}

/// The first text, by its code points, after all that begin with `prefix`; none where no text comes after them.
pub(crate) fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // The range leaves out the surrogates, which no text holds.
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_comes_after_all_that_begin_with_it() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("ab", Some("ac")),
            ("a\u{7f}", Some("a\u{80}")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("a\u{10ffff}\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(end_of_prefix(prefix).as_deref(), end, "{prefix:?}");
            let follows = |text: String| end.is_none_or(|end| text.as_bytes() < end.as_bytes());
            assert!(follows(format!("{prefix}\u{10ffff}\u{10ffff}")), "{prefix:?}");
        }
    }
}
