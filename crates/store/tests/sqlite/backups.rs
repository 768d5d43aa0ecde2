//! Copies: out while the store is in use, and back in again.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use store::suite::TestClock;
use store::suite::fixture::{amount, card_id};
use store::{Error, SqliteStore, Store as _};

use super::{World, open};

fn restored(backup: &Path) -> (tempfile::TempDir, Arc<SqliteStore>) {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    SqliteStore::restore(backup, &data).expect("restored");
    let store = open(&data, Arc::new(TestClock::default()));
    (dir, store)
}

/// Makes cards until told to end; counts those that were answered.
async fn make_cards(world: Arc<World>, answered: Arc<AtomicU32>, must_end: Arc<AtomicBool>) {
    while !must_end.load(Ordering::SeqCst) {
        let card = answered.load(Ordering::SeqCst);
        world.f.has_card(&format!("{card}"), 100).await;
        answered.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_holds_everything_answered_before_it_began() {
    let world = Arc::new(World::new().await);
    let (answered, must_end) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let load = tokio::spawn(make_cards(world.clone(), answered.clone(), must_end.clone()));
    let target = tempfile::tempdir().expect("a directory");
    for turn in 0..5 {
        let before = answered.load(Ordering::SeqCst);
        let file = target.path().join(format!("{turn}.db"));
        world.store.backup(&file).await.expect("a backup");
        let (_dir, copy) = restored(&file);
        for card in 0..before {
            let read = copy
                .card(world.f.aid, &card_id(&format!("{card}")), false, world.f.now())
                .await
                .expect("readable");
            assert_eq!(read.map(|details| details.card.funds), Some(amount(100)), "{card} of {before}");
        }
    }
    must_end.store(true, Ordering::SeqCst);
    load.await.expect("the load");
}

#[tokio::test]
async fn a_backup_is_one_file_for_its_owner_alone() {
    let world = World::new().await;
    let target = tempfile::tempdir().expect("a directory");
    let file = target.path().join("backup.db");
    world.store.backup(&file).await.expect("a backup");
    let names: Vec<_> = std::fs::read_dir(target.path())
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["backup.db"]);
    assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_backup_overwrites_nothing() {
    let world = World::new().await;
    let target = tempfile::tempdir().expect("a directory");
    let file = target.path().join("backup.db");
    std::fs::write(&file, "precious").expect("a file");
    assert!(matches!(world.store.backup(&file).await, Err(Error::Open(_))));
    assert_eq!(std::fs::read(&file).expect("a file"), b"precious");
}

#[tokio::test]
async fn a_backup_that_fails_leaves_nothing_behind() {
    let world = World::new().await;
    let target = tempfile::tempdir().expect("a directory");
    let file = target.path().join("no such directory/backup.db");
    assert!(matches!(world.store.backup(&file).await, Err(Error::Unavailable(_))));
    assert_eq!(std::fs::read_dir(target.path()).expect("a directory").count(), 0);
}

#[tokio::test]
async fn a_restored_store_goes_on_where_the_backup_was_taken() {
    let world = World::new().await;
    let made = world.f.has_card("card", 100).await;
    let target = tempfile::tempdir().expect("a directory");
    let file = target.path().join("backup.db");
    world.store.backup(&file).await.expect("a backup");
    world.f.has_card("later", 100).await;
    let (dir, copy) = restored(&file);
    let read = copy.card(world.f.aid, &card_id("card"), false, world.f.now()).await.expect("readable");
    assert_eq!(read.map(|details| details.card), Some(made));
    assert_eq!(copy.card(world.f.aid, &card_id("later"), false, world.f.now()).await, Ok(None));
    let order = world.f.order(world.f.create("later", 5));
    copy.submit(world.f.aid, order, store::suite::fixture::soon()).await.expect("judged").expect("made");
    copy.close().await.expect("closed");
    let mode = std::fs::metadata(dir.path().join("data")).expect("a directory").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_restore_overwrites_no_database() {
    let world = World::new().await;
    let target = tempfile::tempdir().expect("a directory");
    let file = target.path().join("backup.db");
    world.store.backup(&file).await.expect("a backup");
    let in_use = SqliteStore::restore(&file, world.dir.path());
    assert_eq!(in_use, Err(Error::InUse(world.dir.path().to_owned())));
    world.store.close().await.expect("closed");
    assert!(matches!(SqliteStore::restore(&file, world.dir.path()), Err(Error::Open(_))));
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored() {
    let world = World::new().await;
    for card in 0..200 {
        world.f.has_card(&format!("{card}"), 100).await;
    }
    let target = tempfile::tempdir().expect("a directory");
    let file = target.path().join("backup.db");
    world.store.backup(&file).await.expect("a backup");
    let mut bytes = std::fs::read(&file).expect("a file");
    // A whole page: half of one may be free.
    let page = bytes.len() / 2 / 4_096 * 4_096;
    bytes[page..page + 4_096].fill(0xAA);
    std::fs::write(&file, bytes).expect("a file");
    let dir = tempfile::tempdir().expect("a directory");
    assert!(matches!(SqliteStore::restore(&file, dir.path()), Err(Error::Damaged(_))));
    assert!(!dir.path().join("gavekort.db").exists());
}

#[tokio::test]
async fn what_is_no_backup_is_not_restored() {
    let dir = tempfile::tempdir().expect("a directory");
    let other = dir.path().join("other.db");
    rusqlite::Connection::open(&other)
        .and_then(|db| db.execute_batch("CREATE TABLE t (x)"))
        .expect("a database");
    let data = dir.path().join("data");
    assert!(SqliteStore::restore(&other, &data).is_err());
    assert!(SqliteStore::restore(&dir.path().join("none.db"), &data).is_err());
    assert!(!data.join("gavekort.db").exists());
}
