//! Every operation as it is meant to be used.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Hunt;
use super::exchange::{Call, Door};
use crate::common::{ACCOUNT, CLIENT_ID, run};

/// Long enough to be looked for; letters do not come by chance either.
const PIN: &str = r#"{"length": 24}"#;

/// What was made on the way, for the requests that read and change it.
struct Made {
    client: String,
    grant: String,
    token: String,
    token_id: String,
}

/// Goes through all operations.
pub fn take(hunt: &mut Hunt<'_>) {
    hunt.get_token();
    let (client, grant) = hunt.make_client();
    let (token, token_id) = hunt.make_cards();
    let made = Made { client, grant, token, token_id };
    hunt.use_cards(&made);
    hunt.read_everything(&made);
    hunt.be_operator();
    hunt.delete_everything(&made);
}

impl Hunt<'_> {
    /// Sends a request whose answer shows secrets.
    fn ask_for_secrets(&mut self, call: &Call) -> Value {
        call.send(self.server, Door::Public).expect("an answer").ok()
    }

    /// The same under a key of its own, and again; then with another body, which is refused.
    fn ask_for_secrets_twice(&mut self, call: Call) -> Value {
        let key = self.planted("an idempotency key");
        let call = call.header("authorization", &self.bearer).header("idempotency-key", &key);
        let first = self.ask_for_secrets(&call);
        assert_eq!(self.ask_for_secrets(&call), first, "the same key gives the same answer");
        let mut other: Value = serde_json::from_slice(&call.body).expect("JSON");
        other["another"] = json!("body");
        assert_eq!(self.ask(Door::Public, &Call { body: other.to_string().into_bytes(), ..call }), 409);
        first
    }

    /// A request with the first client's token whose answer shows no secret, and is a success.
    fn ask_with_bearer(&mut self, call: Call) {
        let call = call.header("authorization", &self.bearer);
        assert_eq!(self.ask(Door::Public, &call), 200, "{} {}", call.method, call.path);
    }

    /// Looks for what an answer shows.
    fn found(&mut self, what: &str, answer: &Value, pointer: &str) -> String {
        let secret = answer.pointer(pointer).and_then(Value::as_str).expect("a secret").to_owned();
        self.canaries.add(what, &secret);
        // What is generated behind a prefix is the secret.
        if let Some((_, code)) = secret.split_once(':') {
            self.canaries.add(what, code);
        }
        secret
    }

    fn token_of(&mut self, client_id: &str, secret: &str) -> String {
        let basic = format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}")));
        let audience = format!("{}/v1/accounts/{ACCOUNT}", self.server.url);
        let path = of_account("auth/token");
        let body = json!({"grant_type": "client_credentials", "audience": audience});
        let call = Call::new("POST", &path).header("authorization", &basic).json(body.to_string());
        let answer = self.ask_for_secrets(&call);
        let token = self.found("an access token", &answer, "/access_token");
        let signature = token.rsplit('.').next().expect("a signature");
        self.canaries.add("an access token's signature", signature);
        let form = format!("grant_type=client_credentials&audience={}", audience.replace(['/', ':'], "%2F"));
        let form = form.replacen("%2F%2F%2F", "%3A%2F%2F", 1).replacen("127.0.0.1%2F", "127.0.0.1%3A", 1);
        let call = Call::new("POST", &path).header("authorization", &basic);
        let call = Call { body: form.into_bytes(), ..call }
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = self.ask_for_secrets(&call);
        self.found("an access token", &answer, "/access_token");
        token
    }

    fn get_token(&mut self) {
        let secret = self.client_secret.clone();
        self.bearer = format!("Bearer {}", self.token_of(CLIENT_ID, &secret));
    }

    fn make_client(&mut self) -> (String, String) {
        let call = Call::new("POST", &of_account("auth/clients")).json(r#"{"name": "Till"}"#);
        let made = self.ask_for_secrets_twice(call);
        self.found("a client's secret", &made, "/client_secret");
        let text = |answer: &Value, name: &str| answer[name].as_str().expect("text").to_owned();
        let (client, client_id) = (text(&made, "id"), text(&made, "client_id"));
        let audience = format!("{}/v1/accounts/{ACCOUNT}", self.server.url);
        let grant = json!({"client_id": client, "audience": audience, "scope": ["read:wallets"]}).to_string();
        let call = Call::new("POST", &of_account("auth/client-grants")).header("authorization", &self.bearer);
        let grant = text(&call.json(grant).send(self.server, Door::Public).expect("an answer").ok(), "id");
        let call = Call::new("POST", &of_account(&format!("auth/clients/{client}/rotate-secret")));
        let rotated = self.ask_for_secrets_twice(call.json("{}"));
        let secret = self.found("a rotated secret", &rotated, "/client_secret");
        self.token_of(&client_id, &secret);
        (client, grant)
    }

    /// A card and a batch; answers a token that can be used, and its id.
    fn make_cards(&mut self) -> (String, String) {
        let card = format!(
            r#"{{"card_id": "a", "amount": 500, "currency": "NOK", "pin": {{"format": {PIN}}}, "card_token": {{}},
                "customer_id": "c"}}"#
        );
        let made = self.ask_for_secrets_twice(Call::new("POST", &of_account("wallets/cards")).json(card));
        self.found("a PIN", &made, "/pin/pin/value");
        let token = self.found("a token", &made, "/card_token/token/value");
        let token_id = made["card_token"]["id"].as_str().expect("an id").to_owned();
        let batch = format!(
            r#"{{"cards": [{{"card_id": "b"}}, {{"card_id": "d"}}], "options": {{"pin": {{"format": {PIN}}},
                "card_token": {{"format": {{"barcode": true, "qr": true}}}}}}}}"#
        );
        let made =
            self.ask_for_secrets_twice(Call::new("POST", &of_account("wallets/cards/batch")).json(batch));
        for place in 0..2 {
            self.found("a PIN of a batch", &made, &format!("/cards/{place}/pin/pin/value"));
            self.found("a token of a batch", &made, &format!("/cards/{place}/card_token/token/value"));
        }
        (token, token_id)
    }

    fn use_cards(&mut self, made: &Made) {
        let call = Call::new("POST", &of_account("wallets/cards/a/rotate-pin"));
        let rotated = self.ask_for_secrets_twice(call.json(format!(r#"{{"pin": {{"format": {PIN}}}}}"#)));
        self.found("a rotated PIN", &rotated, "/pin/pin/value");
        let call = Call::new("POST", &of_account("wallets/cards/a/tokens"));
        let another = self.ask_for_secrets_twice(call.json(r#"{"ref_id": "t", "expires_in": 60}"#));
        self.found("another token", &another, "/token/value");
        let call = Call::new("POST", &of_account("wallets/cards/b/activate"));
        self.ask_with_bearer(call.json(r#"{"amount": 100, "currency": "NOK"}"#));
        for ref_id in ["r", "r"] {
            let body = json!({
                "ref_id": ref_id, "amount": 1, "currency": "NOK", "type": "drawdown", "token": made.token,
            });
            self.ask_with_bearer(
                Call::new("POST", &of_account("wallets/transactions")).json(body.to_string()),
            );
        }
        let grant = Call::new("PATCH", &of_account(&format!("auth/client-grants/{}", made.grant)));
        self.ask_with_bearer(grant.json(r#"{"scope": ["read:wallets", "write:wallets:/activate"]}"#));
        let client = Call::new("PATCH", &of_account(&format!("auth/clients/{}", made.client)));
        self.ask_with_bearer(client.json(r#"{"description": "by the door"}"#));
    }

    fn read_everything(&mut self, made: &Made) {
        let client = format!("auth/clients/{}", made.client);
        let paths = [
            "auth/keys",
            "auth/clients",
            "auth/client-grants",
            &client,
            "wallets/cards?limit=100",
            "wallets/cards/a",
            "wallets/customers/c/cards",
            "wallets/customers/c/cards/a",
        ];
        for path in paths {
            self.ask_with_bearer(Call::new("GET", &of_account(path)));
        }
        for path in ["/.well-known/jwks.json", "/healthz", "/readyz", "/openapi.json"] {
            assert_eq!(self.ask(Door::Public, &Call::new("GET", path)), 200);
        }
    }

    /// The operator's socket and commands. Accounts and clients that are made there show secrets of their own.
    fn be_operator(&mut self) {
        let account = Call::new("POST", "/accounts").json(r#"{"mode": "T", "name": "Another"}"#);
        let made = account.send(self.server, Door::Operator).expect("an answer").ok();
        self.found("an account's first secret", &made, "/client_secret");
        let secret = self.planted("a secret that an operator brings along for an account");
        let account = json!({"mode": "T", "name": "A third", "client_secret": secret}).to_string();
        let made = Call::new("POST", "/accounts").json(account).send(self.server, Door::Operator);
        assert_eq!(made.expect("an answer").ok()["client_secret"], secret);
        for path in ["/accounts", &of_account("auth/clients"), &of_account("wallets/cards/a")] {
            assert_eq!(self.ask(Door::Operator, &Call::new("GET", path)), 200);
        }
        assert_eq!(self.ask(Door::Operator, &Call::new("POST", "/signing-keys/T/rotate")), 200);
        let create =
            ["client", "create", "--account", ACCOUNT, "--name", "Desk", "--scope", "read:wallets", "--json"];
        let created = run(&mut self.server.operator_command(create)).expect_code(0);
        self.found("a secret on the command line", &created.json(), "/client_secret");
        self.seen.push(("what client create says beside it".to_owned(), created.stderr.into_bytes()));
    }

    fn delete_everything(&mut self, made: &Made) {
        let paths = [
            format!("wallets/cards/a/tokens/{}", made.token_id),
            "wallets/cards/d".to_owned(),
            format!("auth/client-grants/{}", made.grant),
            format!("auth/clients/{}", made.client),
        ];
        for path in paths {
            self.ask_with_bearer(Call::new("DELETE", &of_account(&path)));
        }
    }
}

pub fn of_account(path: &str) -> String {
    format!("/v1/accounts/{ACCOUNT}/{path}")
}
