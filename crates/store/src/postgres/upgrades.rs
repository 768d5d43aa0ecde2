//! Programs of several versions on one database, as while the servers of a cluster are replaced one by one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cluster::{Cluster, sql};

use super::migrate::MIGRATIONS;
use super::{PostgresSettings, PostgresStore};
use crate::Error;
use crate::migration::{Migration, THIS_PROGRAM};
use crate::suite::fixture::{Fixture, amount, by_id, pin_checker};
use crate::suite::{Opened, TestClock};

/// What the present program tells and learns has no tables in the first schema. In place of those here it would be a
/// program that does neither, as that of the first schema was.
const APART: &str = "CREATE SCHEMA apart;
    CREATE TABLE apart.news (subject TEXT NOT NULL PRIMARY KEY, count BIGINT NOT NULL);
    CREATE TABLE apart.guess_budget (key BYTEA NOT NULL PRIMARY KEY, whole_at BIGINT NOT NULL)";

/// A step of a program to come, which adds what the present one does not look at.
const ADDS: &str = "ALTER TABLE card ADD COLUMN added TEXT NOT NULL DEFAULT 'nothing';
    ALTER TABLE card_transaction ADD COLUMN added TEXT NOT NULL DEFAULT 'nothing';
    CREATE INDEX card_transaction_by_added ON card_transaction (aid, added);
    CREATE TABLE added (aid TEXT NOT NULL PRIMARY KEY)";

/// The steps of a program that has one more than the present one.
fn with_one_more(oldest_program: &'static str, sql: &'static str) -> Vec<Migration> {
    let version = MIGRATIONS.last().map_or(0, |step| step.version) + 1;
    MIGRATIONS.iter().copied().chain([Migration { version, oldest_program, sql }]).collect()
}

async fn open(steps: &[Migration], url: &str, clock: &Arc<TestClock>) -> Result<Arc<PostgresStore>, Error> {
    let settings = PostgresSettings { lanes: 2, readers: 2, ..PostgresSettings::default() };
    PostgresStore::open_with(steps, url, clock.clone(), settings, pin_checker()).await
}

/// Draws single units one after the other until it is told to stop; answers how many.
async fn draw_until(stop: &AtomicBool, f: &Fixture) -> i64 {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        count += 1;
        f.drawn(f.draw(by_id("card"), &format!("during {count}"), 1)).await;
    }
    count
}

#[tokio::test]
async fn the_program_before_works_while_a_newer_one_migrates_and_beside_it() {
    let cluster = Cluster::start().expect("a server");
    let url = cluster.create_database().expect("a database");
    sql(&url, APART).expect("tables");
    let clock = Arc::new(TestClock::default());
    let before = format!("{url}?options=-csearch_path%3Dpublic%2Capart");
    let old = open(&MIGRATIONS[..1], &before, &clock).await.expect("the program before");
    let mut f = Fixture::new(Opened { store: old.clone(), keep: Box::new(()) }, clock.clone()).await;
    f.has_card("card", 1_000_000).await;

    let (steps, has_migrated) = (with_one_more("0.1.0", ADDS), AtomicBool::new(false));
    let migrating = async {
        let newer = open(&steps, &url, &clock).await;
        has_migrated.store(true, Ordering::Relaxed);
        newer.expect("the newer program")
    };
    let (drawn, newer) = tokio::join!(draw_until(&has_migrated, &f), migrating);

    for (reference, by_newer) in [("one", true), ("two", false), ("three", true), ("four", false)] {
        f.store = if by_newer { newer.clone() } else { old.clone() };
        f.drawn(f.draw(by_id("card"), reference, 1)).await;
        f.has_card(reference, 1).await;
    }
    for store in [newer, old] {
        f.store = store;
        assert_eq!(f.read("card").await.card.drawdown, amount(drawn + 4));
        assert_eq!(f.read("four").await.card.funds, amount(1));
    }
    let added = sql(&url, "SELECT DISTINCT added FROM card_transaction").expect("a column");
    assert_eq!(added, [[Some("nothing".to_owned())]]);
    let versions = sql(&url, "SELECT max(version) FROM schema").expect("a version");
    assert_eq!(versions, [[steps.last().map(|step| step.version.to_string())]]);
}

#[tokio::test]
async fn a_program_is_refused_once_a_step_has_ruled_it_out() {
    let cluster = Cluster::start().expect("a server");
    let url = cluster.create_database().expect("a database");
    let clock = Arc::new(TestClock::default());
    open(MIGRATIONS, &url, &clock).await.expect("the present program");
    open(&with_one_more("0.1.0", ADDS), &url, &clock).await.expect("one that adds");
    open(MIGRATIONS, &url, &clock).await.expect("the present program beside it");
    let mut steps = with_one_more("0.1.0", ADDS);
    let version = steps.last().map_or(0, |step| step.version) + 1;
    steps.push(Migration {
        version,
        oldest_program: "99.0.0",
        sql: "ALTER TABLE card_token DROP COLUMN masked_code",
    });
    open(&steps, &url, &clock).await.expect("one that takes away");
    let (needs, program) = ("99.0.0".to_owned(), THIS_PROGRAM.to_owned());
    let refused = open(MIGRATIONS, &url, &clock).await.err();
    assert_eq!(refused, Some(Error::TooNew { needs, program }));
}
