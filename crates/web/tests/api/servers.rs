//! One server on a SQLite database of its own.

use std::sync::Arc;

use domain::Clock;
use service::{MasterKey, Service};
use store::{SqliteSettings, SqliteStore, Store};
use tempfile::TempDir;

use crate::world::parts;

pub struct Servers {
    pub services: Vec<Arc<Service>>,
    pub store: Arc<dyn Store>,
    _dir: TempDir,
}

impl Servers {
    pub async fn open(master_key: MasterKey, clock: Arc<dyn Clock>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (settings, pin_check) = (SqliteSettings::default(), service::pin_checker(&master_key));
        let store = SqliteStore::open(dir.path(), clock.clone(), settings, pin_check).expect("a store");
        let parts = parts(store.clone(), master_key, clock);
        let services = vec![Service::open(parts).await.expect("a service")];
        Self { services, store, _dir: dir }
    }

    /// One server agrees with itself.
    pub async fn agree(&self) {}
}
