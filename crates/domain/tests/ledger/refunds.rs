//! Money added, given back, taken back by the till, corrected by staff.

use domain::{
    CardSelector, Command, Dates, Fund, MAX_AMOUNT, NewCard, Outcome, Reason, RefundToExpired, Refusal,
    Settings, TransactionId, TransactionType,
};

use super::words::*;

fn sale(bank: &mut Bank, reference: &str, minor_units: i64) -> TransactionId {
    let sale = bank.draw(by_id("a"), reference, minor_units);
    bank.row(drawdown(sale)).id
}

fn with_card(minor_units: i64) -> Bank {
    let mut bank = Bank::default();
    bank.make("a", minor_units);
    bank
}

fn expiring(settings: Settings) -> Bank {
    let mut bank = Bank::with(settings);
    let dates = Dates { active_from: None, expires_at: Some(at(START_MS + 1_000)) };
    let card = NewCard { dates, ..bank.new_card("a") };
    let create = bank.create(card, 100);
    bank.done(create);
    bank
}

#[test]
fn a_fund_adds_money() {
    let mut bank = with_card(100);
    let add = bank.fund(by_token("a"), "f", 50);
    let row = bank.row(fund(add));
    assert_eq!((row.kind, row.reason, row.parent), (TransactionType::Fund, Reason::Fund, None));
    assert_eq!(bank.sums("a"), (150, 150, 0));
}

#[test]
fn sums_stop_at_the_largest_amount() {
    let mut bank = with_card(MAX_AMOUNT - 1);
    let add = bank.fund(by_id("a"), "f", 2);
    assert_eq!(bank.refused(fund(add)), "AMOUNT_LIMIT");
    let add = bank.fund(by_id("a"), "f", 1);
    bank.row(fund(add));
    // All money ever added is a sum too: drawing makes no room.
    sale(&mut bank, "s", MAX_AMOUNT);
    let add = bank.fund(by_id("a"), "g", 1);
    assert_eq!(bank.refused(fund(add)), "AMOUNT_LIMIT");
    let add = bank.adjust("a", "h", 1);
    assert_eq!(bank.refused(add), "AMOUNT_LIMIT");
}

#[test]
fn a_card_that_is_not_yet_active_or_blocked_takes_money_and_others_do_not() {
    let mut bank = expiring(Settings::default());
    let early = Dates { active_from: Some(at(START_MS + 9_000)), expires_at: None };
    let card = NewCard { dates: early, ..bank.new_card("early") };
    let create = bank.create(card, 1);
    bank.done(create);
    bank.make("blocked", 1);
    bank.done(block("blocked"));
    bank.make_batch(&["inactive"]);
    bank.now_ms += 1_000;
    for (card, expected) in
        [("early", None), ("blocked", None), ("inactive", Some("CARD_INACTIVE")), ("a", Some("CARD_EXPIRED"))]
    {
        let add = bank.fund(by_id(card), "f", 1);
        match expected {
            None => assert_eq!(bank.row(fund(add)).amount, amount(1)),
            Some(code) => assert_eq!(bank.refused(fund(add)), code, "{card}"),
        }
    }
}

#[test]
fn a_fund_by_token_looks_at_the_token() {
    let mut bank = with_card(100);
    let token = bank.token("a", "once", (true, Some(10)));
    bank.done(token);
    let add = bank.fund(by_token("once"), "f", 1);
    bank.row(fund(add));
    let use_up = bank.draw(by_token("once"), "s", 1);
    bank.row(drawdown(use_up));
    let add = bank.fund(by_token("once"), "g", 1);
    assert_eq!(bank.refused(fund(add)), "TOKEN_USED", "a fund does not use it up, a drawdown does");
    bank.now_ms += 10_000;
    let add = bank.fund(by_token("once"), "g", 1);
    assert_eq!(bank.refused(fund(add)), "CARD_NOT_FOUND");
}

#[test]
fn refunds_together_give_back_at_most_the_drawdown() {
    let mut bank = with_card(100);
    let drawn = sale(&mut bank, "s", 60);
    let other = sale(&mut bank, "t", 40);
    let first = bank.refund("a", "1", 50, drawn);
    let row = bank.row(first);
    assert_eq!((row.reason, row.parent), (Reason::Refund, Some(drawn)));
    let beyond = bank.refund("a", "2", 11, drawn);
    assert_eq!(bank.refused(beyond), "REFUND_EXCEEDS_DRAWDOWN");
    let rest = bank.refund("a", "2", 10, drawn);
    bank.row(rest);
    let beyond = bank.refund("a", "3", 1, drawn);
    assert_eq!(bank.refused(beyond), "REFUND_EXCEEDS_DRAWDOWN");
    let of_other = bank.refund("a", "3", 40, other);
    bank.row(of_other);
    assert_eq!(bank.sums("a"), (100, 100, 0));
}

#[test]
fn two_refunds_in_one_group_see_each_other() {
    let mut bank = with_card(100);
    let drawn = sale(&mut bank, "s", 60);
    let commands = [bank.refund("a", "1", 40, drawn), bank.refund("a", "2", 40, drawn)];
    let orders = commands.map(|command| bank.order(command));
    let decisions = bank.store.carry_out(orders.into(), at(START_MS));
    assert!(decisions[0].is_ok() && decisions[1].is_err());
    assert_eq!(bank.sums("a"), (80, 80, 0));
}

#[test]
fn only_a_drawdown_of_the_card_is_refunded() {
    let mut bank = with_card(100);
    bank.make("b", 100);
    let drawn = sale(&mut bank, "s", 10);
    let lock = bank.lock(by_id("a"), "l", 10, None);
    let lock = bank.row(drawdown(lock)).id;
    let captured = bank.capture(lock, "c", Some(4));
    let captured = bank.row(captured).id;
    let of_capture = bank.refund("a", "1", 4, captured);
    bank.row(of_capture);
    let of_lock = bank.refund("a", "2", 1, lock);
    assert_eq!(bank.refused(of_lock), "INVALID_REQUEST");
    let of_unknown = bank.refund("a", "2", 1, id(5));
    assert_eq!(bank.refused(of_unknown), "TRANSACTION_NOT_FOUND");
    let on_other = bank.refund("b", "2", 1, drawn);
    assert_eq!(bank.refused(on_other), "TRANSACTION_NOT_FOUND");
    let currency = bank.fund(by_id("a"), "2", 1);
    let currency = Fund { currency: sek(), parent: Some(drawn), ..currency };
    assert_eq!(bank.refused(fund(currency)), "CURRENCY_MISMATCH");
}

#[test]
fn a_blocked_card_takes_a_refund() {
    let mut bank = with_card(100);
    let drawn = sale(&mut bank, "s", 10);
    bank.done(block("a"));
    let back = bank.refund("a", "1", 10, drawn);
    bank.row(back);
}

#[test]
fn an_expired_card_takes_a_refund_where_the_account_allows_it() {
    for (refund_to_expired, allowed) in [(RefundToExpired::Refuse, false), (RefundToExpired::Allow, true)] {
        let mut bank = expiring(Settings { refund_to_expired, ..Settings::default() });
        let drawn = sale(&mut bank, "s", 10);
        bank.now_ms += 1_000;
        let back = bank.refund("a", "1", 10, drawn);
        match allowed {
            true => assert_eq!(bank.row(back).balance, amount(100)),
            false => assert_eq!(bank.refused(back), "CARD_EXPIRED"),
        }
        let plain = bank.fund(by_id("a"), "2", 10);
        assert_eq!(bank.refused(fund(plain)), "CARD_EXPIRED");
    }
}

#[test]
fn a_till_takes_its_own_drawdown_back_within_the_minutes() {
    let minutes_ms = 15 * 60_000;
    for (late_ms, expected) in [(-1, None), (0, Some("INVALID_REQUEST")), (1, Some("INVALID_REQUEST"))] {
        let mut bank = with_card(100);
        let drawn = sale(&mut bank, "s", 60);
        bank.now_ms = START_MS + minutes_ms + late_ms;
        let undo = bank.reverse(drawn, "u");
        match expected {
            Some(code) => assert_eq!(bank.refused(undo), code),
            None => {
                let row = bank.row(undo.clone());
                assert_eq!((row.reason, row.parent, row.amount), (Reason::Reversal, Some(drawn), amount(60)));
                bank.now_ms += minutes_ms;
                assert_eq!(bank.row(undo).id, row.id, "a repeat is answered later too");
            }
        }
    }
}

#[test]
fn a_reversal_is_the_makers_whole_and_once() {
    let mut bank = with_card(100);
    let drawn = sale(&mut bank, "s", 60);
    bank.client = SHOP;
    let foreign = bank.reverse(drawn, "u");
    assert_eq!(bank.refused(foreign), "FORBIDDEN");
    bank.client = TILL;
    let undo = bank.reverse(drawn, "u");
    bank.row(undo);
    let again = bank.reverse(drawn, "w");
    assert_eq!(bank.refused(again), "REFUND_EXCEEDS_DRAWDOWN");
    let refund = bank.refund("a", "x", 1, drawn);
    assert_eq!(bank.refused(refund), "REFUND_EXCEEDS_DRAWDOWN", "it counts as a refund");
    let partly = sale(&mut bank, "p", 60);
    let refund = bank.refund("a", "y", 1, partly);
    bank.row(refund);
    let undo = bank.reverse(partly, "z");
    assert_eq!(bank.refused(undo), "REFUND_EXCEEDS_DRAWDOWN", "whole or not at all");
}

#[test]
fn only_a_drawdown_made_for_a_sale_is_reversed() {
    let mut bank = with_card(100);
    let taken = bank.adjust("a", "adj", -10);
    let taken = bank.row(taken).id;
    let lock = bank.lock(by_id("a"), "l", 10, None);
    let lock = bank.row(drawdown(lock)).id;
    let capture = bank.capture(lock, "c", Some(1));
    let captured = bank.row(capture).id;
    for other in [taken, lock] {
        let undo = bank.reverse(other, "u");
        assert_eq!(bank.refused(undo), "INVALID_REQUEST");
    }
    let unknown = bank.reverse(id(5), "u");
    assert_eq!(bank.refused(unknown), "TRANSACTION_NOT_FOUND");
    let undo = bank.reverse(captured, "u");
    bank.row(undo);
    bank.done(block("a"));
    let drawn = bank.row_by_ref("a", "c");
    assert_eq!(drawn, captured);
}

#[test]
fn a_reversal_reaches_a_card_that_was_blocked_or_expired_meanwhile() {
    let mut bank = expiring(Settings::default());
    let drawn = sale(&mut bank, "s", 10);
    bank.done(block("a"));
    bank.now_ms += 1_000;
    let undo = bank.reverse(drawn, "u");
    bank.row(undo);
}

#[test]
fn an_adjustment_adds_or_takes_and_says_why() {
    let mut bank = with_card(100);
    let add = bank.adjust("a", "1", 5);
    let row = bank.row(add);
    assert_eq!((row.kind, row.reason), (TransactionType::Fund, Reason::Adjust));
    assert_eq!(row.reason_code.as_ref().map(|code| code.as_str()), Some("counted"));
    assert_eq!(row.note, Some(note("counted again")));
    let take = bank.adjust("a", "2", -105);
    assert_eq!(bank.row(take).kind, TransactionType::Drawdown);
    let beyond = bank.adjust("a", "3", -1);
    assert_eq!(bank.refused(beyond), "INSUFFICIENT_FUNDS");
    let line = bank.store.audit.last().expect("a line");
    assert_eq!((line.action, line.note.clone()), (domain::Action::Adjust, Some(note("counted again"))));
}

#[test]
fn an_adjustment_reaches_a_blocked_or_expired_card_but_no_inactive_one() {
    let mut bank = expiring(Settings::default());
    bank.done(block("a"));
    bank.now_ms += 1_000;
    let take = bank.adjust("a", "1", -5);
    bank.row(take);
    bank.make_batch(&["b"]);
    let add = bank.adjust("b", "1", 5);
    assert_eq!(bank.refused(add), "CARD_INACTIVE");
    let Command::Adjust(adjust) = bank.adjust("a", "2", 5) else { unreachable!() };
    let currency = domain::Adjust { currency: sek(), ..*adjust };
    assert_eq!(bank.refused(Command::Adjust(Box::new(currency))), "CURRENCY_MISMATCH");
}

#[test]
fn an_adjustment_leaves_what_is_locked() {
    let mut bank = with_card(100);
    let lock = bank.lock(by_id("a"), "l", 60, None);
    bank.row(drawdown(lock));
    let beyond = bank.adjust("a", "1", -41);
    assert_eq!(bank.refused(beyond), "INSUFFICIENT_FUNDS");
    let all = bank.adjust("a", "1", -40);
    bank.row(all);
    assert_eq!(bank.sums("a"), (60, 0, 60));
}

#[test]
fn both_selectors_reach_a_refund() {
    let mut bank = with_card(100);
    let drawn = sale(&mut bank, "s", 10);
    let both = CardSelector::Both(token_mac("a"), card_id("a"));
    let back = Fund { parent: Some(drawn), ..bank.fund(both, "1", 10) };
    assert!(matches!(bank.done(fund(back)), Outcome::Written(_, card) if card == card_id("a")));
}

#[test]
fn refusals_say_how_much_is_left() {
    let mut bank = with_card(100);
    let drawn = sale(&mut bank, "s", 30);
    let lock = bank.lock(by_id("a"), "l", 50, None);
    let lock = bank.row(drawdown(lock)).id;
    let back = bank.refund("a", "b", 10, drawn);
    bank.row(back);
    let (left, available, remaining) = (amount(20), amount(30), amount(50));
    let cases = [
        (bank.refund("a", "x", 21, drawn), Refusal::RefundExceedsDrawdown { left }),
        (drawdown(bank.draw(by_id("a"), "x", 31)), Refusal::InsufficientFunds { available }),
        (bank.adjust("a", "x", -31), Refusal::InsufficientFunds { available }),
        (bank.capture(lock, "x", Some(51)), Refusal::AmountExceedsLock { remaining }),
        (bank.delete("a", true), Refusal::CardHasLocks { reserved: remaining }),
    ];
    for (command, refusal) in cases {
        assert_eq!(bank.ask(command), Err(refusal));
    }
}
