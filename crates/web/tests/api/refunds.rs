//! Money that is put on or given back.

use serde_json::json;

use crate::shop::Shop;
use crate::world::Call;

#[tokio::test]
async fn money_is_put_on_by_token_and_by_card_id() {
    let shop = Shop::new().await;
    let first = shop.pay(shop.sale("f1", 1_000, json!({"type": "fund"}))).await.ok();
    assert_eq!(
        (&first["type"], &first["reason"], &first["balance"]),
        (&json!("fund"), &json!("fund"), &json!(51_000))
    );
    let by_id = json!({"ref_id": "f2", "amount": 1, "currency": "NOK", "card_id": "a", "type": "fund"});
    assert_eq!(shop.pay(by_id.clone()).await.ok()["balance"], 51_001);
    assert_eq!(shop.pay(by_id).await.ok()["balance"], 51_001, "a repeat adds nothing");
    let too_much = shop.pay(shop.sale("f3", 1_000_000_000_000, json!({"type": "fund"}))).await;
    assert_eq!(
        (too_much.refusal(), too_much.paths()),
        ((400, "AMOUNT_LIMIT".into()), vec![json!(["amount"])])
    );
}

#[tokio::test]
async fn refunds_of_a_drawdown_never_pass_its_amount() {
    let shop = Shop::new().await;
    let sale = shop.paid("s", 10_000, json!({})).await;
    let refund = |ref_id: &str, amount: i64| {
        json!({
            "ref_id": ref_id, "amount": amount, "currency": "NOK", "card_id": "a", "type": "fund",
            "parent_id": sale,
        })
    };
    let first = shop.pay(refund("r1", 6_000)).await.ok();
    assert_eq!((&first["reason"], &first["parent_id"]), (&json!("refund"), &json!(sale)));
    let too_much = shop.pay(refund("r2", 4_001)).await;
    assert_eq!(too_much.refusal(), (400, "REFUND_EXCEEDS_DRAWDOWN".into()));
    assert_eq!(too_much.json()["error"]["errors"][0]["details"], json!({"left": 4_000}));
    assert_eq!(shop.pay(refund("r1", 6_000)).await.ok(), first);
    assert_eq!(shop.pay(refund("r1", 1)).await.refusal(), (409, "REF_ID_REUSED".into()));
    assert_eq!(shop.pay(refund("r2", 4_000)).await.ok()["balance"], 50_000);
    let of_nothing = json!({
        "ref_id": "r3", "amount": 1, "currency": "NOK", "card_id": "a", "type": "fund",
        "parent_id": "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b",
    });
    assert_eq!(shop.pay(of_nothing).await.refusal(), (404, "TRANSACTION_NOT_FOUND".into()));
    let of_a_fund = json!({
        "ref_id": "r4", "amount": 1, "currency": "NOK", "card_id": "a", "type": "fund", "parent_id": first["id"],
    });
    assert_eq!(shop.pay(of_a_fund).await.refusal(), (400, "INVALID_REQUEST".into()));
}

#[tokio::test]
async fn a_till_undoes_its_own_drawdown_while_it_may() {
    let shop = Shop::new().await;
    let till = shop.world.token_with(&["write:wallets:/transactions"]).await;
    let sale = async |ref_id: &str| {
        let body = shop.sale(ref_id, 10_000, json!({}));
        let row = shop.world.send(Call::post("wallets/transactions", &body).bearer(&till)).await.ok();
        row["id"].as_str().expect("an id").to_owned()
    };
    let reverse = async |id: &str, ref_id: &str, bearer: &str| {
        let path = format!("wallets/transactions/{id}/reverse");
        shop.world.send(Call::post(&path, &json!({"ref_id": ref_id})).bearer(bearer)).await
    };
    let first = sale("s1").await;
    assert_eq!(reverse(&first, "u", &shop.admin).await.refusal(), (403, "FORBIDDEN".into()));
    let undone = reverse(&first, "u1", &till).await.ok();
    let expected = (&json!("fund"), &json!("reversal"), &json!(10_000), &json!(first), &json!(50_000));
    let told =
        (&undone["type"], &undone["reason"], &undone["amount"], &undone["parent_id"], &undone["balance"]);
    assert_eq!(told, expected);
    assert_eq!(reverse(&first, "u1", &till).await.ok(), undone);
    assert_eq!(reverse(&first, "u2", &till).await.refusal(), (400, "REFUND_EXCEEDS_DRAWDOWN".into()));
    let second = sale("s2").await;
    assert_eq!(reverse(&second, "u1", &till).await.refusal(), (409, "REF_ID_REUSED".into()));
    shop.world.clock.advance_seconds(15 * 60);
    let late = reverse(&second, "u3", &till).await;
    assert_eq!(late.refusal(), (400, "INVALID_REQUEST".into()));
    assert!(late.text().contains("2027-01-15T08:15:00.000Z"), "{}", late.text());
}
