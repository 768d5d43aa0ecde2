//! Measures a store through its trait, syncs included: `cargo run --release -p store --example store_speed` for
//! SQLite, and with `-- postgres://… LANES` behind it for PostgreSQL, in an empty database.

#![allow(clippy::print_stdout, reason = "the figures are what this is for")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::{CardId, CardSelector, Clock, NewCard, Outcome, TokenMac};
use store::suite::fixture::pin_checker;
use store::suite::{Fixture, Opened, TestClock};
use store::{PostgresSettings, PostgresStore, SqliteSettings, SqliteStore, Store};

/// Cards that exist before anything is measured, in batches of 1,000.
const CARDS_BEFORE: u64 = 100_000;
/// Of these, so many have money.
const ACTIVE: u64 = 100_000;
const BATCHES: u32 = 30;
const TASKS: u64 = 64;
const DRAWDOWN_TIME: Duration = Duration::from_secs(10);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let mut args = std::env::args().skip(1);
    let url = args.next();
    let lanes = args.next().and_then(|lanes| lanes.parse().ok());
    runtime.block_on(async {
        let clock = Arc::new(TestClock::default());
        match url {
            Some(url) => in_postgres(&url, lanes, clock).await,
            None => in_sqlite(clock).await,
        }
    });
}

async fn in_sqlite(clock: Arc<TestClock>) {
    let dir = tempfile::tempdir_in("target").expect("a directory");
    let of_store = Arc::clone(&clock) as Arc<dyn Clock>;
    let store = SqliteStore::open(dir.path(), of_store, SqliteSettings::default(), pin_checker());
    let store = store.expect("a store");
    measure(Arc::clone(&store) as Arc<dyn Store>, clock).await;
    println!("write-ahead log: {} MB", store.load().wal_bytes / 1_000_000);
    store.close().await.expect("closed");
}

/// The database must be empty.
async fn in_postgres(url: &str, lanes: Option<usize>, clock: Arc<TestClock>) {
    let mut settings = PostgresSettings::default();
    settings.lanes = lanes.unwrap_or(settings.lanes);
    let of_store = Arc::clone(&clock) as Arc<dyn Clock>;
    let store = PostgresStore::open(url, of_store, settings, pin_checker()).await.expect("a store");
    measure(Arc::clone(&store) as Arc<dyn Store>, clock).await;
    store.close().await.expect("closed");
}

async fn measure(store: Arc<dyn Store>, clock: Arc<TestClock>) {
    let opened = Opened { store, keep: Box::new(()) };
    let f = Arc::new(Fixture::new(opened, clock).await);
    measure_batches(&f, "on an empty database").await;
    fill(&f).await;
    measure_batches(&f, &format!("with {CARDS_BEFORE} cards")).await;
    measure_drawdowns(&f, ACTIVE).await;
    measure_drawdowns(&f, 1).await;
}

async fn measure_batches(f: &Fixture, what: &str) {
    let mut times = Vec::new();
    for batch in 0..BATCHES {
        let first =
            u64::from(batch) * 1_000 + 1_000_000_000_000 + f.now().unix_ms().unsigned_abs() * 1_000_000;
        times.push(batch_at(f, first).await);
    }
    f.clock.move_ms(1);
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "batch of 1,000 with tokens and PINs {what}: median {median:.1?}, worst {worst:.1?} of {BATCHES}"
    );
}

async fn fill(f: &Arc<Fixture>) {
    let began = Instant::now();
    for batch in 0..CARDS_BEFORE / 1_000 {
        batch_at(f, batch * 1_000).await;
    }
    let tasks: Vec<_> = (0..TASKS).map(|task| tokio::spawn(activate(Arc::clone(f), task))).collect();
    for task in tasks {
        task.await.expect("a task");
    }
    println!("{CARDS_BEFORE} cards made, {ACTIVE} activated in {:.1?}", began.elapsed());
}

async fn activate(f: Arc<Fixture>, task: u64) {
    for card in (task..ACTIVE).step_by(64) {
        let order = f.order(f.activate(&id_of(card), 1_000_000_000));
        let answer = f.try_submit(f.aid, order).await;
        assert!(matches!(answer, Ok(Ok(Outcome::CardActivated(_)))), "activated: {answer:?}");
    }
}

async fn batch_at(f: &Fixture, first: u64) -> Duration {
    let mut batch = f.batch(&[]);
    batch.cards = (first..first + 1_000).map(|card| new_card(f, card)).collect();
    let order = f.order(batch);
    let began = Instant::now();
    let answer = f.try_submit(f.aid, order).await;
    assert!(matches!(answer, Ok(Ok(Outcome::BatchCreated(_)))), "created: {answer:?}");
    began.elapsed()
}

fn new_card(f: &Fixture, card: u64) -> NewCard {
    let mut token = f.new_token("");
    token.mac = mac_of(card);
    token.masked_code = "DINCARD:********-****-****-****-********950e".to_owned();
    NewCard {
        card_id: CardId::try_from(id_of(card).as_str()).expect("a card_id"),
        token: Some(token),
        pin: Some(store::suite::fixture::pin("123456")),
        ..f.new_card("x")
    }
}

/// Scattered, as the ids on printed cards are.
fn id_of(card: u64) -> String {
    format!("{:016}", mix(card) % 10_000_000_000_000_000)
}

fn mac_of(card: u64) -> TokenMac {
    let mut mac = [0; 32];
    for (place, bytes) in mac.chunks_exact_mut(8).enumerate() {
        let salt = u64::try_from(place).unwrap_or(0) << 56;
        bytes.copy_from_slice(&mix(card ^ salt).to_be_bytes());
    }
    TokenMac { key_version: 1, mac }
}

/// Splitmix64: what looks random and can be had again.
fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

async fn measure_drawdowns(f: &Arc<Fixture>, cards: u64) {
    let before = f.store.load();
    let done = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| tokio::spawn(draw(Arc::clone(f), Arc::clone(&done), task, cards, began)))
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("a task"));
    }
    let seconds = began.elapsed().as_secs_f64();
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    let after = f.store.load();
    let orders = after.orders_total - before.orders_total;
    println!(
        "{TASKS} tasks drawing on {cards} cards: {:.0}/s, {:.0} a commit; \
         median {:.1?}, 99% {:.1?}, 99.9% {:.1?}, worst {:.1?}",
        orders as f64 / seconds,
        orders as f64 / (after.commits_total - before.commits_total) as f64,
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
    );
}

async fn draw(f: Arc<Fixture>, done: Arc<AtomicU64>, task: u64, cards: u64, began: Instant) -> Vec<Duration> {
    let mut times = Vec::new();
    while began.elapsed() < DRAWDOWN_TIME {
        let number = done.fetch_add(1, Ordering::Relaxed);
        let card = mix(number ^ task << 40) % cards.min(ACTIVE);
        let drawdown = f.draw(CardSelector::Token(mac_of(card)), &format!("sale-{cards}-{number}"), 1);
        let asked = Instant::now();
        let answer = f.try_submit(f.aid, f.order(drawdown)).await;
        assert!(matches!(answer, Ok(Ok(Outcome::Written(..)))), "drawn: {answer:?}");
        times.push(asked.elapsed());
    }
    times
}
