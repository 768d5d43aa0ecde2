//! Reads, which pass no lane.
//!
//! Each is one statement and so of one instant, or several about rows that are never changed, or a transaction of
//! one instant of its own. Statements that are known beforehand are prepared once for each connection; those that a
//! filter makes are sent with their values, so that they are planned for these.

pub mod audit;
pub mod cards;
pub mod closing;
pub mod liability;
mod newest;
#[cfg(test)]
mod tests;
pub mod transactions;

use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Transaction};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{IsolationLevel, Row};

use super::fault::Fault;
use crate::rows::{Columns, Value};

/// The values of a statement in the order of their places.
type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// The same for a statement that is planned for its values.
type TypedValues<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// A connection, or a transaction on it.
trait Prepared: Sync {
    /// Every row of a statement that is prepared once for each connection.
    async fn all(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Fault>;

    /// The row of one that finds one at most.
    async fn first(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>, Fault> {
        Ok(self.all(sql, values).await?.into_iter().next())
    }
}

impl Prepared for ClientWrapper {
    async fn all(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        Ok(self.query(&self.prepare_cached(sql).await?, values).await?)
    }
}

impl Prepared for Transaction<'_> {
    async fn all(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Fault> {
        Ok(self.query(&self.prepare_cached(sql).await?, values).await?)
    }
}

/// A transaction of one instant.
pub async fn snapshot(client: &mut ClientWrapper) -> Result<Transaction<'_>, Fault> {
    let begin = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    Ok(begin.start().await?)
}

/// How long each statement of a transaction may take.
async fn lasts_at_most(transaction: &Transaction<'_>, time_max: Duration) -> Result<(), Fault> {
    let ms = time_max.as_millis().to_string();
    transaction.all("SELECT set_config('statement_timeout', $1, TRUE)", &[&ms]).await.map(|_| ())
}

/// A row from one of its columns on: what stands behind another row in it.
struct Behind<'row> {
    row: &'row Row,
    first: usize,
}

impl<'row> Behind<'row> {
    /// What stands behind a column.
    fn column(row: &'row Row, name: &str) -> Self {
        let place = row.columns().iter().position(|column| column.name() == name);
        Self { row, first: place.map_or(row.len(), |place| place + 1) }
    }

    /// Whether nothing was joined: the first column of every table has something in it.
    fn is_empty(&self) -> bool {
        self.value(0) == Some(Value::Null)
    }
}

impl Columns for Behind<'_> {
    fn value(&self, place: usize) -> Option<Value<'_>> {
        self.row.value(self.first + place)
    }

    fn name(&self, place: usize) -> Option<&str> {
        self.row.name(self.first + place)
    }
}
