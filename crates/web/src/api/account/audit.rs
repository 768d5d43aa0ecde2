//! `GET …/audit`: who did what.

use std::sync::Arc;

use axum::extract::State;
use domain::{Action, CardId, ClientUuid, Note, RequestId, Subject, Timestamp};
use service::{AuditFilter, AuditPage, AuditPlace, AuditQuery, AuditRecord, AuditSource, ReadAccounts};
use utoipa::openapi::schema::ObjectBuilder;
use uuid::Uuid;

use crate::api::Api;
use crate::api::access::Access;
use crate::api::body::Query;
use crate::api::error::ApiError;
use crate::api::examples;
use crate::api::frame::Reply;
use crate::api::operation::Operation;
use crate::api::transactions::{TransactionOut, by_whom};
use crate::api::wire::{ByWhom, Flaw, Limit, Text, answer, query, text_leaf};

const LIMIT: u32 = 10;

/// Records that are looked at for one page, so that a rare filter does not hold a reader for long.
const LOOKS_MAX: u32 = 20_000;

/// A record in a list, by experience.
const RECORD_BYTES: usize = 768;

query! {
    /// Which records, and from where on.
    pub(crate) struct ListQuery {
        /// The most to answer with; 10 unless told otherwise.
        limit: Limit,
        /// Only records after this place: what the page before answered as `starting_after`.
        starting_after: AuditPlace,
        /// Only what did this.
        action: Action,
        /// Only what this client did.
        created_by: ClientUuid,
        /// Only what was done to this card.
        card_id: CardId,
        /// Only what was done at this time or later.
        from as "created_at.gte": Timestamp,
        /// Only what was done before this time.
        before as "created_at.lt": Timestamp,
    }
}

answer! {
    /// To what something was done.
    pub(crate) struct SubjectOut as "AuditSubject" {
        /// `card`, `batch`, `token`, `client`, `grant` or `account`.
        kind as "type": &'static str,
        /// Its id; the account itself has none here.
        id: Option<Uuid>,
    }
}

answer! {
    /// Something that was done.
    pub(crate) struct RecordOut<'a> as "AuditRecord" {
        /// When it was done.
        created_at: Timestamp,
        /// The client that did it, or `operator`; absent where a lock ran out by itself.
        created_by: Option<ByWhom>,
        /// The request it was done in, as `X-Request-Id` named it.
        request_id: RequestId,
        /// What was done.
        action: Action,
        /// To what.
        subject: SubjectOut,
        /// The card, where it was done to one.
        card_id: Option<&'a CardId>,
        /// Why, where whoever did it had to say.
        note: Option<&'a Note>,
        /// The change of money, where it was one.
        transaction: Option<TransactionOut<'a>>,
    }
}

answer! {
    /// A page of the audit.
    pub(crate) struct PageOut<'a> as "AuditPage" {
        /// The records, newest first.
        audit: Vec<RecordOut<'a>>,
        /// Where the next page begins; absent on the last one.
        starting_after: Option<AuditPlace>,
    }
}

pub(crate) fn operation() -> Operation {
    Operation::get("/v1/accounts/{aid}/audit", handle)
        .named(
            "listAudit",
            "account",
            "List what was done",
            "Every change by whoever made it, newest first: a change of money with its transaction, anything else as a \
             line of its own; what is both, as an activation, is listed as both. On a test account with a moved clock \
             lines have the server's time, transactions the account's. An `expired` row, dated with the end of its \
             lock, may appear a minute later, or longer after a stop of the server. A page may hold fewer than `limit` \
             and still not be the last: ask for the next one while there is a `starting_after`.",
        )
        .permitted::<ReadAccounts>()
        .query::<ListQuery>()
        .answers::<PageOut>(examples::audit())
        .stored()
}

text_leaf!(AuditPlace);

/// The time in milliseconds, then the kind of source with its id.
impl Text for AuditPlace {
    fn parse(text: &str) -> Result<Self, Flaw> {
        place(text).ok_or_else(|| Flaw::new("must be what a page answered as starting_after"))
    }

    fn describe(object: ObjectBuilder) -> ObjectBuilder {
        object.pattern(Some("^[0-9]+-(e[0-9]+|t[0-9a-f-]{36})$"))
    }
}

fn place(text: &str) -> Option<AuditPlace> {
    let (at, source) = text.split_once('-')?;
    let at = Timestamp::try_from(at.parse::<i64>().ok()?).ok()?;
    let source = match source.split_at_checked(1)? {
        ("e", number) => AuditSource::Entry(number.parse().ok()?),
        ("t", id) => AuditSource::Transaction(Uuid::try_parse(id).ok()?.into()),
        _ => return None,
    };
    Some(AuditPlace { at, source })
}

impl crate::api::wire::Answer for AuditPlace {
    fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let at = self.at.unix_ms();
        match self.source {
            AuditSource::Entry(number) => to.collect_str(&format_args!("{at}-e{number}")),
            AuditSource::Transaction(id) => to.collect_str(&format_args!("{at}-t{id}")),
        }
    }
}

async fn handle(
    State(api): State<Arc<Api>>,
    Access(permit): Access<ReadAccounts>,
    Query(query): Query<ListQuery>,
) -> Result<Reply, ApiError> {
    let query = AuditQuery {
        limit: query.limit.map_or(LIMIT, |Limit(limit)| limit),
        looks_max: LOOKS_MAX,
        starting_after: query.starting_after,
        filter: AuditFilter {
            action: query.action,
            client: query.created_by,
            card_id: query.card_id,
            from: query.from,
            before: query.before,
        },
    };
    let page = api.service.audit(&permit, &query).await?;
    Reply::with_room(&PageOut::from(&page), page.records.len() * RECORD_BYTES)
}

impl<'a> From<&'a AuditPage> for PageOut<'a> {
    fn from(page: &'a AuditPage) -> Self {
        Self { audit: page.records.iter().map(RecordOut::from).collect(), starting_after: page.next }
    }
}

impl<'a> From<&'a AuditRecord> for RecordOut<'a> {
    fn from(record: &'a AuditRecord) -> Self {
        match record {
            AuditRecord::Entry { entry, card_id } => Self {
                created_at: entry.at,
                created_by: Some(ByWhom(entry.client)),
                request_id: entry.request,
                action: entry.action,
                subject: entry.subject.into(),
                card_id: card_id.as_ref(),
                note: entry.note.as_ref(),
                transaction: None,
            },
            AuditRecord::Transaction(row) => Self {
                created_at: row.transaction.created_at,
                created_by: by_whom(&row.transaction),
                request_id: row.transaction.request,
                action: row.transaction.asked.operation,
                subject: Subject::Card(row.transaction.card).into(),
                card_id: Some(&row.card_id),
                note: row.transaction.note.as_ref(),
                transaction: Some(TransactionOut::from(&**row)),
            },
        }
    }
}

impl From<Subject> for SubjectOut {
    fn from(subject: Subject) -> Self {
        let (kind, id) = subject.kind_and_id();
        Self { kind, id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::wire::Out;

    #[test]
    fn places_read_back_as_they_were_written() {
        let at = Timestamp::try_from(1_800_000_000_123).expect("a time");
        for source in [AuditSource::Entry(17), AuditSource::Transaction(Uuid::from_u128(7).into())] {
            let place = AuditPlace { at, source };
            let written = serde_json::to_value(Out(&place)).expect("JSON");
            assert_eq!(AuditPlace::parse(written.as_str().expect("a text")).ok(), Some(place));
        }
        for bad in ["", "1", "1-", "1-x1", "x-e1", "1-e", "1-t1", "-1-e1", "1-é"] {
            assert!(AuditPlace::parse(bad).is_err(), "{bad}");
        }
    }
}
