//! What an account chooses, and where it counts.

use serde_json::{Value, json};

use crate::shop::Shop;
use crate::world::Call;

async fn choose(shop: &Shop, change: Value) -> Value {
    shop.patch("settings", change).await.ok()
}

#[tokio::test]
async fn settings_are_read_changed_and_taken_away() {
    let shop = Shop::new().await;
    let before = shop.get("settings").await.ok();
    let expected = [
        ("default_currency", json!("NOK")),
        ("pin_policy", json!("if_sent")),
        ("refund_to_expired", json!("refuse")),
        ("reversal_minutes", json!(15)),
        ("card_day", json!({})),
        ("client_day", json!({})),
    ];
    for (field, value) in expected {
        assert_eq!(before[field], value, "{field}");
    }
    assert_eq!((&before["token"]["format"]["length"], &before["lock_life"]), (&json!(36), &Value::Null));
    let change = json!({
        "default_currency": "SEK", "pin_policy": "required", "refund_to_expired": "allow", "reversal_minutes": 0,
        "lock_life": 60, "balance_max": 5, "activation_max": 4, "card_day": {"amount": 3}, "client_day": {"count": 2},
        "expiry_months": 12, "token": {"format": {"length": 20}, "expires_in": 60, "expires_after_transaction": true},
    });
    let changed = choose(&shop, change.clone()).await;
    for field in change.as_object().expect("an object").keys().filter(|field| *field != "token") {
        assert_eq!(changed[field], change[field], "{field}");
    }
    assert_eq!(
        (&changed["token"]["format"]["length"], &changed["token"]["expires_in"]),
        (&json!(20), &json!(60))
    );
    assert_eq!(shop.get("settings").await.ok(), changed);
    assert_eq!(choose(&shop, json!({})).await, changed, "what is absent stays");
    assert_eq!(choose(&shop, changed.clone()).await, changed, "what was shown may be sent back");
    let none = json!({
        "lock_life": null, "balance_max": null, "activation_max": null, "card_day": null, "client_day": null,
        "expiry_months": null, "token": null,
    });
    let bare = choose(&shop, none).await;
    for field in ["lock_life", "balance_max", "activation_max", "expiry_months"] {
        assert!(bare.get(field).is_none(), "{field}");
    }
    assert_eq!((&bare["card_day"], &bare["token"]), (&json!({}), &before["token"]));
    assert_eq!(bare["pin_policy"], "required");
}

#[tokio::test]
async fn every_fault_of_a_change_is_told_once_and_nothing_changes() {
    let shop = Shop::new().await;
    let before = shop.get("settings").await.ok();
    let change = json!({
        "default_currency": "x", "pin_policy": "never", "refund_to_expired": true, "reversal_minutes": -1,
        "lock_life": 0, "balance_max": -1, "activation_max": 1_000_000_000_001_i64, "card_day": {"amount": "1"},
        "client_day": {"count": -1}, "expiry_months": 0, "token": {"format": {"length": 5}, "expires_in": 0},
    });
    let refused = shop.patch("settings", change).await;
    let expected = [
        json!(["activation_max"]),
        json!(["balance_max"]),
        json!(["card_day", "amount"]),
        json!(["client_day", "count"]),
        json!(["default_currency"]),
        json!(["expiry_months"]),
        json!(["lock_life"]),
        json!(["pin_policy"]),
        json!(["refund_to_expired"]),
        json!(["reversal_minutes"]),
        json!(["token", "expires_in"]),
        json!(["token", "format", "length"]),
    ];
    assert_eq!((refused.refusal().0, refused.paths()), (400, expected.to_vec()));
    assert_eq!(shop.get("settings").await.ok(), before);
}

#[tokio::test]
async fn cards_and_tokens_are_made_as_the_account_chose() {
    let shop = Shop::new().await;
    let numbers = json!({"length": 20, "numbers": true, "prefix": "GK-"});
    choose(
        &shop,
        json!({
            "default_currency": "SEK", "expiry_months": 12,
            "token": {"format": numbers, "expires_in": 600, "expires_after_transaction": true},
        }),
    )
    .await;
    let made = shop.create("b", 10, json!({"card_token": {}})).await;
    assert_eq!(made["expires_at"], "2028-01-15T08:00:00.000Z");
    let token = &made["card_token"];
    let value = token["token"]["value"].as_str().expect("a token");
    assert!(value.len() == 23 && value.starts_with("GK-"), "{value}");
    assert_eq!((&token["expires_in"], &token["expires_after_transaction"]), (&json!(600), &json!(true)));
    let letters = json!({"length": 30, "characters": true});
    let asked = json!({"card_token": {"format": letters, "expires_after_transaction": false}});
    let asked = &shop.create("c", 10, asked).await["card_token"];
    let told = (&asked["format"]["length"], &asked["format"]["numbers"], &asked["format"]["prefix"]);
    assert_eq!(told, (&json!(30), &json!(false), &json!("GK-")));
    assert_eq!(asked["expires_after_transaction"], false);
    let own = shop.create("d", 10, json!({"expires_at": "2030-01-01T00:00:00Z"})).await;
    assert_eq!(own["expires_at"], "2030-01-01T00:00:00.000Z");
    let more = shop.post("wallets/cards/b/tokens", json!({"ref_id": "t"})).await.ok();
    assert_eq!((&more["expires_in"], &more["format"]["length"]), (&json!(600), &json!(20)));
    let batch = shop.batch(&["e"]).await;
    assert_eq!(
        (&batch["cards"][0]["currency"], &batch["cards"][0]["card_token"]["format"]["length"]),
        (&json!("SEK"), &json!(20))
    );
    let body = json!({"amount": 1, "currency": "NOK"});
    let sold = shop.post("wallets/cards/e/activate", body).await.ok();
    assert_eq!(sold["expires_at"], "2028-01-15T08:00:00.000Z");
    let weak =
        json!({"card_id": "f", "amount": 1, "currency": "NOK", "card_token": {"format": {"length": 5}}});
    assert_eq!(shop.post("wallets/cards", weak).await.paths(), [json!(["card_token", "format", "length"])]);
}

#[tokio::test]
async fn an_answer_under_a_key_stays_the_same_when_the_account_chooses_otherwise() {
    let shop = Shop::new().await;
    let calls = || {
        let created = json!({"card_id": "b", "amount": 10, "currency": "NOK", "card_token": {}});
        let token = json!({"ref_id": "t", "expires_in": 60});
        let batch = json!({"cards": [{"card_id": "c"}]});
        [("wallets/cards", created), ("wallets/cards/b/tokens", token), ("wallets/cards/batch", batch)]
            .map(|(path, body)| Call::post(path, &body).bearer(&shop.admin).key("k"))
    };
    let mut first = Vec::new();
    for call in calls() {
        first.push(shop.world.send(call).await);
    }
    choose(&shop, json!({
        "expiry_months": 1, "default_currency": "SEK",
        "token": {"format": {"length": 20, "numbers": true}, "expires_in": 60, "expires_after_transaction": true},
    }))
    .await;
    for (call, first) in calls().into_iter().zip(first) {
        first.ok();
        assert_eq!(shop.world.send(call).await.text(), first.text());
    }
}

#[tokio::test]
async fn limits_hold_where_money_comes_and_goes() {
    let shop = Shop::new().await;
    choose(&shop, json!({"balance_max": 60_000, "activation_max": 20_000})).await;
    let rich = shop.post("wallets/cards", json!({"card_id": "b", "amount": 20_001, "currency": "NOK"})).await;
    assert_eq!((rich.refusal(), rich.paths()), ((400, "AMOUNT_LIMIT".into()), vec![json!(["amount"])]));
    assert_eq!(rich.json()["error"]["errors"][0]["details"], json!({"max": 20_000}));
    let full = shop.pay(shop.sale("f", 10_001, json!({"type": "fund"}))).await;
    assert_eq!(full.refusal(), (400, "BALANCE_LIMIT".into()));
    assert_eq!(full.json()["error"]["errors"][0]["details"], json!({"max": 60_000}));
    shop.pay(shop.sale("f", 10_000, json!({"type": "fund"}))).await.ok();
    choose(&shop, json!({"card_day": {"amount": 100}})).await;
    shop.paid("s1", 100, json!({})).await;
    assert_eq!(shop.pay(shop.sale("s2", 1, json!({}))).await.refusal(), (400, "AMOUNT_LIMIT".into()));
    choose(&shop, json!({"card_day": null, "client_day": {"count": 1}})).await;
    shop.paid("s3", 1, json!({})).await;
    assert_eq!(shop.pay(shop.sale("s4", 1, json!({}))).await.refusal(), (400, "AMOUNT_LIMIT".into()));
    shop.world.clock.advance_seconds(86_400);
    let admin = shop.world.admin().await;
    let next_day = Call::post("wallets/transactions", &shop.sale("s4", 1, json!({}))).bearer(&admin);
    shop.world.send(next_day).await.ok();
}

#[tokio::test]
async fn locks_reversals_and_refunds_go_by_the_settings() {
    let shop = Shop::new().await;
    choose(&shop, json!({"lock_life": 60, "reversal_minutes": 0})).await;
    let sale = shop.paid("s", 100, json!({})).await;
    let late = shop.follow(&sale, "reverse", json!({"ref_id": "u"})).await;
    assert_eq!(late.refusal(), (400, "INVALID_REQUEST".into()));
    shop.paid("l", 1_000, json!({"pending": true})).await;
    shop.create("short", 10, json!({"expires_at": "2027-01-15T08:01:00Z"})).await;
    let sale = json!({"ref_id": "s", "amount": 5, "currency": "NOK", "card_id": "short"});
    let sale = shop.pay(sale).await.ok();
    shop.world.clock.advance_seconds(60);
    assert_eq!(shop.card("a").await["amount_reserved"], 0);
    let refund = json!({
        "ref_id": "r", "amount": 5, "currency": "NOK", "card_id": "short", "type": "fund", "parent_id": sale["id"],
    });
    assert_eq!(shop.pay(refund.clone()).await.refusal(), (400, "CARD_EXPIRED".into()));
    choose(&shop, json!({"refund_to_expired": "allow"})).await;
    shop.pay(refund).await.ok();
}
