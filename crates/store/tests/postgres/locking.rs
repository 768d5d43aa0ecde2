//! What locks are for. With them nobody is in anybody's way; without them the database's keys refuse what would be
//! done twice; and without those too money is lost, or more is spent than may be. So the tests of races can fail.

use std::collections::BTreeSet;
use std::sync::Arc;

use cluster::{Cluster, Proxy, sql};
use domain::{CardSelector, DayLimit, Order, SettingsChange};
use store::suite::fixture::{by_id, by_token, soon};
use store::suite::{Fixture, Opened, TestClock};
use store::{PostgresStore, Store};
use tokio::task::JoinSet;

use super::open;

const LANES: usize = 2;

/// Tills on each of the stores. Each names the card by a token of its own, so that orders come by several lanes.
const TILLS: usize = 4;
const SALES: usize = 40;

const FUNDS: i64 = 1_000_000;

/// How cards are locked, and what is said in its place by who does not.
const LOCKS_CARDS: (&str, &str) = ("wanted_uuid FOR UPDATE", "wanted_uuid           ");
const LOCKS_CLIENT_DAYS: (&str, &str) = ("ORDER BY id FOR UPDATE", "ORDER BY id           ");

/// What catches a transaction that was decided on a card as it was before another's.
const DROP_NET: &str = "ALTER TABLE card_transaction DROP CONSTRAINT card_transaction_pkey";

/// Two stores on a database of their own.
struct Race {
    f: Fixture,
    stores: [Arc<PostgresStore>; 2],
    url: String,
    cluster: Cluster,
    _proxy: Proxy,
}

impl Race {
    /// With a card that has a token for each till. Where a lock is named it is left out on the way to the database.
    async fn new(without: Option<(&'static str, &'static str)>) -> Self {
        let cluster = Cluster::start().expect("a PostgreSQL server");
        let url = cluster.create_database().expect("a database");
        let proxy = Proxy::to(cluster.port()).expect("a proxy");
        if let Some((words, others)) = without {
            proxy.rewrite(words, others);
        }
        let clock = Arc::new(TestClock::default());
        let store = async || open(&proxy.url(&url), clock.clone(), LANES).await;
        let stores = [store().await, store().await];
        let opened = Opened { store: stores[0].clone(), keep: Box::new(()) };
        let f = Fixture::new(opened, clock.clone()).await;
        f.has_card("card", FUNDS).await;
        for till in 0..TILLS {
            f.done(f.token_for("card", &format!("{till}"), &format!("till {till}"))).await;
        }
        Self { f, stores, url, cluster, _proxy: proxy }
    }

    fn ask(&self, question: &str) -> i64 {
        let rows = sql(&self.url, question).expect("an answer");
        rows[0][0].as_deref().expect("a number").parse().expect("a number")
    }

    /// Each till draws single units, one after the other; answers how many drawdowns were made.
    async fn run(&self, card_of: impl Fn(usize) -> CardSelector) -> i64 {
        let mut tills = JoinSet::new();
        for (place, store) in self.stores.iter().enumerate() {
            for till in 0..TILLS {
                let sale = |sale| self.f.draw(card_of(till), &format!("{place} {till} {sale}"), 1);
                let sales: Vec<Order> = (0..SALES).map(|number| self.f.order(sale(number))).collect();
                let (store, aid) = (Arc::clone(store), self.f.aid);
                tills.spawn(async move {
                    let mut made = 0;
                    for sale in sales {
                        made += i64::from(matches!(store.submit(aid, sale, soon()).await, Ok(Ok(_))));
                    }
                    made
                });
            }
        }
        tills.join_all().await.into_iter().sum()
    }

    /// One card's money, drawn by all tills; answers how many drawdowns were made.
    async fn for_one_card(&self) -> i64 {
        self.run(|till| by_token(&format!("till {till}"))).await
    }

    /// What PostgreSQL refused.
    fn refused(&self) -> BTreeSet<String> {
        let log = self.cluster.log();
        log.lines().filter_map(|line| line.split_once("ERROR:")).map(|(_, what)| what.to_owned()).collect()
    }

    /// What the card says was drawn.
    fn drawn(&self) -> i64 {
        self.ask("SELECT drawdown FROM card")
    }
}

fn all() -> i64 {
    i64::try_from(2 * TILLS * SALES).expect("a few")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_the_lock_of_a_card_is_refused_by_nothing() {
    let race = Race::new(None).await;
    assert_eq!((race.for_one_card().await, race.drawn()), (all(), all()));
    assert_eq!(race.refused(), BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_of_a_card_the_net_refuses_and_money_is_right() {
    let race = Race::new(Some(LOCKS_CARDS)).await;
    let made = race.for_one_card().await;
    assert_eq!(made, race.drawn());
    let refused = race.refused();
    assert!(refused.iter().any(|what| what.contains("\"card_transaction_pkey\"")), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_lock_of_a_card_money_is_right_without_the_net() {
    let race = Race::new(None).await;
    sql(&race.url, DROP_NET).expect("dropped");
    assert_eq!((race.for_one_card().await, race.drawn()), (all(), all()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_lock_of_a_card_and_without_the_net_money_is_made() {
    let race = Race::new(Some(LOCKS_CARDS)).await;
    sql(&race.url, DROP_NET).expect("dropped");
    let (made, drawn) = (race.for_one_card().await, race.drawn());
    assert!(drawn < made, "of {made} drawdowns the card knows {drawn}: the test of the race cannot fail");
}

/// A day on which the client may make half of the drawdowns that it wants to, each till from a card of its own.
async fn limited(race: &Race) -> i64 {
    for till in 0..TILLS {
        race.f.has_card(&format!("of till {till}"), FUNDS).await;
    }
    let today = race.ask("SELECT count(*) FROM day_count WHERE subject = 'client'");
    assert_eq!(today, 0, "nothing is counted before there is a limit");
    let limit = DayLimit { amount: None, count: u32::try_from(all() / 2).ok() };
    race.f.done(SettingsChange { client_day: Some(limit), ..SettingsChange::default() }).await;
    race.run(|till| by_id(&format!("of till {till}"))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_s_day_is_counted_once_for_all_cards() {
    let race = Race::new(None).await;
    assert_eq!(limited(&race).await, all() / 2);
    assert_eq!(race.refused(), BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_lock_a_client_s_day_is_exceeded() {
    let race = Race::new(Some(LOCKS_CLIENT_DAYS)).await;
    let made = limited(&race).await;
    assert!(made > all() / 2, "{made} drawdowns: the test of the race cannot fail");
}
