//! Random orders, through both stores.

#[path = "../common/random/mod.rs"]
mod runs;

use std::sync::Arc;

use async_trait::async_trait;
use store::suite::TestClock;
use store::{PinChecker, PostgresSettings, PostgresStore, Store};

use super::databases::{Lent, lend};
use runs::{Directory, Home, Runs};

struct Database {
    lent: Lent,
    lanes: usize,
    store: Option<Arc<PostgresStore>>,
}

impl Database {
    fn home(lanes: usize) -> Box<dyn Home> {
        Box::new(Self { lent: lend(), lanes, store: None })
    }
}

#[async_trait]
impl Home for Database {
    async fn open(&mut self, clock: Arc<TestClock>, pin_check: PinChecker) -> Arc<dyn Store> {
        let settings = PostgresSettings { lanes: self.lanes, ..PostgresSettings::default() };
        let store = PostgresStore::open(self.lent.url(), clock, settings, pin_check).await.expect("a store");
        self.store = Some(Arc::clone(&store));
        store
    }

    async fn close(&mut self) {
        self.store.take().expect("an open store").close().await.expect("closed");
    }
}

/// One lane keeps the order in which a round's orders come.
#[tokio::test]
async fn both_stores_answer_keep_and_read_alike_in_groups() {
    let runs = Runs { rounds: 600, together: true };
    runs.check(async || vec![Database::home(1), Directory::home()]).await;
}

#[tokio::test]
async fn both_stores_answer_keep_and_read_alike_through_many_lanes() {
    let runs = Runs { rounds: 300, together: false };
    runs.check(async || vec![Database::home(4), Directory::home()]).await;
}
