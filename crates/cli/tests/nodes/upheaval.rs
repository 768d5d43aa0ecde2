//! Money is moved while nodes are killed, paused and started again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::{Api, Server, until};
use crate::support::asked::Request as _;
use crate::support::money::Move;
use crate::support::{Nodes, rounds, sums};

const CARDS: usize = 10;
const CLIENTS: usize = 8;
const HELD: i64 = 1_000_000;

/// What is done to a node, in turn.
const BETWEEN: Duration = Duration::from_millis(700);
const PAUSE: Duration = Duration::from_millis(1_500);

/// Asks nodes in turn until one says how it ended; answers whether the money moved.
fn settled(asked: &Move, apis: &[Api], first: usize) -> bool {
    let mut nodes = (first..).map(|place| &apis[place % apis.len()]);
    until("an answer of any node", || {
        let answer = asked.send(nodes.next()?).ok()?;
        match answer.status {
            200 => Some(true),
            400 => Some(false),
            // Not done, or nobody knows: a repeat tells.
            500 | 503 => None,
            other => panic!("{other}: {}", answer.body),
        }
    })
}

/// Moves money until told to stop; answers what that comes to on each card.
fn client(client: usize, apis: &[Api], is_over: &AtomicBool) -> HashMap<usize, i64> {
    let mut moved = HashMap::new();
    for round in 0.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let (from, to) = ((client + round) % CARDS, (client * 3 + round * 7 + 1) % CARDS);
        let (from_id, to_id) = (format!("card-{from}"), format!("card-{to}"));
        let amount = i64::try_from(round % 97 + 1).expect("a small number");
        let reference = format!("client-{client}-{round}");
        if settled(&Move::drawdown(&from_id, &format!("{reference}-out"), amount), apis, client + round) {
            *moved.entry(from).or_default() -= amount;
            assert!(settled(&Move::fund(&to_id, &format!("{reference}-in"), amount), apis, round));
            *moved.entry(to).or_default() += amount;
        }
    }
    moved
}

/// Kills, pauses and starts nodes again until the time is over.
fn upset(servers: &Mutex<Vec<Option<Server>>>, until: Instant) {
    for round in 0.. {
        if Instant::now() >= until {
            return;
        }
        thread::sleep(BETWEEN);
        let mut servers = servers.lock().expect("servers");
        let count = servers.len();
        let slot = &mut servers[round % count];
        let server = slot.take().expect("a server");
        *slot = Some(match round % 2 {
            0 => server.kill().start(),
            _ => {
                server.signal(Signal::STOP);
                thread::sleep(PAUSE);
                server.signal(Signal::CONT);
                server
            }
        });
    }
}

#[test]
fn no_money_is_made_or_lost_while_nodes_are_killed_and_paused() {
    let mut nodes = Nodes::start(3);
    let apis = nodes.apis();
    let ids: Vec<String> = (0..CARDS).map(|place| format!("card-{place}")).collect();
    apis[0].batch(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    Move::activations(&ids, "sold", HELD).send(&apis[0]).expect("an answer").ok();

    let servers = Mutex::new(nodes.servers.drain(..).map(Some).collect::<Vec<_>>());
    let over_at = Instant::now() + Duration::from_secs(u64::try_from(rounds(10, 120)).expect("seconds"));
    let is_over = AtomicBool::new(false);
    let moved: Vec<HashMap<usize, i64>> = thread::scope(|threads| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|place| {
                let (apis, is_over) = (&apis, &is_over);
                threads.spawn(move || client(place, apis, is_over))
            })
            .collect();
        upset(&servers, over_at);
        is_over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().expect("no panic")).collect()
    });

    let mut rows = 0;
    let mut total = 0;
    for (place, id) in ids.iter().enumerate() {
        rows += sums::check_card(&apis[place % 3], id).len();
        let card = apis[(place + 1) % 3].get(&format!("wallets/cards/{id}")).ok();
        let balance = sums::number(&card, "amount_balance");
        let moved: i64 = moved.iter().filter_map(|moved| moved.get(&place)).sum();
        assert_eq!(balance, HELD + moved, "{id}: what clients were told, and what it holds");
        total += balance;
    }
    assert_eq!(total, HELD * i64::try_from(CARDS).expect("a few"));
    assert!(rows > CARDS * 2, "hardly anything was moved: {rows} rows");
    let owed = apis[0].get("wallets/reports/liability").ok();
    assert_eq!(owed["totals"][0]["amount_balance"], total);
    eprintln!("{rows} rows");
}
