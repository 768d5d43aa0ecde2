//! What an account allows at most, its settings and its test clock.

use domain::{
    Command, Currency, Day, DayCount, DayLimit, DaySubject, MoveTestClock, NewCard, Outcome, PinPolicy,
    Settings, SettingsChange,
};

use super::words::*;

fn day(most: Option<i64>, count: Option<u32>) -> DayLimit {
    DayLimit { amount: most.map(amount), count }
}

#[test]
fn without_settings_nothing_is_limited_or_counted() {
    let mut bank = Bank::default();
    bank.make("a", domain::MAX_AMOUNT);
    let sale = bank.draw(by_id("a"), "s", domain::MAX_AMOUNT);
    bank.row(drawdown(sale));
    assert!(bank.store.days.is_empty());
}

#[test]
fn the_largest_balance_holds_for_creation_activation_and_fund() {
    let mut bank = Bank::with(Settings { balance_max: Some(amount(100)), ..Settings::default() });
    let card = bank.new_card("a");
    let beyond = bank.create(card.clone(), 101);
    assert_eq!(bank.refused(beyond), "BALANCE_LIMIT");
    let within = bank.create(card, 100);
    bank.done(within);
    let add = bank.fund(by_id("a"), "f", 1);
    assert_eq!(bank.refused(fund(add.clone())), "BALANCE_LIMIT");
    bank.make_batch(&["b"]);
    let beyond = bank.activate("b", 101);
    assert_eq!(bank.refused(activate(beyond)), "BALANCE_LIMIT");
    let sale = bank.draw(by_id("a"), "s", 60);
    let drawn = bank.row(drawdown(sale)).id;
    bank.row(fund(add));
    let refund = bank.refund("a", "r", 60, drawn);
    assert_eq!(bank.row(refund).balance, amount(101), "money that comes back is never refused for it");
}

#[test]
fn the_largest_activation_holds_for_creation_and_activation() {
    let mut bank = Bank::with(Settings { activation_max: Some(amount(100)), ..Settings::default() });
    let card = bank.new_card("a");
    let beyond = bank.create(card.clone(), 101);
    assert_eq!(bank.refused(beyond), "AMOUNT_LIMIT");
    let within = bank.create(card, 100);
    bank.done(within);
    let add = bank.fund(by_id("a"), "f", 101);
    bank.row(fund(add));
    bank.make_batch(&["b"]);
    let beyond = bank.activate("b", 101);
    assert_eq!(bank.refused(activate(beyond)), "AMOUNT_LIMIT");
    let within = bank.activate("b", 100);
    bank.done(activate(within));
}

#[test]
fn a_cards_day_has_a_most_and_ends_at_midnight() {
    let mut bank = Bank::with(Settings { card_day: day(Some(100), None), ..Settings::default() });
    bank.make("a", 60);
    let sale = bank.draw(by_id("a"), "1", 40);
    bank.row(drawdown(sale));
    let sale = bank.draw(by_id("a"), "2", 1);
    assert_eq!(bank.refused(drawdown(sale.clone())), "AMOUNT_LIMIT");
    let midnight = (START_MS / 86_400_000 + 1) * 86_400_000;
    bank.now_ms = midnight - 1;
    assert_eq!(bank.refused(drawdown(sale.clone())), "AMOUNT_LIMIT");
    bank.now_ms = midnight;
    bank.row(drawdown(sale));
    let key = (DaySubject::Card(bank.card("a").uuid), Day::of(at(midnight)));
    assert_eq!(bank.store.days[&key], DayCount { amount: 1, count: 1 });
}

#[test]
fn a_clients_day_counts_over_all_cards() {
    let mut bank = Bank::with(Settings { client_day: day(None, Some(3)), ..Settings::default() });
    bank.make("a", 10);
    bank.make("b", 10);
    let add = bank.fund(by_id("a"), "f", 1);
    bank.row(fund(add));
    let sale = bank.draw(by_id("b"), "s", 1);
    assert_eq!(bank.refused(drawdown(sale.clone())), "AMOUNT_LIMIT");
    bank.client = SHOP;
    bank.row(drawdown(sale));
}

#[test]
fn giving_back_and_ending_locks_is_not_counted() {
    let mut bank = Bank::with(Settings { card_day: day(None, Some(3)), ..Settings::default() });
    bank.make("a", 100);
    let sale = bank.draw(by_id("a"), "s", 10);
    let drawn = bank.row(drawdown(sale)).id;
    let lock = bank.lock(by_id("a"), "l", 10, None);
    let lock = bank.row(drawdown(lock)).id;
    let capture = bank.capture(lock, "c", Some(1));
    bank.row(capture);
    let void = bank.void(lock, "v");
    bank.row(void);
    let refund = bank.refund("a", "r", 10, drawn);
    bank.row(refund);
    let adjust = bank.adjust("a", "j", -1);
    bank.row(adjust);
    let sale = bank.draw(by_id("a"), "t", 10);
    assert_eq!(bank.refused(drawdown(sale)), "AMOUNT_LIMIT");
}

#[test]
fn cards_activated_together_share_their_clients_day() {
    let mut bank = Bank::with(Settings { client_day: day(Some(100), None), ..Settings::default() });
    bank.make_batch(&["a", "b", "c"]);
    let cards = vec![bank.activate("a", 60), bank.activate("b", 60), bank.activate("c", 40)];
    let all = Command::ActivateCards(domain::ActivateCards { ref_id: ref_id("r"), cards });
    let faults = match bank.ask(all) {
        Err(domain::Refusal::Cards(faults)) => faults,
        other => panic!("{other:?}"),
    };
    assert_eq!(faults, [(1, domain::Refusal::DayLimit)]);
    assert!(bank.store.days.is_empty(), "nothing of a refused command stays");
}

#[test]
fn a_card_expires_by_the_accounts_months_where_nothing_was_said() {
    let mut bank = Bank::with(Settings { expiry_months: Some(36), ..Settings::default() });
    bank.make_batch(&["a", "b"]);
    let plain = bank.activate("a", 1);
    bank.done(activate(plain));
    assert_eq!(bank.card("a").dates.expires_at, Some(at(START_MS).plus_months(36)));
    let said = domain::Activate { expires_at: Some(at(START_MS + 1)), ..bank.activate("b", 1) };
    bank.done(activate(said));
    assert_eq!(bank.card("b").dates.expires_at, Some(at(START_MS + 1)));
    let card = bank.new_card("c");
    let Command::CreateCard(create) = bank.create(card, 1) else { unreachable!() };
    let create = domain::CreateCard { expiry_months: Some(12), ..*create };
    let again = create.clone().into_details(at(START_MS), bank.store.cards[&bank.card("a").uuid].created_by);
    bank.done(Command::CreateCard(Box::new(create)));
    assert_eq!(bank.card("c").dates.expires_at, Some(at(START_MS).plus_months(12)));
    assert_eq!(*bank.card("c"), again.card, "a repeat makes the same card from the same order");
}

#[test]
fn settings_change_one_by_one_and_are_audited() {
    let mut bank = Bank::default();
    let eur = Currency::try_from("EUR").expect("a currency");
    let change = SettingsChange {
        default_currency: Some(eur),
        pin_policy: Some(PinPolicy::Required),
        balance_max: Some(Some(amount(5))),
        ..SettingsChange::default()
    };
    bank.done(Command::ChangeSettings(Box::new(change.clone())));
    let settings = &bank.store.account.settings;
    assert_eq!((settings.default_currency, settings.reversal_minutes), (eur, 15));
    assert_eq!(bank.store.audit.last().map(|line| line.action), Some(domain::Action::ChangeSettings));
    let lines = bank.store.audit.len();
    bank.done(Command::ChangeSettings(Box::new(change)));
    assert_eq!(bank.store.audit.len(), lines, "no change, no line");
    let unset = SettingsChange { balance_max: Some(None), ..SettingsChange::default() };
    bank.done(Command::ChangeSettings(Box::new(unset)));
    assert_eq!(bank.store.account.settings.balance_max, None);
}

#[test]
fn settings_count_for_the_next_order_of_the_same_group() {
    let mut bank = Bank::default();
    bank.make("a", 5);
    let limit = SettingsChange { client_day: Some(day(None, Some(1))), ..SettingsChange::default() };
    let commands = vec![
        Command::ChangeSettings(Box::new(limit)),
        drawdown(bank.draw(by_id("a"), "1", 1)),
        drawdown(bank.draw(by_id("a"), "2", 1)),
    ];
    let orders = commands.into_iter().map(|command| bank.order(command)).collect();
    let answers: Vec<_> = bank.store.carry_out(orders, at(START_MS)).iter().map(Result::is_ok).collect();
    assert_eq!(answers, [true, true, false]);
}

#[test]
fn a_test_accounts_clock_goes_forward_only() {
    let mut bank = Bank::default();
    let card = bank.new_card("a");
    let dates = domain::Dates { active_from: None, expires_at: Some(at(START_MS + 60_000)) };
    let create = bank.create(NewCard { dates, ..card }, 100);
    bank.done(create);
    let lock = bank.lock(by_id("a"), "l", 100, Some(30));
    bank.row(drawdown(lock));
    let ahead = |ahead_ms| Command::MoveTestClock(MoveTestClock { ahead_ms });
    bank.done(ahead(30_000));
    bank.done(ahead(30_000));
    assert_eq!(bank.refused(ahead(29_999)), "INVALID_REQUEST");
    let sale = bank.draw(by_id("a"), "s", 100);
    let row = bank.row(drawdown(sale));
    assert_eq!(row.created_at, at(START_MS + 30_000));
    bank.done(ahead(60_000));
    let sale = bank.draw(by_id("a"), "t", 1);
    assert_eq!(bank.refused(drawdown(sale)), "CARD_EXPIRED");
    assert_eq!(bank.store.audit.last().map(|line| line.at), Some(at(START_MS)), "the audit keeps real time");
    let ten_years = 3_650 * 86_400_000;
    for too_far in [ten_years + 1, u64::MAX] {
        assert_eq!(bank.refused(ahead(too_far)), "INVALID_REQUEST");
    }
    bank.done(ahead(ten_years));
}

#[test]
fn production_has_no_clock_to_move() {
    let mut bank = Bank::of("P12345678", Settings::default());
    let ahead = Command::MoveTestClock(MoveTestClock { ahead_ms: 0 });
    assert_eq!(bank.refused(ahead), "INVALID_REQUEST");
}

#[test]
fn the_words_of_settings_read_back() {
    for policy in PinPolicy::ALL {
        assert_eq!(PinPolicy::from_word(policy.as_str()), Some(*policy));
    }
    let moved = bank_outcome();
    assert!(matches!(moved, Outcome::Account(account) if account.test_clock_ms == 1));
}

fn bank_outcome() -> Outcome {
    Bank::default().done(Command::MoveTestClock(MoveTestClock { ahead_ms: 1 }))
}
