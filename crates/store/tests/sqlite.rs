//! The SQLite store keeps the promises of every store.

use std::sync::Arc;

use store::suite::{Opened, TestClock};
use store::{SqliteSettings, SqliteStore};

store::conformance!(super::open);

fn open(clock: Arc<TestClock>) -> Opened {
    let dir = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(dir.path(), clock, SqliteSettings::default()).expect("a store");
    Opened { store, keep: Box::new(dir) }
}
