//! A ledger with a little of everything, and what is done to it as nobody may.

use domain::{
    BlockCard, Capture, Command, Drawdown, Fund, Metadata, Note, Operation, Pending, Reach, ReasonCode,
    Replace, TransactionId,
};
use store::Store;
use store::suite::Fixture;
use store::suite::fixture::{amount, by_id, card_id, ref_id};

/// A little of everything: a card that was paid with and got money back, one with locks, one that was blocked, one
/// that took another's place, a batch, tokens, kept answers, and two days closed.
pub async fn fill(f: &Fixture, store: &dyn Store) {
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
        assert_eq!(store.close_days(f.aid, f.now()).await, Ok(1));
    }
    f.drawn(f.draw(by_id("paid"), "later", 5)).await;
}

/// What is done to a card, how it is named, and on which card.
pub const CARDS: [(&str, &str, &str); 27] = [
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

/// What is done to a card, in full.
pub fn to_card(sql: &str) -> String {
    let starts = ["UPDATE card ", "UPDATE status", "UPDATE card_", "DELETE"];
    let is_whole = starts.iter().any(|start| sql.starts_with(start));
    if is_whole { sql.to_owned() } else { format!("UPDATE card_transaction SET {sql}") }
}

/// What is done to records that are on no card, and how it is named.
pub const RECORDS: [(&str, &str); 19] = [
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
