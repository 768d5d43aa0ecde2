//! Lists of cards: their order, their pages and their filters.

use domain::{Amount, Card, CardType, CardUuid, Status};

use super::fixture::*;
use crate::{CardFilter, CardQuery};

/// Every page of a list, one after the other.
async fn pages(f: &Fixture, query: CardQuery) -> Vec<Vec<Card>> {
    let mut pages = Vec::new();
    let mut after = query.starting_after;
    loop {
        let query = CardQuery { starting_after: after, ..query.clone() };
        let page = f.store.cards(f.aid, &query).await.expect("a page");
        pages.push(page.cards);
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

fn page_of(f: &Fixture, limit: u32) -> CardQuery {
    CardQuery { limit, ..every_card(f.now()) }
}

async fn has_cards(f: &Fixture, ids: &[&str]) {
    for id in ids {
        f.has_card(id, 100).await;
    }
}

pub async fn cards_are_listed_newest_first(f: Fixture) {
    has_cards(&f, &["c", "a", "b"]).await;
    assert_eq!(f.list(&every_card(f.now())).await, ["b", "a", "c"]);
}

pub async fn an_account_without_cards_lists_none(f: Fixture) {
    let page = f.store.cards(f.aid, &every_card(f.now())).await.expect("a page");
    assert_eq!((page.cards, page.next), (vec![], None));
}

pub async fn pages_hold_every_card_once(f: Fixture) {
    let ids: Vec<String> = (0..25).map(|card| format!("card {card}")).collect();
    has_cards(&f, &ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let pages = pages(&f, page_of(&f, 10)).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
    let listed: Vec<String> = pages.concat().iter().map(|card| card.card_id.to_string()).collect();
    assert_eq!(listed, ids.into_iter().rev().collect::<Vec<_>>());
}

pub async fn a_full_last_page_has_no_next(f: Fixture) {
    has_cards(&f, &["a", "b", "c", "d"]).await;
    let pages = pages(&f, page_of(&f, 2)).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
}

pub async fn pages_stay_as_they_are_while_cards_are_added(f: Fixture) {
    has_cards(&f, &["a", "b", "c", "d"]).await;
    let first = f.store.cards(f.aid, &page_of(&f, 2)).await.expect("a page");
    has_cards(&f, &["e", "f"]).await;
    let rest = CardQuery { starting_after: first.next, ..page_of(&f, 10) };
    assert_eq!(f.list(&rest).await, ["b", "a"]);
}

/// The card a page ended with may be gone when the next one is asked for.
pub async fn a_page_may_start_after_a_card_that_was_deleted_since(f: Fixture) {
    f.has_card("a", 100).await;
    f.has_card("b", 0).await;
    let first = f.store.cards(f.aid, &page_of(&f, 1)).await.expect("a page");
    f.done(f.delete("b")).await;
    let rest = CardQuery { starting_after: first.next, ..page_of(&f, 10) };
    assert_eq!(f.list(&rest).await, ["a"]);
}

pub async fn deleted_cards_are_listed_only_when_asked_for(f: Fixture) {
    f.has_card("a", 0).await;
    f.has_card("b", 100).await;
    f.done(f.delete("a")).await;
    assert_eq!(f.list(&every_card(f.now())).await, ["b"]);
    let all = CardQuery { include_deleted: true, ..every_card(f.now()) };
    assert_eq!(f.list(&all).await, ["b", "a"]);
}

/// One card of each status but blocked, which nothing can make yet; named after its status.
async fn has_each_status(f: &Fixture) {
    f.done(f.batch(&["inactive"])).await;
    has_cards(f, &["unused", "partially_used", "used"]).await;
    f.drawn(f.draw(by_id("partially_used"), "sale", 99)).await;
    f.drawn(f.draw(by_id("used"), "sale", 100)).await;
    let mut expired = f.create("expired", 100);
    expired.card.dates.expires_at = Some(f.in_seconds(1));
    f.done(expired).await;
    f.has_card("deleted", 0).await;
    f.done(f.delete("deleted")).await;
    f.clock.move_ms(1_000);
}

/// Every filter by status answers exactly the cards of which the domain says so.
pub async fn each_status_lists_its_cards_and_no_others(f: Fixture) {
    has_each_status(&f).await;
    for status in Status::ALL {
        let filter = CardFilter { status: Some(*status), ..CardFilter::default() };
        let query = CardQuery { filter, include_deleted: true, ..every_card(f.now()) };
        let page = f.store.cards(f.aid, &query).await.expect("a page");
        assert!(page.cards.iter().all(|card| card.status(f.now()) == *status), "{status:?}");
        let expected: &[&str] = if *status == Status::Blocked { &[] } else { &[status.as_str()] };
        assert_eq!(f.list(&query).await, expected, "{status:?}");
    }
}

pub async fn who_asks_for_deleted_cards_gets_them(f: Fixture) {
    has_each_status(&f).await;
    let filter = CardFilter { status: Some(Status::Deleted), ..CardFilter::default() };
    assert_eq!(f.filtered(filter).await, ["deleted"]);
}

pub async fn a_status_changes_at_its_millisecond(f: Fixture) {
    let mut create = f.create("card", 100);
    create.card.dates.expires_at = Some(f.in_seconds(60));
    f.done(create).await;
    let of = |status| CardFilter { status: Some(status), ..CardFilter::default() };
    f.clock.move_ms(59_999);
    assert_eq!(f.filtered(of(Status::Unused)).await, ["card"]);
    assert_eq!(f.filtered(of(Status::Expired)).await, [""; 0]);
    f.clock.move_ms(1);
    assert_eq!(f.filtered(of(Status::Unused)).await, [""; 0]);
    assert_eq!(f.filtered(of(Status::Expired)).await, ["card"]);
}

pub async fn cards_are_filtered_by_type(f: Fixture) {
    f.has_card("gift", 1).await;
    let mut create = f.create("note", 1);
    create.card.kind = CardType::CreditNote;
    f.done(create).await;
    let of = |kind| CardFilter { kind: Some(kind), ..CardFilter::default() };
    assert_eq!(f.filtered(of(CardType::GiftCard)).await, ["gift"]);
    assert_eq!(f.filtered(of(CardType::CreditNote)).await, ["note"]);
}

pub async fn cards_are_filtered_by_customer(f: Fixture) {
    f.has_card("nobody's", 1).await;
    for (id, owner) in [("one", "a"), ("two", "b"), ("three", "a")] {
        let mut create = f.create(id, 1);
        create.card.customer_id = Some(customer(owner));
        f.done(create).await;
    }
    let filter = CardFilter { customer_id: Some(customer("a")), ..CardFilter::default() };
    assert_eq!(f.filtered(filter).await, ["three", "one"]);
}

pub async fn cards_are_filtered_by_currency(f: Fixture) {
    f.has_card("kroner", 1).await;
    let mut create = f.create("euro", 1);
    create.currency = currency("EUR");
    f.done(create).await;
    let filter = CardFilter { currency: Some(currency("EUR")), ..CardFilter::default() };
    assert_eq!(f.filtered(filter).await, ["euro"]);
}

pub async fn cards_are_filtered_by_batch(f: Fixture) {
    let (first, second) = (f.batch(&["a", "b"]), f.batch(&["c"]));
    let id = first.batch;
    f.done(first).await;
    f.done(second).await;
    f.has_card("d", 1).await;
    let filter = CardFilter { batch: Some(id), ..CardFilter::default() };
    assert_eq!(f.filtered(filter).await, ["b", "a"]);
}

pub async fn cards_are_filtered_by_when_they_were_made(f: Fixture) {
    f.has_card("before", 1).await;
    f.clock.move_ms(1);
    f.has_card("at", 1).await;
    let from = f.now();
    f.clock.move_ms(1);
    f.has_card("after", 1).await;
    let since = CardFilter { created_from: Some(from), ..CardFilter::default() };
    assert_eq!(f.filtered(since).await, ["after", "at"]);
    let until = CardFilter { created_before: Some(from), ..CardFilter::default() };
    assert_eq!(f.filtered(until).await, ["before"]);
}

pub async fn cards_are_filtered_by_what_is_available(f: Fixture) {
    has_cards(&f, &["empty", "half", "full"]).await;
    f.drawn(f.draw(by_id("empty"), "sale", 100)).await;
    f.drawn(f.draw(by_id("half"), "sale", 50)).await;
    let between = |from: Option<i64>, to: Option<i64>| CardFilter {
        available_from: from.map(amount),
        available_to: to.map(amount),
        ..CardFilter::default()
    };
    assert_eq!(f.filtered(between(Some(50), None)).await, ["full", "half"]);
    assert_eq!(f.filtered(between(None, Some(50))).await, ["half", "empty"]);
    assert_eq!(f.filtered(between(Some(1), Some(99))).await, ["half"]);
    let nothing = CardFilter { available_to: Some(Amount::ZERO), ..CardFilter::default() };
    assert_eq!(f.filtered(nothing).await, ["empty"]);
}

pub async fn a_prefix_finds_card_ids_and_names(f: Fixture) {
    f.has_card("GIFT-1", 1).await;
    let mut create = f.create("2", 1);
    create.card.name = Some(name("GIFT for you"));
    f.done(create).await;
    f.has_card("not a GIFT", 1).await;
    assert_eq!(f.filtered(starting("GIFT")).await, ["2", "GIFT-1"]);
    assert_eq!(f.filtered(starting("GIFT-")).await, ["GIFT-1"]);
    assert_eq!(f.filtered(starting("")).await.len(), 3);
}

fn starting(prefix: &str) -> CardFilter {
    CardFilter { prefix: Some(prefix.to_owned()), ..CardFilter::default() }
}

pub async fn a_prefix_is_taken_by_the_letter(f: Fixture) {
    has_cards(&f, &["100%", "1000", "a_b", "axb", "Card", "card", "q*", "q[x]", "it's"]).await;
    for (prefix, found) in
        [("100%", "100%"), ("a_", "a_b"), ("C", "Card"), ("c", "card"), ("q[", "q[x]"), ("it'", "it's")]
    {
        assert_eq!(f.filtered(starting(prefix)).await, [found], "{prefix}");
    }
}

pub async fn a_prefix_may_be_in_any_alphabet(f: Fixture) {
    has_cards(&f, &["æøå-1", "🎁🎁-2", "caf\u{e9}"]).await;
    assert_eq!(f.filtered(starting("æø")).await, ["æøå-1"]);
    assert_eq!(f.filtered(starting("🎁")).await, ["🎁🎁-2"]);
    assert_eq!(f.filtered(starting("cafe")).await, [""; 0]);
}

pub async fn filters_hold_together_and_page_by_page(f: Fixture) {
    for card in 0..12 {
        let mut create = f.create(&format!("{card}"), card);
        create.card.customer_id = Some(customer(if card % 2 == 0 { "even" } else { "odd" }));
        f.done(create).await;
    }
    let filter = CardFilter {
        customer_id: Some(customer("even")),
        available_from: Some(amount(3)),
        status: Some(Status::Unused),
        ..CardFilter::default()
    };
    let pages = pages(&f, CardQuery { filter, ..page_of(&f, 2) }).await;
    let listed: Vec<Vec<String>> =
        pages.iter().map(|page| page.iter().map(|card| card.card_id.to_string()).collect()).collect();
    assert_eq!(listed, [vec!["10", "8"], vec!["6", "4"]]);
}

pub async fn a_list_may_start_after_a_card_that_never_was(f: Fixture) {
    has_cards(&f, &["a", "b"]).await;
    let before_all = CardQuery { starting_after: Some(CardUuid(uuid::Uuid::nil())), ..every_card(f.now()) };
    assert_eq!(f.list(&before_all).await, [""; 0]);
    let after_all = CardQuery { starting_after: Some(CardUuid(uuid::Uuid::max())), ..every_card(f.now()) };
    assert_eq!(f.list(&after_all).await, ["b", "a"]);
}
