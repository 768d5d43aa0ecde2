//! What staff does to a card: block, change, correct, give up.

use serde_json::{Value, json};

use crate::shop::Shop;
use crate::world::Call;

#[tokio::test]
async fn a_blocked_card_keeps_its_money_until_it_is_let_go() {
    let shop = Shop::new().await;
    let blocked = shop.post("wallets/cards/a/block", json!({"reason": "Reported stolen"})).await.ok();
    assert_eq!((&blocked["status"], &blocked["amount_available"]), (&json!("blocked"), &json!(50_000)));
    assert_eq!(shop.post("wallets/cards/a/block", json!({"reason": "again"})).await.ok(), blocked);
    assert_eq!(shop.pay(shop.sale("s", 1, json!({}))).await.refusal(), (400, "CARD_BLOCKED".into()));
    shop.pay(shop.sale("f", 1, json!({"type": "fund"}))).await.ok();
    let free = shop.post("wallets/cards/a/unblock", json!({"reason": "Found"})).await.ok();
    assert_eq!(free["status"], "unused");
    shop.paid("s", 1, json!({})).await;
    for what in ["block", "unblock"] {
        let path = format!("wallets/cards/a/{what}");
        for body in [json!({}), json!({"reason": " "}), json!({"reason": "x".repeat(1_001)})] {
            let refused = shop.post(&path, body).await;
            assert_eq!((refused.refusal().0, refused.paths()), (400, vec![json!(["reason"])]));
        }
        let nothing = shop.post(&format!("wallets/cards/b/{what}"), json!({"reason": "r"})).await;
        assert_eq!(nothing.refusal(), (404, "CARD_NOT_FOUND".into()));
    }
}

#[tokio::test]
async fn what_is_not_money_changes_and_the_rest_stays() {
    let shop = Shop::new().await;
    let change = json!({
        "customer_id": "kari", "name": "Spring", "originated_by": "web", "metadata": {"x": 1},
        "expires_at": "2028-01-01T00:00:00Z", "amount": 1, "status": "used",
    });
    let changed = shop.patch("wallets/cards/a", change.clone()).await.ok();
    for field in ["customer_id", "name", "originated_by", "metadata"] {
        assert_eq!(changed[field], change[field], "{field}");
    }
    assert_eq!(
        (&changed["expires_at"], &changed["amount"]),
        (&json!("2028-01-01T00:00:00.000Z"), &json!(50_000))
    );
    let renamed = shop.patch("wallets/cards/a", json!({"name": "Summer", "customer_id": null})).await.ok();
    assert_eq!((&renamed["name"], &renamed["customer_id"]), (&json!("Summer"), &json!("kari")));
    let faults = shop.patch("wallets/cards/a", json!({"name": 1, "expires_at": "soon"})).await;
    assert_eq!(faults.paths(), [json!(["expires_at"]), json!(["name"])]);
    let nothing = shop.patch("wallets/cards/b", json!({})).await;
    assert_eq!(nothing.refusal(), (404, "CARD_NOT_FOUND".into()));
    shop.batch(&["batch"]).await;
    assert_eq!(shop.patch("wallets/cards/batch", json!({"name": "B"})).await.ok()["name"], "B");
}

#[tokio::test]
async fn only_the_administrator_of_wallets_shortens_a_cards_life() {
    let shop = Shop::new().await;
    let writer = shop.world.token_with(&["write:wallets"]).await;
    shop.create("b", 10, json!({"expires_at": "2029-01-01T00:00:00Z"})).await;
    let set = async |bearer: &str, expires_at: &str| {
        let body = json!({"expires_at": expires_at});
        shop.world.send(Call::patch("wallets/cards/b", &body).bearer(bearer)).await
    };
    set(&writer, "2030-01-01T00:00:00Z").await.ok();
    let earlier = set(&writer, "2029-01-01T00:00:00Z").await;
    assert_eq!(
        (earlier.refusal(), earlier.paths()),
        ((400, "INVALID_REQUEST".into()), vec![json!(["expires_at"])])
    );
    set(&shop.admin, "2029-01-01T00:00:00Z").await.ok();
    assert_eq!(set(&shop.admin, "2020-01-01T00:00:00Z").await.paths(), [json!(["expires_at"])]);
}

#[tokio::test]
async fn a_correction_is_signed_and_says_why() {
    let shop = Shop::new().await;
    let adjust = async |ref_id: &str, amount: Value| {
        let body = json!({
            "ref_id": ref_id, "amount": amount, "currency": "NOK", "reason_code": "till_fault", "note": "Counted",
        });
        shop.post("wallets/cards/a/adjust", body).await
    };
    let taken = adjust("r1", json!(-20_000)).await.ok();
    let told = (&taken["type"], &taken["amount"], &taken["reason"], &taken["reason_code"], &taken["note"]);
    let expected =
        (&json!("drawdown"), &json!(20_000), &json!("adjust"), &json!("till_fault"), &json!("Counted"));
    assert_eq!(told, expected);
    assert_eq!(adjust("r1", json!(-20_000)).await.ok(), taken);
    assert_eq!(adjust("r1", json!(20_000)).await.refusal(), (409, "REF_ID_REUSED".into()));
    assert_eq!(adjust("r2", json!(5)).await.ok()["balance"], 30_005);
    let too_much = adjust("r3", json!(-30_006)).await;
    assert_eq!(too_much.refusal(), (400, "INSUFFICIENT_FUNDS".into()));
    for (amount, code) in [(json!(0), "INVALID_REQUEST"), (json!(-1_000_000_000_001_i64), "AMOUNT_LIMIT")] {
        let refused = adjust("r4", amount).await;
        assert_eq!((refused.refusal(), refused.paths()), ((400, code.into()), vec![json!(["amount"])]));
    }
    let other = json!({"ref_id": "x", "amount": 1, "currency": "SEK", "reason_code": "c"});
    assert_eq!(shop.post("wallets/cards/a/adjust", other).await.refusal(), (400, "CURRENCY_MISMATCH".into()));
    shop.batch(&["b"]).await;
    let inactive = json!({"ref_id": "x", "amount": 1, "currency": "NOK", "reason_code": "c"});
    assert_eq!(
        shop.post("wallets/cards/b/adjust", inactive.clone()).await.refusal(),
        (400, "CARD_INACTIVE".into())
    );
    assert_eq!(
        shop.post("wallets/cards/none/adjust", inactive).await.refusal(),
        (404, "CARD_NOT_FOUND".into())
    );
    let faults = shop.post("wallets/cards/a/adjust", json!({"note": ""})).await;
    let expected = ["amount", "currency", "note", "reason_code", "ref_id"];
    assert_eq!(faults.paths(), expected.map(|name| json!([name])));
}

#[tokio::test]
async fn a_forfeit_draws_the_money_down_in_the_same_step() {
    let shop = Shop::new().await;
    shop.paid("s", 10_000, json!({})).await;
    let gone = Call::delete("wallets/cards/a?forfeit=true").bearer(&shop.admin);
    let gone = shop.world.send(gone).await.ok();
    assert_eq!(
        (&gone["status"], &gone["amount_drawdown"], &gone["amount_balance"]),
        (&json!("deleted"), &json!(50_000), &json!(0))
    );
    let history = shop.history("a").await;
    let last = history.last().expect("a row");
    assert_eq!(
        (&last["type"], &last["amount"], &last["reason"]),
        (&json!("drawdown"), &json!(40_000), &json!("forfeit"))
    );
    let info = shop.post("wallets/info", json!({"token": shop.token})).await;
    assert_eq!(info.refusal(), (404, "CARD_NOT_FOUND".into()));
}
