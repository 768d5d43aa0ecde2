//! Everything held against everything else: cards against their transactions, locks against what is left in them,
//! closings against the cards, records against their shape.
//!
//! What is read comes in the order of keys and is merged: cards, their transactions, locks, tokens and changes each by
//! one statement for many cards. What is checked does not depend on the database.
//!
//! It reads in short snapshots, one after the other, so that it hinders no server: a snapshot that stays open keeps
//! the database from tidying up. Each card is held against its own rows within one snapshot, and a total is a sum over
//! cards that were. So the figures agree although the ledger moves between two snapshots.

mod card;
mod cards;
mod finding;
mod history;
mod records;
#[cfg(test)]
mod tests;

use std::time::Duration;

use domain::{Aid, Day};

pub use finding::{Progress, Sums, Total, Verified, Wrong};

use crate::Error;
use crate::rows::{self, Damaged, select};
use crate::snapshots::{Snapshots, in_portions};
use crate::tally::Tally;
use cards::{Cards, check_closing, last_closed};
use records::{Audit, Batches, Days, Outbox, Records, Refunds, Replays};

const ACCOUNTS: &str = select!(account "ORDER BY created_at, aid");

/// How much is read at once.
#[derive(Clone, Copy, Debug)]
pub struct Portion {
    /// From then on a snapshot takes up nothing new.
    pub snapshot_max: Duration,
    /// Cards merged with their rows.
    pub cards: usize,
    /// Transactions of these cards.
    pub transactions: i64,
}

/// A snapshot and its last portion are over within the 50 ms that the committer of the embedded store waits for its log
/// to begin anew. With half a second the log grew for as long as there was something to verify.
pub const PORTION: Portion =
    Portion { snapshot_max: Duration::from_millis(30), cards: 200, transactions: 1_024 };

/// Checks a whole database, and tells `heard` after each snapshot how far it has come. It fails only where the database
/// cannot be read.
pub fn verify(
    source: &mut impl Snapshots,
    portion: Portion,
    heard: &mut dyn FnMut(&Progress),
) -> Result<Verified, Error> {
    let mut verifier = Verifier { source, portion, heard, verified: Verified::default() };
    for aid in verifier.accounts()? {
        verifier.account(aid)?;
    }
    Ok(verifier.verified)
}

struct Verifier<'v, S> {
    source: &'v mut S,
    portion: Portion,
    heard: &'v mut dyn FnMut(&Progress),
    verified: Verified,
}

impl<S: Snapshots> Verifier<'_, S> {
    fn accounts(&mut self) -> Result<Vec<Aid>, Error> {
        let mut accounts = Vec::new();
        self.source.each(ACCOUNTS, &[], &mut |row| accounts.push(rows::account(row)))?;
        let aid = |account: Result<domain::Account, Damaged>| account.map(|account| account.aid);
        let accounts: Result<Vec<Aid>, Damaged> = accounts.into_iter().map(aid).collect();
        accounts.map_err(|Damaged(place)| Error::Damaged(place))
    }

    fn account(&mut self, aid: Aid) -> Result<(), Error> {
        let before = self.verified.checked.wrong;
        self.verified.checked.accounts += 1;
        let closing = self.cards(aid)?;
        self.records(aid)?;
        // Where a card is wrong, so is what it is counted with, and nothing is added by saying so.
        if let Some((day, tally)) = closing
            && self.verified.checked.wrong == before
            && let Some(finding) = check_closing(self.source, aid, day, &tally)?
        {
            self.verified.tell(aid, None, finding);
        }
        Ok(())
    }

    /// Checks the cards; answers what was owed on them when the last closed day ended.
    fn cards(&mut self, aid: Aid) -> Result<Option<(Day, Tally)>, Error> {
        let day = last_closed(self.source, aid)?;
        let mut cards = Cards::new(aid, day, self.portion);
        self.in_portions(|source, verified| cards.check_next(source, verified))?;
        let (totals, tally) = cards.into_sums(&mut self.verified);
        self.verified.totals.extend(totals.into_totals());
        Ok(day.map(|day| (day, tally)))
    }

    fn records(&mut self, aid: Aid) -> Result<(), Error> {
        let are_gapless = self.source.has_gapless_places();
        self.each(aid, Refunds::default())?;
        self.each(aid, Replays::default())?;
        self.each(aid, Outbox::new(are_gapless))?;
        self.each(aid, Audit::new(are_gapless))?;
        self.each(aid, Batches::default())?;
        self.each(aid, Days::default())
    }

    fn each(&mut self, aid: Aid, mut records: impl Records) -> Result<(), Error> {
        self.in_portions(|source, verified| records.check_next(source, aid, verified))
    }

    fn in_portions(
        &mut self,
        mut portion: impl FnMut(&mut S, &mut Verified) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let (verified, heard) = (std::cell::RefCell::new(&mut self.verified), &mut self.heard);
        in_portions(
            self.source,
            self.portion.snapshot_max,
            |source| portion(source, &mut verified.borrow_mut()),
            || heard(&verified.borrow().checked),
        )
    }
}
