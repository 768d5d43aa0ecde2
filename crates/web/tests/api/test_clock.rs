//! A test account's own clock.

use serde_json::json;

use crate::shop::Shop;
use crate::world::Call;

#[tokio::test]
async fn cards_tokens_and_locks_go_by_the_moved_clock() {
    let shop = Shop::new().await;
    shop.create("short", 10, json!({"expires_at": "2027-01-16T08:00:00Z"})).await;
    let token = shop.post("wallets/cards/a/tokens", json!({"ref_id": "t", "expires_in": 86_400})).await.ok();
    shop.paid("l", 1_000, json!({"pending": true, "expires_in": 86_400})).await;
    let moved = shop.post("test-clock", json!({"ahead_seconds": 86_400})).await.ok();
    assert_eq!(moved, json!({"now": "2027-01-16T08:00:00.000Z", "ahead_seconds": 86_400}));
    assert_eq!(shop.card("short").await["status"], "expired");
    let listed = shop.get("wallets/cards?status=expired").await.ok();
    assert_eq!(listed["cards"][0]["card_id"], "short");
    assert_eq!(shop.card("a").await["amount_reserved"], 0);
    let info = shop.post("wallets/info", json!({"token": token["token"]["value"]})).await;
    assert_eq!(info.refusal(), (404, "CARD_NOT_FOUND".into()));
    let sale = shop.pay(shop.sale("s", 1, json!({}))).await.ok();
    assert_eq!(sale["created_at"], "2027-01-16T08:00:00.000Z");
    let early = json!({"card_id": "x", "amount": 1, "currency": "NOK", "expires_at": "2027-01-16T07:00:00Z"});
    assert_eq!(shop.post("wallets/cards", early).await.paths(), [json!(["expires_at"])]);
    assert_eq!(shop.get("wallets/reports/liability").await.ok()["at"], "2027-01-16T08:00:00.000Z");
}

#[tokio::test]
async fn the_clock_goes_forward_only_and_the_same_twice_is_the_same() {
    let shop = Shop::new().await;
    let set = async |seconds: i64| shop.post("test-clock", json!({"ahead_seconds": seconds})).await;
    let first = set(60).await.ok();
    assert_eq!(set(60).await.ok(), first);
    let back = set(59).await;
    assert_eq!(
        (back.refusal(), back.paths()),
        ((400, "INVALID_REQUEST".into()), vec![json!(["ahead_seconds"])])
    );
    assert_eq!(back.json()["error"]["errors"][0]["details"], json!({"ahead_seconds": 60}));
    assert_eq!(set(-1).await.paths(), [json!(["ahead_seconds"])]);
    let ten_years = 3_650 * 86_400;
    let far = set(ten_years + 1).await;
    assert_eq!((far.refusal().0, far.paths()), (400, vec![json!(["ahead_seconds"])]));
    assert_eq!(set(ten_years).await.ok()["ahead_seconds"], ten_years);
}

#[tokio::test]
async fn production_has_no_clock_of_its_own() {
    let shop = Shop::new().await;
    let production = shop.world.other_account("P12345678").await;
    let path = "/v1/accounts/P12345678/test-clock";
    let call =
        Call::new(axum::http::Method::POST, path).json(&json!({"ahead_seconds": 60})).bearer(&production);
    let refused = shop.world.send(call).await;
    assert_eq!(refused.refusal(), (400, "INVALID_REQUEST".into()));
    assert!(refused.text().contains("test account"));
}

#[tokio::test]
async fn an_answer_is_kept_by_the_servers_clock_and_dated_as_it_was_made() {
    let shop = Shop::new().await;
    shop.post("test-clock", json!({"ahead_seconds": 60})).await.ok();
    let body = json!({"card_id": "k", "amount": 1, "currency": "NOK", "card_token": {}});
    let ask = async || {
        let admin = shop.world.admin().await;
        shop.world.send(Call::post("wallets/cards", &body).bearer(&admin).key("k-1")).await
    };
    let first = ask().await.ok();
    assert_eq!(first["created_at"], "2027-01-15T08:01:00.000Z");
    shop.post("test-clock", json!({"ahead_seconds": 30 * 86_400})).await.ok();
    shop.world.clock.advance_seconds(86_399);
    assert_eq!(ask().await.ok(), first);
    shop.world.clock.advance_seconds(1);
    assert_eq!(ask().await.refusal(), (409, "CARD_ID_TAKEN".into()));
}
