//! A look at a whole database, for those who wonder whether it is sound.

use std::sync::Arc;

use rusqlite::Connection;

use super::fault::told;
use super::{SqliteStore, connection, migrate};
use crate::Error;

/// What was seen of a sound database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The version of its schema.
    pub schema: i64,
    /// The version of SQLite in this program.
    pub sqlite: String,
}

impl SqliteStore {
    /// Reads the whole database and fails where it is damaged or not set up as it should be. It takes long on
    /// a large one, and hinders nobody.
    pub async fn inspect(self: &Arc<Self>) -> Result<Inspection, Error> {
        let file = self.files.database.clone();
        let inspecting = tokio::task::spawn_blocking(move || {
            let conn = connection::reader(&file, 16 * 1_024)?;
            inspect(&conn)
        });
        inspecting
            .await
            .unwrap_or_else(|_| Err(Error::Internal("the inspection ended by a panic".to_owned())))
    }
}

fn inspect(conn: &Connection) -> Result<Inspection, Error> {
    let failed = |error: rusqlite::Error| Error::Damaged(told(&error));
    migrate::check_current(conn)?;
    let journal = connection::read(conn, "journal_mode").map_err(failed)?;
    if journal != "wal" {
        return Err(Error::Damaged(format!("the journal mode is {journal}, not wal")));
    }
    let verdict: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if verdict != "ok" {
        return Err(Error::Damaged(verdict));
    }
    let schema = conn.query_row("SELECT max(version) FROM schema", [], |row| row.get(0)).map_err(failed)?;
    Ok(Inspection { schema, sqlite: rusqlite::version().to_owned() })
}
