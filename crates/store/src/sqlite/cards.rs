//! Lists of cards.

use domain::{Aid, Card, Status};
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::fault::Fault;
use super::load;
use super::rows::{self, select};
use crate::{CardFilter, CardPage, CardQuery, CustomerCardsQuery};

const LIST: &str = select!(card "WHERE aid = ?1");

pub const OF_CUSTOMER: &str = select!(card "WHERE aid = ?1 AND customer_id = ?2 AND uuid > ?3
    AND deleted_at IS NULL AND activated_at IS NOT NULL AND (expires_at IS NULL OR expires_at > ?4)
    ORDER BY uuid LIMIT ?5");

/// A page of cards, newest first: ids are made in the order of time.
pub fn page(conn: &Connection, aid: Aid, query: &CardQuery) -> Result<CardPage, Fault> {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let mut conditions = Conditions::new(aid);
    conditions.add_query(query);
    let (sql, values) = conditions.into_sql(query.limit);
    let mut statement = conn.prepare_cached(&sql)?;
    let mut cards = load::all(&mut statement, params_from_iter(values), rows::card)?;
    // One more than asked for tells whether this page is the last.
    let is_last = cards.len() <= limit;
    cards.truncate(limit);
    let next = cards.last().map(|card| card.uuid).filter(|_| !is_last);
    Ok(CardPage { cards, next })
}

/// A customer's cards, oldest first.
pub fn of_customer(conn: &Connection, aid: Aid, query: &CustomerCardsQuery) -> Result<Vec<Card>, Fault> {
    let after = query.starting_after.map(|card| card.0.into_bytes());
    let params = params![
        aid.as_str(),
        query.customer_id.as_str(),
        after.unwrap_or_default(),
        query.now.unix_ms(),
        // A negative limit is none.
        query.limit.map_or(-1, i64::from),
    ];
    load::all(&mut conn.prepare_cached(OF_CUSTOMER)?, params, rows::card)
}

/// Conditions on cards, and the values they name in their order.
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    fn new(aid: Aid) -> Self {
        Self { sql: LIST.to_owned(), values: vec![Value::Text(aid.as_str().to_owned())] }
    }

    /// A condition in which each `?` stands for this one value.
    fn add(&mut self, condition: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        let place = format!("?{}", self.values.len());
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition.replace('?', &place));
    }

    fn add_query(&mut self, query: &CardQuery) {
        if let Some(after) = query.starting_after {
            self.add("uuid < ?", after.0.as_bytes().to_vec());
        }
        if !query.include_deleted && query.filter.status != Some(Status::Deleted) {
            self.sql.push_str(" AND deleted_at IS NULL");
        }
        if let Some(status) = query.filter.status {
            self.add(status_condition(status), query.now.unix_ms());
        }
        self.add_filter(&query.filter);
    }

    fn add_filter(&mut self, filter: &CardFilter) {
        if let Some(kind) = filter.kind {
            self.add("type = ?", kind.as_str().to_owned());
        }
        if let Some(customer) = &filter.customer_id {
            self.add("customer_id = ?", customer.as_str().to_owned());
        }
        if let Some(currency) = filter.currency {
            self.add("currency = ?", currency.code().to_owned());
        }
        if let Some(batch) = filter.batch {
            self.add("batch = ?", batch.0.as_bytes().to_vec());
        }
        if let Some(from) = filter.created_from {
            self.add("created_at >= ?", from.unix_ms());
        }
        if let Some(before) = filter.created_before {
            self.add("created_at < ?", before.unix_ms());
        }
        if let Some(from) = filter.available_from {
            self.add("funds - drawdown - reserved >= ?", from.minor_units());
        }
        if let Some(to) = filter.available_to {
            self.add("funds - drawdown - reserved <= ?", to.minor_units());
        }
        if let Some(prefix) = &filter.prefix {
            // Not LIKE, to which % and _ mean something and capitals nothing.
            self.add("(substr(card_id, 1, length(?)) = ? OR substr(name, 1, length(?)) = ?)", prefix.clone());
        }
    }

    fn into_sql(mut self, limit: u32) -> (String, Vec<Value>) {
        self.values.push(Value::Integer(i64::from(limit).saturating_add(1)));
        let limit = format!(" ORDER BY uuid DESC LIMIT ?{}", self.values.len());
        self.sql.push_str(&limit);
        (self.sql, self.values)
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
