//! Lists of transactions: a card's, and the account's.

use serde_json::{Value, json};

use crate::shop::Shop;
use crate::world::Call;

/// With so many sales of 1 øre on card `a`.
async fn busy(sales: usize) -> Shop {
    let shop = Shop::new().await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..sales {
        let body = json!({"ref_id": format!("s{number}"), "amount": 1, "currency": "NOK", "card_id": "a"});
        let call = Call::post("wallets/transactions", &body).bearer(&shop.admin);
        let router = shop.world.router();
        calls.spawn(async move { crate::world::send_to(&router, call).await.ok() });
    }
    assert_eq!(calls.join_all().await.len(), sales);
    shop
}

fn numbers(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["seq"].as_i64().expect("a number")).collect()
}

#[tokio::test]
async fn a_long_history_comes_whole_and_in_order() {
    for sales in [499, 500, 1_000, 1_203] {
        let shop = busy(sales).await;
        let rows = shop.history("a").await;
        let last = i64::try_from(sales).expect("small") + 1;
        assert_eq!(numbers(&rows), (1..=last).collect::<Vec<_>>(), "{sales}");
        assert_eq!(rows[0]["reason"], "creation");
        let tail = rows[3]["id"].as_str().expect("an id");
        let path = format!("wallets/cards/a/transactions?starting_after={tail}");
        assert_eq!(shop.get(&path).await.ok(), json!(rows[4..]));
    }
}

#[tokio::test]
async fn a_history_is_cut_by_limit_and_goes_on_after_a_row() {
    let shop = busy(5).await;
    let rows = shop.history("a").await;
    let page = |query: String| format!("wallets/cards/a/transactions?{query}");
    assert_eq!(shop.get(&page("limit=2".into())).await.ok(), json!(rows[..2]));
    let after = rows[1]["id"].as_str().expect("an id");
    assert_eq!(shop.get(&page(format!("limit=3&starting_after={after}"))).await.ok(), json!(rows[2..5]));
    let last = rows[5]["id"].as_str().expect("an id");
    assert_eq!(shop.get(&page(format!("starting_after={last}"))).await.ok(), json!([]));
    assert_eq!(shop.get(&page("limit=101".into())).await.paths(), [json!(["limit"])]);
    let nothing = shop.get("wallets/cards/b/transactions").await;
    assert_eq!(nothing.refusal(), (404, "CARD_NOT_FOUND".into()));
}

#[tokio::test]
async fn an_inactive_card_has_an_empty_history_and_a_deleted_one_keeps_its_own() {
    let shop = Shop::new().await;
    shop.batch(&["b"]).await;
    assert_eq!(shop.history("b").await, [json!(null); 0]);
    shop.world.send(Call::delete("wallets/cards/a?forfeit=true").bearer(&shop.admin)).await.ok();
    let rows = shop.history("a").await;
    assert_eq!((numbers(&rows), &rows[1]["reason"]), (vec![1, 2], &json!("forfeit")));
}

#[tokio::test]
async fn the_accounts_transactions_are_listed_newest_first_and_one_by_one() {
    let shop = Shop::new().await;
    shop.world.clock.advance_seconds(1);
    shop.create("b", 10, json!({})).await;
    shop.world.clock.advance_seconds(60);
    let sale = shop.paid("s", 100, json!({})).await;
    shop.world.clock.advance_seconds(60);
    shop.pay(shop.sale("f", 5, json!({"type": "fund"}))).await.ok();
    let list = async |query: &str| {
        let page = shop.get(&format!("wallets/transactions?{query}")).await.ok();
        let rows = page["transactions"].as_array().expect("rows").clone();
        let told = rows.iter().map(|row| format!("{} {}", row["card_id"], row["amount"]).replace('"', ""));
        (told.collect::<Vec<_>>(), page["starting_after"].as_str().map(str::to_owned))
    };
    assert_eq!(list("").await, (vec!["a 5".into(), "a 100".into(), "b 10".into(), "a 50000".into()], None));
    let (first, next) = list("limit=2").await;
    let (second, end) = list(&format!("limit=2&starting_after={}", next.expect("a cursor"))).await;
    assert_eq!(([first, second].concat().len(), end), (4, None));
    for (query, expected) in [
        ("card_id=b", &["b 10"][..]),
        ("ref_id=s", &["a 100"]),
        ("ref_id=s&card_id=b", &[]),
        ("type=fund", &["a 5", "b 10", "a 50000"]),
        ("type=drawdown", &["a 100"]),
        ("created_at.gte=2027-01-15T08:01:00Z", &["a 5", "a 100"]),
        ("created_at.lt=2027-01-15T08:02:00Z&created_at.gte=2027-01-15T08:00:02Z", &["a 100"]),
        ("card_id=none", &[]),
    ] {
        assert_eq!(list(query).await.0, expected, "{query}");
    }
    let one = shop.get(&format!("wallets/transactions/{sale}")).await.ok();
    assert_eq!((&one["id"], &one["ref_id"]), (&json!(sale), &json!("s")));
    for id in ["none", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"] {
        let nothing = shop.get(&format!("wallets/transactions/{id}")).await;
        assert_eq!(nothing.refusal(), (404, "TRANSACTION_NOT_FOUND".into()));
    }
}
