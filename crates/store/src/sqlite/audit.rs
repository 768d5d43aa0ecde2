//! What was done in an account: lines of the audit and money rows, merged, newest first.

use std::collections::VecDeque;

use domain::{Aid, CardUuid};
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::load;
use super::transactions::{self, Newest, Place};
use crate::rows::{self, AuditLine, select};
use crate::{AuditFilter, AuditPage, AuditPlace, AuditQuery, AuditRecord, AuditSource};

pub const BY_TIME: &str = select!(audit "WHERE aid = ?1 AND (at, place) < (?2, ?3) AND at >= ?4
    ORDER BY at DESC, place DESC LIMIT ?5");

pub const OF_CARD: &str = select!(audit "WHERE aid = ?1 AND (at, place) < (?2, ?3) AND at >= ?4 AND card = ?6
    ORDER BY at DESC, place DESC LIMIT ?5");

/// Lines read ahead at once.
const READ_AHEAD: usize = 128;

/// A page of what was done, newest first.
pub fn page(conn: &Connection, aid: Aid, query: &AuditQuery) -> Result<AuditPage, Fault> {
    let mut records = Vec::new();
    let Some(mut merged) = Merged::new(conn, aid, query)? else {
        return Ok(AuditPage { records, next: None });
    };
    let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
    let mut last = None;
    for _ in 0..query.looks_max.max(1) {
        let Some((place, found)) = merged.next()? else {
            return Ok(AuditPage { records, next: None });
        };
        if found.fits(&query.filter) {
            // One more than asked for tells that this page is not the last.
            if records.len() == limit {
                return Ok(AuditPage { records, next: last });
            }
            records.push(found.into_record(conn, aid)?);
        }
        last = Some(place);
    }
    let next = if merged.is_over()? { None } else { last };
    Ok(AuditPage { records, next })
}

/// One of either kind.
enum Found {
    Line(AuditLine),
    Transaction(Box<domain::Transaction>),
}

impl Found {
    fn fits(&self, filter: &AuditFilter) -> bool {
        let (action, client) = match self {
            Self::Line(line) => (line.entry.action, line.entry.client),
            Self::Transaction(row) => (row.asked.operation, row.created_by),
        };
        filter.action.is_none_or(|wanted| action == wanted)
            && filter.client.is_none_or(|wanted| client == Some(wanted))
    }

    fn into_record(self, conn: &Connection, aid: Aid) -> Result<AuditRecord, Fault> {
        Ok(match self {
            Self::Line(AuditLine { entry, card, .. }) => {
                let card_id = card.map(|card| transactions::card_id(conn, aid, card)).transpose()?;
                AuditRecord::Entry { entry, card_id }
            }
            Self::Transaction(row) => {
                AuditRecord::Transaction(Box::new(transactions::named(conn, aid, *row)?))
            }
        })
    }
}

/// Lines and rows in one order.
struct Merged<'c> {
    lines: Lines<'c>,
    rows: Newest<'c>,
}

impl<'c> Merged<'c> {
    /// None where the card that is asked for does not exist.
    fn new(conn: &'c Connection, aid: Aid, query: &AuditQuery) -> Result<Option<Self>, Fault> {
        let card = match &query.filter.card_id {
            None => None,
            Some(card_id) => match transactions::card(conn, aid, card_id)? {
                None => return Ok(None),
                found => found,
            },
        };
        let from = query.filter.from.map_or(i64::MIN, |from| from.unix_ms());
        let (lines_below, rows_below) = below(query);
        let rows = match card {
            None => Newest::of_account(conn, aid, rows_below, from),
            Some(card) => Newest::of_card(conn, aid, card, rows_below, from)?,
        };
        let ready = VecDeque::new();
        let lines = Lines { conn, aid, card, below: lines_below, from, ready, is_over: false };
        Ok(Some(Self { lines, rows }))
    }

    fn next(&mut self) -> Result<Option<(AuditPlace, Found)>, Fault> {
        let line = self.lines.head()?;
        let row = self
            .rows
            .head()?
            .map(|row| AuditPlace { at: row.created_at, source: AuditSource::Transaction(row.id) });
        if line >= row {
            let taken = self.lines.ready.pop_front();
            return Ok(line.zip(taken.map(Found::Line)));
        }
        let taken = self.rows.next()?;
        Ok(row.zip(taken.map(|row| Found::Transaction(Box::new(row)))))
    }

    fn is_over(&mut self) -> Result<bool, Fault> {
        Ok(self.lines.head()?.is_none() && self.rows.head()?.is_none())
    }
}

/// The places below which a page begins: among the lines, and among the rows, which stand above the lines of their
/// millisecond.
fn below(query: &AuditQuery) -> ((i64, i64), Place) {
    let before = query.filter.before.map_or(i64::MAX, |before| before.unix_ms());
    let (line, row) = match query.starting_after {
        None => ((i64::MAX, i64::MAX), transactions::TOP),
        Some(AuditPlace { at, source: AuditSource::Entry(place) }) => {
            ((at.unix_ms(), place), (at.unix_ms(), Vec::new()))
        }
        Some(AuditPlace { at, source: AuditSource::Transaction(id) }) => {
            ((at.unix_ms(), i64::MAX), (at.unix_ms(), id.0.as_bytes().to_vec()))
        }
    };
    (line.min((before, i64::MIN)), row.min((before, Vec::new())))
}

/// Lines below a place one by one, newest first, read ahead a few at a time.
struct Lines<'c> {
    conn: &'c Connection,
    aid: Aid,
    card: Option<CardUuid>,
    below: (i64, i64),
    from: i64,
    ready: VecDeque<AuditLine>,
    is_over: bool,
}

impl Lines<'_> {
    /// Where the next one stands.
    fn head(&mut self) -> Result<Option<AuditPlace>, Fault> {
        if self.ready.is_empty() && !self.is_over {
            self.read()?;
        }
        let place =
            |line: &AuditLine| AuditPlace { at: line.entry.at, source: AuditSource::Entry(line.place) };
        Ok(self.ready.front().map(place))
    }

    fn read(&mut self) -> Result<(), Fault> {
        let ((at, place), most) = (self.below, i64::try_from(READ_AHEAD).unwrap_or(i64::MAX));
        let aid = self.aid.as_str();
        let read = match self.card {
            None => {
                let params = params![aid, at, place, self.from, most];
                load::all(&mut self.conn.prepare_cached(BY_TIME)?, params, rows::audit_line)?
            }
            Some(card) => {
                let params = params![aid, at, place, self.from, most, card.0.as_bytes()];
                load::all(&mut self.conn.prepare_cached(OF_CARD)?, params, rows::audit_line)?
            }
        };
        self.is_over = read.len() < READ_AHEAD;
        if let Some(last) = read.last() {
            self.below = (last.entry.at.unix_ms(), last.place);
        }
        self.ready.extend(read);
        Ok(())
    }
}
