//! Making many cards at once.

use domain::{Amount, CardDetails, CreateBatch, Outcome, Refusal, Status};

use super::fixture::*;

pub async fn the_cards_of_a_batch_read_back_as_the_order_makes_them(f: Fixture) {
    let batch = f.batch(&["b", "a", "c"]);
    let made = f.done(batch.clone()).await;
    let (expected, cards, tokens) = batch.into_cards(f.now(), Some(f.client));
    assert_eq!(made, Outcome::BatchCreated(expected));
    for (card, token) in cards.into_iter().zip(tokens) {
        let id = card.card_id.clone();
        assert_eq!(f.read(id.as_str()).await, CardDetails { card, tokens: vec![token] });
    }
}

pub async fn the_cards_of_a_batch_are_inactive_and_worth_nothing(f: Fixture) {
    f.done(f.batch(&["a"])).await;
    let card = f.read("a").await.card;
    assert_eq!(card.status(f.now()), Status::Inactive);
    assert_eq!((card.amount, card.funds, card.seq), (Amount::ZERO, Amount::ZERO, 0));
}

pub async fn a_batch_may_have_a_thousand_cards(f: Fixture) {
    let ids: Vec<String> = (0..1_000).map(|card| format!("card {card}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let Outcome::BatchCreated(batch) = f.done(f.batch(&ids)).await else {
        panic!("not a batch");
    };
    assert_eq!(batch.cards, 1_000);
    assert_eq!(f.read("card 999").await.card.batch, Some(batch.id));
}

pub async fn a_batch_with_a_taken_id_makes_no_card_and_names_each_place(f: Fixture) {
    f.has_card("b", 1).await;
    f.has_card("d", 1).await;
    let refused = f.refused(f.batch(&["a", "b", "c", "d"])).await;
    assert_eq!(refused, Refusal::CardIdTaken { places: vec![1, 3] });
    assert_eq!(f.list(&every_card(f.now())).await, ["d", "b"]);
}

pub async fn a_batch_with_a_taken_token_makes_no_card(f: Fixture) {
    f.has_card_with_token("other", 1, f.new_token("token of b")).await;
    assert_eq!(f.refused(f.batch(&["a", "b"])).await, Refusal::TokenCollision);
    assert_eq!(f.list(&every_card(f.now())).await, ["other"]);
}

pub async fn two_equal_tokens_within_a_batch_make_no_card(f: Fixture) {
    let mut batch = f.batch(&["a", "b"]);
    for card in &mut batch.cards {
        card.token = Some(f.new_token("same"));
    }
    assert_eq!(f.refused(batch).await, Refusal::TokenCollision);
    assert_eq!(f.list(&every_card(f.now())).await, [""; 0]);
}

/// Until activation no life of the token has begun, whatever was asked for.
pub async fn the_tokens_of_a_batch_wait_for_activation(f: Fixture) {
    let mut batch = f.batch(&["a"]);
    with_life(&mut batch, 60);
    f.done(batch).await;
    let read = f.read("a").await;
    let token = read.tokens.first().expect("a token");
    assert_eq!((token.expires_in, token.expires_at), (Some(60), None));
}

fn with_life(batch: &mut CreateBatch, seconds: u32) {
    for token in batch.cards.iter_mut().filter_map(|card| card.token.as_mut()) {
        token.expires_in = Some(seconds);
    }
}

pub async fn a_batch_card_shows_the_currency_it_was_made_with(f: Fixture) {
    let mut batch = f.batch(&["a"]);
    batch.currency = currency("SEK");
    f.done(batch).await;
    assert_eq!(f.read("a").await.card.currency, currency("SEK"));
}

pub async fn an_inactive_card_pays_for_nothing(f: Fixture) {
    f.done(f.batch(&["a"])).await;
    assert_eq!(f.refused(f.draw(by_id("a"), "sale", 1)).await, Refusal::CardInactive);
    assert_eq!(f.refused(f.draw(by_token("token of a"), "sale", 1)).await, Refusal::CardInactive);
}
