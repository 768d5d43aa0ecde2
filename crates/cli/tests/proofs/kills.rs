//! The server is killed in the middle of batches, again and again.

use std::collections::HashMap;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Server, run};
use crate::support::batch::{Batch, Secrets};
use crate::support::chance::Chance;
use crate::support::database::{self, Cards};
use crate::support::rounds;

const CLIENTS: usize = 3;
const CARDS: u32 = 1_000;
const WARM: [&str; 2] = ["warm-0", "warm-1"];
const READY_WITHIN: Duration = Duration::from_secs(5);

/// One round: what was answered, and what was not.
#[derive(Default)]
struct Round {
    /// What the keys of its batches begin with.
    run: String,
    answered: Vec<(Batch, Secrets)>,
    unanswered: Vec<Batch>,
}

/// Several clients send one batch after the other until the server is gone.
fn send_until_killed(server: Server, chance: &mut Chance, longest: Duration) -> (Server, Round) {
    let kill_after = chance.up_to(longest);
    let apis: Vec<_> = (0..CLIENTS).map(|_| server.api()).collect();
    let round = Mutex::new(Round { run: chance.word(), ..Round::default() });
    let (round_ref, run) = (&round, &round.lock().expect("a round").run.clone());
    let again = thread::scope(|threads| {
        for (client, api) in apis.iter().enumerate() {
            threads.spawn(move || {
                for place in 0.. {
                    let batch = Batch::new(format!("{run}-{client}-{place}"), CARDS);
                    match batch.send(api) {
                        Ok(answer) => {
                            let secrets = batch.secrets(&answer.ok());
                            round_ref.lock().expect("a round").answered.push((batch, secrets));
                        }
                        Err(_) => {
                            round_ref.lock().expect("a round").unanswered.push(batch);
                            return;
                        }
                    }
                }
            });
        }
        thread::sleep(kill_after);
        server.kill()
    });
    let begun = Instant::now();
    let server = again.start();
    let took = begun.elapsed();
    assert!(took < READY_WITHIN, "ready after {took:?}");
    (server, round.into_inner().expect("a round"))
}

/// How long a batch takes on this machine, once the server and the client are warm.
fn time_of_a_batch(server: &Server) -> Duration {
    let api = server.api();
    let times = WARM.map(|key| {
        let begun = Instant::now();
        Batch::new(key.to_owned(), CARDS).send(&api).expect("an answer").ok();
        begun.elapsed()
    });
    times.into_iter().min().expect("some")
}

#[test]
fn a_killed_server_loses_no_answered_batch_and_keeps_no_half_one() {
    let mut chance = Chance::new("kills");
    let mut server = Server::start();
    // Long enough for the first batch of each client, so that any part of one is met.
    let longest = time_of_a_batch(&server) * u32::try_from(CLIENTS).expect("a few");
    let kills = rounds(50, 300);
    let (mut kept, mut gone) = (0, 0);
    let mut answered: HashMap<String, u32> = WARM.map(|key| (key.to_owned(), CARDS)).into();
    for _ in 0..kills {
        let round;
        (server, round) = send_until_killed(server, &mut chance, longest);
        let api = server.api();
        let cards = Cards::read(server.data(), &round.run);
        for (batch, secrets) in round.answered {
            assert!(batch.is_whole(&cards), "{} was answered and is gone", batch.key);
            assert_eq!(batch.secrets(&batch.send(&api).expect("an answer").ok()), secrets);
            answered.insert(batch.key, CARDS);
        }
        let asked_twice = chance.below(round.unanswered.len());
        for (place, batch) in round.unanswered.into_iter().enumerate() {
            *(if batch.is_whole(&cards) { &mut kept } else { &mut gone }) += 1;
            let secrets = batch.secrets(&batch.send(&api).expect("an answer").ok());
            if place == asked_twice {
                assert_eq!(batch.secrets(&batch.send(&api).expect("an answer").ok()), secrets);
            }
            answered.insert(batch.key, CARDS);
        }
    }
    eprintln!("kills: {kills}; of the batches without an answer {kept} were there and {gone} were not");
    assert!(kept > 0 && gone > 0, "the kills did not come in the middle");
    let cards = Cards::read(server.data(), "");
    let whole: Vec<_> = answered.keys().filter(|key| cards.batches_of(key).len() == 1).collect();
    assert_eq!(whole.len(), answered.len());
    assert_eq!(cards.count(), answered.values().sum::<u32>());
    database::check(server.data());
    run(&mut server.operator_command(["doctor"])).expect_code(0);
    server.stop();
}
