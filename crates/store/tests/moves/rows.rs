//! Everything that a database holds.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::run;

/// The rows of every table, as text.
pub type Rows = Vec<(String, Vec<String>)>;

/// The one row that only what was moved to has.
const SAYS_THAT_IT_WAS_MOVED: &str = "moved_here";

/// In PostgreSQL places have gaps; only their order is moved.
const ROWS: &str = "SELECT to_jsonb(row) FROM";
const PLACED_ROWS: &str = "SELECT to_jsonb(row) ||
    jsonb_build_object('place', row_number() OVER (PARTITION BY aid ORDER BY place)) FROM";

/// Of a data directory.
pub fn of_folder(dir: &Path) -> Rows {
    let conn = Connection::open(dir.join("gavekort.db")).expect("a database");
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('schema', 'sqlite_stat1') \
        ORDER BY name";
    let mut tables = conn.prepare(sql).expect("a schema");
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).expect("tables").map(|name| name.expect("a name")).collect();
    let of = |table: &String| {
        let mut all = conn.prepare(&format!("SELECT * FROM {table}")).expect("a table");
        let columns = all.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|place| row.get(place)).collect();
        let rows = all.query_map([], row).expect("rows").map(|row| row.expect("a row"));
        sorted(rows.map(|row: Vec<Value>| format!("{row:?}")))
    };
    tables.iter().map(|table| (table.clone(), of(table))).collect()
}

/// Of a PostgreSQL.
pub async fn of_database(url: &str) -> Rows {
    let sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'
        AND tablename NOT IN ('schema', 'news', 'guess_budget') ORDER BY tablename";
    let mut all = Vec::new();
    for table in texts(run(url, sql).await) {
        let select = if ["audit", "outbox"].contains(&table.as_str()) { PLACED_ROWS } else { ROWS };
        let rows = texts(run(url, &format!("{select} {table} AS row")).await);
        all.push((table, sorted(rows.into_iter())));
    }
    all
}

fn texts(rows: cluster::Rows) -> Vec<String> {
    rows.into_iter().map(|mut row| row.swap_remove(0).expect("a text")).collect()
}

fn sorted(rows: impl Iterator<Item = String>) -> Vec<String> {
    let mut rows: Vec<String> = rows.filter(|row| !row.contains(SAYS_THAT_IT_WAS_MOVED)).collect();
    rows.sort_unstable();
    rows
}

/// Fails the test unless both hold the same.
#[track_caller]
pub fn check_equal(before: &Rows, after: &Rows) {
    assert_eq!(before.len(), after.len());
    for ((table, before), (_, after)) in before.iter().zip(after) {
        assert_eq!(before, after, "{table}");
    }
}
