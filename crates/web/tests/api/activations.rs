//! Cards that are sold together: all of them, or none.

use serde_json::{Value, json};

use crate::shop::Shop;

fn order(ref_id: &str, cards: Value) -> Value {
    json!({"ref_id": ref_id, "cards": cards})
}

#[tokio::test]
async fn cards_are_activated_together_in_their_order() {
    let shop = Shop::new().await;
    shop.batch(&["b1", "b2"]).await;
    let body = order(
        "o1",
        json!([
            {"card_id": "b2", "amount": 200, "currency": "SEK", "customer_id": "kari",
             "card_token": {"expires_in": 60}},
            {"card_id": "b1", "amount": 100, "currency": "NOK"},
        ]),
    );
    let sold = shop.post("wallets/activations", body.clone()).await.ok();
    let told =
        |place: usize| (sold["cards"][place]["card_id"].clone(), sold["cards"][place]["amount"].clone());
    assert_eq!((told(0), told(1)), ((json!("b2"), json!(200)), (json!("b1"), json!(100))));
    assert_eq!(sold["cards"][0]["tokens"][0]["expires_at"], "2027-01-15T08:01:00.000Z");
    assert_eq!(sold["cards"][0], shop.card("b2").await);
    let row = &shop.history("b1").await[0];
    assert_eq!((&row["ref_id"], &row["reason"]), (&json!("o1"), &json!("activation")));
    assert_eq!(
        shop.post("wallets/activations", body.clone()).await.ok(),
        sold,
        "a repeat sells nothing twice"
    );
    assert_eq!(shop.history("b1").await.len(), 1);
    let mut other = body;
    other["cards"][1]["amount"] = json!(101);
    let reused = shop.post("wallets/activations", other).await;
    assert_eq!(reused.refusal(), (409, "REF_ID_REUSED".into()));
}

#[tokio::test]
async fn every_card_that_stands_against_it_is_named_and_none_is_sold() {
    let shop = Shop::new().await;
    shop.batch(&["b1", "b2"]).await;
    let cards = json!([
        {"card_id": "b1", "amount": 1, "currency": "NOK"},
        {"card_id": "nothing", "amount": 1, "currency": "NOK"},
        {"card_id": "a", "amount": 1, "currency": "NOK"},
        {"card_id": "b2", "amount": 1, "currency": "NOK"},
    ]);
    let refused = shop.post("wallets/activations", order("o", cards)).await;
    assert_eq!(refused.refusal(), (400, "INVALID_REQUEST".into()));
    assert_eq!(refused.paths(), [json!(["cards", 1]), json!(["cards", 2])]);
    let errors = refused.json()["error"]["errors"].clone();
    assert_eq!(
        (&errors[0]["code"], &errors[1]["code"]),
        (&json!("CARD_NOT_FOUND"), &json!("CARD_NOT_INACTIVE"))
    );
    assert_eq!(errors[1]["details"]["amount"], 50_000);
    for card_id in ["b1", "b2"] {
        assert_eq!(shop.card(card_id).await["status"], "inactive");
    }
    let unknown = json!([{"card_id": "nothing", "amount": 1, "currency": "NOK"}]);
    let unknown = shop.post("wallets/activations", order("o", unknown)).await;
    assert_eq!(
        unknown.refusal(),
        (404, "CARD_NOT_FOUND".into()),
        "faults of one kind give the whole their code"
    );
}

#[tokio::test]
async fn every_fault_of_the_body_is_told_with_its_place() {
    let shop = Shop::new().await;
    let cards = json!([
        {"card_id": "b1", "amount": -1, "currency": "NOK"},
        {"card_id": "b1", "amount": 1, "currency": "nok", "active_from": "2030-01-02T00:00:00Z",
         "expires_at": "2030-01-01T00:00:00Z"},
        {"amount": 1},
    ]);
    let refused = shop.post("wallets/activations", json!({"cards": cards})).await;
    let expected = [
        json!(["cards", 0, "amount"]),
        json!(["cards", 1, "card_id"]),
        json!(["cards", 1, "currency"]),
        json!(["cards", 1, "expires_at"]),
        json!(["cards", 2, "card_id"]),
        json!(["cards", 2, "currency"]),
        json!(["ref_id"]),
    ];
    assert_eq!((refused.refusal().0, refused.paths()), (400, expected.to_vec()));
    let none = shop.post("wallets/activations", order("o", json!([]))).await;
    assert_eq!(none.paths(), [json!(["cards"])]);
}

#[tokio::test]
async fn a_repeat_is_answered_after_its_last_day_too() {
    let shop = Shop::new().await;
    shop.batch(&["b1", "b2"]).await;
    let ends = "2027-01-15T08:01:00Z";
    let one = json!({"ref_id": "r", "amount": 1, "currency": "NOK", "expires_at": ends});
    let many = order("o", json!([{"card_id": "b2", "amount": 1, "currency": "NOK", "expires_at": ends}]));
    shop.post("wallets/cards/b1/activate", one.clone()).await.ok();
    shop.post("wallets/activations", many.clone()).await.ok();
    shop.world.clock.advance_seconds(60);
    assert_eq!(shop.post("wallets/cards/b1/activate", one).await.ok()["status"], "expired");
    assert_eq!(shop.post("wallets/activations", many).await.ok()["cards"][0]["status"], "expired");
    shop.batch(&["b3"]).await;
    let past = json!({"amount": 1, "currency": "NOK", "expires_at": ends});
    let refused = shop.post("wallets/cards/b3/activate", past).await;
    assert_eq!((refused.refusal().0, refused.paths()), (400, vec![json!(["expires_at"])]));
    let past = json!([{"card_id": "b3", "amount": 1, "currency": "NOK", "expires_at": ends}]);
    let refused = shop.post("wallets/activations", order("p", past)).await;
    assert_eq!((refused.refusal().0, refused.paths()), (400, vec![json!(["cards", 0, "expires_at"])]));
}
