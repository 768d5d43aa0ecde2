//! Keeps the write-ahead log short without keeping the committer waiting.
//!
//! Copying 64 MiB of log into the database takes 100 ms, and SQLite's own checkpoint does it within a commit. A
//! thread of its own can do it while commits go on; but under steady load it never catches up with the last of
//! them, and the log grows for ever. So it copies the bulk, then what came meanwhile, which is less, and when that
//! has become little, the committer copies the rest between two groups: when all is copied and nobody reads, the
//! next commit begins the log anew.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;

use super::connection;
use super::fault::told;
use crate::Error;

/// Pages of the log after which the bulk is copied, 32 MiB.
///
/// Measured on two cores. While the thread copies, commits wait for the same disk. Batches of 1,000 cards on
/// 5,000,000 others took 45 ms in the median; with rounds of 4,096 pages in four passes, beside other work, 69 ms.
/// Single drawdowns at half load pay for it: 1% of them wait 100 ms, where rounds of 4,096 pages in one pass had let
/// them wait 35 to 43 ms. Rounds of 16,384 pages made the log 90 MB long.
const ROUND_PAGES: u32 = 8_192;

/// Pages that are few enough for the committer to copy, 2 MiB: a few milliseconds.
const REST_PAGES: u32 = 512;

/// How often the thread copies in a round. Where so many times were not enough, commits come faster than it copies,
/// and only the committer itself can end the round.
const PASSES_MAX: u32 = 2;

/// Pages from which on the committer waits a little for reads that keep the log from beginning anew, 64 MiB.
/// Where reads come without a pause, none of them lasts, but there is always one.
const LONG_PAGES: u32 = 16_384;

/// How long it waits. A read that lasts longer, a backup's above all, lets the log grow meanwhile.
const PATIENCE: Duration = Duration::from_millis(50);

/// Copying all of a log that commits make longer meanwhile.
#[derive(Clone, Copy)]
struct Round {
    /// In the log when the thread last began.
    copied: u32,
    passes: u32,
}

/// The thread that copies the bulk, and what the committer knows of the log.
pub struct Checkpoints {
    /// In the log, as the last commit left it.
    pages: Arc<AtomicU32>,
    bulk_is_running: Arc<AtomicBool>,
    /// The round that is under way.
    round: Option<Round>,
    /// Pages with which the next round starts.
    next_round: u32,
    start: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread, and counts what `writer` commits.
    pub fn start(file: &Path, writer: &mut Connection) -> Result<Self, Error> {
        let pages = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&pages);
        let count = move |_: &mut Wal, pages| {
            counted.store(u32::try_from(pages).unwrap_or(u32::MAX), Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(count)).map_err(|error| Error::Open(told(&error)))?;
        let conn = connection::checkpointer(file)?;
        let bulk_is_running = Arc::new(AtomicBool::new(false));
        let is_running = Arc::clone(&bulk_is_running);
        let (start, starts) = sync_channel(1);
        let work = move || {
            while starts.recv().is_ok() {
                checkpoint(&conn, "PASSIVE");
                is_running.store(false, Ordering::Release);
            }
        };
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(work);
        let thread = thread.map_err(|error| Error::Open(format!("no thread for checkpoints: {error}")))?;
        let (start, thread) = (Some(start), Some(thread));
        Ok(Self { pages, bulk_is_running, round: None, next_round: ROUND_PAGES, start, thread })
    }

    /// What is to be done between two groups.
    pub fn rest(&mut self, writer: &Connection) {
        if self.bulk_is_running.load(Ordering::Acquire) {
            return;
        }
        let pages = self.pages.load(Ordering::Relaxed);
        match self.round {
            // A commit found all of it copied and began the log anew.
            Some(Round { copied, .. }) if pages < copied => {
                self.round = None;
                self.next_round = ROUND_PAGES;
            }
            Some(Round { copied, passes }) if pages > copied + REST_PAGES && passes < PASSES_MAX => {
                self.copy(Round { copied: pages, passes: passes + 1 });
            }
            Some(_) => {
                self.round = None;
                if pages < LONG_PAGES {
                    checkpoint(writer, "PASSIVE")
                } else {
                    restart(writer)
                }
                // Where the log did not begin anew, the next round waits for as much again.
                self.next_round = pages.saturating_add(ROUND_PAGES);
            }
            None if pages < ROUND_PAGES => self.next_round = ROUND_PAGES,
            None if pages >= self.next_round => self.copy(Round { copied: pages, passes: 1 }),
            None => {}
        }
    }

    fn copy(&mut self, round: Round) {
        self.round = Some(round);
        self.bulk_is_running.store(true, Ordering::Release);
        // The thread ends only when this does.
        let _ended = self.start.as_ref().map(|start| start.try_send(()));
    }

    /// Ends the thread, then empties the log. Where somebody reads, it stays, and nothing is lost.
    pub fn close(&mut self, writer: &Connection) {
        self.start = None;
        let _ended = self.thread.take().map(JoinHandle::join);
        checkpoint(writer, "TRUNCATE");
    }
}

fn restart(writer: &Connection) {
    let patience = |time| writer.busy_timeout(time);
    if patience(PATIENCE).is_ok() {
        checkpoint(writer, "RESTART");
    }
    // Setting a timeout fails for no reason that SQLite documents.
    let _as_before = patience(connection::BUSY_TIMEOUT);
}

fn checkpoint(conn: &Connection, mode: &str) {
    // One that fails has lost nothing: what it did not copy stays in the log.
    if let Err(error) = conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(())) {
        tracing::warn!(error = told(&error), "a checkpoint failed");
    }
}
