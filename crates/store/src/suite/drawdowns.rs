//! Paying with cards.

use domain::{CardSelector, Dates, MAX_AMOUNT, Metadata, Refusal, Status};

use super::fixture::*;

pub async fn a_drawdown_takes_money_and_says_what_is_left(f: Fixture) {
    let made = f.has_card("card", 1_000).await;
    let mut drawdown = f.draw(by_id("card"), "sale", 400);
    drawdown.originated_by = Some(origin("till"));
    drawdown.metadata = Metadata::from_json_object(r#"{"a":1}"#);
    let drawn = f.drawn(drawdown.clone()).await;
    assert_eq!((drawn.card, drawn.id, drawn.seq), (made.uuid, drawdown.id, 2));
    assert_eq!((drawn.amount, drawn.balance, drawn.available), (amount(400), amount(600), amount(600)));
    assert_eq!((drawn.created_by, drawn.created_at), (Some(f.client), f.now()));
    let card = f.read("card").await.card;
    assert_eq!((card.drawdown, card.status(f.now())), (amount(400), Status::PartiallyUsed));
}

pub async fn a_drawdown_may_take_all(f: Fixture) {
    f.has_card("card", 1_000).await;
    f.drawn(f.draw(by_id("card"), "sale", 1_000)).await;
    assert_eq!(f.read("card").await.card.status(f.now()), Status::Used);
}

pub async fn a_drawdown_beyond_available_is_refused_with_what_is(f: Fixture) {
    f.has_card("card", 1_000).await;
    f.drawn(f.draw(by_id("card"), "one", 999)).await;
    let refused = f.refused(f.draw(by_id("card"), "two", 2)).await;
    assert_eq!(refused, Refusal::InsufficientFunds { available: amount(1) });
    assert_eq!(f.read("card").await.card.drawdown, amount(999));
}

pub async fn the_largest_amount_can_be_drawn(f: Fixture) {
    f.has_card("card", MAX_AMOUNT).await;
    let drawn = f.drawn(f.draw(by_id("card"), "sale", MAX_AMOUNT)).await;
    assert_eq!((drawn.amount, drawn.balance), (amount(MAX_AMOUNT), amount(0)));
}

pub async fn same_ref_id_same_request_answers_the_first_transaction(f: Fixture) {
    f.has_card("card", 1_000).await;
    let first = f.drawn(f.draw(by_id("card"), "sale", 400)).await;
    f.clock.move_ms(5_000);
    let again = f.drawn(f.draw(by_id("card"), "sale", 400)).await;
    assert_eq!(again, first);
    assert_eq!(f.read("card").await.card.drawdown, amount(400));
}

/// What does not make another request: metadata, the row's id, and the way the card is named.
pub async fn a_repeat_may_differ_in_metadata_and_in_how_it_names_the_card(f: Fixture) {
    f.has_card_with_token("card", 1_000, f.new_token("value")).await;
    let first = f.drawn(f.draw(by_token("value"), "sale", 400)).await;
    let mut again = f.draw(by_id("card"), "sale", 400);
    again.metadata = Metadata::from_json_object(r#"{"other":true}"#);
    assert_eq!(f.drawn(again).await, first);
}

pub async fn same_ref_id_another_request_is_refused(f: Fixture) {
    f.has_card("card", 1_000).await;
    f.drawn(f.draw(by_id("card"), "sale", 400)).await;
    assert_eq!(f.refused(f.draw(by_id("card"), "sale", 401)).await, Refusal::RefIdReused);
    let mut elsewhere = f.draw(by_id("card"), "sale", 400);
    elsewhere.originated_by = Some(origin("another till"));
    assert_eq!(f.refused(elsewhere).await, Refusal::RefIdReused);
    let mut otherwise = f.draw(by_id("card"), "sale", 400);
    otherwise.currency = currency("SEK");
    assert_eq!(f.refused(otherwise).await, Refusal::RefIdReused);
}

pub async fn same_ref_id_of_another_client_is_refused(f: Fixture) {
    f.has_card("card", 1_000).await;
    f.drawn(f.draw(by_id("card"), "sale", 400)).await;
    let operator = f.order_of(domain::Actor::Operator, f.draw(by_id("card"), "sale", 400));
    assert_eq!(f.submit(operator).await, Err(Refusal::RefIdReused));
}

pub async fn a_ref_id_counts_within_one_card(f: Fixture) {
    f.has_card("one", 1_000).await;
    f.has_card("two", 1_000).await;
    f.drawn(f.draw(by_id("one"), "sale", 400)).await;
    f.drawn(f.draw(by_id("two"), "sale", 300)).await;
    assert_eq!(f.read("two").await.card.drawdown, amount(300));
}

pub async fn a_refused_drawdown_is_judged_afresh_under_its_ref_id(f: Fixture) {
    f.has_card("card", 100).await;
    assert!(matches!(f.refused(f.draw(by_id("card"), "sale", 101)).await, Refusal::InsufficientFunds { .. }));
    f.drawn(f.draw(by_id("card"), "sale", 100)).await;
}

/// A repeat is found before anything else is judged: the first answer holds though the card has expired.
pub async fn a_repeat_is_answered_on_a_card_that_has_expired_since(f: Fixture) {
    let mut create = f.create("card", 1_000);
    create.card.dates.expires_at = Some(f.in_seconds(60));
    f.done(create).await;
    let first = f.drawn(f.draw(by_id("card"), "sale", 400)).await;
    f.clock.move_ms(60_000);
    assert_eq!(f.drawn(f.draw(by_id("card"), "sale", 400)).await, first);
    assert_eq!(f.refused(f.draw(by_id("card"), "new sale", 400)).await, Refusal::CardExpired);
}

pub async fn a_card_expires_at_its_millisecond(f: Fixture) {
    let mut create = f.create("card", 1_000);
    create.card.dates.expires_at = Some(f.in_seconds(60));
    f.done(create).await;
    f.clock.move_ms(59_999);
    f.drawn(f.draw(by_id("card"), "before", 1)).await;
    f.clock.move_ms(1);
    assert_eq!(f.refused(f.draw(by_id("card"), "at", 1)).await, Refusal::CardExpired);
}

pub async fn a_card_becomes_active_at_its_millisecond(f: Fixture) {
    let active_from = f.in_seconds(60);
    let mut create = f.create("card", 1_000);
    create.card.dates = Dates { active_from: Some(active_from), expires_at: None };
    f.done(create).await;
    f.clock.move_ms(59_999);
    let refused = f.refused(f.draw(by_id("card"), "before", 1)).await;
    assert_eq!(refused, Refusal::CardNotYetActive { active_from });
    f.clock.move_ms(1);
    f.drawn(f.draw(by_id("card"), "at", 1)).await;
}

pub async fn a_drawdown_in_another_currency_is_refused_with_the_cards(f: Fixture) {
    f.has_card("card", 1_000).await;
    let mut drawdown = f.draw(by_id("card"), "sale", 1);
    drawdown.currency = currency("EUR");
    assert_eq!(f.refused(drawdown).await, Refusal::CurrencyMismatch { currency: currency("NOK") });
}

pub async fn a_card_that_is_not_there_pays_for_nothing(f: Fixture) {
    assert_eq!(f.refused(f.draw(by_id("none"), "sale", 1)).await, Refusal::CardNotFound);
    assert_eq!(f.refused(f.draw(by_token("none"), "sale", 1)).await, Refusal::CardNotFound);
}

pub async fn token_and_card_id_must_name_the_same_card(f: Fixture) {
    f.has_card_with_token("one", 1_000, f.new_token("value")).await;
    f.has_card("two", 1_000).await;
    let both = |id: &str| CardSelector::Both(token_mac("value"), card_id(id));
    f.drawn(f.draw(both("one"), "sale", 1)).await;
    assert_eq!(f.refused(f.draw(both("two"), "sale", 1)).await, Refusal::CardNotFound);
    assert_eq!(f.refused(f.draw(both("none"), "sale", 1)).await, Refusal::CardNotFound);
}

pub async fn a_drawdown_by_token_names_the_token(f: Fixture) {
    f.has_card_with_token("card", 1_000, f.new_token("value")).await;
    let token = f.read("card").await.tokens[0].uuid;
    assert_eq!(f.drawn(f.draw(by_token("value"), "one", 1)).await.token, Some(token));
    assert_eq!(f.drawn(f.draw(by_id("card"), "two", 1)).await.token, None);
}
