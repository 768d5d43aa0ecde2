//! There and back.

use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::Value;
use store::suite::TestClock;
use store::suite::fixture::pin_checker;
use store::{Error, MoveStep, Place, PostgresSettings, PostgresStore, Store as _};
use tempfile::TempDir;

use super::{database, folder, full, open, relocate, run};

/// Every row of every table.
fn rows(dir: &TempDir) -> Vec<(String, Vec<Vec<Value>>)> {
    let conn = Connection::open(dir.path().join("gavekort.db")).expect("a database");
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('schema', 'sqlite_stat1') \
        ORDER BY name";
    let mut tables = conn.prepare(sql).expect("a schema");
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).expect("tables").map(|name| name.expect("a name")).collect();
    let of = |table: &String| {
        let mut all = conn.prepare(&format!("SELECT * FROM {table}")).expect("a table");
        let columns = all.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|place| row.get(place)).collect();
        let rows = all.query_map([], row).expect("rows").map(|row| row.expect("a row"));
        let mut rows: Vec<Vec<Value>> = rows.collect();
        rows.sort_by_key(|row| format!("{row:?}"));
        rows
    };
    tables.iter().map(|table| (table.clone(), of(table))).collect()
}

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
    let (before, after) = (rows(&from), rows(&back));
    for ((table, before), (_, after)) in before.iter().zip(&after) {
        assert_eq!(before, after, "{table}");
    }
    assert_eq!(before.len(), after.len());
    open(back.path(), Arc::default()).expect("a store").close().await.expect("closed");
    let next =
        run(&url, "SELECT nextval(pg_get_serial_sequence('outbox', 'place')) > max(place) FROM outbox").await;
    assert_eq!(next, [[Some("t".to_owned())]]);
}

/// Broken off after each of its portions, it leaves a target that nobody opens, and goes on behind what has arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_was_broken_off_goes_on() {
    let (from, back, url) = (full().await, tempfile::tempdir().expect("a directory"), database().await);
    let to = || Place::Postgres(url.clone());
    let mut broken_off = 0;
    while relocate(folder(&from), to(), at_most(1)).await.is_err() {
        broken_off += 1;
        let opened = PostgresStore::open(
            &url,
            Arc::new(TestClock::default()),
            PostgresSettings::default(),
            pin_checker(),
        );
        let refused = opened.await.err().expect("a move is under way");
        assert!(why(refused).contains("under way"));
    }
    assert!(broken_off > 10, "{broken_off} portions");
    while relocate(to(), folder(&back), at_most(2)).await.is_err() {
        let refused = open(back.path(), Arc::default()).err().expect("a move is under way");
        assert!(why(refused).contains("under way"));
    }
    assert_eq!(rows(&from), rows(&back));
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
        "INSERT INTO outbox SELECT aid, place + 1, at, client, request, action, subjects, transactions
            FROM outbox ORDER BY place DESC LIMIT 1",
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
