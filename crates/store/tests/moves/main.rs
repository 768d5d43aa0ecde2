//! A whole store moved between databases, and verified where it has arrived.

#[path = "../common/ledger.rs"]
mod ledger;
mod migrated;
mod moved;
mod random;
mod rows;
mod verified;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use cluster::Cluster;
use domain::Timestamp;
use store::suite::fixture::pin_checker;
use store::suite::{Fixture, Opened, TestClock};
use store::{Error, MoveStep, Moved, Place, SqliteSettings, SqliteStore, Store as _};
use tempfile::TempDir;

/// A server for all tests; it ends with the process.
fn server() -> &'static Cluster {
    static SERVER: OnceLock<Cluster> = OnceLock::new();
    SERVER.get_or_init(|| Cluster::start().expect("a server"))
}

/// An empty database.
async fn database() -> String {
    let made = tokio::task::spawn_blocking(|| server().create_database()).await;
    made.expect("not panicked").expect("a database")
}

/// Carries out statements in a database.
async fn run(url: &str, sql: &str) -> cluster::Rows {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let ran = tokio::task::spawn_blocking(move || {
        cluster::sql(&url, &sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    });
    ran.await.expect("run")
}

/// A data directory with a little of everything.
async fn full() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(TestClock::default());
    let store = open(dir.path(), Arc::clone(&clock)).expect("a store");
    store.server_value("master_key_check", b"of this key").await.expect("set");
    let opened = Opened { store: store.clone(), keep: Box::new(()) };
    ledger::fill(&Fixture::new(opened, clock).await, &*store).await;
    store.close().await.expect("closed");
    dir
}

fn open(dir: &Path, clock: Arc<TestClock>) -> Result<Arc<SqliteStore>, Error> {
    SqliteStore::open(dir, clock, SqliteSettings::default(), pin_checker())
}

fn folder(dir: &TempDir) -> Place {
    Place::Sqlite(dir.path().to_owned())
}

async fn relocate(
    from: Place,
    to: Place,
    heard: impl FnMut(MoveStep) + Send + 'static,
) -> Result<Moved, Error> {
    store::relocate(from, to, Timestamp::EPOCH, heard).await
}
