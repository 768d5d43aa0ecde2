//! There and back.

use std::sync::Arc;

use rusqlite::Connection;
use store::suite::fixture::{by_id, pin_checker};
use store::suite::{Fixture, Opened, TestClock};
use store::{Error, MoveStep, Place, PostgresSettings, PostgresStore, Store as _};
use tempfile::TempDir;

use super::rows::{check_equal, of_database, of_folder};
use super::{database, folder, full, open, relocate, run};

/// Something is done.
const USED: &str =
    "INSERT INTO outbox SELECT aid, place + 1, at, client, request, action, subjects, transactions
    FROM outbox ORDER BY place DESC LIMIT 1";

fn why(error: Error) -> String {
    let Error::Open(why) = error else {
        panic!("refused for another reason: {error}");
    };
    why
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_comes_there_and_back() {
    let (from, back, url) = (full().await, tempfile::tempdir().expect("a directory"), database().await);
    let there = relocate(folder(&from), Place::Postgres(url.clone()), |_| {}).await.expect("moved");
    let here = relocate(Place::Postgres(url.clone()), folder(&back), |_| {}).await.expect("moved back");
    assert_eq!(there, here);
    assert!(there.rows.iter().filter(|(_, rows)| *rows > 0).count() >= 14, "{:?}", there.rows);
    check_equal(&of_folder(from.path()), &of_folder(back.path()));
    open(back.path(), Arc::default()).expect("a store").close().await.expect("closed");
    let next =
        run(&url, "SELECT nextval(pg_get_serial_sequence('outbox', 'place')) > max(place) FROM outbox").await;
    assert_eq!(next, [[Some("t".to_owned())]]);
}

/// Its end may have been told to nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_has_ended_is_told_of_again_until_what_was_moved_to_is_used() {
    let (from, back, url) = (full().await, tempfile::tempdir().expect("a directory"), database().await);
    let to = || Place::Postgres(url.clone());
    let there = relocate(folder(&from), to(), |_| {}).await.expect("moved");
    let here = relocate(to(), folder(&back), |_| {}).await.expect("moved back");
    let moved = (of_folder(back.path()), of_database(&url).await);
    assert_eq!(relocate(folder(&from), to(), |_| {}).await, Ok(there));
    assert_eq!(relocate(to(), folder(&back), |_| {}).await, Ok(here));
    assert_eq!(moved, (of_folder(back.path()), of_database(&url).await));
    run(&url, USED).await;
    let refused = relocate(folder(&from), to(), |_| {}).await.expect_err("used");
    assert!(why(refused).contains("is in use"));
}

/// More cards, transactions and outbox rows than are moved at once.
async fn large() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(TestClock::default());
    let store = open(dir.path(), Arc::clone(&clock)).expect("a store");
    let f = Fixture::new(Opened { store: store.clone(), keep: Box::new(()) }, clock).await;
    for batch in 0..12 {
        let ids: Vec<String> = (0..1_000).map(|card| format!("{batch}.{card}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        f.done(f.batch(&ids)).await;
        f.done(f.activate_all(&format!("{batch}"), &ids, 60_000)).await;
    }
    for sale in 0..600 {
        f.done(f.draw(by_id("0.0"), &format!("sale {sale}"), 100)).await;
    }
    store.close().await.expect("closed");
    dir
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_was_broken_off_within_a_table_goes_on() {
    let (from, back, url) = (large().await, tempfile::tempdir().expect("a directory"), database().await);
    let to = || Place::Postgres(url.clone());
    for (table, arrived) in [
        ("card", "5000"),
        ("card", "10000"),
        ("card_transaction", "5000"),
        ("card_transaction", "10000"),
        ("outbox", "500"),
    ] {
        relocate(folder(&from), to(), within(table)).await.expect_err("broken off");
        let count = run(&url, &format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(count, [[Some(arrived.to_owned())]], "{table}");
        let refused = relocate(to(), folder(&back), |_| {}).await.expect_err("not all of it has come");
        assert!(why(refused).contains("has not ended"));
    }
    let there = relocate(folder(&from), to(), |_| {}).await.expect("moved");
    for table in ["card", "card_transaction", "outbox"] {
        relocate(to(), folder(&back), within(table)).await.expect_err("broken off");
        let refused = open(back.path(), Arc::default()).err().expect("a move is under way");
        assert!(why(refused).contains("under way"));
    }
    assert_eq!(relocate(to(), folder(&back), |_| {}).await, Ok(there));
    check_equal(&of_folder(from.path()), &of_folder(back.path()));
}

/// Ends the move, as a kill would, once some rows of a table have arrived.
fn within(table: &'static str) -> impl FnMut(MoveStep) + Send + 'static {
    move |step| {
        let is_within = matches!(step, MoveStep::Copying { table: of, .. } if of == table);
        assert!(!is_within, "the test breaks the move off");
    }
}

/// Ends the move, as a kill would, after so many portions.
fn at_most(portions: u32) -> impl FnMut(MoveStep) + Send + 'static {
    let mut left = portions;
    move |step| {
        if matches!(step, MoveStep::Copying { .. }) {
            assert!(left > 0, "the test breaks the move off");
            left -= 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_of_another_key_is_refused() {
    let (from, url) = (full().await, database().await);
    let clock = Arc::new(TestClock::default());
    let store =
        PostgresStore::open(&url, clock, PostgresSettings::default(), pin_checker()).await.expect("a store");
    store.server_value("master_key_check", b"of another").await.expect("set");
    store.close().await.expect("closed");
    let refused = relocate(folder(&from), Place::Postgres(url), |_| {}).await.expect_err("another key");
    assert!(why(refused).contains("another master key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_in_use_is_refused() {
    let (from, other) = (full().await, full().await);
    let refused = relocate(folder(&from), folder(&other), |_| {}).await.expect_err("in use");
    assert!(why(refused).contains("is in use"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_served_is_not_moved() {
    let (to, url) = (tempfile::tempdir().expect("a directory"), database().await);
    let clock = Arc::new(TestClock::default());
    let store =
        PostgresStore::open(&url, clock, PostgresSettings::default(), pin_checker()).await.expect("a store");
    let refused = relocate(Place::Postgres(url.clone()), folder(&to), |_| {}).await.expect_err("served");
    assert!(why(refused).contains("is served"));
    store.close().await.expect("closed");
    relocate(Place::Postgres(url), folder(&to), |_| {}).await.expect("moved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_was_used_meanwhile_is_refused() {
    for done in [
        USED,
        "INSERT INTO pin_tries (aid, card, client, wrong_in_row, wrong_since_rotation)
            SELECT aid, uuid, uuid, 1, 1 FROM card LIMIT 1",
    ] {
        let (from, url) = (full().await, database().await);
        relocate(folder(&from), Place::Postgres(url.clone()), at_most(3)).await.expect_err("broken off");
        let conn = Connection::open(from.path().join("gavekort.db")).expect("a database");
        conn.execute_batch(done).expect("something is done");
        drop(conn);
        let refused = relocate(folder(&from), Place::Postgres(url), |_| {}).await.expect_err("used");
        assert!(why(refused).contains("used again"), "{done}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_store_arrives_marked() {
    let (from, url) = (full().await, database().await);
    let conn = Connection::open(from.path().join("gavekort.db")).expect("a database");
    conn.execute_batch("UPDATE card SET funds = funds + 1 WHERE card_id = 'paid'").expect("falsified");
    drop(conn);
    let refused = relocate(folder(&from), Place::Postgres(url.clone()), |_| {}).await;
    assert!(matches!(refused, Err(Error::Damaged(_))), "{refused:?}");
    let mark = run(&url, "SELECT name FROM server_value WHERE name LIKE 'move%'").await;
    assert_eq!(mark, [[Some("move_under_way".to_owned())]]);
}

/// It would leave behind what the newer program keeps in tables that it does not know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_program_moves_no_store_of_a_newer_one() {
    let (from, back, url) = (full().await, tempfile::tempdir().expect("a directory"), database().await);
    relocate(folder(&from), Place::Postgres(url.clone()), |_| {}).await.expect("moved");
    let newer = "INSERT INTO schema (version, oldest_program, applied_at) VALUES (1000, '0.1.0', 0)";
    run(&url, newer).await;
    let conn = Connection::open(from.path().join("gavekort.db")).expect("a database");
    conn.execute_batch(newer).expect("as newer programs do");
    drop(conn);
    for from in [Place::Postgres(url), folder(&from)] {
        let refused = relocate(from, folder(&back), |_| {}).await.expect_err("not all of it is known");
        assert!(why(refused).contains("use the newer one"));
    }
}
