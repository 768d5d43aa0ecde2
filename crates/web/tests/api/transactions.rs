//! Paying with cards.

use serde_json::{Value, json};

use crate::shop::Shop;
use crate::world::Call;

#[tokio::test]
async fn money_is_taken_by_token_by_card_id_and_by_both() {
    let shop = Shop::new().await;
    let sale = json!({
        "ref_id": "r1", "amount": 12_500, "currency": "NOK", "token": shop.token, "type": "drawdown",
        "originated_by": "till 3", "metadata": {"receipt": 7}, "pending": false, "allow_partial": false,
    });
    let taken = shop.pay(sale).await.ok();
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
    assert_eq!(shop.pay(by_id).await.ok()["balance"], 37_499);
    let by_both =
        json!({"ref_id": "r3", "amount": 1, "currency": "NOK", "card_id": "a", "token": shop.token});
    assert_eq!(shop.pay(by_both).await.ok()["balance"], 37_498);
    let apart = json!({"ref_id": "r4", "amount": 1, "currency": "NOK", "card_id": "b", "token": shop.token});
    assert_eq!(shop.pay(apart).await.refusal(), (404, "CARD_NOT_FOUND".into()));
}

#[tokio::test]
async fn a_repeat_is_answered_as_the_first_time_and_takes_nothing() {
    let shop = Shop::new().await;
    let sale =
        |amount: i64| json!({"ref_id": "r1", "amount": amount, "currency": "NOK", "token": shop.token});
    let first = shop.pay(sale(100)).await;
    first.ok();
    assert_eq!(first.bytes, shop.pay(sale(100)).await.bytes);
    let other = shop.pay(sale(101)).await;
    assert_eq!((other.refusal(), other.paths()), ((409, "REF_ID_REUSED".into()), vec![json!(["ref_id"])]));
}

#[tokio::test]
async fn rules_refuse_with_their_numbers() {
    let shop = Shop::new().await;
    let sale = |amount: i64, currency: &str| {
        let token = &shop.token;
        json!({"ref_id": "r", "amount": amount, "currency": currency, "token": token})
    };
    let funds = shop.pay(sale(50_001, "NOK")).await;
    assert_eq!(funds.refusal(), (400, "INSUFFICIENT_FUNDS".into()));
    assert_eq!(funds.json()["error"]["errors"][0]["details"], json!({"available": 50_000}));
    assert_eq!(funds.paths(), [json!(["amount"])]);
    let currency = shop.pay(sale(1, "SEK")).await;
    assert_eq!(currency.refusal(), (400, "CURRENCY_MISMATCH".into()));
    assert_eq!(currency.json()["error"]["errors"][0]["details"], json!({"currency": "NOK"}));
    let cards = json!({"cards": [{"card_id": "b"}]});
    shop.world.send(Call::post("wallets/cards/batch", &cards).bearer(&shop.admin)).await.ok();
    let inactive = json!({"ref_id": "r", "amount": 1, "currency": "NOK", "card_id": "b"});
    assert_eq!(shop.pay(inactive.clone()).await.refusal(), (400, "CARD_INACTIVE".into()));
    let later = json!({"amount": 1, "currency": "NOK", "active_from": "2028-01-01T00:00:00Z"});
    shop.world.send(Call::post("wallets/cards/b/activate", &later).bearer(&shop.admin)).await.ok();
    let early = shop.pay(inactive).await;
    assert_eq!(early.refusal(), (400, "CARD_NOT_YET_ACTIVE".into()));
    assert!(early.text().contains("2028-01-01T00:00:00.000Z"));
}

#[tokio::test]
async fn fields_of_another_type_are_refused_and_not_ignored() {
    let shop = Shop::new().await;
    let parent = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    let bodies = [
        ("parent_id", json!({"parent_id": parent})),
        ("expires_in", json!({"expires_in": 60})),
        ("expires_in", json!({"expires_in": 31_536_001, "pending": true})),
        ("expires_in", json!({"type": "fund", "expires_in": 60})),
        ("pending", json!({"type": "fund", "pending": true})),
        ("allow_partial", json!({"type": "fund", "allow_partial": true})),
        ("type", json!({"type": "voided"})),
        ("type", json!({"type": "sale"})),
    ];
    for (field, fields) in bodies {
        let answer = shop.pay(shop.sale("r", 1, fields)).await;
        assert_eq!(
            (answer.refusal(), answer.paths()),
            ((400, "INVALID_REQUEST".into()), vec![json!([field])])
        );
    }
    assert_eq!(shop.card("a").await["amount_available"], 50_000);
}

#[tokio::test]
async fn a_partial_drawdown_takes_what_there_is() {
    let shop = Shop::new().await;
    let partial = json!({"allow_partial": true});
    let taken = shop.pay(shop.sale("r1", 60_000, partial.clone())).await.ok();
    assert_eq!((&taken["amount"], &taken["available"]), (&json!(50_000), &json!(0)));
    assert_eq!(shop.card("a").await["status"], "used");
    let repeat = shop.pay(shop.sale("r1", 60_000, partial.clone())).await.ok();
    assert_eq!(repeat, taken);
    let nothing = shop.pay(shop.sale("r2", 1, partial)).await;
    assert_eq!(nothing.refusal(), (400, "INSUFFICIENT_FUNDS".into()));
}

#[tokio::test]
async fn every_fault_of_a_transaction_is_told_at_once() {
    let shop = Shop::new().await;
    let answer = shop.pay(json!({"amount": 0, "currency": "", "pending": 1})).await;
    let expected = ["amount", "currency", "pending", "ref_id", "token"];
    assert_eq!((answer.refusal().0, answer.paths()), (400, expected.map(|name| json!([name])).to_vec()));
    let empty = shop.pay(json!({"ref_id": "r", "amount": 1, "currency": "NOK", "token": ""})).await;
    assert_eq!(empty.paths(), [json!(["token"])]);
}

#[tokio::test]
async fn who_may_only_redeem_must_have_the_token_and_adds_nothing() {
    let shop = Shop::new().await;
    let narrow = shop.world.token_with(&["write:wallets:/transactions"]).await;
    let sale = |fields: Value| {
        let mut body = json!({"ref_id": "r1", "amount": 1, "currency": "NOK"});
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        Call::post("wallets/transactions", &body).bearer(&narrow)
    };
    let by_id = shop.world.send(sale(json!({"card_id": "a"}))).await;
    assert_eq!(by_id.refusal(), (403, "FORBIDDEN".into()));
    let unknown = shop.world.send(sale(json!({"card_id": "nothing"}))).await;
    assert_eq!(unknown.bytes, by_id.bytes, "nothing is learned about which cards there are");
    let fund = shop.world.send(sale(json!({"token": shop.token, "type": "fund"}))).await;
    assert_eq!(fund.refusal(), (403, "FORBIDDEN".into()));
    shop.world.send(sale(json!({"card_id": "a", "token": shop.token}))).await.ok();
    shop.world.send(sale(json!({"ref_id": "r2", "token": shop.token}))).await.ok();
}

#[tokio::test]
async fn guessing_tokens_has_to_wait() {
    let shop = Shop::new().await;
    let sale = |token: String| json!({"ref_id": "r", "amount": 1, "currency": "NOK", "token": token});
    let mut last = shop.pay(sale("DINCARD:0".to_owned())).await;
    let not_found = last.text();
    for guess in 1..50 {
        last = shop.pay(sale(format!("DINCARD:{guess}"))).await;
        assert_eq!(last.text(), not_found);
    }
    let waits = shop.pay(sale(shop.token.clone())).await;
    assert_eq!(waits.refusal(), (429, "TOO_MANY_TRIES".into()));
    let seconds: i64 = waits.header("retry-after").parse().expect("seconds");
    shop.world.clock.advance_seconds(seconds);
    shop.pay(sale(shop.token.clone())).await.ok();
}

#[tokio::test]
async fn a_single_use_token_is_used_up() {
    let shop = Shop::new().await;
    let body = json!({"ref_id": "t", "expires_in": 60});
    let made = shop.world.send(Call::post("wallets/cards/a/tokens", &body).bearer(&shop.admin)).await.ok();
    let token = &made["token"]["value"];
    let sale = |ref_id: &str| json!({"ref_id": ref_id, "amount": 1, "currency": "NOK", "token": token});
    shop.pay(sale("r1")).await.ok();
    assert_eq!(shop.pay(sale("r2")).await.refusal(), (400, "TOKEN_USED".into()));
    shop.pay(sale("r1")).await.ok();
    shop.world.clock.advance_seconds(60);
    assert_eq!(shop.pay(sale("r3")).await.refusal(), (404, "CARD_NOT_FOUND".into()));
}
