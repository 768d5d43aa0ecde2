//! What tells of changes: to those who ask again, to whoever looks back, and to whoever wants to hear.

use std::collections::HashMap;

use domain::{AuditEntry, CardUuid, OutboxRecord, Replay, ReplayKey, StatusChange, Subject, Timestamp};
use uuid::Uuid;

use super::super::super::fault::Fault;
use super::{Writing, column, decided};
use crate::rows::{event_columns, one_after_the_other};

const INSERT_STATUS_CHANGES: &str = "INSERT INTO status_change (aid, card, place, at, event, ends_before, \
    ends_after) SELECT $1, new.card, row_number() OVER (PARTITION BY new.card ORDER BY new.nth) + \
    (SELECT coalesce(max(last.place), 0) FROM status_change AS last WHERE last.aid = $1 AND last.card = new.card), \
    new.at, new.event, new.ends_before, new.ends_after \
    FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[]) WITH ORDINALITY \
    AS new (card, at, event, ends_before, ends_after, nth)";

/// Only the answers that were seen to have run out: whoever has put another in its place meanwhile came first.
const FORGET_REPLAYS: &str = "DELETE FROM idempotency USING unnest($2::uuid[], $3::text[], $4::bytea[], \
    $5::bigint[]) AS old (client, operation, mac, created_at) WHERE idempotency.aid = $1 \
    AND idempotency.client = old.client AND idempotency.operation = old.operation \
    AND idempotency.mac = old.mac AND idempotency.created_at = old.created_at";

const INSERT_REPLAYS: &str = "INSERT INTO idempotency (aid, client, operation, mac, key_version, created_at, \
    request_mac, request_key_version, sealed) SELECT $1, new.* FROM unnest($2::uuid[], $3::text[], $4::bytea[], \
    $5::bigint[], $6::bigint[], $7::bytea[], $8::bigint[], $9::bytea[]) AS new";

const INSERT_AUDIT: &str = "INSERT INTO audit (aid, at, client, request, action, subject, subject_id, note, card) \
    SELECT $1, new.* FROM unnest($2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], \
    $8::text[], $9::uuid[]) AS new";

const INSERT_OUTBOX: &str = "INSERT INTO outbox (aid, at, client, request, action, subjects, transactions) \
    SELECT $1, new.* FROM unnest($2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::bytea[], $7::bytea[]) AS new";

#[cfg(test)]
pub const STATEMENTS: [&str; 5] =
    [INSERT_STATUS_CHANGES, FORGET_REPLAYS, INSERT_REPLAYS, INSERT_AUDIT, INSERT_OUTBOX];

impl Writing<'_> {
    pub(super) fn replays(&mut self, kept: &HashMap<ReplayKey, Timestamp>) -> Result<(), Fault> {
        let changes = self.changes;
        let new = changes.new_replays.iter();
        let new = new.map(|key| Ok((key, decided(changes.world.replays.get(key))?)));
        let new: Vec<(&ReplayKey, &Replay)> = new.collect::<Result<_, Fault>>()?;
        if new.is_empty() {
            return Ok(());
        }
        let old: Vec<(&ReplayKey, i64)> =
            new.iter().filter_map(|(key, _)| Some((*key, kept.get(*key)?.unix_ms()))).collect();
        if !old.is_empty() {
            let columns = vec![
                column(&old, |(key, _)| key.client.0),
                column(&old, |(key, _)| key.operation.as_str()),
                column(&old, |(key, _)| key.key.mac.as_slice()),
                column(&old, |(_, created_at)| *created_at),
            ];
            self.write(FORGET_REPLAYS, columns);
        }
        let columns = vec![
            column(&new, |(key, _)| key.client.0),
            column(&new, |(key, _)| key.operation.as_str()),
            column(&new, |(key, _)| key.key.mac.as_slice()),
            column(&new, |(key, _)| i64::from(key.key.key_version)),
            column(&new, |(_, replay)| replay.created_at.unix_ms()),
            column(&new, |(_, replay)| replay.request.mac.as_slice()),
            column(&new, |(_, replay)| i64::from(replay.request.key_version)),
            column(&new, |(_, replay)| replay.sealed.as_slice()),
        ];
        self.write(INSERT_REPLAYS, columns);
        Ok(())
    }

    pub(super) fn status_changes(&mut self) {
        let new: Vec<&StatusChange> = self.changes.status_changes.iter().collect();
        if new.is_empty() {
            return;
        }
        let columns = vec![
            column(&new, |change| change.card.0),
            column(&new, |change| change.at.unix_ms()),
            column(&new, |change| event_columns(change.event).0),
            column(&new, |change| event_columns(change.event).1.map(Timestamp::unix_ms)),
            column(&new, |change| event_columns(change.event).2.map(Timestamp::unix_ms)),
        ];
        self.write(INSERT_STATUS_CHANGES, columns);
    }

    pub(super) fn audit(&mut self) -> Result<(), Fault> {
        let lines: Vec<&AuditEntry> = self.changes.audit.iter().collect();
        if lines.is_empty() {
            return Ok(());
        }
        let cards = lines.iter().map(|line| Ok(self.card_of(line.subject)?.map(|card| card.0)));
        let cards: Vec<Option<Uuid>> = cards.collect::<Result<_, Fault>>()?;
        let columns = vec![
            column(&lines, |line| line.at.unix_ms()),
            column(&lines, |line| line.client.map(|client| client.0)),
            column(&lines, |line| line.request.0),
            column(&lines, |line| line.action.as_str()),
            column(&lines, |line| line.subject.kind_and_id().0),
            column(&lines, |line| line.subject.kind_and_id().1),
            column(&lines, |line| line.note.as_ref().map(|note| note.as_str())),
            Box::new(cards),
        ];
        self.write(INSERT_AUDIT, columns);
        Ok(())
    }

    pub(super) fn outbox(&mut self) {
        let records: Vec<&OutboxRecord> = self.changes.outbox.iter().collect();
        if records.is_empty() {
            return;
        }
        let columns = vec![
            column(&records, |record| record.at.unix_ms()),
            column(&records, |record| record.client.map(|client| client.0)),
            column(&records, |record| record.request.0),
            column(&records, |record| record.action.as_str()),
            column(&records, |record| {
                one_after_the_other(record.subjects.iter().filter_map(|subject| subject.kind_and_id().1))
            }),
            column(&records, |record| one_after_the_other(record.transactions.iter().map(|row| row.0))),
        ];
        self.write(INSERT_OUTBOX, columns);
    }

    /// The card that a subject is or belongs to.
    fn card_of(&self, subject: Subject) -> Result<Option<CardUuid>, Fault> {
        Ok(match subject {
            Subject::Card(card) => Some(card),
            Subject::Token(token) => Some(decided(self.changes.world.tokens.get(&token))?.card),
            Subject::Batch(_) | Subject::Client(_) | Subject::Grant(_) | Subject::Account => None,
        })
    }
}
