//! A card's transactions, added up from the first.

use std::collections::HashMap;

use domain::{Card, Reason, Timestamp, Transaction, TransactionId, TransactionType};

use super::finding::{Checked, Sums, must, same, wrong};

/// A card's sums as they were at some instant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Then {
    /// All money added by then.
    pub funds: i64,
    /// All money taken by then.
    pub drawdown: i64,
    /// What was locked by a row.
    pub reserved: i64,
}

/// The sums of a card's transactions up to some row. Rows are never changed and only added at the end, so that it
/// may be gone on from in a later snapshot.
pub struct History {
    seq: i64,
    last: Timestamp,
    funds: i64,
    drawdown: i64,
    first_amount: Option<i64>,
    /// What is left in each lock.
    open: HashMap<TransactionId, i64>,
    reserved: i64,
    /// The sums as they were at an instant that is asked for.
    then: Then,
}

impl Default for History {
    fn default() -> Self {
        Self {
            seq: 0,
            last: Timestamp::EPOCH,
            funds: 0,
            drawdown: 0,
            first_amount: None,
            open: HashMap::new(),
            reserved: 0,
            then: Then::default(),
        }
    }
}

impl History {
    /// Adds the next row; the sums are kept as they were at `then`.
    pub fn add(&mut self, card: &Card, row: &Transaction, then: Option<i64>) -> Checked {
        self.add_up(card, row)?;
        if then.is_some_and(|then| row.created_at.unix_ms() <= then) {
            self.then = Then { funds: self.funds, drawdown: self.drawdown, reserved: self.reserved };
        }
        Ok(())
    }

    fn add_up(&mut self, card: &Card, row: &Transaction) -> Checked {
        let amount = row.amount.minor_units();
        same("seq of a transaction", self.seq + 1, row.seq)?;
        self.seq = row.seq;
        let time = (row.created_at.unix_ms(), self.last.unix_ms());
        must("time of a transaction", time.0 >= time.1, format!("{} or later", time.1), time.0)?;
        self.last = row.created_at;
        same("currency of a transaction", card.currency, row.currency)?;
        self.first_amount.get_or_insert(amount);
        match row.kind {
            TransactionType::Fund => self.funds += amount,
            TransactionType::Drawdown => {
                self.drawdown += amount;
                if row.reason == Reason::Capture {
                    self.capture(row, amount)?;
                }
            }
            TransactionType::PendingCapture => {
                must("amount of a lock", amount > 0, "more than nothing", amount)?;
                self.open.insert(row.id, amount);
                self.reserved += amount;
            }
            TransactionType::Voided | TransactionType::Expired => {
                let left = self.lock_of(row)?;
                same("what the end of a lock frees", left, amount)?;
                self.leave(row, 0, amount);
            }
        }
        let balance = self.funds - self.drawdown;
        same("balance of a transaction", balance, row.balance.minor_units())?;
        let available = balance - self.reserved;
        must("available after a transaction", available >= 0, "0 or more", available)?;
        same("available of a transaction", available, row.available.minor_units())
    }

    fn capture(&mut self, row: &Transaction, amount: i64) -> Checked {
        let left = self.lock_of(row)?;
        must("amount of a capture", amount <= left, format!("at most {left}"), amount)?;
        self.leave(row, left - amount, amount);
        Ok(())
    }

    fn lock_of(&self, row: &Transaction) -> Checked<i64> {
        let left = row.parent.and_then(|lock| self.open.get(&lock)).copied();
        left.ok_or_else(|| wrong("lock of a transaction", "an open lock of the card", "none"))
    }

    fn leave(&mut self, row: &Transaction, left: i64, taken: i64) {
        self.reserved -= taken;
        if let Some(lock) = row.parent {
            if left > 0 {
                self.open.insert(lock, left);
            } else {
                self.open.remove(&lock);
            }
        }
    }

    /// The sums.
    pub fn sums(&self) -> Sums {
        Sums { funds: self.funds.into(), drawdown: self.drawdown.into(), reserved: self.reserved.into() }
    }

    /// The sums as they were at the instant that was asked for.
    pub fn then(&self) -> Then {
        self.then
    }

    /// What is left in each lock.
    pub fn open_locks(&self) -> &HashMap<TransactionId, i64> {
        &self.open
    }

    /// Holds the card's own columns against the sums.
    pub fn check(&self, card: &Card) -> Checked {
        same("seq of the card", self.seq, card.seq)?;
        same("funds of the card", self.funds, card.funds.minor_units())?;
        same("drawdown of the card", self.drawdown, card.drawdown.minor_units())?;
        same("reserved of the card", self.reserved, card.reserved.minor_units())?;
        same("amount of the card", self.first_amount.unwrap_or(0), card.amount.minor_units())?;
        let changed = (self.last.unix_ms(), card.changed_at.unix_ms());
        must(
            "last change of the card",
            changed.0 <= changed.1,
            format!("{} or later", changed.0),
            changed.1,
        )?;
        let is_active = card.activation.is_some();
        same("activation of the card", self.seq > 0, is_active)?;
        let left = self.funds - self.drawdown;
        must("balance of the deleted card", card.deleted_at.is_none() || left == 0, 0, left)
    }
}
