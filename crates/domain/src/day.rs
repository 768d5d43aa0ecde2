//! What a card or a client moved on one day.

use crate::{Amount, CardUuid, ClientUuid, Timestamp};

const DAY_MS: i64 = 86_400_000;

/// A day by UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub i64);

impl Day {
    /// The day on which `instant` lies.
    pub fn of(instant: Timestamp) -> Self {
        Self(instant.unix_ms().checked_div_euclid(DAY_MS).unwrap_or_default())
    }
}

/// Whose day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DaySubject {
    /// A card's, through any client.
    Card(CardUuid),
    /// A client's, over all cards.
    Client(ClientUuid),
}

/// The most that may be moved on one day by creating, activating, funding, drawing and locking. What gives back or
/// ends something (refund, reversal, capture, void) and what is a decision about one card (adjust, replace,
/// forfeit) does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayLimit {
    /// The most money, in minor units of whatever currency.
    pub amount: Option<Amount>,
    /// The most calls.
    pub count: Option<u32>,
}

/// What has been moved on one day. Kept only while the account has a [`DayLimit`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCount {
    /// The money, in minor units.
    pub amount: i64,
    /// The calls.
    pub count: u32,
}

impl DayLimit {
    /// Whether there is a limit at all.
    pub fn is_set(&self) -> bool {
        self.amount.is_some() || self.count.is_some()
    }

    /// Whether a day may come to stand at `count`.
    pub fn allows(&self, count: &DayCount) -> bool {
        let amount_fits = self.amount.is_none_or(|most| count.amount <= most.minor_units());
        amount_fits && self.count.is_none_or(|most| count.count <= most)
    }
}

impl DayCount {
    /// The day with one more call in it.
    #[must_use]
    pub fn with(self, amount: Amount) -> Self {
        let amount = self.amount.saturating_add(amount.minor_units());
        Self { amount, count: self.count.saturating_add(1) }
    }
}
