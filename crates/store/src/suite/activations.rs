//! Turning inactive cards into cards with money.

use domain::{
    Activation, Amount, DateFault, Dates, MAX_AMOUNT, Metadata, Outcome, Reason, Refusal, Status,
    TransactionType,
};

use super::fixture::*;

pub async fn activation_gives_a_batch_card_its_money(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let activated = card(f.done(f.activate("card", 500)).await);
    assert_eq!((activated.amount, activated.funds, activated.seq), (amount(500), amount(500), 1));
    assert_eq!(activated.status(f.now()), Status::Unused);
    assert_eq!(activated.activation, Some(Activation { at: f.now(), by: Some(f.client) }));
    assert_eq!(f.read("card").await.card, activated);
}

pub async fn activation_keeps_what_it_does_not_name(f: Fixture) {
    let mut batch = f.batch(&["card"]);
    batch.cards[0].name = Some(name("before"));
    batch.cards[0].customer_id = Some(customer("before"));
    f.done(batch).await;
    let activated = card(f.done(f.activate("card", 500)).await);
    assert_eq!(activated.name, Some(name("before")));
    assert_eq!(activated.customer_id, Some(customer("before")));
    assert_eq!(f.cards_of("before").await, ["card"]);
}

pub async fn activation_changes_what_it_names(f: Fixture) {
    let mut batch = f.batch(&["card"]);
    batch.cards[0].customer_id = Some(customer("before"));
    f.done(batch).await;
    let mut activate = f.activate("card", 500);
    activate.name = Some(name("after"));
    activate.customer_id = Some(customer("after"));
    activate.originated_by = Some(origin("till"));
    activate.metadata = Some(Metadata::from_json_object(r#"{"a":1}"#));
    activate.currency = currency("EUR");
    let activated = card(f.done(activate).await);
    assert_eq!(f.read("card").await.card, activated);
    assert_eq!((activated.name, activated.currency), (Some(name("after")), currency("EUR")));
    assert_eq!((f.cards_of("before").await, f.cards_of("after").await), (vec![], vec!["card".to_owned()]));
}

pub async fn a_second_activation_is_refused_with_what_the_first_did(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    f.done(f.activate("card", 500)).await;
    let at = f.now();
    f.clock.move_ms(1_000);
    let expected =
        Refusal::CardNotInactive { at, by: Some(f.client), amount: amount(500), currency: currency("NOK") };
    assert_eq!(f.refused(f.activate("card", 500)).await, expected);
    assert_eq!(f.read("card").await.card.funds, amount(500));
}

pub async fn a_repeated_activation_answers_the_card_as_it_is_now(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let mut activate = f.activate("card", 500);
    activate.ref_id = Some(ref_id("activation"));
    f.done(activate.clone()).await;
    f.drawn(f.draw(by_id("card"), "sale", 200)).await;
    activate.fund = f.uuid().into();
    let repeated = card(f.done(activate).await);
    assert_eq!((repeated.funds, repeated.available()), (amount(500), amount(300)));
}

/// What the first one named is compared, not what the card came with.
pub async fn a_repeated_activation_names_the_same_origin(f: Fixture) {
    let mut batch = f.batch(&["card"]);
    batch.cards[0].originated_by = Some(origin("print shop"));
    f.done(batch).await;
    let mut activate = f.activate("card", 500);
    activate.ref_id = Some(ref_id("activation"));
    f.done(activate.clone()).await;
    f.done(activate.clone()).await;
    activate.originated_by = Some(origin("print shop"));
    assert_eq!(f.refused(activate).await, Refusal::RefIdReused);
}

pub async fn activation_answers_with_the_cards_tokens(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    f.done(f.token_for("card", "second", "value")).await;
    let mut activate = f.activate("card", 500);
    activate.token_expires_in = Some(60);
    let Outcome::CardActivated(details) = f.done(activate).await else {
        panic!("not activated");
    };
    assert_eq!(details.tokens.len(), 2);
    assert_eq!(*details, f.read("card").await);
}

pub async fn another_activation_under_the_same_reference_is_refused(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let mut activate = f.activate("card", 500);
    activate.ref_id = Some(ref_id("activation"));
    f.done(activate.clone()).await;
    activate.amount = amount(600);
    assert_eq!(f.refused(activate).await, Refusal::RefIdReused);
}

pub async fn a_card_may_be_activated_with_nothing(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let activated = card(f.done(f.activate("card", 0)).await);
    assert_eq!((activated.funds, activated.seq), (Amount::ZERO, 1));
    assert_eq!(activated.status(f.now()), Status::Unused);
}

pub async fn activation_takes_the_largest_amount(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let activated = card(f.done(f.activate("card", MAX_AMOUNT)).await);
    assert_eq!(activated.available(), amount(MAX_AMOUNT));
}

pub async fn activation_begins_the_life_of_the_cards_own_token(f: Fixture) {
    let mut batch = f.batch(&["card"]);
    batch.cards[0].token.as_mut().expect("a token").expires_in = Some(60);
    f.done(batch).await;
    f.clock.move_ms(3_600_000);
    f.done(f.activate("card", 500)).await;
    let read = f.read("card").await;
    let token = read.tokens.first().expect("a token");
    assert_eq!(token.expires_at, Some(f.in_seconds(60)));
}

pub async fn activation_may_give_the_cards_own_token_other_terms(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let mut activate = f.activate("card", 500);
    activate.token_expires_in = Some(5);
    activate.token_expires_after_transaction = Some(true);
    f.done(activate).await;
    let read = f.read("card").await;
    let token = read.tokens.first().expect("a token");
    assert_eq!((token.expires_in, token.expires_after_transaction), (Some(5), true));
}

/// The card is active from now on where nothing else was said.
pub async fn activation_sets_the_first_day(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let activated = card(f.done(f.activate("card", 500)).await);
    assert_eq!(activated.dates, Dates { active_from: Some(f.now()), expires_at: None });
}

pub async fn an_activation_that_ends_before_it_begins_is_refused(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let mut past = f.activate("card", 500);
    past.expires_at = Some(f.now());
    assert_eq!(f.refused(past).await, Refusal::Dates(DateFault::NotInFuture));
    let mut crossed = f.activate("card", 500);
    crossed.active_from = Some(f.in_seconds(60));
    crossed.expires_at = Some(f.in_seconds(60));
    assert_eq!(f.refused(crossed).await, Refusal::Dates(DateFault::NotAfterActiveFrom));
    assert_eq!(f.read("card").await.card.status(f.now()), Status::Inactive);
}

pub async fn an_expired_card_is_not_activated(f: Fixture) {
    let mut batch = f.batch(&["card"]);
    batch.cards[0].dates.expires_at = Some(f.in_seconds(60));
    f.done(batch).await;
    f.clock.move_ms(60_000);
    assert_eq!(f.refused(f.activate("card", 500)).await, Refusal::CardExpired);
}

pub async fn a_card_made_with_money_is_not_activated(f: Fixture) {
    f.has_card("card", 500).await;
    assert!(matches!(f.refused(f.activate("card", 500)).await, Refusal::CardNotInactive { .. }));
}

pub async fn a_card_that_is_not_there_is_not_activated(f: Fixture) {
    assert_eq!(f.refused(f.activate("card", 500)).await, Refusal::CardNotFound);
}

/// A reference counts within one card, and an activation's among its transactions.
pub async fn the_reference_of_an_activation_is_one_of_the_cards_transactions(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let mut activate = f.activate("card", 500);
    activate.ref_id = Some(ref_id("same"));
    f.done(activate).await;
    assert_eq!(f.refused(f.draw(by_id("card"), "same", 500)).await, Refusal::RefIdReused);
    let drawn = f.drawn(f.draw(by_id("card"), "other", 500)).await;
    assert_eq!((drawn.kind, drawn.reason), (TransactionType::Drawdown, Reason::Sale));
}
