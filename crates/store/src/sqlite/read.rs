//! Connections that read, off the threads that must not wait.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connection;
use super::fault::Fault;
use crate::Error;

/// The page cache of each, in KiB. What they read is mostly in the system's cache.
const CACHE_KIB: u32 = 8 * 1_024;

/// Steps of SQLite's machine between two looks at whether a read must end: well under a millisecond.
const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// A handful of connections.
pub struct Readers {
    file: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    time_max: Duration,
}

impl Readers {
    /// Opens them all, so that none fails to open later.
    pub fn open(file: &Path, count: usize, time_max: Duration) -> Result<Self, Error> {
        let connections: Result<Vec<_>, _> =
            (0..count.max(1)).map(|_| connection::reader(file, CACHE_KIB)).collect();
        let connections = connections?;
        Ok(Self {
            file: file.to_owned(),
            permits: Arc::new(Semaphore::new(connections.len())),
            idle: Arc::new(Mutex::new(connections)),
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
        let permit = tokio::time::timeout(self.time_max, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| Error::Overloaded)?
            .map_err(|_| gone())?;
        let end = EndOnDrop(Arc::new(AtomicBool::new(false)));
        let (must_end, idle, file) = (Arc::clone(&end.0), Arc::clone(&self.idle), self.file.clone());
        let mut reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
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
        let in_time = tokio::time::timeout(self.time_max, &mut reading).await;
        let ended = match in_time {
            Ok(ended) => ended,
            Err(_too_long) => {
                end.0.store(true, Ordering::Relaxed);
                reading.await
            }
        };
        ended.unwrap_or_else(|_| Err(Error::Internal("a read ended by a panic".to_owned())))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gone() -> Error {
    Error::Unavailable("the store is closed".to_owned())
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
struct EndOnDrop(Arc<AtomicBool>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
