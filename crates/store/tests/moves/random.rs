//! A store that moves to another database again and again while random orders come, and one that stays.

#[path = "../common/random/mod.rs"]
mod runs;

use std::sync::Arc;

use async_trait::async_trait;
use store::suite::TestClock;
use store::{PinChecker, Place, PostgresSettings, PostgresStore, SqliteSettings, SqliteStore, Store};
use tempfile::TempDir;

use super::rows::{Rows, check_equal, of_database, of_folder};
use super::{database, folder, relocate};
use runs::{Directory, Home, Runs};

enum At {
    Folder(TempDir),
    Database(String),
}

impl At {
    fn new_folder() -> Self {
        Self::Folder(tempfile::tempdir().expect("a directory"))
    }

    async fn new_database() -> Self {
        Self::Database(database().await)
    }

    /// Two that are empty: one of the other kind, and one of this.
    async fn there_and_back(&self) -> (Self, Self) {
        match self {
            Self::Folder(_) => (Self::new_database().await, Self::new_folder()),
            Self::Database(_) => (Self::new_folder(), Self::new_database().await),
        }
    }

    fn place(&self) -> Place {
        match self {
            Self::Folder(dir) => folder(dir),
            Self::Database(url) => Place::Postgres(url.clone()),
        }
    }

    async fn rows(&self) -> Rows {
        match self {
            Self::Folder(dir) => of_folder(dir.path()),
            Self::Database(url) => of_database(url).await,
        }
    }
}

/// A store that is in another database, of the other kind, each time it is opened.
struct Nomad {
    at: At,
    store: Option<Arc<dyn Store>>,
    has_been_opened: bool,
}

impl Nomad {
    fn home() -> Box<dyn Home> {
        Box::new(Self { at: At::new_folder(), store: None, has_been_opened: false })
    }

    /// Moves there and back, which changes nothing, and stays there.
    async fn move_on(&mut self) {
        let (there, back) = self.at.there_and_back().await;
        let moved = relocate(self.at.place(), there.place(), |_| {}).await.expect("moved");
        assert_eq!(relocate(there.place(), back.place(), |_| {}).await, Ok(moved));
        check_equal(&self.at.rows().await, &back.rows().await);
        self.at = there;
    }
}

#[async_trait]
impl Home for Nomad {
    async fn open(&mut self, clock: Arc<TestClock>, pin_check: PinChecker) -> Arc<dyn Store> {
        if self.has_been_opened {
            self.move_on().await;
        }
        self.has_been_opened = true;
        let store: Arc<dyn Store> = match &self.at {
            At::Folder(dir) => {
                SqliteStore::open(dir.path(), clock, SqliteSettings::default(), pin_check).expect("a store")
            }
            At::Database(url) => {
                // One keeps the order in which a round's orders come.
                let settings = PostgresSettings { lanes: 1, ..PostgresSettings::default() };
                PostgresStore::open(url, clock, settings, pin_check).await.expect("a store")
            }
        };
        self.store = Some(Arc::clone(&store));
        store
    }

    async fn close(&mut self) {
        self.store.take().expect("an open store").close().await.expect("closed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_random_ledger_comes_there_and_back_and_answers_as_one_that_stayed() {
    let runs = Runs { rounds: 300, together: true };
    runs.check(async || vec![Nomad::home(), Directory::home()]).await;
}
