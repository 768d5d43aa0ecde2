//! The orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::{get, post};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep;
use web::server::{Limits, Stopped};

use super::support::{CONNECTIONS_OPEN, Client, PATIENCE, Running, SHORT, listener};

const CLEAN: Stopped = Stopped { connections_cut: 0 };

/// A handler that answers when it is told to, and tells when it has begun.
fn held() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (begun, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (begun.clone(), release.clone());
    let hold = async move || {
        tell.notify_one();
        wait.notified().await;
        "done"
    };
    (Router::new().route("/", get(hold)).route("/fast", get(async || "hello")), begun, release)
}

#[tokio::test]
async fn idle_connections_are_closed_and_new_ones_not_accepted() {
    let server = Running::start(held().0, Limits::default()).await;
    let mut idle = server.client().await;
    idle.get("/fast").await;
    let mut silent = server.client().await;
    server.metric_becomes(CONNECTIONS_OPEN, 2.0).await;
    server.say_stop();
    let took = idle.time_to_close().await + silent.time_to_close().await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    TcpStream::connect(server.address).await.expect_err("the listener is closed");
    assert_eq!(server.stopped().await, CLEAN);
}

#[tokio::test]
async fn a_request_in_work_is_answered() {
    let (router, begun, release) = held();
    let server = Running::start(router, Limits { farewell: SHORT, ..Limits::default() }).await;
    let mut client = server.client().await;
    client.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    begun.notified().await;
    server.say_stop();
    sleep(SHORT * 2).await;
    release.notify_one();
    let answer = client.answer().await.expect("an answer");
    assert_eq!(answer.body, "done");
    assert!(answer.closes());
    assert_eq!(server.stopped().await, CLEAN);
}

#[tokio::test]
async fn a_request_that_crosses_the_stop_is_answered() {
    let server = Running::start(held().0, Limits { farewell: PATIENCE, ..Limits::default() }).await;
    let mut client = server.client().await;
    assert!(!client.get("/fast").await.closes());
    server.say_stop();
    while TcpStream::connect(server.address).await.is_ok() {}
    assert!(client.get("/fast").await.closes());
    assert_eq!(server.stopped().await, CLEAN);
}

#[tokio::test]
async fn a_body_on_its_way_is_awaited() {
    let router = Router::new().route("/", post(async |body: String| body));
    let server = Running::start(router, Limits { farewell: SHORT, ..Limits::default() }).await;
    let mut client = server.client().await;
    client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\n12").await;
    server.metric_becomes(CONNECTIONS_OPEN, 1.0).await;
    server.say_stop();
    sleep(SHORT * 2).await;
    client.send("34").await;
    assert_eq!(client.answer().await.expect("an answer").body, "1234");
    assert_eq!(server.stopped().await, CLEAN);
}

#[tokio::test]
async fn half_a_header_does_not_hold_up_the_stop() {
    let server = Running::start(held().0, Limits::default()).await;
    let mut client = server.client().await;
    client.get("/fast").await;
    client.send("GET /fa").await;
    let mut fresh = server.client().await;
    fresh.send("GET /fa").await;
    server.metric_becomes(CONNECTIONS_OPEN, 2.0).await;
    let started = Instant::now();
    assert_eq!(server.stopped().await, CLEAN);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn who_waits_in_the_backlog_is_answered() {
    let listener = listener().await;
    let address = listener.local_addr().expect("a bound listener");
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = Client::new(TcpStream::connect(address).await.expect("room in the backlog"));
        client.send("GET /fast HTTP/1.1\r\nhost: test\r\n\r\n").await;
        clients.push(client);
    }
    let server = Running::start_on(listener, held().0, Limits::default(), None);
    // The test's runtime has one thread: the server has not begun when it is told to stop.
    server.say_stop();
    for client in &mut clients {
        assert!(client.answer().await.expect("an answer").closes());
    }
    assert_eq!(server.stopped().await, CLEAN);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_cut_and_reported() {
    let (router, begun, _release) = held();
    let server = Running::start(router, Limits { drain: SHORT, ..Limits::default() }).await;
    let mut client = server.client().await;
    client.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    begun.notified().await;
    server.say_stop();
    client.time_to_close().await;
    assert_eq!(server.stopped().await, Stopped { connections_cut: 1 });
}

#[tokio::test]
async fn a_server_that_nobody_can_stop_any_more_stops() {
    let mut server = Running::start(held().0, Limits::default()).await;
    let mut client = server.client().await;
    client.get("/fast").await;
    let (unused, _) = tokio::sync::watch::channel(false);
    drop(std::mem::replace(&mut server.stop, unused));
    client.time_to_close().await;
    assert_eq!(server.stopped().await, CLEAN);
}

/// What clients of one run saw.
#[derive(Debug, Default)]
struct Seen {
    answered: AtomicUsize,
    /// Connections that had been served and ended with a request unanswered.
    lost: AtomicUsize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_answered_when_the_server_stops_under_load() {
    for _ in 0..20 {
        stop_under_load().await;
    }
}

async fn stop_under_load() {
    let (begun, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Seen::default()));
    let count = begun.clone();
    let work = async move |body: String| {
        count.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(2)).await;
        body
    };
    // Clients that are busy leave at their next answer, so the server never waits as long as this.
    let limits = Limits { farewell: PATIENCE, drain: PATIENCE, ..Limits::default() };
    let server = Running::start(Router::new().route("/", post(work)), limits).await;
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        clients.spawn(keep_asking(server.address, seen.clone()));
    }
    while seen.answered.load(Ordering::Relaxed) < 200 {
        sleep(Duration::from_millis(1)).await;
    }
    let started = Instant::now();
    assert_eq!(server.stopped().await, CLEAN);
    assert!(started.elapsed() < PATIENCE / 2);
    clients.join_all().await;
    assert_eq!(seen.answered.load(Ordering::Relaxed), begun.load(Ordering::Relaxed));
    assert_eq!(seen.lost.load(Ordering::Relaxed), 0);
}

/// Sends one request after another until there is no server any more.
async fn keep_asking(address: SocketAddr, seen: Arc<Seen>) {
    while let Ok(stream) = TcpStream::connect(address).await {
        let mut client = Client::new(stream);
        for request in 0.. {
            let text = b"POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\n1234";
            let is_sent = client.stream.write_all(text).await.is_ok();
            let answer = client.answer().await;
            match &answer {
                Some(answer) => {
                    assert_eq!(answer.body, "1234");
                    seen.answered.fetch_add(1, Ordering::Relaxed);
                }
                // A connection that was never accepted may die with the listener; nobody saw its request.
                None if request == 0 => {}
                None => _ = seen.lost.fetch_add(1, Ordering::Relaxed),
            }
            if !is_sent || answer.is_none_or(|answer| answer.closes()) {
                break;
            }
        }
    }
}
