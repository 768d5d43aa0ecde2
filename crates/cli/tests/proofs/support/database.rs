//! The database as a reader sees it who knows nothing of the program.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::common::ACCOUNT;

/// The cards of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// How many cards.
    pub cards: u32,
    /// How many tokens of them.
    pub tokens: u32,
}

/// How many cards of which batch there are, by the part of their ids before the dot.
#[derive(Debug)]
pub struct Cards(HashMap<String, Vec<Rows>>);

impl Cards {
    /// Of the database in a data directory, whether or not a server writes to it; only those whose ids begin so.
    #[track_caller]
    pub fn read(data: &Path, prefix: &str) -> Self {
        let conn = open(data);
        let sql = "SELECT substr(card_id, 1, instr(card_id, '.') - 1), count(*),
                   sum((SELECT count(*) FROM card_token t WHERE t.aid = c.aid AND t.card = c.uuid))
                   FROM card c WHERE aid = ?1 AND card_id >= ?2 AND card_id < ?2 || '~' GROUP BY 1, batch";
        let mut statement = conn.prepare(sql).expect("our schema");
        let row = |row: &rusqlite::Row<'_>| {
            let rows = Rows { cards: row.get::<_, u32>(1)?, tokens: row.get(2)? };
            Ok((row.get::<_, String>(0)?, rows))
        };
        let mut cards = HashMap::<_, Vec<Rows>>::new();
        for batch in statement.query_map([ACCOUNT, prefix], row).expect("a query") {
            let (key, rows) = batch.expect("a row");
            assert_eq!(rows.tokens, rows.cards, "{key}: each card of a batch has a token");
            cards.entry(key).or_default().push(rows);
        }
        Self(cards)
    }

    /// The batches whose cards' ids begin so.
    pub fn batches_of(&self, key: &str) -> &[Rows] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// How many cards there are.
    pub fn count(&self) -> u32 {
        self.0.values().flatten().map(|rows| rows.cards).sum()
    }
}

/// Fails the test unless SQLite finds the whole database sound, references included.
#[track_caller]
pub fn check(data: &Path) {
    let conn = open(data);
    let verdict: String =
        conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a readable database");
    assert_eq!(verdict, "ok");
    let mut orphans = conn.prepare("PRAGMA foreign_key_check").expect("a readable database");
    assert!(!orphans.exists([]).expect("a readable database"), "rows refer to others that are not there");
}

/// A reader of the database in a data directory.
#[track_caller]
pub fn open(data: &Path) -> Connection {
    let file = data.join("gavekort.db");
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a database")
}
