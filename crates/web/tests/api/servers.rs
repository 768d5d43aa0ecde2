//! One server on a SQLite database of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use service::{MasterKey, Service, SystemRandom};
use store::{SqliteSettings, SqliteStore, Store};
use tempfile::TempDir;
use tokio::net::TcpListener;
use web::api::ApiSettings;

use crate::world::{Doors, SetClock, Settings, parts};

pub struct Servers {
    pub service: Arc<Service>,
    pub store: Arc<dyn Store>,
    pub doors: Vec<Doors>,
    _dir: TempDir,
}

impl Servers {
    pub async fn open(clock: Arc<SetClock>, settings: Settings) -> Self {
        Self::within(clock, settings.api()).await
    }

    pub async fn within(clock: Arc<SetClock>, settings: ApiSettings) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let master_key = MasterKey::generate(&SystemRandom);
        let pin_check = service::pin_checker(&master_key);
        let opened = SqliteStore::open(dir.path(), clock.clone(), SqliteSettings::default(), pin_check);
        let store = opened.expect("a store");
        let parts = parts(store.clone(), master_key, clock);
        let service = Service::open(parts).await.expect("a service");
        let doors = vec![Doors::of(&service, &settings)];
        Self { service, store, doors, _dir: dir }
    }

    pub async fn address(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = self.doors[0].public.clone().into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        address
    }

    /// One server agrees with itself.
    pub async fn agree(&self) {}
}
