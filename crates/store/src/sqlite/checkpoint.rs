//! Keeps the write-ahead log short without keeping the committer waiting.
//!
//! Copying 64 MiB of log into the database takes 100 ms and more. A thread of its own does that while commits
//! go on; but under steady load it never catches up with the last of them, and the log grows for ever. So,
//! once it has done the bulk, the committer copies the little that came since, between two groups: when all is
//! copied and nobody reads, the next commit begins the log anew.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::connection;
use super::fault::told;
use crate::Error;

/// Pages in the log from which on the bulk is copied in the background, 16 MiB.
const START_PAGES: u32 = 4_096;

/// Pages from which on the committer waits for readers to end and begins the log anew, 256 MiB: only a read of
/// minutes gets here, such as a backup of a large database.
const RESTART_PAGES: u32 = 65_536;

/// The thread that copies the bulk, and what the committer knows of the log.
pub struct Checkpoints {
    /// As the last commit left it.
    pages: Arc<AtomicU32>,
    is_running: Arc<AtomicBool>,
    /// Whether the bulk was copied and the rest was not yet.
    rest_is_due: bool,
    start: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Starts the thread, and counts what `writer` commits.
    pub fn start(file: &Path, writer: &mut Connection) -> Result<Self, Error> {
        let pages = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&pages);
        let count = move |_: &mut rusqlite::hooks::Wal, pages| {
            counted.store(u32::try_from(pages).unwrap_or(u32::MAX), Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(count)).map_err(|error| Error::Open(told(&error)))?;
        let conn = connection::checkpointer(file)?;
        let is_running = Arc::new(AtomicBool::new(false));
        let running = Arc::clone(&is_running);
        let (start, started) = sync_channel(1);
        let work = move || {
            while started.recv().is_ok() {
                passive(&conn);
                running.store(false, Ordering::Release);
            }
        };
        let thread = thread::Builder::new().name("checkpoint".to_owned()).spawn(work);
        let thread = thread.map_err(|error| Error::Open(format!("no thread for checkpoints: {error}")))?;
        Ok(Self { pages, is_running, rest_is_due: false, start: Some(start), thread: Some(thread) })
    }

    /// What is to be done between two groups.
    pub fn rest(&mut self, writer: &Connection) {
        if self.is_running.load(Ordering::Acquire) {
            return;
        }
        let pages = self.pages.load(Ordering::Relaxed);
        if pages >= RESTART_PAGES {
            checkpoint(writer, "PRAGMA wal_checkpoint(RESTART)");
            self.rest_is_due = false;
        } else if self.rest_is_due {
            passive(writer);
            self.rest_is_due = false;
        } else if pages >= START_PAGES {
            self.is_running.store(true, Ordering::Release);
            self.rest_is_due = true;
            // The thread ends only when this does.
            let _ended = self.start.as_ref().map(|start| start.try_send(()));
        }
    }

    /// Ends the thread, then empties the log.
    pub fn close(&mut self, writer: &Connection) {
        self.start = None;
        let _ended = self.thread.take().map(JoinHandle::join);
        checkpoint(writer, "PRAGMA wal_checkpoint(TRUNCATE)");
    }
}

fn passive(conn: &Connection) {
    checkpoint(conn, "PRAGMA wal_checkpoint(PASSIVE)");
}

fn checkpoint(conn: &Connection, pragma: &str) {
    // A checkpoint that fails has lost nothing: what it did not copy stays in the log.
    if let Err(error) = conn.query_row(pragma, [], |_| Ok(())) {
        tracing::warn!(error = told(&error), "a checkpoint failed");
    }
}
