//! A pool of connections for everything that is no order.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod,
    Runtime, TimeoutType,
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::connect::{Purpose, Target, reason, session};
use super::fault::Fault;
use super::health::Health;
use crate::Error;

/// How long a new connection may take.
const CREATE_MAX: Duration = Duration::from_secs(5);

/// PostgreSQL ends a statement when its time is up; so much later nothing more is to be expected of it.
const GRACE: Duration = Duration::from_secs(2);

/// A handful of connections.
pub struct Readers {
    pool: Pool,
    health: Arc<Health>,
    /// Lists take their time; so that a single card never waits for them all, they have half of the connections.
    list_permits: Semaphore,
    time_max: Duration,
}

/// A connection in use. One that is dropped before its work has ended is closed, and the work with it.
pub struct Reader<'r> {
    object: Option<Object>,
    _list: Option<SemaphorePermit<'r>>,
}

impl Readers {
    /// A pool that connects when it is asked to. `time_max` is for one statement.
    pub fn of(target: &Target, health: Arc<Health>, count: usize, time_max: Duration) -> Result<Self, Error> {
        let (config, tls) = target.parts();
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_config(config, tls, recycling);
        let told_first: Arc<str> = session(Purpose::Read(time_max)).into();
        let prepare = Hook::async_fn(move |client: &mut ClientWrapper, _| {
            let told_first = Arc::clone(&told_first);
            Box::pin(async move { client.batch_execute(&told_first).await.map_err(HookError::Backend) })
        });
        let count = count.max(1);
        let pool = Pool::builder(manager)
            .max_size(count)
            .wait_timeout(Some(time_max))
            .create_timeout(Some(CREATE_MAX))
            .recycle_timeout(Some(GRACE))
            .runtime(Runtime::Tokio1)
            .post_create(prepare)
            .build()
            .map_err(|error| Error::Open(format!("no pool of connections: {error}")))?;
        let list_permits = Semaphore::new((count / 2).max(1));
        Ok(Self { pool, health, list_permits, time_max })
    }

    /// A connection, for what is found at once.
    pub async fn reader(&self) -> Result<Reader<'_>, Error> {
        self.take(None).await
    }

    /// A connection in a turn of its own kind, for what goes through many rows.
    pub async fn lister(&self) -> Result<Reader<'_>, Error> {
        let turn = timeout(self.time_max, self.list_permits.acquire()).await;
        let turn = turn.map_err(|_| Error::Overloaded)?;
        self.take(Some(turn.map_err(|_| closed())?)).await
    }

    async fn take<'r>(&'r self, list: Option<SemaphorePermit<'r>>) -> Result<Reader<'r>, Error> {
        self.health.check()?;
        let object = self.pool.get().await.map_err(|error| self.refused(error))?;
        Ok(Reader { object: Some(object), _list: list })
    }

    fn refused(&self, error: PoolError) -> Error {
        let (why, is_away) = match &error {
            PoolError::Timeout(TimeoutType::Wait) => return Error::Overloaded,
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                // A server that refuses one connection more is there.
                (reason(error), error.as_db_error().is_none())
            }
            PoolError::Timeout(_) => ("PostgreSQL does not answer".to_owned(), true),
            PoolError::Closed => return closed(),
            _ => ("no connection could be made".to_owned(), false),
        };
        let why = Error::Unavailable(why);
        if is_away {
            self.health.lost(&why);
        }
        why
    }

    /// Refuses every read from now on.
    pub fn close(&self) {
        self.list_permits.close();
        self.pool.close();
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".to_owned())
}

impl Reader<'_> {
    /// The connection.
    pub fn client(&mut self) -> Result<&mut ClientWrapper, Error> {
        let object = self.object.as_mut().ok_or_else(closed)?;
        Ok(object)
    }

    /// Ends the work, and gives the connection back where it is of use still.
    pub fn ended<T>(mut self, answer: Result<T, Fault>) -> Result<T, Error> {
        if !matches!(&answer, Err(fault) if fault.is_lost()) {
            // Dropped, it goes back to the pool.
            self.object = None;
        }
        answer.map_err(Fault::into_error)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}
