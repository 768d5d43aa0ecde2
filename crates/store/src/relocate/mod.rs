//! A whole store moved to another database.
//!
//! Rows go in the order of their keys, in portions that are each committed. So what has arrived says by itself how far
//! a move has come, and one that was broken off goes on behind the last row of each table. While a move is under way,
//! and if it ends in disagreement, the target is marked, and no server opens it.

mod copy;
mod ends;
mod tables;

use std::path::PathBuf;

use domain::Timestamp;

use crate::snapshots::Snapshots;
use crate::verify::{PORTION, Total, Verified, verify};
use crate::{Error, Wrong};
use copy::Copying;
pub use copy::{Cell, Target, refuse_marked};
use ends::End;
use tables::TABLES;

/// The name of the value that marks a database which a move has not ended in.
pub const MARK: &str = "move_under_way";

/// The name of the value that marks a database which is being left.
pub const LEAVING: &str = "move_away_under_way";

/// The name of the value that tells what was moved here once that has ended.
const MOVED: &str = "moved_here";

/// What a database says of moves, which is not moved.
const SAID_OF_MOVES: [&str; 3] = [MARK, LEAVING, MOVED];

/// Where a store lies.
pub enum Place {
    /// In a data directory.
    Sqlite(PathBuf),
    /// In the database of a `postgres://` URL.
    Postgres(String),
}

/// What a move is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveStep {
    /// Rows of a table are copied.
    Copying {
        /// The table.
        table: &'static str,
        /// Rows that have arrived of all tables.
        rows: u64,
        /// Rows of all tables.
        of: u64,
    },
    /// The database that is left is verified; so many cards were.
    VerifyingSource(u64),
    /// The database that is moved to is verified; so many cards were.
    VerifyingTarget(u64),
}

/// A move that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// How many rows each table has.
    pub rows: Vec<(&'static str, u64)>,
    /// The money, by account and currency; the same on both sides.
    pub totals: Vec<Total>,
}

/// Moves a store to where there is none, or goes on with a move of the same store; of one that has ended it says so
/// again. Nothing else may write to either meanwhile: a data directory is locked, a PostgreSQL is marked.
pub async fn relocate(
    from: Place,
    to: Place,
    now: Timestamp,
    mut heard: impl FnMut(MoveStep) + Send + 'static,
) -> Result<Moved, Error> {
    let moving = tokio::task::spawn_blocking(move || {
        let (mut source, mut target) = (End::left(&from, now)?, End::reached(&to, now)?);
        copy::mark(&mut source, &mut target)?;
        source.leave()?;
        let moved = Move { source: &mut source, target: &mut target, heard: &mut heard }.run();
        source.stay()?;
        moved
    });
    moving.await.unwrap_or_else(|_| Err(Error::Internal("the move ended by a panic".to_owned())))
}

struct Move<'m, S, T> {
    source: &'m mut S,
    target: &'m mut T,
    heard: &'m mut dyn FnMut(MoveStep),
}

impl<S: Snapshots, T: Target> Move<'_, S, T> {
    fn run(&mut self) -> Result<Moved, Error> {
        let of = copy::counts(self.source)?;
        Copying { source: self.source, target: self.target, heard: self.heard, rows: 0, of: of.iter().sum() }
            .run()?;
        self.target.settle()?;
        let arrived = copy::counts(self.target)?;
        let differs = TABLES.iter().zip(of.iter().zip(&arrived)).find(|(_, (of, arrived))| of != arrived);
        if let Some((table, (of, arrived))) = differs {
            return Err(disagree(format!("{} has {of} rows, of which {arrived} arrived", table.name)));
        }
        let heard = &mut self.heard;
        let left = verify(self.source, PORTION, &mut |at| heard(MoveStep::VerifyingSource(at.cards)))?;
        let come = verify(self.target, PORTION, &mut |at| heard(MoveStep::VerifyingTarget(at.cards)))?;
        let totals = agreed(left, come)?;
        self.target.rename_value(MARK, MOVED)?;
        Ok(Moved { rows: TABLES.iter().map(|table| table.name).zip(of).collect(), totals })
    }
}

fn agreed(left: Verified, come: Verified) -> Result<Vec<Total>, Error> {
    for (place, verified) in [("left", &left), ("moved to", &come)] {
        if let Some(Wrong { aid, what, .. }) = &verified.first {
            return Err(disagree(format!("the database that is {place} is wrong: account {aid}, {what}")));
        }
    }
    if left.totals != come.totals || left.checked != come.checked {
        return Err(disagree("the sums of the two databases differ".to_owned()));
    }
    Ok(come.totals)
}

/// Why a database that is marked is not opened.
pub fn under_way() -> Error {
    Error::Open("a move from or to it is under way; end it with `gavekort move`".to_owned())
}

fn disagree(what: String) -> Error {
    Error::Damaged(format!("{what}; the database that was moved to stays marked, and is not served"))
}
