//! Tills that draw from a few cards while something happens to the database, and what must have come of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cluster::sql;
use domain::{Order, Outcome};
use store::suite::fixture::by_id;
use store::suite::{Fixture, Opened, TestClock};
use store::{Error, PostgresStore};
use tokio::task::JoinSet;

use super::open;

const TILLS: u64 = 8;
const CARDS: u64 = 3;
const LANES: usize = 4;

/// Enough for whatever is drawn.
const FUNDS: i64 = 1_000_000_000;

/// How long a till whose order was turned away leaves the store alone.
const PAUSE: Duration = Duration::from_millis(5);

/// An order, and what the till was told.
struct Asked {
    reference: String,
    order: Order,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    /// The drawdown was made.
    Made,
    /// Nothing was done.
    TurnedAway,
    /// Nobody knows.
    Unknown,
}

/// A store on a database that something happens to.
pub struct World {
    pub f: Arc<Fixture>,
    pub store: Arc<PostgresStore>,
    /// How the database is reached for sure.
    direct: String,
    next: AtomicU64,
    /// Whether an answer that comes now counts.
    counts: AtomicBool,
}

impl World {
    /// On an empty database, which the store reaches by one URL and the test by another.
    pub async fn new(through: &str, direct: &str) -> Self {
        let clock = Arc::new(TestClock::default());
        let store = open(through, clock.clone(), LANES).await;
        let opened = Opened { store: store.clone(), keep: Box::new(()) };
        let f = Arc::new(Fixture::new(opened, clock).await);
        for card in 0..CARDS {
            f.has_card(&format!("{card}"), FUNDS).await;
        }
        Self { f, store, direct: direct.to_owned(), next: AtomicU64::new(0), counts: AtomicBool::new(true) }
    }

    /// A drawdown of one unit under a reference of its own, not sent yet.
    pub fn drawdown(&self) -> (String, Order) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let reference = format!("sale {number}");
        let order = self.f.order(self.f.draw(by_id(&format!("{}", number % CARDS)), &reference, 1));
        (reference, order)
    }

    /// What becomes of an order.
    pub async fn send(&self, order: &Order) -> Result<(), Error> {
        match self.f.try_submit(self.f.aid, order.clone()).await? {
            Ok(Outcome::Written(..)) => Ok(()),
            other => panic!("refused: {other:?}"),
        }
    }

    /// Sends orders until one is carried out; answers how long that took.
    pub async fn recovers(&self) -> Duration {
        let begun = Instant::now();
        loop {
            let (_, order) = self.drawdown();
            if self.send(&order).await.is_ok() {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "the store does not recover");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What is answered from now on may be made or not.
    pub fn count_no_more(&self) {
        self.counts.store(false, Ordering::SeqCst);
    }

    /// What is answered counts again.
    pub fn count_again(&self) {
        self.counts.store(true, Ordering::SeqCst);
    }

    /// How often a drawdown was made under each reference.
    pub fn made(&self) -> HashMap<String, u64> {
        let count = "SELECT ref_id, count(*) FROM card_transaction WHERE type = 'drawdown' GROUP BY ref_id";
        let rows = sql(&self.direct, count).expect("an answer").into_iter().map(|row| {
            let [reference, count] = row.try_into().expect("two values");
            (reference.expect("a reference"), count.expect("a count").parse().expect("a number"))
        });
        rows.collect()
    }

    /// Waits until no connection stands in the middle of a transaction.
    pub async fn no_transaction_is_left(&self) {
        let idle = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        let begun = Instant::now();
        while sql(&self.direct, idle).expect("an answer") != [[Some("0".to_owned())]] {
            assert!(begun.elapsed() < Duration::from_secs(5), "a transaction is left open");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Has tills draw while something happens; answers how each order ended.
    pub async fn work(self: &Arc<Self>, happens: impl Future<Output = ()>) -> Work {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut tills = JoinSet::new();
        for _ in 0..TILLS {
            tills.spawn(Arc::clone(self).till(Arc::clone(&is_over)));
        }
        happens.await;
        is_over.store(true, Ordering::SeqCst);
        Work(tills.join_all().await.into_iter().flatten().collect())
    }

    async fn till(self: Arc<Self>, is_over: Arc<AtomicBool>) -> Vec<Asked> {
        let mut all = Vec::new();
        while !is_over.load(Ordering::SeqCst) {
            let (reference, order) = self.drawdown();
            let answer = self.send(&order).await;
            let end = match answer {
                Ok(()) if !self.counts.load(Ordering::SeqCst) => End::Unknown,
                Ok(()) => End::Made,
                Err(Error::Unavailable(_) | Error::Overloaded) => End::TurnedAway,
                Err(Error::OutcomeUnknown(_)) => End::Unknown,
                Err(other) => panic!("{other:?}"),
            };
            if end != End::Made {
                tokio::time::sleep(PAUSE).await;
            }
            all.push(Asked { reference, order, end });
        }
        all
    }

    /// What was said to be made is there, what was said not to be is not, each at most once; and what was unknown is
    /// made once by asking again. The cards' sums are those of their rows.
    pub async fn check(&self, work: &Work) {
        let made = self.made();
        assert!(made.values().all(|count| *count == 1), "something was made twice");
        for asked in &work.0 {
            let is_there = made.contains_key(&asked.reference);
            match asked.end {
                End::Made => assert!(is_there, "{} was said to be made and is gone", asked.reference),
                End::TurnedAway => {
                    assert!(!is_there, "{} was said not to be made and is there", asked.reference)
                }
                End::Unknown => self.send(&asked.order).await.expect("made now if not before"),
            }
        }
        let made = self.made();
        assert!(
            work.0
                .iter()
                .filter(|asked| asked.end == End::Unknown)
                .all(|asked| made.contains_key(&asked.reference))
        );
        assert!(made.values().all(|count| *count == 1), "asking again had a second effect");
        let wrong = "SELECT card_id FROM card JOIN (
                SELECT card, sum(amount) AS drawn FROM card_transaction WHERE type = 'drawdown' GROUP BY card
            ) AS rows ON card = uuid WHERE drawdown <> drawn OR reserved <> 0";
        assert_eq!(sql(&self.direct, wrong).expect("an answer"), [[None; 0]; 0]);
    }
}

/// What tills asked, and how each order ended.
pub struct Work(Vec<Asked>);

impl Work {
    pub fn made(&self) -> usize {
        self.count(End::Made)
    }

    pub fn turned_away(&self) -> usize {
        self.count(End::TurnedAway)
    }

    pub fn unknown(&self) -> usize {
        self.count(End::Unknown)
    }

    /// How many are gone that were said to be made.
    pub fn lost(&self, made: &HashMap<String, u64>) -> usize {
        let is_lost = |asked: &&Asked| asked.end == End::Made && !made.contains_key(&asked.reference);
        self.0.iter().filter(is_lost).count()
    }

    fn count(&self, end: End) -> usize {
        self.0.iter().filter(|asked| asked.end == end).count()
    }
}
