//! Locks: made, captured, voided, run out. Exactly one of these ends one.

use domain::{
    Capture, Command, Dates, Drawdown, NewCard, Reach, Reason, Settings, Transaction, TransactionType, Void,
};

use super::words::*;

fn locked(bank: &mut Bank, reference: &str, minor_units: i64, seconds: Option<i64>) -> Transaction {
    let lock = bank.lock(by_id("a"), reference, minor_units, seconds);
    bank.row(drawdown(lock))
}

fn with_card(minor_units: i64) -> Bank {
    let mut bank = Bank::default();
    bank.make("a", minor_units);
    bank
}

#[test]
fn a_lock_holds_money_without_taking_it() {
    let mut bank = with_card(100);
    let row = locked(&mut bank, "l", 60, None);
    assert_eq!(row.kind, TransactionType::PendingCapture);
    assert_eq!((row.balance, row.available), (amount(100), amount(40)));
    assert_eq!(bank.sums("a"), (100, 40, 60));
    let beyond = bank.draw(by_id("a"), "r", 41);
    assert_eq!(bank.refused(drawdown(beyond)), "INSUFFICIENT_FUNDS");
    let beyond = bank.lock(by_id("a"), "r", 41, None);
    assert_eq!(bank.refused(drawdown(beyond)), "INSUFFICIENT_FUNDS");
    let status = bank.card("a").status(at(bank.now_ms));
    assert_eq!(status, domain::Status::Unused, "a lock alone does not change it");
}

#[test]
fn a_lock_is_captured_in_parts_and_then_closed() {
    let mut bank = with_card(100);
    let lock = locked(&mut bank, "l", 60, None).id;
    let part = bank.capture(lock, "1", Some(20));
    let row = bank.row(part);
    assert_eq!((row.kind, row.reason, row.parent), (TransactionType::Drawdown, Reason::Capture, Some(lock)));
    assert_eq!(bank.sums("a"), (80, 40, 40));
    let beyond = bank.capture(lock, "2", Some(41));
    assert_eq!(bank.refused(beyond), "AMOUNT_EXCEEDS_LOCK");
    let rest = bank.capture(lock, "2", None);
    assert_eq!(bank.row(rest.clone()).amount, amount(40));
    assert_eq!(bank.sums("a"), (40, 40, 0));
    let more = bank.capture(lock, "3", None);
    assert_eq!(bank.refused(more), "LOCK_CLOSED");
    let void = bank.void(lock, "4");
    assert_eq!(bank.refused(void), "LOCK_CLOSED");
    assert_eq!(bank.row(rest).amount, amount(40), "a repeat is answered after the end");
}

#[test]
fn a_void_frees_what_is_left_of_a_lock() {
    let mut bank = with_card(100);
    let lock = locked(&mut bank, "l", 60, None).id;
    let part = bank.capture(lock, "1", Some(59));
    bank.row(part);
    let void = bank.void(lock, "2");
    let row = bank.row(void.clone());
    assert_eq!((row.kind, row.parent, row.amount), (TransactionType::Voided, Some(lock), amount(1)));
    assert_eq!(bank.sums("a"), (41, 41, 0));
    let capture = bank.capture(lock, "3", None);
    assert_eq!(bank.refused(capture), "LOCK_CLOSED");
    assert_eq!(bank.row(void).id, row.id);
}

#[test]
fn only_a_lock_is_captured_or_voided() {
    let mut bank = with_card(100);
    let lock = locked(&mut bank, "l", 1, None).id;
    let sale = bank.draw(by_id("a"), "s", 1);
    let sale = bank.row(drawdown(sale)).id;
    let void = bank.void(lock, "v");
    let voided = bank.row(void).id;
    let funded = bank.store.rows_of(bank.card("a").uuid)[0].id;
    for other in [sale, voided, funded] {
        let capture = bank.capture(other, "x", None);
        assert_eq!(bank.refused(capture), "NOT_PENDING");
        let void = bank.void(other, "x");
        assert_eq!(bank.refused(void), "NOT_PENDING");
    }
    let unknown = bank.capture(id(5), "x", None);
    assert_eq!(bank.refused(unknown), "TRANSACTION_NOT_FOUND");
    let unknown = bank.void(id(5), "x");
    assert_eq!(bank.refused(unknown), "TRANSACTION_NOT_FOUND");
}

#[test]
fn a_lock_is_free_from_the_millisecond_of_its_limit() {
    for (late_ms, open) in [(-1, true), (0, false), (1, false)] {
        let mut bank = with_card(100);
        let lock = locked(&mut bank, "l", 100, Some(10)).id;
        bank.now_ms = START_MS + 10_000 + late_ms;
        let mut attempts: Vec<Command> = vec![bank.capture(lock, "c", None), bank.void(lock, "v")];
        let first = attempts.remove(usize::from(late_ms != 0));
        if open {
            bank.row(first);
            assert_eq!(bank.refused(attempts.remove(0)), "LOCK_CLOSED");
        } else {
            assert_eq!(bank.refused(first), "LOCK_CLOSED");
            assert_eq!(bank.refused(attempts.remove(0)), "LOCK_CLOSED");
            let sale = bank.draw(by_id("a"), "s", 100);
            bank.row(drawdown(sale));
        }
    }
}

#[test]
fn an_accepted_command_writes_the_due_rows_first_dated_with_their_limit() {
    let mut bank = with_card(100);
    let later = locked(&mut bank, "1", 20, Some(20)).id;
    let sooner = locked(&mut bank, "2", 30, Some(10)).id;
    bank.now_ms = START_MS + 30_000;
    let refused = bank.draw(by_id("a"), "r", 101);
    assert_eq!(bank.refused(drawdown(refused)), "INSUFFICIENT_FUNDS");
    assert_eq!(bank.sums("a"), (100, 50, 50), "a refused one writes none");
    let accepted = bank.draw(by_id("a"), "r", 100);
    bank.row(drawdown(accepted));
    let rows = bank.store.rows_of(bank.card("a").uuid);
    let ends: Vec<_> = rows[3..].iter().map(|row| (row.kind, row.parent, row.created_at)).collect();
    let expired = TransactionType::Expired;
    assert_eq!(ends[0], (expired, Some(sooner), at(START_MS + 10_000)));
    assert_eq!(ends[1], (expired, Some(later), at(START_MS + 20_000)));
    assert_eq!(ends[2], (TransactionType::Drawdown, None, at(START_MS + 30_000)));
    assert_eq!((rows[3].available, rows[4].available), (amount(80), amount(100)));
    assert_eq!((rows[3].created_by, rows[3].amount), (None, amount(30)));
}

#[test]
fn a_read_shows_a_lapsed_lock_as_free() {
    let mut bank = with_card(100);
    let row = locked(&mut bank, "1", 20, Some(10));
    bank.now_ms += 10_000;
    let lapsed = bank.store.locks.values().filter(|lock| lock.is_lapsed(at(bank.now_ms)));
    let lapsed = lapsed.fold(amount(0), |sum, lock| sum.plus(lock.remaining).expect("small"));
    let card = bank.card("a").clone();
    assert_eq!((card.available(), card.available_at(lapsed)), (amount(80), amount(100)));
    assert_eq!(card.without_lapsed(lapsed).reserved, amount(0));
    assert_eq!(row.available, amount(80));
}

#[test]
fn a_sweep_writes_what_is_due_and_nothing_twice() {
    let mut bank = with_card(100);
    locked(&mut bank, "1", 20, Some(10));
    locked(&mut bank, "2", 20, Some(11));
    bank.now_ms += 10_000;
    for expired in [1, 0] {
        let sweep = bank.sweep();
        assert_eq!(bank.done(sweep), domain::Outcome::Swept { expired });
    }
    assert_eq!(bank.sums("a"), (100, 80, 20));
    assert_eq!(bank.card("a").changed_at, at(START_MS + 10_000));
    let told = bank.store.outbox.last().expect("the sweep's record");
    assert_eq!((told.action, told.transactions.len()), (domain::Action::Expire, 1));
}

#[test]
fn the_accounts_lock_life_holds_where_the_request_says_nothing() {
    let mut bank = Bank::with(Settings { lock_life: Some(life(5)), ..Settings::default() });
    bank.make("a", 100);
    locked(&mut bank, "1", 10, None);
    locked(&mut bank, "2", 10, Some(60));
    let ends: Vec<_> = bank.store.locks.values().map(|lock| lock.expires_at).collect();
    assert_eq!(ends, [Some(at(START_MS + 5_000)), Some(at(START_MS + 60_000))]);
    let mut endless = with_card(10);
    locked(&mut endless, "1", 10, None);
    endless.now_ms += 100 * 365 * 86_400_000;
    assert!(!endless.store.locks.values().any(|lock| lock.is_lapsed(at(endless.now_ms))));
}

#[test]
fn what_was_locked_before_a_card_expired_is_still_captured_or_voided() {
    let mut bank = Bank::default();
    let dates = Dates { active_from: None, expires_at: Some(at(START_MS + 1_000)) };
    let card = NewCard { dates, ..bank.new_card("a") };
    let create = bank.create(card, 100);
    bank.done(create);
    let (one, two) = (locked(&mut bank, "1", 10, None).id, locked(&mut bank, "2", 10, None).id);
    bank.now_ms += 1_000;
    let lock = bank.lock(by_id("a"), "3", 10, None);
    assert_eq!(bank.refused(drawdown(lock)), "CARD_EXPIRED");
    let capture = bank.capture(one, "c", None);
    bank.row(capture);
    let void = bank.void(two, "v");
    bank.row(void);
    assert_eq!(bank.sums("a"), (90, 90, 0));
}

#[test]
fn on_a_blocked_card_nothing_is_captured_but_all_is_voided() {
    let mut bank = with_card(100);
    let lock = locked(&mut bank, "1", 10, None).id;
    bank.done(block("a"));
    let capture = bank.capture(lock, "c", None);
    assert_eq!(bank.refused(capture), "CARD_BLOCKED");
    let void = bank.void(lock, "v");
    bank.row(void);
    let capture = bank.capture(lock, "c", None);
    assert_eq!(bank.refused(capture), "LOCK_CLOSED", "an end is an end, blocked or not");
}

#[test]
fn a_narrow_client_ends_only_what_it_locked() {
    let mut bank = with_card(100);
    let lock = locked(&mut bank, "1", 10, None).id;
    bank.client = SHOP;
    let own = |command| match command {
        Command::Capture(capture) => Command::Capture(Box::new(Capture { reach: Reach::Own, ..*capture })),
        Command::Void(void) => Command::Void(Box::new(Void { reach: Reach::Own, ..*void })),
        other => other,
    };
    let capture = own(bank.capture(lock, "c", Some(1)));
    assert_eq!(bank.refused(capture.clone()), "FORBIDDEN");
    let void = own(bank.void(lock, "v"));
    assert_eq!(bank.refused(void), "FORBIDDEN");
    bank.client = TILL;
    bank.row(capture);
    bank.client = SHOP;
    let wide = bank.capture(lock, "d", Some(1));
    bank.row(wide);
}

/// Capture, void and the limit at once, in every order and around the limit: one wins, once.
#[test]
fn exactly_one_end_wins() {
    for late_ms in [-1, 0, 1] {
        for void_first in [false, true] {
            let mut bank = with_card(100);
            let lock = locked(&mut bank, "l", 40, Some(10)).id;
            bank.now_ms = START_MS + 10_000 + late_ms;
            let mut commands = vec![bank.capture(lock, "c", None), bank.void(lock, "v"), bank.sweep()];
            if void_first {
                commands.swap(0, 1);
            }
            let orders = commands.into_iter().map(|command| bank.order(command)).collect();
            let now = at(bank.now_ms);
            let decisions = bank.store.carry_out(orders, now);
            let ends =
                bank.store.rows_of(bank.card("a").uuid).iter().filter(|row| row.parent == Some(lock)).count();
            assert_eq!(ends, 1, "one end");
            assert_eq!(decisions[0].is_ok(), late_ms < 0);
            assert!(decisions[1].is_err());
            bank.store.check_card(bank.card("a").uuid);
        }
    }
}

#[test]
fn a_partial_lock_takes_what_is_available() {
    let mut bank = with_card(10);
    let lock = Drawdown { allow_partial: true, ..bank.lock(by_id("a"), "l", 25, None) };
    assert_eq!(bank.row(drawdown(lock)).amount, amount(10));
}

#[test]
fn a_lock_made_and_ended_in_one_group_leaves_rows_and_no_record() {
    let mut bank = with_card(10);
    let lock = bank.lock(by_id("a"), "l", 10, Some(5));
    let capture = bank.capture(lock.id, "c", Some(4));
    let void = bank.void(lock.id, "v");
    let orders: Vec<_> =
        [drawdown(lock), capture, void].into_iter().map(|command| bank.order(command)).collect();
    let decisions = bank.store.carry_out(orders, at(START_MS));
    assert!(decisions.iter().all(Result::is_ok));
    assert!(bank.store.locks.is_empty());
    assert_eq!(bank.sums("a"), (6, 6, 0));
}

#[test]
fn a_card_has_a_thousand_open_locks_at_most() {
    let mut bank = Bank::default();
    bank.make("a", 2_000);
    let lock = |bank: &mut Bank, number: usize| {
        let locked = bank.lock(by_id("a"), &format!("l{number}"), 1, (number == 0).then_some(60));
        bank.order(drawdown(locked))
    };
    let orders = (0..=1_000).map(|number| lock(&mut bank, number)).collect();
    let decisions = bank.store.carry_out(orders, at(bank.now_ms));
    assert!(decisions[..1_000].iter().all(Result::is_ok), "also within one group");
    assert_eq!(decisions[1_000], Err(domain::Refusal::TooManyLocks { max: 1_000 }));
    let more = bank.lock(by_id("a"), "more", 1, None);
    assert_eq!(bank.refused(drawdown(more.clone())), "INVALID_REQUEST");
    bank.now_ms += 60_000;
    bank.row(drawdown(more));
    let none = bank.lock(by_id("a"), "none", 1, None);
    assert_eq!(bank.refused(drawdown(none.clone())), "INVALID_REQUEST", "one had run out, and only one");
    let ended = bank.row_by_ref("a", "l1");
    let void = bank.void(ended, "v");
    bank.row(void);
    bank.row(drawdown(none));
}
