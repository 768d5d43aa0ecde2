//! What an account owes on its cards.

use std::fmt;

use domain::{Currency, Status, Timestamp};

/// A month by UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    /// The year.
    pub year: i16,
    /// From 1.
    pub month: i8,
}

impl Month {
    /// The month in which `instant` lies.
    pub fn of(instant: Timestamp) -> Self {
        // A `Timestamp` lies within the years that jiff knows.
        let instant = jiff::Timestamp::from_millisecond(instant.unix_ms()).unwrap_or_default();
        let date = jiff::tz::Offset::UTC.to_datetime(instant).date();
        Self { year: date.year(), month: date.month() }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// What an account owed at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liability {
    /// The instant.
    pub at: Timestamp,
    /// One row per currency, status and month of activation, in that order.
    pub rows: Vec<LiabilityRow>,
}

/// The cards of one currency, status and month of activation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiabilityRow {
    /// Their currency.
    pub currency: Currency,
    /// Where they stood.
    pub status: Status,
    /// When they were activated; none for cards that never were.
    pub activated: Option<Month>,
    /// How many they are.
    pub cards: u64,
    /// What is left on them, in minor units; the sum of many cards, so wider than one amount.
    pub balance: i128,
    /// How much of it is locked.
    pub reserved: i128,
}
