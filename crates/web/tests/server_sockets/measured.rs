//! What the admin listener tells.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::sync::Notify;
use web::server::{Event, Limits, Metrics, PinFailure, StoreFigures, admin_router, descriptors_max};

use super::support::{Running, metrics_page};

fn with(event: Event) -> Response {
    let mut response = "done".into_response();
    response.extensions_mut().insert(event);
    response
}

fn wrong_pin() -> Response {
    let mut response = with(Event::Redemption("pin_invalid"));
    response.extensions_mut().insert(PinFailure);
    response
}

fn router() -> Router {
    Router::new()
        .route("/cards", post(async || with(Event::CardsIssued(1))))
        .route("/cards/batch", post(async || with(Event::BatchIssued(1000))))
        .route("/cards/{card_id}", get(async || "a card"))
        .route("/pay", post(async || with(Event::Redemption("completed"))))
        .route("/pay/wrong", post(async || wrong_pin()))
}

/// Every sample of a page by its name and labels, after checking that the page is well-formed OpenMetrics.
fn samples(page: &str) -> HashMap<&str, f64> {
    let body = page.strip_suffix("# EOF\n").expect("an end mark");
    let mut family = "";
    let mut samples = HashMap::new();
    for line in body.lines() {
        if let Some(about) = line.strip_prefix("# ") {
            let (keyword, about) = about.split_once(' ').expect("a keyword");
            assert!(["HELP", "TYPE", "UNIT"].contains(&keyword), "{line}");
            family = about.split(' ').next().expect("a name");
            continue;
        }
        assert!(line.starts_with(family), "{line} under {family}");
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(samples.insert(name, value), None, "{name} twice");
    }
    samples
}

async fn post_to(server: &Running, paths: &[&str]) {
    let mut client = server.client().await;
    for path in paths {
        client.send(&format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: 0\r\n\r\n")).await;
        client.answer().await.expect("an answer");
    }
}

#[tokio::test]
async fn what_requests_did_is_counted() {
    let server = Running::start(router(), Limits::default()).await;
    post_to(&server, &["/cards", "/cards", "/cards/batch", "/pay", "/pay", "/pay", "/pay/wrong"]).await;
    let page = metrics_page(&server.metrics).await;
    let samples = samples(&page);
    let expected = [
        ("gavekort_cards_issued_total", 1002.0),
        ("gavekort_batch_generation_duration_seconds_count", 1.0),
        ("gavekort_redemptions_total{result=\"completed\"}", 3.0),
        ("gavekort_redemptions_total{result=\"pin_invalid\"}", 1.0),
        ("gavekort_pin_failures_total", 1.0),
        ("gavekort_build_info{version=\"1.2.3\"}", 1.0),
    ];
    for (name, value) in expected {
        assert_eq!(samples.get(name), Some(&value), "{name} in\n{page}");
    }
}

#[tokio::test]
async fn requests_are_measured_by_template_method_and_status() {
    let server = Running::start(router(), Limits::default()).await;
    let mut client = server.client().await;
    for path in ["/cards/ONE", "/cards/TWO", "/none", "/nowhere"] {
        client.get(path).await;
    }
    for method in ["BREW", "STEEP", "DELETE"] {
        client.send(&format!("{method} /cards/ONE HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        client.answer().await.expect("an answer");
    }
    let page = metrics_page(&server.metrics).await;
    let samples = samples(&page);
    let count = |labels: &str| {
        let name = format!("http_server_request_duration_seconds_count{{{labels}}}");
        samples.get(name.as_str()).copied()
    };
    assert_eq!(count(r#"method="GET",route="/cards/{card_id}",status="200""#), Some(2.0));
    assert_eq!(count(r#"method="GET",route="unmatched",status="404""#), Some(2.0));
    assert_eq!(count(r#"method="OTHER",route="/cards/{card_id}",status="405""#), Some(2.0));
    assert_eq!(count(r#"method="DELETE",route="/cards/{card_id}",status="405""#), Some(1.0));
    assert!(!page.contains("ONE") && !page.contains("BREW"), "{page}");
}

#[tokio::test]
async fn a_client_that_leaves_is_counted() {
    let begun = Arc::new(Notify::new());
    let tell = begun.clone();
    let never = async move || {
        tell.notify_one();
        std::future::pending::<&'static str>().await
    };
    let server = Running::start(Router::new().route("/", get(never)), Limits::default()).await;
    let mut client = server.client().await;
    client.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    begun.notified().await;
    drop(client);
    let counted = "http_server_request_duration_seconds_count{method=\"GET\",route=\"/\",status=\"499\"}";
    server.metric_becomes(counted, 1.0).await;
}

#[tokio::test]
async fn the_stores_figures_are_read_at_each_scrape() {
    let commits = Arc::new(AtomicU64::new(7));
    let count = commits.clone();
    let metrics = Metrics::new("1.2.3", move || StoreFigures {
        queued_orders: 3,
        commits_total: count.load(Ordering::Relaxed),
        orders_total: 100,
        wal_bytes: Some(4096),
    });
    let page = metrics_page(&metrics).await;
    assert_eq!(samples(&page)["gavekort_store_commits_total"], 7.0);
    assert_eq!(samples(&page)["gavekort_store_orders_total"], 100.0);
    assert_eq!(samples(&page)["gavekort_store_orders_queued"], 3.0);
    assert_eq!(samples(&page)["gavekort_store_wal_bytes"], 4096.0);
    commits.store(8, Ordering::Relaxed);
    assert_eq!(samples(&metrics_page(&metrics).await)["gavekort_store_commits_total"], 8.0);
}

#[tokio::test]
async fn a_store_without_a_log_has_no_size_of_it() {
    let page = metrics_page(&Metrics::new("1.2.3", StoreFigures::default)).await;
    assert!(!page.contains("wal"), "{page}");
}

#[tokio::test]
async fn the_process_tells_of_itself() {
    let page = metrics_page(&Metrics::new("1.2.3", StoreFigures::default)).await;
    let samples = samples(&page);
    assert!(samples["process_resident_memory_bytes"] > 1e6);
    assert!(samples["process_open_fds"] >= 3.0);
    assert_eq!(descriptors_max().is_some(), samples.contains_key("process_max_fds"));
    assert!(samples["process_start_time_seconds"] > 1.6e9);
    assert!(samples["process_cpu_seconds_total"] >= 0.0);
}

#[tokio::test]
async fn health_and_readiness_are_answered() {
    let is_ready = Arc::new(AtomicBool::new(true));
    let ready = is_ready.clone();
    let ready = Arc::new(move || ready.load(Ordering::Relaxed));
    let metrics = Metrics::new("1.2.3", StoreFigures::default);
    let server = Running::start(admin_router(metrics, ready), Limits::default()).await;
    let mut client = server.client().await;
    assert_eq!(client.get("/healthz").await.status, 200);
    assert_eq!(client.get("/readyz").await.status, 200);
    is_ready.store(false, Ordering::Relaxed);
    assert_eq!(client.get("/healthz").await.status, 200);
    let answer = client.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.body.contains(r#""code":"UNAVAILABLE","errors":[{"code":"UNAVAILABLE""#),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn the_page_says_what_it_is() {
    let metrics = Metrics::new("1.2.3", StoreFigures::default);
    let server = Running::start(admin_router(metrics, Arc::new(|| true)), Limits::default()).await;
    let answer = server.client().await.get("/metrics").await;
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(answer.header.contains(kind), "{}", answer.header);
    samples(&answer.body);
}
