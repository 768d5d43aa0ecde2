//! Every operation as it is not meant to be used, with a secret in each part of the request.

use serde_json::{Map, Value};

use super::Hunt;
use super::exchange::{Call, Door};
use super::tour::of_account;
use crate::common::ACCOUNT;

/// More than the largest body that is read.
const BODY_BYTES: usize = (4 << 20) + 1;

/// An operation.
struct Target {
    method: String,
    /// With its parameters as they are written in the document.
    path: String,
}

/// Sends faulty requests to every operation through both doors.
pub fn provoke(hunt: &mut Hunt<'_>) {
    let document = Call::new("GET", "/openapi.json").send(hunt.server, Door::Public).expect("an answer").ok();
    let targets = targets(&document);
    assert!(targets.len() > 20, "{} operations", targets.len());
    let fields = fields(&document);
    for target in &targets {
        for door in [Door::Public, Door::Operator] {
            hunt.send_bodies(door, target, &fields);
            hunt.send_headers(door, target);
            hunt.send_paths(door, target);
        }
    }
    hunt.guess();
    hunt.send_too_much();
    hunt.go_nowhere();
}

/// Every operation of the document.
fn targets(document: &Value) -> Vec<Target> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, operations): (&String, &Value)| {
        let methods = operations.as_object().expect("operations").keys().cloned();
        methods.map(|method| Target { method: method.to_uppercase(), path: path.clone() }).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// The names of all fields that any request has, but for texts that are no secret: they are kept and shown.
fn fields(document: &Value) -> Vec<String> {
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    let names = schemas.values().filter_map(|schema| schema["properties"].as_object()).flat_map(Map::keys);
    let mut names: Vec<String> = names.cloned().collect();
    names.retain(|name| name != "name" && name != "description");
    names.sort();
    names.dedup();
    names
}

impl Target {
    /// The path with the right account and these ids.
    fn with(&self, id: &str) -> String {
        let path = self.path.replace("{aid}", ACCOUNT);
        let mut parts = path.split('/').map(|part| if part.starts_with('{') { id } else { part });
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |path, part| path + "/" + part)
    }

    fn call(&self, path: &str) -> Call {
        Call::new(&self.method, path)
    }
}

impl Hunt<'_> {
    /// Bodies that are no JSON, of wrong types, and with what is not asked for.
    fn send_bodies(&mut self, door: Door, target: &Target, fields: &[String]) {
        let canary = self.planted("a secret in a body");
        let text = Value::from(canary.as_str()).to_string();
        let every_field = |value: &str| {
            let pairs: Vec<String> = fields.iter().map(|field| format!("\"{field}\":{value}")).collect();
            format!("{{{}}}", pairs.join(","))
        };
        let bodies = [
            canary.clone(),
            text.clone(),
            format!("[{text}]"),
            format!("{{\"token\":{text}"),
            format!("{{\"token\":{text},\"pin\":{text},\"token\":{text}}}"),
            format!("{{\"token\":{text}}} {text}"),
            format!("{{{text}:{text}}}"),
            every_field(&text),
            every_field(&format!("{{{text}:{text}}}")),
            every_field(&format!("[{text}]")),
            every_field(&every_field(&text)),
            every_field(&format!("[{}]", every_field(&text))),
        ];
        for body in bodies {
            let call = target.call(&target.with("x")).header("authorization", &self.bearer).json(body);
            self.ask_in_vain(door, &call, target);
        }
    }

    /// Headers that are malformed, double, or of no meaning here.
    fn send_headers(&mut self, door: Door, target: &Target) {
        let (key, bearer) = (self.planted("a secret in a key"), self.planted("a secret in a bearer"));
        let path = target.with("x");
        let with_bearer = || target.call(&path).json("{}").header("authorization", &self.bearer);
        let calls = [
            with_bearer().header("idempotency-key", &format!("\"{key}")),
            with_bearer().header("idempotency-key", &key).header("idempotency-key", &key),
            with_bearer().header("idempotency-key", &key.repeat(10)),
            with_bearer().header("cookie", &key).header("x-api-key", &key).header("user-agent", &key),
            with_bearer().header("content-type", &format!("text/{key}")).header("accept", &key),
            with_bearer().header("origin", &key).header("x-forwarded-for", &key).header("referer", &key),
            with_bearer().header("authorization", &format!("Bearer {bearer}")),
            target.call(&path).json("{}").header("authorization", &format!("Bearer {bearer}")),
            target.call(&path).json("{}").header("authorization", &format!("Bearer {bearer} {bearer}")),
            target.call(&path).json("{}").header("authorization", &format!("Basic {bearer}")),
            target.call(&path).json("{}").header("authorization", &bearer),
            target.call(&path).header("authorization", &self.bearer).header("content-type", &key),
        ];
        for call in calls {
            self.ask_in_vain(door, &call, target);
        }
    }

    /// Secrets where an id, an account or a filter belongs.
    fn send_paths(&mut self, door: Door, target: &Target) {
        let word = format!("a-secret-in-a-path-{}", self.chance.word());
        self.canaries.add("a secret in a path", &word);
        let query =
            ["q", "limit", "starting_after", "status", "customer_id", "include_deleted", "created_at.gte"];
        let query: Vec<String> = query.iter().map(|name| format!("{name}={word}")).collect();
        let mut paths = vec![
            target.with(&word),
            target.with("x").replace(ACCOUNT, &word),
            format!("{}?{word}={word}&%zz{word}", target.with("x")),
            format!("{}/{word}", target.with("x")),
        ];
        paths.extend(query.iter().map(|pair| format!("{}?{pair}", target.with("x"))));
        for path in paths {
            let call = target.call(&path).header("authorization", &self.bearer).json("{}");
            self.ask_in_vain(door, &call, target);
        }
        let odd = Call { method: "PUT".to_owned(), ..target.call(&target.with(&word)) };
        self.ask_in_vain(door, &odd, target);
    }

    /// Sends a request that is not meant to succeed. Some do, where nothing is read of what it brings along; but
    /// none of them may make something.
    fn ask_in_vain(&mut self, door: Door, call: &Call, target: &Target) {
        let status = self.ask(door, call);
        assert!(status < 500, "{status} for {} {}", call.method, target.path);
    }

    /// Wrong secrets, tokens and PINs that look like right ones.
    fn guess(&mut self) {
        for _ in 0..12 {
            let secret = self.planted("a guessed secret");
            let basic = format!("Basic {}", base64_of(&format!("nobody:{secret}")));
            let call = Call::new("POST", &of_account("auth/token")).header("authorization", &basic);
            let body = r#"{"grant_type": "client_credentials", "audience": "https://localhost/v1/accounts/T12345678"}"#;
            let status = self.ask(Door::Public, &call.json(body));
            assert!(matches!(status, 401 | 429), "{status}");
            let token = self.planted("a guessed token");
            let body = serde_json::json!({
                "ref_id": "g", "amount": 1, "currency": "NOK", "type": "drawdown", "token": token,
            });
            let call = Call::new("POST", &of_account("wallets/transactions")).json(body.to_string());
            assert_eq!(self.ask(Door::Public, &call.header("authorization", &self.bearer)), 404);
        }
    }

    fn send_too_much(&mut self) {
        let secret = self.planted("a secret in a large body");
        let call =
            Call::new("POST", &of_account("wallets/cards/batch")).header("authorization", &self.bearer);
        let body = secret.repeat(BODY_BYTES.div_ceil(secret.len()));
        assert_eq!(self.ask(Door::Public, &call.json(body)), 413);
        let long = Call::new("GET", "/healthz").header("x-long", &secret.repeat(400));
        assert_eq!(self.ask(Door::Public, &long), 431);
    }

    fn go_nowhere(&mut self) {
        let secret = format!("a-secret-nowhere-{}", self.chance.word());
        self.canaries.add("a secret in an unknown path", &secret);
        for path in [format!("/{secret}"), format!("/v1/{secret}?{secret}={secret}"), of_account(&secret)] {
            let call = Call::new("POST", &path).header("authorization", &format!("Bearer {secret}"));
            assert_eq!(self.ask(Door::Public, &call.json(secret.as_str())), 404);
        }
        let malformed = Call::new("G T", &format!("/{secret}"));
        self.ask(Door::Public, &malformed);
    }
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
