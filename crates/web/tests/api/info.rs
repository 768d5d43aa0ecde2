//! Looking cards up, and what a guess is told: one thing.

use serde_json::{Value, json};

use crate::shop::Shop;
use crate::world::{AID, Answer, Call, World};

/// Status, headers and body, but for the request's id.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, answer.text())
}

/// A token of another account, one that has run out, one that was deleted, one of a deleted card, and one that never
/// was.
async fn dead_tokens(shop: &Shop) -> Vec<(&'static str, String)> {
    let value = |token: &Value| token["token"]["value"].as_str().expect("a token").to_owned();
    let outlived = shop.post("wallets/cards/a/tokens", json!({"ref_id": "t1", "expires_in": 60})).await.ok();
    let taken = shop.post("wallets/cards/a/tokens", json!({"ref_id": "t2", "expires_in": 600})).await.ok();
    let path = format!("wallets/cards/a/tokens/{}", taken["id"].as_str().expect("an id"));
    shop.world.send(Call::delete(&path).bearer(&shop.admin)).await.ok();
    let gone = shop.create("gone", 0, json!({"card_token": {}, "pin": {}})).await;
    shop.world.send(Call::delete("wallets/cards/gone").bearer(&shop.admin)).await.ok();
    let other = shop.world.other_account("T87654321").await;
    let body = json!({"card_id": "a", "amount": 1, "currency": "NOK", "card_token": {}});
    let path = "/v1/accounts/T87654321/wallets/cards";
    let call = Call::new(axum::http::Method::POST, path).json(&body).bearer(&other);
    let foreign = shop.world.send(call).await.ok();
    shop.world.clock.advance_seconds(60);
    vec![
        ("unknown", "DINCARD:0f8fad5b-d9cb-469f-a165-70867728950e".to_owned()),
        ("malformed", "4711".to_owned()),
        ("outlived", value(&outlived)),
        ("deleted", value(&taken)),
        ("of a deleted card", value(&gone["card_token"])),
        ("foreign", value(&foreign["card_token"])),
    ]
}

#[tokio::test]
async fn unknown_outlived_deleted_and_foreign_tokens_are_told_apart_by_nothing() {
    let shop = Shop::new().await;
    let tokens = dead_tokens(&shop).await;
    for pin in [json!(null), json!("1234")] {
        let mut first = None;
        for (which, token) in &tokens {
            let looked_up = shop.post("wallets/info", json!({"token": token, "pin": pin})).await;
            let body = json!({"ref_id": "r", "amount": 1, "currency": "NOK", "token": token, "pin": pin});
            let paid = shop.pay(body.clone()).await;
            let mut fund = body;
            fund["type"] = json!("fund");
            let funded = shop.pay(fund).await;
            for answer in [looked_up, paid, funded] {
                assert_eq!(answer.refusal(), (404, "CARD_NOT_FOUND".into()), "{which}");
                let expected = first.get_or_insert_with(|| told(&answer));
                assert_eq!(told(&answer), *expected, "{which} with {pin}");
            }
        }
    }
}

#[tokio::test]
async fn a_card_is_shown_by_its_token_whatever_its_status() {
    let shop = Shop::new().await;
    let info = async |token: &Value| shop.post("wallets/info", json!({"token": token})).await;
    let card = info(&json!(shop.token)).await.ok();
    assert_eq!((&card["card_id"], &card["amount_available"]), (&json!("a"), &json!(50_000)));
    assert!(card.get("card_token").is_none() && card.get("tokens").is_none());
    let batch = shop.batch(&["b"]).await;
    let inactive = info(&batch["cards"][0]["card_token"]["token"]["value"]).await.ok();
    assert_eq!(inactive["status"], "inactive");
    let short = shop.create("c", 10, json!({"card_token": {}, "expires_at": "2027-01-15T08:01:00Z"})).await;
    let token = &short["card_token"]["token"]["value"];
    shop.world.clock.advance_seconds(60);
    assert_eq!(info(token).await.ok()["status"], "expired");
    let sale = json!({"ref_id": "r", "amount": 1, "currency": "NOK", "token": token});
    assert_eq!(shop.pay(sale).await.refusal(), (400, "CARD_EXPIRED".into()));
    shop.post("wallets/cards/a/block", json!({"reason": "lost"})).await.ok();
    assert_eq!(info(&json!(shop.token)).await.ok()["status"], "blocked");
    assert_eq!(shop.pay(shop.sale("r", 1, json!({}))).await.refusal(), (400, "CARD_BLOCKED".into()));
}

#[tokio::test]
async fn a_used_token_still_looks_up() {
    let shop = Shop::new().await;
    let made = shop.post("wallets/cards/a/tokens", json!({"ref_id": "t", "expires_in": 60})).await.ok();
    let token = &made["token"]["value"];
    shop.pay(json!({"ref_id": "r", "amount": 1, "currency": "NOK", "token": token})).await.ok();
    assert_eq!(shop.post("wallets/info", json!({"token": token})).await.ok()["amount_available"], 49_999);
    let with_pin = shop.post("wallets/info", json!({"token": token, "pin": shop.pin})).await;
    assert_eq!(with_pin.ok()["card_id"], "a");
}

#[tokio::test]
async fn every_use_of_unknown_tokens_counts_for_the_client_and_its_network() {
    let shop = Shop::new().await;
    let reader = shop.world.token_with(&["write:wallets:/info"]).await;
    let guess = async |bearer: &str, number: u32, peer: [u8; 4]| {
        let body = json!({"token": format!("DINCARD:{number}")});
        shop.world.send(Call::post("wallets/info", &body).bearer(bearer).peer(peer)).await
    };
    for number in 0..25 {
        assert_eq!(guess(&reader, number, [10, 0, 0, 1]).await.refusal().0, 404);
        let body = json!({"token": format!("DINCARD:{number}"), "pin": "1234"});
        let with_pin = Call::post("wallets/info", &body).bearer(&reader).peer([10, 0, 0, 2]);
        assert_eq!(shop.world.send(with_pin).await.refusal().0, 404);
    }
    let waits = guess(&reader, 99, [10, 0, 0, 3]).await;
    assert_eq!(waits.refusal(), (429, "TOO_MANY_TRIES".into()));
    assert!(waits.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    let known = json!({"token": shop.token});
    let known = Call::post("wallets/info", &known).bearer(&shop.admin).peer([10, 0, 0, 1]);
    shop.world.send(known).await.ok();
}

#[tokio::test]
async fn one_network_of_many_clients_has_to_wait_too() {
    let world = World::new().await;
    let mut refused = 0;
    for _ in 0..5 {
        let bearer = world.token_with(&["write:wallets:/info"]).await;
        for number in 0..49 {
            let body = json!({"token": format!("DINCARD:{number}")});
            let call = Call::post("wallets/info", &body).bearer(&bearer).peer([10, 0, 0, 1]);
            refused += u32::from(world.send(call).await.status == 429);
        }
    }
    assert_eq!(refused, 5 * 49 - 200, "{AID}");
}
