//! What tells of changes: to those who ask again, to whoever looks back, and to whoever wants to hear.

use domain::{AuditEntry, CardUuid, OutboxRecord, ReplayKey, StatusChange, Subject, Timestamp};
use rusqlite::{OptionalExtension as _, params};
use uuid::Uuid;

use super::super::fault::Fault;
use super::Writing;
use crate::rows::{event_columns, one_after_the_other};

const REPLACE_REPLAY: &str = "INSERT OR REPLACE INTO idempotency (aid, client, operation, mac, key_version, \
    created_at, request_mac, request_key_version, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

const INSERT_STATUS_CHANGE: &str = "INSERT INTO status_change (aid, card, place, at, event, ends_before, \
    ends_after) SELECT ?1, ?2, 1 + ifnull(max(place), 0), ?3, ?4, ?5, ?6 FROM status_change \
    WHERE aid = ?1 AND card = ?2";

const LAST_AUDIT: &str = "SELECT place FROM audit WHERE aid = ?1 ORDER BY place DESC LIMIT 1";

const INSERT_AUDIT: &str = "INSERT INTO audit (aid, place, at, client, request, action, subject, subject_id, \
    note, card) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

const LAST_OUTBOX: &str = "SELECT place FROM outbox WHERE aid = ?1 ORDER BY place DESC LIMIT 1";

const INSERT_OUTBOX: &str = "INSERT INTO outbox (aid, place, at, client, request, action, subjects, \
    transactions) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

#[cfg(test)]
pub const STATEMENTS: [&str; 3] = [INSERT_STATUS_CHANGE, LAST_AUDIT, LAST_OUTBOX];

impl Writing<'_> {
    pub(super) fn replays(&self) -> Result<(), Fault> {
        let mut replace = self.conn.prepare_cached(REPLACE_REPLAY)?;
        for key in &self.changes.new_replays {
            let ReplayKey { client, operation, key: mac } = key;
            let replay = self.decided(self.changes.world.replays.get(key))?;
            replace.execute(params![
                self.aid.as_str(),
                client.0.as_bytes(),
                operation.as_str(),
                mac.mac,
                mac.key_version,
                replay.created_at.unix_ms(),
                replay.request.mac,
                replay.request.key_version,
                replay.sealed,
            ])?;
        }
        Ok(())
    }

    pub(super) fn status_changes(&self) -> Result<(), Fault> {
        for StatusChange { card, at, event } in &self.changes.status_changes {
            let (event, before, after) = event_columns(*event);
            self.conn.prepare_cached(INSERT_STATUS_CHANGE)?.execute(params![
                self.aid.as_str(),
                card.0.as_bytes(),
                at.unix_ms(),
                event,
                before.map(Timestamp::unix_ms),
                after.map(Timestamp::unix_ms),
            ])?;
        }
        Ok(())
    }

    pub(super) fn audit(&self) -> Result<(), Fault> {
        if self.changes.audit.is_empty() {
            return Ok(());
        }
        let first = self.next_place(LAST_AUDIT)?;
        let mut insert = self.conn.prepare_cached(INSERT_AUDIT)?;
        for (place, entry) in (first..).zip(&self.changes.audit) {
            let AuditEntry { at, client, request, action, subject, note } = entry;
            let (kind, id) = subject.kind_and_id();
            insert.execute(params![
                self.aid.as_str(),
                place,
                at.unix_ms(),
                client.map(|client| client.0.into_bytes()),
                request.0.as_bytes(),
                action.as_str(),
                kind,
                id.map(Uuid::into_bytes),
                note.as_ref().map(|note| note.as_str()),
                self.card_of(*subject)?.map(|card| card.0.into_bytes()),
            ])?;
        }
        Ok(())
    }

    pub(super) fn outbox(&self) -> Result<(), Fault> {
        if self.changes.outbox.is_empty() {
            return Ok(());
        }
        let first = self.next_place(LAST_OUTBOX)?;
        let mut insert = self.conn.prepare_cached(INSERT_OUTBOX)?;
        for (place, record) in (first..).zip(&self.changes.outbox) {
            let OutboxRecord { at, client, request, action, subjects, transactions } = record;
            let subjects = subjects.iter().filter_map(|subject| subject.kind_and_id().1);
            insert.execute(params![
                self.aid.as_str(),
                place,
                at.unix_ms(),
                client.map(|client| client.0.into_bytes()),
                request.0.as_bytes(),
                action.as_str(),
                one_after_the_other(subjects),
                one_after_the_other(transactions.iter().map(|transaction| transaction.0)),
            ])?;
        }
        Ok(())
    }

    /// The card that a subject is or belongs to.
    fn card_of(&self, subject: Subject) -> Result<Option<CardUuid>, Fault> {
        Ok(match subject {
            Subject::Card(card) => Some(card),
            Subject::Token(token) => Some(self.decided(self.changes.world.tokens.get(&token))?.card),
            Subject::Batch(_) | Subject::Client(_) | Subject::Grant(_) | Subject::Account => None,
        })
    }

    /// The place after the last one of the account.
    fn next_place(&self, last: &str) -> Result<i64, Fault> {
        let mut last = self.conn.prepare_cached(last)?;
        let last: Option<i64> = last.query_row([self.aid.as_str()], |row| row.get(0)).optional()?;
        Ok(last.unwrap_or(0).saturating_add(1))
    }
}
