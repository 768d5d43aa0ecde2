//! Another card takes a card's place.

use serde_json::json;

use crate::shop::{Shop, with};
use crate::world::Call;

const PATH: &str = "wallets/cards/a/replace";

#[tokio::test]
async fn a_new_card_takes_the_money_and_shows_its_secrets_once() {
    let shop = Shop::new().await;
    shop.patch("wallets/cards/a", json!({"customer_id": "kari", "name": "Spring"})).await.ok();
    let sale = shop.paid("s", 10_000, json!({})).await;
    let body = json!({
        "ref_id": "r", "card_id": "new", "reason_code": "lost", "pin": {"format": {"length": 4}}, "card_token": {},
    });
    let replaced = shop.post(PATH, body.clone()).await.ok();
    let row = &replaced["transaction"];
    assert_eq!(
        (&row["type"], &row["reason"], &row["amount"]),
        (&json!("drawdown"), &json!("replace"), &json!(40_000))
    );
    assert_eq!((&row["reason_code"], &row["card_id"]), (&json!("lost"), &json!("a")));
    assert_eq!(
        (&replaced["old_card"]["status"], &replaced["old_card"]["amount_balance"]),
        (&json!("blocked"), &json!(0))
    );
    let new = &replaced["card"];
    assert_eq!(
        (&new["card_id"], &new["customer_id"], &new["name"]),
        (&json!("new"), &json!("kari"), &json!("Spring"))
    );
    assert_eq!(new["amount_available"], 40_000);
    assert_eq!(shop.history("new").await[0]["parent_id"], row["id"]);
    let (token, pin) = (&replaced["card_token"]["token"]["value"], &replaced["pin"]["pin"]["value"]);
    shop.pay(json!({"ref_id": "p", "amount": 1, "currency": "NOK", "token": token, "pin": pin})).await.ok();
    let old = shop.pay(shop.sale("o", 1, json!({}))).await;
    assert_eq!(old.refusal(), (400, "CARD_BLOCKED".into()));
    let refund = json!({
        "ref_id": "back", "amount": 5, "currency": "NOK", "card_id": "a", "type": "fund", "parent_id": sale,
    });
    assert_eq!(shop.pay(refund).await.ok()["card_id"], "new", "what is given back goes to the new card");
    let again = shop.post(PATH, body.clone()).await.ok();
    assert_eq!(again["transaction"], *row);
    assert!(again.get("pin").is_none() && again.get("card_token").is_none(), "secrets are shown once");
    let other = shop.post(PATH, with(body, json!({"card_id": "third"}))).await;
    assert_eq!(other.refusal(), (409, "REF_ID_REUSED".into()));
    let unblocked = shop.post("wallets/cards/a/unblock", json!({"reason": "found"})).await;
    assert_eq!(unblocked.refusal(), (400, "CARD_BLOCKED".into()));
}

#[tokio::test]
async fn a_lost_answer_can_be_had_again_under_its_key() {
    let shop = Shop::new().await;
    let body = json!({"ref_id": "r", "card_id": "new", "reason_code": "lost", "pin": {}, "card_token": {}});
    let call = || Call::post(PATH, &body).bearer(&shop.admin).key("k");
    let first = shop.world.send(call()).await;
    assert!(first.ok()["card_token"]["token"]["value"].is_string());
    shop.patch("settings", json!({"token": {"format": {"length": 20, "numbers": true}}})).await.ok();
    let again = shop.world.send(call()).await;
    assert_eq!(again.text(), first.text());
    let other =
        Call::post(PATH, &with(body.clone(), json!({"reason_code": "x"}))).bearer(&shop.admin).key("k");
    assert_eq!(shop.world.send(other).await.refusal(), (409, "IDEMPOTENCY_KEY_REUSED".into()));
    let without = shop.post(PATH, body).await.ok();
    assert!(without.get("card_token").is_none());
}

#[tokio::test]
async fn an_inactive_card_in_the_hand_keeps_its_own_secrets() {
    let shop = Shop::new().await;
    let batch = shop.batch(&["b"]).await;
    let token = &batch["cards"][0]["card_token"]["token"]["value"];
    let body = json!({"ref_id": "r", "card_id": "b", "reason_code": "worn", "card_token": {}});
    let call = || Call::post(PATH, &body).bearer(&shop.admin).key("k");
    let replaced = shop.world.send(call()).await.ok();
    assert!(replaced.get("card_token").is_none());
    assert_eq!(replaced["card"]["id"], batch["cards"][0]["id"]);
    assert_eq!(shop.world.send(call()).await.ok(), replaced, "under its key too");
    shop.pay(json!({"ref_id": "p", "amount": 1, "currency": "NOK", "token": token})).await.ok();
}

#[tokio::test]
async fn what_cannot_be_replaced_is_refused_by_name() {
    let shop = Shop::new().await;
    shop.create("used", 10, json!({})).await;
    shop.batch(&["inactive", "gone"]).await;
    shop.world.send(Call::delete("wallets/cards/gone").bearer(&shop.admin)).await.ok();
    let body = |card_id: &str| json!({"ref_id": "r", "card_id": card_id, "reason_code": "lost"});
    let taken = shop.post(PATH, body("used")).await;
    assert_eq!(taken.refusal(), (400, "CARD_NOT_INACTIVE".into()));
    let gone = shop.post(PATH, body("gone")).await;
    assert_eq!((gone.refusal(), gone.paths()), ((409, "CARD_ID_TAKEN".into()), vec![json!(["card_id"])]));
    let inactive = shop.post("wallets/cards/inactive/replace", body("new")).await;
    assert_eq!(inactive.refusal(), (400, "CARD_INACTIVE".into()));
    let nothing = shop.post("wallets/cards/nothing/replace", body("new")).await;
    assert_eq!(nothing.refusal(), (404, "CARD_NOT_FOUND".into()));
    shop.paid("l", 1, json!({"pending": true})).await;
    assert_eq!(shop.post(PATH, body("new")).await.refusal(), (400, "CARD_HAS_LOCKS".into()));
    let faults = shop.post(PATH, json!({"pin": {"format": {"length": 1}}})).await;
    let expected =
        [json!(["card_id"]), json!(["pin", "format", "length"]), json!(["reason_code"]), json!(["ref_id"])];
    assert_eq!(faults.paths(), expected);
}
