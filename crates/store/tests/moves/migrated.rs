//! The schema made and spread, before anything is served.

use domain::Timestamp;
use store::{Error, PostgresStore};

use super::{database, run};

/// Stands in for Citus: writes down what is asked of it.
const CITUS: &str = "CREATE TABLE asked (name TEXT, with_name TEXT);
    CREATE FUNCTION create_reference_table(name regclass) RETURNS void LANGUAGE sql AS
        $$ INSERT INTO asked VALUES (name::text, NULL) $$;
    CREATE FUNCTION create_distributed_table(name regclass, by text, colocate_with text) RETURNS void LANGUAGE sql AS
        $$ INSERT INTO asked VALUES (name::text, colocate_with) $$";

async fn migrate(url: &str, distribute: bool, carry_out: bool) -> Result<Vec<store::Planned>, Error> {
    PostgresStore::migrate(url, Timestamp::EPOCH, distribute, carry_out).await
}

const TABLES: &str = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_be_done_is_told_and_not_done() {
    let url = database().await;
    let planned = migrate(&url, true, false).await.expect("planned");
    assert!(planned.len() > 20 && planned[0].what == "migration 1");
    assert_eq!(run(&url, TABLES).await, [[Some("0".to_owned())]]);
    let made = migrate(&url, false, true).await.expect("made");
    assert_eq!(made, planned[..made.len()]);
    assert_eq!(migrate(&url, false, true).await.expect("made"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_citus_nothing_is_done() {
    let url = database().await;
    let refused = migrate(&url, true, true).await.expect_err("no Citus");
    assert!(matches!(&refused, Error::Open(why) if why.contains("no Citus")), "{refused:?}");
    assert_eq!(run(&url, TABLES).await, [[Some("0".to_owned())]]);
}

/// A table that is not told of would be left on one machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_distributed_by_account_or_lies_everywhere() {
    let url = database().await;
    migrate(&url, false, true).await.expect("made");
    let planned = migrate(&url, true, false).await.expect("planned");
    run(&url, CITUS).await;
    for statement in planned {
        run(&url, &statement.sql).await;
    }
    let left = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'asked'
        AND tablename NOT IN (SELECT name FROM asked)";
    assert!(run(&url, left).await.is_empty(), "{:?}", run(&url, left).await);
    let apart = "SELECT name FROM asked JOIN information_schema.columns ON table_name = name
        AND column_name = 'aid' AND name <> 'account' AND with_name IS NULL";
    assert!(run(&url, apart).await.is_empty(), "{:?}", run(&url, apart).await);
    let kept = "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal";
    assert_eq!(run(&url, kept).await, [[Some("0".to_owned())]]);
    let referring = "SELECT count(*) FROM pg_constraint WHERE contype = 'f'";
    assert_eq!(run(&url, referring).await, [[Some("1".to_owned())]]);
}
