//! What a decision needs, gathered by statements that name one account each.

use std::collections::{BTreeSet, HashMap};

use domain::{
    Aid, Card, CardId, CardUuid, Client, ClientUuid, Needs, RefId, Replay, ReplayKey, Token, TokenNeed, World,
};
use rusqlite::{CachedStatement, Connection, Params, Row, params};

use super::fault::Fault;
use super::rows::{self, select};

const CARD_BY_ID: &str = select!(card "WHERE aid = ?1 AND card_id = ?2");
const ANY_BETWEEN: &str = "SELECT 1 FROM card WHERE aid = ?1 AND card_id BETWEEN ?2 AND ?3 LIMIT 1";
const CARD_BY_UUID: &str = select!(card "WHERE aid = ?1 AND uuid = ?2");
const TOKEN_BY_MAC: &str = select!(card_token "WHERE aid = ?1 AND mac = ?2");
const OWN_TOKEN: &str = select!(card_token "WHERE aid = ?1 AND card = ?2 AND ref_id IS NULL");
const TOKEN_BY_REF_ID: &str = select!(card_token "WHERE aid = ?1 AND card = ?2 AND ref_id = ?3");
const TOKEN_BY_UUID: &str = select!(card_token "WHERE aid = ?1 AND card = ?2 AND uuid = ?3");
const LIVE_TOKENS: &str =
    select!(card_token "WHERE aid = ?1 AND card = ?2 AND deleted_at IS NULL ORDER BY uuid");
const BY_REF_ID: &str = select!(card_transaction "WHERE aid = ?1 AND card = ?2 AND ref_id = ?3");
const CLIENT: &str = select!(api_client "WHERE aid = ?1 AND uuid = ?2");
const CLIENTS: &str = select!(api_client "WHERE aid = ?1 ORDER BY created_at, uuid");
const LIVE_CLIENTS: &str =
    select!(api_client "INDEXED BY client_alive WHERE aid = ?1 AND deleted_at IS NULL");
const GRANTS: &str = select!(client_grant "WHERE aid = ?1 AND client = ?2 ORDER BY place");
const ALL_GRANTS: &str = select!(client_grant "WHERE aid = ?1 ORDER BY client, place");
const REPLAY: &str = select!(idempotency "WHERE aid = ?1 AND client = ?2 AND operation = ?3 AND mac = ?4");

/// So many ids are mostly those of a batch, which count up: one look tells that none of them is there.
const MANY: usize = 16;

/// Every statement that loads one thing, to be asked how it finds it.
#[cfg(test)]
pub const STATEMENTS: [&str; 13] = [
    CARD_BY_ID,
    ANY_BETWEEN,
    CARD_BY_UUID,
    TOKEN_BY_MAC,
    OWN_TOKEN,
    TOKEN_BY_REF_ID,
    TOKEN_BY_UUID,
    LIVE_TOKENS,
    BY_REF_ID,
    CLIENT,
    LIVE_CLIENTS,
    GRANTS,
    REPLAY,
];

/// Loads what `needs` names of one account.
pub fn world(conn: &Connection, aid: Aid, needs: &Needs) -> Result<World, Fault> {
    let mut loading = Loading { conn, aid, world: World::default() };
    loading.clients(needs)?;
    loading.cards(needs)?;
    loading.bearers(needs)?;
    loading.tokens(needs)?;
    loading.transactions(needs)?;
    for key in &needs.replays {
        if let Some(replay) = replay(conn, aid, key)? {
            loading.world.replays.insert(*key, replay);
        }
    }
    Ok(loading.world)
}

/// The first row, read.
pub fn first<T>(
    statement: &mut CachedStatement<'_>,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    statement.query(params)?.next()?.map(read).transpose()
}

/// Every row, read.
pub fn all<T>(
    statement: &mut CachedStatement<'_>,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// A card by the client's id for it.
pub fn card_by_id(conn: &Connection, aid: Aid, card_id: &CardId) -> Result<Option<Card>, Fault> {
    let mut by_id = conn.prepare_cached(CARD_BY_ID)?;
    first(&mut by_id, (aid.as_str(), card_id.as_str()), rows::card)
}

/// A card that an index names.
pub fn card(conn: &Connection, aid: Aid, uuid: CardUuid) -> Result<Card, Fault> {
    let mut by_uuid = conn.prepare_cached(CARD_BY_UUID)?;
    let card = first(&mut by_uuid, params![aid.as_str(), uuid.0.as_bytes()], rows::card)?;
    card.ok_or_else(|| Fault::Damaged("card.uuid".to_owned()))
}

/// A card's tokens that have not been deleted, oldest first.
pub fn live_tokens(conn: &Connection, aid: Aid, card: &Card) -> Result<Vec<Token>, Fault> {
    let mut live = conn.prepare_cached(LIVE_TOKENS)?;
    let params = params![aid.as_str(), card.uuid.0.as_bytes()];
    all(&mut live, params, |row| rows::token(row, &card.card_id))
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

/// A world on its way.
struct Loading<'c> {
    conn: &'c Connection,
    aid: Aid,
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

    fn cards(&mut self, needs: &Needs) -> Result<(), Fault> {
        if needs.card_ids.len() >= MANY && self.has_none_between(&needs.card_ids)? {
            return Ok(());
        }
        let mut by_id = self.conn.prepare_cached(CARD_BY_ID)?;
        for card_id in &needs.card_ids {
            let params = (self.aid.as_str(), card_id.as_str());
            if let Some(card) = first(&mut by_id, params, rows::card)? {
                self.world.put_card(card);
            }
        }
        Ok(())
    }

    /// Whether no card lies from the first to the last of these.
    fn has_none_between(&self, card_ids: &BTreeSet<CardId>) -> Result<bool, Fault> {
        let (Some(first), Some(last)) = (card_ids.first(), card_ids.last()) else {
            return Ok(true);
        };
        let mut any = self.conn.prepare_cached(ANY_BETWEEN)?;
        let params = (self.aid.as_str(), first.as_str(), last.as_str());
        Ok(!any.exists(params)?)
    }

    fn bearers(&mut self, needs: &Needs) -> Result<(), Fault> {
        let mut by_mac = self.conn.prepare_cached(TOKEN_BY_MAC)?;
        let mut by_uuid = self.conn.prepare_cached(CARD_BY_UUID)?;
        for mac in &needs.token_macs {
            let mut found = by_mac.query(params![self.aid.as_str(), mac.mac])?;
            let Some(row) = found.next()? else { continue };
            let card = rows::token_card(row)?;
            if !self.world.cards.contains_key(&card) {
                let params = params![self.aid.as_str(), card.0.as_bytes()];
                if let Some(card) = first(&mut by_uuid, params, rows::card)? {
                    self.world.put_card(card);
                }
            }
            let card_id = &self.card(card)?.card_id;
            let token = rows::token(row, card_id)?;
            self.world.put_token(token);
        }
        Ok(())
    }

    fn card(&self, uuid: CardUuid) -> Result<&Card, Fault> {
        let card = self.world.cards.get(&uuid);
        card.ok_or_else(|| Fault::Damaged("card_token.card".to_owned()))
    }

    fn tokens(&mut self, needs: &Needs) -> Result<(), Fault> {
        let aid = self.aid;
        for (card_id, need) in &needs.card_tokens {
            let Some(card) = self.world.card_ids.get(card_id).copied() else {
                continue;
            };
            match need {
                TokenNeed::All => {
                    for token in live_tokens(self.conn, aid, self.card(card)?)? {
                        self.world.put_token(token);
                    }
                }
                TokenNeed::RefId(ref_id) => {
                    // The token made with the card has no reference of its own in its row.
                    if *ref_id == RefId::from(card_id) {
                        self.own_token(card, card_id)?;
                    }
                    let params = params![aid.as_str(), card.0.as_bytes(), ref_id.as_str()];
                    self.token(TOKEN_BY_REF_ID, params, card_id)?;
                }
                TokenNeed::Uuid(uuid) => {
                    let params = params![aid.as_str(), card.0.as_bytes(), uuid.0.as_bytes()];
                    self.token(TOKEN_BY_UUID, params, card_id)?;
                }
            }
        }
        Ok(())
    }

    fn own_token(&mut self, card: CardUuid, card_id: &CardId) -> Result<(), Fault> {
        let aid = self.aid;
        let params = params![aid.as_str(), card.0.as_bytes()];
        self.token(OWN_TOKEN, params, card_id)
    }

    fn token(&mut self, sql: &str, params: &[&dyn rusqlite::ToSql], card_id: &CardId) -> Result<(), Fault> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let token = first(&mut statement, params, |row| rows::token(row, card_id))?;
        token.into_iter().for_each(|token| self.world.put_token(token));
        Ok(())
    }

    fn transactions(&mut self, needs: &Needs) -> Result<(), Fault> {
        let mut by_ref_id = self.conn.prepare_cached(BY_REF_ID)?;
        for (selector, ref_id) in &needs.ref_ids {
            let Some((card, _)) = self.world.select(selector) else {
                continue;
            };
            let params = params![self.aid.as_str(), card.0.as_bytes(), ref_id.as_str()];
            if let Some(transaction) = first(&mut by_ref_id, params, rows::transaction)? {
                self.world.put_transaction(transaction);
            }
        }
        Ok(())
    }
}
