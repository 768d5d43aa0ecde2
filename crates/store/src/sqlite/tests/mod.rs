//! What can only be seen, or broken, from within.

mod money;

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Aid, BatchId, CardType, Currency, Status};
use rusqlite::Connection;
use tempfile::TempDir;

use super::cards;
use super::fault::Fault;
use super::{SqliteSettings, SqliteStore, connection};
use crate::conditions::Way;
use crate::suite::fixture::{amount, by_id, by_token, card_id, customer, every_card, pin_checker, time};
use crate::suite::{Fixture, Opened, TestClock};
use crate::{CardFilter, CardQuery, Error, Store as _};

struct World {
    f: Fixture,
    store: Arc<SqliteStore>,
    _dir: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with(SqliteSettings::default()).await
    }

    async fn with(settings: SqliteSettings) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(TestClock::default());
        let store = SqliteStore::open(dir.path(), clock.clone(), settings, pin_checker()).expect("a store");
        let opened = Opened { store: store.clone(), keep: Box::new(()) };
        Self { f: Fixture::new(opened, clock).await, store, _dir: dir }
    }

    /// Does what no order does, on the connection that writes.
    async fn meddle(&self, sql: &'static str) {
        self.store.write(move |conn| Ok(conn.execute_batch(sql)?)).await.expect("done");
    }
}

/// Settings on which promises rest.
const NAMES: [&str; 9] = [
    "journal_mode",
    "synchronous",
    "foreign_keys",
    "busy_timeout",
    "cache_size",
    "wal_autocheckpoint",
    "journal_size_limit",
    "mmap_size",
    "temp_store",
];

#[tokio::test]
async fn the_connection_that_writes_is_set_up_as_promised() {
    let world = World::new().await;
    let read = |conn: &Connection| NAMES.map(|name| connection::read(conn, name).expect("a setting"));
    let settings = world.store.write(move |conn| Ok(read(conn))).await.expect("settings");
    assert_eq!(settings, ["wal", "2", "1", "5000", "-131072", "0", "67108864", "0", "2"]);
}

#[tokio::test]
async fn connections_that_read_cannot_write() {
    let world = World::new().await;
    let written = world.store.read(|conn| Ok(conn.execute("DELETE FROM card", [])?)).await;
    assert!(matches!(written, Err(Error::Unavailable(_))), "{written:?}");
    let only = world.store.read(|conn| Ok(connection::read(conn, "query_only")?)).await;
    assert_eq!(only, Ok("1".to_owned()));
}

/// One page more than there are is one too many; the batch needs some.
#[tokio::test]
async fn a_full_disk_refuses_the_group_and_lets_go_when_there_is_room_again() {
    let world = World::new().await;
    world.f.has_card("card", 100).await;
    world.meddle("PRAGMA max_page_count = 1").await;
    let ids: Vec<String> = (0..1_000).map(|card| format!("{card}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let batch = world.f.order(world.f.batch(&ids));
    let refused = world.f.try_submit(world.f.aid, batch.clone()).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(world.f.list(&every_card(world.f.now())).await, ["card"]);
    world.meddle("PRAGMA max_page_count = 1000000").await;
    assert!(world.f.submit(batch).await.is_ok());
    world.store.check().await.expect("works");
}

#[tokio::test]
async fn a_failing_commit_has_an_unknown_outcome_and_ends_the_store() {
    let world = World::new().await;
    world.f.has_card("card", 100).await;
    let set = world.store.committer().expect("a committer").run(|writer| {
        let hooked = writer.connection().commit_hook(Some(|| true));
        (hooked.map_err(|error| Fault::from(error).into_error()), true)
    });
    set.expect("room").await.expect("heard").expect("a commit hook");
    let order = world.f.order(world.f.draw(by_id("card"), "sale", 1));
    let outcome = world.f.try_submit(world.f.aid, order.clone()).await;
    assert!(matches!(outcome, Err(Error::OutcomeUnknown(_))), "{outcome:?}");
    world.store.failed().await;
    let after = world.f.try_submit(world.f.aid, order).await;
    assert!(matches!(after, Err(Error::Unavailable(_))), "{after:?}");
    let read = world.store.card(world.f.aid, &card_id("card"), false, world.f.now()).await;
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    assert!(matches!(world.store.check().await, Err(Error::Unavailable(_))));
}

/// What a row of a card holds that this program does not write, and by which column it is told.
const DAMAGES: [(&str, &str); 5] = [
    ("UPDATE card SET type = 'voucher' WHERE card_id = 'bad'", "card.type"),
    ("UPDATE card SET currency = 'XXQ' WHERE card_id = 'bad'", "card.currency"),
    ("UPDATE card SET funds = 1000000000001 WHERE card_id = 'bad'", "card.funds"),
    ("UPDATE card SET created_at = -1 WHERE card_id = 'bad'", "card.created_at"),
    ("UPDATE card SET uuid = x'00' WHERE card_id = 'bad'", "card.uuid"),
];

#[tokio::test]
async fn a_damaged_row_is_told_by_table_and_column() {
    for (damage, column) in DAMAGES {
        let world = World::new().await;
        world.f.has_card("good", 100).await;
        world.f.done(world.f.batch(&["bad"])).await;
        let meddled = world.store.write(move |conn| {
            conn.pragma_update(None, "ignore_check_constraints", true)?;
            conn.execute("DELETE FROM card_token", [])?;
            Ok(conn.execute(damage, [])?)
        });
        assert_eq!(meddled.await, Ok(1), "{damage}");
        let read = world.store.card(world.f.aid, &card_id("bad"), false, world.f.now()).await;
        assert_eq!(read, Err(Error::Damaged(column.to_owned())));
        let (bad, good) = (world.f.draw(by_id("bad"), "sale", 1), world.f.draw(by_id("good"), "sale", 1));
        let (bad, good) = (world.f.order(bad), world.f.order(good));
        let (bad, good) =
            tokio::join!(world.f.try_submit(world.f.aid, bad), world.f.try_submit(world.f.aid, good));
        assert_eq!(bad, Err(Error::Damaged(column.to_owned())));
        assert!(matches!(good, Ok(Ok(_))), "{good:?}");
    }
}

#[tokio::test]
async fn a_damaged_token_is_told_by_table_and_column() {
    let world = World::new().await;
    world.f.has_card_with_token("card", 100, world.f.new_token("value")).await;
    world.meddle("UPDATE card_token SET format = '36:?'").await;
    let order = world.f.order(world.f.draw(by_token("value"), "sale", 1));
    let refused = world.f.try_submit(world.f.aid, order).await;
    assert_eq!(refused, Err(Error::Damaged("card_token.format".to_owned())));
}

#[tokio::test]
async fn a_blocked_card_is_listed_as_such_and_pays_for_nothing() {
    let world = World::new().await;
    world.f.has_card("blocked", 100).await;
    world.f.has_card("free", 100).await;
    world.f.done(world.f.block("blocked")).await;
    for (status, expected) in [(Status::Blocked, "blocked"), (Status::Unused, "free")] {
        let filter = CardFilter { status: Some(status), ..CardFilter::default() };
        let query = CardQuery { filter, ..every_card(world.f.now()) };
        assert_eq!(world.f.list(&query).await, [expected]);
    }
    let refused = world.f.refused(world.f.draw(by_id("blocked"), "sale", 1)).await;
    assert_eq!(refused, domain::Refusal::CardBlocked);
}

/// What the schema refuses should the rules ever fail.
const FORBIDDEN: [&str; 14] = [
    "UPDATE card SET drawdown = funds + 1",
    "UPDATE card SET reserved = funds - drawdown + 1",
    "UPDATE card SET funds = -1",
    "UPDATE card SET drawdown = -1",
    "UPDATE card SET seq = -1",
    "UPDATE card SET deleted_at = changed_at",
    "UPDATE card SET activated_at = NULL, activated_by = NULL",
    "UPDATE card SET replaced_by = uuid",
    "UPDATE card SET replaced_by = uuid, blocked_at = 1",
    "UPDATE card_transaction SET note = 'other'",
    "DELETE FROM card_transaction",
    "UPDATE audit SET note = 'other'",
    "DELETE FROM audit",
    "DELETE FROM card",
];

#[tokio::test]
async fn the_schema_is_a_net_under_the_rules() {
    let world = World::new().await;
    let made = world.f.has_card("card", 100).await;
    for sql in FORBIDDEN {
        let refused = world.store.write(move |conn| Ok(conn.execute(sql, [])?)).await;
        assert!(matches!(refused, Err(Error::Internal(_))), "{sql}: {refused:?}");
    }
    assert_eq!(world.f.read("card").await.card, made);
}

async fn write_megabytes(world: &World, count: u32) {
    for _ in 0..count {
        let written = world.store.write(|conn| {
            Ok(conn
                .execute("REPLACE INTO server_value (name, value) VALUES ('x', randomblob(1048576))", [])?)
        });
        assert_eq!(written.await, Ok(1));
    }
}

#[tokio::test]
async fn the_log_begins_anew_under_steady_writes() {
    let world = World::new().await;
    write_megabytes(&world, 150).await;
    let wal_bytes = world.store.load().wal_bytes;
    assert!(wal_bytes < 100_000_000, "{wal_bytes} bytes of log after 150 MB");
}

/// It is the reading of an old state that keeps the log; once that ends, so does its growth.
#[tokio::test]
async fn the_log_begins_anew_after_a_long_read() {
    let world = World::new().await;
    let (began, has_begun) = tokio::sync::oneshot::channel();
    let (end, must_end) = std::sync::mpsc::channel();
    let reading = world.store.read(move |conn| {
        conn.query_row("SELECT count(*) FROM card", [], |_| Ok(()))?;
        began.send(()).expect("the test listens");
        must_end.recv().expect("the test goes on");
        Ok(())
    });
    let writing = async {
        has_begun.await.expect("begun");
        write_megabytes(&world, 60).await;
        end.send(()).expect("the read listens");
        world.store.load().wal_bytes
    };
    let (read, before) = tokio::join!(reading, writing);
    assert_eq!(read, Ok(()));
    write_megabytes(&world, 60).await;
    let after = world.store.load().wal_bytes;
    assert!(after < before + 40_000_000, "{before} bytes of log, then {after}");
}

/// Counts to more than any test would wait for.
const ENDLESS: &str =
    "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

#[tokio::test]
async fn a_read_that_takes_too_long_is_ended() {
    let settings =
        SqliteSettings { readers: 1, read_time_max: Duration::from_millis(100), ..SqliteSettings::default() };
    let world = World::with(settings).await;
    let endless = world.store.read(|conn| Ok(conn.query_row(ENDLESS, [], |row| row.get::<_, i64>(0))?)).await;
    assert_eq!(endless, Err(Error::TookTooLong));
    assert_eq!(world.f.list(&every_card(world.f.now())).await, [""; 0]);
}

#[tokio::test]
async fn a_read_whose_caller_went_away_is_ended() {
    let settings = SqliteSettings { readers: 1, ..SqliteSettings::default() };
    let world = World::with(settings).await;
    {
        let (began, has_begun) = tokio::sync::oneshot::channel();
        let endless = world.store.read(move |conn| {
            began.send(()).expect("the test listens");
            Ok(conn.query_row(ENDLESS, [], |row| row.get::<_, i64>(0))?)
        });
        tokio::select! {
            _ = endless => panic!("it has no end"),
            begun = has_begun => begun.expect("begun"),
        }
    }
    // The one connection is free for this only when the other read has ended.
    assert_eq!(world.f.list(&every_card(world.f.now())).await, [""; 0]);
}

async fn plan(world: &World, sql: impl Into<String>) -> String {
    let sql = sql.into();
    let explained = world.store.read(move |conn| {
        let mut steps = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
        let count = steps.parameter_count();
        let steps: rusqlite::Result<Vec<String>> =
            steps.query_map(rusqlite::params_from_iter((0..count).map(|_| 1)), |row| row.get(3))?.collect();
        Ok(steps?.join("; "))
    });
    explained.await.expect("a plan")
}

#[tokio::test]
async fn no_statement_of_a_request_reads_a_table_through() {
    let world = World::new().await;
    for sql in super::load::statements() {
        let plan = plan(&world, sql).await;
        assert!(plan.starts_with("SEARCH") && !plan.contains("SCAN"), "{sql}: {plan}");
    }
    for sql in super::persist::statements() {
        let plan = plan(&world, sql).await;
        assert!(plan.starts_with("SEARCH") && !plan.contains("SCAN"), "{sql}: {plan}");
    }
    let forget = plan(&world, super::admin::FORGET).await;
    assert!(forget.contains("idempotency_by_age") && !forget.contains("SCAN"), "{forget}");
}

/// A filter that names everything.
fn every_filter() -> CardFilter {
    CardFilter {
        status: Some(Status::Unused),
        kind: Some(CardType::GiftCard),
        customer_id: Some(customer("kari")),
        currency: Some(Currency::NOK),
        batch: Some(BatchId(uuid::Uuid::nil())),
        created_from: Some(time(1)),
        created_before: Some(time(2)),
        available_from: Some(amount(1)),
        available_to: Some(amount(2)),
        prefix: Some("a".to_owned()),
    }
}

#[tokio::test]
async fn lists_go_through_an_index_in_its_own_order() {
    let world = World::new().await;
    let in_order = "created_at>? AND (created_at,uuid)<(?,?))";
    for (way, index) in [
        (Way::Age, "card_by_age (aid=? AND "),
        (Way::Customer, "card_by_customer (aid=? AND customer_id=? AND "),
        (Way::Batch, "card_by_batch (aid=? AND batch=? AND "),
    ] {
        for filter in [every_filter(), CardFilter { prefix: None, ..every_filter() }] {
            let query = CardQuery { filter, ..every_card(world.f.now()) };
            let (sql, _) = cards::scan(world.f.aid, &query, way, (1, uuid::Uuid::nil()));
            let plan = plan(&world, sql).await;
            let mut steps = plan.split("; ").filter(|step| !step.starts_with("CORRELATED"));
            assert_eq!(steps.next(), Some(format!("SEARCH card USING INDEX {index}{in_order}").as_str()));
            // What a card has locked is looked up for both ends of a range of amounts.
            assert_eq!(
                steps.collect::<Vec<_>>(),
                ["SEARCH card_lock USING PRIMARY KEY (aid=? AND card=?)"; 2]
            );
        }
    }
    let of_customer = plan(&world, cards::OF_CUSTOMER).await;
    let index = "card_by_customer (aid=? AND customer_id=? AND (created_at,uuid)>(?,?))";
    assert_eq!(of_customer, format!("SEARCH card USING INDEX {index}"));
}

/// It is the few rows of the two ranges that are sorted.
#[tokio::test]
async fn a_prefix_is_found_by_two_ranges() {
    let world = World::new().await;
    let query = CardQuery { filter: every_filter(), ..every_card(world.f.now()) };
    let (sql, _) = cards::scan(world.f.aid, &query, Way::Prefix, (1, uuid::Uuid::nil()));
    for sql in [sql, cards::COUNT_NAMED.to_owned()] {
        let plan = plan(&world, sql).await;
        for range in ["(aid=? AND card_id>? AND card_id<?)", "card_by_name (aid=? AND name>? AND name<?)"] {
            assert!(plan.contains(range), "{plan}");
        }
        assert!(!plan.contains("SCAN card"), "{plan}");
    }
    let (sql, _) = cards::scan(world.f.aid, &query, Way::Prefix, (1, uuid::Uuid::nil()));
    let plan = plan(&world, sql).await;
    assert!(plan.contains("SEARCH card USING INTEGER PRIMARY KEY (rowid=?)"), "{plan}");
}

/// Two of four connections are held by lists without an end; a third list waits, a card does not.
#[tokio::test]
async fn lists_leave_half_of_the_connections_to_single_cards() {
    let settings = SqliteSettings { read_time_max: Duration::from_millis(500), ..SqliteSettings::default() };
    let world = World::with(settings).await;
    world.f.has_card("card", 100).await;
    let (began, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let endless = || {
        let began = began.clone();
        world.store.list(move |conn| {
            began.send(()).expect("the test listens");
            Ok(conn.query_row(ENDLESS, [], |row| row.get::<_, i64>(0))?)
        })
    };
    let reads = async {
        has_begun.recv().await.expect("the first");
        has_begun.recv().await.expect("the second");
        for _ in 0..4 {
            assert_eq!(world.f.read("card").await.card.funds, amount(100));
        }
        assert!(has_begun.try_recv().is_err(), "a third list runs");
    };
    let (first, second, third, ()) = tokio::join!(endless(), endless(), endless(), reads);
    assert_eq!((first, second), (Err(Error::TookTooLong), Err(Error::TookTooLong)));
    // It waits for as long as the others run, so its turn may just come.
    assert!(matches!(third, Err(Error::Overloaded | Error::TookTooLong)), "{third:?}");
}

/// While the committer stands still, whoever asks for the first time waits, and whoever asks again does not.
#[tokio::test]
async fn a_success_is_remembered_for_a_second() {
    let world = World::new().await;
    world.store.check().await.expect("works");
    let (release, must_go_on) = std::sync::mpsc::channel();
    let held = world.store.write(move |_| {
        let _ended: Result<(), _> = must_go_on.recv();
        Ok(())
    });
    let probes = async {
        for _ in 0..1_000 {
            let checked = tokio::time::timeout(Duration::from_secs(10), world.store.check()).await;
            assert_eq!(checked, Ok(Ok(())), "it worked a moment ago");
        }
        *world.store.worked_at.lock().await = Instant::now().checked_sub(Duration::from_secs(1));
        let mut late = std::pin::pin!(world.store.check());
        let in_vain = tokio::time::timeout(Duration::from_millis(50), late.as_mut()).await;
        assert!(in_vain.is_err(), "it must ask the committer: {in_vain:?}");
        release.send(()).expect("held");
        late.await
    };
    let (held, checked) = tokio::join!(held, probes);
    assert_eq!((held, checked), (Ok(()), Ok(())));
}

#[tokio::test]
async fn many_kept_answers_are_forgotten_bit_by_bit() {
    let world = World::new().await;
    let aid: Aid = world.f.aid;
    let many = "INSERT INTO idempotency (aid, client, operation, mac, key_version, created_at, request_mac, \
        request_key_version, sealed) WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 450) \
        SELECT ?1, randomblob(16), 'create_card', randomblob(32), 1, 0, randomblob(32), 1, x'00' FROM n";
    let added = world.store.write(move |conn| Ok(conn.execute(many, [aid.as_str()])?)).await;
    assert_eq!(added, Ok(450));
    assert_eq!(world.store.forget_replays(aid, world.f.now()).await, Ok(450));
}

#[tokio::test]
async fn a_sound_database_is_inspected() {
    let world = World::new().await;
    world.f.has_card("card", 100).await;
    let seen = world.store.inspect().await.expect("sound");
    assert_eq!((seen.schema, seen.sqlite), (1, rusqlite::version().to_owned()));
    assert_eq!(world.f.read("card").await.card.funds, amount(100));
}

/// By which indexes each list finds its rows, in the order in which it shows them.
#[tokio::test]
async fn lists_of_transactions_and_of_the_audit_go_through_their_index() {
    let world = World::new().await;
    use super::{audit, liability, transactions};
    let lists = [
        (transactions::BY_TIME, "transaction_by_time"),
        (transactions::OF_CARD, "sqlite_autoindex_card_transaction_1"),
        (transactions::HISTORY, "sqlite_autoindex_card_transaction_1"),
        (transactions::BY_REF_ID, "sqlite_autoindex_card_transaction_2"),
        (transactions::BY_ID, "sqlite_autoindex_card_transaction_3"),
        (transactions::WRITTEN_AT, "sqlite_autoindex_card_transaction_3"),
        (audit::BY_TIME, "audit_by_time"),
        (audit::OF_CARD, "audit_by_card"),
    ];
    for (sql, index) in lists {
        let plan = plan(&world, sql).await;
        assert!(plan.starts_with("SEARCH") && plan.contains(index), "{sql}: {plan}");
        assert!(!plan.contains("SCAN") && !plan.contains("ORDER BY"), "{sql}: {plan}");
    }
    let touched = plan(&world, liability::TOUCHED).await;
    for index in [
        "card_by_age",
        "transaction_by_time",
        "status_change_by_time",
        "card_by_end",
        "status_change_by_end",
        "lock_by_end",
    ] {
        assert!(touched.contains(index), "{touched}");
    }
    assert!(!touched.contains("SCAN"), "{touched}");
}
