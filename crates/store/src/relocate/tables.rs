//! What is moved, table by table.

/// A table, and the columns of its key in their order.
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its key.
    pub key: &'static [&'static str],
    /// How many of its rows are moved at once.
    pub portion: i64,
}

impl Table {
    /// Whether its rows belong to accounts; all others are few and the same for all.
    pub fn is_of_accounts(&self) -> bool {
        self.key.len() > 1
    }

    /// Whether `place` counts its rows, in each account by itself where a database counts without gaps.
    pub fn is_counted(&self) -> bool {
        self.key == ["aid", "place"]
    }
}

const fn table(name: &'static str, key: &'static [&'static str], portion: i64) -> Table {
    Table { name, key, portion }
}

/// Rows of a few hundred bytes.
const MANY: i64 = 5_000;
/// Rows that may be as large as a batch.
const FEW: i64 = 50;

/// Every table of both databases with something to be moved, so that none comes before one that it refers to.
pub const TABLES: [Table; 18] = [
    table("account", &["aid"], MANY),
    table("signing_key", &["kid"], MANY),
    table("server_value", &["name"], MANY),
    table("api_client", &["aid", "uuid"], MANY),
    table("client_grant", &["aid", "client", "place"], MANY),
    table("batch", &["aid", "id"], MANY),
    table("card", &["aid", "uuid"], MANY),
    table("card_token", &["aid", "card", "uuid"], MANY),
    table("card_transaction", &["aid", "card", "seq"], MANY),
    table("card_lock", &["aid", "card", "id"], MANY),
    table("pin_tries", &["aid", "card", "client"], MANY),
    table("day_count", &["aid", "day", "subject", "id"], MANY),
    table("status_change", &["aid", "card", "place"], MANY),
    table("day_closed", &["aid", "day"], MANY),
    table("closing", &["aid", "day", "currency", "status", "activated"], MANY),
    table("idempotency", &["aid", "client", "operation", "mac"], FEW),
    table("audit", &["aid", "place"], MANY),
    table("outbox", &["aid", "place"], FEW * 10),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cluster::Cluster;
    use domain::Timestamp;

    use super::super::Place;
    use super::super::copy::{Cell, cells};
    use super::super::ends::End;
    use super::TABLES;

    /// Which schema it is, and what programs on one PostgreSQL tell each other.
    const STAYS: [&str; 3] = ["schema", "news", "guess_budget"];

    /// Every column of a table's key, or none where it has no key.
    const KEYS_OF_SQLITE: &str = "SELECT t.name, c.name FROM pragma_table_list AS t \
        LEFT JOIN pragma_table_info(t.name) AS c ON c.pk > 0 \
        WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.pk";
    const KEYS_OF_POSTGRES: &str = "SELECT t.relname::text, c.attname::text FROM pg_class AS t \
        LEFT JOIN pg_index AS i ON indrelid = t.oid AND indisprimary \
        LEFT JOIN LATERAL unnest(indkey) WITH ORDINALITY AS key (attnum, place) ON TRUE \
        LEFT JOIN pg_attribute AS c ON attrelid = t.oid AND c.attnum = key.attnum \
        WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace ORDER BY relname, place";

    /// Which table refers to which.
    const REFERENCES_OF_SQLITE: &str = "SELECT t.name, f.\"table\" FROM pragma_table_list AS t \
        JOIN pragma_foreign_key_list(t.name) AS f WHERE t.schema = 'main'";
    const REFERENCES_OF_POSTGRES: &str = "SELECT conrelid::regclass::text, confrelid::regclass::text \
        FROM pg_constraint WHERE contype = 'f'";

    /// The two names in each row that a new database tells.
    fn told(place: &Place, sql: &str) -> Vec<(String, Option<String>)> {
        let mut end = End::reached(place, Timestamp::EPOCH).expect("a database");
        let rows = cells(&mut end, sql, &[], 2).expect("names").into_iter();
        let names = rows.map(|row| match <[Cell; 2]>::try_from(row) {
            Ok([Cell::Text(name), Cell::Text(other)]) => (name, Some(other)),
            Ok([Cell::Text(name), Cell::Null]) => (name, None),
            other => panic!("{other:?}"),
        });
        names.collect()
    }

    fn check_keys(place: &Place, sql: &str) {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (table, column) in told(place, sql) {
            found.entry(table).or_default().extend(column);
        }
        found.retain(|table, _| !STAYS.contains(&table.as_str()));
        let of = |key: &[&str]| key.iter().map(|column| (*column).to_owned()).collect();
        let moved = TABLES.iter().map(|table| (table.name.to_owned(), of(table.key)));
        assert_eq!(found, moved.collect());
    }

    fn check_order(place: &Place, sql: &str) {
        let at =
            |name: &str| TABLES.iter().position(|table| table.name == name).expect("a table that is moved");
        let references = told(place, sql);
        assert!(!references.is_empty());
        for (referring, to) in references {
            let to = to.expect("a table");
            assert!(at(&to) < at(&referring), "{referring} comes before {to}");
        }
    }

    /// What a table that is not told of here holds would be lost, and so would rows of one whose key is another.
    #[tokio::test(flavor = "multi_thread")]
    async fn every_table_is_moved_by_its_key_and_after_those_it_refers_to() {
        let checking = tokio::task::spawn_blocking(|| {
            let (dir, cluster) =
                (tempfile::tempdir().expect("a directory"), Cluster::start().expect("a server"));
            let sqlite = Place::Sqlite(dir.path().to_owned());
            let postgres = Place::Postgres(cluster.create_database().expect("a database"));
            check_keys(&sqlite, KEYS_OF_SQLITE);
            check_keys(&postgres, KEYS_OF_POSTGRES);
            check_order(&sqlite, REFERENCES_OF_SQLITE);
            check_order(&postgres, REFERENCES_OF_POSTGRES);
        });
        checking.await.expect("checked");
    }
}
