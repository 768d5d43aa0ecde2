//! What is told of each command: audit, outbox, what must be loaded.

use domain::{
    Action, Activate, Actor, ClientUuid, Command, MoveTestClock, Needs, Outcome, Settings, Subject,
};
use uuid::Uuid;

use super::words::*;

#[test]
fn each_accepted_money_command_leaves_one_record_that_names_its_rows() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let lock = bank.lock(by_id("a"), "l", 10, Some(1));
    bank.row(drawdown(lock));
    bank.now_ms += 1_000;
    let sale = bank.draw(by_id("a"), "s", 1);
    let row = bank.row(drawdown(sale));
    let records = bank.store.outbox.len();
    assert_eq!(records, 3);
    let record = bank.store.outbox.last().expect("a record");
    assert_eq!((record.action, record.transactions.len()), (Action::Drawdown, 2));
    assert_eq!(record.transactions.last(), Some(&row.id), "after the ends that were due");
    assert!(record.subjects.is_empty(), "what is only a money row has no line in the audit");
}

#[test]
fn a_command_without_money_names_its_subject() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    bank.done(block("a"));
    let record = bank.store.outbox.last().expect("a record");
    assert_eq!(record.subjects, [Subject::Card(bank.card("a").uuid)]);
    assert!(record.transactions.is_empty());
}

#[test]
fn a_look_up_is_not_told() {
    let mut bank = Bank::default();
    bank.make_with_pin("a", 100);
    let (records, lines) = (bank.store.outbox.len(), bank.store.audit.len());
    bank.done(info("a", "123456"));
    assert_eq!((bank.store.outbox.len(), bank.store.audit.len()), (records, lines));
}

#[test]
fn a_dead_client_moves_nothing() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let sale = bank.draw(by_id("a"), "s", 1);
    let order = bank.order(drawdown(sale));
    let stale = domain::Order {
        actor: Actor::Client { uuid: ClientUuid(Uuid::from_u128(1)), generation: 9 },
        ..order
    };
    let answer = bank.store.carry_out(vec![stale], at(START_MS)).pop().expect("an answer");
    assert_eq!(answer, Err(domain::Refusal::ClientGone));
}

#[test]
fn expired_rows_have_ids_of_their_own() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    for (place, seconds) in [(1, 1), (2, 1), (3, 2)] {
        let lock = bank.lock(by_id("a"), &format!("l{place}"), 1, Some(seconds));
        bank.row(drawdown(lock));
    }
    bank.now_ms += 5_000;
    let sweep = bank.sweep();
    assert_eq!(bank.done(sweep), Outcome::Swept { expired: 3 });
    let rows = bank.store.rows_of(bank.card("a").uuid);
    let mut ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), rows.len());
    let ended = rows.last().expect("a row").id.0;
    assert_eq!((ended.get_version_num(), ended.get_variant()), (7, uuid::Variant::RFC4122));
}

#[test]
fn days_are_loaded_only_where_they_count() {
    let mut bank = Bank::default();
    let sale = drawdown(bank.draw(by_id("a"), "s", 1));
    let sale = bank.order(sale);
    let block = bank.order(block("a"));
    let limited =
        Settings { client_day: domain::DayLimit { amount: None, count: Some(1) }, ..Settings::default() };
    assert!(!Needs::of([&sale]).day_counts(&Settings::default()));
    assert!(Needs::of([&sale]).day_counts(&limited));
    assert!(!Needs::of([&block]).day_counts(&limited));
    let change = bank.order(Command::ChangeSettings(Box::default()));
    assert!(Needs::of([&change, &sale]).day_counts(&Settings::default()));
}

#[test]
fn every_action_has_a_word_of_its_own() {
    let mut words: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), Action::ALL.len());
    for action in Action::ALL {
        assert_eq!(Action::from_word(action.as_str()), Some(*action));
    }
}

#[test]
fn commands_say_what_they_do() {
    let mut bank = Bank::default();
    let lock = bank.lock(by_id("a"), "l", 1, None);
    assert_eq!(drawdown(lock).action(), Action::Lock);
    let refund = bank.refund("a", "r", 1, id(1));
    assert_eq!(refund.action(), Action::Refund);
    assert_eq!(Command::MoveTestClock(MoveTestClock { ahead_ms: 1 }).action(), Action::MoveTestClock);
    let single = Activate { ref_id: None, ..bank.activate("a", 1) };
    assert_eq!(activate(single).action(), Action::ActivateCard);
}
