//! How codes are made, and how that is told.

use serde_json::{Value, json};

use crate::world::{Answer, Call, World};

async fn card(world: &World, admin: &str, id: &str, options: Value) -> Answer {
    let body = json!({"cards": [{"card_id": id}], "options": options});
    world.send(Call::post("wallets/cards/batch", &body).bearer(admin)).await
}

#[tokio::test]
async fn defaults_are_told_with_every_choice_filled_in() {
    let world = World::new().await;
    let admin = world.admin().await;
    let body = json!({"cards": [{"card_id": "a"}]});
    let made = world.send(Call::post("wallets/cards/batch", &body).bearer(&admin)).await.ok();
    let card = &made["cards"][0];
    let token = json!({
        "length": 36, "prefix": "DINCARD:", "symbols": true, "numbers": true, "characters": true,
        "barcode": false, "qr": false,
    });
    let pin = json!({
        "length": 6, "prefix": "", "symbols": false, "numbers": true, "characters": false, "barcode": false,
        "qr": false,
    });
    assert_eq!((&card["card_token"]["format"], &card["pin"]["format"]), (&token, &pin));
    assert_eq!(card["card_token"]["expires_after_transaction"], false);
    assert_eq!((&card["card_token"]["ref_id"], &card["status"]), (&json!("a"), &json!("inactive")));
    let value = card["card_token"]["token"]["value"].as_str().expect("a token");
    assert!(uuid::Uuid::parse_str(value.strip_prefix("DINCARD:").expect("the prefix")).is_ok());
    let pin = card["pin"]["pin"]["value"].as_str().expect("a PIN");
    assert!(pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit()));
    for amount in ["amount", "amount_balance", "amount_available", "amount_funds", "amount_drawdown"] {
        assert_eq!(card[amount], 0);
    }
    let read = world.send(Call::get("wallets/cards/a").bearer(&admin)).await;
    let read_json = read.ok();
    assert_eq!(
        (&read_json["pin"], &read_json["tokens"][0]["format"]),
        (&json!({"format": card["pin"]["format"]}), &token)
    );
    assert!(!read.text().contains(value) && !read.text().contains("\"pin\":{\"value\""));
}

#[tokio::test]
async fn classes_length_and_prefix_are_kept() {
    let world = World::new().await;
    let admin = world.admin().await;
    let options = json!({
        "pin": {"format": {"length": 4, "characters": true, "prefix": "P-"}},
        "card_token": {"format": {"length": 15, "numbers": true, "prefix": ""}},
    });
    let made = card(&world, &admin, "a", options).await.ok();
    let token = made["cards"][0]["card_token"]["token"]["value"].as_str().expect("a token");
    assert!(token.len() == 15 && token.bytes().all(|byte| byte.is_ascii_digit()), "{token}");
    let pin = made["cards"][0]["pin"]["pin"]["value"].as_str().expect("a PIN");
    assert!(pin.strip_prefix("P-").is_some_and(|made| made.len() == 4), "{pin}");
}

#[tokio::test]
async fn weak_and_empty_formats_are_refused_where_they_stand() {
    let world = World::new().await;
    let admin = world.admin().await;
    let at = |path: &[&str]| Value::from(path.to_vec());
    let token = |format: Value| json!({"card_token": {"format": format}});
    let cases = [
        (token(json!({"length": 14, "numbers": true})), at(&["options", "card_token", "format", "length"])),
        (token(json!({"length": 129})), at(&["options", "card_token", "format", "length"])),
        (token(json!({"length": 0})), at(&["options", "card_token", "format", "length"])),
        (token(json!({"prefix": "GÅVE"})), at(&["options", "card_token", "format", "prefix"])),
        (token(json!({"prefix": "x".repeat(33)})), at(&["options", "card_token", "format", "prefix"])),
        (
            token(json!({"symbols": false, "numbers": false, "characters": false})),
            at(&["options", "card_token", "format"]),
        ),
        (token(json!({"barcode": "yes"})), at(&["options", "card_token", "format", "barcode"])),
        (json!({"pin": {"format": {"length": 3}}}), at(&["options", "pin", "format", "length"])),
        (json!({"pin": {"format": {"length": "4"}}}), at(&["options", "pin", "format", "length"])),
    ];
    for (options, path) in cases {
        let answer = card(&world, &admin, "a", options.clone()).await;
        assert_eq!((answer.refusal().0, answer.paths()), (400, vec![path]), "{options}");
    }
    assert_eq!(world.send(Call::get("wallets/cards/a").bearer(&admin)).await.status, 404);
}

#[tokio::test]
async fn the_longest_code_can_be_printed_both_ways() {
    let world = World::new().await;
    let admin = world.admin().await;
    let format = json!({"length": 128, "prefix": "~".repeat(32), "barcode": true, "qr": true});
    let options = json!({"card_token": {"format": format}, "pin": {"format": format}});
    let made = card(&world, &admin, "a", options).await.ok();
    for code in [&made["cards"][0]["card_token"]["token"], &made["cards"][0]["pin"]["pin"]] {
        assert_eq!(code["value"].as_str().map(str::len), Some(160));
        for picture in ["barcode_128", "qr"] {
            let picture = code[picture].as_str().expect("a picture");
            assert!(picture.starts_with("data:image/png;base64,iVBORw0KGgo"), "{picture}");
        }
    }
}

#[tokio::test]
async fn a_thousand_cards_with_barcodes_come_in_order() {
    let world = World::new().await;
    let admin = world.admin().await;
    let cards: Vec<Value> = (0..999).map(|number| json!({"card_id": format!("c{number}")})).collect();
    let format = json!({"format": {"barcode": true, "qr": true}});
    let body = json!({"cards": cards, "options": {"pin": format, "card_token": format}});
    let made = world.send(Call::post("wallets/cards/batch", &body).bearer(&admin)).await.ok();
    let made = made["cards"].as_array().expect("cards");
    assert_eq!(made.len(), 999);
    for (number, card) in made.iter().enumerate() {
        assert_eq!(card["card_id"], format!("c{number}"));
        assert!(
            card["pin"]["pin"]["qr"].is_string() && card["card_token"]["token"]["barcode_128"].is_string()
        );
    }
}
