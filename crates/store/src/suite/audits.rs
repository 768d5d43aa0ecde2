//! What was done in an account: its order, its pages and its filters.

use domain::{Action, BlockCard, Command, Drawdown, Note, Outcome, Pending, Subject, Sweep};

use super::fixture::*;
use crate::{AuditFilter, AuditPage, AuditQuery, AuditRecord};

fn all() -> AuditQuery {
    AuditQuery { limit: 1_000, looks_max: 10_000, starting_after: None, filter: AuditFilter::default() }
}

async fn page(f: &Fixture, query: &AuditQuery) -> AuditPage {
    f.store.audit(f.aid, query).await.expect("a page")
}

/// What was done, and whether the money row says so or a line.
fn told(record: &AuditRecord) -> String {
    match record {
        AuditRecord::Entry { entry, .. } => entry.action.as_str().to_owned(),
        AuditRecord::Transaction(row) => {
            format!("{}: {}", row.card_id, row.transaction.asked.operation.as_str())
        }
    }
}

async fn listed(f: &Fixture, query: &AuditQuery) -> Vec<String> {
    page(f, query).await.records.iter().map(told).collect()
}

async fn filtered(f: &Fixture, filter: AuditFilter) -> Vec<String> {
    listed(f, &AuditQuery { filter, ..all() }).await
}

/// Every page, one after the other; between two of them `meanwhile` happens.
async fn pages(
    f: &Fixture,
    query: AuditQuery,
    mut meanwhile: impl AsyncFnMut(usize),
) -> Vec<Vec<AuditRecord>> {
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = page(f, &AuditQuery { starting_after: after, ..query.clone() }).await;
        pages.push(page.records);
        after = page.next;
        if after.is_none() {
            return pages;
        }
        meanwhile(pages.len()).await;
    }
}

fn block(id: &str, why: &str) -> Command {
    Command::BlockCard(BlockCard { card_id: card_id(id), reason: Note::try_from(why).expect("a note") })
}

/// A card made and drawn on within one millisecond, and blocked in the next, when another one is made.
async fn has_a_past(f: &Fixture) {
    f.has_card("a", 100).await;
    f.drawn(f.draw(by_id("a"), "sale", 1)).await;
    f.clock.move_ms(1);
    f.done(block("a", "lost")).await;
    f.done(f.token_for("a", "token", "value")).await;
    f.has_card("b", 100).await;
}

/// Of one millisecond, money rows stand above lines.
const PAST: [&str; 7] = [
    "b: create_card",
    "create_card",
    "create_token",
    "block_card",
    "a: drawdown",
    "a: create_card",
    "create_card",
];

pub async fn money_and_lines_are_told_newest_first(f: Fixture) {
    has_a_past(&f).await;
    assert_eq!(listed(&f, &all()).await, PAST);
    let other = aid("T00000002");
    f.add_account(other, &f.new_client("other", "admin:accounts")).await;
    let page = f.store.audit(other, &all()).await.expect("a page");
    assert_eq!((page.records, page.next), (vec![], None));
}

pub async fn a_line_tells_who_did_what_to_which_card_and_why(f: Fixture) {
    let card = f.has_card("a", 100).await;
    f.done(block("a", "lost")).await;
    let Outcome::TokenCreated(token) = f.done(f.token_for("a", "token", "value")).await else {
        panic!("a token");
    };
    let records = page(&f, &all()).await.records;
    let lines: Vec<_> = records
        .into_iter()
        .filter_map(|record| match record {
            AuditRecord::Entry { entry, card_id } => Some((entry, card_id)),
            AuditRecord::Transaction(_) => None,
        })
        .collect();
    let [(created, of_token), (blocked, of_card), _] = &lines[..] else {
        panic!("three lines: {lines:?}");
    };
    assert_eq!(created.subject, Subject::Token(token.uuid));
    assert_eq!((of_token, of_card), (&Some(card_id("a")), &Some(card_id("a"))));
    assert_eq!((blocked.subject, blocked.action), (Subject::Card(card.uuid), Action::BlockCard));
    assert_eq!(blocked.note.as_ref().map(|note| note.as_str()), Some("lost"));
    assert_eq!((blocked.client, blocked.at), (Some(f.client), f.now()));
}

pub async fn pages_hold_each_record_once_while_more_is_done(f: Fixture) {
    has_a_past(&f).await;
    for limit in 1..=7 {
        let begun = listed(&f, &all()).await;
        let meanwhile = async |page: usize| {
            f.clock.move_ms(1);
            f.has_card(&format!("late {limit} {page}"), 1).await;
        };
        let pages = pages(&f, AuditQuery { limit, ..all() }, meanwhile).await;
        let full = usize::try_from(limit).expect("few");
        assert!(pages.iter().rev().skip(1).all(|page| page.len() == full), "{limit}");
        assert_eq!(pages.concat().iter().map(told).collect::<Vec<_>>(), begun, "{limit}");
    }
}

pub async fn a_full_last_page_of_records_has_no_next(f: Fixture) {
    has_a_past(&f).await;
    let pages = pages(&f, AuditQuery { limit: 7, ..all() }, async |_| {}).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [7]);
}

pub async fn records_are_filtered_by_what_was_done(f: Fixture) {
    has_a_past(&f).await;
    let of = |action| AuditFilter { action: Some(action), ..AuditFilter::default() };
    assert_eq!(filtered(&f, of(Action::BlockCard)).await, ["block_card"]);
    assert_eq!(filtered(&f, of(Action::Drawdown)).await, ["a: drawdown"]);
    let made = ["b: create_card", "create_card", "a: create_card", "create_card"];
    assert_eq!(filtered(&f, of(Action::CreateCard)).await, made);
    assert_eq!(filtered(&f, of(Action::DeleteCard)).await, [""; 0]);
}

pub async fn the_end_of_a_lapsed_lock_is_told_as_such(f: Fixture) {
    let card = f.has_card("card", 100).await;
    let expires_in = Some(domain::LockLife::try_from(1).expect("a second"));
    let lock = Drawdown { pending: Some(Pending { expires_in }), ..f.draw(by_id("card"), "lock", 10) };
    f.done(lock).await;
    f.clock.move_ms(1_000);
    f.done(Command::Sweep(Sweep { cards: vec![card.uuid] })).await;
    let filter = AuditFilter { action: Some(Action::Expire), ..AuditFilter::default() };
    assert_eq!(filtered(&f, filter).await, ["card: expire"]);
}

pub async fn records_are_filtered_by_client(f: Fixture) {
    has_a_past(&f).await;
    let sale = f.order_of(domain::Actor::Operator, f.draw(by_id("b"), "operator", 1));
    f.submit(sale).await.expect("drawn");
    let of = |client| AuditFilter { client: Some(client), ..AuditFilter::default() };
    assert_eq!(filtered(&f, of(f.client)).await, PAST);
    assert_eq!(filtered(&f, of(domain::ClientUuid(f.uuid()))).await, [""; 0]);
}

pub async fn records_are_filtered_by_card(f: Fixture) {
    has_a_past(&f).await;
    let of = |id| AuditFilter { card_id: Some(card_id(id)), ..AuditFilter::default() };
    let of_a = ["create_token", "block_card", "a: drawdown", "a: create_card", "create_card"];
    assert_eq!(filtered(&f, of("a")).await, of_a);
    assert_eq!(filtered(&f, of("b")).await, ["b: create_card", "create_card"]);
    assert_eq!(filtered(&f, of("never")).await, [""; 0]);
    for limit in 1..=5 {
        let pages = pages(&f, AuditQuery { limit, filter: of("a"), ..all() }, async |_| {}).await;
        assert_eq!(pages.concat().iter().map(told).collect::<Vec<_>>(), of_a, "{limit}");
    }
}

pub async fn records_are_filtered_by_when_it_was_done(f: Fixture) {
    has_a_past(&f).await;
    let range = |from, before| AuditFilter { from, before, ..AuditFilter::default() };
    assert_eq!(filtered(&f, range(Some(f.now()), None)).await, PAST[..4]);
    assert_eq!(filtered(&f, range(None, Some(f.now()))).await, PAST[4..]);
    let before = time(f.now().unix_ms() - 1);
    assert_eq!(filtered(&f, range(Some(before), Some(f.now()))).await, PAST[4..]);
    assert_eq!(filtered(&f, range(Some(f.in_seconds(1)), None)).await, [""; 0]);
}

/// What no index leads to is looked for bit by bit: a page may be short, or empty, and yet not the last.
pub async fn a_page_looks_at_no_more_records_than_it_may(f: Fixture) {
    has_a_past(&f).await;
    let filter = AuditFilter { action: Some(Action::BlockCard), ..AuditFilter::default() };
    let query = AuditQuery { looks_max: 3, filter, ..all() };
    let pages = pages(&f, query, async |_| {}).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 0]);
}
