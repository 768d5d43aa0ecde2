//! Transactions, open locks, and what is counted.

use domain::{CardUuid, Day, Lock, Transaction, TransactionId};
use rusqlite::{CachedStatement, params};

use super::super::fault::Fault;
use super::{Writing, check_one};
use crate::rows;

const INSERT_TRANSACTION: &str = "INSERT INTO card_transaction (aid, card, seq, id, ref_id, type, reason, \
    amount, currency, parent, token, originated_by, metadata, created_at, created_by, request, \
    asked_operation, asked_amount, asked_expires_in, reason_code, note, balance, available) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
    ?22, ?23)";

const INSERT_LOCK: &str =
    "INSERT INTO card_lock (aid, card, id, remaining, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)";

/// When a lock ends was settled when it was made.
const UPDATE_LOCK: &str = "UPDATE card_lock SET remaining = ?4 WHERE aid = ?1 AND card = ?2 AND id = ?3";

const DELETE_LOCK: &str = "DELETE FROM card_lock WHERE aid = ?1 AND card = ?2 AND id = ?3";

const CLEAR_PIN_TRIES: &str = "DELETE FROM pin_tries WHERE aid = ?1 AND card = ?2";

const UPSERT_PIN_TRIES: &str = "INSERT INTO pin_tries (aid, card, client, wrong_in_row, wrong_since_rotation, \
    waits_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (aid, card, client) DO UPDATE SET \
    wrong_in_row = excluded.wrong_in_row, wrong_since_rotation = excluded.wrong_since_rotation, \
    waits_until = excluded.waits_until";

const UPSERT_DAY_COUNT: &str = "INSERT INTO day_count (aid, day, subject, id, amount, count) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (aid, day, subject, id) DO UPDATE SET \
    amount = excluded.amount, count = excluded.count";

/// Counts of days gone by that are forgotten in one transaction.
const FORGOTTEN_AT_ONCE: u32 = 1_000;

const FORGET_DAY_COUNTS: &str = "DELETE FROM day_count WHERE aid = ?1 AND (day, subject, id) IN \
    (SELECT day, subject, id FROM day_count WHERE aid = ?1 AND day < ?2 LIMIT ?3)";

#[cfg(test)]
pub const STATEMENTS: [&str; 1] = [FORGET_DAY_COUNTS];

impl Writing<'_> {
    pub(super) fn transactions(&self) -> Result<(), Fault> {
        let mut insert = self.conn.prepare_cached(INSERT_TRANSACTION)?;
        for transaction in &self.changes.new_transactions {
            self.insert_transaction(&mut insert, transaction)?;
        }
        Ok(())
    }

    fn insert_transaction(&self, insert: &mut CachedStatement<'_>, row: &Transaction) -> Result<(), Fault> {
        insert.execute(params![
            self.aid.as_str(),
            row.card.0.as_bytes(),
            row.seq,
            row.id.0.as_bytes(),
            row.ref_id.as_str(),
            row.kind.as_str(),
            row.reason.as_str(),
            row.amount.minor_units(),
            row.currency.code(),
            row.parent.map(|parent| parent.0.into_bytes()),
            row.token.map(|token| token.0.into_bytes()),
            row.originated_by.as_ref().map(|origin| origin.as_str()),
            row.metadata.as_json(),
            row.created_at.unix_ms(),
            row.created_by.map(|by| by.0.into_bytes()),
            row.request.0.as_bytes(),
            row.asked.operation.as_str(),
            row.asked.amount.map(|amount| amount.minor_units()),
            row.asked.expires_in.map(|life| life.seconds()),
            row.reason_code.as_ref().map(|code| code.as_str()),
            row.note.as_ref().map(|note| note.as_str()),
            row.balance.minor_units(),
            row.available.minor_units(),
        ])?;
        Ok(())
    }

    pub(super) fn locks(&self) -> Result<(), Fault> {
        for key in &self.changes.new_locks {
            let lock = self.lock(key)?;
            self.conn.prepare_cached(INSERT_LOCK)?.execute(params![
                self.aid.as_str(),
                lock.card.0.as_bytes(),
                lock.transaction.0.as_bytes(),
                lock.remaining.minor_units(),
                lock.expires_at.map(|at| at.unix_ms()),
            ])?;
        }
        for key in &self.changes.changed_locks {
            let lock = self.lock(key)?;
            let updated = self.conn.prepare_cached(UPDATE_LOCK)?.execute(params![
                self.aid.as_str(),
                lock.card.0.as_bytes(),
                lock.transaction.0.as_bytes(),
                lock.remaining.minor_units(),
            ])?;
            check_one(updated)?;
        }
        for (card, lock) in &self.changes.ended_locks {
            let params = params![self.aid.as_str(), card.0.as_bytes(), lock.0.as_bytes()];
            check_one(self.conn.prepare_cached(DELETE_LOCK)?.execute(params)?)?;
        }
        Ok(())
    }

    fn lock(&self, (card, lock): &(CardUuid, TransactionId)) -> Result<&Lock, Fault> {
        let of_card = self.changes.world.locks.get(card);
        self.decided(of_card.and_then(|locks| locks.get(lock)))
    }

    pub(super) fn pin_tries(&self) -> Result<(), Fault> {
        for card in &self.changes.cleared_pin_tries {
            self.conn
                .prepare_cached(CLEAR_PIN_TRIES)?
                .execute(params![self.aid.as_str(), card.0.as_bytes()])?;
        }
        for key in &self.changes.changed_pin_tries {
            let tries = self.decided(self.changes.world.pin_tries.get(key))?;
            self.conn.prepare_cached(UPSERT_PIN_TRIES)?.execute(params![
                self.aid.as_str(),
                tries.card.0.as_bytes(),
                tries.client.0.as_bytes(),
                tries.wrong_in_row,
                tries.wrong_since_rotation,
                tries.waits_until.map(|at| at.unix_ms()),
            ])?;
        }
        Ok(())
    }

    pub(super) fn day_counts(&self) -> Result<(), Fault> {
        for key in &self.changes.changed_day_counts {
            let (subject, Day(day)) = *key;
            let (kind, id) = rows::day_subject(subject);
            let count = self.decided(self.changes.world.day_counts.get(key))?;
            self.conn.prepare_cached(UPSERT_DAY_COUNT)?.execute(params![
                self.aid.as_str(),
                day,
                kind,
                id.as_bytes(),
                count.amount,
                count.count,
            ])?;
        }
        self.forget_day_counts()
    }

    /// Those of yesterday stay: the clock may be set back.
    fn forget_day_counts(&self) -> Result<(), Fault> {
        let days = self.changes.changed_day_counts.iter().map(|(_, Day(day))| *day);
        if let Some(today) = days.max() {
            let params = params![self.aid.as_str(), today.saturating_sub(1), FORGOTTEN_AT_ONCE];
            self.conn.prepare_cached(FORGET_DAY_COUNTS)?.execute(params)?;
        }
        Ok(())
    }
}
