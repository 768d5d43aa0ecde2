//! The cards of one customer.

use super::fixture::*;
use crate::CustomerCardsQuery;

async fn owns(f: &Fixture, owner: &str, id: &str, minor_units: i64) {
    let mut create = f.create(id, minor_units);
    create.card.customer_id = Some(customer(owner));
    f.done(create).await;
}

pub async fn a_customers_cards_are_listed_oldest_first(f: Fixture) {
    owns(&f, "a", "second", 1).await;
    owns(&f, "b", "other", 1).await;
    owns(&f, "a", "first", 1).await;
    assert_eq!(f.cards_of("a").await, ["second", "first"]);
    assert_eq!(f.cards_of("nobody").await, [""; 0]);
}

pub async fn used_cards_are_still_their_customers(f: Fixture) {
    owns(&f, "a", "card", 100).await;
    f.drawn(f.draw(by_id("card"), "sale", 100)).await;
    assert_eq!(f.cards_of("a").await, ["card"]);
}

pub async fn a_customer_sees_no_inactive_deleted_or_expired_card(f: Fixture) {
    let mut batch = f.batch(&["inactive"]);
    batch.cards[0].customer_id = Some(customer("a"));
    f.done(batch).await;
    owns(&f, "a", "deleted", 0).await;
    f.done(f.delete("deleted")).await;
    let mut expiring = f.create("expiring", 1);
    expiring.card.customer_id = Some(customer("a"));
    expiring.card.dates.expires_at = Some(f.in_seconds(60));
    f.done(expiring).await;
    f.clock.move_ms(59_999);
    assert_eq!(f.cards_of("a").await, ["expiring"]);
    f.clock.move_ms(1);
    assert_eq!(f.cards_of("a").await, [""; 0]);
}

pub async fn a_customers_cards_come_in_pages(f: Fixture) {
    for id in ["a", "b", "c"] {
        owns(&f, "owner", id, 1).await;
    }
    let query =
        CustomerCardsQuery { customer_id: customer("owner"), limit: 2, starting_after: None, now: f.now() };
    let first = f.store.customer_cards(f.aid, &query).await.expect("cards");
    let rest = CustomerCardsQuery { starting_after: first.last().map(|card| card.uuid), ..query };
    let rest = f.store.customer_cards(f.aid, &rest).await.expect("cards");
    let ids = |cards: &[domain::Card]| cards.iter().map(|card| card.card_id.to_string()).collect::<Vec<_>>();
    assert_eq!((ids(&first), ids(&rest)), (vec!["a".into(), "b".into()], vec!["c".to_owned()]));
}

pub async fn a_clock_set_back_lists_a_customers_cards_by_the_time_they_show(f: Fixture) {
    owns(&f, "owner", "second", 1).await;
    f.clock.move_ms(-1_000);
    owns(&f, "owner", "first", 1).await;
    assert_eq!(f.cards_of("owner").await, ["first", "second"]);
    let first = f.read("first").await.card.uuid;
    let query = CustomerCardsQuery {
        customer_id: customer("owner"),
        limit: 2,
        starting_after: Some(first),
        now: f.now(),
    };
    let rest = f.store.customer_cards(f.aid, &query).await.expect("cards");
    assert_eq!(rest.iter().map(|card| card.card_id.to_string()).collect::<Vec<_>>(), ["second"]);
}

pub async fn a_customers_card_is_read_with_its_tokens(f: Fixture) {
    let mut create = f.create("card", 100);
    create.card.customer_id = Some(customer("a"));
    create.card.token = Some(f.new_token("value"));
    f.done(create).await;
    let read = f.store.customer_card(f.aid, &customer("a"), &card_id("card"), f.now()).await;
    assert_eq!(read, Ok(Some(f.read("card").await)));
}

pub async fn another_customers_card_reads_as_none(f: Fixture) {
    owns(&f, "a", "card", 1).await;
    f.has_card("nobody's", 1).await;
    for (owner, id) in [("b", "card"), ("a", "nobody's"), ("a", "none")] {
        let read = f.store.customer_card(f.aid, &customer(owner), &card_id(id), f.now()).await;
        assert_eq!(read, Ok(None), "{owner} {id}");
    }
}

pub async fn a_customers_deleted_card_reads_as_none(f: Fixture) {
    owns(&f, "a", "card", 0).await;
    f.done(f.delete("card")).await;
    assert_eq!(f.store.customer_card(f.aid, &customer("a"), &card_id("card"), f.now()).await, Ok(None));
}
