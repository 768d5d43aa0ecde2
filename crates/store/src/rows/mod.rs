//! Which columns make up what, in which order they are read; the same in every database.

mod audit;
mod fields;
pub mod format;

use domain::{
    Account, Action, Activation, Asked, Card, CardId, CardType, CardUuid, Client, Dates, DayCount, DayLimit,
    DaySubject, Format, Grant, Lock, Metadata, Pin, PinMac, PinPolicy, PinTries, PreviousSecret, Reason,
    RefId, RefundToExpired, Replay, RequestMac, SecretMac, Settings, Token, TokenDefaults, TokenMac,
    TokenUuid, Transaction, TransactionType,
};

pub use audit::{AuditLine, audit_line, event_columns, one_after_the_other};
pub use fields::{Columns, Damaged, Fields, Value};

/// `SELECT` of all columns of a table, in the order in which they are read here; what follows is the rest of
/// the statement.
macro_rules! select {
    (card $rest:literal) => {
        concat!(
            "SELECT uuid, card_id, batch, type, name, customer_id, originated_by, metadata, amount, currency, \
             funds, drawdown, reserved, active_from, expires_at, pin_mac, pin_key_version, pin_format, \
             activated_at, activated_by, blocked_at, replaced_by, deleted_at, seq, created_at, created_by, \
             changed_at FROM card ",
            $rest
        )
    };
    (card_token $rest:literal) => {
        concat!(
            "SELECT uuid, card, mac, key_version, ref_id, format, masked_code, single_use, expires_in, \
             expires_at, used_at, deleted_at, metadata, created_at, created_by FROM card_token ",
            $rest
        )
    };
    (card_transaction $rest:literal) => {
        concat!(
            "SELECT id, card, ref_id, type, reason, amount, currency, parent, token, originated_by, metadata, \
             created_at, created_by, request, seq, asked_operation, asked_amount, asked_expires_in, \
             reason_code, note, balance, available FROM card_transaction ",
            $rest
        )
    };
    (api_client $rest:literal) => {
        concat!(
            "SELECT uuid, client_id, name, description, secret_mac, key_version, generation, previous_mac, \
             previous_key_version, previous_generation, previous_ends_at, created_at, created_by, \
             updated_at, deleted_at FROM api_client ",
            $rest
        )
    };
    (client_grant $rest:literal) => {
        concat!("SELECT client, id, audience, scopes FROM client_grant ", $rest)
    };
    (idempotency $rest:literal) => {
        concat!(
            "SELECT request_mac, request_key_version, sealed, created_at FROM idempotency ",
            $rest
        )
    };
    (account $rest:literal) => {
        concat!(
            "SELECT aid, name, default_currency, pin_policy, refund_to_expired, reversal_minutes, lock_life, \
             balance_max, activation_max, card_day_amount, card_day_count, client_day_amount, \
             client_day_count, expiry_months, token_format, token_expires_in, \
             token_expires_after_transaction, test_clock_ms, created_at FROM account ",
            $rest
        )
    };
    (card_lock $rest:literal) => {
        concat!("SELECT id, card, remaining, expires_at FROM card_lock ", $rest)
    };
    (audit $rest:literal) => {
        concat!(
            "SELECT place, at, client, request, action, subject, subject_id, note, card FROM audit ",
            $rest
        )
    };
    (pin_tries $rest:literal) => {
        concat!(
            "SELECT card, client, wrong_in_row, wrong_since_rotation, waits_until FROM pin_tries ",
            $rest
        )
    };
    (day_count $rest:literal) => {
        concat!("SELECT amount, count FROM day_count ", $rest)
    };
    (signing_key $rest:literal) => {
        concat!(
            "SELECT kid, mode, issuer_host, public_der, sealed_private, key_version, created_at, \
             verifies_until FROM signing_key ",
            $rest
        )
    };
}

pub(crate) use select;

fn format(row: &mut Fields<'_>) -> Result<Format, Damaged> {
    row.word(format::from_text)
}

pub fn card(row: &dyn Columns) -> Result<Card, Damaged> {
    let mut row = Fields::new(row, "card");
    Ok(Card {
        uuid: row.id()?,
        card_id: row.parsed()?,
        batch: row.id_or_none()?,
        kind: row.word(CardType::from_word)?,
        name: row.parsed_or_none()?,
        customer_id: row.parsed_or_none()?,
        originated_by: row.parsed_or_none()?,
        metadata: Metadata::from_json_object(row.text()?),
        amount: row.amount()?,
        currency: row.currency()?,
        funds: row.amount()?,
        drawdown: row.amount()?,
        reserved: row.amount()?,
        dates: Dates { active_from: row.time_or_none()?, expires_at: row.time_or_none()? },
        pin: pin(&mut row)?,
        activation: activation(&mut row)?,
        blocked_at: row.time_or_none()?,
        replaced_by: row.id_or_none()?,
        deleted_at: row.time_or_none()?,
        seq: row.integer()?,
        created_at: row.time()?,
        created_by: row.id_or_none()?,
        changed_at: row.time()?,
    })
}

/// A card that a list looks at, and whether it is to be listed.
pub fn looked_at(row: &dyn Columns) -> Result<(CardUuid, bool), Damaged> {
    let mut row = Fields::new(row, "card");
    Ok((row.id()?, row.flag()?))
}

fn pin(row: &mut Fields<'_>) -> Result<Option<Pin>, Damaged> {
    let mac = row.mac_or_none()?;
    let key_version = row.number_or_none()?;
    let text = row.parsed_or_none::<PinFormat>()?;
    let parts = mac.zip(key_version).zip(text);
    Ok(parts.map(|((mac, key_version), PinFormat(format))| Pin { mac: PinMac { key_version, mac }, format }))
}

struct PinFormat(Format);

impl TryFrom<&str> for PinFormat {
    type Error = ();

    fn try_from(text: &str) -> Result<Self, ()> {
        format::from_text(text).map(Self).ok_or(())
    }
}

fn activation(row: &mut Fields<'_>) -> Result<Option<Activation>, Damaged> {
    let (at, by) = (row.time_or_none()?, row.id_or_none()?);
    Ok(at.map(|at| Activation { at, by }))
}

/// Which card a token's row belongs to.
pub fn token_card(row: &dyn Columns) -> Result<CardUuid, Damaged> {
    let mut row = Fields::new(row, "card_token");
    let _uuid: TokenUuid = row.id()?;
    row.id()
}

/// A token of the card with this id.
pub fn token(row: &dyn Columns, card_id: &CardId) -> Result<Token, Damaged> {
    let mut row = Fields::new(row, "card_token");
    let (uuid, card) = (row.id()?, row.id()?);
    let (mac, key_version) = (row.mac()?, row.number()?);
    let ref_id: Option<RefId> = row.parsed_or_none()?;
    Ok(Token {
        uuid,
        card,
        mac: TokenMac { key_version, mac },
        made_with_card: ref_id.is_none(),
        ref_id: ref_id.unwrap_or_else(|| RefId::from(card_id)),
        format: format(&mut row)?,
        masked_code: row.text()?.to_owned(),
        expires_after_transaction: row.flag()?,
        expires_in: row.number_or_none()?,
        expires_at: row.time_or_none()?,
        used_at: row.time_or_none()?,
        deleted_at: row.time_or_none()?,
        metadata: Metadata::from_json_object(row.text()?),
        created_at: row.time()?,
        created_by: row.id_or_none()?,
    })
}

pub fn transaction(row: &dyn Columns) -> Result<Transaction, Damaged> {
    let mut row = Fields::new(row, "card_transaction");
    Ok(Transaction {
        id: row.id()?,
        card: row.id()?,
        ref_id: row.parsed()?,
        kind: row.word(TransactionType::from_word)?,
        reason: row.word(Reason::from_word)?,
        amount: row.amount()?,
        currency: row.currency()?,
        parent: row.id_or_none()?,
        token: row.id_or_none()?,
        originated_by: row.parsed_or_none()?,
        metadata: Metadata::from_json_object(row.text()?),
        created_at: row.time()?,
        created_by: row.id_or_none()?,
        request: row.id()?,
        seq: row.integer()?,
        asked: Asked {
            operation: row.word(Action::from_word)?,
            amount: row.number_or_none()?,
            expires_in: row.number_or_none()?,
        },
        reason_code: row.parsed_or_none()?,
        note: row.parsed_or_none()?,
        balance: row.amount()?,
        available: row.amount()?,
    })
}

/// A client, its grants still to come.
pub fn client(row: &dyn Columns) -> Result<Client, Damaged> {
    let mut row = Fields::new(row, "api_client");
    Ok(Client {
        uuid: row.id()?,
        client_id: row.parsed()?,
        name: row.parsed()?,
        description: row.parsed_or_none()?,
        secret: {
            let mac = row.mac()?;
            let key_version = row.number()?;
            SecretMac { key_version, mac }
        },
        generation: row.number()?,
        previous: previous(&mut row)?,
        created_at: row.time()?,
        created_by: row.id_or_none()?,
        updated_at: row.time()?,
        deleted_at: row.time_or_none()?,
        grants: Vec::new(),
    })
}

fn previous(row: &mut Fields<'_>) -> Result<Option<PreviousSecret>, Damaged> {
    let (mac, key_version) = (row.mac_or_none()?, row.number_or_none()?);
    let (generation, ends_at) = (row.number_or_none()?, row.time_or_none()?);
    let parts = mac.zip(key_version).zip(generation.zip(ends_at));
    Ok(parts.map(|((mac, key_version), (generation, ends_at))| PreviousSecret {
        secret: SecretMac { key_version, mac },
        generation,
        ends_at,
    }))
}

/// A grant and the client that holds it.
pub fn grant(row: &dyn Columns) -> Result<(domain::ClientUuid, Grant), Damaged> {
    let mut row = Fields::new(row, "client_grant");
    let holder = row.id()?;
    let grant = Grant { id: row.id()?, audience: row.parsed()?, scopes: row.parsed()? };
    Ok((holder, grant))
}

pub fn replay(row: &dyn Columns) -> Result<Replay, Damaged> {
    let mut row = Fields::new(row, "idempotency");
    let (mac, key_version) = (row.mac()?, row.number()?);
    Ok(Replay {
        request: RequestMac { key_version, mac },
        sealed: row.bytes()?.to_vec(),
        created_at: row.time()?,
    })
}

pub fn lock(row: &dyn Columns) -> Result<Lock, Damaged> {
    let mut row = Fields::new(row, "card_lock");
    Ok(Lock {
        transaction: row.id()?,
        card: row.id()?,
        remaining: row.amount()?,
        expires_at: row.time_or_none()?,
    })
}

/// The card alone.
pub fn lock_card(row: &dyn Columns) -> Result<CardUuid, Damaged> {
    Fields::new(row, "card_lock").id()
}

/// How it is written whose day is counted.
pub fn day_subject(subject: DaySubject) -> (&'static str, uuid::Uuid) {
    match subject {
        DaySubject::Card(card) => ("card", card.0),
        DaySubject::Client(client) => ("client", client.0),
    }
}

pub fn pin_tries(row: &dyn Columns) -> Result<PinTries, Damaged> {
    let mut row = Fields::new(row, "pin_tries");
    Ok(PinTries {
        card: row.id()?,
        client: row.id()?,
        wrong_in_row: row.number()?,
        wrong_since_rotation: row.number()?,
        waits_until: row.time_or_none()?,
    })
}

pub fn day_count(row: &dyn Columns) -> Result<DayCount, Damaged> {
    let mut row = Fields::new(row, "day_count");
    Ok(DayCount { amount: row.integer()?, count: row.number()? })
}

pub fn account(row: &dyn Columns) -> Result<Account, Damaged> {
    let mut row = Fields::new(row, "account");
    Ok(Account {
        aid: row.parsed()?,
        name: row.text()?.to_owned(),
        settings: settings(&mut row)?,
        test_clock_ms: row.number()?,
        created_at: row.time()?,
    })
}

fn settings(row: &mut Fields<'_>) -> Result<Settings, Damaged> {
    Ok(Settings {
        default_currency: row.currency()?,
        pin_policy: row.word(PinPolicy::from_word)?,
        refund_to_expired: row.word(RefundToExpired::from_word)?,
        reversal_minutes: row.number()?,
        lock_life: row.number_or_none()?,
        balance_max: row.number_or_none()?,
        activation_max: row.number_or_none()?,
        card_day: day_limit(row)?,
        client_day: day_limit(row)?,
        expiry_months: row.number_or_none()?,
        token: TokenDefaults {
            format: row.word(format::request_from_text)?,
            expires_in: row.number_or_none()?,
            expires_after_transaction: row.flag_or_none()?,
        },
    })
}

fn day_limit(row: &mut Fields<'_>) -> Result<DayLimit, Damaged> {
    Ok(DayLimit { amount: row.number_or_none()?, count: row.number_or_none()? })
}

pub fn signing_key(row: &dyn Columns) -> Result<crate::SigningKey, Damaged> {
    let mut row = Fields::new(row, "signing_key");
    Ok(crate::SigningKey {
        kid: row.text()?.to_owned(),
        mode: row.word(mode)?,
        issuer_host: row.text()?.to_owned(),
        public_der: row.bytes()?.to_vec(),
        sealed_private: row.bytes_or_none()?.map(<[u8]>::to_vec),
        key_version: row.number()?,
        created_at: row.time()?,
        verifies_until: row.time_or_none()?,
    })
}

fn mode(letter: &str) -> Option<domain::Mode> {
    [domain::Mode::Test, domain::Mode::Production].into_iter().find(|mode| mode.letter() == letter)
}
