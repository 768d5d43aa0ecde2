//! From when and until when a card can be used.

use crate::Timestamp;

/// A card's `active_from` and `expires_at`, known to be in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// Money moves from this instant on; at once when absent.
    pub active_from: Option<Timestamp>,
    /// The first instant at which the card has expired; never when absent.
    pub expires_at: Option<Timestamp>,
}

/// Why a pair of dates was refused; both are faults of `expires_at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateFault {
    /// The card would be expired when it is made.
    #[error("must lie in the future")]
    NotInFuture,
    /// The card would expire before it becomes active.
    #[error("must lie after active_from")]
    NotAfterActiveFrom,
}

impl Dates {
    /// Dates of a card that is made or activated at `now`.
    pub fn new(
        active_from: Option<Timestamp>,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, DateFault> {
        if expires_at.is_some_and(|end| end <= now) {
            return Err(DateFault::NotInFuture);
        }
        match (active_from, expires_at) {
            (Some(start), Some(end)) if end <= start => Err(DateFault::NotAfterActiveFrom),
            _ => Ok(Self { active_from, expires_at }),
        }
    }

    /// The same; where nothing was said about the end, `months` after `now`.
    pub(crate) fn or_after(self, months: Option<u16>, now: Timestamp) -> Self {
        let later = || months.map(|months| self.active_from.unwrap_or(now).max(now).plus_months(months));
        Self { expires_at: self.expires_at.or_else(later), ..self }
    }
}
