//! The floor of a drawdown: the least that it costs, without HTTP and without rules.
//!
//! The same look-ups and the same rows as the server's, so many to a commit, on one thread.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::pick::{CardIds, Pick, ref_id};
use crate::floor::{Codes, Keys, open};
use crate::machine;
use crate::server::ACCOUNT;

const CARD_BY_TOKEN: &str =
    "SELECT card, uuid, expires_at, used_at FROM card_token WHERE aid = ?1 AND mac = ?2";
const CARD_BY_ID: &str = "SELECT uuid FROM card WHERE aid = ?1 AND card_id = ?2";

const TAKE: &str = "UPDATE card SET drawdown = drawdown + ?3, seq = seq + 1, changed_at = max(changed_at, ?4) \
    WHERE aid = ?1 AND uuid = ?2 AND funds - drawdown - reserved >= ?3 \
    RETURNING seq, funds - drawdown, funds - drawdown - reserved";

const INSERT_TRANSACTION: &str = "INSERT INTO card_transaction (aid, card, seq, id, ref_id, type, reason, amount, \
    currency, token, metadata, created_at, created_by, request, asked_operation, asked_amount, balance, available) \
    VALUES (?1, ?2, ?3, ?4, ?5, 'drawdown', 'sale', ?6, 'NOK', ?7, '{}', ?8, ?9, ?10, 'drawdown', ?6, ?11, ?12)";

const LAST_OUTBOX: &str = "SELECT ifnull(max(place), 0) FROM outbox WHERE aid = ?1";

const INSERT_OUTBOX: &str = "INSERT INTO outbox (aid, place, at, client, request, action, subjects, transactions) \
    VALUES (?1, ?2, ?3, ?4, ?5, 'drawdown', x'', ?6)";

/// A database, and what it takes to draw on its cards.
pub struct Floor {
    conn: Connection,
    codes: Codes,
    keys: Keys,
    client: Uuid,
    cards: Cards,
    drawn: u64,
}

/// How cards are named.
enum Cards {
    /// By tokens, of which the hashes are known.
    Tokens(Vec<Vec<u8>>),
    /// By their ids.
    Ids(CardIds),
}

impl Floor {
    /// Takes a database with cards that have money on them, to name them by their tokens.
    pub fn by_token(file: &Path) -> Result<Self> {
        let conn = open(file)?;
        let macs = macs(&conn)?;
        Self::of(conn, Cards::Tokens(macs))
    }

    /// The same, to name them by their ids.
    pub fn by_card_id(file: &Path, ids: CardIds) -> Result<Self> {
        Self::of(open(file)?, Cards::Ids(ids))
    }

    fn of(conn: Connection, cards: Cards) -> Result<Self> {
        let client: Vec<u8> = conn
            .query_row("SELECT uuid FROM api_client WHERE aid = ?1", [ACCOUNT], |row| row.get(0))
            .context("the client that the server's first start makes")?;
        let mut codes = Codes::new();
        let keys = Keys::new(&mut codes);
        Ok(Self { conn, codes, keys, client: Uuid::from_slice(&client)?, cards, drawn: 0 })
    }

    /// Goes on after the n-th reference.
    pub fn use_references_from(&mut self, n: u64) {
        self.drawn = n;
    }

    /// Lets the write-ahead log grow from now on.
    pub fn stop_checkpoints(&mut self) -> Result<()> {
        Ok(self.conn.execute_batch("PRAGMA wal_autocheckpoint = 0")?)
    }

    /// So many drawdowns, so many to a commit; answers how long they took.
    pub fn draw(&mut self, pick: &mut Pick, count: u64, group: u64) -> Result<Duration> {
        let begun = Instant::now();
        let mut left = count;
        while left > 0 {
            let now = group.min(left);
            self.commit(pick, now)?;
            left -= now;
        }
        Ok(begun.elapsed())
    }

    fn commit(&mut self, pick: &mut Pick, count: u64) -> Result<()> {
        let unix_ms = machine::now().as_millisecond();
        self.conn.execute_batch("BEGIN IMMEDIATE")?;
        let mut place: i64 = self.conn.prepare_cached(LAST_OUTBOX)?.query_row([ACCOUNT], |row| row.get(0))?;
        for _ in 0..count {
            place += 1;
            self.one(pick, place, unix_ms)?;
        }
        Ok(self.conn.execute_batch("COMMIT")?)
    }

    fn one(&mut self, pick: &mut Pick, place: i64, unix_ms: i64) -> Result<()> {
        const AMOUNT: i64 = 1;
        let (card, token) = self.card(pick)?;
        let id_ms = u64::try_from(unix_ms)?;
        let (id, request) = (self.codes.id(id_ms), self.codes.id(id_ms));
        self.drawn += 1;
        let ref_id = ref_id(self.drawn);
        let (seq, balance, available): (i64, i64, i64) =
            self.conn.prepare_cached(TAKE)?.query_row(params![ACCOUNT, card, AMOUNT, unix_ms], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        self.conn.prepare_cached(INSERT_TRANSACTION)?.execute(params![
            ACCOUNT,
            card,
            seq,
            id.as_bytes(),
            ref_id,
            AMOUNT,
            token,
            unix_ms,
            self.client.as_bytes(),
            request.as_bytes(),
            balance,
            available
        ])?;
        self.conn.prepare_cached(INSERT_OUTBOX)?.execute(params![
            ACCOUNT,
            place,
            unix_ms,
            self.client.as_bytes(),
            request.as_bytes(),
            id.as_bytes()
        ])?;
        Ok(())
    }

    fn card(&self, pick: &mut Pick) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
        match &self.cards {
            Cards::Tokens(macs) => {
                // The server hashes what it is sent; here the hash is known and one is made all the same.
                std::hint::black_box(
                    self.keys.token(ACCOUNT, "DINCARD:0f8fad5b-d9cb-469f-a165-70867728950e"),
                );
                let mac = &macs[pick.below(macs.len())];
                let mut by_token = self.conn.prepare_cached(CARD_BY_TOKEN)?;
                Ok(by_token.query_row(params![ACCOUNT, mac], |row| Ok((row.get(0)?, Some(row.get(1)?))))?)
            }
            Cards::Ids(ids) => {
                let card_id = ids.card_id(pick.below(ids.count));
                let mut by_id = self.conn.prepare_cached(CARD_BY_ID)?;
                Ok((by_id.query_row(params![ACCOUNT, card_id], |row| row.get(0))?, None))
            }
        }
    }
}

fn macs(conn: &Connection) -> Result<Vec<Vec<u8>>> {
    let mut statement = conn.prepare("SELECT mac FROM card_token WHERE aid = ?1")?;
    let macs = statement.query_map([ACCOUNT], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(macs)
}
