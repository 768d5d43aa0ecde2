//! What the world does to a database: its server is killed, the way to it goes bad, the answer to a commit is lost.

use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, Cut, Proxy, Weather};
use store::{Error, Store as _};

use super::chance::Chance;
use super::load::World;
use super::rounds;

/// How soon orders are carried out again once the database is back.
const RECOVERS_WITHIN: Duration = Duration::from_secs(5);

fn cluster() -> (Arc<Cluster>, String) {
    let cluster = Cluster::start().expect("a PostgreSQL server");
    let database = cluster.create_database().expect("a database");
    (Arc::new(cluster), database)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("done")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_no_answered_order_and_doubles_none() {
    let mut chance = Chance::new("killed PostgreSQL");
    let (cluster, url) = cluster();
    let world = Arc::new(World::new(&url, &url).await);
    let kills = rounds(4, 60);
    let (mut made, mut turned_away, mut unknown) = (0, 0, 0);
    for _ in 0..kills {
        let works = Duration::from_millis(100) + chance.up_to(Duration::from_millis(400));
        let down = chance.up_to(Duration::from_millis(500));
        let killed = Arc::clone(&cluster);
        let work = world
            .work(async {
                tokio::time::sleep(works).await;
                let server = Arc::clone(&killed);
                blocking(move || server.kill()).await.expect("killed");
                tokio::time::sleep(down).await;
                blocking(move || killed.start_again()).await.expect("started");
                let took = world.recovers().await;
                assert!(took < RECOVERS_WITHIN, "recovered after {took:?}");
            })
            .await;
        world.no_transaction_is_left().await;
        world.check(&work).await;
        made += work.made();
        turned_away += work.turned_away();
        unknown += work.unknown();
    }
    eprintln!(
        "killed PostgreSQL: {kills}; {made} drawdowns made, {turned_away} turned away, {unknown} unknown"
    );
    assert!(made > 0 && turned_away > 0, "the kills did not come in the middle");
    world.store.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_way_to_the_server_loses_no_answered_order_and_doubles_none() {
    let mut chance = Chance::new("bad way to PostgreSQL");
    let (cluster, url) = cluster();
    let proxy = Proxy::to(cluster.port()).expect("a proxy");
    let world = Arc::new(World::new(&proxy.url(&url), &url).await);
    let changes = rounds(25, 1_000);
    let work = world
        .work(async {
            for _ in 0..changes {
                let slow = chance.up_to(Duration::from_millis(20));
                let cut = if chance.below(2) == 0 { Cut::BeforeCommit } else { Cut::AfterCommit };
                match chance.below(5) {
                    0 => proxy.set(Weather::Slow(slow)),
                    1 => proxy.set(Weather::Silent),
                    2 => proxy.set(Weather::Gone),
                    3 => proxy.cut(),
                    _ => proxy.cut_at_commit(cut, Weather::Fair),
                }
                tokio::time::sleep(chance.up_to(Duration::from_millis(150))).await;
                proxy.set(Weather::Fair);
                // What was lost in silence is found out now and not after seconds.
                if chance.below(2) == 0 {
                    proxy.cut();
                }
                tokio::time::sleep(chance.up_to(Duration::from_millis(150))).await;
            }
            proxy.cut();
            let took = world.recovers().await;
            assert!(took < RECOVERS_WITHIN, "recovered after {took:?}");
        })
        .await;
    world.no_transaction_is_left().await;
    world.check(&work).await;
    let (made, turned_away, unknown) = (work.made(), work.turned_away(), work.unknown());
    eprintln!("bad way to PostgreSQL: {made} drawdowns made, {turned_away} turned away, {unknown} unknown");
    assert!(made > 0 && turned_away > 0, "the way was never bad");
    world.store.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outcome_that_stays_unknown_is_told_and_a_repeat_has_one_effect() {
    let (cluster, url) = cluster();
    let proxy = Proxy::to(cluster.port()).expect("a proxy");
    let world = World::new(&proxy.url(&url), &url).await;
    for (cut, is_made) in [(Cut::AfterCommit, true), (Cut::BeforeCommit, false)] {
        let (reference, order) = world.drawdown();
        proxy.cut_at_commit(cut, Weather::Gone);
        let told = world.send(&order).await;
        assert!(matches!(told, Err(Error::OutcomeUnknown(_))), "{told:?}");
        assert_eq!(world.made().contains_key(&reference), is_made);
        proxy.set(Weather::Fair);
        let took = world.recovers().await;
        assert!(took < RECOVERS_WITHIN, "recovered after {took:?}");
        for _ in 0..2 {
            world.send(&order).await.expect("made, now or before");
        }
        assert_eq!(world.made()[&reference], 1);
    }
    world.store.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_holds_nobody_up_for_long() {
    let (cluster, url) = cluster();
    let world = Arc::new(World::new(&url, &url).await);
    let work = world
        .work(async {
            cluster.pause().expect("paused");
            let (_, order) = world.drawdown();
            // Six seconds for a statement, and five to ask what became of a commit.
            let told = tokio::time::timeout(Duration::from_secs(20), world.send(&order)).await;
            assert!(told.expect("an answer").is_err());
            cluster.resume().expect("resumed");
            let took = world.recovers().await;
            assert!(took < RECOVERS_WITHIN, "recovered after {took:?}");
        })
        .await;
    world.no_transaction_is_left().await;
    world.check(&work).await;
    world.store.close().await.expect("closed");
}
