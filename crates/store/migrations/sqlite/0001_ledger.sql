-- Amounts are minor units. Times are milliseconds since 1970, UTC. Ids are UUIDs of version 7, 16 bytes, so
-- that rows made later lie later. A column `key_version`, or one that ends so, names the version of the key
-- its row depends on.
--
-- What is kept of an account begins with its `aid` in every key, and every statement names one.
-- CHECK, UNIQUE and REFERENCES are the net under the code: nothing is meant ever to meet them. Where a million
-- rows would pay for one that the types of the program give anyway (the length of an id, an account that
-- every row of a card would look up), it is left out: these took a third of the time of a batch.
--
-- Cards, tokens and transactions lie in the order in which they came, and narrow indexes find them. Clustered
-- by their keys (WITHOUT ROWID) they cost a fifth more page writes: rows of 300 bytes make for a deep tree,
-- and each index entry then carries a key of two ids instead of a row number.

CREATE TABLE account (
    aid TEXT NOT NULL PRIMARY KEY CHECK (length(aid) = 9),
    name TEXT NOT NULL,
    default_currency TEXT NOT NULL CHECK (length(default_currency) = 3),
    pin_policy TEXT NOT NULL DEFAULT 'if_sent',
    refund_to_expired TEXT NOT NULL DEFAULT 'refuse',
    reversal_minutes INTEGER NOT NULL DEFAULT 15 CHECK (reversal_minutes >= 0),
    lock_life INTEGER CHECK (lock_life > 0),
    balance_max INTEGER CHECK (balance_max >= 0),
    activation_max INTEGER CHECK (activation_max >= 0),
    card_day_amount INTEGER CHECK (card_day_amount >= 0),
    card_day_count INTEGER CHECK (card_day_count >= 0),
    client_day_amount INTEGER CHECK (client_day_amount >= 0),
    client_day_count INTEGER CHECK (client_day_count >= 0),
    expiry_months INTEGER CHECK (expiry_months > 0),
    token_format TEXT NOT NULL DEFAULT ':.....:',
    token_expires_in INTEGER,
    token_expires_after_transaction INTEGER CHECK (token_expires_after_transaction IN (0, 1)),
    test_clock_ms INTEGER NOT NULL DEFAULT 0 CHECK (test_clock_ms >= 0),
    created_at INTEGER NOT NULL,
    CHECK (test_clock_ms = 0 OR aid LIKE 'T%')
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_key (
    kid TEXT NOT NULL PRIMARY KEY,
    mode TEXT NOT NULL CHECK (mode IN ('T', 'P')),
    issuer_host TEXT NOT NULL,
    public_der BLOB NOT NULL,
    sealed_private BLOB,
    key_version INTEGER NOT NULL CHECK (key_version >= 0),
    created_at INTEGER NOT NULL,
    verifies_until INTEGER
) STRICT;

CREATE TABLE server_value (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE api_client (
    aid TEXT NOT NULL REFERENCES account (aid),
    uuid BLOB NOT NULL CHECK (length(uuid) = 16),
    client_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    secret_mac BLOB NOT NULL CHECK (length(secret_mac) = 32),
    key_version INTEGER NOT NULL CHECK (key_version >= 0),
    generation INTEGER NOT NULL CHECK (generation >= 0),
    previous_mac BLOB CHECK (length(previous_mac) = 32),
    previous_key_version INTEGER,
    previous_generation INTEGER,
    previous_ends_at INTEGER,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (aid, uuid),
    UNIQUE (aid, client_id),
    CHECK ((previous_mac IS NULL) = (previous_key_version IS NULL)),
    CHECK ((previous_mac IS NULL) = (previous_generation IS NULL)),
    CHECK ((previous_mac IS NULL) = (previous_ends_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX client_alive ON api_client (aid) WHERE deleted_at IS NULL;

-- `place` keeps the order in which the client got them.
CREATE TABLE client_grant (
    aid TEXT NOT NULL,
    client BLOB NOT NULL,
    place INTEGER NOT NULL CHECK (place >= 0),
    id BLOB NOT NULL CHECK (length(id) = 16),
    audience TEXT NOT NULL,
    scopes TEXT NOT NULL,
    PRIMARY KEY (aid, client, place),
    UNIQUE (aid, id),
    FOREIGN KEY (aid, client) REFERENCES api_client (aid, uuid)
) STRICT, WITHOUT ROWID;

CREATE TABLE batch (
    aid TEXT NOT NULL REFERENCES account (aid),
    id BLOB NOT NULL CHECK (length(id) = 16),
    cards INTEGER NOT NULL CHECK (cards > 0),
    -- What its cards show until they are activated, in whatever currency.
    currency TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    PRIMARY KEY (aid, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE card (
    aid TEXT NOT NULL,
    uuid BLOB NOT NULL,
    card_id TEXT NOT NULL CHECK (card_id <> ''),
    batch BLOB,
    type TEXT NOT NULL,
    name TEXT,
    customer_id TEXT,
    originated_by TEXT,
    metadata TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    currency TEXT NOT NULL,
    funds INTEGER NOT NULL CHECK (funds >= 0),
    drawdown INTEGER NOT NULL CHECK (drawdown >= 0),
    reserved INTEGER NOT NULL CHECK (reserved >= 0),
    active_from INTEGER,
    expires_at INTEGER,
    pin_mac BLOB,
    pin_key_version INTEGER,
    pin_format TEXT,
    activated_at INTEGER,
    activated_by BLOB,
    blocked_at INTEGER,
    replaced_by BLOB,
    deleted_at INTEGER,
    seq INTEGER NOT NULL CHECK (seq >= 0),
    created_at INTEGER NOT NULL,
    created_by BLOB,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (aid, uuid),
    UNIQUE (aid, card_id),
    CHECK (drawdown <= funds),
    CHECK (reserved <= funds - drawdown),
    CHECK ((pin_mac IS NULL) = (pin_key_version IS NULL)),
    CHECK ((pin_mac IS NULL) = (pin_format IS NULL)),
    -- A card that was never activated is worth nothing and has no history.
    CHECK (activated_at IS NOT NULL OR (funds = 0 AND amount = 0 AND seq = 0 AND activated_by IS NULL)),
    CHECK (activated_at IS NULL OR seq > 0),
    -- Money does not vanish with a card: it is given up by a row of its own first.
    CHECK (deleted_at IS NULL OR (funds = drawdown AND reserved = 0)),
    -- Nor is any left on a card whose place another has taken: nobody could spend it.
    CHECK (replaced_by IS NULL OR (funds = drawdown AND blocked_at IS NOT NULL)),
    CHECK (changed_at >= created_at)
) STRICT;

-- Lists go by the time a card was made; its id orders those of one millisecond.
CREATE INDEX card_by_age ON card (aid, created_at, uuid);
CREATE INDEX card_by_customer ON card (aid, customer_id, created_at, uuid) WHERE customer_id IS NOT NULL;
CREATE INDEX card_by_batch ON card (aid, batch, created_at, uuid) WHERE batch IS NOT NULL;
CREATE INDEX card_by_name ON card (aid, name) WHERE name IS NOT NULL;
CREATE INDEX card_by_end ON card (aid, expires_at, uuid) WHERE expires_at IS NOT NULL;

-- A token made together with its card has no `ref_id` here: the card's id is its reference, and a batch is
-- spared an index entry for each of its tokens. What lies scattered is the index by `mac` alone.
CREATE TABLE card_token (
    aid TEXT NOT NULL,
    card BLOB NOT NULL,
    uuid BLOB NOT NULL,
    mac BLOB NOT NULL,
    key_version INTEGER NOT NULL CHECK (key_version >= 0),
    ref_id TEXT,
    format TEXT NOT NULL,
    masked_code TEXT NOT NULL,
    single_use INTEGER NOT NULL CHECK (single_use IN (0, 1)),
    expires_in INTEGER,
    expires_at INTEGER,
    used_at INTEGER,
    deleted_at INTEGER,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    PRIMARY KEY (aid, card, uuid),
    FOREIGN KEY (aid, card) REFERENCES card (aid, uuid),
    CHECK (used_at IS NULL OR single_use = 1)
) STRICT;

CREATE UNIQUE INDEX token_by_mac ON card_token (aid, mac);
CREATE UNIQUE INDEX token_by_ref_id ON card_token (aid, card, ref_id) WHERE ref_id IS NOT NULL;

CREATE TABLE card_transaction (
    aid TEXT NOT NULL,
    card BLOB NOT NULL,
    seq INTEGER NOT NULL CHECK (seq > 0),
    id BLOB NOT NULL,
    ref_id TEXT NOT NULL CHECK (ref_id <> ''),
    type TEXT NOT NULL,
    reason TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    currency TEXT NOT NULL,
    token BLOB,
    originated_by TEXT,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB,
    request BLOB NOT NULL,
    parent BLOB,
    -- What was asked for, to know a repeat by.
    asked_operation TEXT NOT NULL,
    asked_amount INTEGER,
    asked_expires_in INTEGER,
    reason_code TEXT,
    note TEXT,
    balance INTEGER NOT NULL,
    available INTEGER NOT NULL CHECK (available >= 0),
    PRIMARY KEY (aid, card, seq),
    UNIQUE (aid, card, ref_id),
    UNIQUE (aid, id),
    FOREIGN KEY (aid, card) REFERENCES card (aid, uuid),
    CHECK (available <= balance)
) STRICT;

CREATE INDEX transaction_by_time ON card_transaction (aid, created_at, id);
CREATE INDEX transaction_by_parent ON card_transaction (aid, parent) WHERE parent IS NOT NULL;

-- Never changed, never deleted.
CREATE TRIGGER transaction_stays BEFORE UPDATE ON card_transaction
BEGIN SELECT RAISE(ABORT, 'a transaction is never changed'); END;

CREATE TRIGGER transaction_remains BEFORE DELETE ON card_transaction
BEGIN SELECT RAISE(ABORT, 'a transaction is never deleted'); END;

-- What an open lock still holds; it goes when the lock ends. `id` is that of its `pending_capture` row.
CREATE TABLE card_lock (
    aid TEXT NOT NULL,
    card BLOB NOT NULL,
    id BLOB NOT NULL,
    remaining INTEGER NOT NULL CHECK (remaining > 0),
    expires_at INTEGER,
    PRIMARY KEY (aid, card, id),
    FOREIGN KEY (aid, card) REFERENCES card (aid, uuid)
) STRICT, WITHOUT ROWID;

CREATE INDEX lock_by_end ON card_lock (aid, expires_at, card) WHERE expires_at IS NOT NULL;

-- Wrong PINs, by card and client.
CREATE TABLE pin_tries (
    aid TEXT NOT NULL,
    card BLOB NOT NULL,
    client BLOB NOT NULL,
    wrong_in_row INTEGER NOT NULL CHECK (wrong_in_row >= 0),
    wrong_since_rotation INTEGER NOT NULL CHECK (wrong_since_rotation >= wrong_in_row),
    waits_until INTEGER,
    PRIMARY KEY (aid, card, client),
    FOREIGN KEY (aid, card) REFERENCES card (aid, uuid)
) STRICT, WITHOUT ROWID;

-- What was moved on one day, counted from 1970-01-01 UTC, by a card or by a client; only where it is limited.
CREATE TABLE day_count (
    aid TEXT NOT NULL REFERENCES account (aid),
    day INTEGER NOT NULL,
    subject TEXT NOT NULL CHECK (subject IN ('card', 'client')),
    id BLOB NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    count INTEGER NOT NULL CHECK (count >= 0),
    PRIMARY KEY (aid, day, subject, id)
) STRICT, WITHOUT ROWID;

-- What changed where a card stands, beside its money; so that past instants can be told. `place` counts those of
-- one card from 1. `ends_before` and `ends_after` are the card's last day, where that is what changed.
CREATE TABLE status_change (
    aid TEXT NOT NULL,
    card BLOB NOT NULL,
    place INTEGER NOT NULL CHECK (place > 0),
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    ends_before INTEGER,
    ends_after INTEGER,
    PRIMARY KEY (aid, card, place),
    FOREIGN KEY (aid, card) REFERENCES card (aid, uuid)
) STRICT, WITHOUT ROWID;

CREATE INDEX status_change_by_time ON status_change (aid, at, card);
CREATE INDEX status_change_by_end ON status_change (aid, ends_before, card) WHERE ends_before IS NOT NULL;

-- What an account owed when a day ended: one row per currency, status and month of activation (`2026-11`).
-- `day_closed` says which days have been closed, those on which nothing was owed included.
CREATE TABLE day_closed (
    aid TEXT NOT NULL REFERENCES account (aid),
    day INTEGER NOT NULL,
    PRIMARY KEY (aid, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE closing (
    aid TEXT NOT NULL,
    day INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    activated TEXT NOT NULL,
    cards INTEGER NOT NULL CHECK (cards > 0),
    balance INTEGER NOT NULL CHECK (balance >= 0),
    reserved INTEGER NOT NULL CHECK (reserved >= 0),
    PRIMARY KEY (aid, day, currency, status, activated),
    FOREIGN KEY (aid, day) REFERENCES day_closed (aid, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    aid TEXT NOT NULL REFERENCES account (aid),
    client BLOB NOT NULL,
    operation TEXT NOT NULL,
    mac BLOB NOT NULL CHECK (length(mac) = 32),
    key_version INTEGER NOT NULL CHECK (key_version >= 0),
    created_at INTEGER NOT NULL,
    request_mac BLOB NOT NULL CHECK (length(request_mac) = 32),
    request_key_version INTEGER NOT NULL CHECK (request_key_version >= 0),
    sealed BLOB NOT NULL,
    PRIMARY KEY (aid, client, operation, mac)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (aid, created_at);

-- `place` counts the entries of an account from 1. `card` is the card that the subject is or belongs to.
CREATE TABLE audit (
    aid TEXT NOT NULL REFERENCES account (aid),
    place INTEGER NOT NULL CHECK (place > 0),
    at INTEGER NOT NULL,
    client BLOB,
    request BLOB NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_id BLOB,
    note TEXT,
    card BLOB,
    PRIMARY KEY (aid, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_by_time ON audit (aid, at, place);

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'a line of the audit is never changed'); END;

CREATE TRIGGER audit_remains BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'a line of the audit is never deleted'); END;
CREATE INDEX audit_by_card ON audit (aid, card, at, place) WHERE card IS NOT NULL;

-- One row per accepted command, to be delivered from. `subjects` and `transactions` are ids, 16 bytes each, one
-- after the other; what they are of is told by the action and by the audit.
CREATE TABLE outbox (
    aid TEXT NOT NULL REFERENCES account (aid),
    place INTEGER NOT NULL CHECK (place > 0),
    at INTEGER NOT NULL,
    client BLOB,
    request BLOB NOT NULL,
    action TEXT NOT NULL,
    subjects BLOB NOT NULL,
    transactions BLOB NOT NULL,
    PRIMARY KEY (aid, place)
) STRICT, WITHOUT ROWID;
