//! Transactions: a card's history, one by its id, and lists of an account, newest first.

use std::collections::VecDeque;

use domain::{Aid, CardId, CardUuid, Transaction, TransactionId};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Fault;
use super::load;
use crate::rows::{self, Fields, select};
use crate::{CardTransaction, HistoryQuery, TransactionFilter, TransactionPage, TransactionQuery};

pub const BY_ID: &str = select!(card_transaction "WHERE aid = ?1 AND id = ?2");

pub const BY_REF_ID: &str = select!(card_transaction "WHERE aid = ?1 AND card = ?2 AND ref_id = ?3");

pub const HISTORY: &str =
    select!(card_transaction "WHERE aid = ?1 AND card = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4");

pub const BY_TIME: &str = select!(card_transaction "WHERE aid = ?1 AND (created_at, id) < (?2, ?3)
    AND created_at >= ?4 ORDER BY created_at DESC, id DESC LIMIT ?5");

pub const OF_CARD: &str =
    select!(card_transaction "WHERE aid = ?1 AND card = ?2 AND seq <= ?3 ORDER BY seq DESC");

pub const SEQ: &str = "SELECT seq FROM card_transaction WHERE aid = ?1 AND id = ?2 AND card = ?3";

pub const WRITTEN_AT: &str = "SELECT created_at FROM card_transaction WHERE aid = ?1 AND id = ?2";

pub const SEQ_WRITTEN_AT: &str =
    "SELECT created_at FROM card_transaction WHERE aid = ?1 AND card = ?2 AND seq = ?3";

pub const LAST_SEQ: &str = "SELECT seq FROM card WHERE aid = ?1 AND uuid = ?2";

pub const CARD: &str = "SELECT uuid FROM card WHERE aid = ?1 AND card_id = ?2";

pub const CARD_ID: &str = "SELECT card_id FROM card WHERE aid = ?1 AND uuid = ?2";

/// Rows read ahead at once.
const READ_AHEAD: usize = 128;

/// A part of a card's history, oldest first; none where there is no such card.
pub fn history(
    conn: &Connection,
    aid: Aid,
    card_id: &CardId,
    query: &HistoryQuery,
) -> Result<Option<Vec<CardTransaction>>, Fault> {
    let Some(card) = card(conn, aid, card_id)? else {
        return Ok(None);
    };
    let Some(after) = seq_after(conn, aid, card, query.starting_after)? else {
        return Ok(Some(Vec::new()));
    };
    let params = params![aid.as_str(), card.0.as_bytes(), after, query.limit];
    let rows = load::all(&mut conn.prepare_cached(HISTORY)?, params, rows::transaction)?;
    let named = |transaction| CardTransaction { transaction, card_id: card_id.clone() };
    Ok(Some(rows.into_iter().map(named).collect()))
}

/// The place in its card's history behind which a part of it begins; none where nothing follows.
fn seq_after(
    conn: &Connection,
    aid: Aid,
    card: CardUuid,
    after: Option<TransactionId>,
) -> Result<Option<i64>, Fault> {
    let Some(after) = after else {
        return Ok(Some(0));
    };
    let params = params![aid.as_str(), after.0.as_bytes(), card.0.as_bytes()];
    Ok(conn.prepare_cached(SEQ)?.query_row(params, |row| row.get(0)).optional()?)
}

/// A transaction by its id.
pub fn by_id(conn: &Connection, aid: Aid, id: TransactionId) -> Result<Option<CardTransaction>, Fault> {
    let mut by_id = conn.prepare_cached(BY_ID)?;
    let found = load::first(&mut by_id, params![aid.as_str(), id.0.as_bytes()], rows::transaction)?;
    found.map(|transaction| named(conn, aid, transaction)).transpose()
}

/// A page of an account's transactions, newest first.
pub fn page(conn: &Connection, aid: Aid, query: &TransactionQuery) -> Result<TransactionPage, Fault> {
    let mut transactions = Vec::new();
    let Some(mut newest) = newest(conn, aid, query)? else {
        return Ok(TransactionPage { transactions, next: None });
    };
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let mut last = None;
    for _ in 0..query.looks_max.max(1) {
        let Some(transaction) = newest.next()? else {
            return Ok(TransactionPage { transactions, next: None });
        };
        if fits(&transaction, &query.filter) {
            // One more than asked for tells that this page is not the last.
            if transactions.len() == limit {
                return Ok(TransactionPage { transactions, next: last });
            }
            last = Some(transaction.id);
            transactions.push(named(conn, aid, transaction)?);
        } else {
            last = Some(transaction.id);
        }
    }
    let next = newest.head()?.and(last);
    Ok(TransactionPage { transactions, next })
}

fn newest<'c>(conn: &'c Connection, aid: Aid, query: &TransactionQuery) -> Result<Option<Newest<'c>>, Fault> {
    let filter = &query.filter;
    let Some(below) = below(conn, aid, query)? else {
        return Ok(None);
    };
    let from = filter.created_from.map_or(i64::MIN, |from| from.unix_ms());
    let Some(card_id) = &filter.card_id else {
        return Ok(Some(Newest::of_account(conn, aid, below, from)));
    };
    let Some(card) = card(conn, aid, card_id)? else {
        return Ok(None);
    };
    let Some(ref_id) = &filter.ref_id else {
        return Newest::of_card(conn, aid, card, below, from).map(Some);
    };
    let params = params![aid.as_str(), card.0.as_bytes(), ref_id.as_str()];
    let one = load::first(&mut conn.prepare_cached(BY_REF_ID)?, params, rows::transaction)?;
    let within = |row: &Transaction| place(row) < below && row.created_at.unix_ms() >= from;
    let ready = one.filter(within).into_iter().collect();
    Ok(Some(Newest { ready, is_over: true, ..Newest::of_account(conn, aid, below, from) }))
}

/// The place below which a page begins; none where it begins after what is no transaction.
fn below(conn: &Connection, aid: Aid, query: &TransactionQuery) -> Result<Option<Place>, Fault> {
    let before = query.filter.created_before.map_or(TOP, |before| (before.unix_ms(), Vec::new()));
    let Some(after) = query.starting_after else {
        return Ok(Some(before));
    };
    let id = after.0.as_bytes();
    let mut written_at = conn.prepare_cached(WRITTEN_AT)?;
    let at: Option<i64> = written_at.query_row(params![aid.as_str(), id], |row| row.get(0)).optional()?;
    Ok(at.map(|at| before.min((at, id.to_vec()))))
}

fn fits(transaction: &Transaction, filter: &TransactionFilter) -> bool {
    filter.kind.is_none_or(|kind| transaction.kind == kind)
        && filter.ref_id.as_ref().is_none_or(|ref_id| transaction.ref_id == *ref_id)
}

/// A card by the client's id for it.
pub fn card(conn: &Connection, aid: Aid, card_id: &CardId) -> Result<Option<CardUuid>, Fault> {
    let mut by_id = conn.prepare_cached(CARD)?;
    load::first(&mut by_id, (aid.as_str(), card_id.as_str()), |row| Fields::new(row, "card").id())
}

/// The client's id of a card that some row refers to.
pub fn card_id(conn: &Connection, aid: Aid, card: CardUuid) -> Result<CardId, Fault> {
    let mut by_uuid = conn.prepare_cached(CARD_ID)?;
    let found = load::first(&mut by_uuid, params![aid.as_str(), card.0.as_bytes()], |row| {
        Fields::new(row, "card").parsed()
    })?;
    found.ok_or_else(|| Fault::Damaged("card.uuid".to_owned()))
}

/// A transaction with the id of its card.
pub fn named(conn: &Connection, aid: Aid, transaction: Transaction) -> Result<CardTransaction, Fault> {
    let card_id = card_id(conn, aid, transaction.card)?;
    Ok(CardTransaction { transaction, card_id })
}

/// Where a transaction stands in every list: when it was written, and its id.
pub type Place = (i64, Vec<u8>);

/// Above every place.
pub const TOP: Place = (i64::MAX, Vec::new());

fn place(transaction: &Transaction) -> Place {
    (transaction.created_at.unix_ms(), transaction.id.0.as_bytes().to_vec())
}

/// Transactions below a place one by one, newest first, read ahead a few at a time.
pub struct Newest<'c> {
    conn: &'c Connection,
    aid: Aid,
    /// The card whose they are, and its row to go on from.
    card: Option<(CardUuid, i64)>,
    below: Place,
    from: i64,
    ready: VecDeque<Transaction>,
    is_over: bool,
}

impl<'c> Newest<'c> {
    /// All of an account that were written at `from` or later.
    pub fn of_account(conn: &'c Connection, aid: Aid, below: Place, from: i64) -> Self {
        Self { conn, aid, card: None, below, from, ready: VecDeque::new(), is_over: false }
    }

    /// Those of a card.
    pub fn of_card(
        conn: &'c Connection,
        aid: Aid,
        card: CardUuid,
        below: Place,
        from: i64,
    ) -> Result<Self, Fault> {
        let first = seq_at(conn, aid, card, below.0)?;
        Ok(Self { card: Some((card, first)), ..Self::of_account(conn, aid, below, from) })
    }

    /// The next one.
    pub fn next(&mut self) -> Result<Option<Transaction>, Fault> {
        self.head()?;
        Ok(self.ready.pop_front())
    }

    /// The next one, which stays.
    pub fn head(&mut self) -> Result<Option<&Transaction>, Fault> {
        while self.ready.is_empty() && !self.is_over {
            match self.card {
                None => self.read_account()?,
                Some((card, first)) => self.read_card(card, first)?,
            }
        }
        Ok(self.ready.front())
    }

    fn read_account(&mut self) -> Result<(), Fault> {
        let (at, id) = &self.below;
        let params =
            params![self.aid.as_str(), at, id, self.from, i64::try_from(READ_AHEAD).unwrap_or(i64::MAX)];
        let read = load::all(&mut self.conn.prepare_cached(BY_TIME)?, params, rows::transaction)?;
        self.is_over = read.len() < READ_AHEAD;
        if let Some(last) = read.last() {
            self.below = place(last);
        }
        self.ready.extend(read);
        Ok(())
    }

    /// A card's rows stand in the order of their time; those of one millisecond are put into that of their ids, as
    /// in the list of the account.
    fn read_card(&mut self, card: CardUuid, first: i64) -> Result<(), Fault> {
        let mut of_card = self.conn.prepare_cached(OF_CARD)?;
        let mut rows = of_card.query(params![self.aid.as_str(), card.0.as_bytes(), first])?;
        let mut read: Vec<Transaction> = Vec::new();
        self.is_over = true;
        while let Some(row) = rows.next()? {
            let row = rows::transaction(row)?;
            let goes_on = read.last().is_some_and(|last| last.created_at == row.created_at);
            if read.len() >= READ_AHEAD && !goes_on {
                self.card = Some((card, row.seq));
                self.is_over = false;
                break;
            }
            if row.created_at.unix_ms() < self.from {
                break;
            }
            read.push(row);
        }
        read.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
        self.ready.extend(read.into_iter().filter(|row| place(row) < self.below));
        Ok(())
    }
}

/// The last row of a card that was written at `at` or before, by halving: a card's rows are numbered without gaps.
fn seq_at(conn: &Connection, aid: Aid, card: CardUuid, at: i64) -> Result<i64, Fault> {
    let card = card.0.as_bytes();
    let last = conn.prepare_cached(LAST_SEQ)?.query_row(params![aid.as_str(), card], |row| row.get(0));
    let (mut low, mut high): (i64, i64) = (0, last.optional()?.unwrap_or(0));
    let mut written_at = conn.prepare_cached(SEQ_WRITTEN_AT)?;
    while at < i64::MAX && low < high {
        let middle = high - (high - low) / 2;
        let written: i64 = written_at
            .query_row(params![aid.as_str(), card, middle], |row| row.get(0))
            .optional()?
            .ok_or_else(|| Fault::Damaged("card.seq".to_owned()))?;
        if written <= at {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Ok(high)
}
