//! Clients hang up at any point of a request.

use std::thread;
use std::time::Duration;

use crate::common::{Api, Options, Server, until};
use crate::support::batch::Batch;
use crate::support::chance::Chance;
use crate::support::database::{self, Cards};
use crate::support::metrics::Measured;
use crate::support::rounds;
use crate::support::wire::{Request, Wire};

const CLIENTS: usize = 4;
const CARDS: u32 = 100;

/// How long a client stays at most once its request is out.
const STAYS: Duration = Duration::from_millis(50);

/// Where a client hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    InHead,
    InBody,
    AfterBody,
    Later,
}

impl Point {
    const ALL: [Self; 4] = [Self::InHead, Self::InBody, Self::AfterBody, Self::Later];

    /// Whether all of the request was sent.
    fn is_after_request(self) -> bool {
        matches!(self, Self::AfterBody | Self::Later)
    }
}

/// Sends a batch as far as the point and hangs up without having read anything.
fn hang_up(server: &Server, api: &Api, batch: &Batch, point: Point, chance: &mut Chance) {
    let headers = [("idempotency-key", batch.key.as_str())];
    let Request { head, body } = Request::post(api, "wallets/cards/batch", &headers, &batch.body);
    let sent = match point {
        Point::InHead => head[..chance.below(head.len())].to_vec(),
        Point::InBody => [&head[..], &body[..chance.below(body.len())]].concat(),
        Point::AfterBody | Point::Later => [head, body].concat(),
    };
    let mut wire = Wire::open(server).expect("a connection");
    wire.send(&sent).expect("the server reads");
    if point == Point::Later {
        thread::sleep(chance.up_to(STAYS));
    }
    wire.hang_up();
}

fn hang_up_often(server: &Server, name: &str, count: usize, chance: &mut Chance) -> Vec<(Batch, Point)> {
    let api = server.api();
    let batch =
        |place: usize| (Batch::new(format!("{name}-{place}"), CARDS), Point::ALL[place % Point::ALL.len()]);
    let all: Vec<(Batch, Point)> = (0..count).map(batch).collect();
    for (batch, point) in &all {
        hang_up(server, &api, batch, *point, chance);
    }
    all
}

#[test]
fn a_client_that_hangs_up_gets_all_of_its_batch_or_nothing_and_a_repeat_tells() {
    let mut chance = Chance::new("hang up");
    let measured = Measured::start(Options::default());
    let server = &measured.server;
    // Whatever is opened once is open before the count.
    Batch::new("warm".to_owned(), CARDS).send(&server.api()).expect("an answer").ok();
    until("a server without connections", || (measured.connections() == 0.0).then_some(()));
    let descriptors = measured.descriptors();

    let all = thread::scope(|threads| {
        let mut one = |client| {
            let mut chance = chance.fork();
            let name = format!("{}-{client}", chance.word());
            threads.spawn(move || hang_up_often(server, &name, rounds(500, 10_000) / CLIENTS, &mut chance))
        };
        let clients: Vec<_> = (0..CLIENTS).map(&mut one).collect();
        clients.into_iter().flat_map(|client| client.join().expect("no panic")).collect::<Vec<_>>()
    });
    until("the connections end", || (measured.connections() == 0.0).then_some(()));
    until("the descriptors are closed", || (measured.descriptors() <= descriptors).then_some(()));
    let (status, ready) = crate::common::get(&format!("{}/readyz", server.url));
    assert_eq!(status, 200, "{ready}");

    let (mut done, mut not_done) = (0, 0);
    let cards = Cards::read(server.data(), "");
    for (batch, point) in &all {
        let is_there = batch.is_whole(&cards);
        assert!(point.is_after_request() || !is_there, "{}: made of half a request ({point:?})", batch.key);
        *(if is_there { &mut done } else { &mut not_done }) += 1;
    }
    let api = server.api();
    for (batch, _) in &all {
        let secrets = batch.secrets(&batch.send(&api).expect("an answer").ok());
        if chance.below(10) == 0 {
            assert_eq!(batch.secrets(&batch.send(&api).expect("an answer").ok()), secrets);
        }
    }
    let cards = Cards::read(server.data(), "");
    assert!(all.iter().all(|(batch, _)| batch.is_whole(&cards)));
    eprintln!("hang up: of {} batches {done} were made for a client that had gone", all.len());
    assert!(done > 0 && not_done > 0, "clients did not hang up in the middle");
    database::check(server.data());
}
