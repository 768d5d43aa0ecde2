//! The store in a PostgreSQL that many programs share. See `docs/adr/0006-postgresql-by-lanes.md`.

mod admin;
mod budgets;
mod columns;
mod connect;
mod distribute;
mod fault;
mod health;
mod inspect;
mod lane;
mod locks;
mod migrate;
mod news;
mod read;
mod readers;
mod relocate;
mod snapshots;
mod store;
mod tls;
mod turns;
#[cfg(test)]
mod upgrades;
mod verify;

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Aid, Clock, Order};
use tokio::sync::{Mutex, oneshot};

use crate::committer::{Answer, Committer, Limits};
use crate::migration::Migration;
use crate::{Error, PinChecker};
use connect::{Purpose, Target};
use health::Health;
pub use inspect::PostgresInspected;
use lane::Lane;
pub use migrate::Planned;
use news::Listening;
use readers::Readers;
pub(crate) use snapshots::PostgresSnapshots;
use turns::Turns;

/// How long a group waits at most for as many orders as came together before: some eleven statements and a commit cost
/// the same for one as for many.
const PATIENCE: Duration = Duration::from_millis(2);

/// What an operator may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresSettings {
    /// How much may wait to be written, in all lanes together.
    pub limits: Limits,
    /// Connections that write. Each more makes the groups smaller that share a commit.
    pub lanes: usize,
    /// Connections that read.
    pub readers: usize,
    /// How long one statement that reads may take.
    pub read_time_max: Duration,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            limits: Limits { one_account: true, patience: PATIENCE, ..Limits::default() },
            lanes: 2,
            readers: 8,
            read_time_max: Duration::from_secs(3),
        }
    }
}

/// Cards, clients and keys in a PostgreSQL.
pub struct PostgresStore {
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    readers: Readers,
    /// Shared with whoever closes them, which takes a thread.
    lanes: Arc<[Committer<Lane>]>,
    listening: Listening,
    turns: Turns,
    /// When a check last found that the store works.
    worked_at: Mutex<Option<Instant>>,
}

impl PostgresStore {
    /// Connects to the database of a `postgres://` URL, makes sure that it keeps what it commits, and brings its
    /// schema up to date. The URL's `sslmode` and `sslrootcert` are those of libpq.
    ///
    /// `pin_check` compares the PINs that orders present.
    pub async fn open(
        url: &str,
        clock: Arc<dyn Clock>,
        settings: PostgresSettings,
        pin_check: PinChecker,
    ) -> Result<Arc<Self>, Error> {
        Self::open_with(migrate::MIGRATIONS, url, clock, settings, pin_check).await
    }

    /// Opens as a program whose schema these steps lead to.
    async fn open_with(
        steps: &[Migration],
        url: &str,
        clock: Arc<dyn Clock>,
        settings: PostgresSettings,
        pin_check: PinChecker,
    ) -> Result<Arc<Self>, Error> {
        let target = Arc::new(Target::of(url)?);
        migrate::take(&target, steps, clock.now()).await?;
        let listening = Listening::start(Arc::clone(&target)).await?;
        // Now that no move can begin.
        relocate::refuse_marked(&target.connect(Purpose::Schema).await?.client).await?;
        let health = Health::new(Arc::clone(&target));
        let readers = Readers::of(&target, Arc::clone(&health), settings.readers, settings.read_time_max)?;
        let count = settings.lanes.max(1);
        let mut lanes = Vec::with_capacity(count);
        for _ in 0..count {
            let lane = Lane::new(Arc::clone(&target), Arc::clone(&health), Arc::clone(&pin_check));
            let lane = Committer::start(lane, Arc::clone(&clock), share(settings.limits, count))
                .map_err(|error| Error::Open(format!("no thread for a lane: {error}")))?;
            lanes.push(lane);
        }
        // Nobody is left to look for the database for.
        connect(&lanes).await.inspect_err(|_| health.close())?;
        let (lanes, turns, worked_at) = (lanes.into(), Turns::new(target), Mutex::new(None));
        Ok(Arc::new(Self { clock, health, readers, lanes, listening, turns, worked_at }))
    }

    fn submitted(
        &self,
        aid: Aid,
        order: Order,
        deadline: Instant,
    ) -> Result<oneshot::Receiver<Answer>, Error> {
        self.health.check()?;
        let lane = self.lanes.get(lane::lane_of(aid, &order.command, self.lanes.len()));
        let lane = lane.ok_or_else(|| Error::Internal("a store without lanes".to_owned()))?;
        lane.submit(aid, order, deadline)
    }
}

/// Connects every lane, so that none fails to connect later for a reason that was there at the start.
async fn connect(lanes: &[Committer<Lane>]) -> Result<(), Error> {
    let connecting: Result<Vec<_>, Error> =
        lanes.iter().map(|lane| lane.run(|lane| (lane.connect(), true))).collect();
    for connected in connecting? {
        answered(connected).await?;
    }
    Ok(())
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        // Nobody is left to look for the database for.
        self.health.close();
    }
}

/// The part of all limits that is one lane's.
fn share(limits: Limits, lanes: usize) -> Limits {
    Limits {
        orders_max: limits.orders_max.div_ceil(lanes),
        rows_max: limits.rows_max.div_ceil(lanes),
        one_account: true,
        ..limits
    }
}

/// The answer, or that there will be none: what waits when a lane ends is not begun.
async fn answered<T>(answer: oneshot::Receiver<Result<T, Error>>) -> Result<T, Error> {
    let ended = |_| Err(Error::Unavailable("the lane has ended".to_owned()));
    answer.await.unwrap_or_else(ended)
}

#[cfg(test)]
mod tests {
    use super::read::closing;
    use super::{admin, lane};

    #[test]
    fn every_statement_names_one_account() {
        let locks = [closing::TRY_LOCK, closing::LOCK];
        for sql in lane::statements().chain(admin::STATEMENTS).chain(locks) {
            let (table, is_insert) = match sql.strip_prefix("INSERT INTO ") {
                Some(rest) => (rest.split_once(' ').map_or("", |(_, rest)| rest), true),
                None => (sql, false),
            };
            let names_one = if is_insert {
                table.starts_with("(aid, ") && (sql.contains("SELECT $1, ") || sql.contains("VALUES ($1, "))
            } else {
                sql.contains("aid = $1")
            };
            assert!(names_one, "{sql}");
        }
    }
}
