//! Whatever is damaged is found, and named.

use std::path::Path;
use std::sync::Arc;

use domain::{
    BlockCard, Capture, Command, Drawdown, Fund, Metadata, Note, Operation, Pending, Reach, ReasonCode,
    Replace, TransactionId,
};
use rusqlite::Connection;
use store::suite::TestClock;
use store::suite::fixture::{amount, by_id, card_id, ref_id};
use store::{SqliteSettings, SqliteStore, Store as _, Verified};
use tempfile::TempDir;

use super::{World, closed};

/// A little of everything: a card that was paid with and got money back, one with locks, one that was blocked, one
/// that took another's place, a batch, tokens, kept answers, and two days closed.
async fn full() -> TempDir {
    let world = World::new().await;
    let f = &world.f;
    f.has_card_with_token("paid", 100, f.new_token("value")).await;
    f.done(f.token_for("paid", "second", "second value")).await;
    let sale = f.drawn(f.draw(by_id("paid"), "sale", 40)).await;
    let refund = Fund {
        card: by_id("paid"),
        pin: None,
        ref_id: ref_id("refund"),
        id: TransactionId(f.uuid()),
        amount: amount(10),
        currency: domain::Currency::NOK,
        parent: Some(sale.id),
        originated_by: None,
        metadata: Metadata::default(),
    };
    f.done(Command::Fund(Box::new(refund))).await;
    f.has_card("locked", 100).await;
    let lock =
        Drawdown { pending: Some(Pending { expires_in: None }), ..f.draw(by_id("locked"), "lock", 30) };
    let lock = f.drawn(lock).await;
    let capture = Capture {
        lock: lock.id,
        reach: Reach::Account,
        ref_id: ref_id("capture"),
        id: TransactionId(f.uuid()),
        amount: Some(amount(12)),
        originated_by: None,
        metadata: Metadata::default(),
    };
    f.done(Command::Capture(Box::new(capture))).await;
    f.has_card("blocked", 100).await;
    let reason = Note::try_from("lost").expect("a note");
    f.done(Command::BlockCard(BlockCard { card_id: card_id("blocked"), reason })).await;
    f.has_card("replaced", 100).await;
    let replace = Replace {
        card_id: card_id("replaced"),
        ref_id: ref_id("replace"),
        drawdown: TransactionId(f.uuid()),
        fund: TransactionId(f.uuid()),
        new: f.new_card("successor"),
        reason_code: ReasonCode::try_from("lost").expect("a reason"),
    };
    f.done(Command::Replace(Box::new(replace))).await;
    let keyed = f.keyed(Operation::CreateBatch, "a key of some length", "request", f.batch(&["one", "two"]));
    f.submit(keyed).await.expect("made");
    for _ in 0..3 {
        f.clock.move_ms(86_400_000);
        assert_eq!(world.store.close_days(f.aid, f.now()).await, Ok(1));
    }
    f.drawn(f.draw(by_id("paid"), "later", 5)).await;
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

const ROW: &str = "UPDATE card_transaction SET";

/// What is done to a card, how it is named, and on which card.
const CARDS: [(&str, &str, &str); 27] = [
    ("UPDATE card SET funds = funds + 1 WHERE card_id = 'paid'", "funds of the card", "paid"),
    ("UPDATE card SET drawdown = drawdown + 1 WHERE card_id = 'paid'", "drawdown of the card", "paid"),
    ("UPDATE card SET reserved = reserved + 1 WHERE card_id = 'paid'", "reserved of the card", "paid"),
    ("UPDATE card SET seq = seq + 1 WHERE card_id = 'paid'", "seq of the card", "paid"),
    ("UPDATE card SET amount = 1 WHERE card_id = 'paid'", "amount of the card", "paid"),
    ("UPDATE card SET activated_at = NULL WHERE card_id = 'paid'", "activation of the card", "paid"),
    ("UPDATE card SET deleted_at = changed_at WHERE card_id = 'paid'", "balance of the deleted card", "paid"),
    ("UPDATE card SET changed_at = created_at WHERE card_id = 'paid'", "last change of the card", "paid"),
    ("UPDATE card SET currency = 'SEK' WHERE card_id = 'paid'", "currency of a transaction", "paid"),
    ("UPDATE card SET type = 'voucher' WHERE card_id = 'paid'", "card.type", "paid"),
    ("UPDATE card SET uuid = x'00' WHERE card_id = 'paid'", "card.uuid", "paid"),
    (
        "UPDATE card SET replaced_by = zeroblob(16) WHERE card_id = 'replaced'",
        "card that took this card's place",
        "replaced",
    ),
    ("UPDATE card SET blocked_at = NULL WHERE card_id = 'blocked'", "block by status changes", "blocked"),
    ("DELETE FROM status_change WHERE event = 'blocked'", "block by status changes", "blocked"),
    ("UPDATE status_change SET place = 2", "place of a status change", "blocked"),
    ("UPDATE status_change SET at = 0", "time of a status change", "blocked"),
    ("DELETE FROM card_transaction WHERE ref_id = 'sale'", "seq of a transaction", "paid"),
    ("amount = amount + 1 WHERE ref_id = 'sale'", "balance of a transaction", "paid"),
    ("available = available - 1 WHERE ref_id = 'sale'", "available of a transaction", "paid"),
    ("currency = 'SEK' WHERE ref_id = 'sale'", "currency of a transaction", "paid"),
    ("created_at = 0 WHERE ref_id = 'later'", "time of a transaction", "paid"),
    ("parent = NULL WHERE ref_id = 'capture'", "lock of a transaction", "locked"),
    ("parent = id WHERE ref_id = 'refund'", "parent of a refund", "paid"),
    ("DELETE FROM card_lock", "number of open locks", "locked"),
    ("UPDATE card_lock SET remaining = remaining + 1", "what is left in a lock", "locked"),
    ("UPDATE card_token SET used_at = created_at WHERE ref_id = 'second'", "use of a token", "paid"),
    ("UPDATE card_token SET ref_id = NULL", "tokens made with the card", "paid"),
];

#[tokio::test]
async fn a_damaged_card_is_named() {
    let dir = full().await;
    for (sql, what, card) in CARDS {
        let whole = ["UPDATE card ", "UPDATE status", "UPDATE card_", "DELETE"]
            .iter()
            .any(|word| sql.starts_with(word));
        let sql = if whole { sql.to_owned() } else { format!("{ROW} {sql}") };
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

/// What is done to records that are on no card, and how it is named.
const RECORDS: [(&str, &str); 19] = [
    ("DELETE FROM card WHERE card_id = 'paid'", "card of a row of card_transaction"),
    ("UPDATE card_token SET card = zeroblob(16) WHERE ref_id = 'second'", "card of a row of card_token"),
    ("UPDATE card_lock SET card = zeroblob(16)", "number of open locks"),
    (
        "INSERT INTO card_lock SELECT aid, zeroblob(16), id, remaining, expires_at FROM card_lock",
        "card of a row of card_lock",
    ),
    (
        "INSERT INTO pin_tries SELECT aid, zeroblob(16), uuid, 0, 0, NULL FROM api_client",
        "card of a row of pin_tries",
    ),
    (
        "INSERT INTO status_change SELECT aid, zeroblob(16), 1, at, event, NULL, NULL FROM status_change LIMIT 1",
        "card of a row of status_change",
    ),
    ("UPDATE closing SET balance = balance + 1", "closing of the last day"),
    ("UPDATE closing SET cards = cards + 1", "closing of the last day"),
    ("DELETE FROM closing", "rows of the closing of the last day"),
    ("DELETE FROM day_closed WHERE day = (SELECT min(day) + 1 FROM day_closed)", "day that was closed"),
    ("UPDATE idempotency SET sealed = x'00'", "length of a kept answer"),
    ("UPDATE idempotency SET client = zeroblob(16)", "client of a kept answer"),
    ("UPDATE idempotency SET operation = 'guess'", "idempotency.operation"),
    ("UPDATE idempotency SET created_at = -1", "idempotency.created_at"),
    ("UPDATE idempotency SET key_version = 70000", "idempotency.key_version"),
    ("DELETE FROM outbox WHERE place = 2", "place in the outbox"),
    ("UPDATE outbox SET transactions = zeroblob(16) WHERE place = 1", "transaction that the outbox names"),
    ("DELETE FROM audit WHERE place = 2", "place in the audit"),
    ("UPDATE batch SET cards = cards + 1", "number of cards of a batch"),
];

#[tokio::test]
async fn a_damaged_record_is_named() {
    let dir = full().await;
    for (sql, what) in RECORDS {
        let verified = verify(damaged(dir.path(), sql).path()).await;
        let first = verified.first.unwrap_or_else(|| panic!("not found: {sql}"));
        assert_eq!(first.what, what, "{sql}: {first:?}");
    }
}
