//! What a decision needs, gathered by statements that name one account each.

mod cards;
mod money;

use std::collections::HashMap;

use domain::{Account, Aid, Client, ClientUuid, Needs, Replay, ReplayKey, Timestamp, World};
use rusqlite::{CachedStatement, Connection, Params, params};

pub use cards::{as_seen, card, card_by_id, lapsed_cards, live_tokens, token_by_mac};

use super::fault::Fault;
use crate::Error;
use crate::rows::{self, Columns, select};

const ACCOUNT: &str = select!(account "WHERE aid = ?1");
const CLIENT: &str = select!(api_client "WHERE aid = ?1 AND uuid = ?2");
const CLIENTS: &str = select!(api_client "WHERE aid = ?1 ORDER BY created_at, uuid");
const LIVE_CLIENTS: &str =
    select!(api_client "INDEXED BY client_alive WHERE aid = ?1 AND deleted_at IS NULL");
const GRANTS: &str = select!(client_grant "WHERE aid = ?1 AND client = ?2 ORDER BY place");
const ALL_GRANTS: &str = select!(client_grant "WHERE aid = ?1 ORDER BY client, place");
const REPLAY: &str = select!(idempotency "WHERE aid = ?1 AND client = ?2 AND operation = ?3 AND mac = ?4");

/// Every statement that loads one thing, to be asked how it finds it.
#[cfg(test)]
pub fn statements() -> impl Iterator<Item = &'static str> {
    [ACCOUNT, CLIENT, LIVE_CLIENTS, GRANTS, REPLAY]
        .into_iter()
        .chain(cards::STATEMENTS)
        .chain(money::STATEMENTS)
}

/// Loads what `needs` names of one account.
pub fn world(conn: &Connection, aid: Aid, needs: &Needs, server_now: Timestamp) -> Result<World, Fault> {
    let account = account(conn, aid)?;
    let now = account.now(server_now);
    let mut loading = Loading { conn, aid, now, world: World::new(account) };
    loading.clients(needs)?;
    loading.cards(needs)?;
    loading.bearers(needs)?;
    loading.tokens(needs)?;
    loading.transactions(needs)?;
    loading.refunded(needs)?;
    loading.ref_ids(needs)?;
    loading.pin_tries(needs)?;
    loading.lock_counts(needs)?;
    loading.day_counts(needs)?;
    for key in &needs.replays {
        if let Some(replay) = replay(conn, aid, key)? {
            loading.world.replays.insert(*key, replay);
        }
    }
    Ok(loading.world)
}

/// The first row, read.
pub fn first<T, E>(
    statement: &mut CachedStatement<'_>,
    params: impl Params,
    read: impl FnOnce(&dyn Columns) -> Result<T, E>,
) -> Result<Option<T>, Fault>
where
    Fault: From<E>,
{
    Ok(statement.query(params)?.next()?.map(|row| read(row)).transpose()?)
}

/// Every row, read.
pub fn all<T, E>(
    statement: &mut CachedStatement<'_>,
    params: impl Params,
    mut read: impl FnMut(&dyn Columns) -> Result<T, E>,
) -> Result<Vec<T>, Fault>
where
    Fault: From<E>,
{
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// A kept answer, run out or not.
pub fn replay(conn: &Connection, aid: Aid, key: &ReplayKey) -> Result<Option<Replay>, Fault> {
    let mut kept = conn.prepare_cached(REPLAY)?;
    let params = params![aid.as_str(), key.client.0.as_bytes(), key.operation.as_str(), key.key.mac];
    first(&mut kept, params, rows::replay)
}

/// Every client of an account with its grants, oldest first.
pub fn clients(conn: &Connection, aid: Aid) -> Result<Vec<Client>, Fault> {
    let mut clients = all(&mut conn.prepare_cached(CLIENTS)?, [aid.as_str()], rows::client)?;
    let grants = all(&mut conn.prepare_cached(ALL_GRANTS)?, [aid.as_str()], rows::grant)?;
    let mut held: HashMap<ClientUuid, Vec<_>> = HashMap::new();
    for (client, grant) in grants {
        held.entry(client).or_default().push(grant);
    }
    for client in &mut clients {
        client.grants = held.remove(&client.uuid).unwrap_or_default();
    }
    Ok(clients)
}

fn account(conn: &Connection, aid: Aid) -> Result<Account, Fault> {
    let account = first(&mut conn.prepare_cached(ACCOUNT)?, [aid.as_str()], rows::account)?;
    account.ok_or_else(|| {
        Fault::Answer(Error::Internal("an order names an account that is not there".to_owned()))
    })
}

/// A world on its way.
struct Loading<'c> {
    conn: &'c Connection,
    aid: Aid,
    /// The account's present.
    now: Timestamp,
    world: World,
}

impl Loading<'_> {
    fn clients(&mut self, needs: &Needs) -> Result<(), Fault> {
        if needs.all_clients {
            return self.live_clients();
        }
        let mut by_uuid = self.conn.prepare_cached(CLIENT)?;
        for uuid in &needs.clients {
            let params = params![self.aid.as_str(), uuid.0.as_bytes()];
            // Without its grants: who only asks is told by its generation, and is not written.
            if let Some(client) = first(&mut by_uuid, params, rows::client)? {
                self.world.clients.insert(*uuid, client);
            }
        }
        Ok(())
    }

    /// A deleted client may do nothing, and nothing may be done to it: it need not be known.
    fn live_clients(&mut self) -> Result<(), Fault> {
        let live = all(&mut self.conn.prepare_cached(LIVE_CLIENTS)?, [self.aid.as_str()], rows::client)?;
        let mut grants = self.conn.prepare_cached(GRANTS)?;
        for mut client in live {
            let params = params![self.aid.as_str(), client.uuid.0.as_bytes()];
            let held = all(&mut grants, params, rows::grant)?;
            client.grants = held.into_iter().map(|(_, grant)| grant).collect();
            self.world.clients.insert(client.uuid, client);
        }
        Ok(())
    }
}
