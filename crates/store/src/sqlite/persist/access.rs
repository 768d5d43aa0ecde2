//! Accounts, and clients with their grants.

use domain::{Account, Aid, Client};
use rusqlite::{Connection, params};

use super::super::fault::Fault;
use crate::rows::format;

const UPSERT_ACCOUNT: &str = "INSERT INTO account (aid, name, default_currency, pin_policy, refund_to_expired, \
    reversal_minutes, lock_life, balance_max, activation_max, card_day_amount, card_day_count, \
    client_day_amount, client_day_count, expiry_months, token_format, token_expires_in, \
    token_expires_after_transaction, test_clock_ms, created_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19) \
    ON CONFLICT (aid) DO UPDATE SET default_currency = excluded.default_currency, \
    pin_policy = excluded.pin_policy, refund_to_expired = excluded.refund_to_expired, \
    reversal_minutes = excluded.reversal_minutes, lock_life = excluded.lock_life, \
    balance_max = excluded.balance_max, activation_max = excluded.activation_max, \
    card_day_amount = excluded.card_day_amount, card_day_count = excluded.card_day_count, \
    client_day_amount = excluded.client_day_amount, client_day_count = excluded.client_day_count, \
    expiry_months = excluded.expiry_months, token_format = excluded.token_format, \
    token_expires_in = excluded.token_expires_in, \
    token_expires_after_transaction = excluded.token_expires_after_transaction, \
    test_clock_ms = excluded.test_clock_ms";

const UPSERT_CLIENT: &str = "INSERT INTO api_client (aid, uuid, client_id, name, description, secret_mac, \
    key_version, generation, previous_mac, previous_key_version, previous_generation, previous_ends_at, \
    created_at, created_by, updated_at, deleted_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
    ON CONFLICT (aid, uuid) DO UPDATE SET name = excluded.name, description = excluded.description, \
    secret_mac = excluded.secret_mac, key_version = excluded.key_version, generation = excluded.generation, \
    previous_mac = excluded.previous_mac, previous_key_version = excluded.previous_key_version, \
    previous_generation = excluded.previous_generation, previous_ends_at = excluded.previous_ends_at, \
    updated_at = excluded.updated_at, deleted_at = excluded.deleted_at";

const DELETE_GRANTS: &str = "DELETE FROM client_grant WHERE aid = ?1 AND client = ?2";

const INSERT_GRANT: &str =
    "INSERT INTO client_grant (aid, client, place, id, audience, scopes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Writes an account with its settings and its clock.
pub fn account(conn: &Connection, account: &Account) -> Result<(), Fault> {
    let settings = &account.settings;
    conn.prepare_cached(UPSERT_ACCOUNT)?.execute(params![
        account.aid.as_str(),
        account.name,
        settings.default_currency.code(),
        settings.pin_policy.as_str(),
        settings.refund_to_expired.as_str(),
        settings.reversal_minutes,
        settings.lock_life.map(|life| life.seconds()),
        settings.balance_max.map(|most| most.minor_units()),
        settings.activation_max.map(|most| most.minor_units()),
        settings.card_day.amount.map(|most| most.minor_units()),
        settings.card_day.count,
        settings.client_day.amount.map(|most| most.minor_units()),
        settings.client_day.count,
        settings.expiry_months,
        format::request_to_text(&settings.token.format),
        settings.token.expires_in,
        settings.token.expires_after_transaction,
        i64::try_from(account.test_clock_ms).unwrap_or(i64::MAX),
        account.created_at.unix_ms(),
    ])?;
    Ok(())
}

/// Writes a client whole, with all its grants.
pub fn client(conn: &Connection, aid: Aid, client: &Client) -> Result<(), Fault> {
    let previous = client.previous;
    conn.prepare_cached(UPSERT_CLIENT)?.execute(params![
        aid.as_str(),
        client.uuid.0.as_bytes(),
        client.client_id.as_str(),
        client.name.as_str(),
        client.description.as_ref().map(|description| description.as_str()),
        client.secret.mac,
        client.secret.key_version,
        client.generation,
        previous.map(|previous| previous.secret.mac),
        previous.map(|previous| previous.secret.key_version),
        previous.map(|previous| previous.generation),
        previous.map(|previous| previous.ends_at.unix_ms()),
        client.created_at.unix_ms(),
        client.created_by.map(|by| by.0.into_bytes()),
        client.updated_at.unix_ms(),
        client.deleted_at.map(|at| at.unix_ms()),
    ])?;
    let holder = client.uuid.0.as_bytes();
    conn.prepare_cached(DELETE_GRANTS)?.execute(params![aid.as_str(), holder])?;
    let mut insert = conn.prepare_cached(INSERT_GRANT)?;
    for (place, grant) in client.grants.iter().enumerate() {
        insert.execute(params![
            aid.as_str(),
            holder,
            i64::try_from(place).unwrap_or(i64::MAX),
            grant.id.0.as_bytes(),
            grant.audience.as_str(),
            grant.scopes.to_string(),
        ])?;
    }
    Ok(())
}
