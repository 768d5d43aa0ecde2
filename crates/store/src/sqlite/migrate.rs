//! The schema, and how an older one becomes it.

use domain::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

use super::fault::told;
use crate::Error;
use crate::migration::{self, Migration};

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    oldest_program: "0.1.0",
    sql: include_str!("../../migrations/sqlite/0001_ledger.sql"),
}];

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS schema (
    version INTEGER NOT NULL PRIMARY KEY,
    oldest_program TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT";

const IS_MADE: &str = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema'";
const LATEST: &str = "SELECT version, oldest_program FROM schema ORDER BY version DESC LIMIT 1";

/// Brings the database to this program's schema, each step in a transaction of its own. A newer schema stays
/// as it is, unless it is one that this program must not use.
pub fn run(conn: &mut Connection, now: Timestamp) -> Result<(), Error> {
    let mut version = check(conn)?;
    for migration in MIGRATIONS {
        if migration.version > version {
            apply(conn, migration, now).map_err(|error| {
                Error::Open(format!("migration {} failed: {}", migration.version, told(&error)))
            })?;
            version = migration.version;
        }
    }
    Ok(())
}

/// Whether the database has a schema that this program can read without changing it.
pub fn check_current(conn: &Connection) -> Result<(), Error> {
    let version = check(conn)?;
    let current = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if version < current {
        let what = format!("its schema is {version}, not {current}; `gavekort serve` brings it up to date");
        return Err(Error::Open(what));
    }
    Ok(())
}

/// Refuses a schema that has more than this program knows of.
pub fn check_known(conn: &Connection) -> Result<(), Error> {
    migration::check_known(check(conn)?, MIGRATIONS)
}

fn apply(conn: &mut Connection, migration: &Migration, now: Timestamp) -> rusqlite::Result<()> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "INSERT INTO schema (version, oldest_program, applied_at) VALUES (?1, ?2, ?3)",
        params![migration.version, migration.oldest_program, now.unix_ms()],
    )?;
    transaction.commit()
}

/// The version of the schema, 0 where there is none; refused where this program is too old for it.
fn check(conn: &Connection) -> Result<i64, Error> {
    migration::version(latest(conn).map_err(|error| Error::Open(told(&error)))?)
}

fn latest(conn: &Connection) -> rusqlite::Result<Option<(i64, String)>> {
    if conn.query_row(IS_MADE, [], |_| Ok(())).optional()?.is_none() {
        return Ok(None);
    }
    conn.query_row(LATEST, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_and_never_lower_the_oldest_program() {
        migration::check_steps(MIGRATIONS);
    }

    #[test]
    fn running_again_changes_nothing() {
        let mut conn = Connection::open_in_memory().expect("a database");
        for _ in 0..2 {
            run(&mut conn, Timestamp::EPOCH).expect("a schema");
        }
        check_current(&conn).expect("current");
        let steps: u32 =
            conn.query_row("SELECT count(*) FROM schema", [], |row| row.get(0)).expect("a count");
        assert_eq!(usize::try_from(steps), Ok(MIGRATIONS.len()));
    }

    #[test]
    fn a_database_of_a_newer_program_is_refused_only_where_it_says_so() {
        let mut conn = Connection::open_in_memory().expect("a database");
        run(&mut conn, Timestamp::EPOCH).expect("a schema");
        let add = "INSERT INTO schema (version, oldest_program, applied_at) VALUES (?1, ?2, 0)";
        conn.execute(add, (1_000, "0.1.0")).expect("an expanding step");
        assert_eq!(run(&mut conn, Timestamp::EPOCH), Ok(()));
        conn.execute(add, (1_001, "99.0.0")).expect("a contracting step");
        let needs = "99.0.0".to_owned();
        let program = migration::THIS_PROGRAM.to_owned();
        assert_eq!(run(&mut conn, Timestamp::EPOCH), Err(Error::TooNew { needs, program }));
    }
}
