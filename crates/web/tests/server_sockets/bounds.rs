//! Clients that want too much, and what every client gets.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use web::server::{Limits, Metrics, Server, Stopped, StoreFigures};

use super::support::{CONNECTIONS_OPEN, CONNECTIONS_REFUSED, Client, Running};

fn router() -> Router {
    Router::new()
        .route("/", get(async || "hello"))
        .route("/peer", get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()))
        .route("/panic", get(async || -> &'static str { panic!("as the test wants it") }))
        .route("/unread", post(async || (StatusCode::PAYLOAD_TOO_LARGE, "no, thanks")))
}

#[tokio::test]
async fn clients_beyond_the_bound_are_told_so_and_served_when_others_leave() {
    let server = Running::start(router(), Limits { connections_max: 2, ..Limits::default() }).await;
    let (mut one, mut two) = (server.client().await, server.client().await);
    one.get("/").await;
    two.get("/").await;

    let refused = server.client().await.get("/").await;
    assert_eq!(refused.status, 503);
    assert!(refused.closes() && refused.header.contains("retry-after: 1\r\n"), "{}", refused.header);
    assert!(
        refused.body.contains(r#""code":"OVERLOADED","errors":[{"code":"OVERLOADED""#),
        "{}",
        refused.body
    );
    assert_eq!(server.metric(CONNECTIONS_REFUSED).await, 1.0);
    assert_eq!(server.metric(CONNECTIONS_OPEN).await, 2.0);

    drop(one);
    server.metric_becomes(CONNECTIONS_OPEN, 1.0).await;
    assert_eq!(server.client().await.get("/").await.status, 200);
    assert_eq!(two.get("/").await.status, 200);
}

#[tokio::test]
async fn a_flood_beyond_the_bound_disturbs_nobody_who_is_served() {
    let server = Running::start(router(), Limits { connections_max: 1, ..Limits::default() }).await;
    let mut served = server.client().await;
    served.get("/").await;
    let mut flood = Vec::new();
    for _ in 0..100 {
        flood.push(server.client().await);
        assert_eq!(served.get("/").await.status, 200);
    }
    server.metric_becomes(CONNECTIONS_REFUSED, 100.0).await;
}

#[tokio::test]
async fn a_header_too_large_is_answered_431() {
    let server = Running::start(router(), Limits::default()).await;
    let cases = [
        ("one long line", format!("x: {}\r\n", "x".repeat(16 * 1024))),
        ("much more than fits", format!("x: {}\r\n", "x".repeat(1024 * 1024))),
        ("many lines", "x: y\r\n".repeat(101)),
    ];
    for (case, lines) in cases {
        let mut client = server.client().await;
        client.send(&format!("GET / HTTP/1.1\r\nhost: test\r\n{lines}\r\n")).await;
        let answer = client.answer().await.expect(case);
        assert_eq!((answer.status, answer.closes()), (431, true), "{case}");
        assert!(answer.body.contains(r#""code":"INVALID_REQUEST","errors":[{"#), "{case}: {}", answer.body);
        client.time_to_close().await;
    }
    let mut client = server.client().await;
    client.send(&format!("GET / HTTP/1.1\r\nhost: test\r\nx: {}\r\n\r\n", "x".repeat(15 * 1024))).await;
    assert_eq!(client.answer().await.expect("an answer").status, 200);
}

#[tokio::test]
async fn what_is_not_http_is_answered_in_the_one_shape_and_nothing_behind_it_is_read() {
    let server = Running::start(router(), Limits::default()).await;
    let cases = [
        "hello there\r\n\r\n",
        "GET / HTTP/7.0\r\nhost: test\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: test\r\nx: a\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: test\r\nx y: z\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: test\r\nx: \0\r\n\r\n",
        "POST /unread HTTP/1.1\r\nhost: test\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "POST /unread HTTP/1.1\r\nhost: test\r\ncontent-length: -1\r\n\r\n",
        "POST /unread HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked, gzip\r\n\r\n",
        "POST /unread HTTP/1.0\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n",
    ];
    for is_first in [true, false] {
        for case in cases {
            let mut client = server.client().await;
            if !is_first {
                client.get("/").await;
            }
            client.send(&format!("{case}GET / HTTP/1.1\r\nhost: test\r\n\r\n")).await;
            let answer = client.answer().await.expect(case);
            assert_eq!((answer.status, answer.closes()), (400, true), "{case}");
            assert!(answer.header.contains("content-type: application/json\r\n"), "{}", answer.header);
            let fault =
                r#"[{"code":"INVALID_REQUEST","message":"the request is not well-formed HTTP","path":[]}]"#;
            assert!(answer.body.contains(fault), "{case}: {}", answer.body);
            client.time_to_close().await;
        }
    }
}

#[tokio::test]
async fn an_answer_to_a_body_that_nobody_read_arrives() {
    let server = Running::start(router(), Limits::default()).await;
    for _ in 0..20 {
        let mut client = server.client().await;
        let body = "x".repeat(2 * 1024 * 1024);
        let head = format!("POST /unread HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n", body.len());
        client.send(&head).await;
        client.send(&body).await;
        let answer = client.answer().await.expect("an answer");
        assert_eq!((answer.status, answer.body.as_str()), (413, "no, thanks"));
    }
}

#[tokio::test]
async fn a_panic_that_nobody_caught_costs_one_connection_and_no_other() {
    let server = Running::start(router(), Limits { connections_max: 2, ..Limits::default() }).await;
    let (mut bystander, mut client) = (server.client().await, server.client().await);
    bystander.get("/").await;
    client.send("GET /panic HTTP/1.1\r\nhost: test\r\n\r\n").await;
    client.time_to_close().await;
    server.metric_becomes(CONNECTIONS_OPEN, 1.0).await;
    assert_eq!(bystander.get("/").await.status, 200);
    assert_eq!(server.client().await.get("/").await.status, 200);
}

#[tokio::test]
async fn handlers_know_who_calls() {
    let server = Running::start(router(), Limits::default()).await;
    let mut client = server.client().await;
    let address = client.stream.local_addr().expect("a connected socket").to_string();
    assert_eq!(client.get("/peer").await.body, address);
}

#[tokio::test]
async fn a_socket_in_the_file_system_is_served_alike() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.sock");
    let listener = UnixListener::bind(&path).expect("a new socket");
    let (stop, stopped) = watch::channel(false);
    let metrics = Metrics::new("1.2.3", StoreFigures::default);
    let serving = tokio::spawn(Server::new("operator", router(), &metrics).serve_unix(listener, stopped));

    let mut client = Client::new(UnixStream::connect(&path).await.expect("the server listens"));
    assert_eq!(client.get("/").await.body, "hello");
    assert_eq!(client.get("/").await.body, "hello");
    stop.send_replace(true);
    client.time_to_close().await;
    assert_eq!(serving.await.expect("no panic"), Stopped { connections_cut: 0 });
}
