//! The operator's door: no access token, and a few operations more.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{AID, Answer, Call, Settings, World, token_call};

struct Office {
    world: World,
}

impl Office {
    async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    async fn with(settings: Settings) -> Self {
        Self { world: World::with(settings).await }
    }

    async fn send(&self, call: Call) -> Answer {
        self.world.send_to_operator(call).await
    }
}

fn accounts(body: &Value) -> Call {
    Call::new(Method::POST, "/accounts").json(body)
}

#[tokio::test]
async fn accounts_are_made_and_listed() {
    let office = Office::new().await;
    office.world.clock.advance_seconds(1);
    let made = office
        .send(accounts(&json!({"aid": "P00000001", "name": "Shop", "default_currency": "SEK"})))
        .await
        .ok();
    assert_eq!(
        (&made["aid"], &made["name"], &made["default_currency"]),
        (&json!("P00000001"), &json!("Shop"), &json!("SEK"))
    );
    let text = |field: &str| made[field].as_str().expect("a text").to_owned();
    office.world.send(token_call("P00000001", &text("client_id"), &text("client_secret"))).await.ok();
    let again = office.send(accounts(&json!({"aid": "P00000001", "name": "Shop"}))).await;
    assert_eq!((again.refusal().0, again.paths()), (400, vec![json!(["aid"])]));
    let found = office.send(accounts(&json!({"mode": "T", "name": "Play"}))).await.ok();
    assert!(found["aid"].as_str().is_some_and(|aid| aid.starts_with('T')));
    let list = office.send(Call::new(Method::GET, "/accounts")).await.ok();
    assert_eq!(list.as_array().map(Vec::len), Some(3));
    assert_eq!(list[0]["aid"], AID);
    assert!(list[0].get("client_secret").is_none());
}

#[tokio::test]
async fn no_production_account_is_made_while_the_api_is_in_the_open() {
    let office = Office::with(Settings { is_exposed: true, ..Settings::default() }).await;
    for (body, path) in
        [(json!({"mode": "P", "name": "Shop"}), "mode"), (json!({"aid": "P00000001", "name": "Shop"}), "aid")]
    {
        let refused = office.send(accounts(&body)).await;
        assert_eq!((refused.refusal().0, refused.paths()), (400, vec![json!([path])]));
    }
    office.send(accounts(&json!({"mode": "T", "name": "Play"}))).await.ok();
    let list = office.send(Call::new(Method::GET, "/accounts")).await.ok();
    assert_eq!(list.as_array().map(Vec::len), Some(2), "{list}");
}

#[tokio::test]
async fn the_first_client_may_bring_its_name_and_secret() {
    let office = Office::new().await;
    let secret = "s".repeat(32);
    let body = json!({
        "mode": "P", "name": "Shop", "client_id": "till", "client_secret": secret, "client_name": "Till",
    });
    let made = office.send(accounts(&body)).await.ok();
    assert_eq!((&made["client_id"], &made["client_secret"]), (&json!("till"), &json!(secret)));
    let faults = json!({"client_secret": "short", "client_id": "a:b"});
    let answer = office.send(accounts(&faults)).await;
    assert_eq!(
        answer.paths(),
        [json!(["client_id"]), json!(["client_secret"]), json!(["mode"]), json!(["name"])]
    );
}

#[tokio::test]
async fn what_the_operator_does_is_told_as_the_operators() {
    let office = Office::new().await;
    let made = office.send(Call::post("auth/clients", &json!({"name": "till"}))).await.ok();
    assert_eq!(made["created_by"], "operator");
    let cards = json!({"cards": [{"card_id": "a"}]});
    let made = office.send(Call::post("wallets/cards/batch", &cards).key("k")).await.ok();
    assert_eq!(made["cards"][0]["created_by"], "operator");
    assert_eq!(made["cards"][0]["card_token"]["created_by"], "operator");
    let sold =
        office.send(Call::post("wallets/cards/a/activate", &json!({"amount": 1, "currency": "NOK"}))).await;
    sold.ok();
    let again =
        office.send(Call::post("wallets/cards/a/activate", &json!({"amount": 1, "currency": "NOK"}))).await;
    assert!(again.text().contains("by operator with 0.01 NOK"), "{}", again.text());
}

#[tokio::test]
async fn an_unknown_account_is_not_found() {
    let office = Office::new().await;
    let call = Call::new(Method::GET, "/v1/accounts/T00000000/auth/clients");
    assert_eq!(office.send(call).await.refusal(), (404, "NOT_FOUND".into()));
    let call = Call::new(Method::GET, "/v1/accounts/x/auth/clients");
    assert_eq!(office.send(call).await.refusal(), (400, "INVALID_REQUEST".into()));
}

#[tokio::test]
async fn signing_keys_are_rotated_by_mode() {
    let office = Office::new().await;
    let rotate = |mode: &str| Call::new(Method::POST, &format!("/signing-keys/{mode}/rotate"));
    let keys = office.send(rotate("T")).await.ok();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(3));
    let keys = office.send(rotate("P")).await.ok();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(4));
    assert_eq!(office.send(rotate("X")).await.refusal(), (404, "NOT_FOUND".into()));
}

#[tokio::test]
async fn the_operators_paths_are_not_among_the_public_ones() {
    let office = Office::new().await;
    for (method, path) in
        [(Method::GET, "/accounts"), (Method::POST, "/accounts"), (Method::POST, "/signing-keys/T/rotate")]
    {
        let answer = office.world.send(Call::new(method, path).json(&json!({}))).await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".into()));
    }
}
