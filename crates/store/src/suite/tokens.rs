//! Tokens: what they open, and when they no longer do.

use domain::{Outcome, Refusal, Token};

use super::fixture::*;

async fn has_token(f: &Fixture, reference: &str, value: &str) -> Token {
    match f.done(f.token_for("card", reference, value)).await {
        Outcome::TokenCreated(token) => *token,
        other => panic!("not a token: {other:?}"),
    }
}

pub async fn a_card_lists_its_tokens_oldest_first(f: Fixture) {
    f.has_card_with_token("card", 1_000, f.new_token("own")).await;
    let (first, second) = (has_token(&f, "b", "one").await, has_token(&f, "a", "two").await);
    let read = f.read("card").await;
    assert_eq!(read.tokens.len(), 3);
    assert_eq!(read.tokens[1..], [first, second]);
}

pub async fn any_token_of_a_card_opens_it(f: Fixture) {
    f.has_card_with_token("card", 1_000, f.new_token("own")).await;
    has_token(&f, "more", "another").await;
    f.drawn(f.draw(by_token("own"), "one", 1)).await;
    f.drawn(f.draw(by_token("another"), "two", 1)).await;
    assert_eq!(f.read("card").await.card.drawdown, amount(2));
}

pub async fn a_ref_id_makes_one_token_of_a_card(f: Fixture) {
    f.has_card("card", 1_000).await;
    has_token(&f, "same", "one").await;
    assert_eq!(f.refused(f.token_for("card", "same", "two")).await, Refusal::RefIdReused);
    assert_eq!(f.refused(f.draw(by_token("two"), "sale", 1)).await, Refusal::CardNotFound);
}

/// The card's own token has the card's id as its reference, whether or not that was written down.
pub async fn the_reference_of_the_cards_own_token_is_taken(f: Fixture) {
    f.has_card_with_token("card", 1_000, f.new_token("own")).await;
    assert_eq!(f.refused(f.token_for("card", "card", "two")).await, Refusal::RefIdReused);
}

pub async fn a_card_without_own_token_leaves_its_id_free_as_reference(f: Fixture) {
    f.has_card("card", 1_000).await;
    let token = has_token(&f, "card", "value").await;
    assert!(!token.made_with_card);
    assert_eq!(f.read("card").await.tokens, [token]);
    assert_eq!(f.refused(f.token_for("card", "card", "other")).await, Refusal::RefIdReused);
}

pub async fn the_ref_id_of_a_deleted_token_stays_taken(f: Fixture) {
    f.has_card("card", 1_000).await;
    let token = has_token(&f, "same", "one").await;
    f.done(f.delete_token("card", token.uuid)).await;
    assert_eq!(f.refused(f.token_for("card", "same", "two")).await, Refusal::RefIdReused);
}

pub async fn the_same_reference_serves_on_two_cards(f: Fixture) {
    f.has_card("card", 1_000).await;
    f.has_card("other", 1_000).await;
    has_token(&f, "same", "one").await;
    f.done(f.token_for("other", "same", "two")).await;
    assert_eq!(f.read("other").await.tokens.len(), 1);
}

pub async fn a_deleted_token_opens_nothing_and_is_not_listed(f: Fixture) {
    f.has_card_with_token("card", 1_000, f.new_token("own")).await;
    let token = has_token(&f, "more", "value").await;
    f.done(f.delete_token("card", token.uuid)).await;
    assert_eq!(f.refused(f.draw(by_token("value"), "sale", 1)).await, Refusal::CardNotFound);
    assert_eq!(f.read("card").await.tokens.len(), 1);
    f.drawn(f.draw(by_token("own"), "sale", 1)).await;
}

pub async fn a_token_is_deleted_once(f: Fixture) {
    f.has_card("card", 1_000).await;
    let token = has_token(&f, "ref", "value").await;
    let deleted = f.done(f.delete_token("card", token.uuid)).await;
    let expected = Token { deleted_at: Some(f.now()), ..token.clone() };
    assert_eq!(deleted, Outcome::TokenDeleted(Box::new(expected)));
    assert_eq!(f.refused(f.delete_token("card", token.uuid)).await, Refusal::TokenNotFound);
}

pub async fn a_token_is_deleted_through_its_own_card_only(f: Fixture) {
    f.has_card("card", 1_000).await;
    f.has_card("other", 1_000).await;
    let token = has_token(&f, "ref", "value").await;
    assert_eq!(f.refused(f.delete_token("other", token.uuid)).await, Refusal::TokenNotFound);
    assert_eq!(f.refused(f.delete_token("none", token.uuid)).await, Refusal::CardNotFound);
    f.drawn(f.draw(by_token("value"), "sale", 1)).await;
}

pub async fn the_cards_own_token_can_be_deleted(f: Fixture) {
    f.done(f.batch(&["card"])).await;
    let token = f.read("card").await.tokens[0].uuid;
    f.done(f.delete_token("card", token)).await;
    f.done(f.activate("card", 500)).await;
    assert_eq!(f.read("card").await.tokens, []);
    assert_eq!(f.refused(f.draw(by_token("token of card"), "sale", 1)).await, Refusal::CardNotFound);
}

pub async fn a_single_use_token_serves_one_drawdown(f: Fixture) {
    let mut token = f.new_token("once");
    token.expires_after_transaction = true;
    f.has_card_with_token("card", 1_000, token).await;
    f.drawn(f.draw(by_token("once"), "one", 1)).await;
    assert_eq!(f.refused(f.draw(by_token("once"), "two", 1)).await, Refusal::TokenUsed);
    assert_eq!(f.read("card").await.tokens[0].used_at, Some(f.now()));
    f.drawn(f.draw(by_id("card"), "three", 1)).await;
}

pub async fn a_refused_drawdown_does_not_use_a_token_up(f: Fixture) {
    let mut token = f.new_token("once");
    token.expires_after_transaction = true;
    f.has_card_with_token("card", 1_000, token).await;
    f.refused(f.draw(by_token("once"), "one", 1_001)).await;
    f.drawn(f.draw(by_token("once"), "one", 1_000)).await;
}

pub async fn a_repeat_through_a_used_token_answers_the_first_transaction(f: Fixture) {
    let mut token = f.new_token("once");
    token.expires_after_transaction = true;
    f.has_card_with_token("card", 1_000, token).await;
    let first = f.drawn(f.draw(by_token("once"), "one", 1)).await;
    assert_eq!(f.drawn(f.draw(by_token("once"), "one", 1)).await, first);
}

pub async fn a_token_opens_nothing_from_its_last_millisecond_on(f: Fixture) {
    let mut token = f.new_token("short");
    token.expires_in = Some(60);
    f.has_card_with_token("card", 1_000, token).await;
    f.clock.move_ms(59_999);
    let first = f.drawn(f.draw(by_token("short"), "one", 1)).await;
    f.clock.move_ms(1);
    assert_eq!(f.refused(f.draw(by_token("short"), "two", 1)).await, Refusal::CardNotFound);
    // It still tells which card is meant, so that a lost answer can be had again.
    assert_eq!(f.drawn(f.draw(by_token("short"), "one", 1)).await, first);
}

pub async fn a_token_that_exists_is_told_as_such(f: Fixture) {
    f.has_card("card", 1_000).await;
    has_token(&f, "one", "value").await;
    assert_eq!(f.refused(f.token_for("card", "two", "value")).await, Refusal::TokenCollision);
    assert_eq!(f.read("card").await.tokens.len(), 1);
}

pub async fn a_deleted_card_gets_no_token(f: Fixture) {
    f.has_card("card", 0).await;
    f.done(f.delete("card")).await;
    assert_eq!(f.refused(f.token_for("card", "ref", "value")).await, Refusal::CardNotFound);
}
