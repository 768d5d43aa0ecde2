//! Every operation there is.

use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::{Router, middleware};
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa_axum::router::OpenApiRouter;

use super::operation::Operation;
use super::settings::ApiSettings;
use super::{
    Api, account, auth, cards, customers, docs, frame, info, openapi, operator, reports, transactions,
};

/// What a caller does within one account, whichever door it came in by.
fn of_account() -> Vec<Operation> {
    vec![
        auth::keys::operation(),
        auth::clients::list::operation(),
        auth::clients::create::operation(),
        auth::clients::get::operation(),
        auth::clients::change::operation(),
        auth::clients::delete::operation(),
        auth::clients::rotate_secret::operation(),
        auth::grants::list::operation(),
        auth::grants::create::operation(),
        auth::grants::change::operation(),
        auth::grants::delete::operation(),
        cards::create::operation(),
        cards::batch::operation(),
        cards::list::operation(),
        cards::get::operation(),
        cards::change::operation(),
        cards::delete::operation(),
        cards::activate::operation(),
        cards::activate_many::operation(),
        cards::block::operation(),
        cards::unblock::operation(),
        cards::adjust::operation(),
        cards::replace::operation(),
        cards::rotate_pin::operation(),
        cards::create_token::operation(),
        cards::delete_token::operation(),
        cards::transactions::operation(),
        customers::cards::operation(),
        customers::card::operation(),
        info::operation(),
        transactions::create::operation(),
        transactions::list::operation(),
        transactions::get::operation(),
        transactions::capture::operation(),
        transactions::void::operation(),
        transactions::reverse::operation(),
        account::settings::operation(),
        account::change_settings::operation(),
        account::test_clock::operation(),
        account::audit::operation(),
        reports::liability::operation(),
    ]
}

/// The public API.
pub(crate) fn public() -> OpenApiRouter<Arc<Api>> {
    let mut operations =
        vec![auth::token::operation(), auth::jwks::operation(), docs::health::alive(), docs::health::ready()];
    operations.extend(of_account());
    router(operations)
}

/// The operator's API.
pub(crate) fn operator() -> OpenApiRouter<Arc<Api>> {
    let mut operations = of_account();
    operations.extend([
        operator::accounts::list(),
        operator::accounts::create(),
        operator::signing_keys::rotate(),
    ]);
    router(operations)
}

fn router(operations: Vec<Operation>) -> OpenApiRouter<Arc<Api>> {
    let mut router = OpenApiRouter::with_openapi(openapi::head());
    // The path of the batch call hides the card of that id from the other methods.
    for hidden in [cards::get::operation(), cards::change::operation(), cards::delete::operation()] {
        let (path, route) = hidden.route_at(cards::batch::PATH);
        router = router.route(path, route);
    }
    for operation in operations {
        router = router.routes(operation.into_route());
    }
    router
}

/// The routes with what every request and answer has around it.
pub(crate) fn framed(routes: Router<Arc<Api>>, api: Arc<Api>) -> Router {
    let routes = match cors(&api.settings) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    routes.layer(middleware::from_fn_with_state(api.clone(), frame::frame)).with_state(api)
}

/// Only for origins that were named, each exactly, and never with credentials.
fn cors(settings: &ApiSettings) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> =
        settings.cors_origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let allowed = [
        AUTHORIZATION,
        CONTENT_TYPE,
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("dintero-system-name"),
        HeaderName::from_static("dintero-system-version"),
        HeaderName::from_static("dintero-system-plugin-name"),
        HeaderName::from_static("dintero-system-plugin-version"),
    ];
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers(allowed)
        .expose_headers([frame::REQUEST_ID, RETRY_AFTER]);
    Some(cors)
}
