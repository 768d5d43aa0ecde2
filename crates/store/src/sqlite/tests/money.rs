//! What money leaves in the database, and what it costs.

use std::sync::{Mutex, PoisonError};

use domain::{ChangeCard, DayLimit, Drawdown, Refusal, SettingsChange};
use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::super::fault::Fault;
use super::World;
use crate::Store as _;
use crate::suite::fixture::{DAY_MS, amount, by_id, by_token, pin, presented};

impl World {
    /// The first column of each row, as text.
    async fn column(&self, sql: &'static str) -> Vec<String> {
        let read = |conn: &Connection| -> rusqlite::Result<Vec<String>> {
            conn.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
        };
        self.store.read(move |conn| Ok(read(conn)?)).await.expect("rows")
    }
}

/// One of each kind, with what it leaves in the audit; a money row is its own record.
async fn orders_of_each_kind(world: &World) {
    let f = &world.f;
    f.done(f.batch(&["a", "b", "c", "in hand"])).await;
    f.done(f.activate("a", 100)).await;
    f.done(f.activate_all("together", &["b", "c"], 100)).await;
    f.refused(f.activate("a", 100)).await;
    f.done(f.token_for("a", "ref", "value")).await;
    let sale = f.drawn(f.draw(by_id("a"), "sale", 10)).await.id;
    f.drawn(f.draw(by_id("a"), "sale", 10)).await;
    f.drawn(f.refund(by_id("a"), "refund", sale, 5)).await;
    let lock = f.drawn(f.lock_for(by_id("a"), "lock", 10, 60)).await.id;
    f.drawn(f.capture(lock, "capture", Some(1))).await;
    f.clock.move_ms(60_000);
    f.drawn(f.adjust("a", "adjust", 1)).await;
    f.done(f.block("a")).await;
    f.done(f.block("a")).await;
    f.done(f.unblock("a")).await;
    f.done(ChangeCard { expires_at: Some(f.in_seconds(60)), ..f.change("a") }).await;
    f.done(f.replace("a", "lost", "in hand")).await;
    f.done(f.info(by_token("value"), "123456")).await;
    let card_day = Some(DayLimit { amount: Some(amount(1_000)), count: None });
    f.done(SettingsChange { card_day, ..SettingsChange::default() }).await;
}

#[tokio::test]
async fn every_command_leaves_its_lines_of_audit() {
    let world = World::new().await;
    orders_of_each_kind(&world).await;
    let lines = "SELECT place || ' ' || action || ' ' || subject || ifnull(': ' || note, '')
        FROM audit ORDER BY place";
    let expected = [
        "1 create_batch batch",
        "2 activate_card card",
        "3 activate_cards card",
        "4 activate_cards card",
        "5 create_token token",
        "6 adjust card: as agreed",
        "7 block_card card: reported lost",
        "8 unblock_card card: found again",
        "9 change_card card",
        "10 replace_card card",
        "11 replace_card card",
        "12 change_settings account",
    ];
    assert_eq!(world.column(lines).await, expected);
}

/// What is repeated, refused or changes nothing is not told.
#[tokio::test]
async fn every_command_that_changed_something_is_told_once() {
    let world = World::new().await;
    orders_of_each_kind(&world).await;
    let records = "SELECT place || ' ' || action || ' ' || (length(subjects) / 16) || ' ' ||
        (length(transactions) / 16)
        FROM outbox ORDER BY place";
    let expected = [
        "1 create_batch 1 0",
        "2 activate_card 1 1",
        "3 activate_cards 2 2",
        "4 create_token 1 0",
        "5 drawdown 0 1",
        "6 refund 0 1",
        "7 lock 0 1",
        "8 capture 0 1",
        // With the end of the lock that had run out.
        "9 adjust 1 2",
        "10 block_card 1 0",
        "11 unblock_card 1 0",
        "12 change_card 1 0",
        "13 replace_card 2 2",
        "14 change_settings 0 0",
    ];
    assert_eq!(world.column(records).await, expected);
    let told = "SELECT hex(id) FROM card_transaction ORDER BY rowid";
    let transactions = world.column("SELECT hex(transactions) FROM outbox ORDER BY place").await.concat();
    assert_eq!(transactions, world.column(told).await.concat());
}

#[tokio::test]
async fn changes_of_where_a_card_stands_are_kept_in_order() {
    let world = World::new().await;
    orders_of_each_kind(&world).await;
    let changes = "SELECT card_id || ' ' || place || ' ' || event FROM status_change
        JOIN card ON uuid = status_change.card ORDER BY card_id, place";
    let expected = [
        "a 1 activated",
        "a 2 blocked",
        "a 3 unblocked",
        "a 4 expires_at",
        "a 5 blocked",
        "b 1 activated",
        "c 1 activated",
        "in hand 1 expires_at",
        "in hand 2 activated",
    ];
    assert_eq!(world.column(changes).await, expected);
}

#[tokio::test]
async fn counts_of_days_gone_by_are_forgotten() {
    let world = World::new().await;
    let f = &world.f;
    let card_day = Some(DayLimit { amount: None, count: Some(9) });
    f.done(SettingsChange { card_day, ..SettingsChange::default() }).await;
    f.has_card("card", 100).await;
    for day in 1..4 {
        f.clock.move_ms(86_400_000);
        f.drawn(f.draw(by_id("card"), &format!("{day}"), 1)).await;
        f.drawn(f.draw(by_id("card"), &format!("{day} again"), 1)).await;
    }
    // Yesterday's are kept for a clock that is set back.
    let counts = world.column("SELECT count || ' ' || amount FROM day_count ORDER BY day").await;
    assert_eq!(counts, ["2 2", "2 2"]);
}

/// A clock set back across midnight, and set right before anybody looked, leaves sums that do not go on.
#[tokio::test]
async fn damaged_closings_are_made_anew() {
    let world = World::new().await;
    let f = &world.f;
    f.has_card("card", 100).await;
    f.clock.move_ms(2 * DAY_MS);
    assert_eq!(world.store.close_days(f.aid, f.now()).await, Ok(2));
    world.meddle("DELETE FROM closing").await;
    f.drawn(f.draw(by_id("card"), "sale", 1)).await;
    f.clock.move_ms(DAY_MS);
    assert_eq!(world.store.close_days(f.aid, f.now()).await, Ok(3));
    let closings = world.column("SELECT balance || ' ' || cards FROM closing ORDER BY day").await;
    assert_eq!(closings, ["100 1", "100 1", "99 1"]);
}

/// What was run on the connection that writes; only one test of this process listens.
static RUN: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn tell(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, sql) = event {
        RUN.lock().unwrap_or_else(PoisonError::into_inner).push(sql.to_owned());
    }
}

/// The first words of each statement, and the table.
fn summary(sql: &str) -> String {
    let table =
        ["FROM ", "INTO ", "UPDATE "].iter().find_map(|word| sql.split_once(word)).map(|(_, rest)| rest);
    let table = table.and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    format!("{} {table}", sql.split(' ').next().unwrap_or_default())
}

async fn statements(world: &World, order: domain::Order) -> Vec<String> {
    RUN.lock().unwrap_or_else(PoisonError::into_inner).clear();
    world.f.submit(order).await.expect("carried out");
    RUN.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|sql| summary(sql)).collect()
}

/// The first three and the last look-up are a group's, however many drawdowns are in it.
#[tokio::test]
async fn a_drawdown_costs_six_statements_of_its_own() {
    let world = World::new().await;
    let f = &world.f;
    let mut create = f.create("card", 100);
    (create.card.token, create.card.pin) = (Some(f.new_token("value")), Some(pin("right")));
    f.done(create).await;
    let listening = world.store.committer().expect("a committer").run(|writer| {
        let listens = writer.connection().trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(tell));
        (listens.map_err(|error| Fault::from(error).into_error()), true)
    });
    listening.expect("room").await.expect("heard").expect("listening");
    let plain = [
        "BEGIN ",
        "SELECT account",
        "SELECT api_client",
        "SELECT card_token",
        "SELECT card",
        "SELECT card_transaction",
        "UPDATE card",
        "INSERT card_transaction",
        "SELECT outbox",
        "INSERT outbox",
        "COMMIT ",
    ];
    assert_eq!(statements(&world, f.order(f.draw(by_token("value"), "sale", 1))).await, plain);
    let with_pin = Drawdown { pin: Some(presented("right")), ..f.draw(by_token("value"), "other", 1) };
    let mut expected: Vec<&str> = plain.to_vec();
    expected.insert(6, "SELECT pin_tries");
    assert_eq!(statements(&world, f.order(with_pin)).await, expected);
    let refused = f.refused(f.draw(by_token("value"), "more", 99)).await;
    assert_eq!(refused, Refusal::InsufficientFunds { available: amount(98) });
}
