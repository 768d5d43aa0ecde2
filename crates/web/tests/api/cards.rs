//! The way of cards: made, sold, changed, deleted.

use serde_json::{Value, json};

use crate::world::{Answer, Call, World};

async fn create(world: &World, admin: &str, body: &Value) -> Answer {
    world.send(Call::post("wallets/cards", body).bearer(admin)).await
}

async fn batch(world: &World, admin: &str, cards: Value) -> Value {
    world.send(Call::post("wallets/cards/batch", &json!({"cards": cards})).bearer(admin)).await.ok()
}

async fn activate(world: &World, admin: &str, id: &str, body: &Value) -> Answer {
    world.send(Call::post(&format!("wallets/cards/{id}/activate"), body).bearer(admin)).await
}

async fn read(world: &World, admin: &str, id: &str) -> Value {
    world.send(Call::get(&format!("wallets/cards/{id}")).bearer(admin)).await.ok()
}

#[tokio::test]
async fn a_created_card_shows_its_secrets_once() {
    let world = World::new().await;
    let admin = world.admin().await;
    let body = json!({
        "card_id": "a", "amount": 50_000, "currency": "SEK", "type": "credit_note", "customer_id": "kari",
        "name": "Thanks", "originated_by": "till 3", "metadata": {"z": {"y": [1, 2.50]}, "a": null},
        "active_from": "2027-01-01T00:00:00+01:00", "expires_at": "2030-06-01T12:00:00.5-02:00",
        "pin": {"format": {"length": 4}}, "card_token": {"expires_in": 60, "expires_after_transaction": true},
    });
    let answer = create(&world, &admin, &body).await;
    let made = answer.ok();
    for field in ["card_id", "amount", "currency", "type", "customer_id", "name", "originated_by", "metadata"]
    {
        assert_eq!(made[field], body[field], "{field}");
    }
    assert_eq!(made["active_from"], "2026-12-31T23:00:00.000Z");
    assert_eq!(made["expires_at"], "2030-06-01T14:00:00.500Z");
    assert_eq!((&made["status"], &made["amount_available"]), (&json!("unused"), &json!(50_000)));
    assert_eq!(made["card_token"]["expires_at"], "2027-01-15T08:01:00.000Z");
    assert_eq!(made["card_token"]["expires_after_transaction"], true);
    assert!(answer.text().contains(r#""metadata":{"z":{"y":[1,2.5]},"a":null}"#), "as it was written");
    let details = read(&world, &admin, "a").await;
    assert_eq!(details["tokens"][0]["id"], made["card_token"]["id"]);
    assert_eq!(details["pin"], json!({"format": made["pin"]["format"]}));
    assert!(details.get("card_token").is_none());
}

#[tokio::test]
async fn a_card_without_wishes_has_neither_pin_nor_token() {
    let world = World::new().await;
    let admin = world.admin().await;
    let made = create(&world, &admin, &json!({"card_id": "a", "amount": 0, "currency": "NOK"})).await.ok();
    assert!(made.get("pin").is_none() && made.get("card_token").is_none());
    assert_eq!(
        (&made["status"], &made["type"], &made["metadata"]),
        (&json!("unused"), &json!("gift_card"), &json!({}))
    );
    assert_eq!(read(&world, &admin, "a").await["tokens"], json!([]));
    let taken = create(&world, &admin, &json!({"card_id": "a", "amount": 0, "currency": "NOK"})).await;
    assert_eq!((taken.refusal(), taken.paths()), ((409, "CARD_ID_TAKEN".into()), vec![json!(["card_id"])]));
}

#[tokio::test]
async fn every_fault_of_a_card_is_told_at_once() {
    let world = World::new().await;
    let admin = world.admin().await;
    let body = json!({
        "currency": "nok", "amount": -1, "expires_at": "2020-01-01T00:00:00Z", "pin": {"format": {"length": 1}},
        "card_token": {"format": {"length": 1}, "expires_in": 0},
    });
    let answer = create(&world, &admin, &body).await;
    let expected = [
        json!(["amount"]),
        json!(["card_id"]),
        json!(["card_token", "expires_in"]),
        json!(["card_token", "format", "length"]),
        json!(["currency"]),
        json!(["expires_at"]),
        json!(["pin", "format", "length"]),
    ];
    assert_eq!((answer.refusal().0, answer.paths()), (400, expected.to_vec()));
}

#[tokio::test]
async fn activation_fixes_amount_currency_and_dates() {
    let world = World::new().await;
    let admin = world.admin().await;
    let made = batch(&world, &admin, json!([{"card_id": "a", "name": "Spring", "metadata": {"x": 1}}])).await;
    world.clock.advance_seconds(60);
    let body =
        json!({"amount": 50_000, "currency": "EUR", "card_token": {"expires_in": 60}, "customer_id": "kari"});
    let sold = activate(&world, &admin, "a", &body).await.ok();
    assert_eq!(
        (&sold["status"], &sold["amount"], &sold["currency"]),
        (&json!("unused"), &json!(50_000), &json!("EUR"))
    );
    assert_eq!(sold["active_from"], "2027-01-15T08:01:00.000Z");
    assert_eq!(sold["tokens"][0]["expires_at"], "2027-01-15T08:02:00.000Z");
    assert_eq!(
        (&sold["name"], &sold["metadata"], &sold["customer_id"]),
        (&json!("Spring"), &json!({"x": 1}), &json!("kari"))
    );
    assert_eq!(sold["batch_id"], made["cards"][0]["batch_id"]);
    assert_eq!(sold, read(&world, &admin, "a").await);
}

#[tokio::test]
async fn a_second_activation_is_told_of_the_first() {
    let world = World::new().await;
    let admin = world.admin().await;
    batch(&world, &admin, json!([{"card_id": "a"}])).await;
    let body = json!({"amount": 50_000, "currency": "NOK", "ref_id": "r1"});
    activate(&world, &admin, "a", &body).await.ok();
    world.clock.advance_seconds(60);
    let again = activate(&world, &admin, "a", &json!({"amount": 50_000, "currency": "NOK"})).await;
    assert_eq!(again.refusal(), (400, "CARD_NOT_INACTIVE".into()));
    let clients = world.send(Call::get("auth/clients").bearer(&admin)).await.ok();
    let details = json!({
        "activated_at": "2027-01-15T08:00:00.000Z", "activated_by": clients[0]["id"], "amount": 50_000,
        "currency": "NOK",
    });
    assert_eq!(again.json()["error"]["errors"][0]["details"], details);
    let message = again.json()["error"]["message"].as_str().expect("a message").to_owned();
    assert!(
        message.contains("at 2027-01-15T08:00:00.000Z by ") && message.ends_with("with 500.00 NOK"),
        "{message}"
    );
    assert_eq!(
        activate(&world, &admin, "a", &body).await.ok()["status"],
        "unused",
        "the same ref_id answers the card"
    );
    let other = activate(&world, &admin, "a", &json!({"amount": 1, "currency": "NOK", "ref_id": "r1"})).await;
    assert_eq!(other.refusal(), (409, "REF_ID_REUSED".into()));
    let unknown = activate(&world, &admin, "b", &body).await;
    assert_eq!(unknown.refusal(), (404, "CARD_NOT_FOUND".into()));
    let late = activate(
        &world,
        &admin,
        "a",
        &json!({"amount": 1, "currency": "NOK", "expires_at": "2020-01-01T00:00:00Z"}),
    )
    .await;
    assert_eq!(late.refusal(), (400, "CARD_NOT_INACTIVE".into()));
}

#[tokio::test]
async fn a_new_pin_is_shown_once_and_told_by_its_format() {
    let world = World::new().await;
    let admin = world.admin().await;
    create(&world, &admin, &json!({"card_id": "a", "amount": 1, "currency": "NOK"})).await.ok();
    let rotate = |body: Value| Call::post("wallets/cards/a/rotate-pin", &body).bearer(&admin);
    let made = world.send(rotate(json!({"pin": {"format": {"length": 8, "qr": true}}}))).await.ok();
    assert_eq!(made["pin"]["pin"]["value"].as_str().map(str::len), Some(8));
    assert!(made["pin"]["pin"]["qr"].is_string());
    assert_eq!(read(&world, &admin, "a").await["pin"], json!({"format": made["pin"]["format"]}));
    assert_eq!(world.send(rotate(json!({}))).await.paths(), [json!(["pin"])]);
    let unknown = Call::post("wallets/cards/b/rotate-pin", &json!({"pin": {}})).bearer(&admin);
    assert_eq!(world.send(unknown).await.refusal(), (404, "CARD_NOT_FOUND".into()));
}

#[tokio::test]
async fn tokens_are_added_and_taken_away() {
    let world = World::new().await;
    let admin = world.admin().await;
    create(&world, &admin, &json!({"card_id": "a", "amount": 1, "currency": "NOK"})).await.ok();
    let call = |body: Value| Call::post("wallets/cards/a/tokens", &body).bearer(&admin);
    let made = world.send(call(json!({"ref_id": "t1", "expires_in": 60, "metadata": {"x": 1}}))).await.ok();
    assert_eq!((&made["ref_id"], &made["expires_after_transaction"]), (&json!("t1"), &json!(true)));
    assert_eq!((&made["expires_in"], &made["expires_at"]), (&json!(60), &json!("2027-01-15T08:01:00.000Z")));
    let again = world.send(call(json!({"ref_id": "t1", "expires_in": 60}))).await;
    assert_eq!(again.refusal(), (409, "REF_ID_REUSED".into()));
    assert_eq!(
        world.send(call(json!({"format": 1}))).await.paths(),
        [json!(["expires_in"]), json!(["format"]), json!(["ref_id"])]
    );
    let id = made["id"].as_str().expect("an id");
    let delete = || Call::delete(&format!("wallets/cards/a/tokens/{id}")).bearer(&admin);
    let gone = world.send(delete()).await.ok();
    assert_eq!(gone["id"], id);
    assert!(
        gone.get("token").is_none() && gone["masked_code"].as_str().is_some_and(|code| code.contains("****"))
    );
    assert_eq!(world.send(delete()).await.refusal(), (404, "NOT_FOUND".into()));
    let sale = json!({"ref_id": "r", "amount": 1, "currency": "NOK", "token": made["token"]["value"]});
    let sale = world.send(Call::post("wallets/transactions", &sale).bearer(&admin)).await;
    assert_eq!(sale.refusal(), (404, "CARD_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_deleted_card_is_gone_and_its_id_stays_taken() {
    let world = World::new().await;
    let admin = world.admin().await;
    let card = json!({"card_id": "a", "amount": 0, "currency": "NOK"});
    create(&world, &admin, &card).await.ok();
    let deleted = world.send(Call::delete("wallets/cards/a").bearer(&admin)).await.ok();
    assert_eq!(deleted["status"], "deleted");
    for call in [Call::get("wallets/cards/a"), Call::delete("wallets/cards/a")] {
        assert_eq!(world.send(call.bearer(&admin)).await.refusal(), (404, "CARD_NOT_FOUND".into()));
    }
    let found = world
        .send(Call::get("wallets/cards/a?include_deleted=true&includes=tokens").bearer(&admin))
        .await
        .ok();
    assert_eq!(found["status"], "deleted");
    assert_eq!(create(&world, &admin, &card).await.refusal(), (409, "CARD_ID_TAKEN".into()));
    let odd = world.send(Call::get("wallets/cards/a?include_deleted=yes").bearer(&admin)).await;
    assert_eq!((odd.refusal().0, odd.paths()), (400, vec![json!(["include_deleted"])]));
}
