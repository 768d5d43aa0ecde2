//! Clients that move money in every way while something happens to the server, or to several on one database.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::asked::{self, Asked, End, Request as _};
use super::chance::Chance;
use super::money::Move;
use super::sums;
use crate::common::{Api, Server};

/// Of each server.
const CLIENTS: usize = 4;

/// Cards that all of them use.
const CARDS: usize = 3;

/// Enough that no move is refused for want of money.
const FUNDS: i64 = 100_000_000;
const AMOUNT_MAX: usize = 90;

/// How long a client that was refused leaves the servers alone.
const PAUSE: Duration = Duration::from_millis(5);

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
    /// Whether an answer that comes now counts.
    counts: AtomicBool,
}

impl Load {
    /// Gets ready, which takes requests of its own. Of several servers each client has one that it asks first.
    #[track_caller]
    pub fn new(servers: &[Server], chance: &mut Chance) -> Self {
        let run = chance.word();
        let cards: Vec<String> = (0..CARDS).map(|place| format!("{run}-busy-{place}")).collect();
        let mut apis: Vec<Api> = servers.iter().map(Server::api).collect();
        cards.iter().for_each(|card_id| drop(apis[0].card_with(card_id, FUNDS)));
        let client = |place| {
            apis.rotate_left(1);
            Client::new(apis.clone(), format!("{run}-{place}"), cards.clone(), chance.fork())
        };
        let clients = (0..CLIENTS * servers.len()).map(client).collect();
        Self { run, cards, clients, is_over: AtomicBool::new(false), counts: AtomicBool::new(true) }
    }

    /// Fails the test unless every figure agrees, every move that was told of is there, and once, and none is there
    /// that nobody asked for. Answers how many are there that nobody was told of.
    #[track_caller]
    pub fn check(&self, server: &Server, all: &[Asked<Move>]) -> usize {
        sums::check(server);
        let kept = asked::check_outcomes(server, &self.run, all);
        asked::check_repeats(server, &self.run, all);
        assert_eq!(Move::see(server, &self.run).count(), all.len(), "a move that nobody asked for");
        let api = server.api();
        for card_id in &self.cards {
            sums::check_card(&api, card_id);
        }
        kept
    }

    /// From now on an answer counts as none.
    pub fn count_no_more(&self) {
        self.counts.store(false, Ordering::SeqCst);
    }

    /// Lets all clients work until they get no answer, or for a while and until something has happened.
    pub fn until<T>(&self, after: Duration, end: impl FnOnce() -> T) -> (T, Vec<Asked<Move>>) {
        thread::scope(|threads| {
            let work = |client: &Client| client.clone().work(self);
            let clients: Vec<_> =
                self.clients.iter().map(|client| threads.spawn(move || work(client))).collect();
            let over = Over(&self.is_over);
            thread::sleep(after);
            let ended = end();
            drop(over);
            let asked = clients.into_iter().flat_map(|client| client.join().expect("no panic"));
            (ended, asked.collect())
        })
    }
}

/// When it goes, were it in a panic, clients ask for nothing more.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A client with what it knows of.
#[derive(Clone)]
struct Client {
    /// Of each server.
    apis: Vec<Api>,
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
    /// What a lock still holds. Until it is known that a part was taken, a repeat must find the lock open.
    Holds(String, i64),
    Sold(Vec<String>),
}

impl Client {
    fn new(apis: Vec<Api>, name: String, cards: Vec<String>, chance: Chance) -> Self {
        let stock: Vec<String> = (0..STOCK).map(|place| format!("{name}.{place}")).collect();
        apis[0].batch(&stock.iter().map(String::as_str).collect::<Vec<_>>());
        Self { apis, chance, name, cards, stock, sold: Vec::new(), locks: Vec::new(), asked: 0 }
    }

    fn work(mut self, load: &Load) -> Vec<Asked<Move>> {
        let mut all = Vec::new();
        while !load.is_over.load(Ordering::SeqCst) {
            let (request, then) = self.next();
            let mut asked = self.ask(request, &load.is_over);
            if !load.counts.load(Ordering::SeqCst) {
                asked.end = End::Uncounted;
            }
            let end = asked.end.clone();
            all.push(asked);
            match end {
                End::Made(told) => self.learn(then, &told),
                End::Refused(..) => thread::sleep(PAUSE),
                End::Lost | End::Uncounted => break,
            }
        }
        all
    }

    /// Asks, and every other time asks one server after the other until the move is made.
    fn ask(&mut self, request: Move, is_over: &AtomicBool) -> Asked<Move> {
        let mut asked = Asked::new(request, &self.apis[0]);
        let insists = self.chance.below(2) == 0;
        for api in self.apis.iter().cycle().skip(1) {
            if !insists || !asked.end.is_to_be_repeated() || is_over.load(Ordering::SeqCst) {
                break;
            }
            thread::sleep(PAUSE);
            asked = asked.again(api);
        }
        asked
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
            6..=7 => self.end_of_lock(&ref_id, card_id),
            8 => self.activations(&ref_id, card_id),
            _ => (self.replacement(&ref_id, card_id), Then::Nothing),
        }
    }

    /// A part of what is locked is taken, or all of it, or it is freed.
    fn end_of_lock(&mut self, ref_id: &str, or_else: &str) -> (Move, Then) {
        let Some((lock, held)) = self.locks.pop() else {
            return (Move::drawdown(or_else, ref_id, 1), Then::Nothing);
        };
        match self.chance.below(3) {
            0 if held > 1 => (Move::capture(&lock, ref_id, Some(1)), Then::Holds(lock, held - 1)),
            1 => (Move::capture(&lock, ref_id, None), Then::Nothing),
            _ => (Move::void(&lock, ref_id), Then::Nothing),
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
            Then::Holds(lock, held) => self.locks.push((lock, held)),
            Then::Sold(cards) => self.sold.extend(cards),
        }
    }
}
