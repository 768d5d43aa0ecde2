//! The SQLite store keeps the promises of every store, and those of its own.

mod backups;
mod directory;
mod gate;
mod random;
mod reopened;
mod reports;
mod under_load;
mod verify;

use std::path::Path;
use std::sync::Arc;

use domain::Clock;
use store::suite::fixture::pin_checker;
use store::suite::{Fixture, Opened, TestClock};
use store::{SqliteSettings, SqliteStore, Store as _};
use tempfile::TempDir;

mod conformance {
    store::conformance!(crate::open_empty);
}

async fn open_empty(clock: Arc<TestClock>) -> Opened {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path(), clock);
    Opened { store, keep: Box::new(dir) }
}

fn open(dir: &Path, clock: Arc<dyn Clock>) -> Arc<SqliteStore> {
    SqliteStore::open(dir, clock, SqliteSettings::default(), pin_checker()).expect("a store")
}

/// A data directory with a store, and a fixture over it.
struct World {
    f: Fixture,
    store: Arc<SqliteStore>,
    dir: TempDir,
}

impl World {
    async fn new() -> Self {
        let clock = Arc::new(TestClock::default());
        Self::with(clock.clone(), clock).await
    }

    /// A store that asks another clock than the fixture's.
    async fn with(clock: Arc<dyn Clock>, fixtures: Arc<TestClock>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = open(dir.path(), clock);
        let opened = Opened { store: store.clone(), keep: Box::new(()) };
        Self { f: Fixture::new(opened, fixtures).await, store, dir }
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.store.database_file()).expect("a database")
    }
}

/// Opens a database again as another program would: after the store is gone.
async fn closed(world: World) -> TempDir {
    world.store.close().await.expect("closed");
    world.dir
}
