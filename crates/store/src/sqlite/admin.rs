//! What is not an order: accounts, signing keys, values of the server, and answers that ran out.

use domain::{Account, Aid, Client, REPLAY_HOURS, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Fault;
use super::{load, persist};
use crate::rows::{self, select};
use crate::{Error, SigningKey};

const ACCOUNTS: &str = select!(account "ORDER BY created_at, aid");

const SIGNING_KEYS: &str =
    select!(signing_key "WHERE verifies_until IS NULL OR verifies_until > ?1 ORDER BY created_at, kid");

const INSERT_SIGNING_KEY: &str = "INSERT INTO signing_key (kid, mode, issuer_host, public_der, \
    sealed_private, key_version, created_at, verifies_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Answers forgotten in one transaction; each may be as large as a batch, and others wait meanwhile.
const FORGOTTEN_AT_ONCE: u32 = 200;

pub const FORGET: &str = "DELETE FROM idempotency WHERE aid = ?1 AND (client, operation, mac) IN \
    (SELECT client, operation, mac FROM idempotency WHERE aid = ?1 AND created_at <= ?2 LIMIT ?3)";

/// Every account, oldest first.
pub fn accounts(conn: &Connection) -> Result<Vec<Account>, Fault> {
    load::all(&mut conn.prepare_cached(ACCOUNTS)?, [], rows::account)
}

/// Makes an account and its first client; answers whether it did.
pub fn create_account(
    conn: &Connection,
    account: &Account,
    first: &Client,
    only_first: bool,
) -> Result<bool, Fault> {
    let has_any = |sql: &str| conn.prepare_cached(sql)?.exists([]);
    if only_first && has_any("SELECT 1 FROM account")? {
        return Ok(false);
    }
    let aid = account.aid;
    if conn.prepare_cached("SELECT 1 FROM account WHERE aid = ?1")?.exists([aid.as_str()])? {
        return Err(Fault::Answer(Error::AccountExists));
    }
    persist::account(conn, account)?;
    persist::client(conn, aid, first)?;
    Ok(true)
}

/// The signing keys that still verify something at `now`, oldest first.
pub fn signing_keys(conn: &Connection, now: Timestamp) -> Result<Vec<SigningKey>, Fault> {
    let mut alive = conn.prepare_cached(SIGNING_KEYS)?;
    load::all(&mut alive, [now.unix_ms()], rows::signing_key)
}

/// Remembers a signing key in the place of the older ones of its mode; answers whether it did.
pub fn put_signing_key(
    conn: &Connection,
    key: &SigningKey,
    retire_at: Timestamp,
    now: Timestamp,
    unless_since: Option<Timestamp>,
) -> Result<bool, Fault> {
    conn.execute("DELETE FROM signing_key WHERE verifies_until <= ?1", [now.unix_ms()])?;
    let mode = key.mode.letter();
    if let Some(since) = unless_since {
        let mut newer =
            conn.prepare_cached("SELECT 1 FROM signing_key WHERE mode = ?1 AND created_at >= ?2")?;
        if newer.exists(params![mode, since.unix_ms()])? {
            return Ok(false);
        }
    }
    conn.execute(
        "UPDATE signing_key SET sealed_private = NULL, verifies_until = min(?2, coalesce(verifies_until, ?2)) \
         WHERE mode = ?1",
        params![mode, retire_at.unix_ms()],
    )?;
    conn.prepare_cached(INSERT_SIGNING_KEY)?.execute(params![
        key.kid,
        mode,
        key.issuer_host,
        key.public_der,
        key.sealed_private,
        key.key_version,
        key.created_at.unix_ms(),
        key.verifies_until.map(|at| at.unix_ms()),
    ])?;
    Ok(true)
}

/// A server-wide value, if it was set.
pub fn server_value(conn: &Connection, name: &str) -> Result<Option<Vec<u8>>, Fault> {
    let mut by_name = conn.prepare_cached("SELECT value FROM server_value WHERE name = ?1")?;
    Ok(by_name.query_row([name], |row| row.get(0)).optional()?)
}

/// A server-wide value, set now unless it was before.
pub fn set_server_value(conn: &Connection, name: &str, if_absent: &[u8]) -> Result<Vec<u8>, Fault> {
    if let Some(value) = server_value(conn, name)? {
        return Ok(value);
    }
    conn.prepare_cached("INSERT INTO server_value (name, value) VALUES (?1, ?2)")?
        .execute(params![name, if_absent])?;
    Ok(if_absent.to_vec())
}

/// Forgets some of an account's answers that have run out at `now`; answers how many.
pub fn forget_replays(conn: &Connection, aid: Aid, now: Timestamp) -> Result<usize, Fault> {
    let before = now.minus_seconds(REPLAY_HOURS.saturating_mul(3_600));
    let params = params![aid.as_str(), before.unix_ms(), FORGOTTEN_AT_ONCE];
    Ok(conn.prepare_cached(FORGET)?.execute(params)?)
}
