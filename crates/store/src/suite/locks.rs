//! Money that is locked: captured, voided, or free again by the clock.

use domain::{CardUuid, LockLife, Refusal, SettingsChange, TransactionId, TransactionType};

use super::fixture::*;
use crate::CardFilter;

/// A card with 100 of which so much is locked for a minute.
async fn locked(f: &Fixture, id: &str, minor_units: i64) -> TransactionId {
    f.has_card(id, 100).await;
    f.drawn(f.lock_for(by_id(id), "order", minor_units, 60)).await.id
}

async fn lapsed(f: &Fixture, limit: u32) -> Vec<CardUuid> {
    f.store.lapsed_cards(f.aid, f.now(), limit).await.expect("cards")
}

pub async fn a_lock_holds_money_without_taking_it(f: Fixture) {
    f.has_card("card", 100).await;
    let lock = f.drawn(f.lock(by_id("card"), "order", 60)).await;
    assert_eq!((lock.kind, lock.balance), (TransactionType::PendingCapture, amount(100)));
    assert_eq!(lock.available, amount(40));
    let card = f.read("card").await.card;
    assert_eq!((card.reserved, card.drawdown), (amount(60), amount(0)));
    let beyond = f.refused(f.draw(by_id("card"), "sale", 41)).await;
    assert_eq!(beyond, Refusal::InsufficientFunds { available: amount(40) });
}

pub async fn a_lock_is_captured_in_parts(f: Fixture) {
    let lock = locked(&f, "card", 60).await;
    let first = f.drawn(f.capture(lock, "one", Some(10))).await;
    assert_eq!((first.parent, first.balance, first.available), (Some(lock), amount(90), amount(40)));
    assert_eq!(f.drawn(f.capture(lock, "one", Some(10))).await, first);
    f.drawn(f.capture(lock, "two", Some(20))).await;
    let beyond = f.refused(f.capture(lock, "three", Some(31))).await;
    assert_eq!(beyond, Refusal::AmountExceedsLock { remaining: amount(30) });
    let last = f.drawn(f.capture(lock, "three", None)).await;
    assert_eq!((last.amount, last.balance), (amount(30), amount(40)));
    let card = f.read("card").await.card;
    assert_eq!((card.reserved, card.drawdown), (amount(0), amount(60)));
    assert_eq!(f.refused(f.capture(lock, "four", Some(1))).await, Refusal::LockClosed);
}

pub async fn a_void_frees_what_is_left(f: Fixture) {
    let lock = locked(&f, "card", 60).await;
    f.drawn(f.capture(lock, "part", Some(10))).await;
    let void = f.drawn(f.void(lock, "rest")).await;
    assert_eq!((void.kind, void.amount), (TransactionType::Voided, amount(50)));
    assert_eq!((void.balance, void.available), (amount(90), amount(90)));
    assert_eq!(f.drawn(f.void(lock, "rest")).await, void);
}

pub async fn each_end_of_a_lock_excludes_the_others(f: Fixture) {
    let captured = locked(&f, "captured", 60).await;
    let voided = locked(&f, "voided", 60).await;
    let expired = locked(&f, "expired", 60).await;
    f.drawn(f.capture(captured, "end", None)).await;
    f.drawn(f.void(voided, "end")).await;
    f.clock.move_ms(60_000);
    for lock in [captured, voided, expired] {
        assert_eq!(f.refused(f.capture(lock, "capture", None)).await, Refusal::LockClosed);
        assert_eq!(f.refused(f.void(lock, "void")).await, Refusal::LockClosed);
    }
    // All that remains is to enter the one that ran out, and that only once.
    assert_eq!((f.sweep().await, f.sweep().await), (1, 0));
}

pub async fn ends_that_race_have_one_winner(f: Fixture) {
    let lock = locked(&f, "card", 60).await;
    let end = |number: i32| {
        let reference = format!("{number}");
        match number % 2 {
            0 => f.order(f.capture(lock, &reference, None)),
            _ => f.order(f.void(lock, &reference)),
        }
    };
    let decisions = f.submit_all((0..20).map(end).collect()).await;
    assert_eq!(decisions.iter().filter(|decision| decision.is_ok()).count(), 1);
    let closed = decisions.iter().filter(|decision| **decision == Err(Refusal::LockClosed)).count();
    assert_eq!((closed, f.read("card").await.card.seq), (19, 3));
}

pub async fn a_lock_that_ran_out_is_free_in_every_read(f: Fixture) {
    let mut create = f.create("card", 100);
    create.card.customer_id = Some(customer("a"));
    create.card.token = Some(f.new_token("value"));
    f.done(create).await;
    f.drawn(f.lock_for(by_id("card"), "order", 60, 60)).await;
    f.drawn(f.lock(by_id("card"), "endless", 5)).await;
    for (wait_ms, reserved) in [(59_999, 65), (1, 5)] {
        f.clock.move_ms(wait_ms);
        let (now, owner, id) = (f.now(), customer("a"), card_id("card"));
        let read = f.read("card").await.card;
        assert_eq!(read.reserved, amount(reserved));
        let bearer = f.store.bearer(f.aid, token_mac("value"), now).await;
        assert_eq!(bearer, Ok(Some(read.clone())));
        let details = f.store.customer_card(f.aid, &owner, &id, now).await.expect("readable");
        assert_eq!(details.map(|details| details.card), Some(read.clone()));
        let listed = f.store.cards(f.aid, &every_card(now)).await.expect("a page");
        assert_eq!(listed.cards, [read]);
    }
}

pub async fn what_has_run_out_counts_as_available_in_lists(f: Fixture) {
    locked(&f, "card", 60).await;
    f.drawn(f.lock(by_id("card"), "endless", 5)).await;
    let from = |least| CardFilter { available_from: Some(amount(least)), ..CardFilter::default() };
    let to = |most| CardFilter { available_to: Some(amount(most)), ..CardFilter::default() };
    assert_eq!((f.filtered(from(35)).await.len(), f.filtered(from(36)).await.len()), (1, 0));
    f.clock.move_ms(60_000);
    assert_eq!((f.filtered(from(95)).await.len(), f.filtered(from(96)).await.len()), (1, 0));
    assert_eq!((f.filtered(to(95)).await.len(), f.filtered(to(94)).await.len()), (1, 0));
}

pub async fn the_next_change_enters_what_has_run_out(f: Fixture) {
    locked(&f, "card", 60).await;
    f.clock.move_ms(60_000);
    let beyond = f.refused(f.draw(by_id("card"), "sale", 101)).await;
    assert_eq!(beyond, Refusal::InsufficientFunds { available: amount(100) });
    assert_eq!(f.read("card").await.card.seq, 2);
    let sale = f.drawn(f.draw(by_id("card"), "sale", 100)).await;
    assert_eq!((sale.seq, sale.balance), (4, amount(0)));
    assert_eq!(lapsed(&f, 10).await, []);
}

pub async fn a_sweep_enters_all_that_has_run_out(f: Fixture) {
    locked(&f, "one", 10).await;
    f.drawn(f.lock_for(by_id("one"), "second", 10, 30)).await;
    locked(&f, "two", 10).await;
    f.has_card("free", 100).await;
    f.drawn(f.lock(by_id("free"), "endless", 10)).await;
    f.clock.move_ms(59_999);
    assert_eq!(lapsed(&f, 10).await.len(), 1);
    f.clock.move_ms(1);
    assert_eq!((lapsed(&f, 10).await.len(), lapsed(&f, 1).await.len()), (2, 1));
    assert_eq!(f.sweep().await, 3);
    let card = f.read("one").await.card;
    assert_eq!((card.reserved, card.seq), (amount(0), 5));
    assert_eq!(lapsed(&f, 10).await, []);
}

pub async fn a_lock_is_made_and_ended_in_one_group(f: Fixture) {
    f.has_card("card", 100).await;
    let (one, two) = (f.lock(by_id("card"), "one", 60), f.lock(by_id("card"), "two", 30));
    let capture = f.capture(one.id, "capture", None);
    let part = f.capture(two.id, "part", Some(10));
    let orders = vec![f.order(one.clone()), f.order(two.clone()), f.order(capture), f.order(part)];
    let decisions = f.submit_all(orders).await;
    assert!(decisions.iter().all(Result::is_ok), "{decisions:?}");
    let card = f.read("card").await.card;
    assert_eq!((card.drawdown, card.reserved), (amount(70), amount(20)));
    assert_eq!(f.refused(f.void(one.id, "void")).await, Refusal::LockClosed);
    assert_eq!(f.drawn(f.void(two.id, "void")).await.amount, amount(20));
}

pub async fn a_lock_lives_as_long_as_the_account_says(f: Fixture) {
    f.has_card("card", 100).await;
    let lock_life = Some(LockLife::try_from(60).ok());
    f.done(SettingsChange { lock_life, ..SettingsChange::default() }).await;
    f.drawn(f.lock(by_id("card"), "order", 60)).await;
    f.drawn(f.lock_for(by_id("card"), "longer", 1, 61)).await;
    f.clock.move_ms(60_000);
    assert_eq!(f.read("card").await.card.reserved, amount(1));
}

pub async fn only_a_lock_is_captured_or_voided(f: Fixture) {
    f.has_card("card", 100).await;
    let sale = f.drawn(f.draw(by_id("card"), "sale", 10)).await.id;
    let none = TransactionId(f.uuid());
    assert_eq!(f.refused(f.capture(sale, "capture", None)).await, Refusal::NotPending);
    assert_eq!(f.refused(f.void(sale, "void")).await, Refusal::NotPending);
    assert_eq!(f.refused(f.capture(none, "capture", None)).await, Refusal::TransactionNotFound);
    assert_eq!(f.refused(f.void(none, "void")).await, Refusal::TransactionNotFound);
}

pub async fn a_card_with_locks_is_not_deleted(f: Fixture) {
    let lock = locked(&f, "card", 100).await;
    let reserved = amount(100);
    assert_eq!(f.refused(f.delete("card")).await, Refusal::CardHasLocks { reserved });
    f.drawn(f.capture(lock, "end", None)).await;
    f.done(f.delete("card")).await;
}
