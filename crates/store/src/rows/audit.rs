//! What tells of changes: lines of the audit, changes of status, the outbox.

use domain::{Action, AuditEntry, CardEvent, CardUuid, Subject, Timestamp};
use uuid::Uuid;

use super::{Columns, Damaged, Fields};

/// A line of the audit as it is kept.
pub struct AuditLine {
    /// Its number.
    pub place: i64,
    /// What it tells.
    pub entry: AuditEntry,
    /// The card it is about, where it is about one.
    pub card: Option<CardUuid>,
}

pub fn audit_line(row: &dyn Columns) -> Result<AuditLine, Damaged> {
    let mut row = Fields::new(row, "audit");
    let (place, at, client, request) = (row.integer()?, row.time()?, row.id_or_none()?, row.id()?);
    let action = row.word(Action::from_word)?;
    let word = row.text()?;
    let id = row.id_or_none::<Uuid>()?;
    let subject = subject(word, id).ok_or_else(|| Damaged("audit.subject".to_owned()))?;
    let note = row.parsed_or_none()?;
    let entry = AuditEntry { at, client, request, action, subject, note };
    Ok(AuditLine { place, entry, card: row.id_or_none()? })
}

fn subject(word: &str, id: Option<Uuid>) -> Option<Subject> {
    match (word, id) {
        ("card", Some(id)) => Some(Subject::Card(id.into())),
        ("batch", Some(id)) => Some(Subject::Batch(id.into())),
        ("token", Some(id)) => Some(Subject::Token(id.into())),
        ("client", Some(id)) => Some(Subject::Client(id.into())),
        ("grant", Some(id)) => Some(Subject::Grant(id.into())),
        ("account", None) => Some(Subject::Account),
        _ => None,
    }
}

/// How a change of a card's status is written: its kind, and the last day before and after it.
pub fn event_columns(event: CardEvent) -> (&'static str, Option<Timestamp>, Option<Timestamp>) {
    match event {
        CardEvent::Activated => ("activated", None, None),
        CardEvent::Blocked => ("blocked", None, None),
        CardEvent::Unblocked => ("unblocked", None, None),
        CardEvent::Deleted => ("deleted", None, None),
        CardEvent::ExpiresAt { before, after } => ("expires_at", before, after),
    }
}

/// Ids as one value.
pub fn one_after_the_other(ids: impl Iterator<Item = Uuid>) -> Vec<u8> {
    ids.flat_map(Uuid::into_bytes).collect()
}
