//! Many want the same money at the same instant.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Api, Server};
use crate::support::asked::Request as _;
use crate::support::chance::Chance;
use crate::support::money::Move;
use crate::support::wire::{Reply, Request, Wire};
use crate::support::{database, rounds, sums};

const SPENDERS: usize = 64;
const HELD: usize = 50;

const REPEATS: usize = 50;

/// The shortest that a lock may live.
const LIFE_SECONDS: u32 = 1;
const LIFE: Duration = Duration::from_secs(1);
const LOCKED: i64 = 40;
const LEFT: i64 = 5;

/// Locks whose ends are raced for in one second.
const LOCKS: u32 = 40;

/// The first race is run so long before the end of the lock, and each next one a bit later, the last ones after it.
const BEFORE: Duration = Duration::from_millis(120);
const STEP: Duration = Duration::from_millis(5);

fn request(api: &Api, asked: &Move) -> Request {
    let (path, body) = asked.parts();
    Request::post(api, path, &[], body)
}

fn read(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}

fn code(reply: &Reply) -> String {
    read(reply)["error"]["code"].as_str().unwrap_or_default().to_owned()
}

/// Several clients, each on a connection of its own, ask what `ask` says in each round, at the same instant; answers
/// what they were told in each round.
fn at_once(
    server: &Server,
    clients: usize,
    rounds: usize,
    ask: impl Fn(usize, usize) -> Request + Sync,
) -> Vec<Vec<Reply>> {
    let (together, ask) = (&Barrier::new(clients), &ask);
    let told: Vec<Vec<Reply>> = thread::scope(|threads| {
        let one = |client| {
            let mut wire = Wire::open(server).expect("a connection");
            threads.spawn(move || {
                let asking = (0..rounds).map(|round| {
                    let request = ask(round, client);
                    together.wait();
                    wire.ask(&request).expect("an answer")
                });
                asking.collect()
            })
        };
        let clients: Vec<_> = (0..clients).map(one).collect();
        clients.into_iter().map(|client| client.join().expect("answers")).collect()
    });
    (0..rounds).map(|round| told.iter().map(|told| told[round].clone()).collect()).collect()
}

/// Cards with money, named by their places.
fn cards(api: &Api, count: usize, amount: i64) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|place| format!("card-{place}")).collect();
    api.batch(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    Move::activations(&ids, "sold", amount).send(api).expect("an answer").ok();
    ids
}

#[test]
fn what_a_card_holds_is_spent_once_however_many_spend_at_once() {
    let server = Server::start();
    let api = server.api();
    let held = i64::try_from(HELD).expect("a size");
    let cards = cards(&api, rounds(20, 200), held);
    let told = at_once(&server, SPENDERS, cards.len(), |round, client| {
        request(&api, &Move::drawdown(&cards[round], &format!("spender-{client}"), 1))
    });
    for (card, told) in cards.iter().zip(told) {
        let (paid, refused): (Vec<_>, Vec<_>) = told.iter().partition(|reply| reply.status == 200);
        assert_eq!((paid.len(), refused.len()), (HELD, SPENDERS - HELD), "{card}");
        for reply in refused {
            assert_eq!((reply.status, code(reply).as_str()), (400, "INSUFFICIENT_FUNDS"));
        }
        let mut left: Vec<i64> = paid.iter().map(|reply| sums::number(&read(reply), "balance")).collect();
        left.sort_unstable();
        assert!(left.into_iter().eq(0..held), "{card}: two spent the same money");
        assert_eq!(sums::check_card(&api, card).len(), HELD + 1);
        assert_eq!(api.get(&format!("wallets/cards/{card}")).ok()["amount_balance"], 0);
    }
    sums::check(&server);
    database::check(server.data());
}

#[test]
fn a_request_that_is_sent_many_times_at_once_moves_money_once_and_all_are_told_the_same() {
    let server = Server::start();
    let api = server.api();
    let cards = cards(&api, rounds(20, 200), 100);
    let asked = |round: usize| match round % 3 {
        0 => Move::drawdown(&cards[round], "once", 30),
        1 => Move::fund(&cards[round], "once", 30),
        _ => Move::lock(&cards[round], "once", 30),
    };
    let told = at_once(&server, REPEATS, cards.len(), |round, _| request(&api, &asked(round)));
    for (card, told) in cards.iter().zip(told) {
        assert!(told.iter().all(|reply| reply.status == 200 && reply.body == told[0].body), "{card}");
        let rows = sums::check_card(&api, card);
        assert_eq!(rows.len(), 2, "{card}: one effect");
        assert_eq!(rows[1], read(&told[0]));
    }
    sums::check(&server);
    database::check(server.data());
}

/// How a lock ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Captured,
    Voided,
    Expired,
}

/// A lock that will end by itself.
struct Raced {
    card: String,
    lock: String,
    /// It ends by itself between these.
    ends: [Instant; 2],
}

impl Raced {
    fn new(api: &Api, card: &str) -> Self {
        let asked = Move::short_lock(card, "lock", LOCKED, LIFE_SECONDS);
        let before = Instant::now();
        let row = asked.send(api).expect("an answer").ok();
        let lock = row["id"].as_str().expect("an id").to_owned();
        Self { card: card.to_owned(), lock, ends: [before + LIFE, Instant::now() + LIFE] }
    }

    /// Sends capture and void at the same instant, from two connections, when the place says so. Answers what became
    /// of the lock, once it is over.
    fn run(&self, server: &Server, api: &Api, place: u32, jitter: [Duration; 2]) -> Ended {
        let asked = [Move::capture(&self.lock, "capture", None), Move::void(&self.lock, "void")];
        let at = self.ends[1] - BEFORE + STEP * place;
        let send = |place: usize| {
            let mut wire = Wire::open(server).expect("a connection");
            let request = request(api, &asked[place]);
            thread::sleep((at + jitter[place]).saturating_duration_since(Instant::now()));
            let begun = Instant::now();
            (begun, wire.ask(&request).expect("an answer"))
        };
        let [capture, void] = thread::scope(|threads| {
            [0, 1].map(|place| threads.spawn(move || send(place))).map(|sent| sent.join().expect("an answer"))
        });
        let has_ended_by_itself = |begun: Instant| begun > self.ends[1];
        for (begun, reply) in [&capture, &void] {
            let is_accepted = reply.status == 200;
            assert!(is_accepted || (reply.status, code(reply).as_str()) == (400, "LOCK_CLOSED"));
            assert!(!(is_accepted && has_ended_by_itself(*begun)), "{}: after its end", self.card);
        }
        match [capture.1.status, void.1.status] {
            [200, 200] => panic!("{}: captured and voided", self.card),
            [200, _] => Ended::Captured,
            [_, 200] => Ended::Voided,
            _ => Ended::Expired,
        }
    }

    /// What the card's history says of it.
    fn check(&self, api: &Api, ended: Ended) {
        // What runs out is entered by the next move that is accepted.
        Move::fund(&self.card, "after", 1).send(api).expect("an answer").ok();
        let rows = sums::check_card(api, &self.card);
        let of_lock: Vec<&Value> = rows.iter().filter(|row| row["parent_id"] == *self.lock).collect();
        let (kind, taken) = match ended {
            Ended::Captured => ("drawdown", LOCKED),
            Ended::Voided => ("voided", 0),
            Ended::Expired => ("expired", 0),
        };
        let kinds: Vec<&Value> = of_lock.iter().map(|row| &row["type"]).collect();
        assert_eq!(kinds, [&json!(kind)], "{}", self.card);
        let card = api.get(&format!("wallets/cards/{}", self.card)).ok();
        let said = ["amount_balance", "amount_available"].map(|name| sums::number(&card, name));
        assert_eq!(said, [LOCKED + LEFT + 1 - taken; 2], "{card}");
    }
}

#[test]
fn one_of_capture_void_and_expiry_ends_a_lock_when_all_come_at_once() {
    let mut chance = Chance::new("ends of locks");
    let server = Server::start();
    let api = server.api();
    let mut tally = [0; 3];
    let seconds = rounds(1, 5);
    let cards = cards(&api, seconds * usize::try_from(LOCKS).expect("a size"), LOCKED + LEFT);
    for cards in cards.chunks(cards.len() / seconds) {
        let all: Vec<(Raced, Ended)> = thread::scope(|threads| {
            let (server, api) = (&server, &api);
            let racing = (0..).zip(cards).map(|(place, card)| {
                let jitter = [0, 1].map(|_| chance.up_to(STEP));
                threads.spawn(move || {
                    let raced = Raced::new(api, card);
                    let ended = raced.run(server, api, place, jitter);
                    (raced, ended)
                })
            });
            let racing: Vec<_> = racing.collect();
            racing.into_iter().map(|race| race.join().expect("no panic")).collect()
        });
        for (raced, ended) in all {
            raced.check(&api, ended);
            tally[ended as usize] += 1;
        }
    }
    let [captured, voided, expired] = tally;
    eprintln!("ends of locks: {captured} captured, {voided} voided, {expired} ran out");
    assert!(captured + voided > 0 && expired > 0, "the races did not come at the locks' ends");
    sums::check(&server);
    database::check(server.data());
}
