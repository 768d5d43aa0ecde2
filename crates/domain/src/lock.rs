//! Locks: money that a pending transaction holds until it is captured, voided or has run out.

use crate::{Amount, CardUuid, Timestamp, TransactionId};

/// Open locks that a card has at most.
pub const LOCKS_MAX: u32 = 1_000;

/// The longest a lock may ask to live: 365 days.
const LIFE_MAX_SECONDS: u32 = 31_536_000;

/// What an open lock still holds. Its row, a `pending_capture`, is never changed; this record is, and goes when
/// the lock ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The `pending_capture` row that made it.
    pub transaction: TransactionId,
    /// The card whose money it holds.
    pub card: CardUuid,
    /// How much is still locked; more than nothing.
    pub remaining: Amount,
    /// From when on the money is free again, whether or not the `expired` row has been written.
    pub expires_at: Option<Timestamp>,
}

/// How long a lock lives, in seconds: 1 to 31,536,000 (365 days).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LockLife(u32);

/// The number of seconds is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be from 1 to {LIFE_MAX_SECONDS} seconds")]
pub struct LockLifeFault;

impl Lock {
    /// Whether its time is over at `now`.
    pub fn is_lapsed(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

impl LockLife {
    /// The number of seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for LockLife {
    type Error = LockLifeFault;

    fn try_from(seconds: i64) -> Result<Self, LockLifeFault> {
        let seconds = u32::try_from(seconds).map_err(|_| LockLifeFault)?;
        if (1..=LIFE_MAX_SECONDS).contains(&seconds) { Ok(Self(seconds)) } else { Err(LockLifeFault) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_lives_from_a_second_to_a_year() {
        for good in [1, 31_536_000] {
            assert_eq!(LockLife::try_from(good).map(|life| i64::from(life.seconds())), Ok(good));
        }
        for bad in [0, -1, 31_536_001, i64::MAX, i64::MIN] {
            assert_eq!(LockLife::try_from(bad), Err(LockLifeFault), "{bad}");
        }
    }
}
