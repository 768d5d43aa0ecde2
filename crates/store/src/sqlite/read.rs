//! Connections that read, off the threads that must not wait.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::connection;
use super::fault::Fault;
use crate::Error;

/// The page cache of each, in KiB. What they read is mostly in the system's cache.
const CACHE_KIB: u32 = 8 * 1_024;

/// Steps of SQLite's machine between two looks at whether a read must end: well under a millisecond.
pub const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// A handful of connections.
pub struct Readers {
    file: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    count: usize,
    permits: Arc<Semaphore>,
    /// Lists take their time; so that a single card never waits for them all, they have half of the connections.
    list_permits: Arc<Semaphore>,
    time_max: Duration,
}

/// What a read holds until it has ended, whether or not its caller still waits.
struct Turn {
    _connection: OwnedSemaphorePermit,
    _list: Option<OwnedSemaphorePermit>,
}

impl Readers {
    /// Opens them all, so that none fails to open later.
    pub fn open(file: &Path, count: usize, time_max: Duration) -> Result<Self, Error> {
        let count = count.max(1);
        let connections: Result<Vec<_>, _> =
            (0..count).map(|_| connection::reader(file, CACHE_KIB)).collect();
        Ok(Self {
            file: file.to_owned(),
            idle: Arc::new(Mutex::new(connections?)),
            count,
            permits: Arc::new(Semaphore::new(count)),
            list_permits: Arc::new(Semaphore::new((count / 2).max(1))),
            time_max,
        })
    }

    /// Reads in one transaction, which sees everything answered before it began.
    ///
    /// One that takes too long, or whose caller went away, is ended: an open read keeps the write-ahead log
    /// from being used anew, and it grows meanwhile.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = async { Ok(Turn { _connection: permit(&self.permits).await?, _list: None }) };
        self.read_in(turn, work).await
    }

    /// Reads many rows, as [`Readers::read`] does, but in a turn of its own kind.
    pub async fn list<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = async {
            let list = permit(&self.list_permits).await?;
            Ok(Turn { _connection: permit(&self.permits).await?, _list: Some(list) })
        };
        self.read_in(turn, work).await
    }

    async fn read_in<T: Send + 'static>(
        &self,
        turn: impl Future<Output = Result<Turn, Error>>,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let turn = timeout(self.time_max, turn).await.map_err(|_| Error::Overloaded)??;
        let end = EndOnDrop(Arc::new(AtomicBool::new(false)));
        let (must_end, idle, file) = (Arc::clone(&end.0), Arc::clone(&self.idle), self.file.clone());
        let mut reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let pooled = lock(&idle).pop();
            let mut conn = match pooled {
                Some(conn) => conn,
                // A read that panicked, or could not be ended, took its connection along.
                None => connection::reader(&file, CACHE_KIB)?,
            };
            let answer = watched(&mut conn, must_end, work);
            if conn.is_autocommit() {
                lock(&idle).push(conn);
            }
            answer
        });
        let in_time = timeout(self.time_max, &mut reading).await;
        let ended = match in_time {
            Ok(ended) => ended,
            Err(_too_long) => {
                end.0.store(true, Ordering::Relaxed);
                reading.await
            }
        };
        ended.unwrap_or_else(|_| Err(Error::Internal("a read ended by a panic".to_owned())))
    }

    /// Refuses every read from now on, and closes the connections when those under way have ended.
    pub async fn close(&self) {
        self.list_permits.close();
        let all = u32::try_from(self.count).unwrap_or(u32::MAX);
        // It fails where they were closed before.
        let _nobody_reads = self.permits.acquire_many(all).await;
        self.permits.close();
        lock(&self.idle).clear();
    }
}

async fn permit(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
    let closed = |_| Error::Unavailable("the store is closed".to_owned());
    Arc::clone(permits).acquire_owned().await.map_err(closed)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn watched<T>(
    conn: &mut Connection,
    must_end: Arc<AtomicBool>,
    work: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Error> {
    let read = |conn: &mut Connection| {
        let looks = move || must_end.load(Ordering::Relaxed);
        conn.progress_handler(STEPS_BETWEEN_LOOKS, Some(looks))?;
        let transaction = conn.transaction()?;
        let answer = work(&transaction)?;
        transaction.commit()?;
        Ok(answer)
    };
    read(conn).map_err(Fault::into_error)
}

/// Tells a read to end when nobody waits for it any more.
pub struct EndOnDrop(pub Arc<AtomicBool>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
