//! Lists of cards.
//!
//! A list goes through an index in its own order and looks at one card after the other, so it costs as much as
//! it looks at, and the query bounds that. Only the cards that a telling prefix finds are sorted.

use domain::{Aid, Card, CardDetails, CardId, CardUuid, Status, Timestamp, Token, TokenMac};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::fault::Fault;
use super::load;
use crate::rows::{self, Columns, select};
use crate::query::{end_of_prefix, time_of};
use crate::{CardFilter, CardPage, CardQuery, CustomerCardsQuery};

pub const OF_CUSTOMER: &str = select!(card "WHERE aid = ?1 AND customer_id = ?2
    AND (created_at, uuid) > (?3, ?4) AND deleted_at IS NULL AND activated_at IS NOT NULL
    AND (expires_at IS NULL OR expires_at > ?5) ORDER BY created_at, uuid LIMIT ?6");

pub const MADE_AT: &str = "SELECT created_at FROM card WHERE aid = ?1 AND uuid = ?2";

pub const COUNT_NAMED: &str = "SELECT \
    (SELECT count(*) FROM (SELECT 1 FROM card WHERE aid = ?1 AND card_id >= ?2 AND card_id < ?3 LIMIT ?4)) + \
    (SELECT count(*) FROM (SELECT 1 FROM card WHERE aid = ?1 AND name >= ?2 AND name < ?3 LIMIT ?4))";

/// What is available at `?`, with the locks freed that have run out by then. The plus keeps SQLite from going through
/// the account's locks by their ends, instead of through the card's.
const AVAILABLE: &str = "funds - drawdown - reserved + iif(reserved = 0, 0, (SELECT ifnull(sum(remaining), 0) \
    FROM card_lock WHERE card_lock.aid = card.aid AND card = card.uuid AND +card_lock.expires_at <= ?))";

/// A page of cards, newest first.
pub fn page(conn: &Connection, aid: Aid, query: &CardQuery) -> Result<CardPage, Fault> {
    let before = before(conn, aid, query)?;
    let way = way(conn, aid, query)?;
    let (sql, values) = scan(aid, query, way, before);
    let (found, next) = look(conn, query, &sql, values)?;
    let seen = |uuid| load::as_seen(conn, aid, load::card(conn, aid, uuid)?, query.now);
    let cards: Result<_, Fault> = found.into_iter().map(seen).collect();
    Ok(CardPage { cards: cards?, next })
}

/// A customer's cards, oldest first.
pub fn of_customer(conn: &Connection, aid: Aid, query: &CustomerCardsQuery) -> Result<Vec<Card>, Fault> {
    let after = query.starting_after.map(|card| place(conn, aid, card)).transpose()?;
    let (made_at, uuid) = after.unwrap_or((i64::MIN, Vec::new()));
    let customer = query.customer_id.as_str();
    let params = params![aid.as_str(), customer, made_at, uuid, query.now.unix_ms(), query.limit];
    let seen = |row: &dyn Columns| load::as_seen(conn, aid, rows::card(row)?, query.now);
    load::all(&mut conn.prepare_cached(OF_CUSTOMER)?, params, seen)
}

/// A card and its tokens, where the card is one to be shown.
pub fn details(
    conn: &Connection,
    aid: Aid,
    card_id: &CardId,
    now: Timestamp,
    is_shown: impl Fn(&Card) -> bool,
) -> Result<Option<CardDetails>, Fault> {
    let Some(card) = load::card_by_id(conn, aid, card_id)?.filter(is_shown) else {
        return Ok(None);
    };
    let card = load::as_seen(conn, aid, card, now)?;
    let tokens = load::live_tokens(conn, aid, &card)?;
    Ok(Some(CardDetails { card, tokens }))
}

/// The card that bears a live token.
pub fn of_bearer(conn: &Connection, aid: Aid, mac: &TokenMac, now: Timestamp) -> Result<Option<Card>, Fault> {
    let is_live = |(card, token): &(Card, Token)| {
        card.deleted_at.is_none() && token.deleted_at.is_none() && !token.is_past(now)
    };
    let bearer = load::token_by_mac(conn, aid, mac)?.filter(is_live);
    bearer.map(|(card, _)| load::as_seen(conn, aid, card, now)).transpose()
}

/// Where a card stands in every list: when it was made, and its id.
type Place = (i64, Vec<u8>);

fn place(conn: &Connection, aid: Aid, card: CardUuid) -> Result<Place, Fault> {
    let id = card.0.as_bytes();
    let mut made_at = conn.prepare_cached(MADE_AT)?;
    let made_at = made_at.query_row(params![aid.as_str(), id], |row| row.get(0)).optional()?;
    Ok((made_at.unwrap_or_else(|| time_of(card)), id.to_vec()))
}

/// The place before which the cards of a page stand.
fn before(conn: &Connection, aid: Aid, query: &CardQuery) -> Result<Place, Fault> {
    let cursor = query.starting_after.map(|card| place(conn, aid, card)).transpose()?;
    let made_before = query.filter.created_before.map(|at| (at.unix_ms(), Vec::new()));
    Ok(cursor.into_iter().chain(made_before).min().unwrap_or((i64::MAX, Vec::new())))
}

/// By which index a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Age,
    Customer,
    Batch,
    /// By those of card ids and names, to the few cards that a prefix finds.
    Prefix,
}

/// The way that leads past the fewest cards, as far as that is known.
fn way(conn: &Connection, aid: Aid, query: &CardQuery) -> Result<Way, Fault> {
    let filter = &query.filter;
    if filter.batch.is_some() {
        return Ok(Way::Batch);
    }
    if let Some(prefix) = &filter.prefix {
        // They lie anywhere in the table, so a look at one costs more than at the next in a row.
        let few = query.looks_max / 2;
        let (from, end) = prefix_range(prefix);
        let mut count = conn.prepare_cached(COUNT_NAMED)?;
        let params = params![aid.as_str(), from, end, i64::from(few).saturating_add(1)];
        if count.query_row(params, |row| row.get::<_, i64>(0))? <= i64::from(few) {
            return Ok(Way::Prefix);
        }
    }
    Ok(if filter.customer_id.is_some() { Way::Customer } else { Way::Age })
}

/// From which text on, and before which one, those lie that begin with a prefix.
fn prefix_range(prefix: &str) -> (Value, Value) {
    // Every text comes before every blob.
    let end = end_of_prefix(prefix).map_or(Value::Blob(Vec::new()), Value::Text);
    (Value::Text(prefix.to_owned()), end)
}

/// Looks at cards until the page is full and one more was found, or enough were looked at. Answers with those
/// that fit, and with where the next page begins.
fn look(
    conn: &Connection,
    query: &CardQuery,
    sql: &str,
    values: Vec<Value>,
) -> Result<(Vec<CardUuid>, Option<CardUuid>), Fault> {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let mut statement = conn.prepare_cached(sql)?;
    let mut looking = statement.query(params_from_iter(values))?;
    let (mut found, mut last) = (Vec::new(), None);
    for _ in 0..query.looks_max.max(1) {
        let Some(row) = looking.next()? else {
            return Ok((found, None));
        };
        let (uuid, fits) = rows::looked_at(row)?;
        if fits && found.len() == limit {
            let next = found.last().copied();
            return Ok((found, next));
        }
        if fits {
            found.push(uuid);
        }
        last = Some(uuid);
    }
    let has_more = looking.next()?.is_some();
    Ok((found, last.filter(|_| has_more)))
}

/// The statement that goes a way and tells of each card whether it fits, and its values.
pub fn scan(aid: Aid, query: &CardQuery, way: Way, before: Place) -> (String, Vec<Value>) {
    let filter = &query.filter;
    let mut values = Values(vec![Value::Text(aid.as_str().to_owned())]);
    let fits = values.conditions(query);
    let from = match (way, &filter.customer_id, filter.batch, &filter.prefix) {
        (Way::Customer, Some(customer), _, _) => {
            let customer = values.add(customer.as_str().to_owned());
            format!("INDEXED BY card_by_customer WHERE aid = ?1 AND customer_id = {customer}")
        }
        (Way::Batch, _, Some(batch), _) => {
            let batch = values.add(batch.0.as_bytes().to_vec());
            format!("INDEXED BY card_by_batch WHERE aid = ?1 AND batch = {batch}")
        }
        (Way::Prefix, _, _, Some(prefix)) => {
            let (from, end) = values.add_prefix(prefix);
            format!(
                "NOT INDEXED WHERE aid = ?1 AND rowid IN (\
                 SELECT rowid FROM card WHERE aid = ?1 AND card_id >= {from} AND card_id < {end} UNION ALL \
                 SELECT rowid FROM card WHERE aid = ?1 AND name >= {from} AND name < {end})"
            )
        }
        _ => "INDEXED BY card_by_age WHERE aid = ?1".to_owned(),
    };
    let (made_before, id_before) = before;
    let (made_before, id_before) = (values.add(made_before), values.add(id_before));
    let made_from = values.add(filter.created_from.map_or(i64::MIN, |at| at.unix_ms()));
    let sql = format!(
        "SELECT uuid, ({fits}) IS TRUE AS fits FROM card {from} \
         AND (created_at, uuid) < ({made_before}, {id_before}) AND created_at >= {made_from} \
         ORDER BY created_at DESC, uuid DESC"
    );
    (sql, values.0)
}

/// The values of a statement in the order of their places.
struct Values(Vec<Value>);

impl Values {
    /// Adds a value; answers with its place.
    fn add(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("?{}", self.0.len())
    }

    fn add_prefix(&mut self, prefix: &str) -> (String, String) {
        let (from, end) = prefix_range(prefix);
        (self.add(from), self.add(end))
    }

    /// What a card must meet to be listed. When it was made, the way there sees to.
    fn conditions(&mut self, query: &CardQuery) -> String {
        let filter = &query.filter;
        let mut all = Vec::new();
        if !query.include_deleted && filter.status != Some(Status::Deleted) {
            all.push("deleted_at IS NULL".to_owned());
        }
        let mut add = |condition: &str, value: Option<Value>| {
            let Some(value) = value else { return };
            all.push(condition.replace('?', &self.add(value)));
        };
        let CardFilter { status, kind, customer_id, currency, batch, prefix, .. } = filter;
        let now = query.now.unix_ms();
        add(status.map_or("", status_condition), status.map(|_| Value::from(now)));
        add("type = ?", kind.map(|kind| kind.as_str().to_owned().into()));
        add("customer_id = ?", customer_id.as_ref().map(|customer| customer.as_str().to_owned().into()));
        add("currency = ?", currency.map(|currency| currency.code().to_owned().into()));
        add("batch = ?", batch.map(|batch| batch.0.as_bytes().to_vec().into()));
        for (comparison, amount) in [(">=", filter.available_from), ("<=", filter.available_to)] {
            let Some(amount) = amount else { continue };
            let (now, amount) = (self.add(now), self.add(amount.minor_units()));
            all.push(format!("{} {comparison} {amount}", AVAILABLE.replace('?', &now)));
        }
        if let Some(prefix) = prefix {
            let (from, end) = self.add_prefix(prefix);
            let begins = |column| format!("({column} >= {from} AND {column} < {end})");
            all.push(format!("({} OR {})", begins("card_id"), begins("name")));
        }
        if all.is_empty() { "TRUE".to_owned() } else { all.join(" AND ") }
    }
}

/// Says what `Card::status` says, `?` being now; the first that fits counts, so each excludes those before.
fn status_condition(status: Status) -> &'static str {
    match status {
        Status::Deleted => "(deleted_at IS NOT NULL AND ? IS NOT NULL)",
        Status::Blocked => "(deleted_at IS NULL AND blocked_at IS NOT NULL AND ? IS NOT NULL)",
        Status::Expired => "(deleted_at IS NULL AND blocked_at IS NULL AND expires_at <= ?)",
        Status::Inactive => {
            "(deleted_at IS NULL AND blocked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) \
             AND activated_at IS NULL)"
        }
        Status::Unused => {
            "(deleted_at IS NULL AND blocked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) \
             AND activated_at IS NOT NULL AND drawdown = 0)"
        }
        Status::Used => {
            "(deleted_at IS NULL AND blocked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) \
             AND activated_at IS NOT NULL AND drawdown > 0 AND funds = drawdown)"
        }
        Status::PartiallyUsed => {
            "(deleted_at IS NULL AND blocked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) \
             AND activated_at IS NOT NULL AND drawdown > 0 AND funds > drawdown)"
        }
    }
}
