//! Sums over cards by currency, status and month of activation.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::{Currency, Status, Timestamp};

use crate::rows::Damaged;
use crate::{Liability, LiabilityRow, Month};

/// What of a card that was not deleted says where it stands, and what is owed on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its currency.
    pub currency: Currency,
    /// All money ever added.
    pub funds: i64,
    /// All money ever taken.
    pub drawdown: i64,
    /// What is locked.
    pub reserved: i64,
    /// Its last day.
    pub expires_at: Option<i64>,
    /// When it was activated.
    pub activated_at: Option<i64>,
    /// Whether it is blocked.
    pub is_blocked: bool,
}

/// The cards that are told of together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Their currency.
    pub currency: Currency,
    /// Where they stand.
    pub status: Status,
    /// When they were activated.
    pub activated: Option<Month>,
}

impl Standing {
    /// The bucket of the card at `now`: the first status that fits, as `Card::status` has it.
    pub fn bucket(&self, now: i64) -> Bucket {
        let status = if self.is_blocked {
            Status::Blocked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            Status::Expired
        } else if self.activated_at.is_none() {
            Status::Inactive
        } else if self.drawdown == 0 {
            Status::Unused
        } else if self.funds == self.drawdown {
            Status::Used
        } else {
            Status::PartiallyUsed
        };
        let activated = self.activated_at.and_then(|at| Timestamp::try_from(at).ok()).map(Month::of);
        Bucket { currency: self.currency, status, activated }
    }

    /// The card alone.
    fn sums(&self) -> Sums {
        Sums {
            cards: 1,
            balance: i128::from(self.funds - self.drawdown),
            reserved: i128::from(self.reserved),
        }
    }
}

/// What is told of the cards of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many they are.
    pub cards: u64,
    /// What is left on them.
    pub balance: i128,
    /// How much of it is locked.
    pub reserved: i128,
}

/// The sums so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(HashMap<Bucket, Sums>);

impl Tally {
    /// What was told before, to be gone on from.
    pub fn of(rows: &[LiabilityRow]) -> Self {
        let sums = |row: &LiabilityRow| {
            let LiabilityRow { currency, status, activated, cards, balance, reserved } = *row;
            (Bucket { currency, status, activated }, Sums { cards, balance, reserved })
        };
        Self(rows.iter().map(sums).collect())
    }

    /// Counts a card as it stands at `now`.
    pub fn put(&mut self, card: &Standing, now: i64) {
        self.put_all(card.bucket(now), card.sums());
    }

    /// Counts cards of a bucket.
    pub fn put_all(&mut self, bucket: Bucket, more: Sums) {
        let sums = self.0.entry(bucket).or_default();
        sums.cards += more.cards;
        sums.balance += more.balance;
        sums.reserved += more.reserved;
    }

    /// Takes a card away that was counted as it stood at `then`.
    pub fn take(&mut self, card: &Standing, then: i64) -> Result<(), Damaged> {
        self.take_all(card.bucket(then), card.sums())
    }

    /// Takes cards away that were counted in a bucket.
    pub fn take_all(&mut self, bucket: Bucket, less: Sums) -> Result<(), Damaged> {
        let damaged = || Damaged("closing.cards".to_owned());
        let Entry::Occupied(mut found) = self.0.entry(bucket) else {
            return Err(damaged());
        };
        let sums = found.get_mut();
        sums.cards = sums.cards.checked_sub(less.cards).ok_or_else(damaged)?;
        sums.balance -= less.balance;
        sums.reserved -= less.reserved;
        if sums.cards == 0 {
            let left = found.remove();
            return if left == Sums::default() { Ok(()) } else { Err(damaged()) };
        }
        Ok(())
    }

    /// Frees what has lapsed of a card that was counted with it.
    pub fn free(&mut self, bucket: Bucket, lapsed: i64) {
        if let Some(sums) = self.0.get_mut(&bucket) {
            sums.reserved -= i128::from(lapsed);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: Self) {
        for (bucket, more) in other.0 {
            self.put_all(bucket, more);
        }
    }

    /// The sums in their order.
    pub fn rows(&self) -> Vec<LiabilityRow> {
        let row = |(bucket, sums): (&Bucket, &Sums)| {
            let (Bucket { currency, status, activated }, Sums { cards, balance, reserved }) =
                (*bucket, *sums);
            LiabilityRow { currency, status, activated, cards, balance, reserved }
        };
        let mut rows: Vec<LiabilityRow> = self.0.iter().map(row).collect();
        let place = |status| Status::ALL.iter().position(|each| *each == status);
        rows.sort_by_key(|row| (row.currency.code(), place(row.status), row.activated));
        rows
    }

    /// What was owed at `at`.
    pub fn into_liability(self, at: Timestamp) -> Liability {
        Liability { at, rows: self.rows() }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Activation, Amount, Card, CardId, CardUuid, Dates, Metadata};

    use super::*;

    const NOW: i64 = 1_000_000;

    fn time(ms: i64) -> Timestamp {
        Timestamp::try_from(ms).expect("a time")
    }

    fn card((funds, drawdown): (i64, i64), ends: Option<i64>, active: bool, blocked: bool) -> Card {
        let amount = |units| Amount::try_from(units).expect("an amount");
        Card {
            uuid: CardUuid(uuid::Uuid::nil()),
            card_id: CardId::try_from("card").expect("a card_id"),
            batch: None,
            kind: Default::default(),
            name: None,
            customer_id: None,
            originated_by: None,
            metadata: Metadata::default(),
            amount: amount(funds),
            currency: Currency::NOK,
            funds: amount(funds),
            drawdown: amount(drawdown),
            reserved: Amount::ZERO,
            dates: Dates { active_from: None, expires_at: ends.map(time) },
            pin: None,
            activation: active.then(|| Activation { at: time(1), by: None }),
            blocked_at: blocked.then(|| time(2)),
            replaced_by: None,
            deleted_at: None,
            seq: 0,
            created_at: time(0),
            created_by: None,
            changed_at: time(0),
        }
    }

    /// The rule stands in the domain; here it is said again of fewer columns.
    #[test]
    fn a_card_is_counted_under_the_status_that_the_domain_gives_it() {
        for money in [(0, 0), (10, 0), (10, 5), (10, 10)] {
            for ends in [None, Some(NOW - 1), Some(NOW), Some(NOW + 1)] {
                for (active, blocked) in [(true, true), (true, false), (false, true), (false, false)] {
                    let card = card(money, ends, active, blocked);
                    let standing = Standing {
                        currency: card.currency,
                        funds: money.0,
                        drawdown: money.1,
                        reserved: 0,
                        expires_at: ends,
                        activated_at: active.then_some(1),
                        is_blocked: blocked,
                    };
                    assert_eq!(standing.bucket(NOW).status, card.status(time(NOW)), "{card:?}");
                }
            }
        }
    }
}
