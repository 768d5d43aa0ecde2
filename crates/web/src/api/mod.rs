//! The REST API.
//!
//! Each file below `account`, `auth`, `cards`, `customers`, `reports` and `transactions` is one operation, to be
//! read from top to bottom: what it takes, what it answers, what is said of it, what it does. All of them are
//! listed in `routes`; from that one list come the public API, the operator's, and the OpenAPI document.

mod access;
mod account;
mod auth;
mod body;
mod cards;
mod customers;
mod docs;
mod error;
mod examples;
mod frame;
mod idempotency;
mod info;
mod intake;
mod network;
mod openapi;
mod operation;
mod operator;
mod path;
mod pieces;
mod refusal;
mod reports;
mod routes;
mod settings;
mod transactions;
mod wire;

use std::sync::Arc;

use axum::Router;
use service::Service;
use tokio::sync::Semaphore;

use access::Door;
use error::ApiError;
use intake::Room;
pub use openapi::openapi;
pub use settings::{AddressRange, AddressRangeFault, ApiSettings};

/// Bodies that are taken apart at once to find their faults.
const READING_AT_ONCE: usize = 2;

/// Batches whose barcodes are drawn at once.
const DRAWING_AT_ONCE: usize = 2;

/// What every handler can reach.
pub(crate) struct Api {
    service: Arc<Service>,
    door: Door,
    settings: ApiSettings,
    room: Room,
    reading: Semaphore,
    drawing: Semaphore,
}

impl Api {
    fn new(service: Arc<Service>, door: Door, settings: ApiSettings) -> Arc<Self> {
        let (reading, drawing) = (Semaphore::new(READING_AT_ONCE), Semaphore::new(DRAWING_AT_ONCE));
        Arc::new(Self { service, door, settings, room: Room::new(), reading, drawing })
    }
}

/// The public API: accounts' operations behind access tokens, and what everybody may read.
///
/// The caller's address is taken from the extension `ConnectInfo<SocketAddr>`.
pub fn router(service: Arc<Service>, settings: ApiSettings) -> Router {
    let api = Api::new(service, Door::Public, settings);
    let (routes, _) = routes::public().split_for_parts();
    let routes = routes.merge(docs::routes(&api.settings));
    routes::framed(routes, api)
}

/// The operator's API: the same operations without access tokens, and those on accounts and signing keys.
///
/// Whoever can reach it may do everything: it belongs on a socket file that only its owner can open.
pub fn operator_router(service: Arc<Service>, settings: ApiSettings) -> Router {
    let api = Api::new(service, Door::Operator, settings);
    let (routes, _) = routes::operator().split_for_parts();
    routes::framed(routes, api)
}
