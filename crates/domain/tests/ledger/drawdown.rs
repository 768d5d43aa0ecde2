//! Paying with a card.

use domain::{
    CardSelector, Dates, Drawdown, MAX_AMOUNT, NewCard, PinPolicy, Reason, Settings, TransactionType,
};

use super::words::*;

fn draws(bank: &mut Bank, card: &str, reference: &str, minor_units: i64) -> domain::Command {
    drawdown(bank.draw(by_id(card), reference, minor_units))
}

#[test]
fn a_drawdown_takes_money_and_says_what_is_left() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let sale = draws(&mut bank, "a", "r", 30);
    let row = bank.row(sale);
    assert_eq!((row.kind, row.reason, row.seq), (TransactionType::Drawdown, Reason::Sale, 2));
    assert_eq!((row.balance, row.available), (amount(70), amount(70)));
    assert_eq!(bank.sums("a"), (70, 70, 0));
}

#[test]
fn the_last_unit_can_be_drawn_and_not_one_more() {
    for (most, more) in [(1, 2), (100, 101), (MAX_AMOUNT - 1, MAX_AMOUNT)] {
        let mut bank = Bank::default();
        bank.make("a", most);
        let beyond = draws(&mut bank, "a", "r", more);
        assert_eq!(bank.refused(beyond), "INSUFFICIENT_FUNDS");
        let all = draws(&mut bank, "a", "r", most);
        bank.row(all);
        assert_eq!(bank.sums("a"), (0, 0, 0));
    }
}

#[test]
fn a_partial_drawdown_takes_what_there_is_but_never_nothing() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let partial = |draw| Drawdown { allow_partial: true, ..draw };
    let small = partial(bank.draw(by_id("a"), "1", 40));
    assert_eq!(bank.row(drawdown(small)).amount, amount(40));
    let large = partial(bank.draw(by_id("a"), "2", 100));
    let row = bank.row(drawdown(large.clone()));
    assert_eq!((row.amount, row.asked.amount), (amount(60), Some(amount(100))));
    assert_eq!(bank.row(drawdown(large)).id, row.id, "a repeat by the amount as it was sent");
    let empty = partial(bank.draw(by_id("a"), "3", 1));
    assert_eq!(bank.refused(drawdown(empty)), "INSUFFICIENT_FUNDS");
}

#[test]
fn dates_open_and_close_a_card_to_the_millisecond() {
    let mut bank = Bank::default();
    let (from, to) = (START_MS + 1_000, START_MS + 2_000);
    let dates = Dates { active_from: Some(at(from)), expires_at: Some(at(to)) };
    let card = NewCard { dates, ..bank.new_card("a") };
    let create = bank.create(card, 100);
    bank.done(create);
    let cases = [
        (from - 1, Some("CARD_NOT_YET_ACTIVE")),
        (from, None),
        (to - 1, None),
        (to, Some("CARD_EXPIRED")),
        (to + 1, Some("CARD_EXPIRED")),
    ];
    for (place, (now_ms, expected)) in cases.into_iter().enumerate() {
        bank.now_ms = now_ms;
        let sale = draws(&mut bank, "a", &format!("r{place}"), 1);
        match expected {
            None => _ = bank.row(sale),
            Some(code) => assert_eq!(bank.refused(sale), code),
        }
    }
}

#[test]
fn blocked_inactive_deleted_and_unknown_cards_pay_nothing() {
    let mut bank = Bank::default();
    bank.make_batch(&["inactive"]);
    bank.make("blocked", 100);
    bank.done(block("blocked"));
    bank.make("deleted", 0);
    let delete = bank.delete("deleted", false);
    bank.done(delete);
    let cases = [
        ("inactive", "CARD_INACTIVE"),
        ("blocked", "CARD_BLOCKED"),
        ("deleted", "CARD_NOT_FOUND"),
        ("unknown", "CARD_NOT_FOUND"),
    ];
    for (card, code) in cases {
        let sale = draws(&mut bank, card, "r", 1);
        assert_eq!(bank.refused(sale), code, "{card}");
        let lock = bank.lock(by_id(card), "r", 1, None);
        assert_eq!(bank.refused(drawdown(lock)), code, "{card}");
    }
}

#[test]
fn another_currency_is_refused() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let sale = Drawdown { currency: sek(), ..bank.draw(by_id("a"), "r", 1) };
    assert_eq!(bank.refused(drawdown(sale)), "CURRENCY_MISMATCH");
}

#[test]
fn a_single_use_token_is_used_up_by_a_drawdown_or_a_lock() {
    for pending in [false, true] {
        let mut bank = Bank::default();
        bank.make("a", 100);
        let token = bank.token("a", "once", (true, Some(60)));
        bank.done(token);
        let too_much = bank.draw(by_token("once"), "0", 101);
        assert_eq!(bank.refused(drawdown(too_much)), "INSUFFICIENT_FUNDS");
        let first = match pending {
            true => bank.lock(by_token("once"), "1", 1, None),
            false => bank.draw(by_token("once"), "1", 1),
        };
        let row = bank.row(drawdown(first.clone()));
        let second = bank.draw(by_token("once"), "2", 1);
        assert_eq!(bank.refused(drawdown(second)), "TOKEN_USED");
        assert_eq!(bank.row(drawdown(first)).id, row.id, "a repeat comes before the token's use");
    }
}

#[test]
fn a_token_past_its_time_opens_nothing_but_a_repeat() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let token = bank.token("a", "short", (false, Some(60)));
    bank.done(token);
    bank.now_ms = START_MS + 59_999;
    let sale = bank.draw(by_token("short"), "1", 1);
    let row = bank.row(drawdown(sale.clone()));
    bank.now_ms = START_MS + 60_000;
    let late = bank.draw(by_token("short"), "2", 1);
    assert_eq!(bank.refused(drawdown(late)), "CARD_NOT_FOUND");
    assert_eq!(bank.row(drawdown(sale)).id, row.id);
}

#[test]
fn a_token_and_a_card_id_must_agree() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    bank.make("b", 100);
    let both = |card: &str| CardSelector::Both(token_mac("a"), card_id(card));
    let agreed = bank.draw(both("a"), "r", 1);
    bank.row(drawdown(agreed));
    let apart = bank.draw(both("b"), "r", 1);
    assert_eq!(bank.refused(drawdown(apart)), "CARD_NOT_FOUND");
}

/// One thing wrong after the other, from the last check to the first: each hides those behind it.
#[test]
fn checks_stand_in_the_contracts_order() {
    let mut bank = Bank::with(Settings { pin_policy: PinPolicy::Required, ..Settings::default() });
    bank.make_with_pin("a", 100);
    let token = bank.token("a", "t", (true, Some(60)));
    bank.done(token);
    let mut wrong = Drawdown { pin: Some(pin("123456")), ..bank.draw(by_token("t"), "r", 101) };
    assert_eq!(bank.refused(drawdown(wrong.clone())), "INSUFFICIENT_FUNDS");
    wrong.currency = sek();
    assert_eq!(bank.refused(drawdown(wrong.clone())), "CURRENCY_MISMATCH");
    let using = Drawdown { pin: Some(pin("123456")), ..bank.draw(by_token("t"), "used", 1) };
    bank.row(drawdown(using.clone()));
    assert_eq!(bank.refused(drawdown(wrong.clone())), "TOKEN_USED");
    wrong.pin = None;
    assert_eq!(bank.refused(drawdown(wrong.clone())), "PIN_REQUIRED");
    bank.done(block("a"));
    assert_eq!(bank.refused(drawdown(wrong.clone())), "CARD_BLOCKED");
    bank.now_ms += 60_000;
    assert_eq!(bank.refused(drawdown(wrong.clone())), "CARD_NOT_FOUND");
    wrong.ref_id = ref_id("used");
    assert_eq!(bank.refused(drawdown(wrong)), "REF_ID_REUSED");
    bank.row(drawdown(using));
}
