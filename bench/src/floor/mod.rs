//! The floor: the least that a batch costs, without HTTP and without rules.
//!
//! The same codes, keyed hashes, rows and answer as the server's, on one thread and with nothing around them.
//! What the server takes beyond this is what its rules, its queue and its wire cost.

mod answer;
mod codes;
mod fill;
mod keys;
mod rows;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use domain::{Format, FormatRequest};
use rusqlite::Connection;
use uuid::Uuid;

use crate::machine;
use crate::server::ACCOUNT;
use codes::CardCodes;
use rows::{Batch, Kept, Row};

pub use codes::Codes;
pub use fill::{SETTINGS as FILLING, fill};
pub use keys::Keys;
pub use rows::open;

/// Whether the answer shows barcodes and QR codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pictures {
    None,
    Both,
}

/// A batch as it is asked for.
pub struct Request<'r> {
    pub card_ids: &'r [String],
    pub pictures: Pictures,
    /// The `Idempotency-Key`, and the body that it stands for.
    pub key: Option<(&'r str, &'r [u8])>,
}

/// How long each step of a batch took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steps {
    pub codes: Duration,
    pub hashes: Duration,
    pub insert: Duration,
    pub commit: Duration,
    pub answer: Duration,
}

impl Steps {
    pub fn total(&self) -> Duration {
        self.codes + self.hashes + self.insert + self.commit + self.answer
    }
}

/// A database, and what it takes to put batches into it.
pub struct Floor {
    conn: Connection,
    codes: Codes,
    keys: Keys,
    client: Uuid,
    token_format: Format,
}

impl Floor {
    /// Takes a database that the server made, with its account and client.
    pub fn open(file: &Path) -> Result<Self> {
        let conn = rows::open(file)?;
        let client: Vec<u8> = conn
            .query_row("SELECT uuid FROM api_client WHERE aid = ?1", [ACCOUNT], |row| row.get(0))
            .context("the client that the server's first start makes")?;
        let mut codes = Codes::new();
        let keys = Keys::new(&mut codes);
        let token_format = Format::token(&FormatRequest::default())?;
        Ok(Self { conn, codes, keys, client: Uuid::from_slice(&client)?, token_format })
    }

    /// Makes a batch, durably, and answers as the server would.
    pub fn batch(&mut self, request: &Request<'_>) -> Result<(Vec<u8>, Steps)> {
        let now = machine::now();
        let unix_ms = now.as_millisecond();
        let start = Instant::now();
        let (batch, codes) = self.codes_of(request.card_ids.len(), u64::try_from(unix_ms)?);
        let made = Instant::now();
        let rows = self.rows(request.card_ids, &codes);
        let kept = request.key.map(|(key, body)| self.kept(key, body, batch, &codes)).transpose()?;
        let hashed = Instant::now();
        let shared = Batch {
            aid: ACCOUNT,
            client: self.client,
            id: batch,
            request: self.codes.id(u64::try_from(unix_ms)?),
            unix_ms,
            token_format: &codes::token_format(request.pictures),
            pin_format: &codes::pin_format(request.pictures),
        };
        self.conn.execute_batch("BEGIN IMMEDIATE")?;
        rows::insert(&self.conn, &shared, &rows, kept.as_ref())?;
        let inserted = Instant::now();
        self.conn.execute_batch("COMMIT")?;
        let committed = Instant::now();
        let answer = answer::render(&shared, request, &codes, now)?;
        let steps = Steps {
            codes: made - start,
            hashes: hashed - made,
            insert: inserted - hashed,
            commit: committed - inserted,
            answer: committed.elapsed(),
        };
        Ok((answer, steps))
    }

    fn codes_of(&mut self, cards: usize, unix_ms: u64) -> (Uuid, Vec<CardCodes>) {
        let codes = (0..cards).map(|_| self.codes.card(unix_ms)).collect();
        (self.codes.id(unix_ms), codes)
    }

    fn rows<'b>(&self, card_ids: &'b [String], codes: &'b [CardCodes]) -> Vec<Row<'b>> {
        let row = |(card_id, codes): (&'b String, &'b CardCodes)| Row {
            card_id,
            codes,
            token_mac: self.keys.token(ACCOUNT, &codes.token),
            pin_mac: self.keys.pin(codes.uuid, &codes.pin),
            masked: domain::mask(&self.token_format, &codes.token),
        };
        card_ids.iter().zip(codes).map(row).collect()
    }

    fn kept(&self, key: &str, body: &[u8], batch: Uuid, codes: &[CardCodes]) -> Result<Kept> {
        let mac = self.keys.idempotency(ACCOUNT, key);
        let place = [ACCOUNT.as_bytes(), self.client.as_bytes(), b"create_batch", &mac].concat();
        let sealed = self.keys.seal(key, &place, batch, codes)?;
        Ok(Kept { mac, request_mac: self.keys.request(body), sealed })
    }
}
