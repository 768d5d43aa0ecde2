//! Batches, cards and their tokens.

use domain::{Batch, Card, RefId, Token};

use super::super::super::fault::Fault;
use super::super::query::Param;
use super::{Writing, column, decided, inconsistent};
use crate::rows::format;

const INSERT_BATCHES: &str = "INSERT INTO batch (aid, id, currency, cards, created_at, created_by) \
    SELECT $1, new.* FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::uuid[]) AS new";

/// What may change stands first, in the places it has in `UPDATE_CARDS`.
const INSERT_CARDS: &str = "INSERT INTO card (aid, uuid, type, name, customer_id, originated_by, metadata, amount, \
    currency, funds, drawdown, reserved, active_from, expires_at, pin_mac, pin_key_version, pin_format, \
    activated_at, activated_by, blocked_at, replaced_by, deleted_at, seq, changed_at, card_id, batch, created_at, \
    created_by) SELECT $1, new.* FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], \
    $7::text[], $8::bigint[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], \
    $14::bigint[], $15::bytea[], $16::bigint[], $17::text[], $18::bigint[], $19::uuid[], $20::bigint[], \
    $21::uuid[], $22::bigint[], $23::bigint[], $24::bigint[], $25::text[], $26::uuid[], $27::bigint[], \
    $28::uuid[]) AS new";

/// Columns in indexes are compared, not counted as changed for having been named: where they stay, so do the indexes.
const UPDATE_CARDS: &str = "WITH changed AS (UPDATE card SET type = new.type, name = new.name, \
    customer_id = new.customer_id, originated_by = new.originated_by, metadata = new.metadata, \
    amount = new.amount, currency = new.currency, funds = new.funds, drawdown = new.drawdown, \
    reserved = new.reserved, active_from = new.active_from, expires_at = new.expires_at, pin_mac = new.pin_mac, \
    pin_key_version = new.pin_key_version, pin_format = new.pin_format, activated_at = new.activated_at, \
    activated_by = new.activated_by, blocked_at = new.blocked_at, replaced_by = new.replaced_by, \
    deleted_at = new.deleted_at, seq = new.seq, changed_at = new.changed_at \
    FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], \
    $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bytea[], \
    $16::bigint[], $17::text[], $18::bigint[], $19::uuid[], $20::bigint[], $21::uuid[], $22::bigint[], \
    $23::bigint[], $24::bigint[]) AS new (uuid, type, name, customer_id, originated_by, metadata, amount, \
    currency, funds, drawdown, reserved, active_from, expires_at, pin_mac, pin_key_version, pin_format, \
    activated_at, activated_by, blocked_at, replaced_by, deleted_at, seq, changed_at) \
    WHERE card.aid = $1 AND card.uuid = new.uuid RETURNING 1) \
    SELECT 1 / (count(*) = cardinality($2))::int FROM changed";

const INSERT_TOKENS: &str = "INSERT INTO card_token (aid, card, uuid, mac, key_version, ref_id, format, \
    masked_code, single_use, expires_in, expires_at, used_at, deleted_at, metadata, created_at, created_by) \
    SELECT $1, new.* FROM unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::bigint[], $6::text[], $7::text[], \
    $8::text[], $9::boolean[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], \
    $15::bigint[], $16::uuid[]) AS new";

const UPDATE_TOKENS: &str = "WITH changed AS (UPDATE card_token SET single_use = new.single_use, \
    expires_in = new.expires_in, expires_at = new.expires_at, used_at = new.used_at, deleted_at = new.deleted_at \
    FROM unnest($2::uuid[], $3::uuid[], $4::boolean[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]) \
    AS new (card, uuid, single_use, expires_in, expires_at, used_at, deleted_at) \
    WHERE card_token.aid = $1 AND card_token.card = new.card AND card_token.uuid = new.uuid RETURNING 1) \
    SELECT 1 / (count(*) = cardinality($2))::int FROM changed";

#[cfg(test)]
pub const STATEMENTS: [&str; 5] = [INSERT_BATCHES, INSERT_CARDS, UPDATE_CARDS, INSERT_TOKENS, UPDATE_TOKENS];

impl Writing<'_> {
    pub(super) fn batches(&mut self) {
        let batches: Vec<&Batch> = self.changes.new_batches.iter().collect();
        if batches.is_empty() {
            return;
        }
        let columns = vec![
            column(&batches, |batch| batch.id.0),
            column(&batches, |batch| batch.currency.code()),
            column(&batches, |batch| i64::try_from(batch.cards).unwrap_or(i64::MAX)),
            column(&batches, |batch| batch.created_at.unix_ms()),
            column(&batches, |batch| batch.created_by.map(|by| by.0)),
        ];
        self.write(INSERT_BATCHES, columns);
    }

    pub(super) fn new_cards(&mut self) -> Result<(), Fault> {
        let new = self.changes.new_cards.iter().map(|uuid| decided(self.changes.world.cards.get(uuid)));
        let cards = new.collect::<Result<Vec<&Card>, Fault>>()?;
        if cards.is_empty() {
            return Ok(());
        }
        let mut columns = changing(&cards);
        columns.extend([
            column(&cards, |card| card.card_id.as_str()),
            column(&cards, |card| card.batch.map(|batch| batch.0)),
            column(&cards, |card| card.created_at.unix_ms()),
            column(&cards, |card| card.created_by.map(|by| by.0)),
        ]);
        self.write(INSERT_CARDS, columns);
        Ok(())
    }

    pub(super) fn changed_cards(&mut self) -> Result<(), Fault> {
        let changed =
            self.changes.changed_cards.iter().map(|uuid| decided(self.changes.world.cards.get(uuid)));
        let cards = changed.collect::<Result<Vec<&Card>, Fault>>()?;
        if !cards.is_empty() {
            self.write(UPDATE_CARDS, changing(&cards));
        }
        Ok(())
    }

    pub(super) fn new_tokens(&mut self) -> Result<(), Fault> {
        let new = self.changes.new_tokens.iter().map(|uuid| decided(self.changes.world.tokens.get(uuid)));
        let tokens = new.collect::<Result<Vec<&Token>, Fault>>()?;
        if tokens.is_empty() {
            return Ok(());
        }
        let ref_ids: Vec<Option<&str>> =
            tokens.iter().map(|token| self.ref_id_to_keep(token)).collect::<Result<_, Fault>>()?;
        let columns = vec![
            column(&tokens, |token| token.card.0),
            column(&tokens, |token| token.uuid.0),
            column(&tokens, |token| token.mac.mac.as_slice()),
            column(&tokens, |token| i64::from(token.mac.key_version)),
            Box::new(ref_ids),
            column(&tokens, |token| format::to_text(&token.format)),
            column(&tokens, |token| token.masked_code.as_str()),
            column(&tokens, |token| token.expires_after_transaction),
            column(&tokens, |token| token.expires_in.map(i64::from)),
            column(&tokens, |token| token.expires_at.map(|at| at.unix_ms())),
            column(&tokens, |token| token.used_at.map(|at| at.unix_ms())),
            column(&tokens, |token| token.deleted_at.map(|at| at.unix_ms())),
            column(&tokens, |token| token.metadata.as_json()),
            column(&tokens, |token| token.created_at.unix_ms()),
            column(&tokens, |token| token.created_by.map(|by| by.0)),
        ];
        self.write(INSERT_TOKENS, columns);
        Ok(())
    }

    /// The reference, unless it is the card's id: a row without one is read back that way.
    fn ref_id_to_keep<'t>(&self, token: &'t Token) -> Result<Option<&'t str>, Fault> {
        if !token.made_with_card {
            return Ok(Some(token.ref_id.as_str()));
        }
        let card = decided(self.changes.world.cards.get(&token.card))?;
        if token.ref_id == RefId::from(&card.card_id) {
            Ok(None)
        } else {
            Err(inconsistent("a card's own token does not refer to its card"))
        }
    }

    pub(super) fn changed_tokens(&mut self) -> Result<(), Fault> {
        let changed =
            self.changes.changed_tokens.iter().map(|uuid| decided(self.changes.world.tokens.get(uuid)));
        let tokens = changed.collect::<Result<Vec<&Token>, Fault>>()?;
        if tokens.is_empty() {
            return Ok(());
        }
        let columns = vec![
            column(&tokens, |token| token.card.0),
            column(&tokens, |token| token.uuid.0),
            column(&tokens, |token| token.expires_after_transaction),
            column(&tokens, |token| token.expires_in.map(i64::from)),
            column(&tokens, |token| token.expires_at.map(|at| at.unix_ms())),
            column(&tokens, |token| token.used_at.map(|at| at.unix_ms())),
            column(&tokens, |token| token.deleted_at.map(|at| at.unix_ms())),
        ];
        self.write(UPDATE_TOKENS, columns);
        Ok(())
    }
}

/// The columns of cards that may change, their ids before them.
fn changing<'c>(cards: &[&'c Card]) -> Vec<Param<'c>> {
    let pin = |card: &&'c Card| card.pin.as_ref();
    vec![
        column(cards, |card| card.uuid.0),
        column(cards, |card| card.kind.as_str()),
        column(cards, |card| card.name.as_ref().map(|name| name.as_str())),
        column(cards, |card| card.customer_id.as_ref().map(|customer| customer.as_str())),
        column(cards, |card| card.originated_by.as_ref().map(|origin| origin.as_str())),
        column(cards, |card| card.metadata.as_json()),
        column(cards, |card| card.amount.minor_units()),
        column(cards, |card| card.currency.code()),
        column(cards, |card| card.funds.minor_units()),
        column(cards, |card| card.drawdown.minor_units()),
        column(cards, |card| card.reserved.minor_units()),
        column(cards, |card| card.dates.active_from.map(|at| at.unix_ms())),
        column(cards, |card| card.dates.expires_at.map(|at| at.unix_ms())),
        column(cards, |card| pin(card).map(|pin| pin.mac.mac.as_slice())),
        column(cards, |card| pin(card).map(|pin| i64::from(pin.mac.key_version))),
        column(cards, |card| pin(card).map(|pin| format::to_text(&pin.format))),
        column(cards, |card| card.activation.map(|activation| activation.at.unix_ms())),
        column(cards, |card| card.activation.and_then(|activation| activation.by).map(|by| by.0)),
        column(cards, |card| card.blocked_at.map(|at| at.unix_ms())),
        column(cards, |card| card.replaced_by.map(|card| card.0)),
        column(cards, |card| card.deleted_at.map(|at| at.unix_ms())),
        column(cards, |card| card.seq),
        column(cards, |card| card.changed_at.unix_ms()),
    ]
}
