//! Writes what was decided: each kind of change as one statement over arrays.
//!
//! An update counts its own rows, and fails where they are not as many as were decided: `COMMIT` is sent along, so
//! nobody else could take a wrong count back.

mod access;
mod cards;
mod money;
mod records;

use std::collections::HashMap;

use domain::{Aid, Changes, ReplayKey, Timestamp};

pub use access::{account, client};

use super::super::fault::Fault;
use super::super::news;
use super::load::text;
use super::query::{Param, Query, params};
use crate::Error;

/// Every statement that writes.
#[cfg(test)]
pub fn statements() -> impl Iterator<Item = &'static str> {
    access::STATEMENTS
        .into_iter()
        .chain(cards::STATEMENTS)
        .chain(money::STATEMENTS)
        .chain(records::STATEMENTS)
}

/// The statements that write all changes of one account. `kept` tells when the kept answers were made that were
/// found.
pub fn changes<'c>(
    aid: Aid,
    changes: &'c Changes,
    kept: &HashMap<ReplayKey, Timestamp>,
) -> Result<Vec<Query<'c>>, Fault> {
    let mut writing = Writing { aid, changes, queries: Vec::new() };
    if changes.account_changed {
        writing.queries.push(account(&changes.world.account));
    }
    for uuid in &changes.changed_clients {
        let changed = decided(changes.world.clients.get(uuid))?;
        writing.queries.extend(client(aid, changed));
    }
    writing.batches();
    writing.new_cards()?;
    writing.changed_cards()?;
    writing.new_tokens()?;
    writing.changed_tokens()?;
    writing.transactions();
    writing.locks()?;
    writing.pin_tries()?;
    writing.day_counts()?;
    writing.status_changes();
    writing.replays(kept)?;
    writing.audit()?;
    writing.outbox();
    // Last, so that whoever changes the same waits the least.
    if changes.account_changed || !changes.changed_clients.is_empty() {
        writing.queries.push(news::of_account(aid));
    }
    Ok(writing.queries)
}

/// Changes of one account on their way into the database.
struct Writing<'c> {
    aid: Aid,
    changes: &'c Changes,
    queries: Vec<Query<'c>>,
}

impl<'c> Writing<'c> {
    /// Asks for one statement over the rows; none where there are none.
    fn write(&mut self, sql: &'static str, columns: Vec<Param<'c>>) {
        let mut params = params![text(self.aid)];
        params.extend(columns);
        self.queries.push(Query { sql, params });
    }
}

/// One column of many rows.
fn column<'c, R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Param<'c>
where
    Vec<T>: tokio_postgres::types::ToSql + Sync + Send + 'c,
{
    Box::new(rows.iter().map(value).collect::<Vec<T>>())
}

/// A row that a decision says is to be written: it stands in the world.
fn decided<T>(row: Option<&T>) -> Result<&T, Fault> {
    row.ok_or_else(|| inconsistent("a decision names a row that it does not hold"))
}

fn inconsistent(what: &str) -> Fault {
    Fault::Answer(Error::Internal(what.to_owned()))
}
