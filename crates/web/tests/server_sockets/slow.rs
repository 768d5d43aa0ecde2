//! Clients that take their time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::{Next, from_fn};
use axum::routing::{get, post};
use tokio::time::sleep;
use web::server::Limits;

use super::support::{CONNECTIONS_OPEN, Running, SHORT};

fn hello() -> Router {
    Router::new().route("/", get(async || "hello"))
}

#[tokio::test]
async fn half_a_header_is_hung_up_on_while_others_are_served() {
    let server = Running::start(hello(), Limits { header: SHORT, ..Limits::default() }).await;
    let mut half = server.client().await;
    half.send("GET / HTTP/1.1\r\nhost: te").await;
    let mut plain = server.client().await;
    let waiting = tokio::spawn(async move { half.time_to_close().await });
    while !waiting.is_finished() {
        assert_eq!(plain.get("/").await.body, "hello");
    }
    let took = waiting.await.expect("no panic");
    assert!(took >= SHORT / 2, "{took:?}");
    server.metric_becomes(CONNECTIONS_OPEN, 1.0).await;
}

#[tokio::test]
async fn a_header_that_drips_gains_no_time() {
    let server = Running::start(hello(), Limits { header: SHORT, ..Limits::default() }).await;
    let mut client = server.client().await;
    let started = Instant::now();
    client.send("GET / HTTP/1.1\r\nx: ").await;
    while server.metric(CONNECTIONS_OPEN).await > 0.0 || started.elapsed() < SHORT / 2 {
        let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, b"x").await;
        sleep(Duration::from_millis(10)).await;
        assert!(started.elapsed() < SHORT * 20, "the connection lives on");
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_is_hung_up_on() {
    let server = Running::start(hello(), Limits { header: SHORT, ..Limits::default() }).await;
    let took = server.client().await.time_to_close().await;
    assert!(took >= SHORT / 2, "{took:?}");
}

#[tokio::test]
async fn an_idle_connection_outlives_the_limit_on_headers_but_not_its_own() {
    let limits = Limits { header: SHORT, idle: SHORT * 4, ..Limits::default() };
    let server = Running::start(hello(), limits).await;
    let mut client = server.client().await;
    client.get("/").await;
    sleep(SHORT * 2).await;
    client.get("/").await;
    let took = client.time_to_close().await;
    assert!(took >= SHORT * 3, "{took:?}");
}

#[tokio::test]
async fn half_of_a_second_header_is_hung_up_on() {
    let server = Running::start(hello(), Limits { header: SHORT, ..Limits::default() }).await;
    let mut client = server.client().await;
    client.get("/").await;
    client.send("GET / HT").await;
    let took = client.time_to_close().await;
    assert!(took >= SHORT / 2, "{took:?}");
}

/// A server whose one handler notes that it got a whole body.
async fn with_noting_handler() -> (Running, Arc<AtomicBool>) {
    let done = Arc::new(AtomicBool::new(false));
    let note = done.clone();
    let handler = async move |body: String| {
        note.store(true, Ordering::Relaxed);
        body
    };
    let router = Router::new().route("/", post(handler));
    (Running::start(router, Limits { body: SHORT, ..Limits::default() }).await, done)
}

const TIMED_OUT: &str = concat!(
    r#"{"error":{"message":"the body did not arrive in time; nothing was done","#,
    r#""code":"REQUEST_TIMEOUT","errors":[{"code":"REQUEST_TIMEOUT","#,
    r#""message":"the body did not arrive in time; nothing was done","path":[]}]}}"#
);

#[tokio::test]
async fn a_body_that_stalls_is_answered_and_not_acted_upon() {
    let (server, done) = with_noting_handler().await;
    let mut client = server.client().await;
    client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\n12345").await;
    let answer = client.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_str()), (408, TIMED_OUT));
    assert!(answer.closes());
    client.time_to_close().await;
    assert!(!done.load(Ordering::Relaxed));
    let counted = "http_server_request_duration_seconds_count{method=\"POST\",route=\"/\",status=\"408\"}";
    assert_eq!(server.metric(counted).await, 1.0);
}

#[tokio::test]
async fn a_late_body_is_noticed_by_a_handler_on_a_task_of_its_own() {
    let detached = async |request: Request, next: Next| {
        let mut response = tokio::spawn(next.run(request)).await.expect("no panic");
        response.headers_mut().insert("request-id", HeaderValue::from_static("7"));
        response
    };
    let router = Router::new().route("/", post(async |body: String| body)).layer(from_fn(detached));
    let server = Running::start(router, Limits { body: SHORT, ..Limits::default() }).await;
    let mut client = server.client().await;
    client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\n12345").await;
    let answer = client.answer().await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_str()), (408, TIMED_OUT));
    assert!(answer.header.contains("request-id: 7\r\n"), "{}", answer.header);
}

#[tokio::test]
async fn who_does_not_ask_for_the_body_is_not_told_that_it_is_late() {
    let careless = async |request: Request| {
        sleep(SHORT * 2).await;
        drop(request);
        "done"
    };
    let router = Router::new().route("/", post(careless));
    let server = Running::start(router, Limits { body: SHORT, ..Limits::default() }).await;
    let mut client = server.client().await;
    client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\n12345").await;
    assert_eq!(client.answer().await.expect("an answer").body, "done");
}

#[tokio::test]
async fn a_body_that_drips_gains_no_time() {
    let (server, done) = with_noting_handler().await;
    let mut client = server.client().await;
    client.send("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let (mut reading, mut writing) = tokio::io::split(client.stream);
    let dripping = tokio::spawn(async move {
        while tokio::io::AsyncWriteExt::write_all(&mut writing, b"1\r\nx\r\n").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    let mut answer = String::new();
    let _ = tokio::io::AsyncReadExt::read_to_string(&mut reading, &mut answer).await;
    dripping.await.expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.ends_with(TIMED_OUT), "{answer}");
    assert!(!done.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_whole_body_after_a_pause_is_acted_upon() {
    let (server, done) = with_noting_handler().await;
    let mut client = server.client().await;
    for _ in 0..2 {
        client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\n12").await;
        sleep(SHORT / 4).await;
        client.send("34").await;
        let answer = client.answer().await.expect("an answer");
        assert_eq!((answer.status, answer.body.as_str()), (200, "1234"));
        assert!(done.swap(false, Ordering::Relaxed));
    }
}

#[tokio::test]
async fn a_slow_handler_is_the_servers_own_affair() {
    let slow = async || {
        sleep(SHORT * 3).await;
        "done"
    };
    let router = Router::new().route("/", get(slow));
    let limits = Limits { header: SHORT, body: SHORT, idle: SHORT, stalled: SHORT, ..Limits::default() };
    let server = Running::start(router, limits).await;
    assert_eq!(server.client().await.get("/").await.body, "done");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_hung_up_on() {
    let big = async || vec![b'x'; 64 * 1024 * 1024];
    let router = Router::new().route("/", get(big));
    let server = Running::start(router, Limits { stalled: SHORT, ..Limits::default() }).await;
    let mut client = server.client().await;
    client.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    server.metric_becomes(CONNECTIONS_OPEN, 1.0).await;
    server.metric_becomes(CONNECTIONS_OPEN, 0.0).await;
    assert_eq!(client.answer().await, None);
}
