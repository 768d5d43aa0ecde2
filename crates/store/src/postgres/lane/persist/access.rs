//! Accounts, and clients with their grants.

use domain::{Account, Aid, Client};
use uuid::Uuid;

use super::super::load::text;
use super::super::query::{Query, params};
use crate::rows::format;

/// Also for the first time, beside the account's first client.
const UPSERT_ACCOUNT: &str = "INSERT INTO account (aid, name, default_currency, pin_policy, \
    refund_to_expired, reversal_minutes, lock_life, balance_max, activation_max, card_day_amount, card_day_count, \
    client_day_amount, client_day_count, expiry_months, token_format, token_expires_in, \
    token_expires_after_transaction, test_clock_ms, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) \
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
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
    ON CONFLICT (aid, uuid) DO UPDATE SET name = excluded.name, description = excluded.description, \
    secret_mac = excluded.secret_mac, key_version = excluded.key_version, generation = excluded.generation, \
    previous_mac = excluded.previous_mac, previous_key_version = excluded.previous_key_version, \
    previous_generation = excluded.previous_generation, previous_ends_at = excluded.previous_ends_at, \
    updated_at = excluded.updated_at, deleted_at = excluded.deleted_at";

const DELETE_GRANTS: &str = "DELETE FROM client_grant WHERE aid = $1 AND client = $2";

const INSERT_GRANTS: &str = "INSERT INTO client_grant (aid, client, place, id, audience, scopes) \
    SELECT $1, $2, new.* FROM unnest($3::bigint[], $4::uuid[], $5::text[], $6::text[]) AS new";

#[cfg(test)]
pub const STATEMENTS: [&str; 4] = [UPSERT_ACCOUNT, UPSERT_CLIENT, DELETE_GRANTS, INSERT_GRANTS];

/// Writes an account with its settings and its clock.
pub fn account(account: &Account) -> Query<'_> {
    let settings = &account.settings;
    let params = params![
        text(account.aid),
        account.name.as_str(),
        settings.default_currency.code(),
        settings.pin_policy.as_str(),
        settings.refund_to_expired.as_str(),
        i64::from(settings.reversal_minutes),
        settings.lock_life.map(|life| i64::from(life.seconds())),
        settings.balance_max.map(|most| most.minor_units()),
        settings.activation_max.map(|most| most.minor_units()),
        settings.card_day.amount.map(|most| most.minor_units()),
        settings.card_day.count.map(i64::from),
        settings.client_day.amount.map(|most| most.minor_units()),
        settings.client_day.count.map(i64::from),
        settings.expiry_months.map(i64::from),
        format::request_to_text(&settings.token.format),
        settings.token.expires_in.map(i64::from),
        settings.token.expires_after_transaction,
        i64::try_from(account.test_clock_ms).unwrap_or(i64::MAX),
        account.created_at.unix_ms(),
    ];
    Query { sql: UPSERT_ACCOUNT, params }
}

/// Writes a client whole, with all its grants.
pub fn client(aid: Aid, client: &Client) -> [Query<'_>; 3] {
    let previous = client.previous.as_ref();
    let written = params![
        text(aid),
        client.uuid.0,
        client.client_id.as_str(),
        client.name.as_str(),
        client.description.as_ref().map(|description| description.as_str()),
        client.secret.mac.as_slice(),
        i64::from(client.secret.key_version),
        i64::from(client.generation),
        previous.map(|previous| previous.secret.mac.as_slice()),
        previous.map(|previous| i64::from(previous.secret.key_version)),
        previous.map(|previous| i64::from(previous.generation)),
        previous.map(|previous| previous.ends_at.unix_ms()),
        client.created_at.unix_ms(),
        client.created_by.map(|by| by.0),
        client.updated_at.unix_ms(),
        client.deleted_at.map(|at| at.unix_ms()),
    ];
    let places: Vec<i64> = (0..).take(client.grants.len()).collect();
    let ids: Vec<Uuid> = client.grants.iter().map(|grant| grant.id.0).collect();
    let audiences: Vec<&str> = client.grants.iter().map(|grant| grant.audience.as_str()).collect();
    let scopes: Vec<String> = client.grants.iter().map(|grant| grant.scopes.to_string()).collect();
    let grants = params![text(aid), client.uuid.0, places, ids, audiences, scopes];
    [
        Query { sql: UPSERT_CLIENT, params: written },
        Query { sql: DELETE_GRANTS, params: params![text(aid), client.uuid.0] },
        Query { sql: INSERT_GRANTS, params: grants },
    ]
}
