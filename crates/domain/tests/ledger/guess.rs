//! PINs: asked for, compared, counted.

use domain::{Actor, ClientUuid, Command, Drawdown, Info, Outcome, PinPolicy, PinTries, Refusal, Settings};
use uuid::Uuid;

use super::wire::code;
use super::words::*;

fn with_card() -> Bank {
    let mut bank = Bank::default();
    bank.make_with_pin("a", 1_000);
    bank
}

fn sale(bank: &mut Bank, value: Option<&str>) -> Command {
    let reference = bank.new_id().to_string();
    let sale = bank.draw(by_token("a"), &reference, 1);
    drawdown(Drawdown { pin: value.map(pin), ..sale })
}

fn try_pin(bank: &mut Bank, value: &str) -> &'static str {
    let sale = sale(bank, Some(value));
    match bank.ask(sale) {
        Ok(_) => "ok",
        Err(refusal) => code(&refusal),
    }
}

fn tries(bank: &Bank) -> Option<PinTries> {
    let client = ClientUuid(Uuid::from_u128(bank.client));
    bank.store.tries.get(&(bank.card("a").uuid, client)).copied()
}

fn wait(bank: &mut Bank) -> Option<u32> {
    let sale = sale(bank, Some("123456"));
    match bank.ask(sale) {
        Err(Refusal::PinLocked { retry_after_seconds }) => retry_after_seconds,
        other => panic!("not locked: {other:?}"),
    }
}

#[test]
fn a_wrong_pin_is_the_one_trace_a_refusal_leaves() {
    let mut bank = with_card();
    let wrong = sale(&mut bank, Some("000000"));
    assert_eq!(bank.refused(wrong), "PIN_INVALID");
    assert_eq!(tries(&bank).map(|tries| (tries.wrong_in_row, tries.wrong_since_rotation)), Some((1, 1)));
    assert_eq!(try_pin(&mut bank, "123456"), "ok");
    assert_eq!(tries(&bank).map(|tries| (tries.wrong_in_row, tries.wrong_since_rotation)), Some((0, 1)));
}

#[test]
fn five_wrong_in_a_row_wait_half_a_minute_to_the_millisecond() {
    for (late_ms, expected) in [(-1, "PIN_LOCKED"), (0, "ok"), (1, "ok")] {
        let mut bank = with_card();
        for _ in 0..5 {
            assert_eq!(try_pin(&mut bank, "000000"), "PIN_INVALID");
        }
        assert_eq!(wait(&mut bank), Some(30), "and the right one is not compared");
        bank.now_ms = START_MS + 30_000 + late_ms;
        assert_eq!(try_pin(&mut bank, "123456"), expected);
        assert_eq!(tries(&bank).is_some_and(|tries| tries.waits_until.is_none()), expected == "ok");
    }
}

#[test]
fn retry_after_is_rounded_up() {
    let mut bank = with_card();
    for _ in 0..5 {
        try_pin(&mut bank, "000000");
    }
    for (passed_ms, seconds) in [(1, 30), (999, 30), (1_000, 29), (29_999, 1)] {
        bank.now_ms = START_MS + passed_ms;
        assert_eq!(wait(&mut bank), Some(seconds));
    }
}

#[test]
fn waits_double_to_an_hour_and_end_with_the_twentieth_wrong_one() {
    let mut bank = with_card();
    for _ in 0..4 {
        assert_eq!(try_pin(&mut bank, "000000"), "PIN_INVALID");
    }
    let waits = [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600, 3_600, 3_600, 3_600, 3_600, 3_600];
    for seconds in waits {
        assert_eq!(try_pin(&mut bank, "000000"), "PIN_INVALID");
        bank.now_ms += i64::from(seconds) * 1_000 - 1;
        assert_eq!(wait(&mut bank), Some(1));
        bank.now_ms += 1;
    }
    assert_eq!(tries(&bank).map(|tries| tries.wrong_since_rotation), Some(19));
    assert_eq!(try_pin(&mut bank, "000000"), "PIN_INVALID");
    bank.now_ms += 86_400_000;
    assert_eq!(wait(&mut bank), None, "only another PIN helps");
    let unnamed = sale(&mut bank, None);
    bank.row(unnamed);
    let rotate = bank.rotate("a", "654321");
    bank.done(rotate);
    assert_eq!(tries(&bank), None);
    assert_eq!(try_pin(&mut bank, "654321"), "ok");
}

#[test]
fn a_right_pin_clears_the_waits_but_not_the_twenty() {
    let mut bank = with_card();
    for _ in 0..5 {
        for _ in 0..4 {
            assert_eq!(try_pin(&mut bank, "000000"), "PIN_INVALID");
        }
        let expected = if tries(&bank).is_some_and(|tries| tries.is_used_up()) { "PIN_LOCKED" } else { "ok" };
        assert_eq!(try_pin(&mut bank, "123456"), expected);
        if expected == "PIN_LOCKED" {
            assert_eq!(tries(&bank).map(|tries| tries.wrong_since_rotation), Some(20));
            return;
        }
    }
    panic!("twenty wrong ones were never reached");
}

#[test]
fn a_right_pin_in_a_refused_command_clears_nothing() {
    let mut bank = with_card();
    try_pin(&mut bank, "000000");
    let before = tries(&bank);
    let beyond = Drawdown { pin: Some(pin("123456")), ..bank.draw(by_token("a"), "r", 1_001) };
    assert_eq!(bank.refused(drawdown(beyond)), "INSUFFICIENT_FUNDS");
    assert_eq!(tries(&bank), before);
}

#[test]
fn each_client_guesses_for_itself() {
    let mut bank = with_card();
    for _ in 0..5 {
        try_pin(&mut bank, "000000");
    }
    assert_eq!(try_pin(&mut bank, "123456"), "PIN_LOCKED");
    bank.client = SHOP;
    assert_eq!(try_pin(&mut bank, "123456"), "ok");
}

#[test]
fn use_without_a_pin_is_never_stopped() {
    let mut bank = with_card();
    for _ in 0..5 {
        try_pin(&mut bank, "000000");
    }
    let unnamed = sale(&mut bank, None);
    bank.row(unnamed);
}

#[test]
fn a_pin_for_a_card_without_one_is_wrong_but_not_counted() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    for _ in 0..7 {
        let wrong = sale(&mut bank, Some("123456"));
        assert_eq!(bank.refused(wrong), "PIN_INVALID");
    }
    assert!(bank.store.tries.is_empty());
}

#[test]
fn wrong_pins_in_one_group_are_all_counted() {
    let mut bank = with_card();
    let orders: Vec<_> = (0..6)
        .map(|_| {
            let wrong = sale(&mut bank, Some("000000"));
            bank.order(wrong)
        })
        .collect();
    let answers = bank.store.carry_out(orders, at(START_MS));
    let codes: Vec<_> = answers.iter().map(|answer| code(answer.as_ref().expect_err("refused"))).collect();
    assert_eq!(codes, ["PIN_INVALID"; 5].into_iter().chain(["PIN_LOCKED"]).collect::<Vec<_>>());
    assert_eq!(tries(&bank).map(|tries| tries.wrong_in_row), Some(5));
}

#[test]
fn a_rotation_within_a_group_clears_what_stood_before_it() {
    let mut bank = with_card();
    try_pin(&mut bank, "000000");
    let commands =
        [sale(&mut bank, Some("000000")), bank.rotate("a", "654321"), sale(&mut bank, Some("123456"))];
    let orders = commands.map(|command| bank.order(command));
    bank.store.carry_out(orders.into(), at(START_MS));
    assert_eq!(tries(&bank).map(|tries| (tries.wrong_in_row, tries.wrong_since_rotation)), Some((1, 1)));
}

#[test]
fn a_rotation_within_a_group_clears_no_other_cards_count() {
    let mut bank = with_card();
    bank.make_with_pin("b", 1_000);
    let wrong_a = sale(&mut bank, Some("000000"));
    let wrong_b = drawdown(Drawdown { pin: Some(pin("000000")), ..bank.draw(by_token("b"), "s", 1) });
    let commands = [wrong_a, wrong_b, bank.rotate("b", "654321")];
    let orders = commands.map(|command| bank.order(command));
    bank.store.carry_out(orders.into(), at(START_MS));
    assert_eq!(tries(&bank).map(|tries| tries.wrong_since_rotation), Some(1));
    assert_eq!(bank.store.tries.len(), 1, "and what was counted on the rotated card is gone");
}

#[test]
fn the_account_says_whether_a_token_needs_the_pin() {
    let mut bank = Bank::with(Settings { pin_policy: PinPolicy::Required, ..Settings::default() });
    bank.make_with_pin("a", 100);
    bank.make("without", 100);
    let unnamed = sale(&mut bank, None);
    assert_eq!(bank.refused(unnamed), "PIN_REQUIRED");
    let add = bank.fund(by_token("a"), "f", 1);
    assert_eq!(bank.refused(fund(add)), "PIN_REQUIRED");
    assert_eq!(try_pin(&mut bank, "123456"), "ok");
    let by_card = bank.draw(by_id("a"), "c", 1);
    bank.row(drawdown(by_card));
    let without = bank.draw(by_token("without"), "c", 1);
    bank.row(drawdown(without));
}

#[test]
fn info_counts_and_shows_a_card_in_any_status() {
    let mut bank = with_card();
    let token = bank.token("a", "once", (true, Some(60)));
    bank.done(token);
    let use_up = bank.draw(by_token("once"), "s", 1);
    bank.row(drawdown(use_up));
    bank.done(block("a"));
    let Outcome::Info(card) = bank.done(info("once", "123456")) else { panic!("no card") };
    assert_eq!(card.balance(), amount(999));
    assert_eq!(bank.refused(info("once", "000000")), "PIN_INVALID");
    assert_eq!(tries(&bank).map(|tries| tries.wrong_in_row), Some(1));
    assert_eq!(bank.refused(info("unknown", "123456")), "CARD_NOT_FOUND");
    bank.now_ms += 60_000;
    assert_eq!(bank.refused(info("once", "000000")), "CARD_NOT_FOUND", "told before anything is compared");
    assert_eq!(tries(&bank).map(|tries| tries.wrong_in_row), Some(1));
}

#[test]
fn a_pin_is_compared_with_a_card_id_too() {
    let mut bank = with_card();
    let wrong = Drawdown { pin: Some(pin("000000")), ..bank.draw(by_id("a"), "r", 1) };
    assert_eq!(bank.refused(drawdown(wrong)), "PIN_INVALID");
}

#[test]
fn an_operator_is_not_counted() {
    let mut bank = with_card();
    for value in ["000000", "123456"] {
        let command = Command::Info(Box::new(Info { card: by_token("a"), pin: pin(value) }));
        let order = domain::Order { actor: Actor::Operator, ..bank.order(command) };
        let answer = bank.store.carry_out(vec![order], at(START_MS)).pop().expect("an answer");
        assert_eq!(answer.is_ok(), value == "123456");
    }
    assert!(bank.store.tries.is_empty());
}
