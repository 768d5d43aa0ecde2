//! What becomes of orders while the database goes away and comes back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cluster::{Cluster, Cut, Proxy, Weather, sql};
use domain::Refusal;
use store::suite::fixture::{by_id, pin_checker};
use store::suite::{Fixture, Opened, TestClock};
use store::{Error, PostgresSettings, PostgresStore, Store};

/// How soon orders are taken again once the database is back.
const BACK_MAX: Duration = Duration::from_secs(5);

/// Cuts every connection of a store.
const CUT: &str =
    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name = 'gavekort'";

/// A server of one's own, since it is let fall.
struct Server {
    cluster: Cluster,
    database: String,
}

impl Server {
    fn start() -> Self {
        let cluster = Cluster::start().expect("a PostgreSQL server");
        let database = cluster.create_database().expect("a database");
        Self { cluster, database }
    }

    async fn store(&self, url: &str) -> Fixture {
        let clock = Arc::new(TestClock::default());
        let settings = PostgresSettings { lanes: 2, ..PostgresSettings::default() };
        let store = PostgresStore::open(url, clock.clone(), settings, pin_checker()).await.expect("a store");
        let store: Arc<dyn Store> = store;
        Fixture::new(Opened { store, keep: Box::new(()) }, clock).await
    }

    fn ask(&self, question: &str) -> Vec<Vec<Option<String>>> {
        let rows = sql(&self.database, question).expect("an answer");
        rows.into_iter().map(|row| row.into_iter().collect()).collect()
    }

    /// How many transactions have this reference.
    fn count(&self, reference: &str) -> usize {
        self.ask(&format!("SELECT seq FROM card_transaction WHERE ref_id = '{reference}'")).len()
    }
}

/// Waits until the store has found its database again.
async fn back(f: &Fixture) {
    let begun = Instant::now();
    while f.store.check().await.is_err() {
        assert!(begun.elapsed() < BACK_MAX, "found again");
        tokio::task::yield_now().await;
    }
}

async fn draws(f: &Fixture, reference: &str) -> Result<Result<(), Refusal>, Error> {
    let order = f.order(f.draw(by_id("card"), reference, 1));
    Ok(f.try_submit(f.aid, order).await?.map(|_| ()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_killed_takes_orders_again_soon_after_it_is_back() {
    let server = Server::start();
    let f = server.store(&server.database).await;
    f.has_card("card", 100).await;
    server.cluster.kill().expect("killed");
    assert!(matches!(draws(&f, "while away").await, Err(Error::Unavailable(_))));
    let began = Instant::now();
    assert!(matches!(draws(&f, "still away").await, Err(Error::Unavailable(_))));
    assert!(began.elapsed() < Duration::from_millis(50), "it is known to be away");
    server.cluster.start_again().expect("started again");
    back(&f).await;
    assert_eq!(draws(&f, "back").await, Ok(Ok(())));
    assert_eq!(f.read("card").await.card.drawdown, domain::Amount::try_from(1).expect("an amount"));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_between_orders_cost_none() {
    let server = Server::start();
    let f = server.store(&server.database).await;
    f.has_card("card", 100).await;
    server.ask(CUT);
    assert_eq!(draws(&f, "cut").await, Ok(Ok(())));
}

/// What `gavekort move` takes before it reads the first row.
const HAVE_ALONE: &str = "SELECT pg_advisory_lock(3::bigint << 40)";

/// Takes a database for oneself that is served, at the instant when no connection of its server is left.
async fn have_alone(server: &Server) -> tokio_postgres::Client {
    let (mover, connection) =
        tokio_postgres::connect(&server.database, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let having = tokio::spawn(async move {
        mover.batch_execute(HAVE_ALONE).await.expect("had alone");
        mover
    });
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while server.ask(waiting) == [[Some("0".to_owned())]] {
        tokio::task::yield_now().await;
    }
    server.ask(CUT);
    having.await.expect("a connection")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_moved_takes_no_order_until_it_is_left_alone() {
    let server = Server::start();
    let f = server.store(&server.database).await;
    f.has_card("card", 100).await;
    let mover = have_alone(&server).await;
    for reference in ["first", "second", "third"] {
        let drawn = draws(&f, reference).await;
        assert!(matches!(drawn, Err(Error::Unavailable(_))), "{drawn:?}");
    }
    assert!(f.store.check().await.is_err(), "the node tells that it cannot be used");
    drop(mover);
    let back = Instant::now();
    while f.store.check().await.is_err() {
        assert!(back.elapsed() < BACK_MAX, "found again");
        tokio::task::yield_now().await;
    }
    assert_eq!(draws(&f, "back").await, Ok(Ok(())));
    assert_eq!(f.read("card").await.card.drawdown, domain::Amount::try_from(1).expect("an amount"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_not_answered_is_asked_for() {
    let server = Server::start();
    let proxy = Proxy::to(server.cluster.port()).expect("a proxy");
    let f = server.store(&proxy.url(&server.database)).await;
    f.has_card("card", 100).await;
    for (cut, reference) in [(Cut::BeforeCommit, "before"), (Cut::AfterCommit, "after")] {
        let cuts = proxy.cuts_at_commit();
        proxy.cut_at_commit(cut, Weather::Fair);
        let drawn = draws(&f, reference).await;
        assert_eq!(proxy.cuts_at_commit(), cuts + 1, "the commit was met");
        assert_eq!(server.count(reference) == 1, drawn == Ok(Ok(())), "{reference}: {drawn:?}");
        assert!(!matches!(drawn, Err(Error::OutcomeUnknown(_))), "{reference}: {drawn:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_stays_unknown_is_told_and_a_repeat_has_one_effect() {
    let server = Server::start();
    let proxy = Proxy::to(server.cluster.port()).expect("a proxy");
    let f = server.store(&proxy.url(&server.database)).await;
    f.has_card("card", 100).await;
    for (cut, reference, count) in [(Cut::BeforeCommit, "before", 0), (Cut::AfterCommit, "after", 1)] {
        proxy.cut_at_commit(cut, Weather::Gone);
        let drawn = draws(&f, reference).await;
        assert!(matches!(drawn, Err(Error::OutcomeUnknown(_))), "{reference}: {drawn:?}");
        assert_eq!(server.count(reference), count, "{reference}");
        proxy.set(Weather::Fair);
        back(&f).await;
        for _ in 0..2 {
            assert_eq!(draws(&f, reference).await, Ok(Ok(())), "made, now or before");
        }
        assert_eq!(server.count(reference), 1, "{reference}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_transaction_is_left_open() {
    let server = Server::start();
    let f = server.store(&server.database).await;
    f.has_card("card", 1).await;
    assert!(matches!(draws(&f, "all").await, Ok(Ok(()))));
    assert!(matches!(draws(&f, "more").await, Ok(Err(_))));
    let open = server.ask("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'");
    assert_eq!(open, [[Some("0".to_owned())]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_hosts_the_one_that_takes_writes_is_asked() {
    let (standby, primary) = (Server::start(), Server::start());
    for only_reads in ["ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"] {
        standby.ask(only_reads);
    }
    let host = |server: &Server| format!("127.0.0.1:{}", server.cluster.port());
    let both = format!("{},{}", host(&standby), host(&primary));
    let f = primary.store(&primary.database.replace(&host(&primary), &both)).await;
    f.has_card("card", 100).await;
    assert_eq!(draws(&f, "sale").await, Ok(Ok(())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_forgets_commits_is_refused() {
    let server = Server::start();
    server.ask(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$",
    );
    let clock = Arc::new(TestClock::default());
    let opened =
        PostgresStore::open(&server.database, clock, PostgresSettings::default(), pin_checker()).await;
    let Err(Error::Open(why)) = opened.map(|_| ()) else {
        panic!("it would lose what was answered");
    };
    assert!(why.contains("synchronous_commit = off"), "{why}");
}
