//! What is on no card: what was given back, kept answers, what was told and done, batches and closed days.

use std::collections::HashSet;

use domain::{Action, Aid, Operation, Timestamp, TransactionType};
use uuid::Uuid;

use super::card::key_of;
use super::finding::{Checked, Verified, must, same};
use crate::Error;
use crate::rows::{Columns, Fields, Value};
use crate::snapshots::{Param, Snapshots};

/// The length of a nonce and a tag: nothing sealed is shorter.
const SEALED_MIN: usize = 28;

/// By the drawdown that money was given back of, or where there is none, by what stands in its place.
const REFUNDS: &str = "SELECT refund.parent, refund.given_back, drawn.type, drawn.amount, \
    (SELECT card_id FROM card WHERE card.aid = $1 AND card.uuid = coalesce(drawn.card, \
    (SELECT r.card FROM card_transaction AS r WHERE r.aid = $1 AND r.parent = refund.parent LIMIT 1))) \
    FROM (SELECT parent, CAST(sum(amount) AS BIGINT) AS given_back FROM card_transaction \
    WHERE aid = $1 AND parent IS NOT NULL AND parent > $2 AND type = 'fund' \
    GROUP BY parent ORDER BY parent LIMIT $3) AS refund \
    LEFT JOIN card_transaction AS drawn ON drawn.aid = $1 AND drawn.id = refund.parent ORDER BY refund.parent";

const REPLAYS: &str = "SELECT client, operation, mac, key_version, created_at, request_mac, \
    request_key_version, sealed, EXISTS (SELECT 1 FROM api_client WHERE api_client.aid = idempotency.aid \
    AND uuid = client) FROM idempotency WHERE aid = $1 AND (client, operation, mac) > ($2, $3, $4) \
    ORDER BY client, operation, mac LIMIT $5";

const OUTBOX: &str = "SELECT place, at, client, request, action, subjects, transactions FROM outbox \
    WHERE aid = $1 AND place > $2 ORDER BY place LIMIT $3";

const AUDIT: &str = "SELECT place, at, client, request, action FROM audit WHERE aid = $1 AND place > $2 \
    ORDER BY place LIMIT $3";

const BATCHES: &str = "SELECT id, cards, currency, \
    (SELECT count(*) FROM card WHERE card.aid = batch.aid AND card.batch = batch.id) \
    FROM batch WHERE aid = $1 AND id > $2 ORDER BY id LIMIT $3";

const DAYS: &str = "SELECT day FROM day_closed WHERE aid = $1 AND day > $2 ORDER BY day LIMIT $3";

/// Rows read at once; a kept answer may be as large as a batch, and a batch's cards are counted.
const MANY: i64 = 1_000;
const FEW: i64 = 50;

/// Something that is gone through record by record.
pub trait Records {
    /// Checks the next records; answers whether there may be more. It goes on behind one that is wrong.
    fn check_next(
        &mut self,
        source: &mut impl Snapshots,
        aid: Aid,
        verified: &mut Verified,
    ) -> Result<bool, Error>;
}

/// Checks each row of a statement, whose last parameter is how many there are at most; answers whether there may be
/// more.
fn each(
    source: &mut impl Snapshots,
    aid: Aid,
    (sql, after, limit): (&str, &[Param<'_>], i64),
    verified: &mut Verified,
    mut check: impl FnMut(&dyn Columns) -> Checked,
) -> Result<bool, Error> {
    let mut params = vec![Param::Text(aid.as_str())];
    params.extend(after);
    params.push(Param::Integer(limit));
    let mut rows = 0;
    source.each(sql, &params, &mut |row| {
        rows += 1;
        if let Err(finding) = check(row) {
            verified.tell(aid, None, finding);
        }
    })?;
    Ok(rows == limit)
}

fn text_of(row: &dyn Columns, place: usize) -> String {
    if let Some(Value::Text(text)) = row.value(place) { text.to_owned() } else { String::new() }
}

/// What is given back is given back of a drawdown, and never more than was drawn.
#[derive(Default)]
pub struct Refunds {
    after: Vec<u8>,
}

impl Records for Refunds {
    fn check_next(
        &mut self,
        source: &mut impl Snapshots,
        aid: Aid,
        verified: &mut Verified,
    ) -> Result<bool, Error> {
        let after = std::mem::take(&mut self.after);
        let params = [Param::Text(aid.as_str()), Param::Id(&after), Param::Integer(MANY)];
        let mut rows = 0;
        source.each(REFUNDS, &params, &mut |row| {
            rows += 1;
            self.after = key_of(row, 0).to_vec();
            if let Err(finding) = check_refund(row) {
                verified.tell(aid, Some(&text_of(row, 4)), finding);
            }
        })?;
        Ok(rows == MANY)
    }
}

fn check_refund(row: &dyn Columns) -> Checked {
    let mut row = Fields::new(row, "card_transaction");
    row.bytes()?;
    let given_back = row.integer()?;
    let (kind, drawn) = (row.text_or_none()?.unwrap_or("nothing"), row.integer_or_none()?.unwrap_or(0));
    same("parent of a refund", TransactionType::Drawdown.as_str(), kind)?;
    must("what was given back of a drawdown", given_back <= drawn, format!("at most {drawn}"), given_back)
}

/// Kept answers.
#[derive(Default)]
pub struct Replays {
    after: (Vec<u8>, String, Vec<u8>),
}

impl Records for Replays {
    fn check_next(
        &mut self,
        source: &mut impl Snapshots,
        aid: Aid,
        verified: &mut Verified,
    ) -> Result<bool, Error> {
        let (client, operation, mac) = std::mem::take(&mut self.after);
        let after = [Param::Id(&client), Param::Text(&operation), Param::Bytes(&mac)];
        each(source, aid, (REPLAYS, &after, FEW), verified, |row| {
            self.after = (key_of(row, 0).to_vec(), text_of(row, 1), key_of(row, 2).to_vec());
            check_replay(row)
        })
    }
}

fn check_replay(row: &dyn Columns) -> Checked {
    let mut row = Fields::new(row, "idempotency");
    row.id::<Uuid>()?;
    row.word(Operation::from_word)?;
    row.mac()?;
    row.number::<u16>()?;
    row.time()?;
    row.mac()?;
    row.number::<u16>()?;
    let length = row.bytes()?.len();
    let expected = format!("{SEALED_MIN} bytes or more");
    must("length of a kept answer", length >= SEALED_MIN, expected, length)?;
    must("client of a kept answer", row.flag()?, "a client", "none")
}

/// Places that ascend, and follow on each other where the database counts them without gaps.
struct Places {
    what: &'static str,
    after: i64,
    are_gapless: bool,
}

impl Places {
    fn check(&mut self, place: i64) -> Checked {
        let expected = self.after + 1;
        self.after = place;
        if self.are_gapless { same(self.what, expected, place) } else { Ok(()) }
    }
}

/// What is to be told.
pub struct Outbox(Places);

impl Outbox {
    /// From the first place on.
    pub fn new(are_gapless: bool) -> Self {
        Self(Places { what: "place in the outbox", after: 0, are_gapless })
    }
}

impl Records for Outbox {
    fn check_next(
        &mut self,
        source: &mut impl Snapshots,
        aid: Aid,
        verified: &mut Verified,
    ) -> Result<bool, Error> {
        let Self(places) = self;
        let (after, mut named) = ([Param::Integer(places.after)], Vec::new());
        let more = each(source, aid, (OUTBOX, &after, MANY), verified, |row| {
            let ids = check_told(row, places)?;
            named.push(ids);
            Ok(())
        })?;
        let mut ids: Vec<Uuid> = named.iter().flatten().copied().collect();
        // Neighbours lie on the same pages.
        ids.sort_unstable();
        let missing: HashSet<Uuid> = source.missing_transactions(aid, &ids)?;
        for ids in named {
            let are_there = missing.is_empty() || ids.iter().all(|id| !missing.contains(id));
            let checked = must("transaction that the outbox names", are_there, "a transaction", "none");
            if let Err(finding) = checked {
                verified.tell(aid, None, finding);
            }
        }
        Ok(more)
    }
}

/// Answers the transactions that a row names.
fn check_told(row: &dyn Columns, places: &mut Places) -> Checked<Vec<Uuid>> {
    let mut row = Fields::new(row, "outbox");
    places.check(row.integer()?)?;
    check_deed(&mut row)?;
    let (subjects, transactions) = (row.bytes()?, row.bytes()?);
    same("length of an id in the outbox", 0, subjects.len() % 16)?;
    same("length of an id in the outbox", 0, transactions.len() % 16)?;
    let (ids, _) = transactions.as_chunks::<16>();
    Ok(ids.iter().copied().map(Uuid::from_bytes).collect())
}

/// What was done.
pub struct Audit(Places);

impl Audit {
    /// From the first place on.
    pub fn new(are_gapless: bool) -> Self {
        Self(Places { what: "place in the audit", after: 0, are_gapless })
    }
}

impl Records for Audit {
    fn check_next(
        &mut self,
        source: &mut impl Snapshots,
        aid: Aid,
        verified: &mut Verified,
    ) -> Result<bool, Error> {
        let Self(places) = self;
        let after = [Param::Integer(places.after)];
        each(source, aid, (AUDIT, &after, MANY), verified, |row| {
            let mut row = Fields::new(row, "audit");
            places.check(row.integer()?)?;
            check_deed(&mut row)
        })
    }
}

fn check_deed(row: &mut Fields<'_>) -> Checked {
    let _at: Timestamp = row.time()?;
    row.id_or_none::<Uuid>()?;
    row.id::<Uuid>()?;
    row.word(Action::from_word)?;
    Ok(())
}

/// Batches, and how many cards each has.
#[derive(Default)]
pub struct Batches {
    after: Vec<u8>,
}

impl Records for Batches {
    fn check_next(
        &mut self,
        source: &mut impl Snapshots,
        aid: Aid,
        verified: &mut Verified,
    ) -> Result<bool, Error> {
        let after = std::mem::take(&mut self.after);
        each(source, aid, (BATCHES, &[Param::Id(&after)], FEW), verified, |row| {
            self.after = key_of(row, 0).to_vec();
            let mut row = Fields::new(row, "batch");
            row.id::<Uuid>()?;
            let cards = row.integer()?;
            row.currency()?;
            same("number of cards of a batch", cards, row.integer()?)
        })
    }
}

/// Days that were closed, one after the other.
#[derive(Default)]
pub struct Days {
    after: Option<i64>,
}

impl Records for Days {
    fn check_next(
        &mut self,
        source: &mut impl Snapshots,
        aid: Aid,
        verified: &mut Verified,
    ) -> Result<bool, Error> {
        let after = [Param::Integer(self.after.unwrap_or(i64::MIN))];
        each(source, aid, (DAYS, &after, MANY), verified, |row| {
            let day = Fields::new(row, "day_closed").integer()?;
            let expected = self.after.map_or(day, |before| before + 1);
            self.after = Some(day);
            same("day that was closed", expected, day)
        })
    }
}
