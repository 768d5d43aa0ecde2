//! What is left of a run, read in every way.

use std::fmt::Debug;

use domain::{Timestamp, Token};
use store::suite::Fixture;
use store::suite::fixture::{DAY_MS, customer, every_card, time};
use store::{
    AuditFilter, AuditQuery, CardQuery, CustomerCardsQuery, HistoryQuery, TransactionFilter, TransactionQuery,
};

use super::Run;

/// Long enough for every page, and short enough that there are several.
const PAGE: u32 = 50;
const PAGES_MAX: usize = 1_000;

impl Run {
    /// Every card, its tokens and its history are those in memory, and all stores read alike.
    pub async fn compare(&self) {
        for f in self.fixtures() {
            self.compare_with_memory(f).await;
        }
        let reads = Reads::of(&self.f).await;
        for f in &self.others {
            reads.compare(&Reads::of(f).await);
        }
    }

    async fn compare_with_memory(&self, f: &Fixture) {
        for card in self.memory.cards.values() {
            self.memory.check_card(card.uuid);
            let read = f.store.card(f.aid, &card.card_id, true, Timestamp::EPOCH).await;
            let read = read.expect("readable").expect("a card");
            assert_eq!(read.card, *card);
            let of_card = |token: &&Token| token.card == card.uuid && token.deleted_at.is_none();
            let tokens: Vec<_> = self.memory.tokens.values().filter(of_card).cloned().collect();
            assert_eq!(read.tokens, tokens);
            let query = HistoryQuery { limit: 10_000, starting_after: None };
            let history = f.store.history(f.aid, &card.card_id, &query).await;
            let history = history.expect("readable").expect("a history");
            let rows: Vec<_> = history.into_iter().map(|row| row.transaction).collect();
            assert_eq!(rows, self.memory.rows_of(card.uuid));
        }
    }
}

/// What lists and reports answer, each thing as text, so that a difference is told by one line.
struct Reads(Vec<String>);

impl Reads {
    async fn of(f: &Fixture) -> Self {
        let mut reads = Self(Vec::new());
        reads.cards(f).await;
        reads.transactions(f).await;
        reads.audit(f).await;
        reads.reports(f).await;
        reads
    }

    fn add(&mut self, things: impl IntoIterator<Item = impl Debug>) {
        self.0.extend(things.into_iter().map(|thing| format!("{thing:?}")));
    }

    async fn cards(&mut self, f: &Fixture) {
        let mut query = CardQuery { limit: PAGE, include_deleted: true, ..every_card(f.now()) };
        for _ in 0..PAGES_MAX {
            let page = f.store.cards(f.aid, &query).await.expect("a page");
            self.add(page.cards);
            query.starting_after = page.next;
            if page.next.is_none() {
                break;
            }
        }
        for owner in 0..3 {
            let query = CustomerCardsQuery {
                customer_id: customer(&format!("{owner}")),
                limit: 1_000,
                starting_after: None,
                now: f.now(),
            };
            self.add(f.store.customer_cards(f.aid, &query).await.expect("cards"));
        }
    }

    async fn transactions(&mut self, f: &Fixture) {
        let filter = TransactionFilter::default();
        let mut query = TransactionQuery { limit: PAGE, looks_max: 20_000, starting_after: None, filter };
        for _ in 0..PAGES_MAX {
            let page = f.store.transactions(f.aid, &query).await.expect("a page");
            self.add(page.transactions);
            query.starting_after = page.next;
            if page.next.is_none() {
                break;
            }
        }
    }

    /// Without the places, which one store counts without gaps and another does not.
    async fn audit(&mut self, f: &Fixture) {
        let filter = AuditFilter::default();
        let mut query = AuditQuery { limit: PAGE, looks_max: 20_000, starting_after: None, filter };
        for _ in 0..PAGES_MAX {
            let page = f.store.audit(f.aid, &query).await.expect("a page");
            self.add(page.records);
            query.starting_after = page.next;
            if page.next.is_none() {
                break;
            }
        }
    }

    async fn reports(&mut self, f: &Fixture) {
        self.add([f.store.liability(f.aid, f.now()).await.expect("a report")]);
        loop {
            let closed = f.store.close_days(f.aid, f.now()).await.expect("closed");
            self.add([closed]);
            if closed == 0 {
                break;
            }
        }
        let last = f.now().unix_ms();
        for days in (0..200).map_while(|days| last.checked_sub(days * DAY_MS / 2)) {
            self.add([f.store.liability_at(f.aid, time(days)).await.expect("a report")]);
        }
    }

    fn compare(&self, other: &Self) {
        for (one, other) in self.0.iter().zip(&other.0) {
            assert_eq!(one, other);
        }
        assert_eq!(self.0.len(), other.0.len());
    }
}
