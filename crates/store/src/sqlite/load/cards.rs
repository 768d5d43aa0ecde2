//! Cards, their tokens and what has run out on them.

use std::collections::BTreeSet;

use domain::{
    Aid, Amount, Card, CardId, CardUuid, Lock, Needs, RefId, Timestamp, Token, TokenMac, TokenNeed, TokenUuid,
};
use rusqlite::{CachedStatement, Connection, params};

use super::super::fault::Fault;
use super::{Loading, all, first};
use crate::rows::{self, select};

const CARD_BY_ID: &str = select!(card "WHERE aid = ?1 AND card_id = ?2");
const ANY_BETWEEN: &str = "SELECT 1 FROM card WHERE aid = ?1 AND card_id BETWEEN ?2 AND ?3 LIMIT 1";
const CARD_BY_UUID: &str = select!(card "WHERE aid = ?1 AND uuid = ?2");
const LAPSED_LOCKS: &str = select!(card_lock "WHERE aid = ?1 AND card = ?2 AND expires_at <= ?3");
const LAPSED_CARDS: &str = "SELECT DISTINCT card FROM card_lock WHERE aid = ?1 AND expires_at <= ?2 LIMIT ?3";
const TOKEN_BY_MAC: &str = select!(card_token "WHERE aid = ?1 AND mac = ?2");
const OWN_TOKEN: &str = select!(card_token "WHERE aid = ?1 AND card = ?2 AND ref_id IS NULL");
const TOKEN_BY_REF_ID: &str = select!(card_token "WHERE aid = ?1 AND card = ?2 AND ref_id = ?3");
const TOKEN_BY_UUID: &str = select!(card_token "WHERE aid = ?1 AND card = ?2 AND uuid = ?3");
const LIVE_TOKENS: &str =
    select!(card_token "WHERE aid = ?1 AND card = ?2 AND deleted_at IS NULL ORDER BY uuid");

/// So many ids are mostly those of a batch, which count up: one look tells that none of them is there.
const MANY: usize = 16;

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 10] = [
    CARD_BY_ID,
    ANY_BETWEEN,
    CARD_BY_UUID,
    LAPSED_LOCKS,
    LAPSED_CARDS,
    TOKEN_BY_MAC,
    OWN_TOKEN,
    TOKEN_BY_REF_ID,
    TOKEN_BY_UUID,
    LIVE_TOKENS,
];

/// A card by the client's id for it.
pub fn card_by_id(conn: &Connection, aid: Aid, card_id: &CardId) -> Result<Option<Card>, Fault> {
    let mut by_id = conn.prepare_cached(CARD_BY_ID)?;
    first(&mut by_id, (aid.as_str(), card_id.as_str()), rows::card)
}

/// A card by its id.
fn card_by_uuid(conn: &Connection, aid: Aid, uuid: CardUuid) -> Result<Option<Card>, Fault> {
    let mut by_uuid = conn.prepare_cached(CARD_BY_UUID)?;
    first(&mut by_uuid, params![aid.as_str(), uuid.0.as_bytes()], rows::card)
}

/// A card that an index names.
pub fn card(conn: &Connection, aid: Aid, uuid: CardUuid) -> Result<Card, Fault> {
    card_by_uuid(conn, aid, uuid)?.ok_or_else(|| Fault::Damaged("card.uuid".to_owned()))
}

/// A token by its hash, deleted or not, with its card.
pub fn token_by_mac(conn: &Connection, aid: Aid, mac: &TokenMac) -> Result<Option<(Card, Token)>, Fault> {
    let mut by_mac = conn.prepare_cached(TOKEN_BY_MAC)?;
    let mut found = by_mac.query(params![aid.as_str(), mac.mac])?;
    let Some(row) = found.next()? else { return Ok(None) };
    let card = card_by_uuid(conn, aid, rows::token_card(row)?)?.ok_or_else(gone)?;
    let token = rows::token(row, &card.card_id)?;
    Ok(Some((card, token)))
}

/// A card's tokens that have not been deleted, oldest first.
pub fn live_tokens(conn: &Connection, aid: Aid, card: &Card) -> Result<Vec<Token>, Fault> {
    let mut live = conn.prepare_cached(LIVE_TOKENS)?;
    let params = params![aid.as_str(), card.uuid.0.as_bytes()];
    all(&mut live, params, |row| rows::token(row, &card.card_id))
}

/// The locks of a card that have run out at `now`.
fn lapsed_locks(conn: &Connection, aid: Aid, card: &Card, now: Timestamp) -> Result<Vec<Lock>, Fault> {
    // Most cards have nothing locked, and are spared the look-up.
    if card.reserved.is_zero() {
        return Ok(Vec::new());
    }
    let mut lapsed = conn.prepare_cached(LAPSED_LOCKS)?;
    all(&mut lapsed, params![aid.as_str(), card.uuid.0.as_bytes(), now.unix_ms()], rows::lock)
}

/// A card with the locks freed that have run out at `now`.
pub fn as_seen(conn: &Connection, aid: Aid, card: Card, now: Timestamp) -> Result<Card, Fault> {
    let lapsed = lapsed_locks(conn, aid, &card, now)?;
    let sum = lapsed.iter().try_fold(Amount::ZERO, |sum, lock| sum.plus(lock.remaining));
    let sum = sum.ok_or_else(|| Fault::Damaged("card_lock.remaining".to_owned()))?;
    Ok(card.without_lapsed(sum))
}

/// Cards with locks that have run out at `now`, at most so many.
pub fn lapsed_cards(conn: &Connection, aid: Aid, now: Timestamp, limit: u32) -> Result<Vec<CardUuid>, Fault> {
    let mut lapsed = conn.prepare_cached(LAPSED_CARDS)?;
    all(&mut lapsed, params![aid.as_str(), now.unix_ms(), limit], rows::lock_card)
}

fn gone() -> Fault {
    Fault::Damaged("card_token.card".to_owned())
}

impl Loading<'_> {
    pub(super) fn cards(&mut self, needs: &Needs) -> Result<(), Fault> {
        if needs.card_ids.len() < MANY || !self.has_none_between(&needs.card_ids)? {
            self.cards_by_id(&needs.card_ids)?;
        }
        for uuid in &needs.card_uuids {
            self.card(*uuid)?;
        }
        Ok(())
    }

    fn cards_by_id(&mut self, card_ids: &BTreeSet<CardId>) -> Result<(), Fault> {
        let mut by_id = self.conn.prepare_cached(CARD_BY_ID)?;
        for card_id in card_ids {
            let params = (self.aid.as_str(), card_id.as_str());
            if let Some(card) = first(&mut by_id, params, rows::card)? {
                self.put_card(card)?;
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

    /// Loads a card, unless it has been; answers whether there is one.
    pub(super) fn card(&mut self, uuid: CardUuid) -> Result<bool, Fault> {
        if self.world.cards.contains_key(&uuid) {
            return Ok(true);
        }
        match card_by_uuid(self.conn, self.aid, uuid)? {
            Some(card) => self.put_card(card).map(|()| true),
            None => Ok(false),
        }
    }

    /// A card never comes alone: what has run out on it comes along, and the card that took its place.
    fn put_card(&mut self, card: Card) -> Result<(), Fault> {
        for lock in lapsed_locks(self.conn, self.aid, &card, self.now)? {
            self.world.put_lock(lock);
        }
        let next = card.replaced_by;
        self.world.put_card(card);
        match next {
            Some(next) if !self.card(next)? => Err(Fault::Damaged("card.replaced_by".to_owned())),
            _ => Ok(()),
        }
    }

    pub(super) fn bearers(&mut self, needs: &Needs) -> Result<(), Fault> {
        let mut by_mac = self.conn.prepare_cached(TOKEN_BY_MAC)?;
        for mac in &needs.token_macs {
            let mut found = by_mac.query(params![self.aid.as_str(), mac.mac])?;
            let Some(row) = found.next()? else { continue };
            let card = rows::token_card(row)?;
            self.card(card)?;
            let token = rows::token(row, &self.loaded(card)?.card_id)?;
            self.world.put_token(token);
        }
        Ok(())
    }

    fn loaded(&self, uuid: CardUuid) -> Result<&Card, Fault> {
        self.world.cards.get(&uuid).ok_or_else(gone)
    }

    pub(super) fn tokens(&mut self, needs: &Needs) -> Result<(), Fault> {
        let aid = self.aid;
        for (card_id, need) in &needs.card_tokens {
            let Some(card) = self.world.card_ids.get(card_id).copied() else {
                continue;
            };
            match need {
                TokenNeed::All => {
                    for token in live_tokens(self.conn, aid, self.loaded(card)?)? {
                        self.world.put_token(token);
                    }
                }
                TokenNeed::RefId(ref_id) => self.token_by_ref_id((card, card_id), ref_id)?,
                TokenNeed::Uuid(uuid) => self.token_by_uuid((card, card_id), *uuid)?,
            }
        }
        Ok(())
    }

    fn token_by_ref_id(&mut self, (card, card_id): (CardUuid, &CardId), ref_id: &RefId) -> Result<(), Fault> {
        let aid = self.aid;
        // The token made with the card has no reference of its own in its row.
        if *ref_id == RefId::from(card_id) {
            let mut own = self.conn.prepare_cached(OWN_TOKEN)?;
            self.token(&mut own, params![aid.as_str(), card.0.as_bytes()], card_id)?;
        }
        let mut by_ref_id = self.conn.prepare_cached(TOKEN_BY_REF_ID)?;
        self.token(&mut by_ref_id, params![aid.as_str(), card.0.as_bytes(), ref_id.as_str()], card_id)
    }

    fn token_by_uuid(&mut self, (card, card_id): (CardUuid, &CardId), uuid: TokenUuid) -> Result<(), Fault> {
        let aid = self.aid;
        let mut by_uuid = self.conn.prepare_cached(TOKEN_BY_UUID)?;
        self.token(&mut by_uuid, params![aid.as_str(), card.0.as_bytes(), uuid.0.as_bytes()], card_id)
    }

    fn token(
        &mut self,
        statement: &mut CachedStatement<'_>,
        params: &[&dyn rusqlite::ToSql],
        card_id: &CardId,
    ) -> Result<(), Fault> {
        let token = first(statement, params, |row| rows::token(row, card_id))?;
        token.into_iter().for_each(|token| self.world.put_token(token));
        Ok(())
    }
}
