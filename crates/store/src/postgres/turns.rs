//! Turns at jobs that one program on the database does at a time.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::connect::{Connection, Purpose, Target};
use super::fault::{Fault, told};
use crate::{Error, Turn};

/// A lock of the session, and not of a transaction, which would stand open for as long as the job takes.
const TAKE: &str = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";

const LET_GO: &str = "SELECT pg_advisory_unlock(hashtextextended($1, 0))";

/// A program that stands still lets go of its turns after this long. A job that goes on for longer may then be done
/// by two at once, which costs work and nothing else.
const IDLE: &str = "SET idle_session_timeout = '2min'";

const STATEMENT_MAX: Duration = Duration::from_secs(3);

/// The jobs that this program is at.
type Jobs = Arc<std::sync::Mutex<HashSet<String>>>;

/// The connection that holds this program's turns.
pub struct Turns {
    target: Arc<Target>,
    connection: Mutex<Option<Arc<Connection>>>,
    /// To the database, what a session holds it may take once more.
    taken: Jobs,
}

impl Turns {
    /// Connects when a turn is first asked for.
    pub fn new(target: Arc<Target>) -> Self {
        Self { target, connection: Mutex::default(), taken: Arc::default() }
    }

    /// A turn at a job, unless anybody has it.
    pub async fn try_turn(&self, job: &str) -> Result<Option<Turn>, Error> {
        let Some(taken) = Taken::of(job, &self.taken) else {
            return Ok(None);
        };
        let connection = self.connection().await?;
        let row = connection.client.query_one(TAKE, &[&job]).await;
        let is_mine: bool =
            row.and_then(|row| row.try_get(0)).map_err(|error| Fault::Sql(error).into_error())?;
        Ok(is_mine.then(|| Turn::holding(Held { connection, taken: Some(taken) })))
    }

    /// The connection, a new one where there is none that works.
    async fn connection(&self) -> Result<Arc<Connection>, Error> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_ref().filter(|connection| !connection.client.is_closed()) {
            return Ok(connection.clone());
        }
        let connection = self.target.connect(Purpose::Read(STATEMENT_MAX)).await?;
        connection.client.batch_execute(IDLE).await.map_err(|error| Fault::Sql(error).into_error())?;
        let connection = Arc::new(connection);
        *kept = Some(connection.clone());
        Ok(connection)
    }
}

/// A job that this program is at.
struct Taken {
    job: String,
    all: Jobs,
}

impl Taken {
    fn of(job: &str, all: &Jobs) -> Option<Self> {
        let is_free = all.lock().unwrap_or_else(PoisonError::into_inner).insert(job.to_owned());
        is_free.then(|| Self { job: job.to_owned(), all: all.clone() })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.job);
    }
}

/// The lock of a job, which ends when this is dropped.
struct Held {
    connection: Arc<Connection>,
    taken: Option<Taken>,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Without a runtime there is no connection any more, and with it went the lock.
        let (Some(taken), Ok(runtime)) = (self.taken.take(), Handle::try_current()) else {
            return;
        };
        let connection = self.connection.clone();
        runtime.spawn(async move {
            // Where this fails, the connection is lost, and with it the lock.
            if let Err(error) = connection.client.execute(LET_GO, &[&taken.job]).await {
                tracing::debug!(error = told(&error), "a turn ended with its connection");
            }
        });
    }
}
