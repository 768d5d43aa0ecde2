//! Histories of cards, and lists of an account's transactions: their order, their pages and their filters.

use domain::{Command, Fund, Metadata, Transaction, TransactionId, TransactionType};

use super::fixture::*;
use crate::{CardTransaction, HistoryQuery, TransactionFilter, TransactionQuery};

/// Adds money to a card.
async fn funded(f: &Fixture, id: &str, reference: &str, minor_units: i64) -> Transaction {
    let fund = Fund {
        card: by_id(id),
        pin: None,
        ref_id: ref_id(reference),
        id: TransactionId(f.uuid()),
        amount: amount(minor_units),
        currency: domain::Currency::NOK,
        parent: None,
        originated_by: None,
        metadata: Metadata::default(),
    };
    written(f.done(Command::Fund(Box::new(fund))).await)
}

async fn history(f: &Fixture, id: &str, query: HistoryQuery) -> Option<Vec<String>> {
    let rows = f.store.history(f.aid, &card_id(id), &query).await.expect("readable")?;
    assert!(rows.iter().all(|row| row.card_id == card_id(id)));
    Some(rows.iter().map(|row| row.transaction.ref_id.to_string()).collect())
}

fn part(limit: u32, starting_after: Option<TransactionId>) -> HistoryQuery {
    HistoryQuery { limit, starting_after }
}

fn all() -> TransactionQuery {
    TransactionQuery {
        limit: 100,
        looks_max: 1_000,
        starting_after: None,
        filter: TransactionFilter::default(),
    }
}

fn references(rows: &[CardTransaction]) -> Vec<String> {
    rows.iter().map(|row| row.transaction.ref_id.to_string()).collect()
}

async fn listed(f: &Fixture, query: &TransactionQuery) -> Vec<String> {
    references(&f.store.transactions(f.aid, query).await.expect("a page").transactions)
}

async fn filtered(f: &Fixture, filter: TransactionFilter) -> Vec<String> {
    listed(f, &TransactionQuery { filter, ..all() }).await
}

/// Every page, one after the other; between two of them `meanwhile` happens.
async fn pages(
    f: &Fixture,
    query: TransactionQuery,
    mut meanwhile: impl AsyncFnMut(usize),
) -> Vec<Vec<CardTransaction>> {
    let (mut pages, mut after) = (Vec::new(), query.starting_after);
    loop {
        let query = TransactionQuery { starting_after: after, ..query.clone() };
        let page = f.store.transactions(f.aid, &query).await.expect("a page");
        pages.push(page.transactions);
        after = page.next;
        if after.is_none() {
            return pages;
        }
        meanwhile(pages.len()).await;
    }
}

/// Two cards with three sales each, the first two of each within one millisecond.
async fn has_sales(f: &Fixture) {
    f.has_card("a", 100).await;
    f.has_card("b", 100).await;
    for sale in ["1", "2", "3"] {
        for card in ["a", "b"] {
            f.drawn(f.draw(by_id(card), &format!("{card}{sale}"), 1)).await;
        }
        if sale == "2" {
            f.clock.move_ms(1);
        }
    }
}

pub async fn a_history_is_read_oldest_first(f: Fixture) {
    let card = f.has_card("card", 100).await;
    f.drawn(f.draw(by_id("card"), "one", 1)).await;
    funded(&f, "card", "two", 2).await;
    let rows = f.store.history(f.aid, &card_id("card"), &part(100, None)).await.expect("readable");
    let rows: Vec<Transaction> = rows.expect("a card").into_iter().map(|row| row.transaction).collect();
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(rows.iter().all(|row| row.card == card.uuid));
    let balances: Vec<i64> = rows.iter().map(|row| row.balance.minor_units()).collect();
    assert_eq!(balances, [100, 99, 101]);
}

pub async fn a_history_goes_on_after_any_of_its_transactions(f: Fixture) {
    f.has_card("card", 100).await;
    let one = f.drawn(f.draw(by_id("card"), "one", 1)).await;
    let two = f.drawn(f.draw(by_id("card"), "two", 1)).await;
    f.drawn(f.draw(by_id("card"), "three", 1)).await;
    let read = async |query| history(&f, "card", query).await.expect("a card");
    assert_eq!(read(part(1, Some(one.id))).await, ["two"]);
    f.drawn(f.draw(by_id("card"), "four", 1)).await;
    assert_eq!(read(part(10, Some(two.id))).await, ["three", "four"]);
    let last = f.drawn(f.draw(by_id("card"), "five", 1)).await;
    assert_eq!(read(part(10, Some(last.id))).await, [""; 0]);
}

pub async fn nothing_follows_a_transaction_of_another_card(f: Fixture) {
    f.has_card("card", 100).await;
    f.has_card("other", 100).await;
    let other = f.drawn(f.draw(by_id("other"), "sale", 1)).await;
    assert_eq!(history(&f, "card", part(10, Some(other.id))).await, Some(vec![]));
    let never = TransactionId(f.uuid());
    assert_eq!(history(&f, "card", part(10, Some(never))).await, Some(vec![]));
}

pub async fn a_deleted_card_has_its_history_and_a_card_that_never_was_has_none(f: Fixture) {
    f.has_card("card", 0).await;
    f.done(f.delete("card")).await;
    assert_eq!(history(&f, "card", part(10, None)).await.map(|rows| rows.len()), Some(1));
    assert_eq!(history(&f, "never", part(10, None)).await, None);
    f.done(f.batch(&["inactive"])).await;
    assert_eq!(history(&f, "inactive", part(10, None)).await, Some(vec![]));
}

pub async fn a_transaction_is_read_by_its_id_in_its_own_account(f: Fixture) {
    f.has_card("card", 100).await;
    let sale = f.drawn(f.draw(by_id("card"), "sale", 1)).await;
    let read = f.store.transaction(f.aid, sale.id).await.expect("readable").expect("a transaction");
    assert_eq!((&read.transaction, &read.card_id), (&sale, &card_id("card")));
    let other = aid("T00000002");
    f.add_account(other, &f.new_client("other", "admin:accounts")).await;
    assert_eq!(f.store.transaction(other, sale.id).await, Ok(None));
    assert_eq!(f.store.transaction(f.aid, TransactionId(f.uuid())).await, Ok(None));
}

pub async fn transactions_are_listed_newest_first(f: Fixture) {
    has_sales(&f).await;
    let filter = TransactionFilter { kind: Some(TransactionType::Drawdown), ..Default::default() };
    assert_eq!(filtered(&f, filter).await, ["b3", "a3", "b2", "a2", "b1", "a1"]);
    let other = aid("T00000002");
    f.add_account(other, &f.new_client("other", "admin:accounts")).await;
    let page = f.store.transactions(other, &all()).await.expect("a page");
    assert_eq!((page.transactions, page.next), (vec![], None));
}

pub async fn pages_hold_each_transaction_once_while_more_are_written(f: Fixture) {
    has_sales(&f).await;
    let whole = listed(&f, &all()).await;
    assert_eq!(whole.len(), 8);
    for limit in 1..=8 {
        let meanwhile = async |page: usize| {
            f.clock.move_ms(1);
            f.drawn(f.draw(by_id("a"), &format!("late {limit} {page}"), 1)).await;
        };
        let begun = listed(&f, &all()).await;
        let pages = pages(&f, TransactionQuery { limit, ..all() }, meanwhile).await;
        let full = usize::try_from(limit).expect("few");
        assert!(pages.iter().rev().skip(1).all(|page| page.len() == full), "{limit}");
        assert_eq!(references(&pages.concat()), begun, "{limit}");
    }
}

pub async fn a_full_last_page_of_transactions_has_no_next(f: Fixture) {
    has_sales(&f).await;
    let pages = pages(&f, TransactionQuery { limit: 4, ..all() }, async |_| {}).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4]);
    let after_nothing = TransactionQuery { starting_after: Some(TransactionId(f.uuid())), ..all() };
    assert_eq!(listed(&f, &after_nothing).await, [""; 0]);
}

pub async fn transactions_are_filtered_by_card(f: Fixture) {
    has_sales(&f).await;
    let of = |id| TransactionFilter { card_id: Some(card_id(id)), ..Default::default() };
    let of_a = filtered(&f, of("a")).await;
    assert_eq!(of_a[..3], ["a3", "a2", "a1"]);
    assert_eq!(of_a.len(), 4);
    assert_eq!(filtered(&f, of("never")).await, [""; 0]);
    for limit in 1..=4 {
        let query = TransactionQuery { limit, filter: of("a"), ..all() };
        assert_eq!(references(&pages(&f, query, async |_| {}).await.concat()), of_a, "{limit}");
    }
}

/// Rows of one millisecond stand in the order of their ids in every list, whatever their place on the card.
pub async fn a_cards_list_has_the_order_of_the_accounts_list(f: Fixture) {
    f.has_card("card", 1_000).await;
    let mut ids: Vec<TransactionId> = (0..6).map(|_| TransactionId(f.uuid())).collect();
    ids.reverse();
    for (place, id) in ids.into_iter().enumerate() {
        let drawdown = domain::Drawdown { id, ..f.draw(by_id("card"), &format!("sale {place}"), 1) };
        f.drawn(drawdown).await;
    }
    f.clock.move_ms(1);
    f.drawn(f.draw(by_id("card"), "last", 1)).await;
    let filter = TransactionFilter { card_id: Some(card_id("card")), ..Default::default() };
    let whole = listed(&f, &all()).await;
    assert_eq!(filtered(&f, filter.clone()).await, whole);
    for limit in 1..=8 {
        let query = TransactionQuery { limit, filter: filter.clone(), ..all() };
        assert_eq!(references(&pages(&f, query, async |_| {}).await.concat()), whole, "{limit}");
    }
}

pub async fn a_long_history_is_listed_whole(f: Fixture) {
    f.has_card("card", 1_000).await;
    let sales = (0..300).map(|sale| f.order(f.draw(by_id("card"), &format!("{sale}"), 1)));
    assert!(f.submit_all(sales.collect()).await.iter().all(Result::is_ok));
    for card in [None, Some(card_id("card"))] {
        let filter = TransactionFilter { card_id: card, ..Default::default() };
        let query = TransactionQuery { limit: 90, filter, ..all() };
        let pages = pages(&f, query, async |_| {}).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [90, 90, 90, 31]);
        let mut listed = references(&pages.concat());
        listed.sort();
        listed.dedup();
        assert_eq!(listed.len(), 301);
    }
}

pub async fn transactions_are_filtered_by_reference(f: Fixture) {
    has_sales(&f).await;
    f.drawn(f.draw(by_id("b"), "a2", 1)).await;
    let named = |card: Option<&str>| TransactionFilter {
        card_id: card.map(card_id),
        ref_id: Some(ref_id("a2")),
        ..Default::default()
    };
    assert_eq!(filtered(&f, named(None)).await, ["a2", "a2"]);
    assert_eq!(filtered(&f, named(Some("a"))).await, ["a2"]);
    let later = TransactionFilter { created_from: Some(f.now()), ..named(Some("a")) };
    assert_eq!(filtered(&f, later).await, [""; 0]);
    let one = TransactionQuery { filter: named(Some("a")), ..all() };
    let page = f.store.transactions(f.aid, &one).await.expect("a page");
    let last = page.transactions.last().map(|row| row.transaction.id);
    assert_eq!(listed(&f, &TransactionQuery { starting_after: last, ..one }).await, [""; 0]);
}

pub async fn transactions_are_filtered_by_when_they_were_written(f: Fixture) {
    has_sales(&f).await;
    let (before, at) = (time(f.now().unix_ms() - 1), f.now());
    for card in [None, Some(card_id("a"))] {
        let count = async |from, before| {
            let filter = TransactionFilter {
                card_id: card.clone(),
                created_from: from,
                created_before: before,
                kind: Some(TransactionType::Drawdown),
                ..Default::default()
            };
            filtered(&f, filter).await.len()
        };
        let cards = if card.is_some() { 1 } else { 2 };
        assert_eq!(count(Some(at), None).await, cards);
        assert_eq!(count(None, Some(at)).await, 2 * cards);
        assert_eq!(count(Some(before), Some(at)).await, 2 * cards);
        assert_eq!(count(Some(at), Some(f.in_seconds(1))).await, cards);
        assert_eq!(count(Some(f.in_seconds(1)), None).await, 0);
        assert_eq!(count(None, Some(before)).await, 0);
    }
}

/// What no index leads to is looked for bit by bit: a page may be short, or empty, and yet not the last.
pub async fn a_page_looks_at_no_more_transactions_than_it_may(f: Fixture) {
    has_sales(&f).await;
    let filter = TransactionFilter { ref_id: Some(ref_id("a1")), ..Default::default() };
    let query = TransactionQuery { looks_max: 3, filter, ..all() };
    let pages = pages(&f, query, async |_| {}).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 0]);
    assert_eq!(references(&pages.concat()), ["a1"]);
}
