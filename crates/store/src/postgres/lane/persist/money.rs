//! Transactions, open locks, and what is counted.

use domain::{CardUuid, Day, DayCount, DaySubject, Lock, PinTries, Transaction, TransactionId};
use uuid::Uuid;

use super::super::super::fault::Fault;
use super::super::query::params;
use super::{Writing, column, decided};
use crate::rows;

const INSERT_TRANSACTIONS: &str = "INSERT INTO card_transaction (aid, card, seq, id, ref_id, type, reason, amount, \
    currency, parent, token, originated_by, metadata, created_at, created_by, request, asked_operation, \
    asked_amount, asked_expires_in, reason_code, note, balance, available) \
    SELECT $1, new.* FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], \
    $8::bigint[], $9::text[], $10::uuid[], $11::uuid[], $12::text[], $13::text[], $14::bigint[], $15::uuid[], \
    $16::uuid[], $17::text[], $18::bigint[], $19::bigint[], $20::text[], $21::text[], $22::bigint[], \
    $23::bigint[]) AS new";

const INSERT_LOCKS: &str = "INSERT INTO card_lock (aid, card, id, remaining, expires_at) \
    SELECT $1, new.* FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[]) AS new";

/// When a lock ends was settled when it was made.
const UPDATE_LOCKS: &str = "WITH changed AS (UPDATE card_lock SET remaining = new.remaining \
    FROM unnest($2::uuid[], $3::uuid[], $4::bigint[]) AS new (card, id, remaining) \
    WHERE card_lock.aid = $1 AND card_lock.card = new.card AND card_lock.id = new.id RETURNING 1) \
    SELECT 1 / (count(*) = cardinality($2))::int FROM changed";

const DELETE_LOCKS: &str = "WITH ended AS (DELETE FROM card_lock \
    USING unnest($2::uuid[], $3::uuid[]) AS old (card, id) \
    WHERE card_lock.aid = $1 AND card_lock.card = old.card AND card_lock.id = old.id RETURNING 1) \
    SELECT 1 / (count(*) = cardinality($2))::int FROM ended";

const CLEAR_PIN_TRIES: &str = "DELETE FROM pin_tries WHERE aid = $1 AND card = ANY($2)";

const UPSERT_PIN_TRIES: &str = "INSERT INTO pin_tries (aid, card, client, wrong_in_row, wrong_since_rotation, \
    waits_until) SELECT $1, new.* \
    FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[]) AS new \
    ON CONFLICT (aid, card, client) DO UPDATE SET wrong_in_row = excluded.wrong_in_row, \
    wrong_since_rotation = excluded.wrong_since_rotation, waits_until = excluded.waits_until";

const UPSERT_DAY_COUNTS: &str = "INSERT INTO day_count (aid, day, subject, id, amount, count) \
    SELECT $1, new.* FROM unnest($2::bigint[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[]) AS new \
    ON CONFLICT (aid, day, subject, id) DO UPDATE SET amount = excluded.amount, count = excluded.count";

/// Counts of days gone by that are forgotten in one transaction.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// What another lane is forgetting is left to it.
const FORGET_DAY_COUNTS: &str = "DELETE FROM day_count WHERE aid = $1 AND (day, subject, id) IN \
    (SELECT day, subject, id FROM day_count WHERE aid = $1 AND day < $2 LIMIT $3 FOR UPDATE SKIP LOCKED)";

#[cfg(test)]
pub const STATEMENTS: [&str; 8] = [
    INSERT_TRANSACTIONS,
    INSERT_LOCKS,
    UPDATE_LOCKS,
    DELETE_LOCKS,
    CLEAR_PIN_TRIES,
    UPSERT_PIN_TRIES,
    UPSERT_DAY_COUNTS,
    FORGET_DAY_COUNTS,
];

impl Writing<'_> {
    pub(super) fn transactions(&mut self) {
        let new: &[Transaction] = &self.changes.new_transactions;
        let new: Vec<&Transaction> = new.iter().collect();
        if new.is_empty() {
            return;
        }
        let columns = vec![
            column(&new, |row| row.card.0),
            column(&new, |row| row.seq),
            column(&new, |row| row.id.0),
            column(&new, |row| row.ref_id.as_str()),
            column(&new, |row| row.kind.as_str()),
            column(&new, |row| row.reason.as_str()),
            column(&new, |row| row.amount.minor_units()),
            column(&new, |row| row.currency.code()),
            column(&new, |row| row.parent.map(|parent| parent.0)),
            column(&new, |row| row.token.map(|token| token.0)),
            column(&new, |row| row.originated_by.as_ref().map(|origin| origin.as_str())),
            column(&new, |row| row.metadata.as_json()),
            column(&new, |row| row.created_at.unix_ms()),
            column(&new, |row| row.created_by.map(|by| by.0)),
            column(&new, |row| row.request.0),
            column(&new, |row| row.asked.operation.as_str()),
            column(&new, |row| row.asked.amount.map(|amount| amount.minor_units())),
            column(&new, |row| row.asked.expires_in.map(|life| i64::from(life.seconds()))),
            column(&new, |row| row.reason_code.as_ref().map(|code| code.as_str())),
            column(&new, |row| row.note.as_ref().map(|note| note.as_str())),
            column(&new, |row| row.balance.minor_units()),
            column(&new, |row| row.available.minor_units()),
        ];
        self.write(INSERT_TRANSACTIONS, columns);
    }

    pub(super) fn locks(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        let new = changes.new_locks.iter().map(|key| self.lock(key)).collect::<Result<Vec<_>, _>>()?;
        let changed =
            changes.changed_locks.iter().map(|key| self.lock(key)).collect::<Result<Vec<_>, _>>()?;
        if !new.is_empty() {
            let columns = vec![
                column(&new, |lock| lock.card.0),
                column(&new, |lock| lock.transaction.0),
                column(&new, |lock| lock.remaining.minor_units()),
                column(&new, |lock| lock.expires_at.map(|at| at.unix_ms())),
            ];
            self.write(INSERT_LOCKS, columns);
        }
        if !changed.is_empty() {
            let columns = vec![
                column(&changed, |lock| lock.card.0),
                column(&changed, |lock| lock.transaction.0),
                column(&changed, |lock| lock.remaining.minor_units()),
            ];
            self.write(UPDATE_LOCKS, columns);
        }
        if !changes.ended_locks.is_empty() {
            let (cards, locks): (Vec<Uuid>, Vec<Uuid>) =
                changes.ended_locks.iter().map(|(card, lock)| (card.0, lock.0)).unzip();
            self.write(DELETE_LOCKS, params![cards, locks]);
        }
        Ok(())
    }

    fn lock(&self, (card, lock): &(CardUuid, TransactionId)) -> Result<Lock, Fault> {
        let of_card = self.changes.world.locks.get(card);
        decided(of_card.and_then(|locks| locks.get(lock))).copied()
    }

    pub(super) fn pin_tries(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        if !changes.cleared_pin_tries.is_empty() {
            let cards: Vec<Uuid> = changes.cleared_pin_tries.iter().map(|card| card.0).collect();
            self.write(CLEAR_PIN_TRIES, params![cards]);
        }
        let changed = changes.changed_pin_tries.iter().map(|key| decided(changes.world.pin_tries.get(key)));
        let tries = changed.collect::<Result<Vec<&PinTries>, Fault>>()?;
        if !tries.is_empty() {
            let columns = vec![
                column(&tries, |tries| tries.card.0),
                column(&tries, |tries| tries.client.0),
                column(&tries, |tries| i64::from(tries.wrong_in_row)),
                column(&tries, |tries| i64::from(tries.wrong_since_rotation)),
                column(&tries, |tries| tries.waits_until.map(|at| at.unix_ms())),
            ];
            self.write(UPSERT_PIN_TRIES, columns);
        }
        Ok(())
    }

    pub(super) fn day_counts(&mut self) -> Result<(), Fault> {
        let changes = self.changes;
        let count = |key: &(DaySubject, Day)| Ok((*key, *decided(changes.world.day_counts.get(key))?));
        let counts: Vec<((DaySubject, Day), DayCount)> =
            changes.changed_day_counts.iter().map(count).collect::<Result<_, Fault>>()?;
        let Some(today) = counts.iter().map(|((_, Day(day)), _)| *day).max() else {
            return Ok(());
        };
        let columns = vec![
            column(&counts, |((_, Day(day)), _)| *day),
            column(&counts, |((subject, _), _)| rows::day_subject(*subject).0),
            column(&counts, |((subject, _), _)| rows::day_subject(*subject).1),
            column(&counts, |(_, count)| count.amount),
            column(&counts, |(_, count)| i64::from(count.count)),
        ];
        self.write(UPSERT_DAY_COUNTS, columns);
        // Those of yesterday stay: the clock may be set back.
        self.write(FORGET_DAY_COUNTS, params![today.saturating_sub(1), FORGOTTEN_AT_ONCE]);
        Ok(())
    }
}
