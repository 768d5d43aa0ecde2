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

/// How many commits' worth of pages the log takes before the bulk is copied, within the two bounds below.
///
/// While the thread copies, commits wait for the same disk: the longer the round, the longer some of them. But a page
/// that many commits of a round have changed is copied once. Large commits mean that much is waiting, or that each
/// takes its time anyway: then rounds are long. Small ones mean that the disk has time to spare, and that somebody
/// would notice a wait.
///
/// Measured on two cores, drawdowns at half load: 1% of them waited 26 ms, where rounds of 8,192 pages had let them
/// wait 101 ms; at full load rounds are as long as those.
const ROUND_COMMITS: u32 = 64;

/// The shortest round, 4 MiB.
const ROUND_PAGES_MIN: u32 = 1_024;

/// The longest round, 32 MiB. Rounds of 16,384 pages made the log 90 MB long.
const ROUND_PAGES_MAX: u32 = 8_192;

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

/// How many pages commits have added to the log of late.
#[derive(Default)]
struct Commits {
    /// In the log after the last one.
    pages: u32,
    /// On average, times `WEIGHT`.
    weighted: u32,
}

/// The last so many commits make the average.
const WEIGHT: u32 = 16;

impl Commits {
    /// Counts a commit that left so many pages in the log.
    fn count(&mut self, pages: u32) {
        let added = if pages < self.pages { pages } else { pages - self.pages };
        self.pages = pages;
        if added > 0 {
            self.weighted = self.weighted - self.weighted / WEIGHT + added;
        }
    }

    fn round_pages(&self) -> u32 {
        (self.weighted / WEIGHT).saturating_mul(ROUND_COMMITS).clamp(ROUND_PAGES_MIN, ROUND_PAGES_MAX)
    }
}

/// The thread that copies the bulk, and what the committer knows of the log.
pub struct Checkpoints {
    /// In the log, as the last commit left it.
    pages: Arc<AtomicU32>,
    bulk_is_running: Arc<AtomicBool>,
    /// The round that is under way.
    round: Option<Round>,
    /// Pages with which the next round starts, where the log did not begin anew after the last one.
    next_round: u32,
    commits: Commits,
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
        Ok(Self {
            pages,
            bulk_is_running,
            round: None,
            next_round: 0,
            commits: Commits::default(),
            start,
            thread,
        })
    }

    /// What is to be done between two groups.
    pub fn rest(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        self.commits.count(pages);
        if self.bulk_is_running.load(Ordering::Acquire) {
            return;
        }
        let round_pages = self.commits.round_pages();
        match self.round {
            // A commit found all of it copied and began the log anew.
            Some(Round { copied, .. }) if pages < copied => {
                self.round = None;
                self.next_round = 0;
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
                self.next_round = pages.saturating_add(round_pages);
            }
            None if pages < round_pages => self.next_round = 0,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify;

    /// A snapshot ends with the portion at hand, which takes less than half as long again.
    #[test]
    fn the_log_begins_anew_while_everything_is_verified() {
        assert!(verify::PORTION.snapshot_max.mul_f64(1.5) < PATIENCE);
    }

    #[test]
    fn rounds_are_as_long_as_commits_are_large() {
        let mut commits = Commits::default();
        assert_eq!(commits.round_pages(), ROUND_PAGES_MIN);
        let mut log = 0;
        let mut commit = |commits: &mut Commits, pages: u32, times: u32| {
            for _ in 0..times {
                log += pages;
                commits.count(log);
            }
        };
        commit(&mut commits, 40, 100);
        let small = commits.round_pages();
        assert!((30 * ROUND_COMMITS..=40 * ROUND_COMMITS).contains(&small), "{small}");
        commit(&mut commits, 2_000, 100);
        assert_eq!(commits.round_pages(), ROUND_PAGES_MAX);
        commit(&mut commits, 3, 200);
        assert_eq!(commits.round_pages(), ROUND_PAGES_MIN);
    }

    #[test]
    fn a_log_that_begins_anew_counts_what_is_in_it() {
        let mut commits = Commits::default();
        commits.count(5_000);
        let before = commits.weighted;
        commits.count(10);
        assert_eq!(commits.weighted, before - before / WEIGHT + 10);
        // A group of refusals leaves the log as it was, and is no commit.
        commits.count(10);
        assert_eq!(commits.weighted, before - before / WEIGHT + 10);
    }
}
