//! Many cards at once, as if they had been made over a year.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use domain::{Format, FormatRequest};
use rusqlite::Connection;
use uuid::Uuid;

use super::Pictures;
use super::codes::{self, CardCodes, Codes};
use super::rows::{self, Batch, Row};
use crate::machine;
use crate::server::ACCOUNT;
use crate::turns::BATCH;

/// Nothing has to survive a crash while filling, and pages that are hit at random stay in memory.
pub const SETTINGS: &str = "PRAGMA journal_mode = delete; PRAGMA synchronous = off; PRAGMA foreign_keys = off; \
    PRAGMA cache_size = -2097152; PRAGMA locking_mode = exclusive";

const BATCHES_PER_TRANSACTION: usize = 100;
const YEAR_MS: usize = 365 * 86_400_000;

/// Adds cards in the order in which the server would: ids ascend with time, the client's ids count, keyed hashes
/// are random, as they look to whoever has no key.
pub fn fill(file: &Path, cards: usize) -> Result<()> {
    let conn = Connection::open(file)?;
    conn.execute_batch(SETTINGS)?;
    let client: Vec<u8> = conn.query_row("SELECT uuid FROM api_client", [], |row| row.get(0))?;
    let mut filling = Filling {
        conn,
        client: Uuid::from_slice(&client)?,
        codes: Codes::new(),
        masked: masked()?,
        until_ms: usize::try_from(machine::now().as_millisecond())?,
    };
    let batches = cards.div_ceil(BATCH);
    ensure!(batches * BATCH == cards, "cards are made in batches of {BATCH}");
    for first in (0..batches).step_by(BATCHES_PER_TRANSACTION) {
        filling.conn.execute_batch("BEGIN")?;
        for batch in first..batches.min(first + BATCHES_PER_TRANSACTION) {
            filling.batch(batch, batches)?;
        }
        filling.conn.execute_batch("COMMIT")?;
    }
    filling.conn.execute_batch("PRAGMA locking_mode = normal; PRAGMA journal_mode = wal")?;
    filling.conn.close().map_err(|(_, error)| error).context("closing the filled database")
}

struct Filling {
    conn: Connection,
    client: Uuid,
    codes: Codes,
    masked: String,
    until_ms: usize,
}

impl Filling {
    fn batch(&mut self, batch: usize, batches: usize) -> Result<()> {
        let unix_ms = self.until_ms - YEAR_MS + YEAR_MS / batches * batch;
        let id_ms = u64::try_from(unix_ms)?;
        let codes: Vec<CardCodes> = (0..BATCH)
            .map(|_| CardCodes {
                uuid: self.codes.id(id_ms),
                token_uuid: self.codes.id(id_ms),
                token: String::new(),
                pin: String::new(),
            })
            .collect();
        let card_ids: Vec<String> = (0..BATCH).map(|card| format!("FILL-{batch:07}-{card:04}")).collect();
        let rows: Vec<Row<'_>> = card_ids.iter().zip(&codes).map(|(id, codes)| self.row(id, codes)).collect();
        let batch = Batch {
            aid: ACCOUNT,
            client: self.client,
            id: self.codes.id(id_ms),
            request: self.codes.id(id_ms),
            unix_ms: i64::try_from(unix_ms)?,
            token_format: &codes::token_format(Pictures::None),
            pin_format: &codes::pin_format(Pictures::None),
        };
        rows::insert(&self.conn, &batch, &rows, None)
    }

    fn row<'r>(&mut self, card_id: &'r str, codes: &'r CardCodes) -> Row<'r> {
        let (token_mac, pin_mac) = (self.codes.bytes(), self.codes.bytes());
        Row { card_id, codes, token_mac, pin_mac, masked: self.masked.clone() }
    }
}

/// What a default token looks like behind its mask.
fn masked() -> Result<String> {
    let token = Codes::new().card(0).token;
    Ok(domain::mask(&Format::token(&FormatRequest::default())?, &token))
}
