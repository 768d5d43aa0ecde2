//! Lists of cards: their order, their pages and their filters.

use domain::{Amount, Card, CardType, CardUuid, Status};

use super::fixture::*;
use crate::{CardFilter, CardPage, CardQuery};

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

fn ids(pages: &[Vec<Card>]) -> Vec<Vec<String>> {
    let ids = |page: &Vec<Card>| page.iter().map(|card| card.card_id.to_string()).collect();
    pages.iter().map(ids).collect()
}

pub async fn cards_of_one_instant_are_listed_once_each(f: Fixture) {
    f.done(f.batch(&["a", "b", "c", "d", "e"])).await;
    has_cards(&f, &["f", "g"]).await;
    let pages = pages(&f, page_of(&f, 2)).await;
    assert_eq!(ids(&pages), [vec!["g", "f"], vec!["e", "d"], vec!["c", "b"], vec!["a"]]);
}

/// Ids begin with the time at which they were made, but the order is that of the cards.
pub async fn a_clock_set_back_lists_cards_by_the_time_they_show(f: Fixture) {
    for (id, moved_ms) in [("third", 0), ("first", -2_000), ("second", 1_000), ("fourth", 2_000)] {
        f.clock.move_ms(moved_ms);
        f.has_card(id, 1).await;
    }
    let pages = pages(&f, page_of(&f, 1)).await;
    assert_eq!(ids(&pages), [["fourth"], ["third"], ["second"], ["first"]]);
}

pub async fn a_range_of_time_comes_page_by_page(f: Fixture) {
    let begin = f.now();
    for id in ["0a", "0b", "1a", "1b", "2a", "2b", "3a"] {
        let seconds: u32 = id[..1].parse().expect("seconds");
        f.clock.move_ms(begin.plus_seconds(seconds).unix_ms() - f.now().unix_ms());
        f.has_card(id, 1).await;
    }
    let filter = CardFilter {
        created_from: Some(begin.plus_seconds(1)),
        created_before: Some(begin.plus_seconds(3)),
        ..CardFilter::default()
    };
    let between = CardQuery { filter, ..page_of(&f, 3) };
    assert_eq!(ids(&pages(&f, between.clone()).await), [vec!["2b", "2a", "1b"], vec!["1a"]]);
    let newest = f.read("3a").await.card.uuid;
    assert_eq!(f.list(&CardQuery { starting_after: Some(newest), ..between.clone() }).await.len(), 3);
    let oldest = f.read("0a").await.card.uuid;
    assert_eq!(f.list(&CardQuery { starting_after: Some(oldest), ..between }).await, [""; 0]);
}

/// Ten cards, of which the first, third and last made are in euro.
async fn has_rare_cards(f: &Fixture) {
    for card in 0..10 {
        let mut create = f.create(&format!("{card}"), 1);
        create.currency = currency(if [0, 2, 9].contains(&card) { "EUR" } else { "NOK" });
        f.done(create).await;
    }
}

fn rare() -> CardFilter {
    CardFilter { currency: Some(currency("EUR")), ..CardFilter::default() }
}

pub async fn a_page_ends_with_the_last_card_it_may_look_at(f: Fixture) {
    has_rare_cards(&f).await;
    let query = CardQuery { filter: rare(), looks_max: 4, ..page_of(&f, 2) };
    let CardPage { cards, next } = f.store.cards(f.aid, &query).await.expect("a page");
    assert_eq!(ids(&[cards]), [["9"]]);
    assert_eq!(next, Some(f.read("6").await.card.uuid));
    let CardPage { cards, next } =
        f.store.cards(f.aid, &CardQuery { starting_after: next, ..query }).await.expect("a page");
    assert_eq!((ids(&[cards]), next), (vec![vec!["2".to_owned()]], Some(f.read("2").await.card.uuid)));
}

pub async fn short_pages_lead_to_every_card(f: Fixture) {
    has_rare_cards(&f).await;
    for (limit, looks_max) in (1..=3).flat_map(|limit| (0..=12).map(move |looks| (limit, looks))) {
        let query = CardQuery { filter: rare(), looks_max, ..page_of(&f, limit) };
        let pages = ids(&pages(&f, query).await);
        assert_eq!(pages.concat(), ["9", "2", "0"], "{limit} of {looks_max}");
        let looks = usize::try_from(looks_max.max(1)).expect("few");
        assert!(pages.len() <= 10_usize.div_ceil(looks) + 3, "{limit} of {looks_max}: {pages:?}");
    }
}

pub async fn a_list_of_no_more_cards_than_it_may_look_at_is_whole(f: Fixture) {
    has_cards(&f, &["a", "b", "c"]).await;
    let page = f.store.cards(f.aid, &CardQuery { looks_max: 3, ..page_of(&f, 3) }).await.expect("a page");
    assert_eq!((page.cards.len(), page.next), (3, None));
}

/// Of a customer, of a batch and of a prefix, a list looks at no other cards.
pub async fn narrow_filters_look_at_their_own_cards_only(f: Fixture) {
    let mut batch = f.batch(&["a1", "a2"]);
    let batch_id = batch.batch;
    batch.cards.iter_mut().for_each(|card| card.customer_id = Some(customer("kari")));
    f.done(batch).await;
    has_cards(&f, &["b1", "b2", "b3", "b4", "b5"]).await;
    let narrow = [
        (2, CardFilter { customer_id: Some(customer("kari")), ..CardFilter::default() }),
        (2, CardFilter { batch: Some(batch_id), ..CardFilter::default() }),
        (4, starting("a")),
    ];
    for (looks_max, filter) in narrow {
        let query = CardQuery { filter, looks_max, ..page_of(&f, 2) };
        assert_eq!(ids(&pages(&f, query.clone()).await), [["a2", "a1"]], "{:?}", query.filter);
    }
}

/// Few cards are found by the prefix, many by looking at all: the order and the pages are the same.
pub async fn a_prefix_of_many_cards_is_listed_as_one_of_few(f: Fixture) {
    for card in 0..9 {
        let mut create = f.create(&format!("{}{card}", if card % 2 == 0 { "x" } else { "y" }), card);
        create.card.name = (card % 3 == 0).then(|| name("x by name"));
        f.done(create).await;
    }
    let filter = CardFilter { available_from: Some(amount(2)), ..starting("x") };
    for looks_max in [1, 3, 7, 11, 13, 14, 16, 17, 40] {
        let query = CardQuery { filter: filter.clone(), looks_max, ..page_of(&f, 2) };
        let listed = ids(&pages(&f, query).await).concat();
        assert_eq!(listed, ["x8", "x6", "x4", "y3", "x2"], "{looks_max} looks");
    }
}

/// The last characters there are, and those about the gap that no text may hold.
pub async fn a_prefix_ends_where_the_next_text_begins(f: Fixture) {
    let ids = ["a", "a\u{10ffff}", "a\u{10ffff}x", "b", "\u{d7ff}x", "\u{e000}", "\u{10ffff}z"];
    has_cards(&f, &ids).await;
    for (prefix, found) in [
        ("a", &ids[..3]),
        ("a\u{10ffff}", &ids[1..3]),
        ("\u{d7ff}", &ids[4..5]),
        ("\u{e000}", &ids[5..6]),
        ("\u{10ffff}", &ids[6..]),
        ("\u{10ffff}\u{10ffff}", &[]),
    ] {
        for looks_max in [1, 100] {
            let query = CardQuery { filter: starting(prefix), looks_max, ..every_card(f.now()) };
            let mut listed = self::ids(&pages(&f, query).await).concat();
            listed.reverse();
            assert_eq!(listed, found, "{prefix:?}");
        }
    }
}

pub async fn a_name_given_at_activation_is_found_by_its_prefix(f: Fixture) {
    let mut batch = f.batch(&["card"]);
    batch.cards[0].name = Some(name("before"));
    f.done(batch).await;
    let mut activate = f.activate("card", 1);
    activate.name = Some(name("after"));
    f.done(activate).await;
    assert_eq!(f.filtered(starting("aft")).await, ["card"]);
    assert_eq!(f.filtered(starting("bef")).await, [""; 0]);
}
