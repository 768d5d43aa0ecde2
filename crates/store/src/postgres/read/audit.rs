//! What was done in an account: lines of the audit and money rows, merged, newest first.

use std::collections::{HashMap, VecDeque};

use deadpool_postgres::ClientWrapper;
use domain::{Aid, CardId, CardUuid};
use tokio_postgres::Row;
use uuid::Uuid;

use super::newest::{Newest, Place, TOP, Wanted};
use super::{Behind, Prepared as _, Values, transactions};
use crate::postgres::fault::Fault;
use crate::rows::{self, Fields, select};
use crate::{AuditPage, AuditPlace, AuditQuery, AuditRecord, AuditSource, CardTransaction};

/// Where a line stands, and whether it is one of those asked for.
macro_rules! look {
    ($rest:literal) => {
        concat!(
            "SELECT at, place, (($2::TEXT IS NULL OR action = $2) AND ($3::UUID IS NULL OR client = $3)) IS TRUE \
             AS fits FROM audit WHERE aid = $1 AND (at, place) < ($4, $5) AND at >= $6 ",
            $rest,
            "ORDER BY at DESC, place DESC LIMIT $7"
        )
    };
}

pub const BY_TIME: &str = look!("");

pub const OF_CARD: &str = look!("AND card = $8 ");

/// Lines by their numbers, each with the client's id of its card behind it.
pub const BY_PLACES: &str = concat!(
    "SELECT found.*, (SELECT card_id FROM card WHERE aid = $1 AND uuid = found.card) AS card_id FROM (",
    select!(audit "WHERE aid = $1 AND place = ANY($2)"),
    ") AS found"
);

/// The most places read ahead at once.
const READ_AHEAD_MAX: i64 = 4_096;

/// A page of what was done, newest first.
pub async fn page(client: &ClientWrapper, aid: Aid, query: &AuditQuery) -> Result<AuditPage, Fault> {
    let (found, next) = match Merged::new(client, aid, query).await? {
        Some(merged) => look(merged, query).await?,
        None => (Vec::new(), None),
    };
    Ok(AuditPage { records: records(client, aid, found).await?, next })
}

/// Looks at records until the page is full and one more was found, or enough were looked at. Answers with those that
/// fit, and with where the next page begins.
async fn look(
    mut merged: Merged<'_>,
    query: &AuditQuery,
) -> Result<(Vec<AuditSource>, Option<AuditPlace>), Fault> {
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let (mut found, mut last) = (Vec::new(), None);
    for _ in 0..query.looks_max.max(1) {
        let Some((place, fits)) = merged.next().await? else {
            return Ok((found, None));
        };
        if fits {
            // One more than asked for tells that this page is not the last.
            if found.len() == limit {
                return Ok((found, last));
            }
            found.push(place.source);
        }
        last = Some(place);
    }
    let next = if merged.is_over().await? { None } else { last };
    Ok((found, next))
}

/// What is told of records by where they are kept.
async fn records(
    client: &ClientWrapper,
    aid: Aid,
    found: Vec<AuditSource>,
) -> Result<Vec<AuditRecord>, Fault> {
    let (mut places, mut ids) = (Vec::new(), Vec::new());
    for source in &found {
        match source {
            AuditSource::Entry(place) => places.push(*place),
            AuditSource::Transaction(id) => ids.push(id.0),
        }
    }
    let (mut lines, mut rows) =
        tokio::try_join!(by_places(client, aid, &places), transactions::by_ids(client, aid, &ids))?;
    let gone = || Fault::Damaged("audit.place".to_owned());
    let record = |source| match source {
        AuditSource::Entry(place) => lines.remove(&place).ok_or_else(gone),
        AuditSource::Transaction(id) => {
            let row: CardTransaction = rows.remove(&id).ok_or_else(transactions::gone)?;
            Ok(AuditRecord::Transaction(Box::new(row)))
        }
    };
    found.into_iter().map(record).collect()
}

async fn by_places(
    client: &ClientWrapper,
    aid: Aid,
    places: &[i64],
) -> Result<HashMap<i64, AuditRecord>, Fault> {
    if places.is_empty() {
        return Ok(HashMap::new());
    }
    let found = client.all(BY_PLACES, &[&aid.as_str(), &places]).await?;
    found.iter().map(entry).collect()
}

fn entry(row: &Row) -> Result<(i64, AuditRecord), Fault> {
    let line = rows::audit_line(row)?;
    let behind = Behind::column(row, "card");
    let card_id: Option<CardId> = match line.card {
        Some(_) => Some(Fields::new(&behind, "card").parsed()?),
        None => None,
    };
    Ok((line.place, AuditRecord::Entry { entry: line.entry, card_id }))
}

/// Lines and money rows in one order.
struct Merged<'q> {
    lines: Lines<'q>,
    rows: Newest<'q>,
}

impl<'q> Merged<'q> {
    /// None where the card that is asked for does not exist.
    async fn new(client: &'q ClientWrapper, aid: Aid, query: &'q AuditQuery) -> Result<Option<Self>, Fault> {
        let filter = &query.filter;
        let card = match &filter.card_id {
            None => None,
            Some(card_id) => match transactions::card(client, aid, card_id).await? {
                None => return Ok(None),
                found => found,
            },
        };
        let wanted = Wanted {
            operation: filter.action.map(|action| action.as_str()),
            client: filter.client,
            ..Wanted::default()
        };
        let from = filter.from.map_or(i64::MIN, |from| from.unix_ms());
        let ahead = i64::from(query.limit.min(query.looks_max)) + 1;
        let (lines_below, rows_below) = below(query);
        let rows = Newest::of_account((client, aid), wanted, rows_below, from, ahead);
        let rows = match card {
            None => rows,
            Some(card) => rows.on_card(card).await?,
        };
        let (ready, is_over) = (VecDeque::new(), false);
        let lines = Lines { client, aid, wanted, card, below: lines_below, from, ahead, ready, is_over };
        Ok(Some(Self { lines, rows }))
    }

    async fn next(&mut self) -> Result<Option<(AuditPlace, bool)>, Fault> {
        let (line, row) = self.heads().await?;
        if line >= row {
            let taken = self.lines.ready.pop_front();
            return Ok(line.zip(taken.map(|line| line.fits)));
        }
        let taken = self.rows.next().await?;
        Ok(row.zip(taken.map(|row| row.fits)))
    }

    async fn is_over(&mut self) -> Result<bool, Fault> {
        Ok(self.heads().await? == (None, None))
    }

    /// Where the next of each kind stands.
    async fn heads(&mut self) -> Result<(Option<AuditPlace>, Option<AuditPlace>), Fault> {
        let (line, row) = tokio::try_join!(self.lines.head(), self.rows.head())?;
        let row = row.map(|row| place(row.at, AuditSource::Transaction(row.id))).transpose()?;
        Ok((line, row))
    }
}

fn place(at: i64, source: AuditSource) -> Result<AuditPlace, Fault> {
    let at = at.try_into().map_err(|_| Fault::Damaged("audit.at".to_owned()))?;
    Ok(AuditPlace { at, source })
}

/// The places below which a page begins: among the lines, and among the rows, which stand above the lines of their
/// millisecond.
fn below(query: &AuditQuery) -> ((i64, i64), Place) {
    let before = query.filter.before.map_or(i64::MAX, |before| before.unix_ms());
    let (line, row) = match query.starting_after {
        None => ((i64::MAX, i64::MAX), TOP),
        Some(AuditPlace { at, source: AuditSource::Entry(place) }) => {
            ((at.unix_ms(), place), (at.unix_ms(), Uuid::nil()))
        }
        Some(AuditPlace { at, source: AuditSource::Transaction(id) }) => {
            ((at.unix_ms(), i64::MAX), (at.unix_ms(), id.0))
        }
    };
    (line.min((before, i64::MIN)), row.min((before, Uuid::nil())))
}

/// A line that was looked at.
struct Looked {
    at: i64,
    place: i64,
    fits: bool,
}

/// Places of lines below another one by one, newest first, read ahead as those of money rows are.
struct Lines<'q> {
    client: &'q ClientWrapper,
    aid: Aid,
    wanted: Wanted<'q>,
    card: Option<CardUuid>,
    below: (i64, i64),
    from: i64,
    ahead: i64,
    ready: VecDeque<Looked>,
    is_over: bool,
}

impl Lines<'_> {
    /// Where the next one stands.
    async fn head(&mut self) -> Result<Option<AuditPlace>, Fault> {
        if self.ready.is_empty() && !self.is_over {
            self.read().await?;
            self.ahead = (self.ahead * 4).min(READ_AHEAD_MAX.max(self.ahead));
        }
        self.ready.front().map(|line| place(line.at, AuditSource::Entry(line.place))).transpose()
    }

    async fn read(&mut self) -> Result<(), Fault> {
        let ((at, place), aid) = (self.below, self.aid.as_str());
        let (action, by) = (self.wanted.operation, self.wanted.client.map(|client| client.0));
        let values: Values<'_> = &[&aid, &action, &by, &at, &place, &self.from, &self.ahead];
        let found = match self.card {
            None => self.client.all(BY_TIME, values).await?,
            Some(card) => self.client.all(OF_CARD, &[values, &[&card.0]].concat()).await?,
        };
        self.is_over = i64::try_from(found.len()).unwrap_or(i64::MAX) < self.ahead;
        for row in &found {
            let mut row = Fields::new(row, "audit");
            let line = Looked { at: row.integer()?, place: row.integer()?, fits: row.flag()? };
            self.below = (line.at, line.place);
            self.ready.push_back(line);
        }
        Ok(())
    }
}
