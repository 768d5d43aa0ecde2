//! Reads of many cards: one at a time, on connections of their own, and with more time than others.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use domain::{Aid, Timestamp};
use rusqlite::Connection;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::spawn_blocking;

use super::closing;
use super::fault::Fault;
use super::read::{EndOnDrop, STEPS_BETWEEN_LOOKS};
use super::{SqliteStore, answered, connection};
use crate::Error;
use crate::closings::Closing;

/// The page cache of each connection, in KiB.
const CACHE_KIB: u32 = 8 * 1_024;

/// How long a report may take. An open read keeps the write-ahead log from being used anew.
pub const REPORT_MAX: Duration = Duration::from_secs(60);

/// How long it may take to see what was owed when a day ended: a day that is not closed holds up all that follow.
pub const CLOSING_MAX: Duration = Duration::from_secs(15 * 60);

/// How long one waits for the one before it.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Whose turn it is.
pub struct Reports {
    file: PathBuf,
    turn: Semaphore,
    time_max: Duration,
}

impl Reports {
    /// Of a database, each no longer than `time_max`.
    pub fn of(file: &Path, time_max: Duration) -> Self {
        Self { file: file.to_owned(), turn: Semaphore::new(1), time_max }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Error> {
        let turn = tokio::time::timeout(WAIT_MAX, self.turn.acquire()).await;
        turn.map_err(|_| Error::Overloaded)?.map_err(|_| Error::Unavailable("the store is closed".to_owned()))
    }
}

impl SqliteStore {
    /// Reads side by side on so many connections, of which all see the same.
    pub(super) async fn report<T: Send + 'static>(
        &self,
        count: usize,
        work: impl FnOnce(&mut [Connection]) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.read_in_turn(&self.reports, count, work).await
    }

    /// The closings that are due, which no report waits for.
    pub(super) async fn closings_due(&self, aid: Aid, now: Timestamp) -> Result<Vec<Closing>, Error> {
        let due = move |conns: &mut [Connection]| match conns {
            [conn, ..] => closing::due(conn, aid, now),
            [] => Ok(Vec::new()),
        };
        self.read_in_turn(&self.closings, 1, due).await
    }

    async fn read_in_turn<T: Send + 'static>(
        &self,
        reports: &Reports,
        count: usize,
        work: impl FnOnce(&mut [Connection]) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let _turn = reports.turn().await?;
        // Given up when nobody waits for it any more.
        let end = EndOnDrop(Arc::new(AtomicBool::new(false)));
        let (must_end, file) = (Arc::clone(&end.0), reports.file.clone());
        let deadline = Instant::now() + reports.time_max;
        let count = if self.committer.is_some() { count } else { 1 };
        let opening = spawn_blocking(move || open(&file, count, deadline, &must_end));
        let conns = opening.await.unwrap_or_else(|_| Err(panicked()))?;
        let mut conns = self.begun(conns).await?;
        let reading = spawn_blocking(move || work(&mut conns).map_err(Fault::into_error));
        reading.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// The connections, each within a read of its own. Begun in the turn of the connection that writes, so that no
    /// commit lies between them.
    async fn begun(&self, conns: Vec<Connection>) -> Result<Vec<Connection>, Error> {
        let Some(committer) = &self.committer else {
            return begin(conns).map_err(Fault::into_error);
        };
        committer.check_sound()?;
        let begun = committer.run(move |_writer| (begin(conns).map_err(Fault::into_error), true))?;
        answered(begun).await
    }
}

fn open(
    file: &Path,
    count: usize,
    deadline: Instant,
    must_end: &Arc<AtomicBool>,
) -> Result<Vec<Connection>, Error> {
    let open_one = |_| {
        let mut conn = connection::reader(file, CACHE_KIB)?;
        let must_end = Arc::clone(must_end);
        let looks = move || must_end.load(Ordering::Relaxed) || Instant::now() >= deadline;
        conn.progress_handler(STEPS_BETWEEN_LOOKS, Some(looks))
            .map_err(|error| Fault::from(error).into_error())?;
        Ok(conn)
    };
    (0..count.max(1)).map(open_one).collect()
}

fn begin(conns: Vec<Connection>) -> Result<Vec<Connection>, Fault> {
    for conn in &conns {
        conn.execute_batch("BEGIN")?;
        // What a transaction sees is settled by its first read.
        conn.query_row("SELECT max(version) FROM schema", [], |_| Ok(()))?;
    }
    Ok(conns)
}

fn panicked() -> Error {
    Error::Internal("a report ended by a panic".to_owned())
}
