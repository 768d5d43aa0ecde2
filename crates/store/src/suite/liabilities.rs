//! What an account owes on its cards: now, and at instants past.

use std::collections::BTreeMap;

use domain::{
    Account, BlockCard, Capture, ChangeCard, Command, Drawdown, ExpiryChange, Fund, LockLife, Metadata,
    MoveTestClock, Note, Outcome, Pending, Reach, ReasonCode, Replace, Sweep, Timestamp, TransactionId, Void,
};

use super::fixture::*;
use crate::{Liability, LiabilityRow};

/// Currency, status, month of activation, number of cards, balance, reserved.
fn told(liability: &Liability) -> Vec<String> {
    let row = |row: &LiabilityRow| {
        let month = row.activated.map(|month| month.to_string()).unwrap_or_default();
        let LiabilityRow { currency, status, cards, balance, reserved, .. } = row;
        format!("{currency} {} {month} {cards}: {balance}, {reserved}", status.as_str())
    };
    liability.rows.iter().map(row).collect()
}

async fn owed(f: &Fixture) -> Vec<String> {
    told(&f.store.liability(f.aid, f.now()).await.expect("a liability"))
}

async fn owed_at(f: &Fixture, at: Timestamp) -> Option<Vec<String>> {
    let liability = f.store.liability_at(f.aid, at).await.expect("readable")?;
    assert_eq!(liability.at, at);
    Some(told(&liability))
}

async fn close(f: &Fixture) -> usize {
    f.store.close_days(f.aid, f.now()).await.expect("closed")
}

fn locked(f: &Fixture, id: &str, reference: &str, minor_units: i64, seconds: Option<i64>) -> Drawdown {
    let expires_in = seconds.map(|seconds| LockLife::try_from(seconds).expect("a life"));
    Drawdown { pending: Some(Pending { expires_in }), ..f.draw(by_id(id), reference, minor_units) }
}

pub async fn what_is_owed_is_told_by_currency_status_and_month(f: Fixture) {
    assert_eq!(owed(&f).await, [""; 0]);
    f.done(f.batch(&["inactive", "sold", "deleted"])).await;
    f.has_card("unused", 100).await;
    f.has_card("used", 100).await;
    f.drawn(f.draw(by_id("used"), "sale", 100)).await;
    f.done(f.delete("deleted")).await;
    let mut euros = f.create("euros", 7);
    euros.currency = currency("EUR");
    f.done(euros).await;
    f.clock.move_ms(31 * DAY_MS);
    f.done(f.activate("sold", 50)).await;
    f.done(locked(&f, "sold", "lock", 20, None)).await;
    assert_eq!(
        owed(&f).await,
        [
            "EUR unused 2026-05 1: 7, 0",
            "NOK inactive  1: 0, 0",
            "NOK unused 2026-05 1: 100, 0",
            "NOK unused 2026-06 1: 50, 20",
            "NOK used 2026-05 1: 0, 0",
        ]
    );
    let other = aid("T00000002");
    f.add_account(other, &f.new_client("other", "admin:accounts")).await;
    assert_eq!(f.store.liability(other, f.now()).await.expect("a liability").rows, []);
}

pub async fn a_lapsed_lock_reserves_nothing_whether_or_not_it_was_swept(f: Fixture) {
    let card = f.has_card("card", 100).await;
    f.done(locked(&f, "card", "lock", 20, Some(1))).await;
    f.done(locked(&f, "card", "other", 5, None)).await;
    f.clock.move_ms(999);
    assert_eq!(owed(&f).await, ["NOK unused 2026-05 1: 100, 25"]);
    f.clock.move_ms(1);
    assert_eq!(owed(&f).await, ["NOK unused 2026-05 1: 100, 5"]);
    f.done(Command::Sweep(Sweep { cards: vec![card.uuid] })).await;
    assert_eq!(owed(&f).await, ["NOK unused 2026-05 1: 100, 5"]);
}

pub async fn a_day_is_closed_once_it_is_over(f: Fixture) {
    f.has_card("card", 100).await;
    assert_eq!(close(&f).await, 0);
    assert_eq!(owed_at(&f, f.now()).await, None);
    let end = time((f.now().unix_ms() / DAY_MS + 1) * DAY_MS - 1);
    f.clock.move_ms(end.unix_ms() - f.now().unix_ms());
    f.drawn(f.draw(by_id("card"), "last", 1)).await;
    f.clock.move_ms(10 * 60_000 - 1);
    assert_eq!(close(&f).await, 0, "the clock may still be set back");
    f.clock.move_ms(1);
    assert_eq!(close(&f).await, 1);
    assert_eq!(close(&f).await, 0);
    f.drawn(f.draw(by_id("card"), "first", 1)).await;
    assert_eq!(owed_at(&f, end).await, Some(vec!["NOK partially_used 2026-05 1: 99, 0".to_owned()]));
    assert_eq!(owed_at(&f, time(end.unix_ms() - 1)).await, None);
    assert_eq!(owed_at(&f, f.now()).await, Some(owed(&f).await));
}

pub async fn days_that_passed_unseen_are_closed_too(f: Fixture) {
    f.has_card("card", 100).await;
    f.clock.move_ms(100 * DAY_MS);
    let mut closed = Vec::new();
    while closed.last() != Some(&0) {
        closed.push(close(&f).await);
    }
    assert_eq!(closed.iter().sum::<usize>(), 100);
    assert!(closed.len() > 2, "in bounded steps: {closed:?}");
    for days in [1, 50, 99] {
        let at = time(f.now().unix_ms() - days * DAY_MS);
        assert_eq!(owed_at(&f, at).await, Some(vec!["NOK unused 2026-05 1: 100, 0".to_owned()]));
    }
}

pub async fn a_clock_set_back_opens_days_again(f: Fixture) {
    f.has_card("card", 100).await;
    let begun = f.now();
    f.clock.move_ms(3 * DAY_MS);
    assert_eq!(close(&f).await, 3);
    f.clock.move_ms(-2 * DAY_MS);
    assert_eq!(close(&f).await, 0);
    let at = f.now();
    f.has_card("late", 7).await;
    f.clock.move_ms(2 * DAY_MS);
    assert_eq!(close(&f).await, 2);
    let both = Some(vec!["NOK unused 2026-05 2: 107, 0".to_owned()]);
    assert_eq!(owed_at(&f, time(at.unix_ms() + DAY_MS)).await, both);
    assert_eq!(owed_at(&f, f.now()).await, both);
    let alone = owed_at(&f, time(begun.unix_ms() + DAY_MS - 1)).await;
    assert_eq!(alone, Some(vec!["NOK unused 2026-05 1: 100, 0".to_owned()]));
}

/// Numbers that look random and can be had again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn number(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).expect("small")
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let count = u64::try_from(from.len()).expect("few");
        (count > 0).then(|| from[usize::try_from(self.below(count)).expect("few")])
    }
}

/// A history that chance makes, and what was owed at each instant of it.
struct Model<'f> {
    f: &'f Fixture,
    chance: Chance,
    cards: u32,
    locks: Vec<TransactionId>,
    drawdowns: Vec<TransactionId>,
    ahead_ms: u64,
    seen: BTreeMap<Timestamp, Vec<LiabilityRow>>,
}

impl Model<'_> {
    fn now(&self) -> Timestamp {
        self.f.now().plus_ms(self.ahead_ms)
    }

    fn any_card(&mut self) -> String {
        let cards = u64::from(self.cards.max(1));
        format!("card {}", self.chance.below(cards))
    }

    fn new_card(&mut self) -> String {
        self.cards += 1;
        format!("card {}", self.cards - 1)
    }

    /// Within hours or days, or never.
    fn later(&mut self) -> Option<Timestamp> {
        let seconds = u32::try_from(self.chance.below(400_000)).expect("days");
        (seconds % 3 > 0).then(|| self.now().plus_seconds(seconds + 1))
    }

    fn reference(&self) -> String {
        self.f.uuid().to_string()
    }

    async fn pass_time(&mut self) {
        let ms = match self.chance.below(10) {
            0..4 => self.chance.number(3),
            4..7 => self.chance.number(3_600_000),
            7..9 => self.chance.number(2 * 86_400_000),
            _ => return self.move_clock().await,
        };
        self.f.clock.move_ms(ms);
    }

    async fn move_clock(&mut self) {
        let ahead_ms = self.ahead_ms + self.chance.below(86_400_000);
        if let Outcome::Account(account) =
            self.f.done(Command::MoveTestClock(MoveTestClock { ahead_ms })).await
        {
            let account: Account = *account;
            self.ahead_ms = account.test_clock_ms;
        }
    }

    async fn act(&mut self) {
        let command = match self.chance.below(16) {
            0 | 1 => self.create(),
            2 => self.batch(),
            3 | 4 => self.activate(),
            5..8 => self.draw(),
            8 => self.fund(),
            9 => self.capture(),
            10 => self.void(),
            11 => self.block(),
            12 => self.change(),
            13 => self.replace(),
            14 => self.delete(),
            _ => self.sweep().await,
        };
        let Some(command) = command else { return };
        match self.f.ask(command).await {
            Ok(Outcome::Written(row, _)) if row.kind == domain::TransactionType::PendingCapture => {
                self.locks.push(row.id);
            }
            Ok(Outcome::Written(row, _)) if row.kind == domain::TransactionType::Drawdown => {
                self.drawdowns.push(row.id);
            }
            _ => {}
        }
    }

    fn create(&mut self) -> Option<Command> {
        let id = self.new_card();
        let mut create = self.f.create(&id, self.chance.number(100));
        create.card.dates.expires_at = self.later();
        Some(Command::CreateCard(Box::new(create)))
    }

    fn batch(&mut self) -> Option<Command> {
        let ids = [self.new_card(), self.new_card(), self.new_card()];
        let mut batch = self.f.batch(&ids.each_ref().map(String::as_str));
        batch.currency = currency(self.chance.pick(&["NOK", "EUR"])?);
        let ends = self.later();
        batch.cards.iter_mut().for_each(|card| card.dates.expires_at = ends);
        Some(Command::CreateBatch(batch))
    }

    fn activate(&mut self) -> Option<Command> {
        let id = self.any_card();
        let mut activate = self.f.activate(&id, self.chance.number(100));
        activate.currency = currency(self.chance.pick(&["NOK", "EUR"])?);
        activate.expires_at = self.later();
        Some(Command::Activate(Box::new(activate)))
    }

    fn draw(&mut self) -> Option<Command> {
        let (id, reference) = (self.any_card(), self.reference());
        let minor_units = self.chance.number(60) + 1;
        let mut drawdown = match self.chance.below(4) {
            0 => self.f.draw(by_id(&id), &reference, minor_units),
            1 => locked(self.f, &id, &reference, minor_units, None),
            _ => locked(self.f, &id, &reference, minor_units, Some(self.chance.number(100_000) + 1)),
        };
        drawdown.allow_partial = self.chance.below(2) == 0;
        Some(Command::Drawdown(Box::new(drawdown)))
    }

    fn fund(&mut self) -> Option<Command> {
        let (id, reference) = (self.any_card(), self.reference());
        let parent = if self.chance.below(2) == 0 { self.chance.pick(&self.drawdowns) } else { None };
        Some(Command::Fund(Box::new(Fund {
            card: by_id(&id),
            pin: None,
            ref_id: ref_id(&reference),
            id: TransactionId(self.f.uuid()),
            amount: amount(self.chance.number(30) + 1),
            currency: domain::Currency::NOK,
            parent,
            originated_by: None,
            metadata: Metadata::default(),
        })))
    }

    fn capture(&mut self) -> Option<Command> {
        let part = (self.chance.below(2) == 0).then(|| amount(self.chance.number(20) + 1));
        Some(Command::Capture(Box::new(Capture {
            lock: self.chance.pick(&self.locks)?,
            reach: Reach::Account,
            ref_id: ref_id(&self.reference()),
            id: TransactionId(self.f.uuid()),
            amount: part,
            originated_by: None,
            metadata: Metadata::default(),
        })))
    }

    fn void(&mut self) -> Option<Command> {
        Some(Command::Void(Box::new(Void {
            lock: self.chance.pick(&self.locks)?,
            reach: Reach::Account,
            ref_id: ref_id(&self.reference()),
            id: TransactionId(self.f.uuid()),
            metadata: Metadata::default(),
        })))
    }

    fn block(&mut self) -> Option<Command> {
        let reason = Note::try_from("by chance").expect("a note");
        let block = BlockCard { card_id: card_id(&self.any_card()), reason };
        Some(if self.chance.below(2) == 0 { Command::BlockCard(block) } else { Command::UnblockCard(block) })
    }

    fn change(&mut self) -> Option<Command> {
        Some(Command::ChangeCard(Box::new(ChangeCard {
            card_id: card_id(&self.any_card()),
            customer_id: None,
            name: None,
            metadata: None,
            originated_by: None,
            expires_at: self.later(),
            expiry: ExpiryChange::Any,
        })))
    }

    fn replace(&mut self) -> Option<Command> {
        let old = self.any_card();
        let new = if self.chance.below(2) == 0 { self.new_card() } else { self.any_card() };
        Some(Command::Replace(Box::new(Replace {
            card_id: card_id(&old),
            ref_id: ref_id(&self.reference()),
            drawdown: TransactionId(self.f.uuid()),
            fund: TransactionId(self.f.uuid()),
            new: self.f.new_card(&new),
            reason_code: ReasonCode::try_from("lost").expect("a reason"),
        })))
    }

    fn delete(&mut self) -> Option<Command> {
        let forfeit = (self.chance.below(2) == 0).then(|| TransactionId(self.f.uuid()));
        let id = self.any_card();
        Some(Command::DeleteCard(domain::DeleteCard { forfeit, ..self.f.delete(&id) }))
    }

    async fn sweep(&mut self) -> Option<Command> {
        let cards = self.f.store.lapsed_cards(self.f.aid, self.now(), 10).await.expect("cards");
        Some(Command::Sweep(Sweep { cards }))
    }

    async fn look(&mut self) {
        let now = self.now();
        let liability = self.f.store.liability(self.f.aid, now).await.expect("a liability");
        self.seen.insert(now, liability.rows);
    }

    async fn check_past(&self) {
        for (at, rows) in &self.seen {
            let told = self.f.store.liability_at(self.f.aid, *at).await.expect("readable");
            let is_closed =
                self.seen.keys().next().is_some_and(|first| at.unix_ms() / DAY_MS > first.unix_ms() / DAY_MS);
            match told {
                Some(told) => assert_eq!(&told.rows, rows, "at {}", at.unix_ms()),
                None => assert!(!is_closed, "{} was closed", at.unix_ms()),
            }
        }
    }

    async fn close_all(&self) {
        while self.f.store.close_days(self.f.aid, self.now()).await.expect("closed") > 0 {}
    }
}

async fn check_history(f: Fixture, seed: u64) {
    let mut model = Model {
        f: &f,
        chance: Chance(0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed)),
        cards: 0,
        locks: Vec::new(),
        drawdowns: Vec::new(),
        ahead_ms: 0,
        seen: BTreeMap::new(),
    };
    for step in 0..240 {
        model.act().await;
        model.look().await;
        model.pass_time().await;
        model.look().await;
        if model.chance.below(8) == 0 {
            model.f.store.close_days(f.aid, model.now()).await.expect("closed");
        }
        if step == 120 {
            model.close_all().await;
            model.check_past().await;
        }
    }
    model.close_all().await;
    model.check_past().await;
}

/// What is told of a past instant is what was told when it was the present, whatever happened since, wherever days
/// were closed between.
pub async fn past_instants_are_told_as_they_were(f: Fixture) {
    check_history(f, 1).await;
}

pub async fn past_instants_of_another_history_are_told_as_they_were(f: Fixture) {
    check_history(f, 2).await;
}

pub async fn past_instants_of_a_third_history_are_told_as_they_were(f: Fixture) {
    check_history(f, 3).await;
}
