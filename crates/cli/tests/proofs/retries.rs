//! Many clients' worth of impatience: the same batch under the same key, asked for many times at once.

use std::sync::Barrier;
use std::thread;

use crate::common::Server;
use crate::support::batch::{Batch, Secrets};
use crate::support::chance::Chance;
use crate::support::database::{self, Cards};
use crate::support::rounds;

const CARDS: u32 = 5;

/// What one of those who asked was told of each key; nothing where it was told to wait.
type Told = Vec<Option<Secrets>>;

#[test]
fn a_key_that_is_sent_many_times_at_once_makes_one_batch_that_all_are_told_of() {
    let mut chance = Chance::new("retries");
    let server = Server::start();
    let (keys, at_once) = (rounds(100, 500), rounds(20, 50));
    let run = chance.word();
    let all: Vec<Batch> = (0..keys).map(|place| Batch::new(format!("{run}-{place}"), CARDS)).collect();
    let (together, api) = (&Barrier::new(at_once), &server.api());
    let ask = |batch: &Batch| {
        together.wait();
        let answer = batch.send(api).expect("an answer");
        match answer.status {
            409 => None,
            _ => Some(batch.secrets(&answer.ok())),
        }
    };
    let (ask, all) = (&ask, &all);
    let told: Vec<Told> = thread::scope(|threads| {
        let asking: Vec<_> = (0..at_once).map(|_| threads.spawn(|| all.iter().map(ask).collect())).collect();
        asking.into_iter().map(|told| told.join().expect("answers")).collect()
    });
    let cards = Cards::read(server.data(), "");
    for (place, batch) in all.iter().enumerate() {
        assert!(batch.is_whole(&cards));
        let told: Vec<&Secrets> = told.iter().filter_map(|told| told[place].as_ref()).collect();
        assert!(!told.is_empty(), "{}: made and told nobody", batch.key);
        assert!(told.iter().all(|secrets| *secrets == told[0]), "{}: two answers", batch.key);
        let refused = batch.another().send(api).expect("an answer");
        assert_eq!((refused.status, refused.code()), (409, "IDEMPOTENCY_KEY_REUSED"));
    }
    assert_eq!(Cards::read(server.data(), "").count(), cards.count());
    database::check(server.data());
}
