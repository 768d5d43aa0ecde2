//! Clients that do what comes to their minds with a few cards, and write down what they saw.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::model::{Answer, Operation, Reference};
use super::search::Call;
use crate::common::{Api, Server};
use crate::support::chance::Chance;
use crate::support::money::Move;
use crate::support::sums::number;
use crate::support::wire::{Reply, Request, Wire};

/// One in so many calls loses its connection.
const CUT_ONE_IN: usize = 24;

/// How long a client that is about to lose its connection stays.
const STAYS: Duration = Duration::from_millis(2);

const AMOUNT_MAX: usize = 9;

/// A card that several clients use.
pub struct Shared {
    pub card_id: String,
    token: String,
    references: AtomicU32,
    /// Locks that somebody was told of, with their ids.
    locks: Mutex<Vec<(Reference, String)>>,
    /// All that was done with it.
    pub calls: Mutex<Vec<Call>>,
}

impl Shared {
    pub fn new(card_id: String, token: String) -> Self {
        let (references, locks) = (AtomicU32::new(0), Mutex::default());
        Self { card_id, token, references, locks, calls: Mutex::default() }
    }

    fn lock_id(&self, reference: Reference) -> String {
        let locks = self.locks.lock().expect("locks");
        let (_, id) = locks.iter().find(|(lock, _)| *lock == reference).expect("a lock that is known of");
        id.clone()
    }

    fn choose(&self, chance: &mut Chance) -> Operation {
        let reference = self.references.fetch_add(1, Ordering::Relaxed);
        let mut amount = || i64::try_from(chance.below(AMOUNT_MAX) + 1).expect("a small one");
        let amounts = (amount(), amount());
        let locks = self.locks.lock().expect("locks");
        let lock = (!locks.is_empty()).then(|| locks[chance.below(locks.len())].0);
        match (chance.below(10), lock) {
            (0..=2, _) => Operation::Drawdown(reference, amounts.0),
            (3, _) => Operation::Fund(reference, amounts.0),
            (4..=5, _) => Operation::Lock(reference, amounts.0),
            (6, Some(lock)) => Operation::Capture(reference, lock, Some(amounts.1)),
            (7, Some(lock)) => Operation::Capture(reference, lock, None),
            (8, Some(lock)) => Operation::Void(reference, lock),
            _ => Operation::Read,
        }
    }
}

/// One of them.
pub struct Client<'a> {
    server: &'a Server,
    api: &'a Api,
    chance: Chance,
    wire: Option<Wire>,
}

impl<'a> Client<'a> {
    pub fn new(server: &'a Server, api: &'a Api, chance: Chance) -> Self {
        Self { server, api, chance, wire: None }
    }

    /// Does so many things with each of the cards, by turns as it comes.
    pub fn work(&mut self, cards: &[Shared], times: usize) {
        let mut left: Vec<&Shared> = cards.iter().flat_map(|card| vec![card; times]).collect();
        let mut lost = None;
        while !left.is_empty() {
            let card = left.swap_remove(self.chance.below(left.len()));
            // Who lost a connection may ask again.
            let again = lost.filter(|(of, _)| std::ptr::eq(*of, card) && self.chance.below(2) == 0);
            let operation = again.map_or_else(|| card.choose(&mut self.chance), |(_, operation)| operation);
            let call = self.call(card, operation);
            lost = if call.answer.is_none() {
                Some((card, operation))
            } else {
                lost.filter(|_| again.is_none())
            };
            card.calls.lock().expect("calls").push(call);
        }
    }

    fn call(&mut self, card: &Shared, operation: Operation) -> Call {
        let request = self.request(card, operation);
        let is_cut = self.chance.below(CUT_ONE_IN) == 0;
        let mut wire = match self.wire.take() {
            Some(wire) => wire,
            None => Wire::open(self.server).expect("a connection"),
        };
        let begun = Instant::now();
        if is_cut {
            self.cut(wire, &request);
            return Call { operation, begun, answer: None };
        }
        let reply = wire.ask(&request).expect("an answer");
        let ended = Instant::now();
        self.wire = (!reply.is_last).then_some(wire);
        let answer = answer(&reply);
        if let (Operation::Lock(reference, _), Answer::Written { .. }) = (operation, answer) {
            let id = body(&reply)["id"].as_str().expect("an id").to_owned();
            card.locks.lock().expect("locks").push((reference, id));
        }
        Call { operation, begun, answer: Some((ended, answer)) }
    }

    /// Sends a part of a request or all of it, and hangs up without having read anything.
    fn cut(&mut self, mut wire: Wire, request: &Request) {
        let mut bytes = [&request.head[..], &request.body[..]].concat();
        if self.chance.below(4) == 0 {
            bytes.truncate(self.chance.below(bytes.len()));
        }
        wire.send(&bytes).expect("the server reads");
        std::thread::sleep(self.chance.up_to(STAYS));
        wire.hang_up();
    }

    fn request(&mut self, card: &Shared, operation: Operation) -> Request {
        let id = card.card_id.as_str();
        let name = |reference: Reference| reference.to_string();
        let asked = match operation {
            Operation::Drawdown(reference, amount) => Move::drawdown(id, &name(reference), amount),
            Operation::Fund(reference, amount) => Move::fund(id, &name(reference), amount),
            Operation::Lock(reference, amount) => Move::lock(id, &name(reference), amount),
            Operation::Capture(reference, lock, amount) => {
                Move::capture(&card.lock_id(lock), &name(reference), amount)
            }
            Operation::Void(reference, lock) => Move::void(&card.lock_id(lock), &name(reference)),
            Operation::Read if self.chance.below(2) == 0 => {
                return Request::get(self.api, &format!("wallets/cards/{id}"));
            }
            Operation::Read => {
                return Request::post(self.api, "wallets/info", &[], &json!({"token": card.token}));
            }
        };
        let (path, body) = asked.parts();
        Request::post(self.api, path, &[], body)
    }
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}

fn answer(reply: &Reply) -> Answer {
    let body = body(reply);
    let figure = |name| number(&body, name);
    let detail = |name| number(&body["error"]["errors"][0]["details"], name);
    match (reply.status, body["error"]["code"].as_str()) {
        (200, None) if body.get("seq").is_some() => Answer::Written {
            amount: figure("amount"),
            seq: figure("seq"),
            balance: figure("balance"),
            available: figure("available"),
        },
        (200, None) => {
            assert_eq!(figure("amount_balance"), figure("amount_funds") - figure("amount_drawdown"));
            Answer::Shown {
                funds: figure("amount_funds"),
                drawdown: figure("amount_drawdown"),
                reserved: figure("amount_reserved"),
                available: figure("amount_available"),
            }
        }
        (400, Some("INSUFFICIENT_FUNDS")) => Answer::InsufficientFunds { available: detail("available") },
        (400, Some("AMOUNT_EXCEEDS_LOCK")) => Answer::AmountExceedsLock { remaining: detail("remaining") },
        (400, Some("LOCK_CLOSED")) => Answer::LockClosed,
        _ => panic!("{} {body}", reply.status),
    }
}
