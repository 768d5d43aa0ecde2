//! Everything held against everything else: cards against their transactions, locks against what is left in them,
//! closings against the cards, records against their shape.
//!
//! It reads in short snapshots, one after the other, so that it hinders no server: a snapshot that stays open keeps
//! the write-ahead log from being used anew. Each card is held against its own rows within one snapshot, and a total
//! is a sum over cards that were. So the figures agree although the ledger moves between two snapshots.

mod cards;
mod finding;
mod history;
mod records;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Aid, Day};
use rusqlite::Connection;

pub use finding::{Progress, Sums, Total, Verified, Wrong};

use super::fault::Fault;
use super::{SqliteStore, admin, closing, connection};
use crate::Error;
use crate::tally::Tally;
use cards::{Cards, check_closing, settled};
use records::{Audit, Batches, Days, OF_CARDS, Outbox, Records, Replays, Strays};

/// The page cache, in KiB.
const CACHE_KIB: u32 = 16 * 1_024;

/// From then on a snapshot takes up nothing new.
const SNAPSHOT_MAX: Duration = Duration::from_millis(500);

impl SqliteStore {
    /// Checks the whole database, whether or not a server writes to it, and tells `heard` from time to time how far it
    /// has come. It fails only where the database cannot be read.
    pub async fn verify(
        self: &Arc<Self>,
        heard: impl FnMut(&Progress) + Send + 'static,
    ) -> Result<Verified, Error> {
        self.verify_in(SNAPSHOT_MAX, heard).await
    }

    async fn verify_in(
        &self,
        snapshot_max: Duration,
        heard: impl FnMut(&Progress) + Send + 'static,
    ) -> Result<Verified, Error> {
        let file = self.files.database.clone();
        let verifying = tokio::task::spawn_blocking(move || {
            let conn = connection::reader(&file, CACHE_KIB)?;
            let verifier = Verifier { conn, snapshot_max, heard, verified: Verified::default() };
            verifier.run().map_err(Fault::into_error)
        });
        verifying.await.unwrap_or_else(|_| Err(Error::Internal("verifying ended by a panic".to_owned())))
    }
}

struct Verifier<H> {
    conn: Connection,
    snapshot_max: Duration,
    heard: H,
    verified: Verified,
}

impl<H: FnMut(&Progress)> Verifier<H> {
    fn run(mut self) -> Result<Verified, Fault> {
        for account in admin::accounts(&self.conn)? {
            let before = self.verified.checked.wrong;
            self.verified.checked.accounts += 1;
            let closing = self.cards(account.aid)?;
            self.records(account.aid)?;
            // Where a card is wrong, so is what it is counted with, and nothing is added by saying so.
            if let Some((day, tally)) = closing
                && self.verified.checked.wrong == before
                && let Some(finding) = settled(check_closing(&self.conn, account.aid, day, &tally))?
            {
                self.verified.tell(account.aid, None, finding);
            }
        }
        Ok(self.verified)
    }

    /// Checks the cards; answers what was owed on them when the last closed day ended.
    fn cards(&mut self, aid: Aid) -> Result<Option<(Day, Tally)>, Fault> {
        let day = closing::last_closed(&self.conn, aid)?;
        let mut cards = Cards::new(aid, day);
        self.in_snapshots(|conn, verified| {
            if !cards.advance(conn)? {
                return Ok(false);
            }
            let finding = settled(cards.check(conn, &mut verified.checked))?;
            let is_done = finding.is_some() || !cards.is_under_way();
            if let Some(finding) = finding {
                verified.tell(aid, Some(cards.card_id()), finding);
            }
            verified.checked.cards += u64::from(is_done);
            Ok(true)
        })?;
        let (totals, tally) = cards.into_sums();
        self.verified.totals.extend(totals.into_totals());
        Ok(day.map(|day| (day, tally)))
    }

    fn records(&mut self, aid: Aid) -> Result<(), Fault> {
        for table in OF_CARDS {
            self.each(aid, Strays::of(table))?;
        }
        self.each(aid, Replays::default())?;
        self.each(aid, Outbox::default())?;
        self.each(aid, Audit::default())?;
        self.each(aid, Batches::default())?;
        self.each(aid, Days::default())
    }

    fn each(&mut self, aid: Aid, mut records: impl Records) -> Result<(), Fault> {
        self.in_snapshots(|conn, verified| {
            let mut more = true;
            let checked = records.check_next(conn, aid).map(|found| more = found);
            if let Some(finding) = settled(checked)? {
                verified.tell(aid, None, finding);
            }
            Ok(more)
        })
    }

    /// Takes step after step until one says that there is no more, and lets go of the database in between.
    fn in_snapshots(
        &mut self,
        mut step: impl FnMut(&Connection, &mut Verified) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let mut more = true;
        while more {
            let snapshot = self.conn.transaction()?;
            let began = Instant::now();
            loop {
                more = step(&snapshot, &mut self.verified)?;
                if !more || began.elapsed() >= self.snapshot_max {
                    break;
                }
            }
            snapshot.commit()?;
            (self.heard)(&self.verified.checked);
        }
        Ok(())
    }
}
