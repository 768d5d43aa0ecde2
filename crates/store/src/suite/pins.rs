//! PINs that are presented, and how guessing them ends.

use domain::{Drawdown, PinPolicy, Refusal, SettingsChange};

use super::fixture::*;

/// A card with 100, the token `value` and the PIN `right`.
async fn has_pin_card(f: &Fixture) {
    let mut create = f.create("card", 100);
    create.card.token = Some(f.new_token("value"));
    create.card.pin = Some(pin("right"));
    f.done(create).await;
}

fn with_pin(f: &Fixture, reference: &str, value: &str) -> Drawdown {
    Drawdown { pin: Some(presented(value)), ..f.draw(by_token("value"), reference, 1) }
}

async fn guess_wrong(f: &Fixture, times: u32) {
    for _ in 0..times {
        assert_eq!(f.refused(f.info(by_token("value"), "wrong")).await, Refusal::PinInvalid);
    }
}

fn locked_for(seconds: u32) -> Refusal {
    Refusal::PinLocked { retry_after_seconds: Some(seconds) }
}

pub async fn a_card_is_looked_up_with_its_pin(f: Fixture) {
    has_pin_card(&f).await;
    let looked_up = card(f.done(f.info(by_token("value"), "right")).await);
    assert_eq!(looked_up, f.read("card").await.card);
    guess_wrong(&f, 1).await;
}

pub async fn wrong_pins_are_counted_though_they_are_refused(f: Fixture) {
    has_pin_card(&f).await;
    guess_wrong(&f, 5).await;
    assert_eq!(f.refused(f.info(by_token("value"), "right")).await, locked_for(30));
    f.clock.move_ms(30_000);
    assert_eq!(f.refused(with_pin(&f, "sale", "wrong")).await, Refusal::PinInvalid);
    assert_eq!(f.refused(with_pin(&f, "sale", "right")).await, locked_for(60));
    f.clock.move_ms(60_000);
    f.drawn(with_pin(&f, "sale", "right")).await;
    guess_wrong(&f, 4).await;
}

pub async fn wrong_pins_of_one_group_are_counted_one_by_one(f: Fixture) {
    has_pin_card(&f).await;
    let guess = |_| f.order(f.info(by_token("value"), "wrong"));
    let decisions = f.submit_all((0..20).map(guess).collect()).await;
    let invalid = decisions.iter().filter(|decision| **decision == Err(Refusal::PinInvalid)).count();
    let locked = decisions.iter().filter(|decision| **decision == Err(locked_for(30))).count();
    assert_eq!((invalid, locked), (5, 15));
    assert_eq!(f.refused(f.info(by_token("value"), "right")).await, locked_for(30));
}

pub async fn each_client_has_its_own_tries(f: Fixture) {
    has_pin_card(&f).await;
    guess_wrong(&f, 5).await;
    let till = f.has_client("till", "read:wallets").await;
    let looked_up = f.submit(f.order_of(till, f.info(by_token("value"), "right"))).await;
    assert!(looked_up.is_ok(), "{looked_up:?}");
}

pub async fn another_pin_ends_the_counts_of_all(f: Fixture) {
    has_pin_card(&f).await;
    guess_wrong(&f, 5).await;
    // In one group: what is cleared, and what is counted after it.
    let rotate = f.order(f.rotate_pin("card", "another"));
    let decisions = f.submit_all(vec![rotate, f.order(f.info(by_token("value"), "wrong"))]).await;
    assert!(decisions[0].is_ok() && decisions[1] == Err(Refusal::PinInvalid), "{decisions:?}");
    guess_wrong(&f, 4).await;
    assert_eq!(f.refused(f.info(by_token("value"), "another")).await, locked_for(30));
}

pub async fn twenty_wrong_pins_end_a_clients_use_of_the_pin(f: Fixture) {
    has_pin_card(&f).await;
    for _ in 0..20 {
        f.clock.move_ms(3_600_000);
        guess_wrong(&f, 1).await;
    }
    f.clock.move_ms(3_600_000);
    let ended = Refusal::PinLocked { retry_after_seconds: None };
    assert_eq!(f.refused(f.info(by_token("value"), "right")).await, ended);
}

pub async fn an_account_may_demand_the_pin_of_every_token(f: Fixture) {
    has_pin_card(&f).await;
    f.drawn(f.draw(by_token("value"), "before", 1)).await;
    f.done(SettingsChange { pin_policy: Some(PinPolicy::Required), ..SettingsChange::default() }).await;
    assert_eq!(f.refused(f.draw(by_token("value"), "after", 1)).await, Refusal::PinRequired);
    f.drawn(with_pin(&f, "after", "right")).await;
    f.drawn(f.draw(by_id("card"), "by id", 1)).await;
}
