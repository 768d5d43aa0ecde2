//! Who may do what: every operation × every scope × every account.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use domain::Scope;
use serde_json::{Value, json};

use crate::world::{AID, Call, World};

const OTHER: &str = "T87654321";
const OTHER_MODE: &str = "P12345678";
const UNKNOWN: &str = "T00000000";

/// An operation, with the scopes of which any one permits it. Nothing for those that take no access token.
type Row = (&'static str, &'static str, &'static [&'static str]);

const READ_CLIENTS: &[&str] = &["admin:accounts", "read:accounts"];
const WRITE_CLIENTS: &[&str] = &["admin:accounts", "write:accounts"];
const MAKE_CARDS: &[&str] = &["admin:wallets", "write:wallets", "write:wallets:/cards"];
const WRITE_CARDS: &[&str] = &["admin:wallets", "write:wallets"];
const READ_CARDS: &[&str] = &["admin:wallets", "read:wallets"];
const ACTIVATE: &[&str] = &["admin:wallets", "write:wallets", "write:wallets:/activate"];
const LOOK_UP: &[&str] = &["admin:wallets", "write:wallets", "write:wallets:/info"];
const ADJUST: &[&str] = &["admin:wallets"];
const CHOOSE: &[&str] = &["admin:accounts"];
const REDEEM: &[&str] = &["admin:wallets", "write:wallets", "write:wallets:/transactions"];
const ANY: &[&str] = &[
    "admin:accounts",
    "read:accounts",
    "write:accounts",
    "admin:wallets",
    "read:wallets",
    "write:wallets",
    "write:wallets:/info",
    "write:wallets:/transactions",
    "write:wallets:/cards",
    "write:wallets:/activate",
    "user:wallets",
    "admin:hooks",
    "read:hooks",
    "write:hooks",
];

/// Written down here once more, so that a slip in the code is not its own measure.
const ROWS: &[Row] = &[
    ("get", "/healthz", &[]),
    ("get", "/readyz", &[]),
    ("get", "/.well-known/jwks.json", &[]),
    ("post", "/v1/accounts/{aid}/auth/token", &[]),
    ("get", "/v1/accounts/{aid}/auth/keys", ANY),
    ("get", "/v1/accounts/{aid}/auth/clients", READ_CLIENTS),
    ("post", "/v1/accounts/{aid}/auth/clients", WRITE_CLIENTS),
    ("get", "/v1/accounts/{aid}/auth/clients/{id}", READ_CLIENTS),
    ("patch", "/v1/accounts/{aid}/auth/clients/{id}", WRITE_CLIENTS),
    ("delete", "/v1/accounts/{aid}/auth/clients/{id}", WRITE_CLIENTS),
    ("post", "/v1/accounts/{aid}/auth/clients/{id}/rotate-secret", WRITE_CLIENTS),
    ("get", "/v1/accounts/{aid}/auth/client-grants", READ_CLIENTS),
    ("post", "/v1/accounts/{aid}/auth/client-grants", WRITE_CLIENTS),
    ("patch", "/v1/accounts/{aid}/auth/client-grants/{id}", WRITE_CLIENTS),
    ("delete", "/v1/accounts/{aid}/auth/client-grants/{id}", WRITE_CLIENTS),
    ("post", "/v1/accounts/{aid}/wallets/cards", MAKE_CARDS),
    ("post", "/v1/accounts/{aid}/wallets/cards/batch", MAKE_CARDS),
    ("get", "/v1/accounts/{aid}/wallets/cards", READ_CARDS),
    ("get", "/v1/accounts/{aid}/wallets/cards/{card_id}", READ_CARDS),
    ("delete", "/v1/accounts/{aid}/wallets/cards/{card_id}", WRITE_CARDS),
    ("post", "/v1/accounts/{aid}/wallets/cards/{card_id}/activate", ACTIVATE),
    ("post", "/v1/accounts/{aid}/wallets/cards/{card_id}/rotate-pin", WRITE_CARDS),
    ("post", "/v1/accounts/{aid}/wallets/cards/{card_id}/tokens", WRITE_CARDS),
    ("delete", "/v1/accounts/{aid}/wallets/cards/{card_id}/tokens/{id}", WRITE_CARDS),
    ("get", "/v1/accounts/{aid}/wallets/customers/{customer_id}/cards", READ_CARDS),
    ("get", "/v1/accounts/{aid}/wallets/customers/{customer_id}/cards/{card_id}", READ_CARDS),
    ("patch", "/v1/accounts/{aid}/wallets/cards/{card_id}", WRITE_CARDS),
    ("post", "/v1/accounts/{aid}/wallets/cards/{card_id}/block", WRITE_CARDS),
    ("post", "/v1/accounts/{aid}/wallets/cards/{card_id}/unblock", WRITE_CARDS),
    ("post", "/v1/accounts/{aid}/wallets/cards/{card_id}/adjust", ADJUST),
    ("post", "/v1/accounts/{aid}/wallets/cards/{card_id}/replace", WRITE_CARDS),
    ("get", "/v1/accounts/{aid}/wallets/cards/{card_id}/transactions", READ_CARDS),
    ("post", "/v1/accounts/{aid}/wallets/activations", ACTIVATE),
    ("post", "/v1/accounts/{aid}/wallets/info", LOOK_UP),
    ("post", "/v1/accounts/{aid}/wallets/transactions", REDEEM),
    ("get", "/v1/accounts/{aid}/wallets/transactions", READ_CARDS),
    ("get", "/v1/accounts/{aid}/wallets/transactions/{id}", READ_CARDS),
    ("post", "/v1/accounts/{aid}/wallets/transactions/{id}/capture", REDEEM),
    ("post", "/v1/accounts/{aid}/wallets/transactions/{id}/void", REDEEM),
    ("post", "/v1/accounts/{aid}/wallets/transactions/{id}/reverse", REDEEM),
    ("get", "/v1/accounts/{aid}/wallets/reports/liability", READ_CARDS),
    ("get", "/v1/accounts/{aid}/settings", READ_CLIENTS),
    ("patch", "/v1/accounts/{aid}/settings", CHOOSE),
    ("post", "/v1/accounts/{aid}/test-clock", CHOOSE),
    ("get", "/v1/accounts/{aid}/audit", READ_CLIENTS),
];

#[test]
fn every_route_of_the_document_has_a_row_with_its_scopes() {
    let document: Value = serde_json::from_str(&web::api::openapi()).expect("JSON");
    let mut documented = BTreeMap::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            documented.insert((method.as_str(), path.as_str()), scopes_of(operation));
        }
    }
    let rows: BTreeMap<_, BTreeSet<String>> = ROWS
        .iter()
        .map(|(method, path, scopes)| {
            ((*method, *path), scopes.iter().map(|scope| scope.to_string()).collect())
        })
        .collect();
    assert_eq!(documented, rows);
}

fn scopes_of(operation: &Value) -> BTreeSet<String> {
    let scopes = operation["x-scopes"].as_array().cloned().unwrap_or_default();
    scopes.iter().map(|scope| scope.as_str().expect("a scope").to_owned()).collect()
}

/// A call that a permitted caller fails at for another reason, or that changes nothing.
fn call(method: &str, path: &str, aid: &str) -> Call {
    let nothing = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
    let path = path.replace("{aid}", aid).replace("{id}", nothing).replace("_id}", "}");
    let path = path.replace("{card}", "no-such-card").replace("{customer}", "nobody");
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).expect("a method");
    let has_body = matches!(method, Method::POST | Method::PATCH);
    let call = Call::new(method, &path);
    if has_body { call.json(&json!({})) } else { call }
}

fn guarded() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(|(_, _, scopes)| !scopes.is_empty())
}

#[tokio::test]
async fn a_scope_permits_its_own_operations_in_its_own_account_and_nothing_else() {
    let world = World::new().await;
    world.other_account(OTHER).await;
    world.other_account(OTHER_MODE).await;
    let mut checked = 0;
    for scope in Scope::ALL {
        let token = world.token_with(&[scope.as_str()]).await;
        for (method, path, scopes) in guarded() {
            let own = world.send(call(method, path, AID).bearer(&token)).await;
            let (status, code) = if own.status == 200 { (200, String::new()) } else { own.refusal() };
            let permitted = scopes.contains(&scope.as_str());
            let told = format!("{method} {path} with {scope}: {status} {code}");
            assert_eq!(permitted, !matches!(status, 401 | 403), "{told}");
            assert!(!permitted || matches!(status, 200 | 400 | 404), "{told}");
            assert!(permitted || code == "FORBIDDEN", "{told}");
            for elsewhere in [OTHER, OTHER_MODE, UNKNOWN] {
                let answer = world.send(call(method, path, elsewhere).bearer(&token)).await;
                assert_eq!(answer.refusal(), (403, "FORBIDDEN".into()), "{told} in {elsewhere}");
            }
            checked += 4;
        }
    }
    assert_eq!(checked, Scope::ALL.len() * guarded().count() * 4);
}

#[tokio::test]
async fn without_a_token_nothing_is_told_but_that_one_is_needed() {
    let world = World::new().await;
    let mut bodies = BTreeSet::new();
    for (method, path, _) in guarded() {
        for aid in [AID, UNKNOWN, OTHER_MODE] {
            let answer = world.send(call(method, path, aid)).await;
            assert_eq!(answer.refusal(), (401, "UNAUTHORIZED".into()), "{method} {path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            bodies.insert(answer.text());
        }
    }
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn a_token_of_another_account_or_mode_is_refused_before_its_scopes() {
    let world = World::new().await;
    for aid in [OTHER, OTHER_MODE] {
        let token = world.other_account(aid).await;
        for (method, path, _) in guarded() {
            let answer = world.send(call(method, path, AID).bearer(&token)).await;
            assert_eq!(answer.refusal(), (403, "FORBIDDEN".into()), "{method} {path}");
            assert!(answer.text().contains("another account"));
        }
    }
}

#[tokio::test]
async fn the_card_called_batch_is_guarded_like_every_other() {
    let world = World::new().await;
    let reader = world.token_with(&["read:wallets"]).await;
    let writer = world.token_with(&["write:wallets"]).await;
    let path = "wallets/cards/batch";
    assert_eq!(world.send(Call::get(path)).await.refusal().0, 401);
    assert_eq!(world.send(Call::delete(path)).await.refusal().0, 401);
    assert_eq!(world.send(Call::get(path).bearer(&writer)).await.refusal().0, 403);
    assert_eq!(world.send(Call::delete(path).bearer(&reader)).await.refusal().0, 403);
    assert_eq!(world.send(Call::get(path).bearer(&reader)).await.refusal(), (404, "CARD_NOT_FOUND".into()));
    assert_eq!(
        world.send(Call::delete(path).bearer(&writer)).await.refusal(),
        (404, "CARD_NOT_FOUND".into())
    );
}

#[tokio::test]
async fn giving_up_a_cards_money_takes_the_administrator_of_wallets() {
    let world = World::new().await;
    let writer = world.token_with(&["write:wallets"]).await;
    let admin = world.token_with(&["admin:wallets"]).await;
    let card = json!({"card_id": "rich", "amount": 100, "currency": "NOK"});
    world.send(Call::post("wallets/cards", &card).bearer(&writer)).await.ok();
    let refused = world.send(Call::delete("wallets/cards/rich").bearer(&writer)).await;
    assert_eq!(refused.refusal(), (400, "CARD_HAS_MONEY".into()));
    assert_eq!(refused.json()["error"]["errors"][0]["details"], json!({"available": 100}));
    let forfeit = || Call::delete("wallets/cards/rich?forfeit=true");
    assert_eq!(world.send(forfeit().bearer(&writer)).await.refusal(), (403, "FORBIDDEN".into()));
    let deleted = world.send(forfeit().bearer(&admin)).await.ok();
    assert_eq!((&deleted["status"], &deleted["amount_available"]), (&json!("deleted"), &json!(0)));
}
