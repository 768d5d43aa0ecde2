//! Cards, one by one and in lists, with what has lapsed freed.
//!
//! A list goes through an index in its own order and looks at one card after the other, so it costs as much as
//! it looks at, and the query bounds that. Only the cards that a telling prefix finds are sorted.

use deadpool_postgres::ClientWrapper;
use domain::{Aid, Card, CardDetails, CardId, CardUuid, CustomerId, Timestamp, Token, TokenMac};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

use super::{Behind, Prepared as _, Values};
use crate::conditions::{Bound, Bounds, Way};
use crate::postgres::fault::Fault;
use crate::query::{end_of_prefix, time_of};
use crate::rows::{self, Fields, select};
use crate::{CardPage, CardQuery, CustomerCardsQuery};

/// What the locks hold of the card `seen` that have run out at `$2`. Most cards have nothing locked, and are spared
/// the look-up. The plus keeps the planner from going through the account's locks by their ends.
macro_rules! lapsed {
    () => {
        "CASE WHEN seen.reserved = 0 THEN 0 ELSE (SELECT coalesce(sum(card_lock.remaining), 0)::BIGINT \
         FROM card_lock WHERE card_lock.aid = $1 AND card_lock.card = seen.uuid \
         AND +card_lock.expires_at <= $2) END AS lapsed"
    };
}

pub const DETAILS: &str = concat!(
    "SELECT seen.*, ",
    lapsed!(),
    ", token.* FROM (",
    select!(card "WHERE aid = $1 AND card_id = $3"),
    ") AS seen LEFT JOIN LATERAL (",
    select!(card_token "WHERE aid = $1 AND card = seen.uuid AND deleted_at IS NULL"),
    ") AS token ON TRUE ORDER BY token.uuid"
);

pub const OF_BEARER: &str = concat!(
    "SELECT seen.*, ",
    lapsed!(),
    ", token.* FROM (",
    select!(card_token "WHERE aid = $1 AND mac = $3"),
    ") AS token LEFT JOIN LATERAL (",
    select!(card "WHERE aid = $1 AND uuid = token.card"),
    ") AS seen ON TRUE"
);

/// After the card `$4`, or, where there is no such card, after the time `$5` and its id.
pub const OF_CUSTOMER: &str = concat!(
    "SELECT seen.*, ",
    lapsed!(),
    " FROM (",
    select!(card "WHERE aid = $1 AND customer_id = $3 AND (created_at, uuid) > (coalesce(
        (SELECT after.created_at FROM card AS after WHERE after.aid = $1 AND after.uuid = $4), $5), $4)
        AND deleted_at IS NULL AND activated_at IS NOT NULL AND (expires_at IS NULL OR expires_at > $2)
        ORDER BY created_at, uuid LIMIT $6"),
    ") AS seen ORDER BY seen.created_at, seen.uuid"
);

pub const COUNT_NAMED: &str = "SELECT \
    (SELECT count(*) FROM (SELECT 1 FROM card WHERE aid = $1 AND card_id >= $2 \
     AND ($3::TEXT IS NULL OR card_id < $3) LIMIT $4) AS by_id) + \
    (SELECT count(*) FROM (SELECT 1 FROM card WHERE aid = $1 AND name >= $2 \
     AND ($3::TEXT IS NULL OR name < $3) LIMIT $4) AS by_name)";

/// Of the locks that have run out first, so that the index of their ends leads to no more of them than are asked for.
pub const LAPSED_CARDS: &str = "SELECT DISTINCT card FROM (SELECT card FROM card_lock \
    WHERE aid = $1 AND expires_at <= $2 ORDER BY expires_at LIMIT $3) AS first";

/// A card by its columns and what is told behind them of its lapsed locks.
fn seen(row: &Row) -> Result<Card, Fault> {
    let lapsed = row.columns().iter().position(|column| column.name() == "lapsed");
    let lapsed = Behind { row, first: lapsed.unwrap_or(row.len()) };
    Ok(rows::card(row)?.without_lapsed(Fields::new(&lapsed, "card_lock").amount()?))
}

/// A card and its tokens; one that was deleted only when asked for.
pub async fn details(
    client: &ClientWrapper,
    aid: Aid,
    card_id: &CardId,
    deleted_too: bool,
    now: Timestamp,
) -> Result<Option<CardDetails>, Fault> {
    let is_shown = |card: &Card| deleted_too || card.deleted_at.is_none();
    shown_details(client, aid, card_id, now, is_shown).await
}

/// A customer's card and its tokens, unless deleted.
pub async fn details_of_customer(
    client: &ClientWrapper,
    aid: Aid,
    customer: &CustomerId,
    card_id: &CardId,
    now: Timestamp,
) -> Result<Option<CardDetails>, Fault> {
    let is_shown = |card: &Card| card.deleted_at.is_none() && card.customer_id.as_ref() == Some(customer);
    shown_details(client, aid, card_id, now, is_shown).await
}

async fn shown_details(
    client: &ClientWrapper,
    aid: Aid,
    card_id: &CardId,
    now: Timestamp,
    is_shown: impl Fn(&Card) -> bool,
) -> Result<Option<CardDetails>, Fault> {
    // A row for each token, all with the card in front; one without a token where it has none.
    let found = client.all(DETAILS, &[&aid.as_str(), &now.unix_ms(), &card_id.as_str()]).await?;
    let card = found.first().map(seen).transpose()?;
    let Some(card) = card.filter(is_shown) else { return Ok(None) };
    let tokens = found.iter().map(|row| Behind::column(row, "lapsed")).filter(|token| !token.is_empty());
    let tokens: Result<Vec<Token>, _> = tokens.map(|token| rows::token(&token, &card.card_id)).collect();
    Ok(Some(CardDetails { tokens: tokens?, card }))
}

/// The card that bears a live token.
pub async fn of_bearer(
    client: &ClientWrapper,
    aid: Aid,
    mac: &TokenMac,
    now: Timestamp,
) -> Result<Option<Card>, Fault> {
    let values: Values<'_> = &[&aid.as_str(), &now.unix_ms(), &mac.mac.as_slice()];
    let Some(row) = client.first(OF_BEARER, values).await? else { return Ok(None) };
    let card = seen(&row)?;
    let token = rows::token(&Behind::column(&row, "lapsed"), &card.card_id)?;
    let is_live = card.deleted_at.is_none() && token.deleted_at.is_none() && !token.is_past(now);
    Ok(is_live.then_some(card))
}

/// A customer's cards, oldest first.
pub async fn of_customer(
    client: &ClientWrapper,
    aid: Aid,
    query: &CustomerCardsQuery,
) -> Result<Vec<Card>, Fault> {
    let (customer, now) = (query.customer_id.as_str(), query.now.unix_ms());
    let after = query.starting_after.map_or(Uuid::nil(), |card| card.0);
    let at = query.starting_after.map_or(i64::MIN, time_of);
    let limit = i64::from(query.limit);
    let found = client.all(OF_CUSTOMER, &[&aid.as_str(), &now, &customer, &after, &at, &limit]).await?;
    found.iter().map(seen).collect()
}

/// Cards with locks that have run out at `now`, at most so many.
pub async fn lapsed(
    client: &ClientWrapper,
    aid: Aid,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<CardUuid>, Fault> {
    let values: Values<'_> = &[&aid.as_str(), &now.unix_ms(), &i64::from(limit)];
    let found = client.all(LAPSED_CARDS, values).await?;
    found.iter().map(|row| Ok(rows::lock_card(row)?)).collect()
}

/// A page of cards, newest first.
pub async fn page(client: &ClientWrapper, aid: Aid, query: &CardQuery) -> Result<CardPage, Fault> {
    // No text in this database has one, and none may be sent to it.
    if query.filter.prefix.as_ref().is_some_and(|prefix| prefix.contains('\0')) {
        return Ok(CardPage { cards: Vec::new(), next: None });
    }
    let way = way(client, aid, query).await?;
    let (sql, values) = scan(aid, query, way);
    let values: Vec<(&(dyn ToSql + Sync), Type)> = values.iter().map(typed).collect();
    let found = client.query_typed(&sql, &values).await?;
    page_of(query, &found)
}

fn typed(bound: &Bound) -> (&(dyn ToSql + Sync), Type) {
    match bound {
        Bound::Integer(integer) => (integer, Type::INT8),
        Bound::Text(text) => (text, Type::TEXT),
        Bound::Id(id) => (id, Type::UUID),
    }
}

/// The way that leads past the fewest cards, as far as that is known.
async fn way(client: &ClientWrapper, aid: Aid, query: &CardQuery) -> Result<Way, Fault> {
    let filter = &query.filter;
    if filter.batch.is_some() {
        return Ok(Way::Batch);
    }
    if let Some(prefix) = &filter.prefix {
        // They lie anywhere in the table, so a look at one costs more than at the next in a row.
        let few = i64::from(query.looks_max / 2);
        let values: Values<'_> = &[&aid.as_str(), prefix, &end_of_prefix(prefix), &(few + 1)];
        let count = client.first(COUNT_NAMED, values).await?;
        if count.is_some_and(|row| row.get::<_, i64>(0) <= few) {
            return Ok(Way::Prefix);
        }
    }
    Ok(if filter.customer_id.is_some() { Way::Customer } else { Way::Age })
}

/// The most cards that a page looks at, and the most that it lists.
fn most(query: &CardQuery) -> (i64, i64) {
    (i64::from(query.looks_max.max(1)), i64::from(query.limit))
}

/// The statement that goes a way until the page is full and one more was found, or enough were looked at and there
/// is one more. Each card comes with the one that was looked at before it, and its place among those looked at.
pub fn scan(aid: Aid, query: &CardQuery, way: Way) -> (String, Vec<Bound>) {
    let mut bounds = Bounds::of(aid, '$');
    // The instant stands where the lapsed locks are told.
    bounds.add(query.now.unix_ms());
    let fits = bounds.conditions(query);
    let from = source(&mut bounds, query, way);
    let when = when(&mut bounds, query);
    let (looks_max, limit) = most(query);
    let (looks_max, limit) = (bounds.add(looks_max), bounds.add(limit));
    let sql = format!(
        "SELECT seen.*, {lapsed}, found.previous, found.place, found.fits FROM (SELECT placed.* FROM (\
         SELECT looked.*, lag(looked.uuid) OVER places AS previous, row_number() OVER places AS place FROM (\
         SELECT card.created_at, card.uuid, ({fits}) IS TRUE AS fits FROM {from}{when} \
         ORDER BY card.created_at DESC, card.uuid DESC LIMIT {looks_max} + 1) AS looked \
         WINDOW places AS (ORDER BY looked.created_at DESC, looked.uuid DESC)) AS placed \
         WHERE placed.fits OR placed.place > {looks_max} \
         ORDER BY placed.created_at DESC, placed.uuid DESC LIMIT {limit} + 1) AS found \
         CROSS JOIN LATERAL ({card}) AS seen ORDER BY found.place",
        lapsed = lapsed!(),
        card = select!(card "WHERE aid = $1 AND uuid = found.uuid LIMIT 1"),
    );
    (sql, bounds.into_values().collect())
}

fn source(bounds: &mut Bounds, query: &CardQuery, way: Way) -> String {
    let filter = &query.filter;
    match (way, &filter.customer_id, filter.batch, &filter.prefix) {
        (Way::Customer, Some(customer), _, _) => {
            let customer = bounds.add(customer.as_str().to_owned());
            format!("card WHERE card.aid = $1 AND card.customer_id = {customer}")
        }
        (Way::Batch, _, Some(batch), _) => {
            let batch = bounds.add(batch.0);
            format!("card WHERE card.aid = $1 AND card.batch = {batch}")
        }
        (Way::Prefix, _, _, Some(prefix)) => {
            let prefix = bounds.add_prefix(prefix);
            let (card_ids, names) = (prefix.begins("card_id"), prefix.begins("name"));
            format!(
                "(SELECT uuid FROM card WHERE aid = $1 AND {card_ids} \
                 UNION SELECT uuid FROM card WHERE aid = $1 AND {names}) AS named CROSS JOIN LATERAL \
                 (SELECT * FROM card WHERE aid = $1 AND uuid = named.uuid LIMIT 1) AS card WHERE TRUE"
            )
        }
        _ => "card WHERE card.aid = $1".to_owned(),
    }
}

/// Between which instants the cards of a page were made, and after which card they are listed.
fn when(bounds: &mut Bounds, query: &CardQuery) -> String {
    let mut when = String::new();
    if let Some(card) = query.starting_after {
        let (id, at) = (bounds.add(card.0), bounds.add(time_of(card)));
        when += &format!(
            " AND (card.created_at, card.uuid) < (coalesce((SELECT after.created_at FROM card AS after \
             WHERE after.aid = $1 AND after.uuid = {id}), {at}), {id})"
        );
    }
    if let Some(before) = query.filter.created_before {
        when += &format!(" AND card.created_at < {}", bounds.add(before.unix_ms()));
    }
    if let Some(from) = query.filter.created_from {
        when += &format!(" AND card.created_at >= {}", bounds.add(from.unix_ms()));
    }
    when
}

fn page_of(query: &CardQuery, found: &[Row]) -> Result<CardPage, Fault> {
    let (looks_max, limit) = (most(query).0, usize::try_from(query.limit).unwrap_or(usize::MAX));
    let mut cards = Vec::new();
    for row in found {
        let behind = Behind::column(row, "lapsed");
        let mut fields = Fields::new(&behind, "card");
        let (previous, place): (Option<CardUuid>, i64) = (fields.id_or_none()?, fields.integer()?);
        if place > looks_max {
            return Ok(CardPage { cards, next: previous });
        }
        if cards.len() == limit {
            let next = cards.last().map(|card: &Card| card.uuid);
            return Ok(CardPage { cards, next });
        }
        cards.push(seen(row)?);
    }
    Ok(CardPage { cards, next: None })
}
