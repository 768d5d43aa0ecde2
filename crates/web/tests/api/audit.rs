//! Who did what.

use serde_json::{Value, json};

use crate::shop::Shop;
use crate::world::Call;

async fn actions(shop: &Shop, query: &str) -> Vec<String> {
    let page = shop.get(&format!("audit?limit=100&{query}")).await.ok();
    let records = page["audit"].as_array().expect("records").iter();
    records.map(|record| record["action"].as_str().expect("a word").to_owned()).collect()
}

#[tokio::test]
async fn commands_and_changes_of_money_are_all_there_newest_first() {
    let shop = Shop::new().await;
    shop.world.clock.advance_seconds(1);
    let sale = shop.sale("s", 100, json!({}));
    let paid = shop.world.send(Call::post("wallets/transactions", &sale).bearer(&shop.admin)).await;
    let paid_row = paid.ok();
    shop.world.clock.advance_seconds(1);
    shop.post("wallets/cards/a/block", json!({"reason": "Reported stolen"})).await.ok();
    let page = shop.get("audit?limit=2").await.ok();
    let (block, drawn) = (&page["audit"][0], &page["audit"][1]);
    assert_eq!((&block["action"], &block["note"]), (&json!("block_card"), &json!("Reported stolen")));
    assert_eq!((&block["card_id"], &block["subject"]["type"]), (&json!("a"), &json!("card")));
    assert_eq!(block["created_at"], "2027-01-15T08:00:02.000Z");
    assert_eq!((&drawn["action"], &drawn["transaction"]), (&json!("drawdown"), &paid_row));
    assert_eq!(drawn["request_id"], paid.header("x-request-id"));
    let clients = shop.get("auth/clients").await.ok();
    assert_eq!((&drawn["created_by"], &block["created_by"]), (&clients[0]["id"], &clients[0]["id"]));
    let rest = format!("starting_after={}", page["starting_after"].as_str().expect("a place"));
    assert_eq!(actions(&shop, &rest).await, ["create_card", "create_card"], "the line and its first money");
}

#[tokio::test]
async fn pages_join_without_gap_or_double() {
    let shop = Shop::new().await;
    for number in 0..7 {
        shop.paid(&format!("s{number}"), 1, json!({})).await;
        shop.post("wallets/cards/a/block", json!({"reason": "r"})).await.ok();
        shop.post("wallets/cards/a/unblock", json!({"reason": "r"})).await.ok();
        shop.world.clock.advance_seconds(i64::from(number % 2));
    }
    let whole = shop.get("audit?limit=100").await.ok()["audit"].as_array().expect("records").clone();
    assert_eq!(whole.len(), 2 + 7 * 3);
    let mut pieces: Vec<Value> = Vec::new();
    let mut path = "audit?limit=4".to_owned();
    loop {
        let page = shop.get(&path).await.ok();
        pieces.extend(page["audit"].as_array().expect("records").clone());
        let Some(next) = page["starting_after"].as_str() else { break };
        path = format!("audit?limit=4&starting_after={next}");
    }
    assert_eq!(pieces, whole);
}

#[tokio::test]
async fn filters_hold_together() {
    let shop = Shop::new().await;
    shop.create("b", 10, json!({})).await;
    shop.world.clock.advance_seconds(60);
    let (client, client_id, secret) = shop.world.client(&["write:wallets"]).await;
    let till = shop.world.token("T12345678", &client_id, &secret).await;
    let body = json!({"reason": "r"});
    shop.world.send(Call::post("wallets/cards/b/block", &body).bearer(&till)).await.ok();
    assert_eq!(actions(&shop, &format!("created_by={client}")).await, ["block_card"]);
    assert_eq!(actions(&shop, "action=block_card&card_id=b").await, ["block_card"]);
    assert_eq!(actions(&shop, "action=block_card&card_id=a").await, [""; 0]);
    assert_eq!(actions(&shop, "card_id=b&created_at.lt=2027-01-15T08:00:01Z").await, ["create_card"; 2]);
    assert_eq!(actions(&shop, "card_id=b&created_at.gte=2027-01-15T08:00:01Z").await, ["block_card"]);
    let odd = shop.get("audit?limit=0&starting_after=1&action=steal&created_by=x&card_id=").await;
    let expected = ["action", "card_id", "created_by", "limit", "starting_after"];
    assert_eq!((odd.refusal().0, odd.paths()), (400, expected.map(|name| json!([name])).to_vec()));
}
