//! The way of cards: made, read, sold, used, deleted.

use serde_json::json;

use crate::world::{Call, World};

#[tokio::test]
async fn a_batch_card_is_sold_and_used() {
    let world = World::new().await;
    let admin = world.admin().await;
    let body = json!({
        "cards": [{"card_id": "a/b c", "metadata": {"z": 1, "a": [1.50, "x"]}}, {"card_id": "kort-æ", "name": "Spring"}],
        "options": {"pin": {"format": {"length": 4}}, "card_token": {"format": {"qr": true, "barcode": true}}},
    });
    let made = world.send(Call::post("wallets/cards/batch", &body).bearer(&admin)).await.ok();
    println!("{}", serde_json::to_string_pretty(&made).unwrap());
    let read = world.send(Call::get("wallets/cards/a%2Fb%20c").bearer(&admin)).await.ok();
    println!("{}", serde_json::to_string_pretty(&read).unwrap());
    let activate = json!({"amount": 50_000, "currency": "NOK"});
    let sold =
        world.send(Call::post("wallets/cards/a%2Fb%20c/activate", &activate).bearer(&admin)).await.ok();
    println!("{}", serde_json::to_string_pretty(&sold).unwrap());
    let token = made["cards"][0]["card_token"]["token"]["value"].as_str().unwrap();
    let sale = json!({"ref_id": "r1", "amount": 12_500, "currency": "NOK", "token": token});
    let sale = world.send(Call::post("wallets/transactions", &sale).bearer(&admin)).await.ok();
    println!("{}", serde_json::to_string_pretty(&sale).unwrap());
    let bad = json!({"cards":[{"card_id":" a","name":7},{"card_id":"b"},{"card_id":"b","expires_at":"2020-01-01T00:00:00Z"},3],"options":{"card_token":{"format":{"length":3,"numbers":true}}}});
    let bad = world.send(Call::post("wallets/cards/batch", &bad).bearer(&admin)).await;
    println!("{} {:#}", bad.status, bad.json());
    let again = world.send(Call::post("wallets/cards/a%2Fb%20c/activate", &activate).bearer(&admin)).await;
    println!("{} {:#}", again.status, again.json());
}
