//! Paying with cards.

use serde_json::{Value, json};

use crate::world::{Answer, Call, World};

struct Shop {
    world: World,
    admin: String,
    token: String,
}

impl Shop {
    /// With a card `a` of 500.00 NOK.
    async fn new() -> Self {
        let world = World::new().await;
        let admin = world.admin().await;
        let body = json!({"card_id": "a", "amount": 50_000, "currency": "NOK", "card_token": {}, "pin": {}});
        let made = world.send(Call::post("wallets/cards", &body).bearer(&admin)).await.ok();
        let token = made["card_token"]["token"]["value"].as_str().expect("a token").to_owned();
        Self { world, admin, token }
    }

    async fn pay(&self, bearer: &str, body: Value) -> Answer {
        self.world.send(Call::post("wallets/transactions", &body).bearer(bearer)).await
    }
}

#[tokio::test]
async fn money_is_taken_by_token_by_card_id_and_by_both() {
    let shop = Shop::new().await;
    let sale = json!({
        "ref_id": "r1", "amount": 12_500, "currency": "NOK", "token": shop.token, "type": "drawdown",
        "originated_by": "till 3", "metadata": {"receipt": 7}, "pending": false, "allow_partial": false,
    });
    let taken = shop.pay(&shop.admin, sale).await.ok();
    let expected = [
        ("ref_id", json!("r1")),
        ("type", json!("drawdown")),
        ("amount", json!(12_500)),
        ("currency", json!("NOK")),
        ("originated_by", json!("till 3")),
        ("metadata", json!({"receipt": 7})),
        ("created_at", json!("2027-01-15T08:00:00.000Z")),
        ("card_id", json!("a")),
        ("reason", json!("sale")),
        ("seq", json!(2)),
        ("balance", json!(37_500)),
        ("available", json!(37_500)),
    ];
    for (field, value) in expected {
        assert_eq!(taken[field], value, "{field}");
    }
    let by_id = json!({"ref_id": "r2", "amount": 1, "currency": "NOK", "card_id": "a"});
    assert_eq!(shop.pay(&shop.admin, by_id).await.ok()["balance"], 37_499);
    let by_both =
        json!({"ref_id": "r3", "amount": 1, "currency": "NOK", "card_id": "a", "token": shop.token});
    assert_eq!(shop.pay(&shop.admin, by_both).await.ok()["balance"], 37_498);
    let apart = json!({"ref_id": "r4", "amount": 1, "currency": "NOK", "card_id": "b", "token": shop.token});
    assert_eq!(shop.pay(&shop.admin, apart).await.refusal(), (404, "CARD_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_time_and_takes_nothing() {
    let shop = Shop::new().await;
    let sale =
        |amount: i64| json!({"ref_id": "r1", "amount": amount, "currency": "NOK", "token": shop.token});
    let first = shop.pay(&shop.admin, sale(100)).await;
    first.ok();
    assert_eq!(first.bytes, shop.pay(&shop.admin, sale(100)).await.bytes);
    let other = shop.pay(&shop.admin, sale(101)).await;
    assert_eq!((other.refusal(), other.paths()), ((409, "REF_ID_REUSED".into()), vec![json!(["ref_id"])]));
}

#[tokio::test]
async fn rules_refuse_with_their_numbers() {
    let shop = Shop::new().await;
    let sale = |amount: i64, currency: &str| {
        let token = &shop.token;
        json!({"ref_id": "r", "amount": amount, "currency": currency, "token": token})
    };
    let funds = shop.pay(&shop.admin, sale(50_001, "NOK")).await;
    assert_eq!(funds.refusal(), (400, "INSUFFICIENT_FUNDS".into()));
    assert_eq!(funds.json()["error"]["errors"][0]["details"], json!({"available": 50_000}));
    assert_eq!(funds.paths(), [json!(["amount"])]);
    let currency = shop.pay(&shop.admin, sale(1, "SEK")).await;
    assert_eq!(currency.refusal(), (400, "CURRENCY_MISMATCH".into()));
    assert_eq!(currency.json()["error"]["errors"][0]["details"], json!({"currency": "NOK"}));
    let cards = json!({"cards": [{"card_id": "b"}]});
    shop.world.send(Call::post("wallets/cards/batch", &cards).bearer(&shop.admin)).await.ok();
    let inactive = json!({"ref_id": "r", "amount": 1, "currency": "NOK", "card_id": "b"});
    assert_eq!(shop.pay(&shop.admin, inactive.clone()).await.refusal(), (400, "CARD_INACTIVE".into()));
    let later = json!({"amount": 1, "currency": "NOK", "active_from": "2028-01-01T00:00:00Z"});
    shop.world.send(Call::post("wallets/cards/b/activate", &later).bearer(&shop.admin)).await.ok();
    let early = shop.pay(&shop.admin, inactive).await;
    assert_eq!(early.refusal(), (400, "CARD_NOT_YET_ACTIVE".into()));
    assert!(early.text().contains("2028-01-01T00:00:00.000Z"));
}

#[tokio::test]
async fn what_is_not_done_yet_is_refused_and_not_ignored() {
    let shop = Shop::new().await;
    let fields = [
        ("type", json!("fund")),
        ("pending", json!(true)),
        ("pin", json!("123456")),
        ("parent_id", json!("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")),
        ("allow_partial", json!(true)),
        ("expires_in", json!(60)),
    ];
    for (field, value) in fields {
        let mut body = json!({"ref_id": "r", "amount": 1, "currency": "NOK", "token": shop.token});
        body[field] = value;
        let answer = shop.pay(&shop.admin, body).await;
        assert_eq!(
            (answer.refusal(), answer.paths()),
            ((400, "INVALID_REQUEST".into()), vec![json!([field])])
        );
        assert!(answer.text().contains("does not do yet"), "{field}");
    }
    let card = shop.world.send(Call::get("wallets/cards/a").bearer(&shop.admin)).await.ok();
    assert_eq!(card["amount_available"], 50_000);
}

#[tokio::test]
async fn every_fault_of_a_transaction_is_told_at_once() {
    let shop = Shop::new().await;
    let answer = shop.pay(&shop.admin, json!({"amount": 0, "currency": "", "pending": true})).await;
    let expected = ["amount", "currency", "pending", "ref_id", "token"];
    assert_eq!((answer.refusal().0, answer.paths()), (400, expected.map(|name| json!([name])).to_vec()));
    let empty =
        shop.pay(&shop.admin, json!({"ref_id": "r", "amount": 1, "currency": "NOK", "token": ""})).await;
    assert_eq!(empty.paths(), [json!(["token"])]);
}

#[tokio::test]
async fn who_may_only_redeem_must_have_the_token() {
    let shop = Shop::new().await;
    let narrow = shop.world.token_with(&["write:wallets:/transactions"]).await;
    let sale = |fields: Value| {
        let mut body = json!({"ref_id": "r1", "amount": 1, "currency": "NOK"});
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        body
    };
    let by_id = shop.pay(&narrow, sale(json!({"card_id": "a"}))).await;
    assert_eq!(by_id.refusal(), (403, "FORBIDDEN".into()));
    let unknown = shop.pay(&narrow, sale(json!({"card_id": "nothing"}))).await;
    assert_eq!(unknown.bytes, by_id.bytes, "nothing is learned about which cards there are");
    shop.pay(&narrow, sale(json!({"card_id": "a", "token": shop.token}))).await.ok();
    shop.pay(&narrow, sale(json!({"ref_id": "r2", "token": shop.token}))).await.ok();
}

#[tokio::test]
async fn guessing_tokens_has_to_wait() {
    let shop = Shop::new().await;
    let sale = |token: String| json!({"ref_id": "r", "amount": 1, "currency": "NOK", "token": token});
    let mut last = shop.pay(&shop.admin, sale("DINCARD:0".to_owned())).await;
    let not_found = last.text();
    for guess in 1..50 {
        last = shop.pay(&shop.admin, sale(format!("DINCARD:{guess}"))).await;
        assert_eq!(last.text(), not_found);
    }
    let waits = shop.pay(&shop.admin, sale(shop.token.clone())).await;
    assert_eq!(waits.refusal(), (429, "TOO_MANY_TRIES".into()));
    let seconds: i64 = waits.header("retry-after").parse().expect("seconds");
    shop.world.clock.advance_seconds(seconds);
    shop.pay(&shop.admin, sale(shop.token.clone())).await.ok();
}

#[tokio::test]
async fn a_single_use_token_is_used_up() {
    let shop = Shop::new().await;
    let body = json!({"ref_id": "t", "expires_in": 60});
    let made = shop.world.send(Call::post("wallets/cards/a/tokens", &body).bearer(&shop.admin)).await.ok();
    let token = &made["token"]["value"];
    let sale = |ref_id: &str| json!({"ref_id": ref_id, "amount": 1, "currency": "NOK", "token": token});
    shop.pay(&shop.admin, sale("r1")).await.ok();
    assert_eq!(shop.pay(&shop.admin, sale("r2")).await.refusal(), (400, "TOKEN_USED".into()));
    shop.pay(&shop.admin, sale("r1")).await.ok();
    shop.world.clock.advance_seconds(60);
    assert_eq!(shop.pay(&shop.admin, sale("r3")).await.refusal(), (404, "CARD_NOT_FOUND".into()));
}
