//! Clients that move money in every way until the server is gone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::asked::{self, Asked, End};
use super::chance::Chance;
use super::money::Move;
use super::sums;
use crate::common::{Api, Server};

const CLIENTS: usize = 4;

/// Cards that all of them use.
const CARDS: usize = 3;

/// Enough that no move is refused for want of money.
const FUNDS: i64 = 100_000_000;
const AMOUNT_MAX: usize = 90;

/// Cards that each client may activate, and how many at once.
const STOCK: usize = 60;
const TOGETHER: usize = 3;

/// Clients at work, each with a sequence of choices.
pub struct Load {
    /// What the references of its moves begin with.
    pub run: String,
    cards: Vec<String>,
    clients: Vec<Client>,
    is_over: AtomicBool,
}

impl Load {
    /// Gets ready, which takes requests of its own.
    #[track_caller]
    pub fn new(server: &Server, chance: &mut Chance) -> Self {
        let run = chance.word();
        let cards: Vec<String> = (0..CARDS).map(|place| format!("{run}-busy-{place}")).collect();
        let api = server.api();
        cards.iter().for_each(|card_id| drop(api.card_with(card_id, FUNDS)));
        let client = |place| Client::new(server, format!("{run}-{place}"), cards.clone(), chance.fork());
        let clients = (0..CLIENTS).map(client).collect();
        Self { run, cards, clients, is_over: AtomicBool::new(false) }
    }

    /// Fails the test unless every figure agrees, and every move that was told of is there, and once. Answers how
    /// many are there that nobody was told of.
    #[track_caller]
    pub fn check(&self, server: &Server, all: &[Asked<Move>]) -> usize {
        sums::check(server);
        let kept = asked::check_outcomes(server.data(), &self.run, all);
        let api = server.api();
        asked::check_repeats(&api, server.data(), &self.run, all);
        for card_id in &self.cards {
            sums::check_card(&api, card_id);
        }
        kept
    }

    /// From now on an answer counts as none.
    pub fn count_no_more(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// Lets all clients work until they get no answer, and brings that about after a while.
    pub fn until<T>(&self, after: Duration, end: impl FnOnce() -> T) -> (T, Vec<Asked<Move>>) {
        thread::scope(|threads| {
            let work = |client: &Client| client.clone().work(&self.is_over);
            let clients: Vec<_> =
                self.clients.iter().map(|client| threads.spawn(move || work(client))).collect();
            thread::sleep(after);
            let ended = end();
            let asked = clients.into_iter().flat_map(|client| client.join().expect("no panic"));
            (ended, asked.collect())
        })
    }
}

/// A client with what it knows of.
#[derive(Clone)]
struct Client {
    api: Api,
    chance: Chance,
    name: String,
    /// Those that all clients use.
    cards: Vec<String>,
    /// Inactive cards.
    stock: Vec<String>,
    /// Cards that it activated and that no other has taken the place of.
    sold: Vec<String>,
    /// Open locks and what they hold.
    locks: Vec<(String, i64)>,
    asked: usize,
}

/// What a move changes in what the client knows, once it is known to have happened.
enum Then {
    Nothing,
    Locked,
    Sold(Vec<String>),
}

impl Client {
    fn new(server: &Server, name: String, cards: Vec<String>, chance: Chance) -> Self {
        let api = server.api();
        let stock: Vec<String> = (0..STOCK).map(|place| format!("{name}.{place}")).collect();
        api.batch(&stock.iter().map(String::as_str).collect::<Vec<_>>());
        Self { api, chance, name, cards, stock, sold: Vec::new(), locks: Vec::new(), asked: 0 }
    }

    fn work(mut self, is_over: &AtomicBool) -> Vec<Asked<Move>> {
        let mut all = Vec::new();
        loop {
            let (request, then) = self.next();
            let mut asked = Asked::new(request, &self.api);
            if is_over.load(Ordering::SeqCst) {
                asked.end = End::Lost;
            }
            let told = match &asked.end {
                End::Made(told) => Some(told.clone()),
                End::Refused(..) | End::Lost => None,
            };
            all.push(asked);
            match told {
                Some(told) => self.learn(then, &told),
                None => return all,
            }
        }
    }

    fn next(&mut self) -> (Move, Then) {
        self.asked += 1;
        let ref_id = format!("{}-{}", self.name, self.asked);
        let card_id = &self.cards[self.chance.below(CARDS)].clone();
        let amount = i64::try_from(self.chance.below(AMOUNT_MAX) + 1).expect("a small one");
        match self.chance.below(10) {
            0..=2 => (Move::drawdown(card_id, &ref_id, amount), Then::Nothing),
            3 => (Move::fund(card_id, &ref_id, amount), Then::Nothing),
            4..=5 => (Move::lock(card_id, &ref_id, amount), Then::Locked),
            6..=7 => (self.end_of_lock(&ref_id, card_id), Then::Nothing),
            8 => self.activations(&ref_id, card_id),
            _ => (self.replacement(&ref_id, card_id), Then::Nothing),
        }
    }

    /// A part of what is locked is taken, or all of it, or it is freed.
    fn end_of_lock(&mut self, ref_id: &str, or_else: &str) -> Move {
        let Some((lock, held)) = self.locks.pop() else {
            return Move::drawdown(or_else, ref_id, 1);
        };
        match self.chance.below(3) {
            0 if held > 1 => {
                self.locks.push((lock.clone(), held - 1));
                Move::capture(&lock, ref_id, Some(1))
            }
            1 => Move::capture(&lock, ref_id, None),
            _ => Move::void(&lock, ref_id),
        }
    }

    fn activations(&mut self, ref_id: &str, or_else: &str) -> (Move, Then) {
        if self.stock.len() < TOGETHER {
            return (Move::fund(or_else, ref_id, 1), Then::Nothing);
        }
        let cards = self.stock.split_off(self.stock.len() - TOGETHER);
        (Move::activations(&cards, ref_id, 500), Then::Sold(cards))
    }

    fn replacement(&mut self, ref_id: &str, or_else: &str) -> Move {
        match self.sold.pop() {
            Some(old) => Move::replacement(&old, &format!("{old}-new"), ref_id),
            None => Move::fund(or_else, ref_id, 1),
        }
    }

    fn learn(&mut self, then: Then, told: &Value) {
        match then {
            Then::Nothing => {}
            Then::Locked => {
                let id = told["id"].as_str().expect("an id").to_owned();
                self.locks.push((id, sums::number(told, "amount")));
            }
            Then::Sold(cards) => self.sold.extend(cards),
        }
    }
}
