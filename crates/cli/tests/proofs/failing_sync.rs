//! Syncs and writes of the database fail, at one call after the other.

use std::marker::PhantomData;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{self, Server, until};
use crate::support::asked::{self, Asked, End, Request};
use crate::support::batch::Batch;
use crate::support::chance::Chance;
use crate::support::money::Move;
use crate::support::strace::Strace;
use crate::support::{database, rounds, sums};

/// Clients that ask at the same time, each for one thing after the other.
const CLIENTS: usize = 3;
const CARDS: u32 = 10;

/// After so many, the call that was to fail has been reached by something else than a commit.
const REQUESTS_MAX: usize = 40;

/// A process whose database is in an unknown state has to be gone by then.
const EXIT_WITHIN: Duration = Duration::from_secs(2);
const EXIT_CODE: i32 = 70;

/// What the clients of a proof ask for, one after the other.
struct Load<R, M> {
    proof: &'static str,
    /// Makes the request that is told by this name, the so-manieth of its client.
    make: M,
    /// How many answers one sync may stand for.
    answers_per_sync: usize,
    _made: PhantomData<fn() -> R>,
}

impl<R: Request, M: Fn(String, usize) -> R + Sync> Load<R, M> {
    fn new(proof: &'static str, answers_per_sync: usize, make: M) -> Self {
        Self { proof, make, answers_per_sync, _made: PhantomData }
    }

    /// Sends from several clients until one has met a failure; answers with when that was, if it was.
    fn send_until_failure(&self, server: &Server, chance: &mut Chance) -> (Vec<Asked<R>>, Option<Instant>) {
        let run = chance.word();
        let all = Mutex::new(Vec::new());
        let first_failure = Mutex::new(None);
        let (all_ref, run, first) = (&all, &run, &first_failure);
        // All of them before the first request: its failure may end the server at once.
        let apis: Vec<_> = (0..CLIENTS).map(|_| server.api()).collect();
        thread::scope(|threads| {
            for (client, api) in apis.into_iter().enumerate() {
                threads.spawn(move || {
                    for place in 0..REQUESTS_MAX {
                        let request = (self.make)(format!("{run}-{client}-{place}"), place);
                        let asked = Asked::new(request, &api);
                        let has_failed = !asked.end.is_made();
                        all_ref.lock().expect("a list").push(asked);
                        let mut first = first.lock().expect("a time");
                        if has_failed {
                            first.get_or_insert_with(Instant::now);
                        }
                        if first.is_some() {
                            return;
                        }
                    }
                });
            }
        });
        (all.into_inner().expect("a list"), first_failure.into_inner().expect("a time"))
    }
}

/// A call that failed and that no client heard of was one of a checkpoint, which loses nothing by it.
fn check_spared(server: &Server) {
    until("a line of the log", || server.log().contains("a checkpoint failed").then_some(()));
    assert_eq!(common::get(&format!("{}/readyz", server.url)).0, 200);
}

/// What is there is what was answered, and a repeat of each makes it once.
fn check_all<R: Request>(server: &Server, all: &[Asked<R>]) {
    asked::check_outcomes(server, "", all);
    asked::check_repeats(server, "", all);
}

/// How many ended in which way.
#[derive(Debug, Default)]
struct Tally {
    made: usize,
    unknown: usize,
    unavailable: usize,
    lost: usize,
}

impl Tally {
    fn new<R: Request>(all: &[Asked<R>]) -> Self {
        let mut tally = Self::default();
        for Asked { request, end } in all {
            let count = match end {
                End::Made(_) => &mut tally.made,
                End::Refused(500, code) if code == "OUTCOME_UNKNOWN" => &mut tally.unknown,
                End::Refused(503, code) if code == "UNAVAILABLE" => &mut tally.unavailable,
                End::Lost => &mut tally.lost,
                End::Refused(..) | End::Uncounted => panic!("{}: {end:?}", request.name()),
            };
            *count += 1;
        }
        tally
    }
}

/// Lets a call that makes the outcome of a commit unknown fail at its first, second … occurrence.
fn the_process_ends<R: Request, M: Fn(String, usize) -> R + Sync>(
    mut server: Server,
    load: &Load<R, M>,
    fault: &str,
    occurrences: &[usize],
) -> Server {
    let name = load.proof;
    let mut chance = Chance::new(name);
    let (mut ends, mut spared, mut unknown) = (0, 0, 0);
    for occurrence in occurrences {
        // A disk that failed once may work again, or never.
        let from_then_on = if occurrence % 2 == 0 { "+" } else { "" };
        let strace = Strace::attach(&server, &format!("{fault}:when={occurrence}{from_then_on}"));
        let (all, failed_at) = load.send_until_failure(&server, &mut chance);
        let tally = Tally::new(&all);
        if let Some(failed_at) = failed_at {
            let status = server.wait();
            let took = failed_at.elapsed();
            assert_eq!(status.code(), Some(EXIT_CODE), "{}", server.log());
            assert!(took < EXIT_WITHIN, "call {occurrence}: the process went on for {took:?}");
            assert!(tally.unknown + tally.lost > 0, "call {occurrence}: {tally:?}");
            unknown += tally.unknown;
            ends += 1;
        } else {
            check_spared(&server);
            spared += 1;
        }
        let (succeeded, injected) = strace.detach();
        assert!(injected > 0, "call {occurrence} did not fail");
        let is_sync = fault.starts_with("fsync");
        let answers_max = succeeded * load.answers_per_sync;
        assert!(!is_sync || tally.made <= answers_max, "{} answers after {succeeded} syncs", tally.made);
        server = server.kill().start();
        check_all(&server, &all);
    }
    eprintln!("{name}: the process ended {ends} times; {spared} times it was a checkpoint that failed");
    assert!(ends > occurrences.len() / 2, "commits are what is to fail");
    assert!(unknown > 0, "clients are told, as long as the process can tell them");
    database::check(server.data());
    server
}

/// Each batch has a commit of its own, and each commit has a sync.
fn batches(proof: &'static str) -> Load<Batch, impl Fn(String, usize) -> Batch + Sync> {
    Load::new(proof, 1, |key, _| Batch::new(key, CARDS))
}

#[test]
fn a_failed_sync_is_never_answered_with_success() {
    let calls: Vec<usize> = (1..=rounds(20, 60)).collect();
    let load = batches("a failed sync");
    the_process_ends(Server::start(), &load, "fsync,fdatasync:error=EIO", &calls).stop();
}

#[test]
fn a_failed_write_is_never_answered_with_success() {
    let calls: Vec<usize> = (1..=rounds(10, 60)).map(|round| round * 7 - 6).collect();
    the_process_ends(Server::start(), &batches("a failed write"), "pwrite64:error=EIO", &calls).stop();
}

#[test]
fn money_whose_sync_failed_is_never_said_to_have_moved() {
    const CARD: &str = "till";
    let server = Server::start();
    server.api().card_with(CARD, 1_000_000);
    // Clients that ask at the same time may share a commit.
    let load = Load::new("a failed sync of money", CLIENTS, |ref_id, place| match place % 5 {
        0 | 2 => Move::drawdown(CARD, &ref_id, 7),
        1 | 3 => Move::fund(CARD, &ref_id, 5),
        _ => Move::lock(CARD, &ref_id, 3),
    });
    let calls: Vec<usize> = (1..=rounds(12, 60)).collect();
    let server = the_process_ends(server, &load, "fsync,fdatasync:error=EIO", &calls);
    sums::check_card(&server.api(), CARD);
    sums::check(&server);
    server.stop();
}

#[test]
fn a_write_that_finds_no_room_is_refused_and_the_next_one_is_not() {
    let load = batches("a write without room");
    let mut chance = Chance::new(load.proof);
    let server = Server::start();
    for round in 0..rounds(10, 60) {
        let strace = Strace::attach(&server, &format!("pwrite64:error=ENOSPC:when={}", round * 7 + 1));
        let (all, failed_at) = load.send_until_failure(&server, &mut chance);
        assert!(strace.detach().1 > 0);
        let refused: Vec<_> = all.iter().map(|asked| &asked.end).filter(|end| !end.is_made()).collect();
        match failed_at {
            Some(_) => assert_eq!(refused, [&End::Refused(503, "UNAVAILABLE".to_owned())]),
            None => check_spared(&server),
        }
        check_all(&server, &all);
    }
    database::check(server.data());
    server.stop();
}
