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
    created_at INTEGER NOT NULL
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
    CHECK (changed_at >= created_at)
) STRICT;

-- Lists go by the time a card was made; its id orders those of one millisecond.
CREATE INDEX card_by_age ON card (aid, created_at, uuid);
CREATE INDEX card_by_customer ON card (aid, customer_id, created_at, uuid) WHERE customer_id IS NOT NULL;
CREATE INDEX card_by_batch ON card (aid, batch, created_at, uuid) WHERE batch IS NOT NULL;
CREATE INDEX card_by_name ON card (aid, name) WHERE name IS NOT NULL;

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

-- Never changed, never deleted.
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
    balance INTEGER NOT NULL,
    available INTEGER NOT NULL CHECK (available >= 0),
    PRIMARY KEY (aid, card, seq),
    UNIQUE (aid, card, ref_id),
    FOREIGN KEY (aid, card) REFERENCES card (aid, uuid),
    CHECK (available <= balance)
) STRICT;

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

-- `place` counts the entries of an account from 1.
CREATE TABLE audit (
    aid TEXT NOT NULL REFERENCES account (aid),
    place INTEGER NOT NULL CHECK (place > 0),
    at INTEGER NOT NULL,
    client BLOB,
    request BLOB NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    PRIMARY KEY (aid, place)
) STRICT, WITHOUT ROWID;
