//! Connections that read, each on a thread of its own.
//!
//! While one reads, the next reads gather; so one transaction serves all that came meanwhile, as one commit does for
//! those who write. Beginning a transaction takes and gives back locks of the write-ahead log, and waking a thread
//! costs more still: for a single card both took longer than to look it up.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::connection;
use super::fault::{Fault, told};
use crate::Error;

/// The page cache of each, in KiB. What they read is mostly in the system's cache.
const CACHE_KIB: u32 = 8 * 1_024;

/// Steps of SQLite's machine between two looks at whether a read must end: well under a millisecond.
pub const STEPS_BETWEEN_LOOKS: i32 = 10_000;

/// The most reads of one transaction. Few enough that their answers do not wait long for one another, and that other
/// threads find some left.
const GROUP_MAX: usize = 16;

/// A handful of connections.
pub struct Readers {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    time_max: Duration,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// Lists take their time; so that a single card never waits for them all, they have half of the connections.
    lists_max: usize,
}

#[derive(Default)]
struct State {
    short: VecDeque<Job>,
    lists: VecDeque<Job>,
    lists_under_way: usize,
    is_closed: bool,
}

/// A read that waits for its turn.
struct Job {
    turn: Arc<Turn>,
    work: Work,
}

/// Sends its answer by itself: what it reads, or the error for which there is no reading.
type Work = Box<dyn FnOnce(Result<&Connection, Error>) + Send>;

/// How far a read is, told by one to the other: the thread that reads, and the caller.
#[derive(Default)]
struct Turn(AtomicU8);

const WAITS: u8 = 0;
const READS: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Turn {
    /// Whether the read may begin.
    fn begin(&self) -> bool {
        self.0.compare_exchange(WAITS, READS, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether the read must end.
    fn is_given_up(&self) -> bool {
        self.0.load(Ordering::Relaxed) == GIVEN_UP
    }

    /// Ends the read; answers whether it had begun.
    fn give_up(&self) -> bool {
        self.0.swap(GIVEN_UP, Ordering::AcqRel) == READS
    }
}

/// Ends a read when nobody waits for it any more.
struct GiveUpOnDrop(Arc<Turn>);

impl Drop for GiveUpOnDrop {
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl Readers {
    /// Opens them all, so that none fails to open later.
    pub fn open(file: &Path, count: usize, time_max: Duration) -> Result<Self, Error> {
        let count = count.max(1);
        let lists_max = (count / 2).max(1);
        let shared = Arc::new(Shared { state: Mutex::default(), wake: Condvar::new(), lists_max });
        let readers = Self { shared, threads: Mutex::default(), time_max };
        for _ in 0..count {
            let reader = Reader::open(file)?;
            let shared = Arc::clone(&readers.shared);
            let thread = thread::Builder::new().name("reader".to_owned()).spawn(move || shared.run(reader));
            let thread = thread.map_err(|error| Error::Open(format!("no thread to read: {error}")))?;
            lock(&readers.threads).push(thread);
        }
        Ok(readers)
    }

    /// Reads in one transaction, which sees everything answered before it began.
    ///
    /// One that takes too long, or whose caller went away, is ended: an open read keeps the write-ahead log
    /// from being used anew, and it grows meanwhile.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.wait_for(|state| &mut state.short, work).await
    }

    /// Reads many rows, as [`Readers::read`] does, but in a turn of its own kind.
    pub async fn list<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        self.wait_for(|state| &mut state.lists, work).await
    }

    async fn wait_for<T: Send + 'static>(
        &self,
        line: impl FnOnce(&mut State) -> &mut VecDeque<Job>,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let (sender, mut answer) = oneshot::channel();
        let turn = Arc::new(Turn::default());
        let given_up = GiveUpOnDrop(Arc::clone(&turn));
        let work = Box::new(move |conn: Result<&Connection, Error>| {
            let answer = conn.and_then(|conn| work(conn).map_err(Fault::into_error));
            // A caller that went away misses nothing.
            let _unheard = sender.send(answer);
        });
        self.shared.push(line, Job { turn, work })?;
        let ended = match timeout(self.time_max, &mut answer).await {
            Ok(ended) => ended,
            Err(_too_long) if given_up.0.give_up() => answer.await,
            Err(_too_long) => return Err(Error::Overloaded),
        };
        ended.unwrap_or_else(|_| Err(Error::Internal("a read ended by a panic".to_owned())))
    }

    /// Refuses every read from now on, and closes the connections when those under way have ended.
    pub async fn close(&self) {
        self.shared.close();
        let threads = std::mem::take(&mut *lock(&self.threads));
        let ended =
            tokio::task::spawn_blocking(|| threads.into_iter().for_each(|thread| drop(thread.join())));
        // Panics of reads are caught where they happen; the threads end by themselves.
        let _joined = ended.await;
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl Shared {
    fn push(&self, line: impl FnOnce(&mut State) -> &mut VecDeque<Job>, job: Job) -> Result<(), Error> {
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err(closed());
        }
        line(&mut state).push_back(job);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    fn close(&self) {
        lock(&self.state).is_closed = true;
        self.wake.notify_all();
    }

    fn run(&self, mut reader: Reader) {
        while let Some((jobs, is_list)) = self.next() {
            reader.read(jobs);
            if is_list {
                lock(&self.state).lists_under_way -= 1;
                // Another list may have waited for this one's place.
                self.wake.notify_one();
            }
        }
    }

    /// What to read together, and whether it is a list; none once there will be nothing more.
    fn next(&self) -> Option<(Vec<Job>, bool)> {
        let mut state = lock(&self.state);
        loop {
            if state.lists_under_way < self.lists_max
                && let Some(list) = state.lists.pop_front()
            {
                state.lists_under_way += 1;
                return Some((vec![list], true));
            }
            if !state.short.is_empty() {
                let count = state.short.len().min(GROUP_MAX);
                return Some((state.short.drain(..count).collect(), false));
            }
            if state.is_closed && state.lists.is_empty() {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection and the read that is under way on it.
struct Reader {
    file: PathBuf,
    conn: Connection,
    under_way: Arc<Mutex<Arc<Turn>>>,
}

impl Reader {
    fn open(file: &Path) -> Result<Self, Error> {
        let mut conn = connection::reader(file, CACHE_KIB)?;
        let under_way = Arc::new(Mutex::new(Arc::default()));
        let looked_at = Arc::clone(&under_way);
        let must_end = move || lock::<Arc<Turn>>(&looked_at).is_given_up();
        conn.progress_handler(STEPS_BETWEEN_LOOKS, Some(must_end))
            .map_err(|error| Error::Open(told(&error)))?;
        Ok(Self { file: file.to_owned(), conn, under_way })
    }

    /// Reads for several callers in one transaction. Its snapshot is that of its first read, after all of them came.
    fn read(&mut self, jobs: Vec<Job>) {
        let begun = self.execute("BEGIN");
        let mut is_sound = begun.is_ok();
        for Job { turn, work } in jobs {
            if !turn.begin() {
                continue;
            }
            *lock(&self.under_way) = turn;
            let conn = match &begun {
                Ok(()) => Ok(&self.conn),
                Err(error) => Err(error.clone()),
            };
            is_sound &= panic::catch_unwind(AssertUnwindSafe(|| work(conn))).is_ok();
        }
        *lock(&self.under_way) = Arc::default();
        is_sound &= self.conn.is_autocommit() || self.execute("COMMIT").is_ok();
        if !is_sound {
            self.open_anew();
        }
    }

    fn execute(&self, sql: &str) -> Result<(), Error> {
        let done = self.conn.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        done.map(drop).map_err(|error| Fault::from(error).into_error())
    }

    /// A connection on which a read panicked, or which would not end its transaction, is not trusted again. Where no
    /// other can be had, it stays, and its reads fail until it works.
    fn open_anew(&mut self) {
        match Self::open(&self.file) {
            Ok(fresh) => *self = fresh,
            Err(error) => tracing::error!(%error, "a connection that failed could not be opened anew"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const ENDLESS: &str =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

    fn readers(count: usize, time_max: Duration) -> (Readers, TempDir) {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("a.db");
        std::fs::File::create(&file).expect("a file");
        let writer = connection::writer(&file, 1_024).expect("a database");
        writer
            .execute_batch("CREATE TABLE number (n INTEGER); INSERT INTO number VALUES (7)")
            .expect("a table");
        (Readers::open(&file, count, time_max).expect("readers"), dir)
    }

    fn number(conn: &Connection) -> Result<i64, Fault> {
        Ok(conn.query_row("SELECT n FROM number", [], |row| row.get(0))?)
    }

    fn endless(conn: &Connection) -> Result<i64, Fault> {
        Ok(conn.query_row(ENDLESS, [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn a_read_that_takes_too_long_is_ended_and_one_that_waits_behind_it_is_given_up() {
        let (readers, _dir) = readers(1, Duration::from_millis(50));
        let (slow, behind) = tokio::join!(readers.read(endless), readers.read(number));
        assert_eq!(slow, Err(Error::TookTooLong));
        assert_eq!(behind, Err(Error::Overloaded));
        assert_eq!(readers.read(number).await, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_is_one_readers_alone() {
        let (readers, _dir) = readers(1, Duration::from_secs(10));
        let panicking = readers.read::<i64>(|_| panic!("on purpose"));
        let (panicked, sound) = tokio::join!(panicking, readers.read(number));
        assert!(matches!(panicked, Err(Error::Internal(_))));
        assert_eq!(sound, Ok(7));
        assert_eq!(readers.read(number).await, Ok(7));
    }
}
