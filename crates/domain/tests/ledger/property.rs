//! Random requests against the plain model: repeats, clocks that jump, several cards and two clients.

use std::collections::BTreeMap;

use domain::{
    Amount, CardSelector, CardUuid, Command, Drawdown, ExpiryChange, Fund, NewCard, NewToken, Outcome,
    TransactionId,
};
use proptest::prelude::*;

use super::model::{Ask, By, Model};
use super::wire::code;
use super::words::*;

const CARDS: u32 = 5;

#[derive(Clone, Debug)]
enum Step {
    Ask(Ask),
    /// The request of an earlier step, once more, by whoever asks now.
    Again(usize),
    /// The reference of an earlier step for another request.
    Reuse(usize, Ask),
    Wait(i64),
    /// To the instant at which some lock ends, and this much more.
    WaitForLock(i64),
    Client(u128),
    /// So many wrong PINs one after the other.
    Guess(u32, usize),
}

fn money() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 1..200_i64, 1 => Just(domain::MAX_AMOUNT), 1 => Just(domain::MAX_AMOUNT - 100)]
}

fn part() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 1..40_i64, 1 => Just(domain::MAX_AMOUNT)]
}

fn by() -> impl Strategy<Value = By> {
    prop_oneof![
        6 => Just(By::Id),
        4 => Just(By::Token),
        2 => Just(By::Once),
        2 => Just(By::RightPin),
        2 => Just(By::WrongPin)
    ]
}

fn ask() -> impl Strategy<Value = Ask> {
    let card = || 0..CARDS;
    let row = || 0..48_usize;
    let lock = prop_oneof![3 => Just(None), 2 => Just(Some(None)), 3 => (1..90_i64).prop_map(|life| Some(Some(life)))];
    let life = proptest::option::weighted(0.3, 1..200_000_i64);
    prop_oneof![
        1 => (card(), money(), life, any::<bool>())
            .prop_map(|(card, amount, life_ms, pin)| Ask::Create { card, amount, life_ms, pin }),
        1 => card().prop_map(|card| Ask::Batch { card }),
        2 => (card(), money(), any::<bool>())
            .prop_map(|(card, amount, with_ref)| Ask::Activate { card, amount, with_ref }),
        16 => (card(), part(), any::<bool>(), lock, by(), proptest::bool::weighted(0.05)).prop_map(
            |(card, amount, partial, lock, by, other_currency)| {
                Ask::Draw { card, amount, partial, lock, by, other_currency }
            }
        ),
        8 => (card(), part(), proptest::option::weighted(0.8, row()), by())
            .prop_map(|(card, amount, parent, by)| Ask::Fund { card, amount, parent, by }),
        8 => (row(), proptest::option::of(part())).prop_map(|(row, amount)| Ask::Capture { row, amount }),
        4 => row().prop_map(|row| Ask::Void { row }),
        4 => row().prop_map(|row| Ask::Reverse { row }),
        2 => (card(), part(), any::<bool>())
            .prop_map(|(card, amount, add)| Ask::Adjust { card, amount: if add { amount } else { -amount } }),
        2 => (card(), card()).prop_map(|(card, new)| Ask::Replace { card, new }),
        1 => (card(), proptest::bool::weighted(0.3)).prop_map(|(card, blocked)| Ask::Block { card, blocked }),
        1 => (card(), proptest::bool::weighted(0.2)).prop_map(|(card, forfeit)| Ask::Delete { card, forfeit }),
        1 => (card(), -50_000..300_000_i64).prop_map(|(card, in_ms)| Ask::Expiry { card, in_ms }),
        1 => card().prop_map(|card| Ask::Rotate { card }),
        2 => (card(), any::<bool>()).prop_map(|(card, right)| Ask::Info { card, right }),
        1 => card().prop_map(|card| Ask::Token { card }),
        1 => Just(Ask::Sweep),
    ]
}

/// What most runs begin with: cards of each kind, so that requests find something to do.
fn beginning() -> Vec<Step> {
    let create = |card, life_ms, pin| Ask::Create { card, amount: 150, life_ms, pin };
    let asks = [
        create(0, None, true),
        create(1, None, false),
        create(2, Some(120_000), false),
        Ask::Batch { card: 3 },
        Ask::Token { card: 0 },
        Ask::Token { card: 1 },
    ];
    asks.into_iter().map(Step::Ask).collect()
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => ask().prop_map(Step::Ask),
        3 => (0..50_usize).prop_map(Step::Again),
        1 => (0..50_usize, ask()).prop_map(|(place, ask)| Step::Reuse(place, ask)),
        2 => prop_oneof![8 => 1..30_000_i64, 1 => Just(900_000), 1 => Just(-30_000)].prop_map(Step::Wait),
        2 => (-1..=1_i64).prop_map(Step::WaitForLock),
        1 => prop_oneof![Just(TILL), Just(SHOP)].prop_map(Step::Client),
        1 => (0..2_u32, 3..8_usize).prop_map(|(card, times)| Step::Guess(card, times)),
    ]
}

fn name(card: u32) -> String {
    format!("card-{card}")
}

fn once(card: u32) -> String {
    format!("once-{card}")
}

/// The two ledgers side by side.
struct Pair {
    bank: Bank,
    model: Model,
    /// The real ids of the model's rows.
    ids: Vec<TransactionId>,
    /// Requests that were sent, by their step, with the commands they became.
    sent: BTreeMap<usize, (u32, Ask)>,
    pins: u32,
}

impl Pair {
    fn new() -> Self {
        let bank = Bank::default();
        let model = Model { now_ms: START_MS, client: 1, ..Model::default() };
        Self { bank, model, ids: Vec::new(), sent: BTreeMap::new(), pins: 0 }
    }

    fn step(&mut self, place: usize, step: Step) {
        let number = u32::try_from(place).expect("few steps");
        match step {
            Step::Ask(ask) => {
                let ask = self.aimed(ask);
                self.send(place, number, ask);
            }
            Step::Again(earlier) => {
                if let Some((reference, ask)) = self.sent.get(&earlier).cloned() {
                    self.send(place, reference, ask);
                }
            }
            Step::Reuse(earlier, ask) => {
                if let Some((reference, _)) = self.sent.get(&earlier).cloned() {
                    let ask = self.aimed(ask);
                    self.send(place, reference, ask);
                }
            }
            Step::Wait(ms) => self.model.now_ms += ms,
            Step::WaitForLock(late_ms) => {
                let ends = self.model.cards.values().flat_map(|card| card.locks.values());
                let ahead = ends.filter_map(|lock| lock.ends_ms).filter(|end| *end > self.model.now_ms).min();
                self.model.now_ms = ahead.map_or(self.model.now_ms, |end| end + late_ms);
            }
            Step::Guess(card, times) => {
                for _ in 0..times {
                    self.send(place, number, Ask::Info { card, right: false });
                }
            }
            Step::Client(client) => {
                self.bank.client = client;
                self.model.client = u32::try_from(client).expect("small");
            }
        }
        self.bank.now_ms = self.model.now_ms;
        self.compare();
    }

    /// The request with its row chosen among those that are there: mostly one of the kind that it is about.
    fn aimed(&self, ask: Ask) -> Ask {
        match ask {
            Ask::Capture { row, amount } => Ask::Capture { row: self.row("pending_capture", row), amount },
            Ask::Void { row } => Ask::Void { row: self.row("pending_capture", row) },
            Ask::Reverse { row } => Ask::Reverse { row: self.row("drawdown", row) },
            Ask::Fund { card, amount, parent: Some(row), by } => {
                let row = self.row("drawdown", row);
                // Mostly through the card it was drawn from.
                let from = self.model.rows.get(row).map(|drawn| drawn.card).filter(|_| amount % 4 != 0);
                Ask::Fund { card: from.unwrap_or(card), amount, parent: Some(row), by }
            }
            other => other,
        }
    }

    fn row(&self, kind: &str, number: usize) -> usize {
        let of_kind = |row: &&usize| number.is_multiple_of(6) || self.model.rows[**row].kind == kind;
        let all: Vec<usize> = (0..self.model.rows.len()).collect();
        let fitting: Vec<usize> = all.iter().filter(of_kind).copied().collect();
        match fitting.len() {
            0 => number,
            some => fitting[number % some],
        }
    }

    fn send(&mut self, place: usize, reference: u32, ask: Ask) {
        self.bank.now_ms = self.model.now_ms;
        let command = self.command(reference, &ask);
        let rows = self.model.rows.len();
        let expected = self.model.ask(reference, &ask);
        let answer = self.bank.ask(command);
        match (&expected, &answer) {
            (Err(word), Err(refusal)) => assert_eq!(*word, code(refusal), "{ask:?}"),
            (Ok(None), Ok(_)) => {}
            (Ok(Some((row, minor_units))), Ok(outcome)) => {
                let real = match outcome {
                    Outcome::Written(real, _) => real,
                    Outcome::CardReplaced { transaction, .. } => transaction,
                    other => panic!("{other:?} for {ask:?}"),
                };
                assert_eq!(real.amount.minor_units(), *minor_units, "{ask:?}");
                if *row < rows {
                    assert_eq!(real.id, self.ids[*row], "a repeat shows the row that was written");
                }
            }
            _ => panic!("{expected:?} is not {answer:?} for {ask:?}"),
        }
        self.learn_ids(rows);
        self.sent.insert(place, (reference, ask));
    }

    /// Finds the real rows that stand for those the model has just written, by card and place.
    fn learn_ids(&mut self, from: usize) {
        for row in &self.model.rows[from..] {
            let card = self.bank.card(&name(row.card)).uuid;
            let rows = self.bank.store.rows_of(card);
            let real = rows.iter().rev().find(|real| !self.ids.contains(&real.id)).expect("a row for a row");
            assert_eq!((real.kind.as_str(), real.reason.as_str()), (row.kind, row.reason));
            self.ids.push(real.id);
        }
    }

    fn selector(card: u32, by: By) -> CardSelector {
        match by {
            By::Id => by_id(&name(card)),
            By::Once => by_token(&once(card)),
            By::Token | By::RightPin | By::WrongPin => {
                CardSelector::Both(token_mac(&name(card)), card_id(&name(card)))
            }
        }
    }

    fn sent_pin(by: By) -> Option<domain::PresentedPin> {
        match by {
            By::Id | By::Token | By::Once => None,
            By::RightPin => Some(pin("123456")),
            By::WrongPin => Some(pin("000000")),
        }
    }

    fn row_id(&self, row: usize) -> TransactionId {
        self.ids.get(row).copied().unwrap_or(id(5))
    }

    fn new_card(&mut self, card: u32) -> NewCard {
        let token = Some(self.bank.new_token(&name(card)));
        NewCard { token, ..self.bank.new_card(&name(card)) }
    }

    fn command(&mut self, reference: u32, ask: &Ask) -> Command {
        let text = format!("ref-{reference}");
        match ask.clone() {
            Ask::Create { card, amount, life_ms, pin } => self.create(card, amount, life_ms, pin),
            Ask::Batch { card } => {
                let batch = domain::BatchId(self.bank.new_id());
                let cards = vec![self.new_card(card)];
                Command::CreateBatch(domain::CreateBatch { batch, currency: nok(), cards })
            }
            Ask::Activate { card, amount, with_ref } => {
                let ref_id = with_ref.then(|| ref_id(&text));
                activate(domain::Activate { ref_id, ..self.bank.activate(&name(card), amount) })
            }
            Ask::Draw { card, amount, partial, lock, by, other_currency } => {
                let draw = match lock {
                    None => self.bank.draw(Self::selector(card, by), &text, amount),
                    Some(seconds) => self.bank.lock(Self::selector(card, by), &text, amount, seconds),
                };
                let currency = if other_currency { sek() } else { nok() };
                drawdown(Drawdown { allow_partial: partial, pin: Self::sent_pin(by), currency, ..draw })
            }
            Ask::Fund { card, amount, parent, by } => {
                let parent = parent.map(|row| self.row_id(row));
                let add = self.bank.fund(Self::selector(card, by), &text, amount);
                fund(Fund { parent, pin: Self::sent_pin(by), ..add })
            }
            Ask::Capture { row, amount } => self.bank.capture(self.row_id(row), &text, amount),
            Ask::Void { row } => self.bank.void(self.row_id(row), &text),
            Ask::Reverse { row } => self.bank.reverse(self.row_id(row), &text),
            Ask::Adjust { card, amount } => self.bank.adjust(&name(card), &text, amount),
            Ask::Replace { card, new } => self.replace(&text, card, new),
            Ask::Block { card, blocked: true } => block(&name(card)),
            Ask::Block { card, blocked: false } => unblock(&name(card)),
            Ask::Delete { card, forfeit } => self.bank.delete(&name(card), forfeit),
            Ask::Expiry { card, in_ms } => ends(&name(card), self.model.now_ms + in_ms, ExpiryChange::Later),
            Ask::Rotate { card } => self.rotate(card),
            Ask::Info { card, right } => info(&name(card), if right { "123456" } else { "000000" }),
            Ask::Token { card } => self.bank.token(&name(card), &once(card), (true, None)),
            Ask::Sweep => self.bank.sweep(),
        }
    }

    fn create(&mut self, card: u32, minor_units: i64, life_ms: Option<i64>, with_pin: bool) -> Command {
        let new = self.new_card(card);
        let pin = with_pin.then(|| self.bank.new_pin(new.uuid, "123456"));
        let expires_at = life_ms.map(|life| at(self.model.now_ms + life));
        let dates = domain::Dates { active_from: None, expires_at };
        self.bank.create(NewCard { pin, dates, ..new }, minor_units)
    }

    fn replace(&mut self, text: &str, card: u32, new: u32) -> Command {
        let Command::Replace(replace) = self.bank.replace(&name(card), text, &name(new)) else {
            unreachable!()
        };
        let token: Option<NewToken> = Some(self.bank.new_token(&name(new)));
        let new = NewCard { token, ..replace.new.clone() };
        Command::Replace(Box::new(domain::Replace { new, ..*replace }))
    }

    fn rotate(&mut self, card: u32) -> Command {
        self.pins += 1;
        let known = self.bank.store.cards.values().find(|known| known.card_id == card_id(&name(card)));
        let uuid = known.map_or(CardUuid(uuid::Uuid::from_u128(9)), |known| known.uuid);
        let pin = self.bank.new_pin(uuid, "123456");
        Command::RotatePin(domain::RotatePin { card_id: card_id(&name(card)), pin })
    }

    fn compare(&self) {
        for (number, expected) in &self.model.cards {
            let card = self.bank.card(&name(*number)).clone();
            let now = at(self.model.now_ms.max(card.changed_at.unix_ms()));
            let locks = self.bank.store.locks.values().filter(|lock| lock.card == card.uuid);
            let lapsed = locks
                .filter(|lock| lock.is_lapsed(now))
                .fold(Amount::ZERO, |sum, lock| sum.plus(lock.remaining).expect("within the largest amount"));
            let available = card.available_at(lapsed);
            let seen = card.without_lapsed(lapsed);
            assert_eq!(available, seen.available());
            let six = [seen.amount, seen.balance(), available, seen.funds, seen.drawdown, seen.reserved];
            assert_eq!(six.map(Amount::minor_units), expected.six(self.model.now_ms), "{}", name(*number));
            assert_eq!(seen.changed_at.unix_ms(), expected.last_ms, "{}", name(*number));
        }
        assert_eq!(self.bank.store.cards.len(), self.model.cards.len());
    }
}

fn cases() -> u32 {
    let long = std::env::var("GAVEKORT_TEST_LONG").is_ok_and(|value| value == "1");
    if long { 40_000 } else { 2_000 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_does_what_the_model_does(
        begun in proptest::bool::weighted(0.9),
        steps in proptest::collection::vec(step(), 50),
    ) {
        let mut pair = Pair::new();
        let beginning = if begun { beginning() } else { Vec::new() };
        for (place, step) in beginning.into_iter().chain(steps).enumerate() {
            pair.step(place, step);
        }
    }
}
