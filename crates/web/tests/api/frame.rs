//! What every answer has around it, and what is logged of every request.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use web::api::ApiSettings;
use web::server::{Limits, Metrics, Server, StoreFigures};

use crate::world::{Call, Settings, World, send_to, token_call};

/// Everything that was logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("UTF-8")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn capture(log: &Log) -> tracing::subscriber::DefaultGuard {
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_default(subscriber)
}

/// The line of the one request.
fn answered(log: &Log) -> Value {
    let text = log.text();
    let mut lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    lines.find(|line: &Value| line["fields"]["message"] == "request answered").expect("the line")
}

#[tokio::test]
async fn every_answer_has_an_id_and_is_neither_stored_nor_guessed_at() {
    let world = World::new().await;
    let admin = world.admin().await;
    let mut ids = Vec::new();
    for call in [
        Call::get("wallets/cards").bearer(&admin),
        Call::get("wallets/cards"),
        Call::new(Method::GET, "/nothing"),
        Call::new(Method::PUT, "/healthz"),
        Call::new(Method::GET, "/openapi.json"),
        Call::new(Method::GET, "/docs/"),
        Call::post("wallets/cards", &json!({})).header("x-request-id", "mine").bearer(&admin),
    ] {
        let answer = world.send(call).await;
        assert_eq!(
            (answer.header("cache-control"), answer.header("x-content-type-options")),
            ("no-store", "nosniff")
        );
        let id = answer.header("x-request-id").to_owned();
        assert!(uuid::Uuid::parse_str(&id).is_ok(), "{id}");
        assert!(!ids.contains(&id));
        ids.push(id);
    }
}

#[tokio::test]
async fn origins_that_were_named_may_call_and_no_others() {
    let origin = "https://shop.example";
    let settings = Settings { cors_origins: vec![origin.to_owned()], ..Settings::default() };
    let world = World::with(settings).await;
    let asked = |from: &str| {
        Call::new(Method::OPTIONS, "/v1/accounts/T12345678/wallets/cards")
            .header("origin", from)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,idempotency-key")
    };
    let allowed = world.send(asked(origin)).await;
    assert_eq!((allowed.status.as_u16(), allowed.header("access-control-allow-origin")), (200, origin));
    assert_eq!(allowed.header("access-control-allow-methods"), "GET,POST,PATCH,DELETE");
    let headers = allowed.header("access-control-allow-headers");
    for name in [
        "authorization",
        "content-type",
        "idempotency-key",
        "dintero-system-name",
        "dintero-system-plugin-version",
    ] {
        assert!(headers.split(',').any(|allowed| allowed == name), "{name}");
    }
    assert_eq!(allowed.header("access-control-allow-credentials"), "");
    for other in ["https://shop.example.elsewhere.example", "http://shop.example", "null"] {
        assert_eq!(world.send(asked(other)).await.header("access-control-allow-origin"), "", "{other}");
    }
    let refused = world.send(Call::get("wallets/cards").header("origin", origin)).await;
    assert_eq!(refused.refusal().0, 401);
    assert_eq!(refused.header("access-control-allow-origin"), origin);
    assert_eq!(refused.header("access-control-expose-headers"), "x-request-id,retry-after");
}

#[tokio::test]
async fn without_named_origins_no_page_may_call() {
    let world = World::new().await;
    let answer = world.send(Call::get("wallets/cards").header("origin", "https://shop.example")).await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_request_is_one_line_with_its_fields() {
    let world = World::within(ApiSettings::default()).await;
    let admin = world.admin().await;
    let log = Log::default();
    let guard = capture(&log);
    let told = format!("mine\u{e6} {}", "x".repeat(100));
    let call = Call::get("wallets/cards/no%20such%20card")
        .bearer(&admin)
        .header("x-request-id", &told)
        .header("dintero-system-name", "WooCommerce")
        .header("dintero-system-plugin-version", "1.2");
    let answer = world.send(call).await;
    drop(guard);
    let line = answered(&log);
    let (fields, span) = (&line["fields"], &line["span"]);
    assert_eq!(fields["status"], 404);
    assert!(fields["duration_ms"].is_f64());
    assert_eq!(span["request_id"], answer.header("x-request-id"));
    assert_eq!(span["route"], "/v1/accounts/{aid}/wallets/cards/{card_id}");
    assert_eq!((&span["method"], &span["aid"]), (&json!("GET"), &json!("T12345678")));
    assert!(span["client"].is_string());
    assert_eq!((&span["system_name"], &span["plugin_version"]), (&json!("WooCommerce"), &json!("1.2")));
    assert_eq!(span["client_request_id"], format!("mine {}", "x".repeat(59)));
}

#[tokio::test]
async fn a_late_body_is_logged_and_counted_as_its_client_was_told() {
    let world = World::within(ApiSettings::default()).await;
    let admin = world.admin().await;
    let log = Log::default();
    let guard = capture(&log);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let metrics = Metrics::new("1.2.3", StoreFigures::default);
    let limits = Limits { body: Duration::from_millis(50), ..Limits::default() };
    let (_stop, stopped) = watch::channel(false);
    let server = Server::new("public", world.router(), &metrics).limits(limits);
    tokio::spawn(server.serve(listener, None, stopped));
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /v1/accounts/T12345678/wallets/cards HTTP/1.1\r\nhost: cards.example\r\n\
         content-type: application/json\r\ncontent-length: 100\r\nauthorization: Bearer {admin}\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    drop(guard);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(r#""code":"REQUEST_TIMEOUT""#) && answer.contains("x-request-id"), "{answer}");
    assert_eq!(answered(&log)["fields"]["status"], 408);
    let admin = web::server::admin_router(metrics, Arc::new(|| true));
    let page = send_to(&admin, Call::new(Method::GET, "/metrics")).await.text();
    let counted = r#"route="/v1/accounts/{aid}/wallets/cards",status="408"} 1"#;
    assert!(page.contains(counted), "{page}");
}

#[tokio::test]
async fn no_secret_is_ever_logged() {
    let world = World::within(ApiSettings::default()).await;
    let log = Log::default();
    let guard = capture(&log);
    let admin = world.admin().await;
    let body = json!({
        "card_id": "a", "amount": 5, "currency": "NOK", "pin": {"format": {"length": 12}}, "card_token": {},
        "metadata": {"marked": "metadata-7f3a"},
    });
    let made = world.send(Call::post("wallets/cards", &body).bearer(&admin).key("key-93b1")).await.ok();
    let client = world.send(Call::post("auth/clients", &json!({"name": "till"})).bearer(&admin)).await.ok();
    let token = made["card_token"]["token"]["value"].as_str().expect("a token");
    let pin = made["pin"]["pin"]["value"].as_str().expect("a PIN");
    for body in [
        json!({"ref_id": "r", "amount": 1, "currency": "NOK", "token": token}),
        json!({"ref_id": "s", "amount": 1, "currency": "NOK", "token": token, "pin": pin}),
        json!({"ref_id": "t", "amount": "x", "token": token}),
    ] {
        world.send(Call::post("wallets/transactions", &body).bearer(&admin)).await;
    }
    world.send(token_call("T12345678", "wrong", "secret-51c0")).await;
    world.send(Call::get("wallets/cards").bearer("forged-88de")).await;
    drop(guard);
    let text = log.text();
    assert!(text.contains("request answered"));
    let secret = client["client_secret"].as_str().expect("a secret");
    let first = world.first.secret.expose();
    for kept in
        [token, pin, secret, first, admin.as_str(), "key-93b1", "metadata-7f3a", "secret-51c0", "forged-88de"]
    {
        assert!(!text.contains(kept), "{kept}");
    }
}
