//! A card's transactions, added up from the first.

use std::collections::HashMap;

use domain::{Aid, Card, Reason, Timestamp, Transaction, TransactionId, TransactionType};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::finding::{Checked, Sums, must, same, wrong};
use crate::rows::{self, select};

const ROWS: &str =
    select!(card_transaction "WHERE aid = ?1 AND card = ?2 AND seq > ?3 ORDER BY seq LIMIT ?4");

const PARENT: &str = "SELECT type FROM card_transaction WHERE aid = ?1 AND id = ?2";

const GIVEN_BACK: &str = "SELECT coalesce(sum(amount), 0) FROM card_transaction \
    WHERE aid = ?1 AND parent = ?2 AND type = 'fund'";

/// The most rows added up between two looks at the time.
const ROWS_AT_ONCE: u32 = 4_096;

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
    /// Funds and drawdown as they were at an instant that is asked for.
    then: (i64, i64),
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
            then: (0, 0),
        }
    }
}

impl History {
    /// Adds the next rows; answers whether these were the last.
    pub fn go_on(
        &mut self,
        conn: &Connection,
        aid: Aid,
        card: &Card,
        then: Option<i64>,
        count: &mut u64,
    ) -> Checked<bool> {
        let mut statement = conn.prepare_cached(ROWS)?;
        let params = params![aid.as_str(), card.uuid.0.as_bytes(), self.seq, ROWS_AT_ONCE];
        let mut found = statement.query(params)?;
        for _ in 0..ROWS_AT_ONCE {
            let Some(row) = found.next()? else {
                return Ok(true);
            };
            let row = rows::transaction(row)?;
            *count += 1;
            self.add(card, &row)?;
            check_parent(conn, aid, &row)?;
            if then.is_some_and(|then| row.created_at.unix_ms() <= then) {
                self.then = (self.funds, self.drawdown);
            }
        }
        Ok(false)
    }

    fn add(&mut self, card: &Card, row: &Transaction) -> Checked {
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

    /// Funds and drawdown as they were at the instant that was asked for.
    pub fn then(&self) -> (i64, i64) {
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

/// What is given back is given back of a drawdown, and never more than was drawn.
fn check_parent(conn: &Connection, aid: Aid, row: &Transaction) -> Checked {
    if row.kind == TransactionType::Drawdown {
        let mut given_back = conn.prepare_cached(GIVEN_BACK)?;
        let params = params![aid.as_str(), row.id.0.as_bytes()];
        let sum: i64 = given_back.query_row(params, |row| row.get(0))?;
        let drawn = row.amount.minor_units();
        must("what was given back of a drawdown", sum <= drawn, format!("at most {drawn}"), sum)?;
    }
    let (TransactionType::Fund, Some(parent)) = (row.kind, row.parent) else {
        return Ok(());
    };
    let mut by_id = conn.prepare_cached(PARENT)?;
    let params = params![aid.as_str(), parent.0.as_bytes()];
    let kind: Option<String> = by_id.query_row(params, |row| row.get(0)).optional()?;
    let found = kind.as_deref().unwrap_or("nothing");
    same("parent of a refund", TransactionType::Drawdown.as_str(), found)
}
