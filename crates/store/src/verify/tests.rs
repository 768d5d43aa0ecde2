//! Verifying in many snapshots while the ledger moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, StatementStatus, params};
use tempfile::TempDir;

use super::Portion;
use crate::sqlite::{SqliteSettings, SqliteStore, connection};
use crate::suite::fixture::{by_id, pin_checker};
use crate::suite::{Fixture, Opened, TestClock};

async fn world() -> (Arc<Fixture>, Arc<SqliteStore>, TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(TestClock::default());
    let settings = SqliteSettings::default();
    let store = SqliteStore::open(dir.path(), clock.clone(), settings, pin_checker()).expect("a store");
    let opened = Opened { store: store.clone(), keep: Box::new(()) };
    (Arc::new(Fixture::new(opened, clock).await), store, dir)
}

/// Each step in a snapshot of its own, so that rows are added to cards that are half checked, cards are made behind
/// and before the place, and totals are of no one instant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_agree_although_the_ledger_moves_between_snapshots() {
    let (f, store, _dir) = world().await;
    f.has_card("long", 1_000_000).await;
    for round in 0..6 {
        let sales = (0..1_000).map(|sale| f.order(f.draw(by_id("long"), &format!("{round} {sale}"), 1)));
        assert!(f.submit_all(sales.collect()).await.iter().all(Result::is_ok));
    }
    let enough = Arc::new(AtomicBool::new(false));
    let (writer, must_end) = (Arc::clone(&f), Arc::clone(&enough));
    let writing = tokio::spawn(async move {
        let mut made = 0;
        while !must_end.load(Ordering::Relaxed) {
            writer.has_card(&format!("card {made}"), 100).await;
            writer.drawn(writer.draw(by_id(&format!("card {made}")), "sale", 40)).await;
            writer.drawn(writer.draw(by_id("long"), &format!("late {made}"), 1)).await;
            made += 1;
        }
        made
    });
    let portion = Portion { snapshot_max: Duration::ZERO, cards: 3, transactions: 700 };
    let mut snapshots = 0_u64;
    while snapshots < 300 {
        let (counted, heard) = std::sync::mpsc::channel();
        let count = move |_: &super::Progress| counted.send(()).expect("the test listens");
        let verified = store.verify_in(portion, count).await.expect("readable");
        assert_eq!(verified.first, None);
        assert!(verified.totals.iter().all(|total| total.by_cards == total.by_transactions));
        snapshots += heard.iter().count() as u64;
    }
    enough.store(true, Ordering::Relaxed);
    let made = writing.await.expect("written");
    let verified = store.verify(|_| {}).await.expect("readable");
    assert_eq!((verified.checked.cards, verified.checked.transactions), (made + 1, 6_001 + 3 * made));
    assert_eq!(verified.checked.wrong, 0);
}

/// How often a statement was prepared anew while other values were bound to it.
fn prepared_anew(conn: &Connection) -> i32 {
    let sql = "SELECT place, at, event, ends_before, ends_after FROM status_change \
        WHERE aid = ?1 AND card = ?2 ORDER BY place";
    let mut anew = 0;
    for card in 0..5_u8 {
        let mut statement = conn.prepare_cached(sql).expect("prepared");
        let mut rows = statement.query(params!["T00000001", vec![card; 16]]).expect("run");
        while rows.next().expect("run").is_some() {}
        drop(rows);
        anew = statement.get_status(StatementStatus::RePrepare);
    }
    anew
}

/// It costs ten times what most statements cost.
#[tokio::test]
async fn no_statement_is_prepared_anew_for_other_values() {
    let (_f, store, _dir) = world().await;
    let conn = connection::reader(&store.database_file(), 1_024).expect("a connection");
    assert_eq!(prepared_anew(&conn), 0);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, false).expect("set");
    assert!(prepared_anew(&conn) > 0, "the setting is of no use any more");
}
