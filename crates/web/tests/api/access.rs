//! Access tokens and clients: how they begin and end.

use axum::http::Method;
use serde_json::{Value, json};

use crate::world::{AID, Call, Settings, World, audience, basic, token_call};

const FORM: &str = "application/x-www-form-urlencoded";

fn ask(body: &Value, authorization: &str) -> Call {
    Call::post("auth/token", body).header("authorization", authorization)
}

fn good(world: &World) -> String {
    basic(world.first.client_id.as_str(), world.first.secret.expose())
}

#[tokio::test]
async fn a_token_is_given_for_json_and_for_a_form() {
    let world = World::new().await;
    let body = json!({"grant_type": "client_credentials", "audience": audience(AID)});
    let token = world.send(ask(&body, &good(&world))).await.ok();
    assert_eq!((&token["token_type"], &token["expires_in"]), (&json!("Bearer"), &json!(14_400)));
    assert_eq!(token.as_object().map(|fields| fields.len()), Some(3));
    let form = "grant_type=client_credentials&\
                audience=https%3A%2F%2FT12345678%40api.dintero.com%2Fv1%2Faccounts%2FT12345678";
    let call = Call::new(Method::POST, &format!("/v1/accounts/{AID}/auth/token")).raw(form);
    let call = call.header("content-type", FORM).header("authorization", &good(&world));
    let token = world.send(call).await.ok()["access_token"].as_str().expect("a token").to_owned();
    world.send(Call::get("wallets/cards").bearer(&token)).await.ok();
}

#[tokio::test]
async fn what_is_wrong_with_a_token_request_is_told() {
    let world = World::new().await;
    let body = |grant: &str, audience: &str| json!({"grant_type": grant, "audience": audience});
    let cases = [
        (body("password", &audience(AID)), 400, "INVALID_REQUEST"),
        (json!({"audience": audience(AID)}), 400, "INVALID_REQUEST"),
        (json!({"grant_type": "client_credentials"}), 400, "INVALID_REQUEST"),
        (body("client_credentials", "cards"), 400, "INVALID_REQUEST"),
        (
            body("client_credentials", &format!("https://elsewhere.example/v1/accounts/{AID}")),
            400,
            "INVALID_REQUEST",
        ),
        (body("client_credentials", &audience("T87654321")), 403, "FORBIDDEN"),
    ];
    for (body, status, code) in cases {
        let answer = world.send(ask(&body, &good(&world))).await;
        assert_eq!(answer.refusal(), (status, code.into()), "{body}");
    }
    let both = world.send(ask(&body("password", "cards"), &good(&world))).await;
    assert_eq!(both.paths(), [json!(["audience"]), json!(["grant_type"])]);
    let text = Call::post("auth/token", &json!({})).header("authorization", &good(&world));
    assert_eq!(world.send(text).await.refusal().0, 400);
    let kind = Call::new(Method::POST, &format!("/v1/accounts/{AID}/auth/token"))
        .header("authorization", &good(&world));
    assert_eq!(world.send(kind.header("content-type", "text/plain")).await.refusal().0, 415);
    let twice = Call::new(Method::POST, &format!("/v1/accounts/{AID}/auth/token"))
        .raw(format!("grant_type=client_credentials&grant_type=x&audience={}", audience(AID)))
        .header("content-type", FORM)
        .header("authorization", &good(&world));
    assert_eq!(world.send(twice).await.paths(), [json!(["grant_type"])]);
}

#[tokio::test]
async fn bad_credentials_and_unknown_accounts_get_the_one_refusal() {
    let world = World::new().await;
    let (name, secret) = (world.first.client_id.as_str(), world.first.secret.expose());
    let body = json!({"grant_type": "client_credentials", "audience": audience(AID)});
    let mut bodies = Vec::new();
    for authorization in [
        basic(name, "wrong"),
        basic("nobody", secret),
        basic(name, ""),
        basic("", ""),
        "Basic".to_owned(),
        "Basic !!!".to_owned(),
        "Basic bm9jb2xvbg==".to_owned(),
        format!("Bearer {}", world.admin().await),
    ] {
        let answer = world.send(ask(&body, &authorization)).await;
        assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".into()), "{authorization}");
        assert_eq!(answer.header("www-authenticate"), "Basic");
        bodies.push(answer.bytes);
    }
    let unknown = world.send(token_call("T00000000", name, secret)).await;
    assert_eq!(unknown.refusal(), (401, "UNAUTHORIZED".into()));
    bodies.push(unknown.bytes);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    let shape = Call::new(Method::POST, "/v1/accounts/T1/auth/token").json(&body);
    assert_eq!(world.send(shape).await.refusal(), (400, "INVALID_REQUEST".into()));
}

#[tokio::test]
async fn guessing_has_to_wait_and_is_counted_by_network() {
    let settings = Settings { trusted_proxies: vec!["10.0.0.0/8".to_owned()], ..Settings::default() };
    let world = World::with(settings).await;
    let (name, secret) = (world.first.client_id.as_str().to_owned(), world.first.secret.expose().to_owned());
    let from = |secret: &str, origin: &str| {
        token_call(AID, &name, secret).peer([10, 0, 0, 1]).header("x-forwarded-for", origin)
    };
    for _ in 0..10 {
        assert_eq!(world.send(from("wrong", "203.0.113.7")).await.refusal().0, 401);
    }
    let waits = world.send(from(&secret, "192.0.2.1, 203.0.113.7")).await;
    assert_eq!(waits.refusal(), (429, "TOO_MANY_TRIES".into()));
    let seconds: i64 = waits.header("retry-after").parse().expect("seconds");
    world.send(from(&secret, "203.0.113.8")).await.ok();
    world.clock.advance_seconds(seconds);
    world.send(from(&secret, "203.0.113.7")).await.ok();
}

#[tokio::test]
async fn rotating_and_deleting_end_a_clients_tokens_at_once() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (id, name, secret) = world.client(&["read:wallets"]).await;
    let token = world.token(AID, &name, &secret).await;
    let reads =
        async |token: &str| world.send(Call::get("wallets/cards").bearer(token)).await.status.as_u16();
    assert_eq!(reads(&token).await, 200);
    let rotate = format!("auth/clients/{id}/rotate-secret");
    let without_body = Call::new(Method::POST, &format!("/v1/accounts/{AID}/{rotate}")).bearer(&admin);
    let rotated = world.send(without_body).await.ok();
    assert_eq!(reads(&token).await, 401);
    assert_eq!(world.send(token_call(AID, &name, &secret)).await.refusal().0, 401);
    let secret = rotated["client_secret"].as_str().expect("a secret").to_owned();
    let token = world.token(AID, &name, &secret).await;
    let rotated = world.send(Call::post(&rotate, &json!({"grace_seconds": 60})).bearer(&admin)).await.ok();
    assert_eq!(reads(&token).await, 200, "within its grace");
    world.clock.advance_seconds(60);
    assert_eq!(reads(&token).await, 401, "after it");
    let token = world.token(AID, &name, rotated["client_secret"].as_str().expect("a secret")).await;
    assert_eq!(reads(&token).await, 200);
    let deleted = world.send(Call::delete(&format!("auth/clients/{id}")).bearer(&admin)).await.ok();
    assert_eq!(deleted["id"], id);
    assert_eq!(reads(&token).await, 401);
    let gone = world.send(Call::get(&format!("auth/clients/{id}")).bearer(&admin)).await;
    assert_eq!(gone.refusal(), (404, "NOT_FOUND".into()));
    for grace in [-1, 86_401] {
        let answer = world.send(Call::post(&rotate, &json!({"grace_seconds": grace})).bearer(&admin)).await;
        assert_eq!(answer.paths(), [json!(["grace_seconds"])]);
    }
}

#[tokio::test]
async fn grants_are_made_changed_and_taken_away() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (id, name, secret) = world.client(&["read:wallets"]).await;
    let token = world.token(AID, &name, &secret).await;
    let grants = world.send(Call::get("auth/client-grants").bearer(&admin)).await.ok();
    let grant = grants.as_array().expect("grants").iter().find(|grant| grant["client_id"] == id.as_str());
    let grant = grant.expect("the grant").clone();
    assert_eq!((&grant["scope"], &grant["audience"]), (&json!(["read:wallets"]), &json!(audience(AID))));
    let path = format!("auth/client-grants/{}", grant["id"].as_str().expect("an id"));
    let change = Call::patch(&path, &json!({"scope": ["write:wallets:/cards"]})).bearer(&admin);
    assert_eq!(world.send(change).await.ok()["scope"], json!(["write:wallets:/cards"]));
    assert_eq!(world.send(Call::get("wallets/cards").bearer(&token)).await.status, 401);
    let unknown = Call::patch(&path, &json!({"scope": ["read:wallets", "read:all", 1]})).bearer(&admin);
    assert_eq!(world.send(unknown).await.paths(), [json!(["scope", 1]), json!(["scope", 2])]);
    let nothing = Call::patch(&path, &json!({"scope": []})).bearer(&admin);
    assert_eq!(world.send(nothing).await.paths(), [json!(["scope"])]);
    assert_eq!(world.send(Call::delete(&path).bearer(&admin)).await.ok()["client_id"], id.as_str());
    assert_eq!(world.send(token_call(AID, &name, &secret)).await.refusal(), (403, "FORBIDDEN".into()));
    assert_eq!(world.send(Call::delete(&path).bearer(&admin)).await.refusal(), (404, "NOT_FOUND".into()));
    let elsewhere = json!({"client_id": id, "audience": audience("T87654321"), "scope": ["read:wallets"]});
    let elsewhere = world.send(Call::post("auth/client-grants", &elsewhere).bearer(&admin)).await;
    assert_eq!((elsewhere.refusal().0, elsewhere.paths()), (400, vec![json!(["audience"])]));
}

#[tokio::test]
async fn a_client_hands_out_no_more_than_it_holds() {
    let world = World::new().await;
    let manager = world.token_with(&["write:accounts", "read:accounts", "read:wallets"]).await;
    let made = world.send(Call::post("auth/clients", &json!({"name": "till"})).bearer(&manager)).await.ok();
    let grant = |scopes: &[&str]| {
        let body = json!({"client_id": made["id"], "audience": audience(AID), "scope": scopes});
        Call::post("auth/client-grants", &body).bearer(&manager)
    };
    assert_eq!(
        world.send(grant(&["read:wallets", "write:wallets"])).await.refusal(),
        (403, "FORBIDDEN".into())
    );
    world.send(grant(&["read:wallets"])).await.ok();
    let clients = world.send(Call::get("auth/clients").bearer(&manager)).await.ok();
    let is_first = |client: &&Value| client["client_id"] == world.first.client_id.as_str();
    let first = clients.as_array().expect("clients").iter().find(is_first).expect("the first client");
    let first = first["id"].as_str().expect("an id").to_owned();
    let delete = Call::delete(&format!("auth/clients/{first}")).bearer(&manager);
    assert_eq!(world.send(delete).await.refusal(), (403, "FORBIDDEN".into()));
    let rotate = Call::post(&format!("auth/clients/{first}/rotate-secret"), &json!({})).bearer(&manager);
    assert_eq!(world.send(rotate).await.refusal(), (403, "FORBIDDEN".into()));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new().await;
    let admin = world.admin().await;
    let clients = world.send(Call::get("auth/clients").bearer(&admin)).await.ok();
    let first = clients[0]["id"].as_str().expect("an id").to_owned();
    let refused = world.send(Call::delete(&format!("auth/clients/{first}")).bearer(&admin)).await;
    assert_eq!(refused.refusal(), (400, "INVALID_REQUEST".into()));
    let (other, _, _) = world.client(&["admin:accounts"]).await;
    world.send(Call::delete(&format!("auth/clients/{other}")).bearer(&admin)).await.ok();
    assert!(refused.text().contains("admin:accounts"));
}

#[tokio::test]
async fn a_client_is_shown_without_its_secret_and_renamed() {
    let world = World::new().await;
    let admin = world.admin().await;
    let body = json!({"name": "Till 3", "description": "By the door"});
    let made = world.send(Call::post("auth/clients", &body).bearer(&admin)).await.ok();
    let path = format!("auth/clients/{}", made["id"].as_str().expect("an id"));
    let read = world.send(Call::get(&path).bearer(&admin)).await.ok();
    let mut expected = made.clone();
    assert!(expected.as_object_mut().expect("an object").shift_remove("client_secret").is_some());
    assert_eq!(read, expected);
    world.clock.advance_seconds(1);
    let changed = world.send(Call::patch(&path, &json!({"name": "Till 4"})).bearer(&admin)).await.ok();
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Till 4"), &json!("By the door")));
    assert!(changed["updated_at"].as_str() > read["updated_at"].as_str());
    for id in ["no-id", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"] {
        let answer = world.send(Call::get(&format!("auth/clients/{id}")).bearer(&admin)).await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".into()));
    }
}

#[tokio::test]
async fn keys_rotate_and_tokens_of_the_one_before_stay_valid() {
    let world = World::new().await;
    let admin = world.admin().await;
    let keys = world.send(Call::get("auth/keys").bearer(&admin)).await.ok();
    let names: Vec<&String> = keys[0].as_object().expect("a key").keys().collect();
    assert_eq!(names, ["kty", "use", "alg", "kid", "n", "e"]);
    assert_eq!(
        (&keys[0]["kty"], &keys[0]["use"], &keys[0]["alg"]),
        (&json!("RSA"), &json!("sig"), &json!("RS256"))
    );
    world.clock.advance_seconds(1);
    world.service().rotate_signing_key(domain::Mode::Test).await.expect("rotated");
    let both = world.send(Call::get("auth/keys").bearer(&admin)).await.ok();
    assert_eq!(both.as_array().map(Vec::len), Some(2), "the token of the key before is still valid");
    let newer = world.admin().await;
    world.send(Call::get("auth/keys").bearer(&newer)).await.ok();
    let set = world.send(Call::new(Method::GET, "/.well-known/jwks.json")).await.ok();
    assert_eq!(
        set["keys"].as_array().map(Vec::len),
        Some(3),
        "two of test accounts, one of production accounts"
    );
    world.clock.advance_seconds(14_400);
    assert_eq!(world.send(Call::get("auth/keys").bearer(&admin)).await.status, 401);
    let later = world.admin().await;
    let one = world.send(Call::get("auth/keys").bearer(&later)).await.ok();
    assert_eq!(one.as_array().map(Vec::len), Some(1));
}
