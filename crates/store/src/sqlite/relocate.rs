//! A data directory that is moved from or to.

use std::fs::File;
use std::path::Path;

use domain::Timestamp;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ToSql, TransactionBehavior, params_from_iter};

use super::files::Files;
use super::snapshots::{SqliteSnapshots, failed};
use super::{connection, migrate};
use crate::Error;
use crate::relocate::{Cell, Target};

/// The page cache, in KiB.
const CACHE_KIB: u32 = 64 * 1_024;

/// Pages after which the write-ahead log is copied; nobody waits for a commit here.
const CHECKPOINT_PAGES: &str = "PRAGMA wal_autocheckpoint = 4096";

impl SqliteSnapshots {
    /// A data directory to be left, and its lock: it is only read, and nobody writes to it meanwhile.
    pub fn left(dir: &Path) -> Result<(Self, File), Error> {
        let files = Files::of(dir);
        let lock = files.lock()?;
        let conn = connection::reader(&files.database, CACHE_KIB)?;
        migrate::check_current(&conn)?;
        migrate::check_known(&conn)?;
        Ok((Self(conn), lock))
    }

    /// A data directory to be moved to, made where there is none, and its lock.
    pub fn reached(dir: &Path, now: Timestamp) -> Result<(Self, File), Error> {
        let files = Files::of(dir);
        files.make_directory()?;
        let lock = files.lock()?;
        files.make_database()?;
        let mut conn = connection::writer(&files.database, CACHE_KIB)?;
        conn.execute_batch(CHECKPOINT_PAGES).map_err(failed)?;
        migrate::run(&mut conn, now)?;
        migrate::check_known(&conn)?;
        Ok((Self(conn), lock))
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Target for SqliteSnapshots {
    fn columns(&mut self, table: &str) -> Result<Vec<String>, Error> {
        let statement = self.0.prepare(&format!("SELECT * FROM {table}")).map_err(failed)?;
        Ok(statement.column_names().map(str::to_owned).collect())
    }

    fn insert(&mut self, table: &str, columns: &[String], rows: &[Vec<Cell>]) -> Result<(), Error> {
        let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
        let (columns, places) = (columns.join(", "), places.join(", "));
        let sql = format!("INSERT INTO {table} ({columns}) VALUES ({places})");
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        {
            let mut insert = transaction.prepare_cached(&sql).map_err(failed)?;
            for row in rows {
                insert.execute(params_from_iter(row)).map_err(failed)?;
            }
        }
        transaction.commit().map_err(failed)
    }

    fn delete_value(&mut self, name: &str) -> Result<(), Error> {
        self.0.execute("DELETE FROM server_value WHERE name = ?1", [name]).map(drop).map_err(failed)
    }

    fn rename_value(&mut self, name: &str, new_name: &str) -> Result<(), Error> {
        let sql = "UPDATE server_value SET name = ?2 WHERE name = ?1";
        self.0.execute(sql, [name, new_name]).map(drop).map_err(failed)
    }

    fn settle(&mut self) -> Result<(), Error> {
        // Places are counted from the last row.
        Ok(())
    }
}
