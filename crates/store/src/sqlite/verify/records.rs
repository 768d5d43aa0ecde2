//! What is on no card: rows that refer to one that is not there, kept answers, and what was told and done.

use domain::{Action, Aid, Operation, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::finding::{Checked, must, same};
use crate::rows::Fields;
use crate::sqlite::fault::Fault;

/// Tables whose rows belong to a card.
pub const OF_CARDS: [&str; 5] = ["card_transaction", "card_token", "card_lock", "pin_tries", "status_change"];

/// The length of a nonce and a tag: nothing sealed is shorter.
const SEALED_MIN: usize = 28;

const TRANSACTION: &str = "SELECT 1 FROM card_transaction WHERE aid = ?1 AND id = ?2";

const REPLAYS: &str = "SELECT client, operation, mac, key_version, created_at, request_mac, \
    request_key_version, sealed, EXISTS (SELECT 1 FROM api_client WHERE api_client.aid = idempotency.aid \
    AND uuid = client) FROM idempotency WHERE aid = ?1 AND (client, operation, mac) > (?2, ?3, ?4) \
    ORDER BY client, operation, mac LIMIT 1";

const OUTBOX: &str = "SELECT place, at, client, request, action, subjects, transactions FROM outbox \
    WHERE aid = ?1 AND place > ?2 ORDER BY place LIMIT 1";

const AUDIT: &str = "SELECT place, at, client, request, action FROM audit WHERE aid = ?1 AND place > ?2 \
    ORDER BY place LIMIT 1";

const BATCHES: &str = "SELECT id, cards, currency, \
    (SELECT count(*) FROM card WHERE card.aid = batch.aid AND card.batch = batch.id) \
    FROM batch WHERE aid = ?1 AND id > ?2 ORDER BY id LIMIT 1";

const DAYS: &str = "SELECT day FROM day_closed WHERE aid = ?1 AND day > ?2 ORDER BY day LIMIT 1";

/// Something that is gone through record by record.
pub trait Records {
    /// Checks the next record; answers whether there was one. It goes on behind one that is wrong.
    fn check_next(&mut self, conn: &Connection, aid: Aid) -> Checked<bool>;
}

/// Rows of a table whose card is not there.
pub struct Strays {
    sql: String,
    table: &'static str,
    after: Vec<u8>,
}

impl Strays {
    pub fn of(table: &'static str) -> Self {
        let sql = format!(
            "SELECT card, EXISTS (SELECT 1 FROM card WHERE card.aid = ?1 AND uuid = {table}.card) FROM {table} \
             WHERE aid = ?1 AND card > ?2 ORDER BY card LIMIT 1"
        );
        Self { sql, table, after: Vec::new() }
    }
}

impl Records for Strays {
    fn check_next(&mut self, conn: &Connection, aid: Aid) -> Checked<bool> {
        let Some((card, exists)) = next(conn, &self.sql, params![aid.as_str(), self.after], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, bool>(1)?))
        })?
        else {
            return Ok(false);
        };
        self.after = card;
        must(&format!("card of a row of {}", self.table), exists, "a card", "none")?;
        Ok(true)
    }
}

fn next<T>(
    conn: &Connection,
    sql: &str,
    params: &[&dyn ToSql],
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, Fault> {
    Ok(conn.prepare_cached(sql)?.query_row(params, read).optional()?)
}

/// Kept answers.
#[derive(Default)]
pub struct Replays {
    after: (Vec<u8>, String, Vec<u8>),
}

impl Records for Replays {
    fn check_next(&mut self, conn: &Connection, aid: Aid) -> Checked<bool> {
        let mut statement = conn.prepare_cached(REPLAYS)?;
        let (client, operation, mac) = &self.after;
        let mut rows = statement.query(params![aid.as_str(), client, operation, mac])?;
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        self.after = (row.get(0)?, row.get(1)?, row.get(2)?);
        let mut row = Fields::new(row, "idempotency");
        row.id::<uuid::Uuid>()?;
        row.word(Operation::from_word)?;
        row.mac()?;
        row.number::<u16>()?;
        row.time()?;
        row.mac()?;
        row.number::<u16>()?;
        let length = row.bytes()?.len();
        let expected = format!("{SEALED_MIN} bytes or more");
        must("length of a kept answer", length >= SEALED_MIN, expected, length)?;
        must("client of a kept answer", row.flag()?, "a client", "none")?;
        Ok(true)
    }
}

/// What is to be told.
#[derive(Default)]
pub struct Outbox {
    after: i64,
}

impl Records for Outbox {
    fn check_next(&mut self, conn: &Connection, aid: Aid) -> Checked<bool> {
        let mut statement = conn.prepare_cached(OUTBOX)?;
        let mut rows = statement.query(params![aid.as_str(), self.after])?;
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        let mut row = Fields::new(row, "outbox");
        check_place("place in the outbox", &mut self.after, row.integer()?)?;
        check_deed(&mut row)?;
        let (subjects, transactions) = (row.bytes()?, row.bytes()?);
        same("length of an id in the outbox", 0, subjects.len() % 16)?;
        same("length of an id in the outbox", 0, transactions.len() % 16)?;
        let mut by_id = conn.prepare_cached(TRANSACTION)?;
        for id in transactions.chunks_exact(16) {
            let exists = by_id.exists(params![aid.as_str(), id])?;
            must("transaction that the outbox names", exists, "a transaction", "none")?;
        }
        Ok(true)
    }
}

/// What was done.
#[derive(Default)]
pub struct Audit {
    after: i64,
}

impl Records for Audit {
    fn check_next(&mut self, conn: &Connection, aid: Aid) -> Checked<bool> {
        let mut statement = conn.prepare_cached(AUDIT)?;
        let mut rows = statement.query(params![aid.as_str(), self.after])?;
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        let mut row = Fields::new(row, "audit");
        check_place("place in the audit", &mut self.after, row.integer()?)?;
        check_deed(&mut row)?;
        Ok(true)
    }
}

fn check_place(what: &str, after: &mut i64, place: i64) -> Checked {
    let expected = *after + 1;
    *after = place;
    same(what, expected, place)
}

fn check_deed(row: &mut Fields<'_>) -> Checked {
    let _at: Timestamp = row.time()?;
    row.id_or_none::<uuid::Uuid>()?;
    row.id::<uuid::Uuid>()?;
    row.word(Action::from_word)?;
    Ok(())
}

/// Batches, and how many cards each has.
#[derive(Default)]
pub struct Batches {
    after: Vec<u8>,
}

impl Records for Batches {
    fn check_next(&mut self, conn: &Connection, aid: Aid) -> Checked<bool> {
        let mut statement = conn.prepare_cached(BATCHES)?;
        let mut rows = statement.query(params![aid.as_str(), self.after])?;
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        self.after = row.get(0)?;
        let mut row = Fields::new(row, "batch");
        row.id::<uuid::Uuid>()?;
        let cards = row.integer()?;
        row.currency()?;
        same("number of cards of a batch", cards, row.integer()?)?;
        Ok(true)
    }
}

/// Days that were closed, one after the other.
#[derive(Default)]
pub struct Days {
    after: Option<i64>,
}

impl Records for Days {
    fn check_next(&mut self, conn: &Connection, aid: Aid) -> Checked<bool> {
        let params = params![aid.as_str(), self.after.unwrap_or(i64::MIN)];
        let Some(day) = next(conn, DAYS, params, |row| row.get::<_, i64>(0))? else {
            return Ok(false);
        };
        let expected = self.after.map_or(day, |before| before + 1);
        self.after = Some(day);
        same("day that was closed", expected, day)?;
        Ok(true)
    }
}
