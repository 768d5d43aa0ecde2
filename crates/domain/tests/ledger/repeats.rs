//! A request sent again, and another one under the same reference.

use domain::{Capture, Command, Drawdown, Fund, OriginatedBy, Outcome, Pending};

use super::words::*;

fn from(place: &str) -> Option<OriginatedBy> {
    Some(OriginatedBy::try_from(place).expect("an origin"))
}

#[test]
fn the_same_drawdown_twice_is_one() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let sale = bank.draw(by_token("a"), "r", 60);
    let row = bank.row(drawdown(sale.clone()));
    let told = bank.store.outbox.len();
    // Found through the card instead of the token, with other metadata and another id brought along: still the same.
    let again = Drawdown {
        card: by_id("a"),
        id: id(7),
        metadata: domain::Metadata::from_json_object(r#"{"x":1}"#),
        pin: Some(pin("000000")),
        ..sale
    };
    assert_eq!(bank.row(drawdown(again)), row);
    assert_eq!((bank.sums("a"), bank.store.outbox.len()), ((40, 40, 0), told));
}

#[test]
fn each_difference_makes_a_drawdown_another_one() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let sale = Drawdown { originated_by: from("till 1"), ..bank.draw(by_id("a"), "r", 10) };
    bank.row(drawdown(sale.clone()));
    let others = [
        Drawdown { amount: amount(11), ..sale.clone() },
        Drawdown { currency: sek(), ..sale.clone() },
        Drawdown { pending: Some(Pending::default()), ..sale.clone() },
        Drawdown { originated_by: from("till 2"), ..sale.clone() },
        Drawdown { originated_by: None, ..sale.clone() },
    ];
    for other in others {
        assert_eq!(bank.refused(drawdown(other)), "REF_ID_REUSED");
    }
    let add = Fund { originated_by: from("till 1"), ..bank.fund(by_id("a"), "r", 10) };
    assert_eq!(bank.refused(fund(add)), "REF_ID_REUSED");
    bank.client = SHOP;
    assert_eq!(bank.refused(drawdown(sale)), "REF_ID_REUSED");
}

#[test]
fn a_locks_life_is_part_of_the_request() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let lock = bank.lock(by_id("a"), "r", 10, Some(60));
    let row = bank.row(drawdown(lock.clone()));
    for expires_in in [None, Some(life(61))] {
        let other = Drawdown { pending: Some(Pending { expires_in }), ..lock.clone() };
        assert_eq!(bank.refused(drawdown(other)), "REF_ID_REUSED");
    }
    bank.now_ms += 3_600_000;
    assert_eq!(bank.row(drawdown(lock)), row, "after its end too");
}

#[test]
fn an_absent_amount_is_another_than_the_same_one_given() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let lock = bank.lock(by_id("a"), "l", 10, None);
    let lock = bank.row(drawdown(lock)).id;
    let all = bank.capture(lock, "c", None);
    bank.row(all.clone());
    let same_number = bank.capture(lock, "c", Some(10));
    assert_eq!(bank.refused(same_number), "REF_ID_REUSED");
    let Command::Capture(capture) = all else { unreachable!() };
    let elsewhere = Capture { originated_by: from("till 2"), ..*capture };
    assert_eq!(bank.refused(Command::Capture(Box::new(elsewhere))), "REF_ID_REUSED");
    let void = bank.void(lock, "c");
    assert_eq!(bank.refused(void), "REF_ID_REUSED");
}

#[test]
fn one_reference_serves_once_on_each_card() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    bank.make("b", 100);
    for card in ["a", "b"] {
        let sale = bank.draw(by_id(card), "r", 10);
        bank.row(drawdown(sale));
    }
    assert_eq!((bank.sums("a").0, bank.sums("b").0), (90, 90));
}

#[test]
fn a_refunds_parent_is_part_of_the_request() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let (one, two) = (bank.draw(by_id("a"), "1", 10), bank.draw(by_id("a"), "2", 10));
    let (one, two) = (bank.row(drawdown(one)).id, bank.row(drawdown(two)).id);
    let refund = bank.refund("a", "r", 10, one);
    let row = bank.row(refund.clone());
    assert_eq!(bank.row(refund).id, row.id);
    let other = bank.refund("a", "r", 10, two);
    assert_eq!(bank.refused(other), "REF_ID_REUSED");
    let plain = bank.fund(by_id("a"), "r", 10);
    assert_eq!(bank.refused(fund(plain)), "REF_ID_REUSED");
}

#[test]
fn an_adjustments_sign_is_part_of_the_request() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let add = bank.adjust("a", "r", 10);
    bank.row(add.clone());
    bank.row(add);
    let take = bank.adjust("a", "r", -10);
    assert_eq!(bank.refused(take), "REF_ID_REUSED");
    assert_eq!(bank.sums("a"), (110, 110, 0));
}

#[test]
fn an_adjustments_currency_is_part_of_the_request() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let add = bank.adjust("a", "r", 10);
    bank.row(add.clone());
    let Command::Adjust(add) = add else { unreachable!() };
    let other = domain::Adjust { currency: sek(), ..*add };
    assert_eq!(bank.refused(Command::Adjust(Box::new(other))), "REF_ID_REUSED");
}

#[test]
fn a_refused_request_is_not_remembered() {
    let mut bank = Bank::default();
    bank.make("a", 10);
    let sale = bank.draw(by_id("a"), "r", 20);
    assert_eq!(bank.refused(drawdown(sale.clone())), "INSUFFICIENT_FUNDS");
    let add = bank.fund(by_id("a"), "f", 10);
    bank.row(fund(add));
    bank.row(drawdown(sale));
}

#[test]
fn racing_copies_in_one_group_are_one() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let copies: Vec<_> = (0..8).map(|_| bank.draw(by_id("a"), "r", 20)).collect();
    let orders = copies.into_iter().map(|copy| bank.order(drawdown(copy))).collect();
    let answers = bank.store.carry_out(orders, at(START_MS));
    let rows: Vec<_> = answers.iter().map(|answer| answer.as_ref().expect("accepted")).collect();
    assert!(rows.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(bank.sums("a"), (80, 80, 0));
}

#[test]
fn a_repeated_activation_shows_the_card_as_it_is_now() {
    let mut bank = Bank::default();
    bank.make_batch(&["a"]);
    let first = domain::Activate {
        ref_id: Some(ref_id("r")),
        originated_by: from("till 1"),
        ..bank.activate("a", 100)
    };
    bank.done(activate(first.clone()));
    let lock = bank.lock(by_id("a"), "l", 60, Some(10));
    bank.row(drawdown(lock));
    bank.now_ms += 10_000;
    let Outcome::CardActivated(details) = bank.done(activate(first.clone())) else { panic!("not activated") };
    assert_eq!(
        (details.card.available(), details.card.reserved),
        (amount(100), amount(0)),
        "what ran out is free in answers"
    );
    let other = domain::Activate { amount: amount(101), ..first.clone() };
    assert_eq!(bank.refused(activate(other)), "REF_ID_REUSED");
    let other = domain::Activate { currency: sek(), ..first.clone() };
    assert_eq!(bank.refused(activate(other)), "REF_ID_REUSED");
    let unnamed = domain::Activate { ref_id: None, ..first };
    assert_eq!(bank.refused(activate(unnamed)), "CARD_NOT_INACTIVE");
}
