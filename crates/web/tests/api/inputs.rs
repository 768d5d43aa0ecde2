//! What is wrong with a request, and in which order that is told.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{AID, Answer, Call, World, audience, token_call};

const BATCH: &str = "wallets/cards/batch";
const MIB: usize = 1 << 20;

async fn batch(world: &World, admin: &str, body: &Value) -> Answer {
    world.send(Call::post(BATCH, body).bearer(admin)).await
}

async fn raw(world: &World, admin: &str, body: impl Into<axum::body::Body>) -> Answer {
    let call = Call::post(BATCH, &Value::Null).raw(body).bearer(admin);
    world.send(call).await
}

#[tokio::test]
async fn every_fault_of_a_batch_is_told_at_once_with_its_path() {
    let world = World::new().await;
    let admin = world.admin().await;
    let body = json!({
        "cards": [
            {"card_id": " a", "name": 7, "metadata": []},
            {"card_id": "b", "type": "voucher", "active_from": "tomorrow"},
            {"card_id": "b", "expires_at": "2020-01-01T00:00:00Z"},
            {"name": "x".repeat(256)},
            3,
            {"card_id": null, "customer_id": "", "originated_by": "a\u{7}b"},
            {"card_id": "c", "active_from": "2031-01-01T00:00:00Z", "expires_at": "2030-01-01T00:00:00Z"},
        ],
        "options": {
            "pin": {"format": {"length": 3, "prefix": "é"}},
            "card_token": {"format": {"length": 3, "numbers": true}, "expires_in": 0},
        },
    });
    let answer = batch(&world, &admin, &body).await;
    assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()));
    let expected = [
        json!(["cards", 0, "card_id"]),
        json!(["cards", 0, "metadata"]),
        json!(["cards", 0, "name"]),
        json!(["cards", 1, "active_from"]),
        json!(["cards", 1, "type"]),
        json!(["cards", 2, "card_id"]),
        json!(["cards", 2, "expires_at"]),
        json!(["cards", 3, "card_id"]),
        json!(["cards", 3, "name"]),
        json!(["cards", 4]),
        json!(["cards", 5, "card_id"]),
        json!(["cards", 5, "customer_id"]),
        json!(["cards", 5, "originated_by"]),
        json!(["cards", 6, "expires_at"]),
        json!(["options", "card_token", "expires_in"]),
        json!(["options", "card_token", "format", "length"]),
        json!(["options", "pin", "format", "length"]),
        json!(["options", "pin", "format", "prefix"]),
    ];
    assert_eq!(answer.paths(), expected);
}

#[tokio::test]
async fn faults_across_fields_are_told_at_once_too() {
    let world = World::new().await;
    let admin = world.admin().await;
    let body = json!({
        "cards": [
            {"card_id": "a"},
            {"card_id": "b"},
            {"card_id": "a", "expires_at": "2020-01-01T00:00:00Z"},
            {"card_id": "a"},
        ],
        "options": {"card_token": {"format": {"length": 14, "numbers": true}}},
    });
    let answer = batch(&world, &admin, &body).await;
    let expected = [
        json!(["cards", 2, "card_id"]),
        json!(["cards", 2, "expires_at"]),
        json!(["cards", 3, "card_id"]),
        json!(["options", "card_token", "format", "length"]),
    ];
    assert_eq!(answer.paths(), expected);
}

#[tokio::test]
async fn nothing_of_a_batch_exists_unless_all_of_it_does() {
    let world = World::new().await;
    let admin = world.admin().await;
    let cards =
        |ids: &[&str]| json!({"cards": ids.iter().map(|id| json!({"card_id": id})).collect::<Vec<_>>()});
    batch(&world, &admin, &cards(&["taken-1", "taken-2"])).await.ok();
    let answer = batch(&world, &admin, &cards(&["new-1", "taken-2", "new-2", "taken-1"])).await;
    assert_eq!(answer.refusal(), (409, "CARD_ID_TAKEN".into()));
    assert_eq!(answer.paths(), [json!(["cards", 1, "card_id"]), json!(["cards", 3, "card_id"])]);
    for id in ["new-1", "new-2"] {
        let read = world.send(Call::get(&format!("wallets/cards/{id}")).bearer(&admin)).await;
        assert_eq!(read.refusal(), (404, "CARD_NOT_FOUND".into()));
    }
    let faulty = json!({"cards": [{"card_id": "taken-1"}, {"card_id": " "}]});
    assert_eq!(batch(&world, &admin, &faulty).await.refusal().0, 400, "what is malformed is told first");
}

#[tokio::test]
async fn a_batch_has_1_to_1000_cards() {
    let world = World::new().await;
    let admin = world.admin().await;
    let card = |number: usize| json!({"card_id": format!("c{number}")});
    let cards = |count: usize| json!({"cards": (0..count).map(card).collect::<Vec<_>>()});
    for count in [0, 1_001] {
        let answer = batch(&world, &admin, &cards(count)).await;
        assert_eq!((answer.refusal().0, answer.paths()), (400, vec![json!(["cards"])]));
    }
    let made = batch(&world, &admin, &cards(1_000)).await.ok();
    let ids: Vec<&str> = made["cards"]
        .as_array()
        .expect("cards")
        .iter()
        .map(|card| card["card_id"].as_str().expect("id"))
        .collect();
    assert_eq!((ids.len(), ids[0], ids[999]), (1_000, "c0", "c999"));
}

#[tokio::test]
async fn bodies_that_are_not_sound_json_are_refused() {
    let world = World::new().await;
    let admin = world.admin().await;
    let deep = format!("{{\"cards\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let bodies: [(&str, &[u8]); 14] = [
        ("nothing", b""),
        ("blanks", b"  \n"),
        ("cut off", b"{\"cards\":[{\"card_id\":\"a\""),
        ("something behind", b"{\"cards\":[{\"card_id\":\"a\"}]} x"),
        ("not UTF-8", b"{\"cards\":[{\"card_id\":\"\xff\"}]}"),
        ("not UTF-8 in a field nobody reads", b"{\"cards\":[{\"card_id\":\"a\",\"x\":\"\xc3\"}]}"),
        ("a lone surrogate", b"{\"cards\":[{\"card_id\":\"a\",\"name\":\"\\ud800\"}]}"),
        (
            "a lone surrogate in metadata",
            b"{\"cards\":[{\"card_id\":\"a\",\"metadata\":{\"x\":\"\\udc00\"}}]}",
        ),
        ("a lone surrogate nobody reads", b"{\"cards\":[{\"card_id\":\"a\"}],\"x\":\"\\ud83d\"}"),
        ("too deep", deep.as_bytes()),
        ("a byte order mark", b"\xef\xbb\xbf{\"cards\":[{\"card_id\":\"a\"}]}"),
        ("a list", b"[]"),
        ("null", b"null"),
        ("a comment", b"{\"cards\":[{\"card_id\":\"a\"}] /* */}"),
    ];
    for (why, body) in bodies {
        let answer = raw(&world, &admin, body.to_vec()).await;
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()), "{why}");
        assert_eq!(answer.paths(), [json!([])], "{why}");
    }
}

#[tokio::test]
async fn nul_doubled_names_and_numbers_beyond_all_are_refused_wherever_they_stand() {
    let world = World::new().await;
    let admin = world.admin().await;
    let bodies = [
        (r#"{"cards":[{"card_id":"a","name":"\u0000"}]}"#, json!(["cards", 0, "name"])),
        (
            r#"{"cards":[{"card_id":"a","metadata":{"x":["\u0000"]}}]}"#,
            json!(["cards", 0, "metadata", "x", 0]),
        ),
        (r#"{"cards":[{"card_id":"a","unknown":{"x":"\u0000"}}]}"#, json!(["cards", 0, "unknown", "x"])),
        (r#"{"cards":[{"card_id":"a","card_id":"a"}]}"#, json!(["cards", 0, "card_id"])),
        (r#"{"cards":[{"card_id":"a","name":null,"name":"b"}]}"#, json!(["cards", 0, "name"])),
        (r#"{"cards":[{"card_id":"a","metadata":{"x":1,"x":1}}]}"#, json!(["cards", 0, "metadata", "x"])),
        (r#"{"cards":[{"card_id":"a"}],"unknown":1,"unknown":2}"#, json!(["unknown"])),
        (r#"{"cards":[{"card_id":"a"}],"ca\u0072ds":[]}"#, json!(["cards"])),
        (r#"{"cards":[{"card_id":"a","metadata":{"x":-1e999}}]}"#, json!(["cards", 0, "metadata", "x"])),
        (r#"{"cards":[{"card_id":"a"}],"unknown":[0,1e999]}"#, json!(["unknown", 1])),
        (r#"{"cards":[{"card_id":1e999}]}"#, json!(["cards", 0, "card_id"])),
    ];
    for (body, path) in bodies {
        let answer = raw(&world, &admin, body).await;
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()), "{body}");
        assert_eq!(answer.paths(), [path], "{body}");
    }
}

#[tokio::test]
async fn a_body_beyond_4_mib_is_refused_even_without_a_declared_length() {
    let world = World::new().await;
    let admin = world.admin().await;
    let padded = |bytes: usize| {
        let body = r#"{"cards":[{"card_id":"padded"}],"x":""}"#;
        body.replace("\"\"}", &format!("\"{}\"}}", "x".repeat(bytes - body.len())))
    };
    let answer = raw(&world, &admin, padded(4 * MIB + 1)).await;
    assert_eq!(answer.refusal(), (413, "BODY_TOO_LARGE".into()));
    let declared = Call::post(BATCH, &json!({})).header("content-length", "4194305").bearer(&admin);
    assert_eq!(world.send(declared).await.refusal(), (413, "BODY_TOO_LARGE".into()));
    raw(&world, &admin, padded(4 * MIB)).await.ok();
}

#[tokio::test]
async fn a_token_is_asked_for_in_16_kib() {
    let world = World::new().await;
    let (name, secret) = (world.first.client_id.as_str(), world.first.secret.expose());
    let ask = |bytes: usize| {
        let body =
            json!({"grant_type": "client_credentials", "audience": audience(AID), "x": ""}).to_string();
        let padded = body.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - body.len())));
        token_call(AID, name, secret).raw(padded)
    };
    let refused = world.send(ask(16 * 1024 + 1)).await;
    assert_eq!(refused.refusal(), (413, "BODY_TOO_LARGE".into()));
    assert!(refused.text().contains("16 KiB"), "{}", refused.text());
    let declared = token_call(AID, name, secret).header("content-length", "16385");
    assert_eq!(world.send(declared).await.refusal(), (413, "BODY_TOO_LARGE".into()));
    world.send(ask(16 * 1024)).await.ok();
}

#[tokio::test]
async fn only_json_is_read() {
    let world = World::new().await;
    let admin = world.admin().await;
    let call = |kind: &str| {
        let call = Call::new(Method::POST, &format!("/v1/accounts/{AID}/{BATCH}"))
            .raw(r#"{"cards":[{"card_id":"a"}]}"#);
        if kind.is_empty() { call } else { call.header("content-type", kind) }
    };
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "multipart/form-data; boundary=x",
    ] {
        let answer = world.send(call(kind).bearer(&admin)).await;
        assert_eq!(answer.refusal(), (415, "UNSUPPORTED_MEDIA_TYPE".into()), "{kind}");
    }
    for (name, value) in
        [("content-type", "text/plain"), ("content-encoding", "gzip"), ("content-encoding", "identity, gzip")]
    {
        let answer = world.send(call("application/json").header(name, value).bearer(&admin)).await;
        assert_eq!(answer.refusal(), (415, "UNSUPPORTED_MEDIA_TYPE".into()), "{name}: {value}");
    }
    let plain = call("Application/JSON; charset=utf-8").header("content-encoding", "Identity");
    world.send(plain.bearer(&admin)).await.ok();
}

#[tokio::test]
async fn refusals_come_in_their_order() {
    let world = World::new().await;
    let (admin, narrow) = (world.admin().await, world.token_with(&["read:accounts"]).await);
    let at = |path: &str| Call::new(Method::POST, path).raw("{").header("content-type", "text/plain");
    let path = |aid: &str| format!("/v1/accounts/{aid}/wallets/cards/no-such-card/activate");
    let code = async |call: Call| world.send(call).await.refusal();
    assert_eq!(code(at("/v1/accounts/nobody/wallets/gifts")).await, (404, "NOT_FOUND".into()));
    assert_eq!(code(at(&path("nobody"))).await, (400, "INVALID_REQUEST".into()));
    assert_eq!(code(at(&path("T1234567%ff"))).await, (400, "INVALID_REQUEST".into()));
    assert_eq!(code(at(&path("T1234567%38"))).await, (401, "UNAUTHORIZED".into()));
    assert_eq!(code(at(&path("T87654321"))).await, (401, "UNAUTHORIZED".into()));
    assert_eq!(code(at(&path("T87654321")).bearer(&narrow)).await, (403, "FORBIDDEN".into()));
    assert_eq!(code(at(&path(AID)).bearer(&narrow)).await, (403, "FORBIDDEN".into()));
    let large = at(&path(AID)).header("content-length", "4194305");
    assert_eq!(code(large.bearer(&admin)).await.0, 413);
    assert_eq!(code(at(&path(AID)).bearer(&admin)).await.0, 415);
    let json = |body: &str| {
        Call::new(Method::POST, &path(AID)).raw(body.to_owned()).header("content-type", "application/json")
    };
    assert_eq!(code(json("{").bearer(&admin)).await.0, 400);
    let sound = json(r#"{"amount":1,"currency":"NOK"}"#);
    assert_eq!(code(sound.bearer(&admin)).await, (404, "CARD_NOT_FOUND".into()));
}

#[tokio::test]
async fn paths_and_methods_that_are_not_known_are_told_in_the_one_shape() {
    let world = World::new().await;
    for path in [
        "/",
        "/v1",
        "/v1/accounts/T12345678",
        "/v2/accounts/T12345678/wallets/cards",
        "/v1/accounts/T12345678/wallets/cards/",
        "/accounts",
        "/signing-keys/T/rotate",
    ] {
        let answer = world.send(Call::new(Method::GET, path)).await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".into()), "{path}");
    }
    for (method, path, allow) in [
        (Method::PUT, "wallets/cards", "GET HEAD POST"),
        (Method::DELETE, "auth/token", "POST"),
        (Method::PUT, "wallets/cards/batch", "DELETE GET HEAD PATCH POST"),
        (Method::POST, "wallets/cards/x", "DELETE GET HEAD PATCH"),
    ] {
        let answer = world.send(Call::new(method, &format!("/v1/accounts/{AID}/{path}"))).await;
        assert_eq!(answer.refusal(), (405, "METHOD_NOT_ALLOWED".into()), "{path}");
        let mut allowed: Vec<&str> = answer.header("allow").split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(" "), allow);
    }
}

#[tokio::test]
async fn ids_in_paths_are_decoded_and_judged_after_the_token() {
    let world = World::new().await;
    let admin = world.admin().await;
    for segment in ["%20a", "a%20", "a%00b", "a%0Ab", "%ff", "a%E3%80%80", ".", "..", "%2E", &"x".repeat(256)]
    {
        let path = format!("wallets/cards/{segment}");
        assert_eq!(world.send(Call::get(&path)).await.refusal().0, 401, "{segment}");
        let answer = world.send(Call::get(&path).bearer(&admin)).await;
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()), "{segment}");
        let activate = Call::post(&format!("{path}/activate"), &json!({"amount": 1, "currency": "NOK"}));
        assert_eq!(world.send(activate.bearer(&admin)).await.refusal().0, 400, "{segment}");
    }
    for (id, segment) in [
        ("a/b c", "a%2Fb%20c"),
        ("kort-æøå-🎁", "kort-%C3%A6%C3%B8%C3%A5-%F0%9F%8E%81"),
        ("100%", "100%25"),
        ("a+b", "a+b"),
        ("..a", "..a"),
        ("batch", "batch"),
    ] {
        batch(&world, &admin, &json!({"cards": [{"card_id": id}]})).await.ok();
        let read = world.send(Call::get(&format!("wallets/cards/{segment}")).bearer(&admin)).await.ok();
        assert_eq!(read["card_id"], id);
        let activate = Call::post(
            &format!("wallets/cards/{segment}/activate"),
            &json!({"amount": 0, "currency": "NOK"}),
        );
        assert_eq!(world.send(activate.bearer(&admin)).await.ok()["card_id"], id);
        let deleted = world.send(Call::delete(&format!("wallets/cards/{segment}")).bearer(&admin)).await.ok();
        assert_eq!((&deleted["card_id"], &deleted["status"]), (&json!(id), &json!("deleted")));
    }
}

#[tokio::test]
async fn the_account_of_a_path_is_decoded_like_the_rest_of_it() {
    let world = World::new().await;
    let admin = world.admin().await;
    let list =
        |aid: &str| Call::new(Method::GET, &format!("/v1/accounts/{aid}/wallets/cards")).bearer(&admin);
    world.send(list("%5412%33456%37%38")).await.ok();
    let other = world.send(list("T1234567%37")).await;
    assert_eq!(other.refusal(), (403, "FORBIDDEN".into()));
    let undecodable = world.send(list("T1234567%ff")).await;
    let card = world.send(Call::get("wallets/cards/%ff").bearer(&admin)).await;
    assert_eq!((undecodable.refusal(), undecodable.json()), (card.refusal(), card.json()));
    for aid in ["T1234567%", "T1234567%3", "T1234567%2F8", "T12345678%00", "T1234567%EF%BC%98"] {
        assert_eq!(world.send(list(aid)).await.refusal().0, 400, "{aid}");
    }
}

#[tokio::test]
async fn amounts_are_whole_numbers_within_their_limit() {
    let world = World::new().await;
    let admin = world.admin().await;
    let send = async |amount: &str| {
        let body = format!(r#"{{"card_id":"a","amount":{amount},"currency":"NOK"}}"#);
        world.send(Call::post("wallets/cards", &Value::Null).raw(body).bearer(&admin)).await
    };
    let refusal = async |amount: &str| send(amount).await.refusal().1;
    let message = async |amount: &str| send(amount).await.json()["error"]["message"].clone();
    for amount in ["1.0", "1e2", "1.5", "-1", "-0", "\"1\"", "true", "null", "[]"] {
        assert_eq!(refusal(amount).await, "INVALID_REQUEST", "{amount}");
    }
    let (large, longer) = ("18446744073709551616", "9".repeat(400));
    for amount in
        ["1000000000001", "9223372036854775807", "9223372036854775808", large, "1e19", "1e400", &longer]
    {
        assert_eq!(refusal(amount).await, "AMOUNT_LIMIT", "{amount}");
    }
    let below_zero = message("-1").await;
    for amount in ["-9223372036854775809", "-18446744073709551616", "-1e400"] {
        assert_eq!(message(amount).await, below_zero, "{amount}");
    }
}

#[tokio::test]
async fn query_strings_are_utf8_and_their_numbers_are_told_as_those_of_bodies_are() {
    let world = World::new().await;
    let admin = world.admin().await;
    let refused = async |query: &str| {
        let answer = world.send(Call::get(&format!("wallets/cards?{query}")).bearer(&admin)).await;
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()), "{query}");
        answer.json()["error"]["message"].clone()
    };
    for query in ["q=%ff", "unknown=%C3%28", "%ff=1"] {
        assert_eq!(refused(query).await, "the query string is not UTF-8", "{query}");
    }
    assert_eq!(refused("limit=99999999999999999999").await, refused("limit=101").await);
    assert_eq!(refused("limit=-99999999999999999999").await, refused("limit=-1").await);
    assert_eq!(refused("limit=1.0").await, refused("limit=x").await);
}

#[tokio::test]
async fn unknown_fields_are_ignored_and_null_is_absent() {
    let world = World::new().await;
    let admin = world.admin().await;
    let body = json!({
        "card_id": "a", "amount": 1, "currency": "NOK", "name": null, "metadata": null, "pin": null, "card_token": null,
        "id": 17, "amount_balance": "x", "status": {"deep": [1, 2, {"x": null}]},
    });
    let made = world.send(Call::post("wallets/cards", &body).bearer(&admin)).await.ok();
    assert_eq!((&made["name"], &made["pin"], &made["metadata"]), (&Value::Null, &Value::Null, &json!({})));
}
