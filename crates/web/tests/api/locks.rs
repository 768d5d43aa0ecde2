//! Money that is locked first: captured, voided, or run out.

use serde_json::{Value, json};

use crate::shop::{Shop, with};
use crate::world::{AID, Call};

fn figures(card: &Value) -> [i64; 4] {
    ["amount_balance", "amount_available", "amount_reserved", "amount_pending"]
        .map(|field| card[field].as_i64().expect("an amount"))
}

#[tokio::test]
async fn a_lock_is_captured_in_parts_and_the_rest_is_freed() {
    let shop = Shop::new().await;
    let locked = shop.pay(shop.sale("l", 20_000, json!({"pending": true}))).await.ok();
    assert_eq!((&locked["type"], &locked["available"]), (&json!("pending_capture"), &json!(30_000)));
    let lock = locked["id"].as_str().expect("an id");
    let card = shop.card("a").await;
    assert_eq!((figures(&card), &card["status"]), ([50_000, 30_000, 20_000, 20_000], &json!("unused")));
    let body = json!({"ref_id": "c1", "amount": 5_000, "metadata": {"parcel": 1}, "originated_by": "stock"});
    let first = shop.follow(lock, "capture", body.clone()).await.ok();
    let expected = [
        ("type", json!("drawdown")),
        ("parent_id", json!(lock)),
        ("amount", json!(5_000)),
        ("reason", json!("capture")),
    ];
    for (field, value) in expected {
        assert_eq!(first[field], value, "{field}");
    }
    assert_eq!(shop.follow(lock, "capture", body.clone()).await.ok(), first, "a repeat takes nothing");
    let other = shop.follow(lock, "capture", with(body, json!({"amount": 5_001}))).await;
    assert_eq!(other.refusal(), (409, "REF_ID_REUSED".into()));
    let too_much = shop.follow(lock, "capture", json!({"ref_id": "c2", "amount": 15_001})).await;
    assert_eq!(too_much.refusal(), (400, "AMOUNT_EXCEEDS_LOCK".into()));
    assert_eq!(too_much.json()["error"]["errors"][0]["details"], json!({"remaining": 15_000}));
    let freed = shop.follow(lock, "void", json!({"ref_id": "v"})).await.ok();
    assert_eq!(
        (&freed["type"], &freed["amount"], &freed["parent_id"]),
        (&json!("voided"), &json!(15_000), &json!(lock))
    );
    assert_eq!(shop.follow(lock, "void", json!({"ref_id": "v"})).await.ok(), freed);
    assert_eq!(figures(&shop.card("a").await), [45_000, 45_000, 0, 0]);
    for what in ["capture", "void"] {
        let closed = shop.follow(lock, what, json!({"ref_id": "late"})).await;
        assert_eq!(closed.refusal(), (400, "LOCK_CLOSED".into()), "{what}");
    }
}

#[tokio::test]
async fn a_capture_without_an_amount_takes_all_that_is_locked() {
    let shop = Shop::new().await;
    let lock = shop.paid("l", 20_000, json!({"pending": true})).await;
    let taken = shop.follow(&lock, "capture", json!({"ref_id": "c"})).await.ok();
    assert_eq!((&taken["amount"], &taken["balance"]), (&json!(20_000), &json!(30_000)));
}

#[tokio::test]
async fn only_locks_are_captured_and_only_those_there_are() {
    let shop = Shop::new().await;
    let sale = shop.paid("s", 100, json!({})).await;
    for what in ["capture", "void"] {
        let not_a_lock = shop.follow(&sale, what, json!({"ref_id": "r"})).await;
        assert_eq!(not_a_lock.refusal(), (400, "NOT_PENDING".into()));
        for id in ["0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "none"] {
            let nothing = shop.follow(id, what, json!({"ref_id": "r"})).await;
            assert_eq!(nothing.refusal(), (404, "TRANSACTION_NOT_FOUND".into()));
        }
        let faults = shop.follow(&sale, what, json!({"ref_id": 1, "metadata": 1, "amount": 0})).await;
        assert_eq!(faults.refusal().0, 400);
        assert!(faults.paths().contains(&json!(["ref_id"])) && faults.paths().contains(&json!(["metadata"])));
    }
}

#[tokio::test]
async fn a_till_ends_its_own_locks_and_nobody_elses() {
    let shop = Shop::new().await;
    let (one, other) = (
        shop.world.token_with(&["write:wallets:/transactions"]).await,
        shop.world.token_with(&["write:wallets:/transactions"]).await,
    );
    let sale = shop.sale("l", 100, json!({"pending": true}));
    let locked = shop.world.send(Call::post("wallets/transactions", &sale).bearer(&one)).await.ok();
    let lock = locked["id"].as_str().expect("an id");
    for what in ["capture", "void"] {
        let path = format!("wallets/transactions/{lock}/{what}");
        let foreign = Call::post(&path, &json!({"ref_id": "f", "amount": 10})).bearer(&other);
        assert_eq!(shop.world.send(foreign).await.refusal(), (403, "FORBIDDEN".into()), "{what}");
    }
    let path = format!("wallets/transactions/{lock}/capture");
    let own = Call::post(&path, &json!({"ref_id": "own", "amount": 10})).bearer(&one);
    assert_eq!(shop.world.send(own).await.ok()["amount"], 10);
    assert_eq!(shop.follow(lock, "void", json!({"ref_id": "staff"})).await.ok()["amount"], 90);
}

#[tokio::test]
async fn a_lock_that_ran_out_is_free_in_every_read_before_and_after_its_row_is_written() {
    let shop = Shop::new().await;
    let lock = shop.paid("l", 20_000, json!({"pending": true, "expires_in": 60})).await;
    shop.world.clock.advance_seconds(59);
    assert_eq!(figures(&shop.card("a").await), [50_000, 30_000, 20_000, 20_000]);
    shop.world.clock.advance_seconds(1);
    let free = [50_000, 50_000, 0, 0];
    assert_eq!(figures(&shop.card("a").await), free);
    let listed = shop.get("wallets/cards").await.ok();
    assert_eq!(figures(&listed["cards"][0]), free);
    let info = shop.post("wallets/info", json!({"token": shop.token})).await.ok();
    assert_eq!(figures(&info), free);
    let late = shop.follow(&lock, "capture", json!({"ref_id": "late"})).await;
    assert_eq!(late.refusal(), (400, "LOCK_CLOSED".into()));
    assert_eq!(shop.history("a").await.len(), 2, "a refused command writes nothing");
    shop.world.service().maintain().await.expect("swept");
    let history = shop.history("a").await;
    let row = history.last().expect("a row");
    assert_eq!(
        (&row["type"], &row["amount"], &row["parent_id"]),
        (&json!("expired"), &json!(20_000), &json!(lock))
    );
    assert_eq!(row["created_at"], "2027-01-15T08:01:00.000Z", "dated with its limit");
    assert_eq!(row.get("created_by"), None, "nobody did it");
    let told = shop.get("audit?action=expire").await.ok();
    assert_eq!((told["audit"][0].get("created_by"), &told["audit"][0]["transaction"]), (None, row));
    assert_eq!(figures(&shop.card("a").await), free);
    shop.world.service().maintain().await.expect("nothing to sweep");
    assert_eq!(shop.history("a").await.len(), 3);
}

#[tokio::test]
async fn many_locks_are_swept_in_portions_in_every_account() {
    const CARDS: usize = 300;
    let shop = Shop::new().await;
    for number in 0..CARDS {
        let card_id = format!("c{number}");
        shop.create(&card_id, 10, json!({})).await;
        let lock = json!({
            "ref_id": "l", "amount": 1, "currency": "NOK", "card_id": card_id, "pending": true, "expires_in": 60,
        });
        shop.pay(lock).await.ok();
    }
    shop.world.clock.advance_seconds(60);
    shop.world.service().maintain().await.expect("swept");
    let mut expired = 0;
    let mut path = "wallets/transactions?type=expired&limit=100".to_owned();
    loop {
        let page = shop.get(&path).await.ok();
        expired += page["transactions"].as_array().expect("rows").len();
        let Some(next) = page["starting_after"].as_str() else { break };
        path = format!("wallets/transactions?type=expired&limit=100&starting_after={next}");
    }
    assert_eq!(expired, CARDS);
}

#[tokio::test]
async fn locks_outlive_the_card_but_not_a_block() {
    let shop = Shop::new().await;
    shop.create("b", 100, json!({"expires_at": "2027-01-15T08:01:00Z"})).await;
    let lock = |ref_id: &str| {
        let (amount, currency) = (10, "NOK");
        json!({"ref_id": ref_id, "amount": amount, "currency": currency, "card_id": "b", "pending": true})
    };
    let ids =
        [shop.pay(lock("l1")).await.ok(), shop.pay(lock("l2")).await.ok(), shop.pay(lock("l3")).await.ok()]
            .map(|row| row["id"].as_str().expect("an id").to_owned());
    shop.world.clock.advance_seconds(60);
    assert_eq!(shop.pay(lock("l4")).await.refusal(), (400, "CARD_EXPIRED".into()));
    shop.follow(&ids[0], "capture", json!({"ref_id": "c"})).await.ok();
    shop.post("wallets/cards/b/block", json!({"reason": "lost"})).await.ok();
    let blocked = shop.follow(&ids[1], "capture", json!({"ref_id": "c2"})).await;
    assert_eq!(blocked.refusal(), (400, "CARD_BLOCKED".into()));
    shop.follow(&ids[2], "void", json!({"ref_id": "v"})).await.ok();
    let delete = Call::delete("wallets/cards/b").bearer(&shop.admin);
    let kept = shop.world.send(delete).await;
    assert_eq!(kept.refusal(), (400, "CARD_HAS_LOCKS".into()));
    assert_eq!(kept.json()["error"]["errors"][0]["details"], json!({"reserved": 10}));
}

#[tokio::test]
async fn another_account_finds_no_transaction_of_this_one() {
    let shop = Shop::new().await;
    let lock = shop.paid("l", 10, json!({"pending": true})).await;
    let other = shop.world.other_account("T87654321").await;
    for (method, what) in [("POST", "/capture"), ("POST", "/void"), ("POST", "/reverse"), ("GET", "")] {
        let path = format!("/v1/accounts/T87654321/wallets/transactions/{lock}{what}");
        let method = method.parse().expect("a method");
        let call = Call::new(method, &path).json(&json!({"ref_id": "r"})).bearer(&other);
        assert_eq!(
            shop.world.send(call).await.refusal(),
            (404, "TRANSACTION_NOT_FOUND".into()),
            "{AID}{what}"
        );
    }
}
