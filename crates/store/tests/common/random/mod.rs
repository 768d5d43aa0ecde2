//! A long run of random orders, through one store or several, and through the one in memory that the rules are tested
//! with: every answer is the same, and so is all that is left in the end.

#[path = "../../../../domain/tests/ledger/store.rs"]
mod memory;

mod directory;
mod orders;
mod reads;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{Action, CardUuid, DayLimit, Decision, Order, SettingsChange, TransactionId};
use store::suite::{Fixture, Opened, TestClock};
use store::{PinChecker, Store};

pub use directory::Directory;

/// Cards that are asked for at a time; with the rounds, later ones.
const CARDS: u64 = 6;
const ROUNDS_PER_CARD: u64 = 20;
const ROUNDS_PER_OPENING: u64 = 100;

/// More locks than there are at a time: of too many, one store leaves out locks and another cards.
const LAPSED_MAX: u32 = 10_000;

/// Runs, and how many where there is time.
const SEEDS: u64 = 3;
const SEEDS_LONG: u64 = 60;

/// What must have come about in some run, so that the runs are worth something.
const CARRIED_OUT: &[Action] = &[
    Action::CreateCard,
    Action::CreateBatch,
    Action::ActivateCard,
    Action::ActivateCards,
    Action::DeleteCard,
    Action::RotatePin,
    Action::CreateToken,
    Action::BlockCard,
    Action::UnblockCard,
    Action::ChangeCard,
    Action::Info,
    Action::Drawdown,
    Action::Lock,
    Action::Fund,
    Action::Refund,
    Action::Capture,
    Action::Void,
    Action::Expire,
    Action::Reverse,
    Action::Adjust,
    Action::ReplaceCard,
];

/// Where a store has its data.
#[async_trait]
pub trait Home: Send {
    /// Opens the store, the first time or once more.
    async fn open(&mut self, clock: Arc<TestClock>, pin_check: PinChecker) -> Arc<dyn Store>;

    /// Closes it.
    async fn close(&mut self);
}

/// Several runs on homes that are made for each.
pub struct Runs {
    pub rounds: u64,
    /// Whether orders of a round are under way at once; they come to stores in one order, which not every store keeps.
    pub together: bool,
}

impl Runs {
    pub async fn check(&self, homes: impl AsyncFn() -> Vec<Box<dyn Home>>) {
        let mut carried_out = HashSet::new();
        let is_long = std::env::var("GAVEKORT_TEST_LONG").is_ok_and(|long| long == "1");
        for seed in 1..=if is_long { SEEDS_LONG } else { SEEDS } {
            let mut run = Run::new(seed, homes().await, self.together).await;
            run.limit_days().await;
            for round in 0..self.rounds {
                run.round(round).await;
                if round % ROUNDS_PER_OPENING == ROUNDS_PER_OPENING - 1 {
                    run.reopen().await;
                }
            }
            run.compare().await;
            carried_out.extend(run.carried_out);
        }
        for action in CARRIED_OUT {
            assert!(carried_out.contains(action), "{action:?} was never carried out");
        }
    }
}

struct Run {
    /// The first home's, which makes the orders.
    f: Fixture,
    others: Vec<Fixture>,
    homes: Vec<Box<dyn Home>>,
    memory: memory::Store,
    clock: Arc<TestClock>,
    together: bool,
    chance: u64,
    transactions: Vec<TransactionId>,
    tokens: u64,
    first_card: u64,
    carried_out: HashSet<Action>,
}

fn pin_checker() -> PinChecker {
    Arc::new(|card, sent, kept| memory::pin_mac(card, sent.expose()) == *kept)
}

impl Run {
    async fn new(seed: u64, mut homes: Vec<Box<dyn Home>>, together: bool) -> Self {
        let clock = Arc::new(TestClock::default());
        let mut fixtures = Vec::new();
        for home in &mut homes {
            let store = home.open(clock.clone(), pin_checker()).await;
            fixtures.push(Fixture::new(Opened { store, keep: Box::new(()) }, clock.clone()).await);
        }
        let f = fixtures.remove(0);
        let mut memory = memory::Store::new(f.account(f.aid));
        memory.clients.insert(f.client, f.client(f.client).await);
        Self {
            f,
            others: fixtures,
            homes,
            memory,
            clock,
            together,
            chance: seed,
            transactions: Vec::new(),
            tokens: 0,
            first_card: 0,
            carried_out: HashSet::new(),
        }
    }

    fn fixtures(&self) -> impl Iterator<Item = &Fixture> {
        std::iter::once(&self.f).chain(&self.others)
    }

    async fn limit_days(&mut self) {
        let limit = |count| Some(DayLimit { amount: None, count: Some(count) });
        let limits =
            SettingsChange { card_day: limit(30), client_day: limit(400), ..SettingsChange::default() };
        self.submit(vec![self.f.order(limits)], "at the start").await;
    }

    /// Every store answers as the one in memory.
    async fn submit(&mut self, orders: Vec<Order>, when: &str) -> Vec<Decision> {
        let asked: Vec<_> = orders.iter().map(|order| order.command.action()).collect();
        let mut expected = Vec::new();
        for order in orders.clone() {
            expected.extend(self.memory.carry_out(vec![order], self.f.now()));
        }
        for (place, f) in self.fixtures().enumerate() {
            let decisions = if self.together {
                f.submit_all(orders.clone()).await
            } else {
                let mut decisions = Vec::new();
                for order in orders.clone() {
                    decisions.push(f.submit(order).await);
                }
                decisions
            };
            for ((decision, expected), asked) in decisions.iter().zip(&expected).zip(&asked) {
                assert_eq!(decision, expected, "{asked:?} {when}, store {place}");
            }
        }
        expected
    }

    async fn round(&mut self, round: u64) {
        self.first_card = round / ROUNDS_PER_CARD;
        let orders: Vec<Order> = match self.below(6) {
            0 => vec![self.bulk().await],
            _ => {
                let commands: Vec<_> = (0..=self.below(8)).map(|_| self.command()).collect();
                commands.into_iter().map(|command| self.f.order(command)).collect()
            }
        };
        let asked: Vec<_> = orders.iter().map(|order| order.command.action()).collect();
        let decisions = self.submit(orders, &format!("in round {round}")).await;
        for (decision, asked) in decisions.into_iter().zip(asked) {
            self.carried_out.extend(decision.is_ok().then_some(asked));
        }
        if self.below(3) == 0 {
            let wait_ms = if self.below(20) == 0 { 86_400_000 } else { self.below(20_000) };
            self.clock.move_ms(i64::try_from(wait_ms).expect("small"));
        }
    }

    /// Cards of which something has run out, the same in every store. Nobody asks for them in an order.
    async fn lapsed_cards(&self) -> Vec<CardUuid> {
        let mut answers = Vec::new();
        for f in self.fixtures() {
            let mut cards = f.store.lapsed_cards(f.aid, f.now(), LAPSED_MAX).await.expect("cards");
            cards.sort_unstable();
            answers.push(cards);
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        answers.swap_remove(0)
    }

    async fn reopen(&mut self) {
        for (place, home) in self.homes.iter_mut().enumerate() {
            home.close().await;
            let store = home.open(self.clock.clone(), pin_checker()).await;
            match place {
                0 => self.f.store = store,
                _ => self.others[place - 1].store = store,
            }
        }
    }
}
