//! The data directory: who may open it, and what is found there again.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use store::suite::TestClock;
use store::suite::fixture::{by_id, card_id, every_card, pin_checker, soon};
use store::{Error, SqliteSettings, SqliteStore, Store as _};

use super::{World, closed, open};

fn try_open(dir: &Path) -> Result<Arc<SqliteStore>, Error> {
    SqliteStore::open(dir, Arc::new(TestClock::default()), SqliteSettings::default(), pin_checker())
}

fn open_read_only(dir: &Path) -> Result<Arc<SqliteStore>, Error> {
    SqliteStore::open_read_only(dir, Arc::new(TestClock::default()), SqliteSettings::default())
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[tokio::test]
async fn the_directory_and_its_files_are_their_owners_alone() {
    let parent = tempfile::tempdir().expect("a directory");
    let dir = parent.path().join("a/b");
    let store = try_open(&dir).expect("a store");
    store.server_value("name", b"value").await.expect("set");
    assert_eq!(mode(&dir), 0o700);
    for file in std::fs::read_dir(&dir).expect("a directory") {
        let file = file.expect("a file").path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_second_writer_is_refused_until_the_first_is_gone() {
    let world = World::new().await;
    let dir = world.dir.path();
    assert_eq!(try_open(dir).err(), Some(Error::InUse(dir.to_owned())));
    world.store.close().await.expect("closed");
    try_open(dir).expect("free again");
}

#[tokio::test]
async fn dropping_the_store_lets_go_of_the_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    drop(try_open(dir.path()).expect("a store"));
    try_open(dir.path()).expect("free again");
}

#[tokio::test]
async fn everything_is_there_when_it_is_opened_again() {
    let world = World::new().await;
    world.f.has_card_with_token("card", 100, world.f.new_token("value")).await;
    world.f.drawn(world.f.draw(by_id("card"), "sale", 1)).await;
    let (aid, now, before) = (world.f.aid, world.f.now(), world.f.read("card").await);
    let clients = world.store.clients(aid).await;
    let dir = closed(world).await;
    let again = open(dir.path(), Arc::new(TestClock::default()));
    assert_eq!(again.card(aid, &card_id("card"), false, now).await, Ok(Some(before)));
    assert_eq!(again.clients(aid).await, clients);
}

#[tokio::test]
async fn closing_leaves_one_file_of_data() {
    let world = World::new().await;
    world.f.has_card("card", 100).await;
    world.f.list(&every_card(world.f.now())).await;
    assert!(world.dir.path().join("gavekort.db-wal").exists());
    // The store is still there, as it is in a server that is about to end.
    world.store.close().await.expect("closed");
    let files = std::fs::read_dir(world.dir.path()).expect("a directory");
    let mut names: Vec<_> = files.map(|file| file.expect("a file").file_name()).collect();
    names.sort();
    assert_eq!(names, ["gavekort.db", "gavekort.lock"]);
}

#[tokio::test]
async fn closing_waits_for_reads_and_then_refuses_them() {
    let world = World::new().await;
    world.f.has_card("card", 100).await;
    let query = every_card(world.f.now());
    let (listed, closed) = tokio::join!(world.store.cards(world.f.aid, &query), world.store.close());
    assert_eq!((listed.map(|page| page.cards.len()), closed), (Ok(1), Ok(())));
    let late = world.store.cards(world.f.aid, &query).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    world.store.close().await.expect("closed before");
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let world = World::new().await;
    let newer = "INSERT INTO schema (version, oldest_program, applied_at) VALUES (1000, '99.0.0', 0)";
    world.database().execute(newer, []).expect("a row");
    let dir = closed(world).await;
    assert!(matches!(try_open(dir.path()), Err(Error::TooNew { needs, .. }) if needs == "99.0.0"));
    assert!(matches!(open_read_only(dir.path()), Err(Error::TooNew { .. })));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(
        dir.path().join("gavekort.db"),
        "no database, but long enough to be looked at".repeat(100),
    )
    .expect("a file");
    assert!(matches!(try_open(dir.path()), Err(Error::Open(_))));
}

#[tokio::test]
async fn a_reader_opens_beside_the_writer_and_sees_what_it_commits() {
    let world = World::new().await;
    let reader = open_read_only(world.dir.path()).expect("a reader");
    world.f.has_card("card", 100).await;
    let page = reader.cards(world.f.aid, &every_card(world.f.now())).await.expect("a page");
    assert_eq!(page.cards.len(), 1);
    reader.check().await.expect("readable");
}

#[tokio::test]
async fn a_reader_opens_a_database_that_nobody_uses() {
    let world = World::new().await;
    world.f.has_card("card", 100).await;
    let (aid, now) = (world.f.aid, world.f.now());
    let dir = closed(world).await;
    let reader = open_read_only(dir.path()).expect("a reader");
    let page = reader.cards(aid, &every_card(now)).await.expect("a page");
    assert_eq!(page.cards.len(), 1);
    try_open(dir.path()).expect("a writer beside it");
}

#[tokio::test]
async fn a_reader_writes_nothing() {
    let world = World::new().await;
    let reader = open_read_only(world.dir.path()).expect("a reader");
    let order = world.f.order(world.f.create("card", 1));
    let refused = reader.submit(world.f.aid, order, soon()).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))));
    assert!(matches!(reader.server_value("name", b"value").await, Err(Error::Unavailable(_))));
    reader.close().await.expect("nothing to close");
}

#[tokio::test]
async fn a_reader_needs_a_database() {
    let dir = tempfile::tempdir().expect("a directory");
    assert!(matches!(open_read_only(dir.path()), Err(Error::Open(_))));
    assert!(!dir.path().join("gavekort.db").exists());
}

/// The first column of each key is the account, so that rows of one account lie together and another store
/// can spread them by it.
#[tokio::test]
async fn every_table_of_the_ledger_has_the_account_first_in_its_keys() {
    let world = World::new().await;
    let db = world.database();
    let of_the_server = ["account", "schema", "server_value", "signing_key"];
    let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("a statement");
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).expect("tables");
    let mut seen = 0;
    for table in tables.map(|table| table.expect("a name")) {
        if of_the_server.contains(&table.as_str()) {
            continue;
        }
        let indexes = format!(
            "SELECT i.name FROM pragma_index_list('{table}') l, pragma_index_info(l.name) i WHERE i.seqno = 0"
        );
        let mut indexes = db.prepare(&indexes).expect("a statement");
        let firsts: Vec<String> =
            indexes.query_map([], |row| row.get(0)).and_then(Iterator::collect).expect("columns");
        assert!(!firsts.is_empty() && firsts.iter().all(|column| column == "aid"), "{table}: {firsts:?}");
        seen += 1;
    }
    assert_eq!(seen, 15);
}
