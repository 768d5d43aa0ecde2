//! What is found wrong.

use std::collections::BTreeMap;
use std::fmt::Display;

use domain::{Aid, Currency};

use crate::rows::Damaged;

/// Something that does not agree with the rest. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In which account.
    pub aid: Aid,
    /// On which card, where it is about one.
    pub card_id: Option<String>,
    /// What was held against something else.
    pub what: String,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
}

/// Sums of money, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// All money ever added.
    pub funds: i128,
    /// All money ever taken.
    pub drawdown: i128,
    /// What is locked.
    pub reserved: i128,
}

/// The money of one account in one currency, told twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// The account.
    pub aid: Aid,
    /// The currency.
    pub currency: Currency,
    /// How many cards.
    pub cards: u64,
    /// The sums by the cards.
    pub by_cards: Sums,
    /// The same sums by their transactions.
    pub by_transactions: Sums,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Accounts begun.
    pub accounts: u64,
    /// Cards checked.
    pub cards: u64,
    /// Transactions checked.
    pub transactions: u64,
    /// What was found wrong: cards, and records that are on no card.
    pub wrong: u64,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How much was checked.
    pub checked: Progress,
    /// The money, by account and currency.
    pub totals: Vec<Total>,
    /// The first thing found wrong.
    pub first: Option<Wrong>,
}

impl Verified {
    pub(super) fn tell(&mut self, aid: Aid, card_id: Option<&str>, finding: Finding) {
        self.checked.wrong += 1;
        let Finding { what, expected, found } = finding;
        let card_id = card_id.map(str::to_owned);
        self.first.get_or_insert(Wrong { aid, card_id, what, expected, found });
    }
}

/// Something wrong, before it is said where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub what: String,
    pub expected: String,
    pub found: String,
}

impl From<Damaged> for Finding {
    fn from(Damaged(place): Damaged) -> Self {
        Self {
            what: place,
            expected: "a value that this program writes".to_owned(),
            found: "another".to_owned(),
        }
    }
}

/// What was checked, or what is wrong with it.
pub type Checked<T = ()> = Result<T, Finding>;

/// Holds two things against each other.
pub fn same<T: PartialEq + Display>(what: &str, expected: T, found: T) -> Checked {
    if expected == found { Ok(()) } else { Err(wrong(what, expected, found)) }
}

/// Holds what must be against what is.
pub fn must(what: &str, holds: bool, expected: impl Display, found: impl Display) -> Checked {
    if holds { Ok(()) } else { Err(wrong(what, expected, found)) }
}

pub fn wrong(what: &str, expected: impl Display, found: impl Display) -> Finding {
    Finding { what: what.to_owned(), expected: expected.to_string(), found: found.to_string() }
}

/// Totals while they grow.
#[derive(Default)]
pub struct Totals(BTreeMap<&'static str, Total>);

impl Totals {
    pub fn add(&mut self, aid: Aid, currency: Currency, by_cards: Sums, by_transactions: Sums) {
        let none = Sums::default();
        let empty = Total { aid, currency, cards: 0, by_cards: none, by_transactions: none };
        let total = self.0.entry(currency.code()).or_insert(empty);
        total.cards += 1;
        total.by_cards.add(by_cards);
        total.by_transactions.add(by_transactions);
    }

    pub fn into_totals(self) -> impl Iterator<Item = Total> {
        self.0.into_values()
    }
}

impl Sums {
    fn add(&mut self, more: Self) {
        self.funds += more.funds;
        self.drawdown += more.drawdown;
        self.reserved += more.reserved;
    }
}
