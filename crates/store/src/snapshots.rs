//! A whole database, read in snapshots one after the other by whoever may block: to verify it, or to move it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use domain::Aid;
use uuid::Uuid;

use crate::Error;
use crate::rows::Columns;

/// What a statement is given in the place of `$1`, `$2` and so on.
#[derive(Clone, Copy, Debug)]
pub enum Param<'p> {
    /// A text.
    Text(&'p str),
    /// A whole number.
    Integer(i64),
    /// Bytes.
    Bytes(&'p [u8]),
    /// An id as it was read, or nothing for what lies before all ids.
    Id(&'p [u8]),
}

/// What reads a database. Statements are written so that SQLite and PostgreSQL understand them alike, and name their
/// parameters in the order of their numbers.
pub trait Snapshots {
    /// Begins a snapshot: all that is read until it ends is of one instant.
    fn begin(&mut self) -> Result<(), Error>;

    /// Ends the snapshot. One that stays open keeps the database from tidying up behind what is written meanwhile.
    fn end(&mut self) -> Result<(), Error>;

    /// Hands over each row that a statement finds.
    fn each(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        row: &mut dyn FnMut(&dyn Columns),
    ) -> Result<(), Error>;

    /// Which of these transactions are not there.
    fn missing_transactions(&mut self, aid: Aid, ids: &[Uuid]) -> Result<HashSet<Uuid>, Error>;

    /// Whether places of the audit and the outbox follow on each other without gaps.
    fn has_gapless_places(&self) -> bool;
}

/// Reads portion after portion until one says that there is no more, and lets go of the database when a snapshot has
/// been open for so long.
pub fn in_portions<S: Snapshots>(
    source: &mut S,
    snapshot_max: Duration,
    mut portion: impl FnMut(&mut S) -> Result<bool, Error>,
    mut after_each: impl FnMut(),
) -> Result<(), Error> {
    let mut more = true;
    while more {
        source.begin()?;
        let began = Instant::now();
        loop {
            more = portion(source)?;
            if !more || began.elapsed() >= snapshot_max {
                break;
            }
        }
        source.end()?;
        after_each();
    }
    Ok(())
}

/// The first row that a statement finds, read.
pub fn first<T>(
    source: &mut impl Snapshots,
    sql: &str,
    params: &[Param<'_>],
    read: impl Fn(&dyn Columns) -> T,
) -> Result<Option<T>, Error> {
    let mut found = None;
    source.each(sql, params, &mut |row| {
        found.get_or_insert_with(|| read(row));
    })?;
    Ok(found)
}
