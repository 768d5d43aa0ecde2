//! The real API on a real store, with a clock that can be set.
//!
//! Requests go to the servers by turns, so that where there are several, what one was told is asked of another. What
//! happens to cards is to be seen on every server as soon as it was answered on one. What servers remember, which is
//! accounts, clients, grants, settings, signing keys and failures, the contract lets them learn of each other within
//! 5 s: after a request that may have changed any of that, the next one waits until they all know.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{Aid, Clock, Currency, Name, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::{FirstClient, MasterKey, NewAccount, Parts, PublicHosts, Service, SystemRandom};
use store::Store;
use tower::ServiceExt;
use web::api::ApiSettings;

use crate::servers::Servers;

pub const AID: &str = "T12345678";
pub const HOST: &str = "cards.example";

/// A clock that stands still until it is moved.
pub struct SetClock(pub AtomicI64);

impl Default for SetClock {
    fn default() -> Self {
        Self(1_800_000_000_000.into())
    }
}

impl SetClock {
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    pub fn unix_seconds(&self) -> i64 {
        self.0.load(Ordering::SeqCst) / 1_000
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::try_from(self.0.load(Ordering::SeqCst)).expect("a time")
    }
}

/// What a server is told that a test may choose.
#[derive(Clone, Default, Deserialize, Serialize)]
pub struct Settings {
    pub cors_origins: Vec<String>,
    pub trusted_proxies: Vec<String>,
    pub public_url: Option<String>,
    pub is_exposed: bool,
}

/// How a server is reached, by either listener.
pub struct Doors {
    pub public: Router,
    pub operator: Router,
}

/// Servers with one test account, whose first client holds every scope.
pub struct World {
    pub clock: Arc<SetClock>,
    pub first: FirstClient,
    servers: Servers,
    turn: AtomicUsize,
    /// Whether a server may remember what another one does not.
    may_differ: AtomicBool,
}

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

/// A request in the making.
pub struct Call {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
    peer: [u8; 4],
}

impl World {
    pub async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Self {
        let clock = Arc::new(SetClock::default());
        let servers = Servers::open(clock.clone(), settings).await;
        Self::on(clock, servers).await
    }

    /// On a server in the test's own process, for what does not come over the wire: what is logged and counted, and
    /// what goes on once nobody waits for it.
    pub async fn within(settings: ApiSettings) -> Self {
        let clock = Arc::new(SetClock::default());
        let servers = Servers::within(clock.clone(), settings).await;
        Self::on(clock, servers).await
    }

    async fn on(clock: Arc<SetClock>, servers: Servers) -> Self {
        let first = make_account(&servers.service, AID).await;
        Self { clock, first, servers, turn: AtomicUsize::new(0), may_differ: AtomicBool::new(true) }
    }

    /// The server whose turn it is.
    fn next(&self) -> &Doors {
        let doors = &self.servers.doors;
        &doors[self.turn.fetch_add(1, Ordering::Relaxed) % doors.len()]
    }

    /// The service in the test's own process, for what the program's other commands do.
    pub fn service(&self) -> &Arc<Service> {
        self.may_differ.store(true, Ordering::SeqCst);
        &self.servers.service
    }

    /// The public paths of the server whose turn it is.
    pub fn router(&self) -> Router {
        self.may_differ.store(true, Ordering::SeqCst);
        self.next().public.clone()
    }

    /// Where a server listens.
    pub async fn address(&self) -> SocketAddr {
        self.may_differ.store(true, Ordering::SeqCst);
        self.servers.address().await
    }

    /// Past all servers.
    pub fn store(&self) -> &dyn Store {
        self.may_differ.store(true, Ordering::SeqCst);
        &*self.servers.store
    }

    /// Lets every server know what the others changed of that which it remembers.
    pub async fn agree(&self) {
        if self.may_differ.swap(false, Ordering::SeqCst) {
            self.servers.agree().await;
        }
    }

    pub async fn send(&self, call: Call) -> Answer {
        self.agree().await;
        let is_of_cards = call.path.contains("/wallets/");
        let answer = send_to(&self.next().public, call).await;
        // Who lacks a scope has changed nothing and guessed nothing.
        if answer.status != 403 && (!is_of_cards || answer.status != 200) {
            self.may_differ.store(true, Ordering::SeqCst);
        }
        answer
    }

    /// At the operator's listener.
    pub async fn send_to_operator(&self, call: Call) -> Answer {
        self.agree().await;
        self.may_differ.store(true, Ordering::SeqCst);
        send_to(&self.next().operator, call).await
    }

    /// The first client's access token.
    pub async fn admin(&self) -> String {
        self.token(AID, self.first.client_id.as_str(), self.first.secret.expose()).await
    }

    pub async fn token(&self, aid: &str, client_id: &str, secret: &str) -> String {
        let answer = self.send(token_call(aid, client_id, secret)).await;
        answer.ok()["access_token"].as_str().expect("a token").to_owned()
    }

    /// A new client that holds `scopes`: its id, its name and its secret.
    pub async fn client(&self, scopes: &[&str]) -> (String, String, String) {
        let admin = self.admin().await;
        let made = self.send(Call::post("auth/clients", &json!({"name": "till"})).bearer(&admin)).await.ok();
        let text = |field: &str| made[field].as_str().expect("a text").to_owned();
        let grant = json!({"client_id": text("id"), "audience": audience(AID), "scope": scopes});
        self.send(Call::post("auth/client-grants", &grant).bearer(&admin)).await.ok();
        (text("id"), text("client_id"), text("client_secret"))
    }

    /// An access token of a new client that holds `scopes`.
    pub async fn token_with(&self, scopes: &[&str]) -> String {
        let (_, client_id, secret) = self.client(scopes).await;
        self.token(AID, &client_id, &secret).await
    }

    /// Another account on the same server: an access token of its first client.
    pub async fn other_account(&self, aid: &str) -> String {
        let first = make_account(self.service(), aid).await;
        self.token(aid, first.client_id.as_str(), first.secret.expose()).await
    }
}

impl Settings {
    pub fn api(self) -> ApiSettings {
        let range = |range: &String| range.parse().expect("a range");
        ApiSettings {
            cors_origins: self.cors_origins,
            trusted_proxies: self.trusted_proxies.iter().map(range).collect(),
            public_url: self.public_url,
            is_exposed: self.is_exposed,
            ..ApiSettings::default()
        }
    }
}

impl Doors {
    pub fn of(service: &Arc<Service>, settings: &ApiSettings) -> Self {
        Self {
            public: web::api::router(service.clone(), settings.clone()),
            operator: web::api::operator_router(service.clone(), settings.clone()),
        }
    }
}

/// What a server on `store` is built from.
pub fn parts(store: Arc<dyn Store>, master_key: MasterKey, clock: Arc<dyn Clock>) -> Parts {
    let hosts = PublicHosts::new(&[format!("https://{HOST}")], &["api.dintero.com".to_owned()]);
    Parts { store, master_key, clock, random: Arc::new(SystemRandom), hosts }
}

async fn make_account(service: &Arc<Service>, aid: &str) -> FirstClient {
    let first = service.make_first_client(Name::try_from("first").expect("a name"));
    let aid = Aid::try_from(aid).expect("an account id");
    let new = NewAccount {
        aid: Some(aid),
        mode: aid.mode(),
        name: "Test".to_owned(),
        default_currency: Currency::NOK,
    };
    service.create_account(&new, &first, false).await.expect("made").expect("not there before");
    first
}

pub async fn send_to(router: &Router, call: Call) -> Answer {
    let response = router.clone().oneshot(call.request()).await.expect("an answer");
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    Answer { status, headers, bytes }
}

pub fn audience(aid: &str) -> String {
    format!("https://{HOST}/v1/accounts/{aid}")
}

pub fn basic(client_id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")))
}

pub fn token_call(aid: &str, client_id: &str, secret: &str) -> Call {
    let body = json!({"grant_type": "client_credentials", "audience": audience(aid)});
    Call::new(Method::POST, &format!("/v1/accounts/{aid}/auth/token"))
        .json(&body)
        .header("authorization", &basic(client_id, secret))
}

impl Call {
    pub fn new(method: Method, path: &str) -> Self {
        let path = path.to_owned();
        Self { method, path, headers: Vec::new(), body: Body::empty(), peer: [127, 0, 0, 1] }
    }

    /// Of the test account, below its path.
    fn of_account(method: Method, path: &str) -> Self {
        Self::new(method, &format!("/v1/accounts/{AID}/{path}"))
    }

    pub fn get(path: &str) -> Self {
        Self::of_account(Method::GET, path)
    }

    pub fn delete(path: &str) -> Self {
        Self::of_account(Method::DELETE, path)
    }

    pub fn post(path: &str, body: &Value) -> Self {
        Self::of_account(Method::POST, path).json(body)
    }

    pub fn patch(path: &str, body: &Value) -> Self {
        Self::of_account(Method::PATCH, path).json(body)
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw(body.to_string()).header("content-type", "application/json")
    }

    pub fn raw(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub fn peer(mut self, peer: [u8; 4]) -> Self {
        self.peer = peer;
        self
    }

    fn request(self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let peer = SocketAddr::from((self.peer, 40_000));
        request.extension(ConnectInfo(peer)).body(self.body).expect("a request")
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("{} is not JSON", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body of a success, which is always 200.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// Status and code of a refusal, whose shape is checked.
    pub fn refusal(&self) -> (u16, String) {
        let body = self.json();
        let error = &body["error"];
        assert!(error["message"].is_string(), "{body}");
        for fault in error["errors"].as_array().unwrap_or_else(|| panic!("{body}")) {
            assert!(fault["code"].is_string() && fault["message"].is_string() && fault["path"].is_array());
        }
        let code = error["code"].as_str().unwrap_or_else(|| panic!("{body}"));
        (self.status.as_u16(), code.to_owned())
    }

    /// The paths of a refusal's faults.
    pub fn paths(&self) -> Vec<Value> {
        let body = self.json();
        let errors = body["error"]["errors"].as_array().expect("faults").clone();
        errors.into_iter().map(|fault| fault["path"].clone()).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }
}
