//! A running server and a client that can misbehave.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower::ServiceExt as _;
use web::server::{Limits, Metrics, Server, Stopped, StoreFigures, Tls, admin_router};

/// Longer than anything here takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The limit that a test is about.
pub const SHORT: Duration = Duration::from_millis(200);

/// A server on a port of its own.
pub struct Running {
    pub address: SocketAddr,
    pub metrics: Metrics,
    pub stop: watch::Sender<bool>,
    serving: JoinHandle<Stopped>,
}

impl Running {
    pub async fn start(router: Router, limits: Limits) -> Self {
        Self::start_on(listener().await, router, limits, None)
    }

    pub fn start_on(listener: TcpListener, router: Router, limits: Limits, tls: Option<Tls>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let address = listener.local_addr().expect("a bound listener");
        let metrics = Metrics::new("1.2.3", StoreFigures::default);
        let server = Server::new("public", router, &metrics).limits(limits);
        let serving = tokio::spawn(server.serve(listener, tls, stopped));
        Self { address, metrics, stop, serving }
    }

    pub async fn client(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.address).await.expect("the server listens"))
    }

    pub fn say_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Says stop, if nobody has yet, and waits for the end.
    pub async fn stopped(self) -> Stopped {
        self.say_stop();
        timeout(PATIENCE, self.serving).await.expect("an end").expect("no panic")
    }

    /// The value of the metric that is spelled so in the page, labels included; 0 for one that is absent.
    pub async fn metric(&self, name: &str) -> f64 {
        let page = metrics_page(&self.metrics).await;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().expect("a number"))
    }

    /// Waits until a metric has this value.
    pub async fn metric_becomes(&self, name: &str, wanted: f64) {
        let all = async {
            while self.metric(name).await != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, all).await.unwrap_or_else(|_| panic!("{name} never becomes {wanted}"));
    }
}

pub const CONNECTIONS_OPEN: &str = "http_server_connections_open{listener=\"public\"}";
pub const CONNECTIONS_REFUSED: &str = "http_server_connections_refused_total{listener=\"public\"}";

pub async fn listener() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port")
}

pub async fn metrics_page(metrics: &Metrics) -> String {
    let router = admin_router(metrics.clone(), Arc::new(|| true));
    let request = Request::get("/metrics").body(Body::empty()).expect("a request");
    let response = router.oneshot(request).await.expect("infallible");
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    String::from_utf8(body.to_vec()).expect("text")
}

/// One connection.
pub struct Client<S> {
    pub stream: S,
    received: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The lines of the header after the first, in lower case.
    pub header: String,
    pub body: String,
}

impl Answer {
    pub fn closes(&self) -> bool {
        self.header.contains("connection: close\r\n")
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }

    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("an open connection");
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        self.answer().await.expect("an answer")
    }

    /// The next answer; nothing if the connection ends before it is whole.
    pub async fn answer(&mut self) -> Option<Answer> {
        let header_end = self.receive_until(|received| find(received, b"\r\n\r\n")).await? + 4;
        let header = String::from_utf8(self.received[..header_end].to_vec()).expect("an ASCII header");
        let (first, rest) = header.split_once("\r\n").expect("a status line");
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let rest = rest.to_lowercase();
        let length = rest.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let end = header_end + length.unwrap_or(0);
        self.receive_until(|received| (received.len() >= end).then_some(end)).await?;
        let whole: Vec<u8> = self.received.drain(..end).collect();
        let body = String::from_utf8(whole[header_end..].to_vec()).expect("a text");
        Some(Answer { status, header: rest, body })
    }

    async fn receive_until(&mut self, is_enough: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
        loop {
            if let Some(end) = is_enough(&self.received) {
                return Some(end);
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received));
            match read.await.expect("an answer or an end") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// How long it takes until the server hangs up.
    pub async fn time_to_close(&mut self) -> Duration {
        let started = Instant::now();
        let end = self.receive_until(|_| None).await;
        assert_eq!(end, None);
        assert_eq!(String::from_utf8_lossy(&self.received), "", "no answer, only the end");
        started.elapsed()
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
