//! Batches, cards and their tokens.

use domain::{Batch, Card, RefId, Token};
use rusqlite::{CachedStatement, params};

use super::super::fault::Fault;
use super::{Before, Indexed, Writing, bind, check_one, inconsistent};
use crate::rows::format;

const INSERT_BATCH: &str =
    "INSERT INTO batch (aid, id, currency, cards, created_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// What may change and is in no index stands first, in the places it has in `UPDATE_CARD`.
const INSERT_CARD: &str = "INSERT INTO card (aid, uuid, type, originated_by, metadata, amount, currency, funds, \
    drawdown, reserved, active_from, pin_mac, pin_key_version, pin_format, activated_at, activated_by, \
    blocked_at, replaced_by, deleted_at, seq, changed_at, card_id, batch, name, customer_id, expires_at, \
    created_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
    ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)";

/// Names no indexed column: SQLite would take the row out of that index and put it in again, changed or not.
const UPDATE_CARD: &str = "UPDATE card SET type = ?3, originated_by = ?4, metadata = ?5, amount = ?6, \
    currency = ?7, funds = ?8, drawdown = ?9, reserved = ?10, active_from = ?11, pin_mac = ?12, \
    pin_key_version = ?13, pin_format = ?14, activated_at = ?15, activated_by = ?16, blocked_at = ?17, \
    replaced_by = ?18, deleted_at = ?19, seq = ?20, changed_at = ?21 WHERE aid = ?1 AND uuid = ?2";

/// Columns of a card that `UPDATE_CARD` binds.
const CHANGING: usize = 21;

const UPDATE_CUSTOMER: &str = "UPDATE card SET customer_id = ?3 WHERE aid = ?1 AND uuid = ?2";

const UPDATE_NAME: &str = "UPDATE card SET name = ?3 WHERE aid = ?1 AND uuid = ?2";

const UPDATE_END: &str = "UPDATE card SET expires_at = ?3 WHERE aid = ?1 AND uuid = ?2";

const INSERT_TOKEN: &str = "INSERT INTO card_token (aid, card, uuid, mac, key_version, ref_id, format, \
    masked_code, single_use, expires_in, expires_at, used_at, deleted_at, metadata, created_at, created_by) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

const UPDATE_TOKEN: &str = "UPDATE card_token SET single_use = ?4, expires_in = ?5, expires_at = ?6, \
    used_at = ?7, deleted_at = ?8 WHERE aid = ?1 AND card = ?2 AND uuid = ?3";

impl Writing<'_> {
    pub(super) fn batch(&self, batch: &Batch) -> Result<(), Fault> {
        self.conn.prepare_cached(INSERT_BATCH)?.execute(params![
            self.aid.as_str(),
            batch.id.0.as_bytes(),
            batch.currency.code(),
            i64::try_from(batch.cards).unwrap_or(i64::MAX),
            batch.created_at.unix_ms(),
            batch.created_by.map(|by| by.0.into_bytes()),
        ])?;
        Ok(())
    }

    pub(super) fn new_cards(&self) -> Result<(), Fault> {
        let mut insert = self.conn.prepare_cached(INSERT_CARD)?;
        for uuid in &self.changes.new_cards {
            self.insert_card(&mut insert, self.decided(self.changes.world.cards.get(uuid))?)?;
        }
        Ok(())
    }

    fn insert_card(&self, insert: &mut CachedStatement<'_>, card: &Card) -> Result<(), Fault> {
        self.bind_changing(insert, card)?;
        let lasting = params![
            card.card_id.as_str(),
            card.batch.map(|batch| batch.0.into_bytes()),
            card.name.as_ref().map(|name| name.as_str()),
            card.customer_id.as_ref().map(|customer| customer.as_str()),
            card.dates.expires_at.map(|at| at.unix_ms()),
            card.created_at.unix_ms(),
            card.created_by.map(|by| by.0.into_bytes()),
        ];
        bind(insert, CHANGING, lasting)?;
        insert.raw_execute()?;
        Ok(())
    }

    fn bind_changing(&self, statement: &mut CachedStatement<'_>, card: &Card) -> rusqlite::Result<()> {
        let pin = card.pin.as_ref();
        let changing = params![
            self.aid.as_str(),
            card.uuid.0.as_bytes(),
            card.kind.as_str(),
            card.originated_by.as_ref().map(|origin| origin.as_str()),
            card.metadata.as_json(),
            card.amount.minor_units(),
            card.currency.code(),
            card.funds.minor_units(),
            card.drawdown.minor_units(),
            card.reserved.minor_units(),
            card.dates.active_from.map(|at| at.unix_ms()),
            pin.map(|pin| pin.mac.mac),
            pin.map(|pin| pin.mac.key_version),
            pin.map(|pin| format::to_text(&pin.format)),
            card.activation.map(|activation| activation.at.unix_ms()),
            card.activation.and_then(|activation| activation.by).map(|by| by.0.into_bytes()),
            card.blocked_at.map(|at| at.unix_ms()),
            card.replaced_by.map(|card| card.0.into_bytes()),
            card.deleted_at.map(|at| at.unix_ms()),
            card.seq,
            card.changed_at.unix_ms(),
        ];
        bind(statement, 0, changing)
    }

    pub(super) fn changed_cards(&self, before: &Before) -> Result<(), Fault> {
        let mut update = self.conn.prepare_cached(UPDATE_CARD)?;
        for uuid in &self.changes.changed_cards {
            self.bind_changing(&mut update, self.decided(self.changes.world.cards.get(uuid))?)?;
            check_one(update.raw_execute()?)?;
        }
        for before in before {
            self.changed_indexed(before, self.decided(self.changes.world.cards.get(&before.card))?)?;
        }
        Ok(())
    }

    fn changed_indexed(&self, before: &Indexed, card: &Card) -> Result<(), Fault> {
        let (aid, uuid) = (self.aid.as_str(), card.uuid.0.as_bytes());
        if card.customer_id != before.customer_id {
            let customer = card.customer_id.as_ref().map(|customer| customer.as_str());
            self.conn.prepare_cached(UPDATE_CUSTOMER)?.execute(params![aid, uuid, customer])?;
        }
        if card.name != before.name {
            let name = card.name.as_ref().map(|name| name.as_str());
            self.conn.prepare_cached(UPDATE_NAME)?.execute(params![aid, uuid, name])?;
        }
        if card.dates.expires_at != before.expires_at {
            let end = card.dates.expires_at.map(|at| at.unix_ms());
            self.conn.prepare_cached(UPDATE_END)?.execute(params![aid, uuid, end])?;
        }
        Ok(())
    }

    pub(super) fn new_tokens(&self) -> Result<(), Fault> {
        let mut insert = self.conn.prepare_cached(INSERT_TOKEN)?;
        for uuid in &self.changes.new_tokens {
            let token = self.decided(self.changes.world.tokens.get(uuid))?;
            insert.execute(params![
                self.aid.as_str(),
                token.card.0.as_bytes(),
                token.uuid.0.as_bytes(),
                token.mac.mac,
                token.mac.key_version,
                self.ref_id_to_keep(token)?,
                format::to_text(&token.format),
                token.masked_code,
                token.expires_after_transaction,
                token.expires_in,
                token.expires_at.map(|at| at.unix_ms()),
                token.used_at.map(|at| at.unix_ms()),
                token.deleted_at.map(|at| at.unix_ms()),
                token.metadata.as_json(),
                token.created_at.unix_ms(),
                token.created_by.map(|by| by.0.into_bytes()),
            ])?;
        }
        Ok(())
    }

    /// The reference, unless it is the card's id: a row without one is read back that way.
    fn ref_id_to_keep<'t>(&self, token: &'t Token) -> Result<Option<&'t str>, Fault> {
        if !token.made_with_card {
            return Ok(Some(token.ref_id.as_str()));
        }
        let card = self.decided(self.changes.world.cards.get(&token.card))?;
        if token.ref_id == RefId::from(&card.card_id) {
            Ok(None)
        } else {
            Err(inconsistent("a card's own token does not refer to its card"))
        }
    }

    pub(super) fn changed_tokens(&self) -> Result<(), Fault> {
        let mut update = self.conn.prepare_cached(UPDATE_TOKEN)?;
        for uuid in &self.changes.changed_tokens {
            let token = self.decided(self.changes.world.tokens.get(uuid))?;
            let updated = update.execute(params![
                self.aid.as_str(),
                token.card.0.as_bytes(),
                token.uuid.0.as_bytes(),
                token.expires_after_transaction,
                token.expires_in,
                token.expires_at.map(|at| at.unix_ms()),
                token.used_at.map(|at| at.unix_ms()),
                token.deleted_at.map(|at| at.unix_ms()),
            ])?;
            check_one(updated)?;
        }
        Ok(())
    }
}
