//! What programs that share a database tell each other besides what is kept in it.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;

use domain::{Aid, Timestamp};

/// What another program may have changed of that which this one remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Accounts that are new, or whose settings, clock, clients or grants changed.
    pub accounts: BTreeSet<Aid>,
    /// Whether there is another signing key.
    pub signing_keys: bool,
}

impl News {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty() && !self.signing_keys
    }

    /// Adds what `more` tells.
    pub fn add(&mut self, more: Self) {
        self.accounts.extend(more.accounts);
        self.signing_keys |= more.signing_keys;
    }
}

/// Whom a budget against guessing belongs to, as a keyed hash: what it is of is not kept.
pub type BudgetKey = [u8; 16];

/// Failures that a program counted on one budget and has not told the others yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// Whose budget.
    pub key: BudgetKey,
    /// By how many milliseconds they put off the instant when the budget is whole again.
    pub put_off_ms: i64,
}

/// What the failures that all programs counted on one budget come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedBudget {
    /// Whose budget.
    pub key: BudgetKey,
    /// When it is whole again.
    pub whole_at: Timestamp,
}

/// A turn at a job that only one program at a time is to do. It ends when this is dropped.
pub struct Turn(#[expect(dead_code, reason = "held for what dropping it does")] Option<Box<dyn Any + Send>>);

impl Turn {
    /// The turn of a program that has the database alone.
    pub fn alone() -> Self {
        Self(None)
    }

    /// A turn that lasts as long as `held` is not dropped.
    pub(crate) fn holding(held: impl Any + Send) -> Self {
        Self(Some(Box::new(held)))
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}
