//! A database that a newer program has used.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::common::{Options, gavekort, run};

/// A data directory with one card, and a database that says to have been migrated by a newer program, and which is
/// the oldest program that may still use it.
fn used_by_a_newer_program(oldest_program: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    let server = Options::default().data(folder.path()).start();
    server.api().card_with("a", 100);
    server.stop();
    let conn = Connection::open(database(folder.path())).expect("a database");
    let sql =
        "INSERT INTO schema (version, oldest_program, applied_at) SELECT max(version) + 1, ?1, 0 FROM schema";
    assert_eq!(conn.execute(sql, [oldest_program]), Ok(1));
    folder
}

fn database(folder: &Path) -> PathBuf {
    folder.join("gavekort.db")
}

#[test]
fn a_database_that_needs_a_newer_program_is_refused_and_left_as_it_is() {
    let folder = used_by_a_newer_program("99.0.0");
    let before = fs::read(database(folder.path())).expect("a database");
    let refused = Options::default().data(folder.path()).refused().expect_code(1);
    assert!(refused.stderr.contains("needs gavekort 99.0.0 or newer"), "{refused:?}");
    let backup = folder.path().join("backup.db");
    for command in [vec!["doctor"], vec!["backup", &backup.to_string_lossy()], vec!["account", "list"]] {
        let refused = run(gavekort(command).env("GAVEKORT_DATA", folder.path())).expect_code(1);
        assert!(format!("{refused:?}").contains("needs gavekort 99.0.0 or newer"), "{refused:?}");
    }
    assert!(!backup.exists());
    assert!(fs::read(database(folder.path())).expect("a database") == before, "the database was changed");
}

#[test]
fn a_database_of_a_newer_program_is_used_where_that_is_allowed() {
    let folder = used_by_a_newer_program("0.1.0");
    let server = Options::default().data(folder.path()).start();
    assert_eq!(server.api().get("wallets/cards/a").ok()["amount_balance"], 100);
}
