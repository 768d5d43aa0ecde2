//! What clients see of a card that many use at once could have been seen by one client after the other.

mod clients;
mod model;
mod search;

use std::sync::Barrier;
use std::thread;

use crate::common::{Api, Server};
use crate::support::asked::Request as _;
use crate::support::chance::Chance;
use crate::support::money::Move;
use crate::support::{database, rounds, sums};
use clients::{Client, Shared};
use model::{Answer, State};
use search::{Call, is_explained};

const CLIENTS: usize = 8;

/// What each client does with one card: few enough that each call of a history has a bit of a word.
const OPERATIONS: usize = 6;

/// Cards that the clients use at the same time.
const CARDS: usize = 2;
const FUNDS: i64 = 20;

/// Cards in pairs, each pair for one round.
fn pairs(api: &Api, run: &str, count: usize) -> Vec<Vec<Shared>> {
    let ids: Vec<String> = (0..count * CARDS).map(|place| format!("{run}-{place}")).collect();
    let made = api.batch(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    Move::activations(&ids, "sold", FUNDS).send(api).expect("an answer").ok();
    let cards = made.iter().zip(ids).map(|(card, id)| {
        let token = card["card_token"]["token"]["value"].as_str().expect("a token").to_owned();
        Shared::new(id, token)
    });
    let mut cards = cards.collect::<Vec<_>>().into_iter();
    (0..count).map(|_| cards.by_ref().take(CARDS).collect()).collect()
}

/// One answer made wrong, as a server would that lost a change or did one twice.
fn falsified(calls: &[Call], chance: &mut Chance) -> Vec<Call> {
    let mut calls = calls.to_vec();
    let answered: Vec<usize> = (0..calls.len()).filter(|place| calls[*place].answer.is_some()).collect();
    let chosen = answered[chance.below(answered.len())];
    let (ended, answer) = calls[chosen].answer.expect("one with an answer");
    let wrong = match answer {
        Answer::Written { amount, seq, balance, available } => {
            Answer::Written { amount, seq, balance: balance + amount, available: available + amount }
        }
        Answer::Shown { funds, drawdown, reserved, available } => {
            Answer::Shown { funds: funds + 1_000, drawdown, reserved, available: available + 1_000 }
        }
        Answer::InsufficientFunds { available } => Answer::InsufficientFunds { available: available + 1_000 },
        Answer::AmountExceedsLock { remaining } => Answer::AmountExceedsLock { remaining: remaining + 1_000 },
        Answer::LockClosed => Answer::AmountExceedsLock { remaining: 1_000 },
    };
    calls[chosen].answer = Some((ended, wrong));
    calls
}

#[test]
fn what_many_clients_see_of_a_card_is_what_one_after_the_other_would_see() {
    let mut chance = Chance::new("histories");
    let server = Server::start();
    let api = server.api();
    let (mut histories, mut calls, mut lost, mut falsehoods) = (0, 0, 0, 0);
    for _ in 0..rounds(1, 10) {
        let pairs = pairs(&api, &chance.word(), 250);
        let together = &Barrier::new(CLIENTS);
        thread::scope(|threads| {
            for _ in 0..CLIENTS {
                let mut client = Client::new(&server, &api, chance.fork());
                let pairs = &pairs;
                threads.spawn(move || {
                    for cards in pairs {
                        together.wait();
                        client.work(cards, OPERATIONS);
                    }
                });
            }
        });
        for card in pairs.into_iter().flatten() {
            sums::check_card(&api, &card.card_id);
            let history = card.calls.into_inner().expect("calls");
            let history = &history[..];
            assert!(is_explained(history, State::new(FUNDS)), "{}: {history:#?}", card.card_id);
            let unanswered = history.iter().filter(|call| call.answer.is_none()).count();
            if unanswered == 0 {
                let falsified = falsified(history, &mut chance);
                assert!(!is_explained(&falsified, State::new(FUNDS)), "believed: {falsified:#?}");
                falsehoods += 1;
            }
            histories += 1;
            calls += history.len();
            lost += unanswered;
        }
    }
    eprintln!(
        "histories: {histories} with {calls} calls, {lost} without an answer; {falsehoods} false ones found"
    );
    assert!(lost > 0 && falsehoods > 0, "nothing was lost, or nothing was false");
    sums::check(&server);
    database::check(server.data());
}
