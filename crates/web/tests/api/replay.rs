//! The `Idempotency-Key`: a lost answer is not a lost secret.

use serde_json::{Value, json};

use crate::world::{Answer, Call, World};

const BATCH: &str = "wallets/cards/batch";

fn body() -> Value {
    json!({
        "cards": [{"card_id": "a", "metadata": {"x": 1, "y": 2.5}}, {"card_id": "b"}],
        "options": {"pin": {"format": {"barcode": true}}, "card_token": {"format": {"qr": true}}},
    })
}

#[tokio::test]
async fn equal_json_gets_the_same_answer_byte_for_byte() {
    let world = World::new().await;
    let admin = world.admin().await;
    let first = world.send(Call::post(BATCH, &body()).bearer(&admin).key("k-1")).await;
    first.ok();
    world.clock.advance_seconds(86_399);
    let admin = world.admin().await;
    let other_bytes = r#" {"options": {"card_token": {"format": {"qr": true}}, "pin": {"format": {"barcode": true}}},
        "cards": [{"metadata": {"x": 1, "y": 2.5}, "card_id": "\u0061"}, {"card_id": "b"}]} "#;
    let again = Call::post(BATCH, &Value::Null).raw(other_bytes).bearer(&admin).key("\"k-1\"");
    let again = world.send(again).await;
    again.ok();
    assert_eq!(first.bytes, again.bytes);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let world = World::new().await;
    let admin = world.admin().await;
    world.send(Call::post(BATCH, &body()).bearer(&admin).key("k-1")).await.ok();
    let other = json!({"cards": [{"card_id": "c"}]});
    let answer = world.send(Call::post(BATCH, &other).bearer(&admin).key("k-1")).await;
    assert_eq!(answer.refusal(), (409, "IDEMPOTENCY_KEY_REUSED".into()));
    world.send(Call::post(BATCH, &other).bearer(&admin).key("k-2")).await.ok();
}

#[tokio::test]
async fn a_key_belongs_to_its_client_and_its_operation() {
    let world = World::new().await;
    let (admin, other) = (world.admin().await, world.token_with(&["write:wallets"]).await);
    world.send(Call::post(BATCH, &body()).bearer(&admin).key("k-1")).await.ok();
    let answer = world.send(Call::post(BATCH, &body()).bearer(&other).key("k-1")).await;
    assert_eq!(answer.refusal(), (409, "CARD_ID_TAKEN".into()), "another client's key is another key");
    let card = json!({"card_id": "c", "amount": 1, "currency": "NOK"});
    world.send(Call::post("wallets/cards", &card).bearer(&admin).key("k-1")).await.ok();
}

#[tokio::test]
async fn a_refused_request_is_not_remembered() {
    let world = World::new().await;
    let admin = world.admin().await;
    let card = |id: &str| json!({"card_id": id, "amount": 1, "currency": "NOK"});
    world.send(Call::post("wallets/cards", &card("a")).bearer(&admin)).await.ok();
    let refused = world.send(Call::post("wallets/cards", &card("a")).bearer(&admin).key("k-1")).await;
    assert_eq!(refused.refusal(), (409, "CARD_ID_TAKEN".into()));
    assert_eq!(refused.paths(), [json!(["card_id"])]);
    world.send(Call::post("wallets/cards", &card("b")).bearer(&admin).key("k-1")).await.ok();
}

#[tokio::test]
async fn after_24_hours_a_key_is_as_good_as_new() {
    let world = World::new().await;
    let admin = world.admin().await;
    world.send(Call::post(BATCH, &body()).bearer(&admin).key("k-1")).await.ok();
    world.clock.advance_seconds(86_400);
    let admin = world.admin().await;
    let answer = world.send(Call::post(BATCH, &body()).bearer(&admin).key("k-1")).await;
    assert_eq!(answer.refusal(), (409, "CARD_ID_TAKEN".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_at_once_make_one_batch() {
    let world = World::new().await;
    let admin = world.admin().await;
    let calls = (0..20).map(|_| {
        let call = Call::post(BATCH, &body()).bearer(&admin).key("k-1");
        let router = world.router();
        tokio::spawn(async move { crate::world::send_to(&router, call).await })
    });
    let calls: Vec<_> = calls.collect();
    let mut answers: Vec<Answer> = Vec::new();
    for call in calls {
        answers.push(call.await.expect("an answer"));
    }
    for answer in &answers {
        answer.ok();
        assert_eq!(answer.bytes, answers[0].bytes);
    }
}

#[tokio::test]
async fn every_operation_that_shows_a_secret_can_be_asked_again() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (client, _, _) = world.client(&["read:wallets"]).await;
    let card = json!({"card_id": "a", "amount": 500, "currency": "NOK", "pin": {}, "card_token": {}});
    let rotate = format!("auth/clients/{client}/rotate-secret");
    let calls = [
        ("wallets/cards", card),
        ("wallets/cards/a/rotate-pin", json!({"pin": {}})),
        ("wallets/cards/a/tokens", json!({"ref_id": "t", "expires_in": 60, "metadata": {"x": 1}})),
        ("auth/clients", json!({"name": "till"})),
        (rotate.as_str(), json!({})),
    ];
    for (path, body) in &calls {
        let first = world.send(Call::post(path, body).bearer(&admin).key("k-1")).await;
        first.ok();
        world.clock.advance_seconds(1);
        let again = world.send(Call::post(path, body).bearer(&admin).key("k-1")).await;
        again.ok();
        assert_eq!(first.text(), again.text(), "{path}");
        let without = world.send(Call::post(path, body).bearer(&admin)).await;
        assert_ne!(first.bytes, without.bytes, "{path}");
    }
    let other_path = Call::post("wallets/cards/b/rotate-pin", &json!({"pin": {}})).bearer(&admin).key("k-1");
    assert_ne!(world.send(other_path).await.status, 200, "a key stands for one path");
}

#[tokio::test]
async fn malformed_keys_are_refused() {
    let world = World::new().await;
    let admin = world.admin().await;
    for key in ["", "\"open", &"x".repeat(256)] {
        let answer = world.send(Call::post(BATCH, &body()).bearer(&admin).key(key)).await;
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()), "{key}");
        assert_eq!(answer.paths(), [json!(["Idempotency-Key"])]);
    }
    let twice = Call::post(BATCH, &body()).bearer(&admin).key("a").key("a");
    assert_eq!(world.send(twice).await.refusal().0, 400);
}
