//! The server is asked to stop while clients are at work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::common::{Api, Server};
use crate::support::batch::Batch;
use crate::support::chance::Chance;
use crate::support::database::{self, Cards};
use crate::support::rounds;
use crate::support::wire::{Request, Wire};

const CLIENTS: usize = 6;
const CARDS: u32 = 100;
const STOPPED_WITHIN: Duration = Duration::from_secs(20);

/// How long the server is left at work before it is asked to stop.
const WORKS: Duration = Duration::from_millis(150);

/// What happened while the server stopped.
#[derive(Default)]
struct Load {
    is_stopping: AtomicBool,
    answered: AtomicUsize,
    /// Connections that were made while the server stopped, and that it never took in.
    not_taken_in: AtomicUsize,
}

/// Sends requests over one connection after the other until none is taken in any more; answers which batches were
/// made.
fn work(server: &Server, api: &Api, name: &str, load: &Load) -> Vec<Batch> {
    let mut made = Vec::new();
    let mut place = 0;
    loop {
        let was_stopping = load.is_stopping.load(Ordering::SeqCst);
        let Ok(mut wire) = Wire::open(server) else {
            assert!(was_stopping || load.is_stopping.load(Ordering::SeqCst), "a server that listens");
            return made;
        };
        let mut answers = 0;
        loop {
            let batch = Batch::new(format!("{name}-{place}"), CARDS);
            let is_batch = place % 3 == 0;
            let request = match is_batch {
                true => {
                    Request::post(api, "wallets/cards/batch", &[("idempotency-key", &batch.key)], &batch.body)
                }
                false => Request::get(api, "wallets/cards?limit=2"),
            };
            place += 1;
            let reply = match wire.ask(&request) {
                Ok(reply) => reply,
                // A handshake is the system's work: it says nothing about whether the server ever saw the client.
                Err(_) if answers == 0 && load.is_stopping.load(Ordering::SeqCst) => {
                    load.not_taken_in.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                Err(error) => panic!("{name}: request {answers} of a connection had no answer: {error}"),
            };
            assert_eq!(reply.status, 200, "{name}: {}", String::from_utf8_lossy(&reply.body));
            answers += 1;
            load.answered.fetch_add(1, Ordering::SeqCst);
            if is_batch {
                made.push(batch);
            }
            if reply.is_last {
                break;
            }
        }
    }
}

#[test]
fn a_server_that_stops_answers_every_request_that_it_accepted() {
    let mut chance = Chance::new("stop");
    let mut server = Server::start();
    let mut all = Vec::new();
    let (mut answered, mut not_taken_in) = (0, 0);
    let stops = rounds(20, 50);
    for round in 0..stops {
        let (load, api, run) = (Load::default(), server.api(), chance.word());
        let (load, api_of, of) = (&load, &api, &server);
        let works = WORKS + chance.up_to(WORKS);
        let (made, begun) = thread::scope(|threads| {
            let client = |client| {
                let name = format!("{run}-{client}");
                threads.spawn(move || work(of, api_of, &name, load))
            };
            let clients: Vec<_> = (0..CLIENTS).map(client).collect();
            thread::sleep(works);
            load.is_stopping.store(true, Ordering::SeqCst);
            server.signal(Signal::TERM);
            let begun = Instant::now();
            let made = clients.into_iter().flat_map(|client| client.join().expect("answers"));
            (made.collect::<Vec<_>>(), begun)
        });
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{}", server.log());
        assert!(begun.elapsed() < STOPPED_WITHIN, "round {round}: stopped after {:?}", begun.elapsed());
        answered += load.answered.load(Ordering::SeqCst);
        not_taken_in += load.not_taken_in.load(Ordering::SeqCst);
        all.extend(made);
        server = server.kill().start();
    }
    eprintln!("stop: {stops} stops, {answered} requests answered, {not_taken_in} connections not taken in");
    let cards = Cards::read(server.data(), "");
    assert!(all.iter().all(|batch| batch.is_whole(&cards)), "an answered batch is gone");
    database::check(server.data());
}
