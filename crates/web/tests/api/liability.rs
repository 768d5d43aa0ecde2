//! What is owed on cards, now and in the past.

use serde_json::json;

use crate::shop::Shop;

const PATH: &str = "wallets/reports/liability";
const DAY: i64 = 86_400;

#[tokio::test]
async fn what_is_owed_is_told_by_currency_status_and_month() {
    let shop = Shop::new().await;
    shop.paid("s", 10_000, json!({})).await;
    shop.paid("l", 5_000, json!({"pending": true})).await;
    shop.create("b", 100, json!({})).await;
    shop.post("wallets/cards", json!({"card_id": "c", "amount": 7, "currency": "SEK"})).await.ok();
    let report = shop.get(PATH).await.ok();
    assert_eq!(report["at"], "2027-01-15T08:00:00.000Z");
    let totals = json!([
        {"currency": "NOK", "cards": 2, "amount_balance": 40_100, "amount_reserved": 5_000},
        {"currency": "SEK", "cards": 1, "amount_balance": 7, "amount_reserved": 0},
    ]);
    assert_eq!(report["totals"], totals);
    let rows = report["rows"].as_array().expect("rows");
    let partly = rows.iter().find(|row| row["status"] == "partially_used").expect("card a");
    let expected = json!({
        "currency": "NOK", "cards": 1, "amount_balance": 40_000, "amount_reserved": 5_000,
        "status": "partially_used", "activated": "2027-01",
    });
    assert_eq!(*partly, expected);
}

#[tokio::test]
async fn the_past_is_known_from_the_end_of_the_first_day_on() {
    let mut shop = Shop::new().await;
    let at = |time: &str| format!("{PATH}?at={time}");
    shop.world.clock.advance_seconds(60);
    let early = shop.get(&at("2027-01-15T08:00:30Z")).await;
    assert_eq!((early.refusal(), early.paths()), ((400, "INVALID_REQUEST".into()), vec![json!(["at"])]));
    shop.world.clock.advance_seconds(DAY);
    shop.world.service().maintain().await.expect("closed the day");
    shop.admin = shop.world.admin().await;
    shop.paid("s", 10_000, json!({})).await;
    shop.world.clock.advance_seconds(60);
    let before = shop.get(&at("2027-01-16T00:00:00Z")).await.ok();
    assert_eq!(before["totals"][0]["amount_balance"], 50_000);
    assert_eq!(before["rows"][0]["status"], "unused");
    let after = shop.get(&at("2027-01-16T08:01:30Z")).await.ok();
    assert_eq!(after["totals"][0]["amount_balance"], 40_000);
    assert_eq!(shop.get(PATH).await.ok()["totals"], after["totals"]);
    let ahead = shop.get(&at("2027-01-17T00:00:00Z")).await;
    assert_eq!((ahead.refusal().0, ahead.paths()), (400, vec![json!(["at"])]));
    assert_eq!(shop.get(&at("yesterday")).await.paths(), [json!(["at"])]);
}
