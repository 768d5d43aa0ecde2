//! Guessing PINs is slowed down and ended, for whoever guesses and nobody else.

use serde_json::{Value, json};

use crate::shop::Shop;
use crate::world::{AID, Answer, Call};

struct Till<'a> {
    shop: &'a Shop,
    client_id: String,
    secret: String,
}

impl<'a> Till<'a> {
    async fn new(shop: &'a Shop) -> Self {
        let (_, client_id, secret) = shop.world.client(&["write:wallets"]).await;
        Self { shop, client_id, secret }
    }

    /// Made anew each time: waits can outlive a token.
    async fn bearer(&self) -> String {
        self.shop.world.token(AID, &self.client_id, &self.secret).await
    }

    async fn pay(&self, ref_id: &str, pin: &str) -> Answer {
        let body = self.shop.sale(ref_id, 1, json!({"pin": pin}));
        self.shop.world.send(Call::post("wallets/transactions", &body).bearer(&self.bearer().await)).await
    }

    async fn info(&self, pin: Option<&str>) -> Answer {
        let body = json!({"token": self.shop.token, "pin": pin});
        self.shop.world.send(Call::post("wallets/info", &body).bearer(&self.bearer().await)).await
    }
}

fn wrong(pin: &str) -> String {
    let digits: u32 = pin.parse().expect("digits");
    format!("{:04}", (digits + 1) % 10_000)
}

fn retry_after(answer: &Answer) -> i64 {
    answer.header("retry-after").parse().expect("seconds")
}

#[tokio::test]
async fn a_right_pin_pays_and_a_wrong_one_does_not() {
    let shop = Shop::new().await;
    let till = Till::new(&shop).await;
    let refused = till.pay("r1", &wrong(&shop.pin)).await;
    assert_eq!((refused.refusal(), refused.paths()), ((400, "PIN_INVALID".into()), vec![json!(["pin"])]));
    till.pay("r1", &shop.pin).await.ok();
    assert_eq!(till.info(Some(&shop.pin)).await.ok()["amount_available"], 49_999);
    let fund = shop.sale("f", 1, json!({"type": "fund", "pin": wrong(&shop.pin)}));
    assert_eq!(shop.pay(fund).await.refusal(), (400, "PIN_INVALID".into()));
    shop.create("bare", 10, json!({})).await;
    let without = json!({"ref_id": "x", "amount": 1, "currency": "NOK", "card_id": "bare", "pin": "1234"});
    assert_eq!(shop.pay(without).await.refusal(), (400, "PIN_INVALID".into()));
}

#[tokio::test]
async fn five_wrong_ones_in_a_row_make_that_client_wait_and_no_other() {
    let shop = Shop::new().await;
    let (guesser, other) = (Till::new(&shop).await, Till::new(&shop).await);
    let guess = wrong(&shop.pin);
    for _ in 0..3 {
        assert_eq!(guesser.pay("r", &guess).await.refusal().1, "PIN_INVALID");
    }
    for _ in 0..2 {
        assert_eq!(guesser.info(Some(&guess)).await.refusal().1, "PIN_INVALID", "looking up counts too");
    }
    let locked = guesser.pay("r", &shop.pin).await;
    assert_eq!((locked.refusal(), retry_after(&locked)), ((429, "PIN_LOCKED".into()), 30));
    assert_eq!(guesser.info(Some(&shop.pin)).await.refusal(), (429, "PIN_LOCKED".into()));
    guesser.info(None).await.ok();
    other.pay("o", &shop.pin).await.ok();
    shop.world.clock.advance_seconds(29);
    assert_eq!(retry_after(&guesser.pay("r", &shop.pin).await), 1);
    shop.world.clock.advance_seconds(1);
    assert_eq!(guesser.pay("r", &guess).await.refusal().1, "PIN_INVALID");
    assert_eq!(retry_after(&guesser.pay("r", &shop.pin).await), 60, "the wait doubles");
    shop.world.clock.advance_seconds(60);
    guesser.pay("r", &shop.pin).await.ok();
    assert_eq!(guesser.pay("r2", &guess).await.refusal().1, "PIN_INVALID", "a right one ends the row");
}

#[tokio::test]
async fn twenty_wrong_ones_end_the_pin_for_that_client_until_it_is_rotated() {
    let shop = Shop::new().await;
    let (guesser, other) = (Till::new(&shop).await, Till::new(&shop).await);
    let guess = wrong(&shop.pin);
    let mut compared = 0;
    for _ in 0..40 {
        let answer = guesser.pay("r", &guess).await;
        match answer.refusal().1.as_str() {
            "PIN_INVALID" => compared += 1,
            "PIN_LOCKED" => shop.world.clock.advance_seconds(retry_after(&answer)),
            other => panic!("{other}"),
        }
    }
    assert_eq!(compared, 20);
    let lost = guesser.pay("r", &shop.pin).await;
    assert_eq!((lost.refusal(), retry_after(&lost)), ((429, "PIN_LOCKED".into()), 3_600));
    other.pay("o", &shop.pin).await.ok();
    let body = json!({"pin": {"format": {"length": 4}}});
    let rotate = Call::post("wallets/cards/a/rotate-pin", &body).bearer(&other.bearer().await);
    let rotated = shop.world.send(rotate).await.ok();
    let pin = rotated["pin"]["pin"]["value"].as_str().expect("a PIN");
    guesser.pay("r", pin).await.ok();
}

#[tokio::test]
async fn many_guesses_at_once_are_counted_one_by_one() {
    let shop = Shop::new().await;
    let guess = wrong(&shop.pin);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let body = shop.sale("r", 1, json!({"pin": guess}));
        let call = Call::post("wallets/transactions", &body).bearer(&shop.admin);
        let router = shop.world.router();
        calls.spawn(async move { crate::world::send_to(&router, call).await.refusal().1 });
    }
    let told = calls.join_all().await;
    assert_eq!(told.iter().filter(|code| *code == "PIN_INVALID").count(), 5);
    assert_eq!(told.iter().filter(|code| *code == "PIN_LOCKED").count(), 35);
}

#[tokio::test]
async fn an_account_may_demand_the_pin_for_its_tokens() {
    let shop = Shop::new().await;
    shop.patch("settings", json!({"pin_policy": "required"})).await.ok();
    let without = shop.pay(shop.sale("r", 1, json!({}))).await;
    assert_eq!((without.refusal(), without.paths()), ((400, "PIN_REQUIRED".into()), vec![json!(["pin"])]));
    shop.pay(shop.sale("r", 1, json!({"pin": shop.pin}))).await.ok();
    let by_id = json!({"ref_id": "i", "amount": 1, "currency": "NOK", "card_id": "a"});
    shop.pay(by_id).await.ok();
    let bare = shop.create("bare", 10, json!({"card_token": {}})).await;
    let token: &Value = &bare["card_token"]["token"]["value"];
    shop.pay(json!({"ref_id": "b", "amount": 1, "currency": "NOK", "token": token})).await.ok();
}
