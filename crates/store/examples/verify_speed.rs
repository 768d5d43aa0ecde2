//! Measures how fast a ledger is verified: `cargo run --release -p store --example verify_speed [DIR]`.
//!
//! The database is kept in DIR, where one is named, and used again.

#![allow(clippy::print_stdout, reason = "the figures are what this is for")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use store::suite::fixture::pin_checker;
use store::suite::{Fixture, Opened, TestClock};
use store::{SqliteSettings, SqliteStore, Store as _};

const CARDS: i64 = 200_000;
const BATCH: i64 = 1_000;
/// Of each card: the money put on it, and what is bought with it.
const ROUNDS: i64 = 4;
const RUNS: u32 = 3;

const FILL: &str = "
    PRAGMA journal_mode = wal; PRAGMA synchronous = off; PRAGMA foreign_keys = off; PRAGMA cache_size = -524288;
    CREATE TEMP TABLE n (i INTEGER PRIMARY KEY, card BLOB);
    WITH RECURSIVE count (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM count WHERE i + 1 < :cards)
    INSERT INTO n SELECT i, CAST(unhex(printf('%012x', i / 100)) || randomblob(10) AS BLOB) FROM count;
    INSERT INTO batch SELECT aid,
        CAST(substr(card, 1, 6) || zeroblob(10) AS BLOB), :batch, 'NOK', 0, NULL FROM n, account
        WHERE i % :batch = 0;
    INSERT INTO card SELECT aid, card, printf('card %d', i),
        (SELECT
        CAST(substr(f.card, 1, 6) || zeroblob(10) AS BLOB) FROM n AS f WHERE f.i = n.i / :batch * :batch), 'gift_card',
        NULL, NULL, NULL, '{}', 1000, 'NOK', 1000, :rounds - 1, 0, NULL, NULL, randomblob(32), 1,
        '6:-n---:', 1, NULL, NULL, NULL, NULL, :rounds, 0, NULL, :rounds FROM n, account;
    INSERT INTO card_token SELECT aid, card, randomblob(16), randomblob(32), 1, NULL, '36:snc--:DINCARD:',
        'DINCARD:********-****-****-****-********950e', 0, NULL, NULL, NULL, NULL, '{}', 0, NULL FROM n, account;
    WITH RECURSIVE round (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM round WHERE seq < :rounds)
    INSERT INTO card_transaction SELECT aid, card, seq,
        CAST(unhex(printf('%012x', seq * 1000000 + i)) || randomblob(10) AS BLOB),
        printf('sale %d', seq), iif(seq = 1, 'fund', 'drawdown'), iif(seq = 1, 'activation', 'sale'),
        iif(seq = 1, 1000, 1), 'NOK', NULL, NULL, '{}', seq, NULL, randomblob(16), NULL,
        iif(seq = 1, 'activate_card', 'drawdown'), iif(seq = 1, 1000, 1), NULL, NULL, NULL, 1001 - seq, 1001 - seq
        FROM round, n, account ORDER BY seq, i;
    INSERT INTO outbox SELECT aid, row_number() OVER (ORDER BY id) + (SELECT count(*) FROM outbox), 0, NULL,
        request, asked_operation, card, id FROM card_transaction ORDER BY id;";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let named = std::env::args().nth(1).map(PathBuf::from);
        let temporary = tempfile::tempdir_in("target").expect("a directory");
        let dir = named.as_deref().unwrap_or(temporary.path());
        if !dir.join("gavekort.db").exists() {
            fill(dir).await;
        }
        for _ in 0..RUNS {
            verify(dir).await;
        }
    });
}

async fn fill(dir: &Path) {
    let began = Instant::now();
    let clock = Arc::new(TestClock::default());
    let settings = SqliteSettings::default();
    let store = SqliteStore::open(dir, clock.clone(), settings, pin_checker()).expect("a store");
    let opened = Opened { store: store.clone(), keep: Box::new(()) };
    drop(Fixture::new(opened, clock).await);
    store.close().await.expect("closed");
    let conn = Connection::open(store.database_file()).expect("a database");
    let sql = [(":cards", CARDS), (":batch", BATCH), (":rounds", ROUNDS)];
    let sql = sql.iter().fold(FILL.to_owned(), |sql, (name, value)| sql.replace(name, &value.to_string()));
    conn.execute_batch(&sql).expect("filled");
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", params![], |_| Ok(())).expect("copied");
    println!("{CARDS} cards, {} transactions made in {:.1?}", CARDS * ROUNDS, began.elapsed());
}

async fn verify(dir: &Path) {
    let clock = Arc::new(TestClock::default());
    let store = SqliteStore::open_read_only(dir, clock, SqliteSettings::default()).expect("a store");
    let longest = Arc::new(AtomicU64::new(0));
    let (began, mut last, kept) = (Instant::now(), Instant::now(), Arc::clone(&longest));
    let heard = move |_: &store::Progress| {
        kept.fetch_max(u64::try_from(last.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        last = Instant::now();
    };
    let verified = store.verify(heard).await.expect("readable");
    let took = began.elapsed();
    assert_eq!(verified.first, None);
    let rate = |count: u64| count as f64 / took.as_secs_f64();
    let checked = verified.checked;
    println!(
        "verified in {took:.1?}: {:.0} transactions/s, {:.0} cards/s, longest snapshot {:.1?}",
        rate(checked.transactions),
        rate(checked.cards),
        Duration::from_micros(longest.load(Ordering::Relaxed)),
    );
}
