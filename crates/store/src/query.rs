//! What may be asked when cards, transactions or the audit are listed, and the pages that answer it.

use domain::{
    Action, Amount, AuditEntry, BatchId, Card, CardId, CardType, CardUuid, ClientUuid, Currency, CustomerId,
    RefId, Status, Timestamp, Transaction, TransactionId, TransactionType,
};

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

/// A transaction and the `card_id` of its card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardTransaction {
    /// The transaction.
    pub transaction: Transaction,
    /// The card it is on.
    pub card_id: CardId,
}

/// Which part of a card's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The most to answer with.
    pub limit: u32,
    /// Only transactions after this one of the same card; nothing follows one that is not.
    pub starting_after: Option<TransactionId>,
}

/// Which transactions, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionQuery {
    /// The most to answer with.
    pub limit: u32,
    /// The most to look at before a page is answered short.
    pub looks_max: u32,
    /// Only transactions listed after this one.
    pub starting_after: Option<TransactionId>,
    /// Which of them.
    pub filter: TransactionFilter,
}

/// Only transactions for which all of these hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionFilter {
    /// On this card.
    pub card_id: Option<CardId>,
    /// With this reference.
    pub ref_id: Option<RefId>,
    /// Of this type.
    pub kind: Option<TransactionType>,
    /// Written at this instant or later.
    pub created_from: Option<Timestamp>,
    /// Written before this instant.
    pub created_before: Option<Timestamp>,
}

/// A page of transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionPage {
    /// The transactions, newest first.
    pub transactions: Vec<CardTransaction>,
    /// Where the next page begins; absent on the last.
    pub next: Option<TransactionId>,
}

/// Something that was done: a line of the audit, or the money row that is its own record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditRecord {
    /// What is not itself a money row.
    Entry {
        /// The line.
        entry: AuditEntry,
        /// The card it is about, where it is about one.
        card_id: Option<CardId>,
    },
    /// A change of money.
    Transaction(Box<CardTransaction>),
}

/// Where a record stands in the audit: by time, then by where it is kept, then by its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPlace {
    /// When it was done.
    pub at: Timestamp,
    /// Where it is kept.
    pub source: AuditSource,
}

/// Where a record of the audit is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditSource {
    /// Among the lines of the audit, under this number.
    Entry(i64),
    /// Among the transactions, under this id.
    Transaction(TransactionId),
}

/// Which records of the audit, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// The most to answer with.
    pub limit: u32,
    /// The most to look at before a page is answered short.
    pub looks_max: u32,
    /// Only records listed after this place.
    pub starting_after: Option<AuditPlace>,
    /// Which of them.
    pub filter: AuditFilter,
}

/// Only records for which all of these hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// This was done.
    pub action: Option<Action>,
    /// This client did it.
    pub client: Option<ClientUuid>,
    /// To this card.
    pub card_id: Option<CardId>,
    /// At this instant or later.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub before: Option<Timestamp>,
}

/// A page of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPage {
    /// The records, newest first.
    pub records: Vec<AuditRecord>,
    /// Where the next page begins; absent on the last.
    pub next: Option<AuditPlace>,
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
