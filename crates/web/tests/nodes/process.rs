//! A server in a process of its own: this test program, started anew to serve.
//!
//! What a test does to a server within its process comes to this one with each request, in headers that the server
//! takes off before anything else sees them: the test's time, from which network the client comes, and at which of
//! the listeners.

use std::io::{self, BufRead as _, BufReader, Lines, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::Clock as _;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use service::MasterKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt as _;
use web::server::{Limits, Metrics, Server, StoreFigures};

use crate::node::Node;
use crate::world::{Doors, SetClock, Settings, send_to};

/// The variable with what a server is told.
const TOLD: &str = "GAVEKORT_TEST_NODE";

/// The test that serves where the variable is there.
const SERVES: &str = "process::a_server_ends_with_the_program_that_started_it";

/// What a server says before its address.
const LISTENS: &str = "listens at ";

const NOW: HeaderName = HeaderName::from_static("gavekort-test-now");
const PEER: HeaderName = HeaderName::from_static("gavekort-test-peer");
const LISTENER: HeaderName = HeaderName::from_static("gavekort-test-listener");

const PUBLIC: HeaderValue = HeaderValue::from_static("public");
const OPERATOR: HeaderValue = HeaderValue::from_static("operator");

/// No listener: asks for what the servers know to be made the same.
const AGREE: HeaderValue = HeaderValue::from_static("agree");

#[derive(Deserialize, Serialize)]
pub struct Told {
    url: String,
    master_key: String,
    settings: Settings,
}

pub struct Process {
    child: Child,
    pub address: SocketAddr,
    /// The runner of tests in the process says that it takes long, and ends where nobody can hear it.
    _said: Lines<BufReader<ChildStdout>>,
}

/// A process that does not listen yet.
pub struct Starting(Child);

impl Told {
    pub fn new(url: &str, master_key: &MasterKey, settings: Settings) -> Self {
        Self { url: url.to_owned(), master_key: master_key.to_base64().to_string(), settings }
    }
}

impl Process {
    pub fn start(told: &Told) -> Starting {
        let mut program = Command::new(std::env::current_exe().expect("this program"));
        program.args(["--exact", SERVES, "--nocapture", "--quiet"]);
        program.env(TOLD, serde_json::to_string(told).expect("JSON"));
        program.stdin(Stdio::piped()).stdout(Stdio::piped());
        Starting(program.spawn().expect("a process"))
    }

    /// The ways to its listeners.
    pub fn doors(&self, clock: &Arc<SetClock>) -> Doors {
        let way = |listener| {
            let way = Way { address: self.address, clock: clock.clone(), listener };
            Router::new().fallback(forward).with_state(way)
        };
        Doors { public: way(PUBLIC), operator: way(OPERATOR) }
    }

    /// Lets the server learn what the others know.
    pub async fn agree(&self, clock: &Arc<SetClock>) {
        let way = Way { address: self.address, clock: clock.clone(), listener: AGREE };
        let answer = way.send(Request::new(Body::empty())).await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }
}

impl Starting {
    pub fn ready(mut self) -> Process {
        let mut lines = BufReader::new(self.0.stdout.take().expect("a pipe")).lines();
        let address = loop {
            let line = lines.next().expect("it listens").expect("a line");
            if let Some((_, address)) = line.split_once(LISTENS) {
                break address.parse().expect("an address");
            }
        };
        Process { child: self.0, address, _said: lines }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// The way to one listener of a server.
#[derive(Clone)]
struct Way {
    address: SocketAddr,
    clock: Arc<SetClock>,
    listener: HeaderValue,
}

impl Way {
    async fn send(&self, mut request: Request) -> hyper::Result<Response> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.to_string());
        let headers = request.headers_mut();
        headers.insert(NOW, self.clock.now().unix_ms().into());
        headers.insert(LISTENER, self.listener.clone());
        if let Some(peer) = peer {
            headers.insert(PEER, peer.parse().expect("an address"));
        }
        let stream = TcpStream::connect(self.address).await.expect("a connection");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender.send_request(request).await?.map(Body::new))
    }
}

async fn forward(State(way): State<Way>, request: Request) -> Response {
    way.send(request).await.expect("an answer")
}

/// The other end of all ways to a server.
struct Hall {
    node: Node,
    doors: Doors,
    clock: Arc<SetClock>,
}

impl Hall {
    async fn answer(&self, mut request: Request) -> Response {
        let mut told = |name| request.headers_mut().remove(name);
        let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
        let (now, peer, listener) = (told(NOW), told(PEER), told(LISTENER));
        if let Some(now) = now {
            self.clock.0.store(text(&now).parse().expect("a number"), Ordering::SeqCst);
        }
        if let Some(peer) = peer {
            let peer: SocketAddr = text(&peer).parse().expect("an address");
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let door = match listener {
            Some(listener) if listener == AGREE => {
                self.node.agree().await;
                return StatusCode::OK.into_response();
            }
            Some(listener) if listener == OPERATOR => &self.doors.operator,
            _ => &self.doors.public,
        };
        door.clone().oneshot(request).await.into_response()
    }
}

/// Serves until the process that has the other end of standard input is gone.
async fn serve(told: Told) {
    thread::spawn(|| {
        let _end = io::copy(&mut io::stdin(), &mut io::sink());
        std::process::exit(0);
    });
    let clock = Arc::new(SetClock::default());
    let master_key = MasterKey::from_base64(&told.master_key).expect("a key");
    let node = Node::open(&told.url, master_key, clock.clone()).await;
    let doors = Doors::of(&node.service, &told.settings.api());
    let hall = Arc::new(Hall { node, doors, clock });
    let router = Router::new().fallback(async move |request: Request| hall.answer(request).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    writeln!(io::stdout(), "{LISTENS}{address}").expect("somebody waits");
    let (_stop, stopped) = watch::channel(false);
    let metrics = Metrics::new("test", StoreFigures::default);
    // A test sends a token that is longer than what the listener takes, to see what is said of the token.
    let limits = Limits { header_bytes_max: 2 << 20, ..Limits::default() };
    let server = Server::new("public", router, &metrics).limits(limits);
    let _stopped = server.serve(listener, None, stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_ends_with_the_program_that_started_it() {
    if let Ok(told) = std::env::var(TOLD) {
        return serve(serde_json::from_str(&told).expect("JSON")).await;
    }
    let lent = crate::databases::lend();
    let master_key = MasterKey::generate(&service::SystemRandom);
    let mut process = Process::start(&Told::new(lent.url(), &master_key, Settings::default())).ready();
    let clock = Arc::new(SetClock::default());
    let health = crate::world::Call::new(axum::http::Method::GET, "/readyz");
    assert_eq!(send_to(&process.doors(&clock).public, health).await.status, 200);
    drop(process.child.stdin.take());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = process.child.try_wait().expect("a process") {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not end");
        tokio::task::yield_now().await;
    };
    assert!(status.success(), "{status}");
}
