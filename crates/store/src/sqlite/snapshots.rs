//! A data directory, read as a whole.

use std::collections::HashSet;

use domain::Aid;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, params, params_from_iter};
use uuid::Uuid;

use super::fault::Fault;
use crate::Error;
use crate::rows::Columns;
use crate::snapshots::{Param, Snapshots};

const TRANSACTION: &str = "SELECT 1 FROM card_transaction WHERE aid = ?1 AND id = ?2";

/// A connection that reads, and nothing else uses.
pub struct SqliteSnapshots(pub Connection);

impl SqliteSnapshots {
    fn run(&self, sql: &str) -> Result<(), Error> {
        self.0.execute_batch(sql).map_err(failed)
    }
}

/// What went wrong, as an answer.
pub fn failed(error: rusqlite::Error) -> Error {
    Fault::from(error).into_error()
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Param::Text(text) => ValueRef::Text(text.as_bytes()),
            Param::Integer(integer) => ValueRef::Integer(integer),
            Param::Bytes(bytes) | Param::Id(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Snapshots for SqliteSnapshots {
    fn begin(&mut self) -> Result<(), Error> {
        self.run("BEGIN")
    }

    fn end(&mut self) -> Result<(), Error> {
        self.run("COMMIT")
    }

    fn each(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        row: &mut dyn FnMut(&dyn Columns),
    ) -> Result<(), Error> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(params_from_iter(params)).map_err(failed)?;
        while let Some(found) = rows.next().map_err(failed)? {
            row(found);
        }
        Ok(())
    }

    fn missing_transactions(&mut self, aid: Aid, ids: &[Uuid]) -> Result<HashSet<Uuid>, Error> {
        let mut by_id = self.0.prepare_cached(TRANSACTION).map_err(failed)?;
        let mut missing = HashSet::new();
        for id in ids {
            if !by_id.exists(params![aid.as_str(), id.as_bytes()]).map_err(failed)? {
                missing.insert(*id);
            }
        }
        Ok(missing)
    }

    fn has_gapless_places(&self) -> bool {
        true
    }
}
