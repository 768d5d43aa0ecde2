//! What a card must meet to be listed, said once for every store: in words that all of their databases read alike.

use domain::{Aid, Status};
use uuid::Uuid;

use crate::query::end_of_prefix;
use crate::{CardFilter, CardQuery};

/// What is available at `?`, with the locks freed that have run out by then. The plus keeps a planner from going
/// through the account's locks by their ends, instead of through the card's.
const AVAILABLE: &str = "funds - drawdown - reserved + CASE WHEN reserved = 0 THEN 0 \
    ELSE (SELECT coalesce(sum(remaining), 0) \
    FROM card_lock WHERE card_lock.aid = card.aid AND card_lock.card = card.uuid \
    AND +card_lock.expires_at <= ?) END";

/// By which index a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Age,
    Customer,
    Batch,
    /// By those of card ids and names, to the few cards that a prefix finds.
    Prefix,
}

/// A value in a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// An id.
    Id(Uuid),
}

impl From<i64> for Bound {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<String> for Bound {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Uuid> for Bound {
    fn from(id: Uuid) -> Self {
        Self::Id(id)
    }
}

/// The values of a statement in the order of their places, the account first.
#[derive(Debug)]
pub struct Bounds {
    mark: char,
    values: Vec<Bound>,
}

/// Where the texts lie that begin with a prefix.
pub struct Beginning {
    from: String,
    end: Option<String>,
}

impl Beginning {
    /// That the text in a column does.
    pub fn begins(&self, column: &str) -> String {
        let Self { from, end } = self;
        match end {
            Some(end) => format!("({column} >= {from} AND {column} < {end})"),
            None => format!("({column} >= {from})"),
        }
    }
}

impl Bounds {
    /// Of a statement about an account, in which a place is written as `mark` and its number.
    pub fn of(aid: Aid, mark: char) -> Self {
        Self { mark, values: vec![Bound::Text(aid.as_str().to_owned())] }
    }

    /// The values in the order of their places.
    pub fn into_values(self) -> impl Iterator<Item = Bound> {
        self.values.into_iter()
    }

    /// Adds a value; answers with its place.
    pub fn add(&mut self, value: impl Into<Bound>) -> String {
        self.values.push(value.into());
        format!("{}{}", self.mark, self.values.len())
    }

    /// Adds a prefix.
    pub fn add_prefix(&mut self, prefix: &str) -> Beginning {
        let from = self.add(prefix.to_owned());
        Beginning { from, end: end_of_prefix(prefix).map(|end| self.add(end)) }
    }

    /// What a card must meet to be listed. When it was made, the way there sees to.
    pub fn conditions(&mut self, query: &CardQuery) -> String {
        let filter = &query.filter;
        let mut all = Vec::new();
        if !query.include_deleted && filter.status != Some(Status::Deleted) {
            all.push("deleted_at IS NULL".to_owned());
        }
        let mut add = |condition: &str, value: Option<Bound>| {
            let Some(value) = value else { return };
            all.push(condition.replace('?', &self.add(value)));
        };
        let CardFilter { status, kind, customer_id, currency, batch, prefix, .. } = filter;
        let now = query.now.unix_ms();
        add(status.map_or("", status_condition), status.map(|_| now.into()));
        add("type = ?", kind.map(|kind| kind.as_str().to_owned().into()));
        add("customer_id = ?", customer_id.as_ref().map(|customer| customer.as_str().to_owned().into()));
        add("currency = ?", currency.map(|currency| currency.code().to_owned().into()));
        add("batch = ?", batch.map(|batch| batch.0.into()));
        for (comparison, amount) in [(">=", filter.available_from), ("<=", filter.available_to)] {
            let Some(amount) = amount else { continue };
            let (now, amount) = (self.add(now), self.add(amount.minor_units()));
            all.push(format!("{} {comparison} {amount}", AVAILABLE.replace('?', &now)));
        }
        if let Some(prefix) = prefix {
            let prefix = self.add_prefix(prefix);
            all.push(format!("({} OR {})", prefix.begins("card_id"), prefix.begins("name")));
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
