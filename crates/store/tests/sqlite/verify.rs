//! Whatever is damaged is found, and named.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use store::suite::TestClock;
use store::{SqliteSettings, SqliteStore, Verified};
use tempfile::TempDir;

use super::{World, closed};

#[path = "../common/ledger.rs"]
mod ledger;

async fn full() -> TempDir {
    let world = World::new().await;
    ledger::fill(&world.f, &*world.store).await;
    closed(world).await
}

async fn verify(dir: &Path) -> Verified {
    let clock = Arc::new(TestClock::default());
    let store = SqliteStore::open_read_only(dir, clock, SqliteSettings::default()).expect("a store");
    store.verify(|_| {}).await.expect("readable")
}

/// A copy of a database, changed as nobody may.
fn damaged(dir: &Path, sql: &str) -> TempDir {
    let copy = tempfile::tempdir().expect("a directory");
    let file = copy.path().join("gavekort.db");
    std::fs::copy(dir.join("gavekort.db"), &file).expect("copied");
    let conn = Connection::open(&file).expect("a database");
    conn.execute_batch("PRAGMA foreign_keys = 0; PRAGMA ignore_check_constraints = 1").expect("set");
    let mut triggers =
        conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").expect("a schema");
    let triggers: Vec<String> = triggers
        .query_map([], |row| row.get(0))
        .expect("triggers")
        .map(|name| name.expect("a name"))
        .collect();
    for trigger in triggers {
        conn.execute_batch(&format!("DROP TRIGGER {trigger}")).expect("dropped");
    }
    conn.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    assert!(conn.total_changes() > 0, "nothing is damaged by {sql}");
    copy
}

#[tokio::test]
async fn a_sound_database_is_found_sound() {
    let verified = verify(full().await.path()).await;
    assert_eq!((verified.first, verified.checked.wrong), (None, 0));
    assert_eq!((verified.checked.cards, verified.checked.transactions), (7, 11));
    let [total] = &verified.totals[..] else {
        panic!("one currency: {:?}", verified.totals);
    };
    assert_eq!(total.by_cards, total.by_transactions);
    let sums = total.by_cards;
    assert_eq!((sums.funds, sums.drawdown, sums.reserved), (510, 157, 18));
}

#[tokio::test]
async fn a_damaged_card_is_named() {
    let dir = full().await;
    for (sql, what, card) in ledger::CARDS {
        let sql = ledger::to_card(sql);
        let verified = verify(damaged(dir.path(), &sql).path()).await;
        let Some(first) = verified.first else {
            panic!("not found: {sql}");
        };
        assert_eq!((first.what.as_str(), first.card_id.as_deref()), (what, Some(card)), "{sql}: {first:?}");
        assert_ne!(first.expected, first.found, "{sql}");
    }
}

/// A refund beyond its drawdown, with everything else made to fit.
#[tokio::test]
async fn money_given_back_beyond_its_drawdown_is_found() {
    let sql = "UPDATE card_transaction SET amount = 41 WHERE ref_id = 'refund';
        UPDATE card_transaction SET balance = balance + 31, available = available + 31
            WHERE ref_id IN ('refund', 'later');
        UPDATE card SET funds = funds + 31 WHERE card_id = 'paid'";
    let first = verify(damaged(full().await.path(), sql).path()).await.first.expect("found");
    assert_eq!(first.what, "what was given back of a drawdown");
    assert_eq!((first.expected.as_str(), first.found.as_str()), ("at most 40", "41"));
}

#[tokio::test]
async fn each_wrong_card_is_counted() {
    let sql = "UPDATE card SET funds = funds + 1 WHERE card_id IN ('paid', 'locked', 'blocked')";
    let verified = verify(damaged(full().await.path(), sql).path()).await;
    assert_eq!(verified.checked.wrong, 3);
    assert_eq!(verified.checked.cards, 7);
    let total = &verified.totals[0];
    assert_eq!(total.by_cards.funds - total.by_transactions.funds, 3);
}

#[tokio::test]
async fn a_damaged_record_is_named() {
    let dir = full().await;
    for (sql, what) in ledger::RECORDS {
        let verified = verify(damaged(dir.path(), sql).path()).await;
        let first = verified.first.unwrap_or_else(|| panic!("not found: {sql}"));
        assert_eq!(first.what, what, "{sql}: {first:?}");
    }
}
