//! Both databases have the same tables and columns, but for what only programs that share one need.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::sql;
use store::suite::TestClock;
use store::suite::fixture::pin_checker;
use store::{SqliteSettings, SqliteStore, Store as _};

use super::{lend, open};

/// What a column holds, whatever a database calls it.
#[derive(Debug, PartialEq, Eq)]
enum Class {
    Number,
    Text,
    Bytes,
}

#[derive(Debug, PartialEq, Eq)]
struct Column {
    class: Class,
    may_be_null: bool,
}

/// What programs on one database tell each other.
const OF_MANY_PROGRAMS: [&str; 2] = ["news", "guess_budget"];

/// By table and name.
type Columns = BTreeMap<(String, String), Column>;

fn class(kind: &str) -> Class {
    match kind {
        // A yes or no is a number in SQLite.
        "INTEGER" | "bigint" | "boolean" => Class::Number,
        "TEXT" | "text" => Class::Text,
        "BLOB" | "bytea" | "uuid" => Class::Bytes,
        other => panic!("a column of type {other}"),
    }
}

fn of_sqlite() -> Columns {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = Arc::new(TestClock::default());
    let store =
        SqliteStore::open(dir.path(), clock, SqliteSettings::default(), pin_checker()).expect("a store");
    let database = rusqlite::Connection::open(store.database_file()).expect("a database");
    let list =
        "SELECT t.name, c.name, c.type, c.\"notnull\" FROM pragma_table_list t, pragma_table_info(t.name) c
         WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite%'";
    let mut statement = database.prepare(list).expect("a statement");
    let columns = statement.query_map([], |row| {
        let column = Column { class: class(&row.get::<_, String>(2)?), may_be_null: !row.get::<_, bool>(3)? };
        Ok(((row.get(0)?, row.get(1)?), column))
    });
    columns.expect("columns").map(|column| column.expect("a column")).collect()
}

fn of_postgres(url: &str) -> Columns {
    let list = "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
         WHERE table_schema = 'public'";
    let columns = sql(url, list).expect("columns").into_iter().map(|row| {
        let [table, name, kind, nullable] = row.try_into().expect("four values");
        let column =
            Column { class: class(&kind.expect("a type")), may_be_null: nullable.as_deref() == Some("YES") };
        ((table.expect("a table"), name.expect("a name")), column)
    });
    columns.collect()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let lent = lend();
    open(lent.url(), Arc::new(TestClock::default()), 1).await.close().await.expect("closed");
    let (sqlite, mut postgres) = (of_sqlite(), of_postgres(lent.url()));
    let before = postgres.len();
    postgres.retain(|(table, _), _| !OF_MANY_PROGRAMS.contains(&table.as_str()));
    assert!(postgres.len() < before, "{OF_MANY_PROGRAMS:?}");
    assert!(sqlite.len() > 100, "{sqlite:?}");
    for (place, column) in &sqlite {
        assert_eq!(postgres.get(place), Some(column), "{place:?}");
    }
    assert_eq!(
        postgres.len(),
        sqlite.len(),
        "{:?}",
        postgres.keys().find(|place| !sqlite.contains_key(*place))
    );
}
