//! Writes what was decided.

mod access;
mod cards;
mod money;
mod records;

use domain::{Aid, Card, CardUuid, Changes, CustomerId, Name, Timestamp, World};
use rusqlite::{CachedStatement, Connection, ToSql};

pub use access::{account, client};

/// Every statement that looks for something while it writes, to be asked how it finds it.
#[cfg(test)]
pub fn statements() -> impl Iterator<Item = &'static str> {
    records::STATEMENTS.into_iter().chain(money::STATEMENTS)
}

use super::fault::Fault;
use crate::Error;

/// What of the loaded cards stands in indexes and may change.
pub type Before = Vec<Indexed>;

/// Of one card.
pub struct Indexed {
    card: CardUuid,
    customer_id: Option<CustomerId>,
    name: Option<Name>,
    expires_at: Option<Timestamp>,
}

/// Whose the loaded cards were, what they were called and when they were to end, to be told from what a decision
/// makes of that.
pub fn before(world: &World) -> Before {
    world.cards.values().map(Indexed::of).collect()
}

impl Indexed {
    fn of(card: &Card) -> Self {
        let (customer_id, name) = (card.customer_id.clone(), card.name.clone());
        Self { card: card.uuid, customer_id, name, expires_at: card.dates.expires_at }
    }
}

/// Writes all changes of one account; the caller commits, or, after a fault, rolls back.
///
/// What other rows refer to is written before them.
pub fn changes(conn: &Connection, aid: Aid, before: &Before, changes: &Changes) -> Result<(), Fault> {
    let writing = Writing { conn, aid, changes };
    if changes.account_changed {
        account(conn, &changes.world.account)?;
    }
    for uuid in &changes.changed_clients {
        client(conn, aid, writing.decided(changes.world.clients.get(uuid))?)?;
    }
    for batch in &changes.new_batches {
        writing.batch(batch)?;
    }
    writing.new_cards()?;
    writing.changed_cards(before)?;
    writing.new_tokens()?;
    writing.changed_tokens()?;
    writing.transactions()?;
    writing.locks()?;
    writing.pin_tries()?;
    writing.day_counts()?;
    writing.status_changes()?;
    writing.replays()?;
    writing.audit()?;
    writing.outbox()
}

/// Changes of one account on their way into the database.
struct Writing<'c> {
    conn: &'c Connection,
    aid: Aid,
    changes: &'c Changes,
}

impl<'c> Writing<'c> {
    /// A row that a decision says is to be written: it stands in the world.
    fn decided<T>(&self, row: Option<&'c T>) -> Result<&'c T, Fault> {
        row.ok_or_else(|| inconsistent("a decision names a row that it does not hold"))
    }
}

/// Binds values to the places of a statement that come after the first `bound`.
fn bind(statement: &mut CachedStatement<'_>, bound: usize, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
    for (place, value) in (bound + 1..).zip(values) {
        statement.raw_bind_parameter(place, value)?;
    }
    Ok(())
}

fn check_one(updated: usize) -> Result<(), Fault> {
    if updated == 1 { Ok(()) } else { Err(inconsistent("a decision changes a row that is not there")) }
}

fn inconsistent(what: &str) -> Fault {
    Fault::Answer(Error::Internal(what.to_owned()))
}
