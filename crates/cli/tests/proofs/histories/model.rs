//! One card as a single client would see it: the rules, without anything at the same time.

use std::collections::BTreeMap;

/// A `ref_id`, by number.
pub type Reference = u32;

/// What a client asks of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Drawdown(Reference, i64),
    Fund(Reference, i64),
    Lock(Reference, i64),
    /// Of the lock that was asked for by the second reference; all of it when no amount is given.
    Capture(Reference, Reference, Option<i64>),
    Void(Reference, Reference),
    /// The figures, by the card's id or its token.
    Read,
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    Written { amount: i64, seq: i64, balance: i64, available: i64 },
    Shown { funds: i64, drawdown: i64, reserved: i64, available: i64 },
    InsufficientFunds { available: i64 },
    AmountExceedsLock { remaining: i64 },
    LockClosed,
}

/// A card.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    funds: i64,
    drawdown: i64,
    seq: i64,
    /// What open locks hold.
    locks: BTreeMap<Reference, i64>,
    /// What was answered to requests that were carried out.
    done: BTreeMap<Reference, Answer>,
}

impl State {
    /// A card that has just been activated.
    pub fn new(funds: i64) -> Self {
        Self { funds, drawdown: 0, seq: 1, locks: BTreeMap::new(), done: BTreeMap::new() }
    }

    fn reserved(&self) -> i64 {
        self.locks.values().sum()
    }

    fn available(&self) -> i64 {
        self.funds - self.drawdown - self.reserved()
    }

    /// Carries an operation out, and answers it.
    pub fn apply(&mut self, operation: Operation) -> Answer {
        let reference = match operation {
            Operation::Read => return self.shown(),
            Operation::Drawdown(reference, _)
            | Operation::Fund(reference, _)
            | Operation::Lock(reference, _)
            | Operation::Capture(reference, ..)
            | Operation::Void(reference, _) => reference,
        };
        if let Some(before) = self.done.get(&reference) {
            return *before;
        }
        match self.moved(operation) {
            Err(refused) => refused,
            Ok(amount) => {
                self.seq += 1;
                let (balance, available) = (self.funds - self.drawdown, self.available());
                let written = Answer::Written { amount, seq: self.seq, balance, available };
                self.done.insert(reference, written);
                written
            }
        }
    }

    fn shown(&self) -> Answer {
        let (funds, drawdown) = (self.funds, self.drawdown);
        Answer::Shown { funds, drawdown, reserved: self.reserved(), available: self.available() }
    }

    /// The amount that moved, or why none did.
    fn moved(&mut self, operation: Operation) -> Result<i64, Answer> {
        match operation {
            Operation::Read => Ok(0),
            Operation::Fund(_, amount) => {
                self.funds += amount;
                Ok(amount)
            }
            Operation::Drawdown(_, amount) => {
                self.drawdown += self.payable(amount)?;
                Ok(amount)
            }
            Operation::Lock(reference, amount) => {
                let amount = self.payable(amount)?;
                self.locks.insert(reference, amount);
                Ok(amount)
            }
            Operation::Capture(_, lock, amount) => {
                let remaining = *self.locks.get(&lock).ok_or(Answer::LockClosed)?;
                let amount = amount.unwrap_or(remaining);
                if amount > remaining {
                    return Err(Answer::AmountExceedsLock { remaining });
                }
                self.drawdown += amount;
                self.locks.insert(lock, remaining - amount);
                self.locks.retain(|_, remaining| *remaining > 0);
                Ok(amount)
            }
            Operation::Void(_, lock) => self.locks.remove(&lock).ok_or(Answer::LockClosed),
        }
    }

    fn payable(&self, amount: i64) -> Result<i64, Answer> {
        let available = self.available();
        if amount <= available { Ok(amount) } else { Err(Answer::InsufficientFunds { available }) }
    }
}
