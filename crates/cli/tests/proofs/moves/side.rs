//! A side of a move, as somebody sees it who knows nothing of the program.

use std::path::PathBuf;
use std::process::Command;

use cluster::sql;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::common::{Options, gavekort, run};

/// The key of every server: 32 bytes.
const MASTER_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// Where most rows are. Of the first three there are more than are moved at once.
const TABLES: [&str; 6] = ["card", "card_token", "card_transaction", "idempotency", "audit", "outbox"];

/// A database that is moved from or to.
pub enum Side {
    /// In a data directory.
    Folder(PathBuf),
    /// In a PostgreSQL, by its URL.
    Database(String),
}

impl Side {
    /// A server of it.
    pub fn server(&self) -> Options {
        let options = Options::default().variable("GAVEKORT_MASTER_KEY", MASTER_KEY);
        match self {
            Self::Folder(folder) => options.data(folder),
            Self::Database(url) => options.variable("GAVEKORT_DATABASE_URL", url),
        }
    }

    /// The command that moves it to another.
    pub fn to(&self, to: &Self) -> Command {
        gavekort(["move", "--json", "--from", &self.named(), "--to", &to.named()])
    }

    fn named(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite:{}", folder.display()),
            Self::Database(url) => url.clone(),
        }
    }

    /// What `gavekort verify` says of it, which is that nothing is wrong.
    #[track_caller]
    pub fn verified(&self) -> Value {
        let mut command = gavekort(["verify", "--json"]);
        match self {
            Self::Folder(folder) => command.arg("--data").arg(folder),
            Self::Database(url) => command.arg("--database-url").arg(url),
        };
        let verified = run(&mut command).expect_code(0).json();
        assert_eq!((&verified["wrong"], &verified["first"]), (&json!(0), &json!(null)));
        verified
    }

    /// How many rows it has of each of those tables where most are; none before it has tables.
    pub fn rows(&self) -> Rows {
        let counts: Vec<String> =
            TABLES.iter().map(|table| format!("(SELECT count(*) FROM {table})")).collect();
        let counts = self.numbers(&format!("SELECT {}", counts.join(", ")), TABLES.len());
        Rows(counts.unwrap_or_else(|| vec![0; TABLES.len()]))
    }

    /// Whether it is marked as a side of a move that has not ended.
    pub fn is_marked(&self) -> bool {
        let marks =
            "SELECT count(*) FROM server_value WHERE name IN ('move_under_way', 'move_away_under_way')";
        self.numbers(marks, 1).is_some_and(|marks| marks != [0])
    }

    /// Fails the test unless a server refuses it for the move that has not ended.
    #[track_caller]
    pub fn is_not_served(&self) {
        let refused = self.server().refused();
        assert!(
            refused.code.is_some_and(|code| code != 0)
                && refused.stderr.contains("move from or to it is under way"),
            "{refused:?}"
        );
    }

    /// The one row of a query; nothing where it cannot be read yet.
    fn numbers(&self, query: &str, count: usize) -> Option<Vec<i64>> {
        match self {
            Self::Folder(folder) => {
                let file = folder.join("gavekort.db");
                let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).ok()?;
                conn.query_row(query, [], |row| (0..count).map(|place| row.get(place)).collect()).ok()
            }
            Self::Database(url) => {
                let row = sql(url, query).ok()?.pop()?;
                row.into_iter().map(|number| number?.parse().ok()).collect()
            }
        }
    }
}

/// How many rows each table has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows(Vec<i64>);

impl Rows {
    /// Of all of them.
    pub fn total(&self) -> usize {
        usize::try_from(self.0.iter().sum::<i64>()).expect("a size")
    }

    /// Whether a table of a whole has begun to arrive, and only begun.
    pub fn are_within_a_table(&self, whole: &Self) -> bool {
        self.0.iter().zip(&whole.0).any(|(rows, of)| (1..*of).contains(rows))
    }

    /// Whether nothing that has been there is gone.
    pub fn are_all_of(&self, before: &Self) -> bool {
        self.0.iter().zip(&before.0).all(|(rows, before)| rows >= before)
    }
}
