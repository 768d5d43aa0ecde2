//! Syncs and writes of the database fail, at one call after the other.

use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{self, Api, Server, until};
use crate::support::batch::Batch;
use crate::support::chance::Chance;
use crate::support::database::{self, Cards};
use crate::support::rounds;
use crate::support::strace::Strace;

/// Clients that send batches at the same time, each one after the other.
const CLIENTS: usize = 3;
const CARDS: u32 = 10;

/// After so many, the call that was to fail has been reached by something else than a commit.
const BATCHES_MAX: usize = 40;

/// A process whose database is in an unknown state has to be gone by then.
const EXIT_WITHIN: Duration = Duration::from_secs(2);
const EXIT_CODE: i32 = 70;

/// What became of a batch.
struct Asked {
    batch: Batch,
    end: End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Made,
    /// Status and code.
    Refused(u16, String),
    Lost,
}

impl Asked {
    fn new(batch: Batch, api: &Api) -> Self {
        let end = match batch.send(api) {
            Ok(answer) if answer.status == 200 => End::Made,
            Ok(answer) => {
                let is_told_when = answer.headers.contains_key("retry-after");
                assert_eq!(is_told_when, answer.status == 503, "{}", answer.body);
                End::Refused(answer.status, answer.code().to_owned())
            }
            Err(_) => End::Lost,
        };
        Self { batch, end }
    }
}

/// Sends batches from several clients until one has met a failure; answers with when that was, if it was.
fn send_until_failure(server: &Server, chance: &mut Chance) -> (Vec<Asked>, Option<Instant>) {
    let run = chance.word();
    let all = Mutex::new(Vec::new());
    let first_failure = Mutex::new(None);
    let (all_ref, run, first) = (&all, &run, &first_failure);
    thread::scope(|threads| {
        for client in 0..CLIENTS {
            let api = server.api();
            threads.spawn(move || {
                for place in 0..BATCHES_MAX {
                    let asked = Asked::new(Batch::new(format!("{run}-{client}-{place}"), CARDS), &api);
                    let has_failed = asked.end != End::Made;
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

/// A call that failed and that no client heard of was one of a checkpoint, which loses nothing by it.
fn check_spared(server: &Server) {
    until("a line of the log", || server.log().contains("a checkpoint failed").then_some(()));
    assert_eq!(common::get(&format!("{}/readyz", server.url)).0, 200);
}

/// What is in the database is what was answered; a batch without an answer is there as a whole or not at all, and
/// one whose refusal says that nothing was done is not there.
fn check_outcomes(server: &Server, all: &[Asked]) {
    let cards = Cards::read(server.data(), "");
    for asked in all {
        let is_there = asked.batch.is_whole(&cards);
        match &asked.end {
            End::Made => assert!(is_there, "{} was answered and is gone", asked.batch.key),
            End::Refused(503, _) => assert!(!is_there, "{} was said not to be done", asked.batch.key),
            End::Refused(..) | End::Lost => {}
        }
    }
}

/// A repeat of each makes it once, and says the same to whoever asks once more.
fn check_repeats(server: &Server, all: &[Asked]) {
    let api = server.api();
    for Asked { batch, .. } in all {
        let again = batch.secrets(&batch.send(&api).expect("an answer").ok());
        assert_eq!(batch.secrets(&batch.send(&api).expect("an answer").ok()), again);
    }
    let cards = Cards::read(server.data(), "");
    assert!(all.iter().all(|asked| asked.batch.is_whole(&cards)));
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
    fn new(all: &[Asked]) -> Self {
        let mut tally = Self::default();
        for Asked { batch, end } in all {
            let count = match end {
                End::Made => &mut tally.made,
                End::Refused(500, code) if code == "OUTCOME_UNKNOWN" => &mut tally.unknown,
                End::Refused(503, code) if code == "UNAVAILABLE" => &mut tally.unavailable,
                End::Lost => &mut tally.lost,
                End::Refused(..) => panic!("{}: {end:?}", batch.key),
            };
            *count += 1;
        }
        tally
    }
}

/// Lets a call that makes the outcome of a commit unknown fail at its first, second … occurrence.
fn the_process_ends(name: &str, fault: &str, occurrences: &[usize]) {
    let mut chance = Chance::new(name);
    let mut server = Server::start();
    let (mut ends, mut spared, mut unknown) = (0, 0, 0);
    for occurrence in occurrences {
        // A disk that failed once may work again, or never.
        let from_then_on = if occurrence % 2 == 0 { "+" } else { "" };
        let strace = Strace::attach(&server, &format!("{fault}:when={occurrence}{from_then_on}"));
        let (all, failed_at) = send_until_failure(&server, &mut chance);
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
        // Each batch has a commit of its own, and each commit has a sync.
        let is_sync = fault.starts_with("fsync");
        assert!(!is_sync || tally.made <= succeeded, "{} answers after {succeeded} syncs", tally.made);
        server = server.kill().start();
        check_outcomes(&server, &all);
        check_repeats(&server, &all);
    }
    eprintln!("{name}: the process ended {ends} times; {spared} times it was a checkpoint that failed");
    assert!(ends > occurrences.len() / 2, "commits are what is to fail");
    assert!(unknown > 0, "clients are told, as long as the process can tell them");
    database::check(server.data());
    server.stop();
}

#[test]
fn a_failed_sync_is_never_answered_with_success() {
    let calls: Vec<usize> = (1..=rounds(20, 60)).collect();
    the_process_ends("a failed sync", "fsync,fdatasync:error=EIO", &calls);
}

#[test]
fn a_failed_write_is_never_answered_with_success() {
    let calls: Vec<usize> = (1..=rounds(10, 60)).map(|round| round * 7 - 6).collect();
    the_process_ends("a failed write", "pwrite64:error=EIO", &calls);
}

#[test]
fn a_write_that_finds_no_room_is_refused_and_the_next_one_is_not() {
    let mut chance = Chance::new("a write without room");
    let server = Server::start();
    for round in 0..rounds(10, 60) {
        let strace = Strace::attach(&server, &format!("pwrite64:error=ENOSPC:when={}", round * 7 + 1));
        let (all, failed_at) = send_until_failure(&server, &mut chance);
        assert!(strace.detach().1 > 0);
        let refused: Vec<&End> =
            all.iter().map(|asked| &asked.end).filter(|end| **end != End::Made).collect();
        match failed_at {
            Some(_) => assert_eq!(refused, [&End::Refused(503, "UNAVAILABLE".to_owned())]),
            None => check_spared(&server),
        }
        check_outcomes(&server, &all);
        check_repeats(&server, &all);
    }
    database::check(server.data());
    server.stop();
}
