//! What an account chooses: limits, defaults, and the clock of a test account.

use domain::{
    Account, DayLimit, FormatRequest, LockLife, MoveTestClock, Outcome, PinPolicy, Prefix, RefundToExpired,
    Refusal, Settings, SettingsChange, TokenDefaults,
};

use super::fixture::*;

async fn account(f: &Fixture) -> Account {
    let accounts = f.store.accounts().await.expect("accounts");
    accounts.into_iter().find(|account| account.aid == f.aid).expect("the account")
}

fn at_most(minor_units: i64) -> Option<DayLimit> {
    Some(DayLimit { amount: Some(amount(minor_units)), count: None })
}

fn calls(count: u32) -> Option<DayLimit> {
    Some(DayLimit { amount: None, count: Some(count) })
}

pub async fn every_setting_reads_back_as_it_was_chosen(f: Fixture) {
    let format = FormatRequest {
        length: Some(20),
        prefix: Prefix::try_from("SHOP:").ok(),
        symbols: Some(false),
        qr: Some(true),
        ..FormatRequest::default()
    };
    let change = SettingsChange {
        default_currency: Some(currency("EUR")),
        pin_policy: Some(PinPolicy::Required),
        refund_to_expired: Some(RefundToExpired::Allow),
        reversal_minutes: Some(7),
        lock_life: Some(LockLife::try_from(60).ok()),
        balance_max: Some(Some(amount(1))),
        activation_max: Some(Some(amount(2))),
        card_day: Some(DayLimit { amount: Some(amount(3)), count: Some(4) }),
        client_day: Some(DayLimit { amount: Some(amount(5)), count: Some(6) }),
        expiry_months: Some(Some(36)),
        token: Some(TokenDefaults { format, expires_in: Some(8), expires_after_transaction: Some(true) }),
    };
    let expected = change.clone().of(Settings::default());
    let Outcome::Account(changed) = f.done(change).await else { panic!("not an account") };
    assert_eq!(changed.settings, expected);
    assert_eq!(account(&f).await, *changed);
    let unset = SettingsChange {
        card_day: Some(DayLimit::default()),
        expiry_months: Some(None),
        ..Default::default()
    };
    f.done(unset).await;
    let kept = account(&f).await.settings;
    assert_eq!((kept.expiry_months, kept.card_day), (None, DayLimit::default()));
    assert_eq!(kept.client_day, expected.client_day);
}

pub async fn a_card_is_not_made_with_more_than_the_account_allows(f: Fixture) {
    let activation_max = Some(Some(amount(100)));
    f.done(SettingsChange { activation_max, ..SettingsChange::default() }).await;
    assert_eq!(f.refused(f.create("card", 101)).await, Refusal::ActivationLimit { max: amount(100) });
    f.done(f.create("card", 100)).await;
}

pub async fn a_card_holds_no_more_than_the_account_allows(f: Fixture) {
    f.done(SettingsChange { balance_max: Some(Some(amount(100))), ..SettingsChange::default() }).await;
    f.has_card("card", 90).await;
    assert_eq!(f.refused(f.fund(by_id("card"), "one", 11)).await, Refusal::BalanceLimit { max: amount(100) });
    f.drawn(f.fund(by_id("card"), "one", 10)).await;
}

pub async fn a_card_moves_no_more_on_a_day_than_the_account_allows(f: Fixture) {
    f.has_card("card", 1_000).await;
    f.has_card("other", 1_000).await;
    f.done(SettingsChange { card_day: at_most(100), ..SettingsChange::default() }).await;
    f.drawn(f.draw(by_id("card"), "one", 60)).await;
    f.drawn(f.lock(by_id("card"), "two", 40)).await;
    assert_eq!(f.refused(f.draw(by_id("card"), "three", 1)).await, Refusal::DayLimit);
    f.drawn(f.draw(by_id("other"), "one", 100)).await;
    // What came before the limit was not counted, and what is refused is not.
    f.clock.move_ms(DAY_MS);
    f.drawn(f.draw(by_id("card"), "three", 100)).await;
    assert_eq!(f.refused(f.draw(by_id("card"), "four", 1)).await, Refusal::DayLimit);
}

pub async fn a_client_moves_no_more_on_a_day_than_the_account_allows(f: Fixture) {
    f.done(SettingsChange { client_day: calls(3), ..SettingsChange::default() }).await;
    f.has_card("one", 100).await;
    f.has_card("two", 100).await;
    let sale = |sale: i32| f.order(f.draw(by_id("one"), &format!("{sale}"), 1));
    let decisions = f.submit_all((0..10).map(sale).collect()).await;
    assert_eq!(decisions.iter().filter(|decision| decision.is_ok()).count(), 1);
    let limited = decisions.iter().filter(|decision| **decision == Err(Refusal::DayLimit)).count();
    assert_eq!(limited, 9);
    let till = f.has_client("till", "read:wallets").await;
    assert!(f.submit(f.order_of(till, f.draw(by_id("two"), "sale", 1))).await.is_ok());
}

/// The counts of a group are loaded for the settings that it leaves, too.
pub async fn a_limit_counts_from_the_order_after_it(f: Fixture) {
    f.has_card("card", 1_000).await;
    f.done(SettingsChange { card_day: calls(1), ..SettingsChange::default() }).await;
    f.drawn(f.draw(by_id("card"), "one", 1)).await;
    f.done(SettingsChange { card_day: Some(DayLimit::default()), ..SettingsChange::default() }).await;
    f.drawn(f.draw(by_id("card"), "two", 1)).await;
    let limit = SettingsChange { card_day: calls(2), ..SettingsChange::default() };
    let orders = vec![
        f.order(limit),
        f.order(f.draw(by_id("card"), "three", 1)),
        f.order(f.draw(by_id("card"), "four", 1)),
    ];
    let decisions = f.submit_all(orders).await;
    assert!(decisions[1].is_ok(), "{decisions:?}");
    assert_eq!(decisions[2], Err(Refusal::DayLimit));
}

pub async fn a_card_expires_after_the_months_the_account_says(f: Fixture) {
    f.done(SettingsChange { expiry_months: Some(Some(1)), ..SettingsChange::default() }).await;
    f.done(f.batch(&["card"])).await;
    let activated = card(f.done(f.activate("card", 100)).await);
    assert_eq!(activated.dates.expires_at, Some(f.now().plus_months(1)));
}

pub async fn a_test_accounts_clock_goes_forward(f: Fixture) {
    let mut create = f.create("card", 100);
    create.card.dates.expires_at = Some(f.in_seconds(3_600));
    f.done(create).await;
    f.done(MoveTestClock { ahead_ms: 3_599_999 }).await;
    f.drawn(f.draw(by_id("card"), "before", 1)).await;
    f.done(MoveTestClock { ahead_ms: 3_600_000 }).await;
    assert_eq!(f.refused(f.draw(by_id("card"), "after", 1)).await, Refusal::CardExpired);
    assert_eq!(account(&f).await.test_clock_ms, 3_600_000);
    let back = f.refused(MoveTestClock { ahead_ms: 1 }).await;
    assert_eq!(back, Refusal::ClockOnlyForward { ahead_ms: 3_600_000 });
}

pub async fn a_test_clock_lets_locks_run_out(f: Fixture) {
    f.has_card("card", 100).await;
    let lock = f.drawn(f.lock_for(by_id("card"), "order", 60, 60)).await.id;
    f.done(MoveTestClock { ahead_ms: 60_000 }).await;
    assert_eq!(f.refused(f.capture(lock, "late", None)).await, Refusal::LockClosed);
    let now = account(&f).await.now(f.now());
    let card = f.store.card(f.aid, &card_id("card"), false, now).await.expect("readable").expect("a card");
    assert_eq!(card.card.reserved, amount(0));
    assert_eq!(f.store.lapsed_cards(f.aid, now, 10).await.map(|cards| cards.len()), Ok(1));
}

pub async fn production_has_no_clock_of_its_own(f: Fixture) {
    let other = aid("P00000002");
    let first = domain::Client { uuid: f.client, ..f.new_client("first", "admin:accounts") };
    f.add_account(other, &first).await;
    let moved = f.try_submit(other, f.order(MoveTestClock { ahead_ms: 1 })).await;
    assert_eq!(moved, Ok(Err(Refusal::NotATestAccount)));
}
