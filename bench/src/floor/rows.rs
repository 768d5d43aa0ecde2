//! The rows of a batch, straight into SQLite.

use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::{Connection, OpenFlags, params, types::Value};
use uuid::Uuid;

use super::codes::CardCodes;

/// As the store sets them, and reads them back, on its one connection that writes; but for the last: it copies
/// the write-ahead log by a thread of its own, in rounds of as many pages as SQLite does here.
const SETTINGS: [(&str, &str); 10] = [
    ("busy_timeout", "5000"),
    ("synchronous", "2"),
    ("foreign_keys", "1"),
    ("mmap_size", "0"),
    ("temp_store", "2"),
    ("cache_size", "-131072"),
    ("trusted_schema", "0"),
    ("journal_mode", "wal"),
    ("journal_size_limit", "67108864"),
    ("wal_autocheckpoint", "4096"),
];

const INSERT_BATCH: &str =
    "INSERT INTO batch (aid, id, currency, cards, created_at, created_by) VALUES (?1, ?2, 'NOK', ?3, ?4, ?5)";

// What is left out is NULL.
const INSERT_CARD: &str = "INSERT INTO card (aid, uuid, card_id, batch, type, metadata, amount, currency, \
    funds, drawdown, reserved, pin_mac, pin_key_version, pin_format, seq, created_at, created_by, changed_at) \
    VALUES (?1, ?2, ?3, ?4, 'gift_card', '{}', 0, 'NOK', 0, 0, 0, ?5, 1, ?6, 0, ?7, ?8, ?7)";

const INSERT_TOKEN: &str = "INSERT INTO card_token (aid, card, uuid, mac, key_version, format, masked_code, \
    single_use, metadata, created_at, created_by) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, 0, '{}', ?7, ?8)";

const LAST_AUDIT: &str = "SELECT ifnull(max(place), 0) FROM audit WHERE aid = ?1";

const INSERT_AUDIT: &str = "INSERT INTO audit (aid, place, at, client, request, action, subject, subject_id) \
    VALUES (?1, ?2, ?3, ?4, ?5, 'create_batch', 'batch', ?6)";

const LAST_OUTBOX: &str = "SELECT ifnull(max(place), 0) FROM outbox WHERE aid = ?1";

const INSERT_OUTBOX: &str = "INSERT INTO outbox (aid, place, at, client, request, action, subjects, \
    transactions) VALUES (?1, ?2, ?3, ?4, ?5, 'create_batch', ?6, x'')";

const INSERT_REPLAY: &str = "INSERT INTO idempotency (aid, client, operation, mac, key_version, created_at, \
    request_mac, request_key_version, sealed) VALUES (?1, ?2, 'create_batch', ?3, 1, ?4, ?5, 1, ?6)";

/// What every row of a batch shares.
pub struct Batch<'b> {
    pub aid: &'b str,
    pub client: Uuid,
    pub id: Uuid,
    pub request: Uuid,
    pub unix_ms: i64,
    pub token_format: &'b str,
    pub pin_format: &'b str,
}

/// One card's own.
pub struct Row<'b> {
    pub card_id: &'b str,
    pub codes: &'b CardCodes,
    pub token_mac: [u8; 32],
    pub pin_mac: [u8; 32],
    pub masked: String,
}

/// What an `Idempotency-Key` adds.
pub struct Kept {
    pub mac: [u8; 32],
    pub request_mac: [u8; 32],
    pub sealed: Vec<u8>,
}

/// One thread at a time, as in the store.
fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Opens a database that the server made, set up as the server sets its own up.
pub fn open(file: &Path) -> Result<Connection> {
    let conn = Connection::open_with_flags(file, flags())?;
    for (name, value) in SETTINGS {
        conn.execute_batch(&format!("PRAGMA {name} = {value}"))?;
        let read: Value = conn.pragma_query_value(None, name, |row| row.get(0))?;
        let read = match read {
            Value::Integer(number) => number.to_string(),
            Value::Text(text) => text,
            _ => String::new(),
        };
        ensure!(read == value, "PRAGMA {name} is {read}, not {value}");
    }
    Ok(conn)
}

/// Inserts within a transaction that the caller begins and commits.
pub fn insert(conn: &Connection, batch: &Batch<'_>, rows: &[Row<'_>], kept: Option<&Kept>) -> Result<()> {
    let Batch { aid, client, id, request, unix_ms, token_format, pin_format } = batch;
    let (client, id) = (client.as_bytes(), id.as_bytes());
    let cards = i64::try_from(rows.len())?;
    conn.prepare_cached(INSERT_BATCH)?.execute(params![aid, id, cards, unix_ms, client])?;
    let mut insert_card = conn.prepare_cached(INSERT_CARD)?;
    for row in rows {
        let uuid = row.codes.uuid.as_bytes();
        insert_card.execute(params![aid, uuid, row.card_id, id, row.pin_mac, pin_format, unix_ms, client])?;
    }
    let mut insert_token = conn.prepare_cached(INSERT_TOKEN)?;
    for row in rows {
        let (card, uuid) = (row.codes.uuid.as_bytes(), row.codes.token_uuid.as_bytes());
        insert_token.execute(params![
            aid,
            card,
            uuid,
            row.token_mac,
            token_format,
            row.masked,
            unix_ms,
            client
        ])?;
    }
    if let Some(kept) = kept {
        let mut insert = conn.prepare_cached(INSERT_REPLAY)?;
        insert.execute(params![aid, client, kept.mac, unix_ms, kept.request_mac, kept.sealed])?;
    }
    for (last, insert) in [(LAST_AUDIT, INSERT_AUDIT), (LAST_OUTBOX, INSERT_OUTBOX)] {
        let last: i64 = conn.prepare_cached(last)?.query_row([aid], |row| row.get(0))?;
        let params = params![aid, last + 1, unix_ms, client, request.as_bytes(), id];
        conn.prepare_cached(insert)?.execute(params)?;
    }
    Ok(())
}
