//! Cards that are activated together: all of them or none.

use domain::{ActivateCards, CardDetails, Outcome, Refusal, Status};

use super::fixture::*;

async fn activated(f: &Fixture, activate: ActivateCards) -> Vec<CardDetails> {
    match f.done(activate).await {
        Outcome::CardsActivated(cards) => cards,
        other => panic!("not activated: {other:?}"),
    }
}

pub async fn all_cards_get_their_money_in_the_order_asked(f: Fixture) {
    f.done(f.batch(&["a", "b", "c"])).await;
    let mut activate = f.activate_all("order", &["c", "a"], 100);
    activate.cards[1].amount = amount(50);
    let cards = activated(&f, activate).await;
    assert_eq!(cards, [f.read("c").await, f.read("a").await]);
    assert_eq!([cards[0].card.balance(), cards[1].card.balance()], [amount(100), amount(50)]);
    assert_eq!(f.read("b").await.card.status(f.now()), Status::Inactive);
}

pub async fn one_card_that_cannot_be_activated_stops_all(f: Fixture) {
    f.done(f.batch(&["a", "b", "c"])).await;
    f.done(f.activate("b", 10)).await;
    let refused = f.refused(f.activate_all("order", &["a", "b", "none", "c"], 100)).await;
    let Refusal::Cards(faults) = refused else { panic!("{refused:?}") };
    let places: Vec<usize> = faults.iter().map(|(place, _)| *place).collect();
    assert_eq!(places, [1, 2]);
    assert!(matches!(faults[0].1, Refusal::CardNotInactive { .. }), "{faults:?}");
    assert_eq!(faults[1].1, Refusal::CardNotFound);
    for id in ["a", "c"] {
        assert_eq!(f.read(id).await.card.status(f.now()), Status::Inactive);
    }
}

pub async fn the_same_activations_again_answer_the_cards_as_they_are_now(f: Fixture) {
    f.done(f.batch(&["a", "b"])).await;
    activated(&f, f.activate_all("order", &["a", "b"], 100)).await;
    f.drawn(f.draw(by_id("a"), "sale", 30)).await;
    let again = activated(&f, f.activate_all("order", &["a", "b"], 100)).await;
    assert_eq!([again[0].card.balance(), again[1].card.balance()], [amount(70), amount(100)]);
    assert_eq!([again[0].card.seq, again[1].card.seq], [2, 1]);
}

pub async fn a_thousand_cards_are_activated_together(f: Fixture) {
    let ids: Vec<String> = (0..1_000).map(|card| format!("{card}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    f.done(f.batch(&ids)).await;
    f.has_card("till's", 10).await;
    let orders =
        vec![f.order(f.activate_all("order", &ids, 100)), f.order(f.draw(by_id("till's"), "sale", 10))];
    let decisions = f.submit_all(orders).await;
    assert!(decisions.iter().all(Result::is_ok));
    for id in [ids[0], ids[999]] {
        assert_eq!(f.read(id).await.card.balance(), amount(100));
        f.drawn(f.draw(by_token(&format!("token of {id}")), "sale", 100)).await;
    }
}
