//! Clients that never finish a request are in nobody's way, and are let go of in time.

use std::io::ErrorKind;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::common::{Api, Options, PATIENCE, Server, until};
use crate::support::metrics::Measured;
use crate::support::wire::{Request, Wire};

const HALF_HEADS: u32 = 300;
const SLOW_BODIES: u32 = 100;
const SLOW: u32 = HALF_HEADS + SLOW_BODIES;

/// The server gives a header 10 s and a body 20 s, looks every 10 s at most, and the machine may be busy.
const HEAD_ENDS: Range<Duration> = Duration::from_secs(9)..Duration::from_secs(20);
const BODY_ENDS: Range<Duration> = Duration::from_secs(19)..Duration::from_secs(35);

/// Every other slow client sends a byte as often as this.
const DRIPS_EVERY: Duration = Duration::from_millis(500);

/// Other clients ask as often as this.
const OTHERS_EVERY: Duration = Duration::from_millis(5);

/// What the slowest but one in a hundred requests of the other clients may take.
const OTHERS_WITHIN: Duration = Duration::from_secs(1);

/// A client that stops in the middle of a header, or of a body, and then sends nothing, or a byte now and then.
/// Answers what it was told when it was hung up on, and after how long.
fn be_slow(server: &Server, api: &Api, is_in_body: bool, drips: bool) -> (Vec<u8>, Duration) {
    // Longer than what drips until the end.
    let body = json!({"cards": [{"card_id": "never", "name": "n".repeat(255)}]});
    let request = Request::post(api, "wallets/cards/batch", &[], &body);
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let part =
        if is_in_body { [&request.head[..], &half(&request.body)].concat() } else { half(&request.head) };
    let mut wire = Wire::open(server).expect("a connection");
    let begun = Instant::now();
    wire.send(&part).expect("the server reads");
    if !drips {
        let told = wire.end().expect("an end and no error");
        return (told, begun.elapsed());
    }
    let mut told = Vec::new();
    wire.wait_at_most(DRIPS_EVERY);
    loop {
        match wire.more(&mut told) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                // Fails once the server has hung up; reading says so too.
                let _gone = wire.send(b"a");
            }
            Err(_) => return (told, begun.elapsed()),
        }
    }
}

/// Ordinary requests, each on a connection of its own, while there are slow clients; answers how long each took.
fn work(server: &Server, api: &Api, slow: &AtomicU32) -> Vec<Duration> {
    let mut times = Vec::new();
    let give_up_at = Instant::now() + PATIENCE;
    while slow.load(Ordering::SeqCst) > 0 && Instant::now() < give_up_at {
        let begun = Instant::now();
        let body = json!({"cards": [{"card_id": format!("quick-{}", times.len())}]});
        let request = Request::post(api, "wallets/cards/batch", &[], &body);
        let reply = Wire::open(server).and_then(|mut wire| wire.ask(&request)).expect("an answer");
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        times.push(begun.elapsed());
        thread::sleep(OTHERS_EVERY);
    }
    times.sort();
    times
}

#[test]
fn slow_clients_are_in_nobodys_way_and_are_let_go_of() {
    let measured = Measured::start(Options::default());
    let (server, api) = (&measured.server, measured.server.api());
    drop(
        Wire::open(server)
            .and_then(|mut wire| wire.ask(&Request::get(&api, "wallets/cards")))
            .expect("an answer"),
    );
    until("a server without connections", || (measured.connections() == 0.0).then_some(()));
    let descriptors = measured.descriptors();

    let (api, slow) = (&api, &AtomicU32::new(SLOW));
    let times = thread::scope(|threads| {
        for place in 0..SLOW {
            threads.spawn(move || {
                let is_in_body = place >= HALF_HEADS;
                let (told, took) = be_slow(server, api, is_in_body, place % 2 == 0);
                slow.fetch_sub(1, Ordering::SeqCst);
                let (wanted, within) =
                    if is_in_body { ("HTTP/1.1 408 ", BODY_ENDS) } else { ("", HEAD_ENDS) };
                let told = String::from_utf8_lossy(&told);
                assert!(told.starts_with(wanted) && told.is_empty() == wanted.is_empty(), "{place}: {told}");
                assert!(within.contains(&took), "{place}: hung up on after {took:?}");
            });
        }
        until("all of them", || (measured.connections() >= f64::from(SLOW)).then_some(()));
        work(server, api, slow)
    });
    let (median, slowest) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    eprintln!("slow clients: {} other requests took {median:?} (99%: {slowest:?})", times.len());
    assert!(times.len() > 100 && slowest < OTHERS_WITHIN, "{} requests, {slowest:?}", times.len());
    until("the connections end", || (measured.connections() == 0.0).then_some(()));
    until("the descriptors are closed", || (measured.descriptors() <= descriptors).then_some(()));
    assert_eq!(api.get("wallets/cards/never").status, 404, "half a request is none");
}
