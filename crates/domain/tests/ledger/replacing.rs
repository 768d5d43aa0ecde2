//! Another card in a card's place.

use domain::{
    Action, Activate, CardEvent, CardType, Command, CreateBatch, CustomerId, Dates, Drawdown, Name, NewCard,
    NewToken, Outcome, Reason, ReasonCode, Replace, Settings, Status, Subject,
};

use super::words::*;

fn old_with_sale() -> (Bank, domain::TransactionId) {
    let mut bank = Bank::default();
    bank.make("old", 100);
    let sale = bank.draw(by_id("old"), "s", 40);
    let drawn = bank.row(drawdown(sale)).id;
    (bank, drawn)
}

#[test]
fn money_customer_and_dates_move_to_a_new_card_in_one_commit() {
    let mut bank = Bank::default();
    let customer_id = Some(CustomerId::try_from("c-1").expect("an id"));
    let dates = Dates { active_from: Some(at(START_MS)), expires_at: Some(at(START_MS + 99_000)) };
    let card = NewCard { customer_id: customer_id.clone(), dates, ..bank.new_card("old") };
    let create = bank.create(card, 100);
    bank.done(create);
    bank.done(block("old"));
    let replace = bank.replace("old", "r", "new");
    let Outcome::CardReplaced { transaction, old, new, is_new } = bank.done(replace) else {
        panic!("not replaced")
    };
    let fund = bank.store.rows_of(new.uuid)[0].clone();
    assert!(is_new);
    assert_eq!((transaction.reason, transaction.amount), (Reason::Replace, amount(100)));
    assert_eq!((fund.reason, fund.parent), (Reason::Replace, Some(transaction.id)));
    assert_eq!((new.customer_id.clone(), new.dates, new.amount), (customer_id, dates, amount(100)));
    assert_eq!((old.status(at(START_MS)), new.status(at(START_MS))), (Status::Blocked, Status::Unused));
    assert_eq!((bank.sums("old").0, bank.sums("new").0), (0, 100));
    let told = bank.store.outbox.last().expect("a record");
    assert_eq!(told.transactions, [transaction.id, fund.id]);
}

#[test]
fn type_name_and_currency_go_along_and_both_rows_say_why() {
    let mut bank = Bank::default();
    let note = NewCard { kind: CardType::CreditNote, ..bank.new_card("old") };
    let batch = domain::BatchId(bank.new_id());
    bank.done(Command::CreateBatch(CreateBatch { batch, currency: nok(), cards: vec![note] }));
    let name = Name::try_from("Kari").ok();
    let in_sek = Activate { currency: sek(), name: name.clone(), ..bank.activate("old", 100) };
    bank.done(activate(in_sek));
    bank.make_batch(&["hand"]);
    let replace = bank.replace("old", "r", "hand");
    let Outcome::CardReplaced { transaction, new, .. } = bank.done(replace) else { panic!("not replaced") };
    assert_eq!((new.kind, new.name.clone(), new.currency), (CardType::CreditNote, name, sek()));
    let fund = &bank.store.rows_of(new.uuid)[0];
    for row in [&*transaction, fund] {
        assert_eq!(row.reason_code, ReasonCode::try_from("lost").ok());
        assert_eq!(row.currency, sek());
    }
}

#[test]
fn a_replacement_is_told_of_both_cards() {
    for was_blocked in [false, true] {
        let (mut bank, _) = old_with_sale();
        if was_blocked {
            bank.done(block("old"));
        }
        bank.now_ms += 1_000;
        let (statuses, lines) = (bank.store.statuses.len(), bank.store.audit.len());
        let replace = bank.replace("old", "r", "new");
        bank.done(replace);
        let (old, new) = (bank.card("old").uuid, bank.card("new").uuid);
        let told = bank.store.statuses[statuses..].iter().map(|change| (change.card, change.event));
        let blocked = (!was_blocked).then_some((old, CardEvent::Blocked));
        let expected = blocked.into_iter().chain([(new, CardEvent::Activated)]);
        assert_eq!(told.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        let audited = bank.store.audit[lines..].iter().map(|line| (line.action, line.subject));
        let both = [old, new].map(|card| (Action::ReplaceCard, Subject::Card(card)));
        assert_eq!(audited.collect::<Vec<_>>(), both);
    }
}

#[test]
fn an_inactive_card_in_the_hand_keeps_its_own_token() {
    let (mut bank, _) = old_with_sale();
    bank.make_batch(&["hand"]);
    let Command::Replace(replace) = bank.replace("old", "r", "hand") else { unreachable!() };
    let unused = Some(NewToken { ..bank.new_token("unused") });
    let new = NewCard { token: unused, ..replace.new.clone() };
    let replace = Replace { new, ..*replace };
    let Outcome::CardReplaced { is_new, new, .. } = bank.done(Command::Replace(Box::new(replace))) else {
        panic!("not replaced")
    };
    assert!(!is_new && new.activation.is_some());
    let sale = bank.draw(by_token("hand"), "s", 60);
    bank.row(drawdown(sale));
    let none = bank.draw(by_token("unused"), "t", 1);
    assert_eq!(bank.refused(drawdown(none)), "CARD_NOT_FOUND");
}

#[test]
fn only_a_free_id_or_an_inactive_card_takes_the_place() {
    let (mut bank, _) = old_with_sale();
    bank.make("active", 1);
    bank.make_batch(&["blocked", "deleted"]);
    bank.done(block("blocked"));
    let delete = bank.delete("deleted", false);
    bank.done(delete);
    for (card, code) in [
        ("active", "CARD_NOT_INACTIVE"),
        ("old", "CARD_NOT_INACTIVE"),
        ("blocked", "CARD_BLOCKED"),
        ("deleted", "CARD_ID_TAKEN"),
    ] {
        let replace = bank.replace("old", "r", card);
        assert_eq!(bank.refused(replace), code, "{card}");
    }
}

#[test]
fn an_inactive_expired_replaced_or_locked_card_is_not_replaced() {
    let (mut bank, _) = old_with_sale();
    bank.make_batch(&["inactive"]);
    let dates = Dates { active_from: None, expires_at: Some(at(START_MS + 1)) };
    let card = NewCard { dates, ..bank.new_card("expired") };
    let create = bank.create(card, 1);
    bank.done(create);
    bank.now_ms += 1;
    for (card, code) in
        [("inactive", "CARD_INACTIVE"), ("expired", "CARD_EXPIRED"), ("unknown", "CARD_NOT_FOUND")]
    {
        let replace = bank.replace(card, "r", "new");
        assert_eq!(bank.refused(replace), code, "{card}");
    }
    let lock = bank.lock(by_id("old"), "l", 1, Some(10));
    bank.row(drawdown(lock));
    let replace = bank.replace("old", "r", "new");
    assert_eq!(bank.refused(replace.clone()), "CARD_HAS_LOCKS");
    bank.now_ms += 10_000;
    bank.done(replace);
    assert_eq!(bank.sums("new"), (60, 60, 0), "what had run out moved too");
    let again = bank.replace("old", "r2", "newer");
    assert_eq!(bank.refused(again), "CARD_BLOCKED");
}

#[test]
fn the_same_replacement_twice_is_one_and_shows_no_secret_again() {
    let (mut bank, _) = old_with_sale();
    let replace = bank.replace("old", "r", "new");
    bank.done(replace.clone());
    let Outcome::CardReplaced { is_new, new, .. } = bank.done(replace) else { panic!("not replaced") };
    assert!(!is_new);
    assert_eq!(new.card_id, card_id("new"));
    let other = bank.replace("old", "r", "other");
    assert_eq!(bank.refused(other), "REF_ID_REUSED");
    assert_eq!((bank.sums("old").0, bank.sums("new").0), (0, 60));
}

#[test]
fn a_refund_of_the_old_cards_history_goes_to_the_last_in_line() {
    let (mut bank, drawn) = old_with_sale();
    for (old, new) in [("old", "new"), ("new", "newer")] {
        let replace = bank.replace(old, "r", new);
        bank.done(replace);
    }
    for (place, named) in ["old", "new", "newer"].into_iter().enumerate() {
        let refund = bank.refund(named, &format!("f{place}"), 10, drawn);
        let row = bank.row(refund.clone());
        assert_eq!(row.card, bank.card("newer").uuid, "{named}");
        assert_eq!(bank.row(refund).id, row.id);
    }
    assert_eq!(bank.sums("newer"), (90, 90, 0));
    let beyond = bank.refund("newer", "f9", 11, drawn);
    assert_eq!(bank.refused(beyond), "REFUND_EXCEEDS_DRAWDOWN");
    let sale = bank.draw(by_id("newer"), "s", 1);
    let later = bank.row(drawdown(sale)).id;
    let backwards = bank.refund("old", "f8", 1, later);
    assert_eq!(bank.refused(backwards), "TRANSACTION_NOT_FOUND", "the old card's history does not go on");
}

#[test]
fn a_refund_sent_again_after_the_replacement_is_still_one() {
    let (mut bank, drawn) = old_with_sale();
    let refund = bank.refund("old", "f", 10, drawn);
    let row = bank.row(refund.clone());
    let replace = bank.replace("old", "r", "new");
    bank.done(replace);
    assert_eq!(bank.row(refund), row);
    assert_eq!(bank.sums("new"), (70, 70, 0));
}

#[test]
fn a_reversal_follows_the_money_too() {
    let (mut bank, drawn) = old_with_sale();
    let replace = bank.replace("old", "r", "new");
    bank.done(replace);
    let undo = bank.reverse(drawn, "u");
    let row = bank.row(undo.clone());
    assert_eq!(row.card, bank.card("new").uuid);
    assert_eq!(bank.row(undo).id, row.id);
    assert_eq!(bank.sums("new"), (100, 100, 0));
}

#[test]
fn the_moved_money_is_no_drawdown_to_refund_or_reverse() {
    let (mut bank, _) = old_with_sale();
    let replace = bank.replace("old", "r", "new");
    bank.done(replace);
    let moved = bank.row_by_ref("old", "r");
    let refund = bank.refund("new", "f", 1, moved);
    assert_eq!(bank.refused(refund), "REFUND_EXCEEDS_DRAWDOWN");
    let undo = bank.reverse(moved, "u");
    assert_eq!(bank.refused(undo), "INVALID_REQUEST");
}

#[test]
fn a_replaced_card_stays_out_of_use() {
    let (mut bank, _) = old_with_sale();
    let replace = bank.replace("old", "r", "new");
    bank.done(replace);
    assert_eq!(bank.refused(unblock("old")), "CARD_BLOCKED");
    let sale = bank.draw(by_token("old"), "1", 1);
    assert_eq!(bank.refused(drawdown(sale)), "CARD_BLOCKED");
    let add = bank.fund(by_id("old"), "1", 1);
    assert_eq!(bank.refused(fund(add)), "CARD_BLOCKED");
    let add = bank.adjust("old", "1", 1);
    assert_eq!(bank.refused(add), "CARD_BLOCKED");
}

#[test]
fn an_empty_card_is_replaced_as_well() {
    let mut bank = Bank::with(Settings { balance_max: Some(amount(1)), ..Settings::default() });
    bank.make("old", 0);
    let replace = bank.replace("old", "r", "new");
    bank.done(replace);
    let sale = Drawdown { ..bank.draw(by_id("new"), "1", 1) };
    assert_eq!(bank.refused(drawdown(sale)), "INSUFFICIENT_FUNDS");
}

#[test]
fn a_clock_set_back_between_does_not_send_the_money_to_a_later_day() {
    let mut bank = Bank::default();
    bank.make_batch(&["old"]);
    let first = bank.activate("old", 10);
    bank.done(activate(first));
    bank.now_ms -= 30_000;
    let replace = bank.replace("old", "r", "new");
    bank.done(replace);
    assert_eq!(bank.card("new").created_at, at(START_MS));
    let sale = bank.draw(by_id("new"), "s", 10);
    bank.row(drawdown(sale));
}

#[test]
fn a_clock_set_back_before_does_not_date_the_money_in_before_the_money_out() {
    let (mut bank, _) = old_with_sale();
    bank.make_batch(&["hand"]);
    bank.now_ms += 60_000;
    let sale = bank.draw(by_id("old"), "later", 1);
    bank.row(drawdown(sale));
    bank.now_ms = START_MS;
    let replace = bank.replace("old", "r", "hand");
    let Outcome::CardReplaced { transaction, new, .. } = bank.done(replace) else { panic!("not replaced") };
    assert_eq!(transaction.created_at, at(START_MS + 60_000));
    assert_eq!(bank.store.rows_of(new.uuid)[0].created_at, transaction.created_at);
    assert_eq!(new.activation.map(|activation| activation.at), Some(transaction.created_at));
}
