//! The two databases of a move.

use std::collections::HashSet;
use std::fs::File;

use domain::{Aid, Timestamp};
use uuid::Uuid;

use super::copy::{self, Cell, Target};
use super::{LEAVING, Place};
use crate::Error;
use crate::postgres::PostgresSnapshots;
use crate::rows::Columns;
use crate::snapshots::{Param, Snapshots};
use crate::sqlite::SqliteSnapshots;

/// A database, and what keeps others from writing to it.
pub enum End {
    /// In a data directory.
    Sqlite {
        /// The database.
        database: SqliteSnapshots,
        /// Held until the database is closed.
        _lock: File,
    },
    /// In a PostgreSQL.
    Postgres(PostgresSnapshots),
}

impl End {
    /// The one that is left.
    pub fn left(place: &Place, now: Timestamp) -> Result<Self, Error> {
        match place {
            Place::Sqlite(dir) => {
                let (database, lock) = SqliteSnapshots::left(dir)?;
                Ok(Self::Sqlite { database, _lock: lock })
            }
            Place::Postgres(url) => Ok(Self::Postgres(PostgresSnapshots::moved(url, now)?)),
        }
    }

    /// The one that is moved to, made where there is none.
    pub fn reached(place: &Place, now: Timestamp) -> Result<Self, Error> {
        match place {
            Place::Sqlite(dir) => {
                let (database, lock) = SqliteSnapshots::reached(dir, now)?;
                Ok(Self::Sqlite { database, _lock: lock })
            }
            Place::Postgres(url) => Ok(Self::Postgres(PostgresSnapshots::moved(url, now)?)),
        }
    }

    /// Marks a database as being left, where no lock keeps others from it.
    pub fn leave(&mut self) -> Result<(), Error> {
        if matches!(self, Self::Postgres(_)) && copy::value(self, LEAVING)?.is_none() {
            copy::set(self, LEAVING, Vec::new())?;
        }
        Ok(())
    }

    /// Takes the mark away.
    pub fn stay(&mut self) -> Result<(), Error> {
        if matches!(self, Self::Postgres(_)) { self.delete_value(LEAVING) } else { Ok(()) }
    }
}

/// The same of either database.
macro_rules! of_either {
    ($end:expr, $database:ident => $work:expr) => {
        match $end {
            End::Sqlite { database: $database, .. } => $work,
            End::Postgres($database) => $work,
        }
    };
}

impl Snapshots for End {
    fn begin(&mut self) -> Result<(), Error> {
        of_either!(self, database => database.begin())
    }

    fn end(&mut self) -> Result<(), Error> {
        of_either!(self, database => database.end())
    }

    fn each(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        row: &mut dyn FnMut(&dyn Columns),
    ) -> Result<(), Error> {
        of_either!(self, database => database.each(sql, params, row))
    }

    fn missing_transactions(&mut self, aid: Aid, ids: &[Uuid]) -> Result<HashSet<Uuid>, Error> {
        of_either!(self, database => database.missing_transactions(aid, ids))
    }

    fn has_gapless_places(&self) -> bool {
        of_either!(self, database => database.has_gapless_places())
    }
}

impl Target for End {
    fn columns(&mut self, table: &str) -> Result<Vec<String>, Error> {
        of_either!(self, database => database.columns(table))
    }

    fn insert(&mut self, table: &str, columns: &[String], rows: &[Vec<Cell>]) -> Result<(), Error> {
        of_either!(self, database => database.insert(table, columns, rows))
    }

    fn delete_value(&mut self, name: &str) -> Result<(), Error> {
        of_either!(self, database => database.delete_value(name))
    }

    fn rename_value(&mut self, name: &str, new_name: &str) -> Result<(), Error> {
        of_either!(self, database => database.rename_value(name, new_name))
    }

    fn settle(&mut self) -> Result<(), Error> {
        of_either!(self, database => database.settle())
    }
}
