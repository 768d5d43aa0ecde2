//! Many want the same money at the same instant, from several nodes.

use std::sync::Barrier;
use std::thread;

use serde_json::Value;

use crate::common::Api;
use crate::support::asked::Request as _;
use crate::support::money::Move;
use crate::support::wire::{Reply, Request, Wire};
use crate::support::{Nodes, rounds, sums};

const SPENDERS: usize = 64;
const HELD: usize = 50;
const REPEATS: usize = 50;

/// Cards with money, named by their places.
fn cards(api: &Api, count: usize, amount: i64) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|place| format!("card-{place}")).collect();
    api.batch(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    Move::activations(&ids, "sold", amount).send(api).expect("an answer").ok();
    ids
}

/// Clients on connections of their own, spread over the nodes, ask the same instant in each round.
fn at_once(
    nodes: &Nodes,
    clients: usize,
    rounds: usize,
    ask: impl Fn(usize, usize) -> Move + Sync,
) -> Vec<Vec<Reply>> {
    let (together, ask, apis) = (&Barrier::new(clients), &ask, &nodes.apis());
    let told: Vec<Vec<Reply>> = thread::scope(|threads| {
        let one = |client: usize| {
            let node = client % nodes.servers.len();
            let mut wire = Wire::open(&nodes.servers[node]).expect("a connection");
            threads.spawn(move || {
                let asking = (0..rounds).map(|round| {
                    let asked = ask(round, client);
                    let (path, body) = asked.parts();
                    let request = Request::post(&apis[node], path, &[], body);
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

fn read(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}

#[test]
fn what_a_card_holds_is_spent_once_however_many_nodes_spend_it() {
    let nodes = Nodes::start(3);
    let api = &nodes.apis()[0];
    let held = i64::try_from(HELD).expect("a size");
    let cards = cards(api, rounds(10, 200), held);
    let told = at_once(&nodes, SPENDERS, cards.len(), |round, client| {
        Move::drawdown(&cards[round], &format!("spender-{client}"), 1)
    });
    for (card, told) in cards.iter().zip(told) {
        let (paid, refused): (Vec<_>, Vec<_>) = told.iter().partition(|reply| reply.status == 200);
        assert_eq!((paid.len(), refused.len()), (HELD, SPENDERS - HELD), "{card}");
        for reply in refused {
            let code = read(reply)["error"]["code"].clone();
            assert_eq!((reply.status, code.as_str()), (400, Some("INSUFFICIENT_FUNDS")));
        }
        let mut left: Vec<i64> = paid.iter().map(|reply| sums::number(&read(reply), "balance")).collect();
        left.sort_unstable();
        assert!(left.into_iter().eq(0..held), "{card}: two spent the same money");
        assert_eq!(sums::check_card(api, card).len(), HELD + 1);
    }
}

#[test]
fn a_request_that_is_sent_to_all_nodes_at_once_moves_money_once_and_all_are_told_the_same() {
    let nodes = Nodes::start(3);
    let api = &nodes.apis()[0];
    let cards = cards(api, rounds(10, 200), 100);
    let told = at_once(&nodes, REPEATS, cards.len(), |round, _| match round % 3 {
        0 => Move::drawdown(&cards[round], "once", 30),
        1 => Move::fund(&cards[round], "once", 30),
        _ => Move::lock(&cards[round], "once", 30),
    });
    for (card, told) in cards.iter().zip(told) {
        assert!(told.iter().all(|reply| reply.status == 200 && reply.body == told[0].body), "{card}");
        let rows = sums::check_card(api, card);
        assert_eq!(rows.len(), 2, "{card}: one effect");
        assert_eq!(rows[1], read(&told[0]));
    }
}
