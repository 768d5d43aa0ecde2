//! Statements that go to the database together, and come back in one round trip.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::super::connect::{Connection, STATEMENT_MAX};
use super::super::fault::Fault;

/// After which time without an answer a connection is given up: PostgreSQL ends a statement sooner by itself.
const ROUND_TRIP_MAX: Duration = STATEMENT_MAX.saturating_add(Duration::from_secs(1));

/// A value of a statement.
pub type Param<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// A statement with its values.
pub struct Query<'a> {
    /// What is asked.
    pub sql: &'static str,
    /// For `$1` and on.
    pub params: Vec<Param<'a>>,
}

/// Boxes values of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$(Box::new($value) as $crate::postgres::lane::query::Param<'_>),*] };
}

pub(super) use params;

impl Query<'static> {
    /// A statement without values.
    pub fn plain(sql: &'static str) -> Self {
        Self { sql, params: Vec::new() }
    }
}

impl Query<'_> {
    /// The values as the binding takes them.
    pub fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.params.iter().map(|value| -> &(dyn ToSql + Sync) { &**value }).collect()
    }
}

/// A lane's connection and what was prepared on it.
pub struct Session {
    connection: Connection,
    prepared: HashMap<&'static str, Statement>,
}

/// Which of the statements failed, and why.
pub struct Failed {
    /// Its place among those that were sent.
    pub place: usize,
    /// Why.
    pub fault: Fault,
}

impl Session {
    /// A new connection.
    pub fn new(connection: Connection) -> Self {
        Self { connection, prepared: HashMap::new() }
    }

    /// Prepares what has not been, so that nothing waits between the statements of a round trip.
    pub async fn prepare(&mut self, queries: &[Query<'_>]) -> Result<(), Fault> {
        for query in queries {
            if !self.prepared.contains_key(query.sql) {
                let statement = in_time(self.client().prepare(query.sql)).await?;
                self.prepared.insert(query.sql, statement);
            }
        }
        Ok(())
    }

    /// Sends all statements at once, in this order, and waits for the rows of each.
    pub async fn ask(&mut self, queries: &[Query<'_>]) -> Result<Vec<Vec<Row>>, Fault> {
        self.prepare(queries).await?;
        self.ask_prepared(queries).await.map_err(|failed| failed.fault)
    }

    /// The same for statements that have been prepared; what comes after one that fails fails as well.
    pub async fn ask_prepared(&self, queries: &[Query<'_>]) -> Result<Vec<Vec<Row>>, Failed> {
        let mut rounds: Vec<_> = queries
            .iter()
            .map(|query| {
                let params = query.values();
                Round::Waits(Box::pin(async move {
                    match self.prepared.get(query.sql) {
                        Some(statement) => self.client().query(statement, &params).await,
                        None => self.client().query(query.sql, &params).await,
                    }
                }))
            })
            .collect();
        let failed = match timeout(ROUND_TRIP_MAX, poll_fn(|context| poll(&mut rounds, context))).await {
            Ok(None) => return Ok(rounds.into_iter().map(Round::into_rows).collect()),
            Ok(Some(failed)) => failed,
            Err(_) => {
                let place = rounds.iter().position(|round| matches!(round, Round::Waits(_)));
                Failed { place: place.unwrap_or(0), fault: Fault::Silent }
            }
        };
        Err(failed)
    }

    fn client(&self) -> &Client {
        &self.connection.client
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Fault> {
    Ok(timeout(ROUND_TRIP_MAX, work).await.map_err(|_| Fault::Silent)??)
}

/// One statement of a round trip.
enum Round<F> {
    Waits(Pin<Box<F>>),
    Done(Vec<Row>),
}

impl<F> Round<F> {
    fn into_rows(self) -> Vec<Row> {
        match self {
            Self::Waits(_) => Vec::new(),
            Self::Done(rows) => rows,
        }
    }
}

/// Looks at each in its order, which is that in which they are sent: each is sent when it is looked at first.
fn poll<F>(rounds: &mut [Round<F>], context: &mut Context<'_>) -> Poll<Option<Failed>>
where
    F: Future<Output = Result<Vec<Row>, tokio_postgres::Error>>,
{
    let mut some_wait = false;
    for (place, round) in rounds.iter_mut().enumerate() {
        let Round::Waits(rows) = round else { continue };
        match rows.as_mut().poll(context) {
            Poll::Pending => some_wait = true,
            Poll::Ready(Ok(rows)) => *round = Round::Done(rows),
            Poll::Ready(Err(error)) => {
                return Poll::Ready(Some(Failed { place, fault: Fault::Sql(error) }));
            }
        }
    }
    if some_wait { Poll::Pending } else { Poll::Ready(None) }
}
