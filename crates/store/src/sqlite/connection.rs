//! Connections, set up as the promises need them, and asked whether they are.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, types::Value};

use super::fault::told;
use crate::Error;

/// Versions before this one can corrupt a database in WAL mode, and break their word when they do.
const SQLITE_OLDEST: i32 = 3_051_003;

/// How long a connection waits for another one's lock. Only a checkpoint or a foreign tool makes it wait.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Statements kept prepared; there are about fifty.
const STATEMENTS_KEPT: usize = 96;

/// What a setting must read back as.
type Setting = (&'static str, String);

fn settings(cache_kib: u32) -> Vec<Setting> {
    vec![
        ("busy_timeout", BUSY_TIMEOUT.as_millis().to_string()),
        // WAL alone promises no more than consistency; FULL syncs the log at each commit.
        ("synchronous", "2".to_owned()),
        ("foreign_keys", "1".to_owned()),
        // An error from a memory-mapped file is a signal, and a stray write lands in the database.
        ("mmap_size", "0".to_owned()),
        ("temp_store", "2".to_owned()),
        ("cache_size", format!("-{cache_kib}")),
        // Functions and virtual tables in a schema that somebody else wrote are not run.
        ("trusted_schema", "0".to_owned()),
    ]
}

/// The one connection that writes.
pub fn writer(file: &Path, cache_kib: u32) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = open(file, flags)?;
    let own = [
        ("journal_mode", "wal".to_owned()),
        // What grew during a long read is given back when the log begins anew.
        ("journal_size_limit", (64 * 1_024 * 1_024).to_string()),
        // `Checkpoints` does it, outside of commits.
        ("wal_autocheckpoint", "0".to_owned()),
    ];
    // The timeout comes first: switching to WAL waits for readers of a database that was restored.
    set(&conn, settings(cache_kib).into_iter().chain(own))?;
    Ok(conn)
}

/// A connection that reads.
pub fn reader(file: &Path, cache_kib: u32) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = open(file, flags)?;
    set(&conn, settings(cache_kib).into_iter().chain([("query_only", "1".to_owned())]))?;
    Ok(conn)
}

/// A connection that copies the write-ahead log into the database.
pub fn checkpointer(file: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = open(file, flags)?;
    let cache_kib = 1_024;
    set(&conn, settings(cache_kib))?;
    Ok(conn)
}

/// A connection to a copy that nobody else uses.
pub fn copy(file: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = open(file, flags)?;
    let cache_kib = 16 * 1_024;
    set(&conn, settings(cache_kib))?;
    Ok(conn)
}

fn open(file: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    check_version(rusqlite::version_number())?;
    let conn = Connection::open_with_flags(file, flags)
        .map_err(|error| Error::Open(format!("{}: {}", file.display(), told(&error))))?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // SQLite would else look at the values that are bound, and prepare a statement anew whenever they change.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|error| Error::Open(format!("QPSG did not take: {}", told(&error))))?;
    Ok(conn)
}

fn check_version(version: i32) -> Result<(), Error> {
    if version < SQLITE_OLDEST {
        let version = format!("SQLite {version} is older than {SQLITE_OLDEST}, which it must not be");
        return Err(Error::Open(version));
    }
    Ok(())
}

/// Sets each and reads it back: a setting that does not take says nothing by itself.
pub fn set(conn: &Connection, settings: impl IntoIterator<Item = Setting>) -> Result<(), Error> {
    for (name, value) in settings {
        let refused = |what: String| Error::Open(format!("PRAGMA {name} = {value} {what}"));
        let set = conn.execute_batch(&format!("PRAGMA {name} = {value}"));
        set.map_err(|error| refused(format!("failed: {}", told(&error))))?;
        let read = read(conn, name).map_err(|error| refused(format!("cannot be read: {}", told(&error))))?;
        if read != value {
            return Err(refused(format!("did not take: it is {read}")));
        }
    }
    Ok(())
}

/// A setting as it is.
pub fn read(conn: &Connection, name: &str) -> rusqlite::Result<String> {
    let value = conn.pragma_query_value(None, name, |row| row.get(0))?;
    Ok(match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text,
        _ => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_sqlite_is_refused() {
        assert!(check_version(3_051_002).is_err());
        assert_eq!(check_version(3_051_003), Ok(()));
        assert_eq!(check_version(rusqlite::version_number()), Ok(()));
    }

    #[test]
    fn a_setting_that_does_not_take_is_named() {
        let conn = Connection::open_in_memory().expect("a database");
        let refused = set(&conn, [("journal_mode", "wal".to_owned())]);
        let Err(Error::Open(why)) = refused else {
            panic!("a database in memory has no WAL: {refused:?}");
        };
        assert_eq!(why, "PRAGMA journal_mode = wal did not take: it is memory");
    }
}
