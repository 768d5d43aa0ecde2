//! Lists of cards, all and a customer's.

use serde_json::{Value, json};

use crate::world::{Call, World};

async fn ids(world: &World, admin: &str, query: &str) -> Vec<String> {
    let page = world.send(Call::get(&format!("wallets/cards?{query}")).bearer(admin)).await.ok();
    let cards = page["cards"].as_array().expect("cards").iter();
    cards.map(|card| card["card_id"].as_str().expect("an id").to_owned()).collect()
}

async fn filled(world: &World, admin: &str) -> Value {
    let cards = json!([
        {"card_id": "batch-1", "name": "Spring"},
        {"card_id": "batch-2", "type": "credit_note"},
    ]);
    let made =
        world.send(Call::post("wallets/cards/batch", &json!({"cards": cards})).bearer(admin)).await.ok();
    for (id, amount, currency, customer) in [("one", 100, "NOK", "kari"), ("two", 200, "SEK", "ola nordmann")]
    {
        world.clock.advance_seconds(1);
        let body = json!({"card_id": id, "amount": amount, "currency": currency, "customer_id": customer});
        world.send(Call::post("wallets/cards", &body).bearer(admin)).await.ok();
    }
    made["cards"][0]["batch_id"].clone()
}

#[tokio::test]
async fn cards_are_listed_newest_first_page_by_page() {
    let world = World::new().await;
    let admin = world.admin().await;
    filled(&world, &admin).await;
    assert_eq!(ids(&world, &admin, "").await, ["two", "one", "batch-2", "batch-1"]);
    let first = world.send(Call::get("wallets/cards?limit=3").bearer(&admin)).await.ok();
    let cursor = first["starting_after"].as_str().expect("a cursor").to_owned();
    let body = json!({"card_id": "three", "amount": 1, "currency": "NOK"});
    world.send(Call::post("wallets/cards", &body).bearer(&admin)).await.ok();
    let path = format!("wallets/cards?limit=3&starting_after={cursor}");
    let second = world.send(Call::get(&path).bearer(&admin)).await.ok();
    assert_eq!(second["cards"][0]["card_id"], "batch-1");
    assert!(second.get("starting_after").is_none(), "absent on the last page");
}

#[tokio::test]
async fn filters_hold_together() {
    let world = World::new().await;
    let admin = world.admin().await;
    let batch = filled(&world, &admin).await;
    let batch = format!("batch_id={}", batch.as_str().expect("an id"));
    for (query, expected) in [
        ("status=inactive", &["batch-2", "batch-1"][..]),
        ("status=unused", &["two", "one"]),
        ("status=used", &[]),
        ("type=credit_note", &["batch-2"]),
        ("customer_id=ola%20nordmann", &["two"]),
        ("customer_id=ola+nordmann", &["two"]),
        ("currency=SEK", &["two"]),
        (batch.as_str(), &["batch-2", "batch-1"]),
        ("created_at.gte=2027-01-15T08:00:02Z", &["two"]),
        ("created_at.lt=2027-01-15T09:00:01%2B01:00", &["batch-2", "batch-1"]),
        ("amount_available.gte=100&amount_available.lte=100", &["one"]),
        ("q=ba", &["batch-2", "batch-1"]),
        ("q=Spr", &["batch-1"]),
        ("status=unused&currency=NOK&unknown=1", &["one"]),
    ] {
        assert_eq!(ids(&world, &admin, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn every_fault_of_a_query_is_told_at_once() {
    let world = World::new().await;
    let admin = world.admin().await;
    let query = "limit=101&starting_after=x&status=new&created_at.gte=2027&amount_available.gte=1.0&\
                 currency=NOK&currency=SEK";
    let answer = world.send(Call::get(&format!("wallets/cards?{query}")).bearer(&admin)).await;
    let expected =
        ["amount_available.gte", "created_at.gte", "currency", "limit", "starting_after", "status"];
    assert_eq!((answer.refusal().0, answer.paths()), (400, expected.map(|name| json!([name])).to_vec()));
    for limit in ["0", "-1", "", "x"] {
        let answer = world.send(Call::get(&format!("wallets/cards?limit={limit}")).bearer(&admin)).await;
        assert_eq!(answer.paths(), [json!(["limit"])], "{limit}");
    }
}

#[tokio::test]
async fn a_customers_cards_are_listed_without_amounts() {
    let world = World::new().await;
    let admin = world.admin().await;
    filled(&world, &admin).await;
    let body = json!({
        "card_id": "short", "amount": 1, "currency": "NOK", "customer_id": "kari",
        "expires_at": "2027-01-15T08:01:00Z",
    });
    world.send(Call::post("wallets/cards", &body).bearer(&admin)).await.ok();
    let list = async |query: &str| {
        world.send(Call::get(&format!("wallets/customers/kari/cards{query}")).bearer(&admin)).await.ok()
    };
    let both = list("").await;
    let ids: Vec<&str> =
        both.as_array().expect("a bare list").iter().filter_map(|card| card["card_id"].as_str()).collect();
    assert_eq!(ids, ["one", "short"]);
    let fields = both[0].as_object().expect("a card");
    assert!(fields.keys().all(|name| !name.starts_with("amount")), "{fields:?}");
    let next = list(&format!("?limit=1&starting_after={}", both[0]["id"].as_str().expect("an id"))).await;
    assert_eq!(next[0]["card_id"], "short");
    world.clock.advance_seconds(60);
    assert_eq!(list("").await.as_array().map(Vec::len), Some(1), "the expired one is left out");
    let other = world.send(Call::get("wallets/customers/ola%20nordmann/cards").bearer(&admin)).await.ok();
    assert_eq!(other[0]["card_id"], "two");
    assert_eq!(world.send(Call::get("wallets/customers/nobody/cards").bearer(&admin)).await.ok(), json!([]));
    assert_eq!(
        world.send(Call::get("wallets/customers/%20/cards").bearer(&admin)).await.paths(),
        [json!(["customer_id"])]
    );
}

#[tokio::test]
async fn a_customers_card_is_shown_without_its_first_amount() {
    let world = World::new().await;
    let admin = world.admin().await;
    filled(&world, &admin).await;
    let card = world.send(Call::get("wallets/customers/kari/cards/one").bearer(&admin)).await.ok();
    assert_eq!((&card["amount_available"], &card["tokens"]), (&json!(100), &json!([])));
    assert!(card.get("amount").is_none());
    for path in ["wallets/customers/kari/cards/two", "wallets/customers/kari/cards/none"] {
        assert_eq!(
            world.send(Call::get(path).bearer(&admin)).await.refusal(),
            (404, "CARD_NOT_FOUND".into())
        );
    }
}
