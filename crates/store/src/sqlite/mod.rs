//! The store in a data directory: one SQLite database, one writer.

mod admin;
mod audit;
mod backup;
mod cards;
mod checkpoint;
mod closing;
mod columns;
pub(crate) mod connection;
mod fault;
mod files;
mod inspect;
mod liability;
mod load;
mod migrate;
mod persist;
mod read;
mod relocate;
mod reports;
mod snapshots;
mod store;
#[cfg(test)]
mod tests;
mod transactions;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::Clock;
use rusqlite::Connection;
use tokio::sync::{Mutex, oneshot};

use crate::committer::{Committer, Limits};
use crate::relocate::refuse_marked;
use crate::{Error, PinChecker, SigningKey};
use checkpoint::Checkpoints;
use fault::Fault;
use files::Files;
use read::Readers;
use reports::{CLOSING_MAX, REPORT_MAX, Reports};
pub(crate) use snapshots::SqliteSnapshots;
use writer::Writer;

/// What an operator may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteSettings {
    /// How much may wait to be written.
    pub limits: Limits,
    /// The page cache of the connection that writes, in MiB.
    pub cache_mib: u32,
    /// Connections that read.
    pub readers: usize,
    /// How long one read may take.
    pub read_time_max: Duration,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self { limits: Limits::default(), cache_mib: 128, readers: 4, read_time_max: Duration::from_secs(3) }
    }
}

/// Cards, clients and keys in one SQLite database.
pub struct SqliteStore {
    files: Files,
    clock: Arc<dyn Clock>,
    // Closed before the connection that writes, which tidies up as the last one.
    readers: Readers,
    reports: Reports,
    closings: Reports,
    /// Absent where the store was opened for reading only.
    committer: Option<Arc<Committer<Writer>>>,
    /// When a check last found that the store works.
    worked_at: Mutex<Option<Instant>>,
}

impl SqliteStore {
    /// Opens the database of a data directory, both made where there is none, and keeps every other process
    /// from writing to it. Call it where blocking is allowed.
    ///
    /// `pin_check` compares the PINs that orders present.
    pub fn open(
        dir: &Path,
        clock: Arc<dyn Clock>,
        settings: SqliteSettings,
        pin_check: PinChecker,
    ) -> Result<Arc<Self>, Error> {
        let files = Files::of(dir);
        files.make_directory()?;
        let lock = files.lock()?;
        files.make_database()?;
        let cache_kib = settings.cache_mib.saturating_mul(1_024);
        let mut conn = connection::writer(&files.database, cache_kib)?;
        migrate::run(&mut conn, clock.now())?;
        let mut look = SqliteSnapshots(conn);
        refuse_marked(&mut look)?;
        let SqliteSnapshots(mut conn) = look;
        let readers = Readers::open(&files.database, settings.readers, settings.read_time_max)?;
        let checkpoints = Checkpoints::start(&files.database, &mut conn)?;
        let writer = Writer::new(conn, checkpoints, lock, pin_check);
        let committer = Committer::start(writer, Arc::clone(&clock), settings.limits)
            .map_err(|error| Error::Open(format!("no thread for the committer: {error}")))?;
        Ok(Arc::new(Self::new(files, clock, readers, Some(committer))))
    }

    /// Opens the database for reading only, whether or not another process writes to it.
    pub fn open_read_only(
        dir: &Path,
        clock: Arc<dyn Clock>,
        settings: SqliteSettings,
    ) -> Result<Arc<Self>, Error> {
        let files = Files::of(dir);
        let readers = Readers::open(&files.database, settings.readers, settings.read_time_max)?;
        migrate::check_current(&connection::reader(&files.database, 1_024)?)?;
        Ok(Arc::new(Self::new(files, clock, readers, None)))
    }

    fn new(
        files: Files,
        clock: Arc<dyn Clock>,
        readers: Readers,
        committer: Option<Committer<Writer>>,
    ) -> Self {
        let reports = Reports::of(&files.database, REPORT_MAX);
        let closings = Reports::of(&files.database, CLOSING_MAX);
        let committer = committer.map(Arc::new);
        Self { files, clock, readers, reports, closings, committer, worked_at: Mutex::new(None) }
    }

    /// Copies a backup into a data directory that holds no database, and verifies it.
    pub fn restore(from: &Path, dir: &Path) -> Result<(), Error> {
        let files = Files::of(dir);
        files.make_directory()?;
        let _lock = files.lock()?;
        backup::restore(from, &files.database)
    }

    /// The database file.
    pub fn database_file(&self) -> PathBuf {
        self.files.database.clone()
    }

    fn committer(&self) -> Result<&Committer<Writer>, Error> {
        let read_only = || Error::Unavailable("the store was opened for reading only".to_owned());
        self.committer.as_deref().ok_or_else(read_only)
    }

    /// Reads, unless a commit had an unknown outcome: what is seen then may not be there after a restart.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.check_sound()?;
        self.readers.read(work).await
    }

    /// Reads many rows in the same way.
    async fn list<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.check_sound()?;
        self.readers.list(work).await
    }

    fn check_sound(&self) -> Result<(), Error> {
        self.committer.as_deref().map_or(Ok(()), Committer::check_sound)
    }

    /// Writes what is no order, in its turn and in a transaction of its own.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let answer = self.committer()?.run(move |writer| writer.transact(work))?;
        answered(answer).await
    }
}

/// The answer, or that there will be none: what waits when the store fails is not begun.
async fn answered<T>(answer: oneshot::Receiver<Result<T, Error>>) -> Result<T, Error> {
    let ended = |_| Err(Error::Unavailable("the committer has ended".to_owned()));
    answer.await.unwrap_or_else(ended)
}
