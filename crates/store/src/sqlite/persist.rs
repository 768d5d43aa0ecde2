//! Writes what was decided.

use domain::{
    Aid, AuditEntry, Batch, Card, CardUuid, Changes, Client, CustomerId, Name, RefId, ReplayKey, Subject,
    Token, Transaction, World,
};
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, ToSql, params};

use super::fault::Fault;
use super::format;
use crate::Error;

const INSERT_BATCH: &str =
    "INSERT INTO batch (aid, id, cards, created_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5)";

/// What may change stands first, in the places it has in `UPDATE_CARD`.
const INSERT_CARD: &str = "INSERT INTO card (aid, uuid, originated_by, metadata, amount, currency, funds, \
    drawdown, reserved, active_from, expires_at, pin_mac, pin_key_version, pin_format, activated_at, \
    activated_by, blocked_at, deleted_at, seq, changed_at, card_id, batch, type, name, customer_id, \
    created_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, \
    ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)";

/// Names no indexed column: SQLite would take the row out of that index and put it in again, changed or not.
const UPDATE_CARD: &str = "UPDATE card SET originated_by = ?3, metadata = ?4, amount = ?5, currency = ?6, \
    funds = ?7, drawdown = ?8, reserved = ?9, active_from = ?10, expires_at = ?11, pin_mac = ?12, \
    pin_key_version = ?13, pin_format = ?14, activated_at = ?15, activated_by = ?16, blocked_at = ?17, \
    deleted_at = ?18, seq = ?19, changed_at = ?20 WHERE aid = ?1 AND uuid = ?2";

/// Columns of a card that may change.
const CHANGING: usize = 20;

const UPDATE_CUSTOMER: &str = "UPDATE card SET customer_id = ?3 WHERE aid = ?1 AND uuid = ?2";

const UPDATE_NAME: &str = "UPDATE card SET name = ?3 WHERE aid = ?1 AND uuid = ?2";

const INSERT_TOKEN: &str = "INSERT INTO card_token (aid, card, uuid, mac, key_version, ref_id, format, \
    masked_code, single_use, expires_in, expires_at, used_at, deleted_at, metadata, created_at, created_by) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

const UPDATE_TOKEN: &str = "UPDATE card_token SET single_use = ?4, expires_in = ?5, expires_at = ?6, \
    used_at = ?7, deleted_at = ?8 WHERE aid = ?1 AND card = ?2 AND uuid = ?3";

const INSERT_TRANSACTION: &str = "INSERT INTO card_transaction (aid, card, seq, id, ref_id, type, reason, \
    amount, currency, token, originated_by, metadata, created_at, created_by, request, balance, available) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

const REPLACE_REPLAY: &str = "INSERT OR REPLACE INTO idempotency (aid, client, operation, mac, key_version, \
    created_at, request_mac, request_key_version, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

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

const LAST_AUDIT: &str = "SELECT place FROM audit WHERE aid = ?1 ORDER BY place DESC LIMIT 1";

const INSERT_AUDIT: &str = "INSERT INTO audit (aid, place, at, client, request, action, subject, subject_id) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Owners and names as they were loaded, by card.
pub type Before = Vec<(CardUuid, Option<CustomerId>, Option<Name>)>;

/// Whose the loaded cards were and what they were called, to be told from what a decision makes of that.
pub fn before(world: &World) -> Before {
    let indexed = |card: &Card| (card.uuid, card.customer_id.clone(), card.name.clone());
    world.cards.values().map(indexed).collect()
}

/// Writes all changes of one account; the caller commits, or, after a fault, rolls back.
pub fn changes(conn: &Connection, aid: Aid, before: &Before, changes: &Changes) -> Result<(), Fault> {
    let writing = Writing { conn, aid, changes };
    for batch in &changes.new_batches {
        writing.batch(batch)?;
    }
    writing.new_cards()?;
    writing.changed_cards(before)?;
    writing.new_tokens()?;
    writing.changed_tokens()?;
    writing.transactions()?;
    writing.replays()?;
    for uuid in &changes.changed_clients {
        client(conn, aid, writing.decided(changes.world.clients.get(uuid))?)?;
    }
    writing.audit()
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

/// Changes of one account on their way into the database.
struct Writing<'c> {
    conn: &'c Connection,
    aid: Aid,
    changes: &'c Changes,
}

impl<'c> Writing<'c> {
    /// A row that a decision says is to be written: it stands in the world.
    fn decided<T>(&self, row: Option<&'c T>) -> Result<&'c T, Fault> {
        row.ok_or_else(|| inconsistent("a decision names a row that it does not hold"))
    }

    fn batch(&self, batch: &Batch) -> Result<(), Fault> {
        self.conn.prepare_cached(INSERT_BATCH)?.execute(params![
            self.aid.as_str(),
            batch.id.0.as_bytes(),
            i64::try_from(batch.cards).unwrap_or(i64::MAX),
            batch.created_at.unix_ms(),
            batch.created_by.map(|by| by.0.into_bytes()),
        ])?;
        Ok(())
    }

    fn new_cards(&self) -> Result<(), Fault> {
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
            card.kind.as_str(),
            card.name.as_ref().map(|name| name.as_str()),
            card.customer_id.as_ref().map(|customer| customer.as_str()),
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
            card.originated_by.as_ref().map(|origin| origin.as_str()),
            card.metadata.as_json(),
            card.amount.minor_units(),
            card.currency.code(),
            card.funds.minor_units(),
            card.drawdown.minor_units(),
            card.reserved.minor_units(),
            card.dates.active_from.map(|at| at.unix_ms()),
            card.dates.expires_at.map(|at| at.unix_ms()),
            pin.map(|pin| pin.mac.mac),
            pin.map(|pin| pin.mac.key_version),
            pin.map(|pin| format::to_text(&pin.format)),
            card.activation.map(|activation| activation.at.unix_ms()),
            card.activation.and_then(|activation| activation.by).map(|by| by.0.into_bytes()),
            card.blocked_at.map(|at| at.unix_ms()),
            card.deleted_at.map(|at| at.unix_ms()),
            card.seq,
            card.changed_at.unix_ms(),
        ];
        bind(statement, 0, changing)
    }

    fn changed_cards(&self, before: &Before) -> Result<(), Fault> {
        let mut update = self.conn.prepare_cached(UPDATE_CARD)?;
        for uuid in &self.changes.changed_cards {
            self.bind_changing(&mut update, self.decided(self.changes.world.cards.get(uuid))?)?;
            check_one(update.raw_execute()?)?;
        }
        let mut update_customer = self.conn.prepare_cached(UPDATE_CUSTOMER)?;
        let mut update_name = self.conn.prepare_cached(UPDATE_NAME)?;
        for (uuid, customer_before, name_before) in before {
            let card = self.decided(self.changes.world.cards.get(uuid))?;
            if card.customer_id != *customer_before {
                let customer = card.customer_id.as_ref().map(|customer| customer.as_str());
                update_customer.execute(params![self.aid.as_str(), uuid.0.as_bytes(), customer])?;
            }
            if card.name != *name_before {
                let name = card.name.as_ref().map(|name| name.as_str());
                update_name.execute(params![self.aid.as_str(), uuid.0.as_bytes(), name])?;
            }
        }
        Ok(())
    }

    fn new_tokens(&self) -> Result<(), Fault> {
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

    fn changed_tokens(&self) -> Result<(), Fault> {
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

    fn transactions(&self) -> Result<(), Fault> {
        let mut insert = self.conn.prepare_cached(INSERT_TRANSACTION)?;
        for transaction in &self.changes.new_transactions {
            self.insert_transaction(&mut insert, transaction)?;
        }
        Ok(())
    }

    fn insert_transaction(&self, insert: &mut CachedStatement<'_>, row: &Transaction) -> Result<(), Fault> {
        insert.execute(params![
            self.aid.as_str(),
            row.card.0.as_bytes(),
            row.seq,
            row.id.0.as_bytes(),
            row.ref_id.as_str(),
            row.kind.as_str(),
            row.reason.as_str(),
            row.amount.minor_units(),
            row.currency.code(),
            row.token.map(|token| token.0.into_bytes()),
            row.originated_by.as_ref().map(|origin| origin.as_str()),
            row.metadata.as_json(),
            row.created_at.unix_ms(),
            row.created_by.map(|by| by.0.into_bytes()),
            row.request.0.as_bytes(),
            row.balance.minor_units(),
            row.available.minor_units(),
        ])?;
        Ok(())
    }

    fn replays(&self) -> Result<(), Fault> {
        let mut replace = self.conn.prepare_cached(REPLACE_REPLAY)?;
        for key in &self.changes.new_replays {
            let ReplayKey { client, operation, key: mac } = key;
            let replay = self.decided(self.changes.world.replays.get(key))?;
            replace.execute(params![
                self.aid.as_str(),
                client.0.as_bytes(),
                operation.as_str(),
                mac.mac,
                mac.key_version,
                replay.created_at.unix_ms(),
                replay.request.mac,
                replay.request.key_version,
                replay.sealed,
            ])?;
        }
        Ok(())
    }

    fn audit(&self) -> Result<(), Fault> {
        if self.changes.audit.is_empty() {
            return Ok(());
        }
        let mut last = self.conn.prepare_cached(LAST_AUDIT)?;
        let last: Option<i64> = last.query_row([self.aid.as_str()], |row| row.get(0)).optional()?;
        let mut insert = self.conn.prepare_cached(INSERT_AUDIT)?;
        for (place, entry) in (last.unwrap_or(0).saturating_add(1)..).zip(&self.changes.audit) {
            let AuditEntry { at, client, request, action, subject } = entry;
            let (kind, id) = subject_columns(*subject);
            insert.execute(params![
                self.aid.as_str(),
                place,
                at.unix_ms(),
                client.map(|client| client.0.into_bytes()),
                request.0.as_bytes(),
                action.as_str(),
                kind,
                id.into_bytes(),
            ])?;
        }
        Ok(())
    }
}

fn subject_columns(subject: Subject) -> (&'static str, uuid::Uuid) {
    match subject {
        Subject::Card(id) => ("card", id.0),
        Subject::Batch(id) => ("batch", id.0),
        Subject::Token(id) => ("token", id.0),
        Subject::Client(id) => ("client", id.0),
        Subject::Grant(id) => ("grant", id.0),
    }
}

/// Binds values to the places of a statement that come after the first `bound`.
fn bind(statement: &mut CachedStatement<'_>, bound: usize, values: &[&dyn ToSql]) -> rusqlite::Result<()> {
    for (place, value) in (bound + 1..).zip(values) {
        statement.raw_bind_parameter(place, value)?;
    }
    Ok(())
}

fn check_one(updated: usize) -> Result<(), Fault> {
    if updated == 1 { Ok(()) } else { Err(inconsistent("a decision changes a row that is not there")) }
}

fn inconsistent(what: &str) -> Fault {
    Fault::Answer(Error::Internal(what.to_owned()))
}
