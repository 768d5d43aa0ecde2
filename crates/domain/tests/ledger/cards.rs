//! Cards blocked, changed, deleted, with locks or without.

use domain::{
    CardEvent, ChangeCard, Command, CustomerId, Dates, ExpiryChange, Metadata, Name, NewCard, OriginatedBy,
    Outcome, Status,
};

use super::words::*;

fn expiring() -> Bank {
    let mut bank = Bank::default();
    let dates = Dates { active_from: Some(at(START_MS)), expires_at: Some(at(START_MS + 10_000)) };
    let card = NewCard { dates, ..bank.new_card("a") };
    let create = bank.create(card, 100);
    bank.done(create);
    bank
}

#[test]
fn blocking_is_told_with_its_reason_and_undone() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    bank.done(block("a"));
    assert_eq!(bank.card("a").status(at(START_MS)), Status::Blocked);
    let line = bank.store.audit.last().cloned().expect("a line");
    assert_eq!((line.action, line.note), (domain::Action::BlockCard, Some(note("reported stolen"))));
    let lines = bank.store.audit.len();
    bank.done(block("a"));
    assert_eq!(bank.store.audit.len(), lines, "blocking twice is blocking once");
    bank.done(unblock("a"));
    bank.done(unblock("a"));
    assert_eq!(bank.card("a").status(at(START_MS)), Status::Unused);
    let events: Vec<_> = bank.store.statuses.iter().map(|change| change.event).collect();
    assert_eq!(events, [CardEvent::Blocked, CardEvent::Unblocked]);
    assert_eq!(bank.refused(block("unknown")), "CARD_NOT_FOUND");
    assert_eq!(bank.refused(unblock("unknown")), "CARD_NOT_FOUND");
}

#[test]
fn what_is_absent_of_a_change_stays() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let change = |name: Option<&str>, customer_id: Option<&str>| {
        Command::ChangeCard(Box::new(ChangeCard {
            card_id: card_id("a"),
            customer_id: customer_id.map(|text| CustomerId::try_from(text).expect("an id")),
            name: name.map(|text| Name::try_from(text).expect("a name")),
            metadata: None,
            originated_by: None,
            expires_at: None,
            expiry: ExpiryChange::Later,
        }))
    };
    bank.done(change(Some("Kari"), None));
    bank.done(change(None, Some("c-1")));
    let card = bank.card("a");
    assert_eq!(card.name.as_ref().map(Name::as_str), Some("Kari"));
    assert_eq!(card.customer_id.as_ref().map(CustomerId::as_str), Some("c-1"));
}

#[test]
fn a_last_day_moves_later_for_everyone_and_earlier_for_some() {
    let end = START_MS + 10_000;
    let cases = [
        (end + 1, ExpiryChange::Later, None),
        (end, ExpiryChange::Later, None),
        (end - 1, ExpiryChange::Later, Some("INVALID_REQUEST")),
        (end - 1, ExpiryChange::Any, None),
        (START_MS + 1, ExpiryChange::Any, None),
        (START_MS, ExpiryChange::Any, Some("INVALID_REQUEST")),
        (START_MS - 1, ExpiryChange::Any, Some("INVALID_REQUEST")),
    ];
    for (to, way, expected) in cases {
        let mut bank = expiring();
        match expected {
            Some(code) => assert_eq!(bank.refused(ends("a", to, way)), code, "{to}"),
            None => {
                bank.done(ends("a", to, way));
                assert_eq!(bank.card("a").dates.expires_at, Some(at(to)));
            }
        }
    }
}

#[test]
fn a_card_without_a_last_day_gets_one_only_by_an_administrator() {
    let mut bank = Bank::default();
    bank.make("a", 1);
    assert_eq!(bank.refused(ends("a", START_MS + 1, ExpiryChange::Later)), "INVALID_REQUEST");
    bank.done(ends("a", START_MS + 1, ExpiryChange::Any));
    let event = bank.store.statuses.last().expect("a change").event;
    assert_eq!(event, CardEvent::ExpiresAt { before: None, after: Some(at(START_MS + 1)) });
}

#[test]
fn an_expired_card_lives_again_with_a_later_day() {
    let mut bank = expiring();
    bank.now_ms += 10_000;
    let sale = bank.draw(by_id("a"), "s", 1);
    assert_eq!(bank.refused(drawdown(sale.clone())), "CARD_EXPIRED");
    bank.done(ends("a", START_MS + 10_000, ExpiryChange::Later));
    assert_eq!(
        bank.refused(drawdown(sale.clone())),
        "CARD_EXPIRED",
        "sent back as it was shown, it changes nothing"
    );
    bank.done(ends("a", START_MS + 10_001, ExpiryChange::Later));
    bank.row(drawdown(sale));
}

#[test]
fn a_card_with_a_live_lock_is_not_deleted_and_with_a_lapsed_one_it_is() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let lock = bank.lock(by_id("a"), "l", 100, Some(10));
    let lock = bank.row(drawdown(lock)).id;
    bank.now_ms += 9_999;
    let delete = bank.delete("a", true);
    assert_eq!(bank.refused(delete.clone()), "CARD_HAS_LOCKS");
    bank.now_ms += 1;
    let unforced = bank.delete("a", false);
    assert_eq!(bank.refused(unforced), "CARD_HAS_MONEY");
    let Outcome::CardDeleted(card) = bank.done(delete) else { panic!("not deleted") };
    assert_eq!((card.balance(), card.reserved), (amount(0), amount(0)));
    let rows = bank.store.rows_of(card.uuid).len();
    assert_eq!(rows, 4, "creation, lock, its end, forfeit");
    let capture = bank.capture(lock, "c", None);
    assert_eq!(bank.refused(capture), "LOCK_CLOSED");
}

#[test]
fn a_deleted_cards_money_does_not_come_back() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let sale = bank.draw(by_id("a"), "s", 100);
    let drawn = bank.row(drawdown(sale)).id;
    let delete = bank.delete("a", false);
    bank.done(delete);
    let refund = bank.refund("a", "r", 1, drawn);
    assert_eq!(bank.refused(refund), "CARD_NOT_FOUND");
    let undo = bank.reverse(drawn, "u");
    assert_eq!(bank.refused(undo), "CARD_NOT_FOUND");
    let taken = bank.new_card("a");
    let create = bank.create(taken, 1);
    assert_eq!(bank.refused(create), "CARD_ID_TAKEN");
}

#[test]
fn every_accepted_command_on_a_card_enters_what_is_due() {
    let commands: [fn(&mut Bank) -> Command; 7] = [
        |_| block("a"),
        |bank| bank.rotate("a", "111111"),
        |bank| bank.token("a", "t", (true, Some(10))),
        |_| ends("a", START_MS + 99_000, ExpiryChange::Any),
        |bank| bank.adjust("a", "j", 1),
        |bank| bank.delete("a", true),
        |_| info("a", "123456"),
    ];
    for command in commands {
        let mut bank = Bank::default();
        bank.make_with_pin("a", 100);
        let lock = bank.lock(by_id("a"), "l", 10, Some(10));
        bank.row(drawdown(lock));
        bank.now_ms += 20_000;
        let command = command(&mut bank);
        bank.done(command);
        let rows = bank.store.rows_of(bank.card("a").uuid);
        assert_eq!(rows[2].kind, domain::TransactionType::Expired);
        assert_eq!(bank.card("a").reserved, amount(0));
    }
}

#[test]
fn time_set_back_never_dates_a_change_before_the_last_one() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    bank.now_ms += 60_000;
    let sale = bank.draw(by_id("a"), "1", 1);
    bank.row(drawdown(sale));
    bank.now_ms = START_MS;
    let lock = bank.lock(by_id("a"), "2", 1, Some(1));
    assert_eq!(bank.row(drawdown(lock)).created_at, at(START_MS + 60_000));
    assert_eq!(
        bank.store.locks.values().next().and_then(|lock| lock.expires_at),
        Some(at(START_MS + 61_000))
    );
}

/// Each step a second later than the one before: blocked, unblocked, changed, deleted.
#[test]
fn each_change_of_a_card_is_dated() {
    let mut bank = expiring();
    let steps = [block("a"), unblock("a"), ends("a", START_MS + 20_000, ExpiryChange::Later)];
    for step in steps {
        bank.now_ms += 1_000;
        bank.done(step);
        assert_eq!(bank.card("a").changed_at, at(bank.now_ms));
        assert_eq!(bank.store.statuses.last().map(|change| change.at), Some(at(bank.now_ms)));
        assert_eq!(bank.card("a").blocked_at, (bank.now_ms == START_MS + 1_000).then_some(at(bank.now_ms)));
    }
    let sale = bank.draw(by_id("a"), "s", 100);
    bank.row(drawdown(sale));
    bank.now_ms += 1_000;
    let delete = bank.delete("a", false);
    bank.done(delete);
    let last = bank.store.statuses.last().map(|change| (change.event, change.at));
    assert_eq!(last, Some((CardEvent::Deleted, at(bank.now_ms))));
    assert_eq!(
        (bank.card("a").changed_at, bank.card("a").deleted_at),
        (at(bank.now_ms), Some(at(bank.now_ms)))
    );
}

#[test]
fn a_change_sets_data_and_origin_and_keeps_them_where_it_is_silent() {
    let mut bank = Bank::default();
    bank.make("a", 100);
    let silent = ChangeCard {
        card_id: card_id("a"),
        customer_id: None,
        name: None,
        metadata: None,
        originated_by: None,
        expires_at: None,
        expiry: ExpiryChange::Later,
    };
    let (metadata, till) = (Metadata::from_json_object(r#"{"x":1}"#), OriginatedBy::try_from("till 1").ok());
    let said = ChangeCard { metadata: Some(metadata.clone()), originated_by: till.clone(), ..silent.clone() };
    for change in [said, silent] {
        bank.done(Command::ChangeCard(Box::new(change)));
        let card = bank.card("a");
        assert_eq!((&card.metadata, &card.originated_by), (&metadata, &till));
    }
}

#[test]
fn a_card_made_with_money_says_where_it_comes_from_on_its_first_row() {
    let mut bank = Bank::default();
    let till = OriginatedBy::try_from("till 1").ok();
    let card = NewCard { originated_by: till.clone(), ..bank.new_card("a") };
    let create = bank.create(card, 100);
    bank.done(create);
    let card = bank.card("a");
    assert_eq!((&card.originated_by, card.amount), (&till, amount(100)));
    assert_eq!(bank.store.rows_of(card.uuid)[0].originated_by, till);
}
