//! What is not an order: accounts, clients, signing keys, values of the server, and answers that ran out.

use std::collections::HashMap;

use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{Account, Aid, Client, ClientUuid, REPLAY_HOURS, Replay, ReplayKey, Timestamp};
use tokio_postgres::types::ToSql;

use super::fault::Fault;
use super::lane::{self, Query};
use super::news;
use super::read::snapshot;
use crate::rows::{self, select};
use crate::{Error, SigningKey};

const ACCOUNTS: &str = select!(account "ORDER BY created_at, aid");

const HAS_ACCOUNT: &str = "SELECT count(*), count(*) FILTER (WHERE aid = $1) FROM account";

/// Who makes an account, or a key, does so alone: whether there is one already decides what is to be done.
const ACCOUNTS_ALONE: &str = "LOCK TABLE account IN SHARE ROW EXCLUSIVE MODE";
const KEYS_ALONE: &str = "LOCK TABLE signing_key IN SHARE ROW EXCLUSIVE MODE";

const CLIENTS: &str = select!(api_client "WHERE aid = $1 ORDER BY created_at, uuid");
const ALL_GRANTS: &str = select!(client_grant "WHERE aid = $1 ORDER BY client, place");

const REPLAY: &str = select!(idempotency "WHERE aid = $1 AND client = $2 AND operation = $3 AND mac = $4");

const SIGNING_KEYS: &str =
    select!(signing_key "WHERE verifies_until IS NULL OR verifies_until > $1 ORDER BY created_at, kid");

const FORGET_KEYS: &str = "DELETE FROM signing_key WHERE verifies_until <= $1";

const HAS_KEY: &str = "SELECT 1 FROM signing_key WHERE mode = $1 AND created_at >= $2 LIMIT 1";

const RETIRE_KEYS: &str = "UPDATE signing_key SET sealed_private = NULL, \
    verifies_until = least($2, coalesce(verifies_until, $2)) WHERE mode = $1";

const INSERT_SIGNING_KEY: &str = "INSERT INTO signing_key (kid, mode, issuer_host, public_der, \
    sealed_private, key_version, created_at, verifies_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const SERVER_VALUE: &str = "SELECT value FROM server_value WHERE name = $1";

const SET_SERVER_VALUE: &str =
    "INSERT INTO server_value (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// Answers forgotten in one transaction; each may be as large as a batch.
const FORGOTTEN_AT_ONCE: i64 = 200;

/// What another node is forgetting is left to it.
const FORGET: &str = "DELETE FROM idempotency WHERE aid = $1 AND (client, operation, mac) IN \
    (SELECT client, operation, mac FROM idempotency WHERE aid = $1 AND created_at <= $2 LIMIT $3 \
    FOR UPDATE SKIP LOCKED)";

const IS_SOUND: &str = "SELECT max(version), pg_is_in_recovery() FROM schema";

/// Every statement here that is about one account.
#[cfg(test)]
pub const STATEMENTS: [&str; 4] = [CLIENTS, ALL_GRANTS, REPLAY, FORGET];

/// Every account, oldest first.
pub async fn accounts(client: &ClientWrapper) -> Result<Vec<Account>, Fault> {
    let found = client.query(&client.prepare_cached(ACCOUNTS).await?, &[]).await?;
    found.iter().map(|row| Ok(rows::account(row)?)).collect()
}

/// Makes an account and its first client; answers whether it did.
pub async fn create_account(
    client: &mut ClientWrapper,
    account: &Account,
    first: &Client,
    only_first: bool,
) -> Result<bool, Fault> {
    let aid = account.aid;
    let transaction = client.transaction().await?;
    transaction.batch_execute(ACCOUNTS_ALONE).await?;
    let counted = transaction.query_one(HAS_ACCOUNT, &[&aid.as_str()]).await?;
    let (all, same): (i64, i64) = (counted.try_get(0)?, counted.try_get(1)?);
    if only_first && all > 0 {
        return Ok(false);
    }
    if same > 0 {
        return Err(Fault::Answer(Error::AccountExists));
    }
    write(&transaction, &lane::account(account)).await?;
    for query in &lane::client(aid, first) {
        write(&transaction, query).await?;
    }
    write(&transaction, &news::of_account(aid)).await?;
    transaction.commit().await?;
    Ok(true)
}

async fn write(transaction: &Transaction<'_>, query: &Query<'_>) -> Result<(), Fault> {
    transaction.execute(query.sql, &query.values()).await?;
    Ok(())
}

/// Every client of an account with its grants, oldest first.
pub async fn clients(client: &mut ClientWrapper, aid: Aid) -> Result<Vec<Client>, Fault> {
    let snapshot = snapshot(client).await?;
    let clients = snapshot.query(&snapshot.prepare_cached(CLIENTS).await?, &[&aid.as_str()]).await?;
    let grants = snapshot.query(&snapshot.prepare_cached(ALL_GRANTS).await?, &[&aid.as_str()]).await?;
    snapshot.commit().await?;
    let mut held: HashMap<ClientUuid, Vec<_>> = HashMap::new();
    for row in &grants {
        let (holder, grant) = rows::grant(row)?;
        held.entry(holder).or_default().push(grant);
    }
    let with_grants = |row| {
        let mut client = rows::client(row)?;
        client.grants = held.remove(&client.uuid).unwrap_or_default();
        Ok(client)
    };
    clients.iter().map(|row| row as &dyn rows::Columns).map(with_grants).collect()
}

/// A kept answer, run out or not.
pub async fn replay(client: &ClientWrapper, aid: Aid, key: &ReplayKey) -> Result<Option<Replay>, Fault> {
    let kept = client.prepare_cached(REPLAY).await?;
    let (operation, mac) = (key.operation.as_str(), key.key.mac.as_slice());
    let row = client.query_opt(&kept, &[&aid.as_str(), &key.client.0, &operation, &mac]).await?;
    Ok(row.map(|row| rows::replay(&row)).transpose()?)
}

/// The signing keys that still verify something at `now`, oldest first.
pub async fn signing_keys(client: &ClientWrapper, now: Timestamp) -> Result<Vec<SigningKey>, Fault> {
    let alive = client.query(&client.prepare_cached(SIGNING_KEYS).await?, &[&now.unix_ms()]).await?;
    alive.iter().map(|row| Ok(rows::signing_key(row)?)).collect()
}

/// Remembers a signing key in the place of the older ones of its mode; answers whether it did.
pub async fn put_signing_key(
    client: &mut ClientWrapper,
    key: &SigningKey,
    retire_at: Timestamp,
    now: Timestamp,
    unless_since: Option<Timestamp>,
) -> Result<bool, Fault> {
    let mode = key.mode.letter();
    let transaction = client.transaction().await?;
    transaction.batch_execute(KEYS_ALONE).await?;
    transaction.execute(FORGET_KEYS, &[&now.unix_ms()]).await?;
    let is_wanted = match unless_since {
        Some(since) => transaction.query_opt(HAS_KEY, &[&mode, &since.unix_ms()]).await?.is_none(),
        None => true,
    };
    if is_wanted {
        transaction.execute(RETIRE_KEYS, &[&mode, &retire_at.unix_ms()]).await?;
        let verifies_until = key.verifies_until.map(|at| at.unix_ms());
        let values: [&(dyn ToSql + Sync); 8] = [
            &key.kid,
            &mode,
            &key.issuer_host,
            &key.public_der,
            &key.sealed_private,
            &i64::from(key.key_version),
            &key.created_at.unix_ms(),
            &verifies_until,
        ];
        transaction.execute(INSERT_SIGNING_KEY, &values).await?;
        write(&transaction, &news::of_signing_keys()).await?;
    }
    transaction.commit().await?;
    Ok(is_wanted)
}

/// A server-wide value, set now unless it was before.
pub async fn server_value(client: &ClientWrapper, name: &str, if_absent: &[u8]) -> Result<Vec<u8>, Fault> {
    let by_name = client.prepare_cached(SERVER_VALUE).await?;
    if let Some(row) = client.query_opt(&by_name, &[&name]).await? {
        return Ok(row.try_get(0)?);
    }
    client.execute(SET_SERVER_VALUE, &[&name, &if_absent]).await?;
    // Whoever came first has set it.
    Ok(client.query_one(&by_name, &[&name]).await?.try_get(0)?)
}

/// Forgets some of an account's answers that have run out at `now`; answers how many.
pub async fn forget_replays(client: &ClientWrapper, aid: Aid, now: Timestamp) -> Result<usize, Fault> {
    let before = now.minus_seconds(REPLAY_HOURS.saturating_mul(3_600)).unix_ms();
    let forget = client.prepare_cached(FORGET).await?;
    let forgotten = client.execute(&forget, &[&aid.as_str(), &before, &FORGOTTEN_AT_ONCE]).await?;
    Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
}

/// Whether there is a schema in a database that takes writes.
pub async fn check(client: &ClientWrapper) -> Result<(), Fault> {
    let sound = client.query_one(&client.prepare_cached(IS_SOUND).await?, &[]).await?;
    if sound.try_get(1)? {
        return Err(Fault::Answer(Error::Unavailable("PostgreSQL is a standby".to_owned())));
    }
    Ok(())
}
