//! The store in a directory, for random orders.

use std::sync::Arc;

use async_trait::async_trait;
use store::suite::TestClock;
use store::{PinChecker, SqliteSettings, SqliteStore, Store};
use tempfile::TempDir;

use super::Home;

pub struct Directory {
    dir: TempDir,
    store: Option<Arc<SqliteStore>>,
}

impl Directory {
    pub fn home() -> Box<dyn Home> {
        Box::new(Self { dir: tempfile::tempdir().expect("a directory"), store: None })
    }
}

#[async_trait]
impl Home for Directory {
    async fn open(&mut self, clock: Arc<TestClock>, pin_check: PinChecker) -> Arc<dyn Store> {
        let store = SqliteStore::open(self.dir.path(), clock, SqliteSettings::default(), pin_check);
        let store = store.expect("a store");
        self.store = Some(Arc::clone(&store));
        store
    }

    async fn close(&mut self) {
        self.store.take().expect("an open store").close().await.expect("closed");
    }
}
