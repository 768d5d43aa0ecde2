//! One lane: a connection of its own, on which groups of one account's orders are carried out one after the other.

mod choice;
mod load;
mod outcome;
mod persist;
mod query;

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Aid, Changes, Decision, Order, Refusal, Timestamp, decide};
use tokio::runtime::{Builder, Runtime};

use super::connect::{Purpose, Target};
use super::fault::Fault;
use super::health::Health;
use crate::committer::{Answer, Carrier, Done, Outcome, Stop};
use crate::{Error, PinChecker};
pub use choice::lane_of;
use load::{Loaded, text};
use outcome::{Ending, Witness};
pub use persist::{account, client};
use query::Session;
pub use query::{Param, Query};

/// The one index that may refuse a row without anybody's fault.
const TOKEN_BY_MAC: &str = "token_by_mac";

const COMMIT: &str = "COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// Makes the plans of prepared statements anew.
const FORGET_PLANS: &str = "DISCARD PLANS";

/// How old a plan gets at most: tables may have grown meanwhile.
const PLANS_LAST: Duration = Duration::from_secs(10);

/// How old the instant gets at most that a group is dated by. A closing waits for the groups that share the account,
/// and comes minutes after the end of its day: what begins to share it later must not be dated within that day.
const DATED_MAX: Duration = Duration::from_secs(60);

/// How often a group is carried out together, where others are in its way, before its orders go one by one; and how
/// often each of those is.
const TRIES_TOGETHER: u32 = 2;
const TRIES_ALONE: u32 = 3;

/// Carries out groups on a connection of its own.
pub struct Lane {
    target: Arc<Target>,
    health: Arc<Health>,
    pin_check: PinChecker,
    /// The lane's thread drives its connection itself: nobody need be woken for a message to come through. Made in
    /// that thread, and dropped there.
    runtime: Option<Runtime>,
    session: Option<Session>,
    planned_at: Instant,
    /// When the instant was taken that the orders at hand are dated by.
    dated_at: Instant,
}

/// Why orders were not carried out together.
enum Failure {
    /// They may be when it is tried again; what it means if not.
    Again(Stop),
    /// There is no use in trying it again.
    Stopped(Stop),
}

/// What came of carrying out orders.
struct Finished {
    answers: Vec<Answer>,
    has_committed: bool,
}

impl Carrier for Lane {
    fn carry_out(&mut self, accounts: Vec<(Aid, Vec<Order>)>, server_now: Timestamp) -> Outcome {
        self.dated_at = Instant::now();
        let mut outcome = Outcome { answers: Vec::new(), has_committed: false, is_sound: true };
        for (aid, orders) in accounts {
            let count = orders.len();
            let finished = self.with_runtime(async |lane| lane.group(aid, orders, server_now).await);
            match finished {
                Ok(finished) => {
                    outcome.answers.extend(finished.answers);
                    outcome.has_committed |= finished.has_committed;
                }
                Err(error) => outcome.answers.extend((0..count).map(|_| Err(error.clone()))),
            }
        }
        outcome
    }

    fn rest(&mut self) {
        if self.planned_at.elapsed() < PLANS_LAST {
            return;
        }
        self.planned_at = Instant::now();
        // A connection that fails here is found out by the next group.
        let _planned = self.with_runtime(async |lane| lane.plain(FORGET_PLANS).await);
    }

    fn close(&mut self) {
        self.session = None;
    }
}

impl Lane {
    /// A lane that connects when it is asked to.
    pub fn new(target: Arc<Target>, health: Arc<Health>, pin_check: PinChecker) -> Self {
        let now = Instant::now();
        Self { target, health, pin_check, runtime: None, session: None, planned_at: now, dated_at: now }
    }

    /// Connects, unless it is connected.
    pub fn connect(&mut self) -> Result<(), Error> {
        self.with_runtime(async |lane| lane.session().await.map(|_| ()))?
    }

    fn with_runtime<T>(&mut self, work: impl AsyncFnOnce(&mut Self) -> T) -> Result<T, Error> {
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| Error::Unavailable(format!("no runtime for a lane: {error}")))?,
        };
        let answer = runtime.block_on(work(self));
        self.runtime = Some(runtime);
        Ok(answer)
    }

    /// The connection; a new one where there is none.
    async fn session(&mut self) -> Result<&mut Session, Error> {
        self.health.check()?;
        let session = match self.session.take() {
            Some(session) => session,
            None => {
                let connected = self.target.connect(Purpose::Lane).await;
                Session::new(connected.map_err(|error| self.lost(error))?)
            }
        };
        Ok(self.session.insert(session))
    }

    fn lost(&self, error: Error) -> Error {
        // A database that must not be relied on any more is as good as none.
        let error = match error {
            Error::Open(why) => Error::Unavailable(why),
            error => error,
        };
        self.health.lost(&error);
        error
    }

    /// Orders of one account: together, or, where one of them spoils it, one by one.
    async fn group(&mut self, aid: Aid, orders: Vec<Order>, server_now: Timestamp) -> Finished {
        let count = orders.len();
        let tries = if count == 1 { TRIES_ALONE } else { TRIES_TOGETHER };
        let stop = match self.tried(aid, &orders, server_now, tries).await {
            Ok(done) => return Finished::of(done),
            Err(stop) => stop,
        };
        match stop {
            Stop::All(error) => Finished::without((0..count).map(|_| Err(error.clone())).collect()),
            Stop::Order(answer) if count == 1 => Finished::without(vec![answer]),
            Stop::Order(_) => self.one_by_one(aid, orders, server_now).await,
        }
    }

    /// Each order in a transaction of its own: one that fails leaves nothing behind.
    async fn one_by_one(&mut self, aid: Aid, orders: Vec<Order>, server_now: Timestamp) -> Finished {
        let mut finished = Finished::without(Vec::with_capacity(orders.len()));
        for order in orders {
            match self.tried(aid, &[order], server_now, TRIES_ALONE).await {
                Ok(done) => {
                    let one = Finished::of(done);
                    finished.answers.extend(one.answers);
                    finished.has_committed |= one.has_committed;
                }
                Err(Stop::Order(answer)) => finished.answers.push(answer),
                Err(Stop::All(error)) => finished.answers.push(Err(error)),
            }
        }
        finished
    }

    /// Carries orders out in one transaction, again where somebody else was in their way.
    async fn tried(
        &mut self,
        aid: Aid,
        orders: &[Order],
        server_now: Timestamp,
        tries: u32,
    ) -> Result<Done, Stop> {
        let mut left = tries;
        loop {
            left = left.saturating_sub(1);
            match self.once(aid, orders, server_now).await {
                Ok(done) => return Ok(done),
                Err(Failure::Again(_)) if left > 0 => {}
                Err(Failure::Again(stop) | Failure::Stopped(stop)) => return Err(stop),
            }
        }
    }

    async fn once(&mut self, aid: Aid, orders: &[Order], server_now: Timestamp) -> Result<Done, Failure> {
        self.session().await.map_err(|error| Failure::Stopped(Stop::All(error)))?;
        let done = self.transact(aid, orders, server_now).await;
        if matches!(&done, Ok(done) if done.has_changes) {
            return done;
        }
        // Nothing to make durable, or nothing to be made so. A connection on which even this fails is given up, and
        // the transaction with it.
        if self.session.is_some() && self.plain(ROLLBACK).await.is_err() {
            self.session = None;
        }
        done
    }

    /// Begins a transaction and, where something changed, commits it.
    async fn transact(&mut self, aid: Aid, orders: &[Order], server_now: Timestamp) -> Result<Done, Failure> {
        let Some(session) = &mut self.session else {
            return Err(unconnected());
        };
        let loaded = match load::world(session, aid, orders, server_now).await {
            Ok(loaded) => loaded,
            Err(fault) => return Err(self.failure(fault)),
        };
        // By now the account is shared; whoever stands still from here on loses the connection, and the share with it.
        if self.dated_at.elapsed() > DATED_MAX {
            return Err(Failure::Stopped(Stop::All(Error::Overloaded)));
        }
        let Loaded { world, kept, xact } = loaded;
        let (decisions, changes) = caught(|| decide(world, orders.to_vec(), server_now, &*self.pin_check))
            .map_err(Failure::Stopped)?;
        if changes.is_empty() {
            return Ok(Done { decisions, has_changes: false });
        }
        let mut queries = match persist::changes(aid, &changes, &kept) {
            Ok(queries) => queries,
            Err(fault) => return Err(self.failure(fault)),
        };
        queries.push(Query::plain(COMMIT));
        self.commit(aid, &queries, &xact, Witness::of(&changes)).await?;
        Ok(Done { decisions, has_changes: true })
    }

    /// Sends all changes and `COMMIT` behind them.
    async fn commit(
        &mut self,
        aid: Aid,
        queries: &[Query<'_>],
        xact: &str,
        witness: Witness,
    ) -> Result<(), Failure> {
        let Some(session) = &mut self.session else {
            return Err(unconnected());
        };
        if let Err(fault) = session.prepare(queries).await {
            return Err(self.failure(fault));
        }
        let Err(failed) = session.ask_prepared(queries).await else {
            return Ok(());
        };
        // What PostgreSQL refuses before it comes to `COMMIT` has ended the transaction; `COMMIT` then rolls it back.
        let is_commit = failed.place.saturating_add(1) == queries.len();
        if !is_commit && failed.fault.state().is_some() {
            return Err(self.failure(failed.fault));
        }
        self.session = None;
        match self.ending(aid, xact, witness).await {
            Ending::Committed => Ok(()),
            Ending::Aborted => {
                let error = failed.fault.into_error();
                Err(Failure::Stopped(Stop::All(Error::Unavailable(format!(
                    "nothing was committed: {error}"
                )))))
            }
            Ending::Unknown => {
                let error = Error::OutcomeUnknown(failed.fault.into_error().to_string());
                tracing::error!(%error, "the outcome of a group is unknown");
                Err(Failure::Stopped(Stop::All(error)))
            }
        }
    }

    /// What a fault means for the orders, nothing of which was done.
    fn failure(&mut self, fault: Fault) -> Failure {
        if fault.is_lost() {
            self.session = None;
            return Failure::Again(Stop::All(fault.into_error()));
        }
        if fault.is_taken(TOKEN_BY_MAC) {
            return Failure::Stopped(Stop::Order(Ok(Err(Refusal::TokenCollision))));
        }
        if fault.is_in_the_way() {
            return Failure::Again(Stop::Order(Err(fault.into_error())));
        }
        if fault.is_too_slow() {
            return Failure::Stopped(Stop::All(Error::Overloaded));
        }
        let is_of_one = fault.is_refused() || !matches!(fault, Fault::Sql(_));
        let error = fault.into_error();
        if is_of_one {
            tracing::error!(%error, "an order could not be carried out");
            return Failure::Stopped(Stop::Order(Err(error)));
        }
        Failure::Stopped(Stop::All(error))
    }

    async fn plain(&mut self, sql: &'static str) -> Result<(), Fault> {
        match &mut self.session {
            Some(session) => session.ask(&[Query::plain(sql)]).await.map(|_| ()),
            None => Ok(()),
        }
    }
}

impl Finished {
    fn of(done: Done) -> Self {
        let Done { decisions, has_changes } = done;
        Self { answers: decisions.into_iter().map(Ok).collect(), has_committed: has_changes }
    }

    fn without(answers: Vec<Answer>) -> Self {
        Self { answers, has_committed: false }
    }
}

/// Whoever connects holds on to the connection until it has failed.
fn unconnected() -> Failure {
    Failure::Again(Stop::All(Error::Unavailable("the lane has no connection".to_owned())))
}

/// What deciding answers, a panic being one order's fault: nothing has been written yet.
fn caught(work: impl FnOnce() -> (Vec<Decision>, Changes)) -> Result<(Vec<Decision>, Changes), Stop> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_panic| {
        tracing::error!("deciding an order panicked");
        Stop::Order(Err(Error::Internal("deciding failed".to_owned())))
    })
}

/// Every statement on the path of an order that names something.
#[cfg(test)]
pub fn statements() -> impl Iterator<Item = &'static str> {
    load::statements().chain(persist::statements()).chain(outcome::STATEMENTS)
}

#[cfg(test)]
mod tests {
    use cluster::Cluster;

    use super::super::{PostgresSettings, PostgresStore};
    use super::*;
    use crate::suite::fixture::{by_id, pin_checker};
    use crate::suite::{Fixture, Opened, TestClock};

    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_dated_by_an_instant_that_a_closing_may_have_passed() {
        let cluster = Cluster::start().expect("a server");
        let url = cluster.create_database().expect("a database");
        let clock = Arc::new(TestClock::default());
        let settings = PostgresSettings::default();
        let store = PostgresStore::open(&url, clock.clone(), settings, pin_checker()).await.expect("a store");
        let f = Fixture::new(Opened { store, keep: Box::new(()) }, clock.clone()).await;
        f.has_card("card", 100).await;

        let target = Arc::new(Target::of(&url).expect("a URL"));
        let mut lane = Lane::new(Arc::clone(&target), Health::new(target), pin_checker());
        let order = f.order(f.draw(by_id("card"), "sale", 1));
        let now = domain::Clock::now(&*clock);
        lane.dated_at = Instant::now().checked_sub(DATED_MAX + Duration::from_secs(1)).expect("an instant");
        let late = lane.group(f.aid, vec![order.clone()], now).await;
        assert_eq!((late.answers, late.has_committed), (vec![Err(Error::Overloaded)], false));
        lane.dated_at = Instant::now();
        let in_time = lane.group(f.aid, vec![order], now).await;
        assert!(matches!(in_time.answers.as_slice(), [Ok(Ok(_))]) && in_time.has_committed);
    }

    #[test]
    fn a_panic_while_deciding_is_the_fault_of_one_order() {
        let stopped = caught(|| panic!("on purpose"));
        assert!(matches!(stopped, Err(Stop::Order(Err(Error::Internal(_))))));
    }
}
