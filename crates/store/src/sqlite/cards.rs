//! Lists of cards.
//!
//! A list goes through an index in its own order and looks at one card after the other, so it costs as much as
//! it looks at, and the query bounds that. Only the cards that a telling prefix finds are sorted.

use domain::{Aid, Card, CardDetails, CardId, CardUuid, Timestamp, Token, TokenMac};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};
use uuid::Uuid;

use super::fault::Fault;
use super::load;
use crate::conditions::{Bound, Bounds, Way};
use crate::query::{end_of_prefix, time_of};
use crate::rows::{self, Columns, select};
use crate::{CardPage, CardQuery, CustomerCardsQuery};

pub const OF_CUSTOMER: &str = select!(card "WHERE aid = ?1 AND customer_id = ?2
    AND (created_at, uuid) > (?3, ?4) AND deleted_at IS NULL AND activated_at IS NOT NULL
    AND (expires_at IS NULL OR expires_at > ?5) ORDER BY created_at, uuid LIMIT ?6");

pub const MADE_AT: &str = "SELECT created_at FROM card WHERE aid = ?1 AND uuid = ?2";

pub const COUNT_NAMED: &str = "SELECT \
    (SELECT count(*) FROM (SELECT 1 FROM card WHERE aid = ?1 AND card_id >= ?2 AND card_id < ?3 LIMIT ?4)) + \
    (SELECT count(*) FROM (SELECT 1 FROM card WHERE aid = ?1 AND name >= ?2 AND name < ?3 LIMIT ?4))";

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
    let (made_at, uuid) = after.unwrap_or((i64::MIN, Uuid::nil()));
    let customer = query.customer_id.as_str();
    let params = params![aid.as_str(), customer, made_at, uuid.as_bytes(), query.now.unix_ms(), query.limit];
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
type Place = (i64, Uuid);

fn place(conn: &Connection, aid: Aid, card: CardUuid) -> Result<Place, Fault> {
    let mut made_at = conn.prepare_cached(MADE_AT)?;
    let made_at = made_at.query_row(params![aid.as_str(), card.0.as_bytes()], |row| row.get(0)).optional()?;
    Ok((made_at.unwrap_or_else(|| time_of(card)), card.0))
}

/// The place before which the cards of a page stand.
fn before(conn: &Connection, aid: Aid, query: &CardQuery) -> Result<Place, Fault> {
    let cursor = query.starting_after.map(|card| place(conn, aid, card)).transpose()?;
    let made_before = query.filter.created_before.map(|at| (at.unix_ms(), Uuid::nil()));
    Ok(cursor.into_iter().chain(made_before).min().unwrap_or((i64::MAX, Uuid::nil())))
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
        // Every text comes before every blob.
        let end = end_of_prefix(prefix).map_or(Value::Blob(Vec::new()), Value::Text);
        let mut count = conn.prepare_cached(COUNT_NAMED)?;
        let params = params![aid.as_str(), prefix, end, i64::from(few).saturating_add(1)];
        if count.query_row(params, |row| row.get::<_, i64>(0))? <= i64::from(few) {
            return Ok(Way::Prefix);
        }
    }
    Ok(if filter.customer_id.is_some() { Way::Customer } else { Way::Age })
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
    let mut bounds = Bounds::of(aid, '?');
    let fits = bounds.conditions(query);
    let from = match (way, &filter.customer_id, filter.batch, &filter.prefix) {
        (Way::Customer, Some(customer), _, _) => {
            let customer = bounds.add(customer.as_str().to_owned());
            format!("INDEXED BY card_by_customer WHERE aid = ?1 AND customer_id = {customer}")
        }
        (Way::Batch, _, Some(batch), _) => {
            let batch = bounds.add(batch.0);
            format!("INDEXED BY card_by_batch WHERE aid = ?1 AND batch = {batch}")
        }
        (Way::Prefix, _, _, Some(prefix)) => {
            let prefix = bounds.add_prefix(prefix);
            let (card_ids, names) = (prefix.begins("card_id"), prefix.begins("name"));
            format!(
                "NOT INDEXED WHERE aid = ?1 AND rowid IN (\
                 SELECT rowid FROM card WHERE aid = ?1 AND {card_ids} UNION ALL \
                 SELECT rowid FROM card WHERE aid = ?1 AND {names})"
            )
        }
        _ => "INDEXED BY card_by_age WHERE aid = ?1".to_owned(),
    };
    let (made_before, id_before) = before;
    let made_from = bounds.add(filter.created_from.map_or(i64::MIN, |at| at.unix_ms()));
    let (made_before, id_before) = (bounds.add(made_before), bounds.add(id_before));
    let sql = format!(
        "SELECT uuid, ({fits}) IS TRUE AS fits FROM card {from} \
         AND (created_at, uuid) < ({made_before}, {id_before}) AND created_at >= {made_from} \
         ORDER BY created_at DESC, uuid DESC"
    );
    (sql, bounds.into_values().map(value).collect())
}

fn value(bound: Bound) -> Value {
    match bound {
        Bound::Integer(integer) => Value::Integer(integer),
        Bound::Text(text) => Value::Text(text),
        Bound::Id(id) => Value::Blob(id.as_bytes().to_vec()),
    }
}
