//! Many slow clients at once. In a process of its own, for it counts the descriptors of the process.

#[allow(dead_code, reason = "shared with another test, which uses all of it")]
#[path = "server_sockets/support.rs"]
mod support;

use std::fs;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use rustix::process::{Resource, getrlimit, setrlimit};
use support::{CONNECTIONS_OPEN, Client, PATIENCE, Running};
use tokio::net::TcpStream;
use web::server::Limits;

const SLOW: usize = 500;

const REQUEST: &str = "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\n1234";

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("Linux").count()
}

/// Both ends of each connection are in this process, more than its usual bound.
fn raise_bound() {
    let mut bound = getrlimit(Resource::Nofile);
    bound.current = bound.maximum;
    setrlimit(Resource::Nofile, bound).expect("a bound up to the maximum");
}

async fn slow_clients(server: &Running, text: &str) -> Vec<Client<TcpStream>> {
    let mut clients = Vec::with_capacity(SLOW);
    for _ in 0..SLOW {
        let mut client = server.client().await;
        client.send(text).await;
        clients.push(client);
    }
    clients
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_neither_disturb_others_nor_stay() {
    raise_bound();
    let limits = Limits {
        header: Duration::from_secs(2),
        body: Duration::from_secs(2),
        connections_max: 2 * SLOW + 1,
        ..Limits::default()
    };
    let server = Running::start(Router::new().route("/", post(async |body: String| body)), limits).await;
    let mut plain = server.client().await;
    plain.send(REQUEST).await;
    plain.answer().await.expect("an answer");
    let before = descriptors();

    let headers = slow_clients(&server, "POST / HTTP/1.1\r\nhost: te").await;
    let bodies = slow_clients(&server, "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\n1").await;
    assert!(descriptors() > before + SLOW, "both ends of most connections are open");

    let started = Instant::now();
    while server.metric(CONNECTIONS_OPEN).await > 1.0 {
        let asked = Instant::now();
        plain.send(REQUEST).await;
        assert_eq!(plain.answer().await.expect("an answer").body, "1234");
        assert!(asked.elapsed() < Duration::from_secs(1), "others wait for slow clients");
        assert!(started.elapsed() < PATIENCE, "slow clients stay");
    }
    for mut client in headers {
        assert_eq!(client.answer().await, None);
    }
    for mut client in bodies {
        assert_eq!(client.answer().await.expect("an answer").status, 408);
    }
    assert_eq!(descriptors(), before);
    assert_eq!(server.stopped().await.connections_cut, 0);
}
