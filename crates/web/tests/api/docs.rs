//! What everybody may read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::Method;
use serde_json::{Value, json};
use web::api::ApiSettings;

use crate::world::{Call, Settings, World};

fn document() -> Value {
    serde_json::from_str(&web::api::openapi()).expect("JSON")
}

/// Every operation: its method, its path and what is said of it.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths").iter();
    let operations = paths.flat_map(|(path, operations)| {
        let operations = operations.as_object().expect("operations").iter();
        operations.map(move |(method, operation)| (method.clone(), path.clone(), operation.clone()))
    });
    operations.collect()
}

#[test]
fn the_document_is_the_same_every_time_and_ends_in_a_newline() {
    let text = web::api::openapi();
    assert!(text.ends_with("}\n"));
    for _ in 0..5 {
        assert_eq!(text, web::api::openapi());
    }
    assert!(document()["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
}

#[test]
fn every_operation_has_words_examples_scopes_and_its_refusals() {
    let document = document();
    for (method, path, operation) in operations(&document) {
        let told = format!("{method} {path}");
        for field in ["operationId", "summary", "description"] {
            assert!(operation[field].as_str().is_some_and(|text| !text.is_empty()), "{told}: {field}");
        }
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{told}");
        let responses = operation["responses"].as_object().expect("responses");
        for (status, response) in responses {
            let content = &response["content"]["application/json"];
            assert!(content["example"].is_object() || content["example"].is_array(), "{told}: {status}");
            assert!(content["schema"].is_object(), "{told}: {status}");
        }
        let has = |status: &str| responses.contains_key(status);
        assert!(has("200") && has("500"), "{told}");
        assert!(responses.keys().all(|status| !matches!(status.as_str(), "201" | "204")), "{told}");
        if operation["security"][0]["bearer"].is_array() {
            assert!(operation["x-scopes"].as_array().is_some_and(|scopes| !scopes.is_empty()), "{told}");
            assert!(has("400") && has("401") && has("403"), "{told}");
        }
        if operation.get("requestBody").is_some() {
            assert!(operation["requestBody"]["content"]["application/json"]["example"].is_object(), "{told}");
            assert!(has("400") && has("413") && has("415"), "{told}");
        }
        if path.contains("_id}") && method != "get" || path.ends_with("/{id}") {
            assert!(has("404"), "{told}");
        }
    }
}

#[test]
fn every_reference_leads_to_a_schema_and_every_schema_is_referred_to() {
    let document = document();
    let mut named: Vec<String> = Vec::new();
    references(&document, &mut named);
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for name in &named {
        assert!(schemas.contains_key(name), "{name}");
    }
    for name in schemas.keys() {
        assert!(named.contains(name), "{name}");
    }
}

fn references(value: &Value, named: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                named.push(reference.trim_start_matches("#/components/schemas/").to_owned());
            }
            object.values().for_each(|value| references(value, named));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, named)),
        _ => {}
    }
}

#[tokio::test]
async fn every_example_of_a_body_is_one_that_the_api_takes() {
    let world = World::new().await;
    let admin = world.admin().await;
    for (method, path, operation) in operations(&document()) {
        let example = &operation["requestBody"]["content"]["application/json"]["example"];
        if example.is_null() {
            continue;
        }
        let nothing = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
        let path = path.replace("{aid}", "T12345678").replace("{id}", nothing).replace("{card_id}", "none");
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).expect("a method");
        let answer = world.send(Call::new(method, &path).json(example).bearer(&admin)).await;
        // Well-formed, though perhaps about a thing that is not there or there already, or without the right
        // credentials.
        assert!(matches!(answer.status.as_u16(), 200 | 401 | 404 | 409), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_document_is_served_and_names_the_public_url() {
    let settings = Settings { public_url: Some("https://cards.example".to_owned()), ..Settings::default() };
    let world = World::with(settings).await;
    let served = world.send(Call::new(Method::GET, "/openapi.json")).await;
    assert_eq!(served.header("content-type"), "application/json");
    let mut served = served.ok();
    assert_eq!(served["servers"], json!([{"url": "https://cards.example"}]));
    served.as_object_mut().expect("an object").shift_remove("servers");
    assert_eq!(served, document());
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let world = World::new().await;
    let page = world.send(Call::new(Method::GET, "/docs")).await;
    assert_eq!((page.status.as_u16(), page.header("location")), (308, "/docs/"));
    for (path, kind) in [
        ("/docs/", "text/html"),
        ("/docs/swagger-initializer.js", "text/javascript"),
        ("/docs/index.css", "text/css"),
        ("/docs/swagger-ui.css", "text/css"),
        ("/docs/swagger-ui-bundle.js", "text/javascript"),
    ] {
        let file = world.send(Call::new(Method::GET, path)).await;
        assert_eq!(file.status, 200, "{path}");
        assert!(file.header("content-type").starts_with(kind), "{path}: {}", file.header("content-type"));
        let policy = file.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert!(!policy.contains("http") && !policy.contains('*'), "{path}: {policy}");
        if !path.ends_with("bundle.js") {
            let text = file.text();
            let foreign = |scheme: &str| text.replace("http://www.w3.org", "").contains(scheme);
            assert!(!foreign("http://") && !foreign("https://") && !text.contains("src=\"//"), "{path}");
        }
    }
    let settings = world.send(Call::new(Method::GET, "/docs/swagger-initializer.js")).await.text();
    assert!(
        settings.contains("\"validatorUrl\": \"none\"") && settings.contains("/openapi.json"),
        "{settings}"
    );
    let missing = world.send(Call::new(Method::GET, "/docs/nothing.js")).await;
    assert_eq!(missing.refusal(), (404, "NOT_FOUND".into()));
}

#[tokio::test]
async fn a_short_text_says_what_it_is_and_where_more_is() {
    let settings = Settings { public_url: Some("https://cards.example/".to_owned()), ..Settings::default() };
    let world = World::with(settings).await;
    let text = world.send(Call::new(Method::GET, "/llms.txt")).await;
    assert_eq!((text.status.as_u16(), text.header("content-type")), (200, "text/plain; charset=utf-8"));
    for needed in [
        "# Gavekort",
        "https://cards.example/v1/accounts/",
        "auth/token",
        "https://cards.example/openapi.json",
    ] {
        assert!(text.text().contains(needed), "{needed}");
    }
}

#[tokio::test]
async fn health_is_told_without_a_token() {
    let stopping = Arc::new(AtomicBool::new(false));
    let world = World::within(ApiSettings { stopping: stopping.clone(), ..ApiSettings::default() }).await;
    assert_eq!(world.send(Call::new(Method::GET, "/healthz")).await.ok(), json!({"status": "alive"}));
    assert_eq!(world.send(Call::new(Method::GET, "/readyz")).await.ok(), json!({"status": "ready"}));
    stopping.store(true, Ordering::Relaxed);
    let answer = world.send(Call::new(Method::GET, "/readyz")).await;
    assert_eq!(answer.refusal(), (503, "UNAVAILABLE".into()));
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(world.send(Call::new(Method::GET, "/healthz")).await.ok(), json!({"status": "alive"}));
}
