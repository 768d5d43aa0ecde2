-- The same tables and columns as in SQLite, with the same meaning; what is said there of a column is not said again.
-- Amounts are minor units. Times are milliseconds since 1970, UTC. Ids are UUIDs of version 7.
--
-- What is kept of an account begins with its `aid` in every key, and every statement on a request's path names one:
-- so the tables can be distributed by it. `account`, `signing_key` and `server_value` are small and the same for all.
-- CHECK and UNIQUE are the net under the code. Where a million rows would pay for a foreign key, there is none: each
-- fires a look-up of its own, for a card that the transaction holds locked anyway.
--
-- Texts compare byte by byte ("C"): prefixes are looked for as ranges.

CREATE TABLE account (
    aid TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (length(aid) = 9),
    name TEXT COLLATE "C" NOT NULL,
    default_currency TEXT COLLATE "C" NOT NULL CHECK (length(default_currency) = 3),
    pin_policy TEXT COLLATE "C" NOT NULL DEFAULT 'if_sent',
    refund_to_expired TEXT COLLATE "C" NOT NULL DEFAULT 'refuse',
    reversal_minutes BIGINT NOT NULL DEFAULT 15 CHECK (reversal_minutes >= 0),
    lock_life BIGINT CHECK (lock_life > 0),
    balance_max BIGINT CHECK (balance_max >= 0),
    activation_max BIGINT CHECK (activation_max >= 0),
    card_day_amount BIGINT CHECK (card_day_amount >= 0),
    card_day_count BIGINT CHECK (card_day_count >= 0),
    client_day_amount BIGINT CHECK (client_day_amount >= 0),
    client_day_count BIGINT CHECK (client_day_count >= 0),
    expiry_months BIGINT CHECK (expiry_months > 0),
    token_format TEXT COLLATE "C" NOT NULL DEFAULT ':.....:',
    token_expires_in BIGINT,
    token_expires_after_transaction BOOLEAN,
    test_clock_ms BIGINT NOT NULL DEFAULT 0 CHECK (test_clock_ms >= 0),
    created_at BIGINT NOT NULL,
    CHECK (test_clock_ms = 0 OR aid LIKE 'T%')
);

CREATE TABLE signing_key (
    kid TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    mode TEXT COLLATE "C" NOT NULL CHECK (mode IN ('T', 'P')),
    issuer_host TEXT COLLATE "C" NOT NULL,
    public_der BYTEA NOT NULL,
    sealed_private BYTEA,
    key_version BIGINT NOT NULL CHECK (key_version >= 0),
    created_at BIGINT NOT NULL,
    verifies_until BIGINT
);

CREATE TABLE server_value (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

CREATE TABLE api_client (
    aid TEXT COLLATE "C" NOT NULL,
    uuid UUID NOT NULL,
    client_id TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    secret_mac BYTEA NOT NULL CHECK (length(secret_mac) = 32),
    key_version BIGINT NOT NULL CHECK (key_version >= 0),
    generation BIGINT NOT NULL CHECK (generation >= 0),
    previous_mac BYTEA CHECK (length(previous_mac) = 32),
    previous_key_version BIGINT,
    previous_generation BIGINT,
    previous_ends_at BIGINT,
    created_at BIGINT NOT NULL,
    created_by UUID,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    PRIMARY KEY (aid, uuid),
    UNIQUE (aid, client_id),
    CHECK ((previous_mac IS NULL) = (previous_key_version IS NULL)),
    CHECK ((previous_mac IS NULL) = (previous_generation IS NULL)),
    CHECK ((previous_mac IS NULL) = (previous_ends_at IS NULL))
);

CREATE INDEX client_alive ON api_client (aid) WHERE deleted_at IS NULL;

CREATE TABLE client_grant (
    aid TEXT COLLATE "C" NOT NULL,
    client UUID NOT NULL,
    place BIGINT NOT NULL CHECK (place >= 0),
    id UUID NOT NULL,
    audience TEXT COLLATE "C" NOT NULL,
    scopes TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (aid, client, place),
    UNIQUE (aid, id),
    FOREIGN KEY (aid, client) REFERENCES api_client (aid, uuid)
);

CREATE TABLE batch (
    aid TEXT COLLATE "C" NOT NULL,
    id UUID NOT NULL,
    cards BIGINT NOT NULL CHECK (cards > 0),
    -- What its cards show until they are activated, in whatever currency.
    currency TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by UUID,
    PRIMARY KEY (aid, id)
);

CREATE TABLE card (
    aid TEXT COLLATE "C" NOT NULL,
    uuid UUID NOT NULL,
    card_id TEXT COLLATE "C" NOT NULL CHECK (card_id <> ''),
    batch UUID,
    type TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C",
    customer_id TEXT COLLATE "C",
    originated_by TEXT COLLATE "C",
    metadata TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    currency TEXT COLLATE "C" NOT NULL,
    funds BIGINT NOT NULL CHECK (funds >= 0),
    drawdown BIGINT NOT NULL CHECK (drawdown >= 0),
    reserved BIGINT NOT NULL CHECK (reserved >= 0),
    active_from BIGINT,
    expires_at BIGINT,
    pin_mac BYTEA,
    pin_key_version BIGINT,
    pin_format TEXT COLLATE "C",
    activated_at BIGINT,
    activated_by UUID,
    blocked_at BIGINT,
    replaced_by UUID,
    deleted_at BIGINT,
    seq BIGINT NOT NULL CHECK (seq >= 0),
    created_at BIGINT NOT NULL,
    created_by UUID,
    changed_at BIGINT NOT NULL,
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
    -- Room on each page for the next version of its rows: a change of money touches no indexed column.
) WITH (fillfactor = 70);

CREATE INDEX card_by_age ON card (aid, created_at, uuid);
CREATE INDEX card_by_customer ON card (aid, customer_id, created_at, uuid) WHERE customer_id IS NOT NULL;
CREATE INDEX card_by_batch ON card (aid, batch, created_at, uuid) WHERE batch IS NOT NULL;
CREATE INDEX card_by_name ON card (aid, name) WHERE name IS NOT NULL;
CREATE INDEX card_by_end ON card (aid, expires_at, uuid) WHERE expires_at IS NOT NULL;

CREATE TABLE card_token (
    aid TEXT COLLATE "C" NOT NULL,
    card UUID NOT NULL,
    uuid UUID NOT NULL,
    mac BYTEA NOT NULL,
    key_version BIGINT NOT NULL CHECK (key_version >= 0),
    ref_id TEXT COLLATE "C",
    format TEXT COLLATE "C" NOT NULL,
    masked_code TEXT COLLATE "C" NOT NULL,
    single_use BOOLEAN NOT NULL,
    expires_in BIGINT,
    expires_at BIGINT,
    used_at BIGINT,
    deleted_at BIGINT,
    metadata TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by UUID,
    PRIMARY KEY (aid, card, uuid),
    CHECK (used_at IS NULL OR single_use)
);

CREATE UNIQUE INDEX token_by_mac ON card_token (aid, mac);
CREATE UNIQUE INDEX token_by_ref_id ON card_token (aid, card, ref_id) WHERE ref_id IS NOT NULL;

CREATE TABLE card_transaction (
    aid TEXT COLLATE "C" NOT NULL,
    card UUID NOT NULL,
    seq BIGINT NOT NULL CHECK (seq > 0),
    id UUID NOT NULL,
    ref_id TEXT COLLATE "C" NOT NULL CHECK (ref_id <> ''),
    type TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    currency TEXT COLLATE "C" NOT NULL,
    token UUID,
    originated_by TEXT COLLATE "C",
    metadata TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    created_by UUID,
    request UUID NOT NULL,
    parent UUID,
    -- What was asked for, to know a repeat by.
    asked_operation TEXT COLLATE "C" NOT NULL,
    asked_amount BIGINT,
    asked_expires_in BIGINT,
    reason_code TEXT COLLATE "C",
    note TEXT COLLATE "C",
    balance BIGINT NOT NULL,
    available BIGINT NOT NULL CHECK (available >= 0),
    PRIMARY KEY (aid, card, seq),
    UNIQUE (aid, card, ref_id),
    UNIQUE (aid, id),
    CHECK (available <= balance)
);

CREATE INDEX transaction_by_time ON card_transaction (aid, created_at, id);
CREATE INDEX transaction_by_parent ON card_transaction (aid, parent) WHERE parent IS NOT NULL;

CREATE TABLE card_lock (
    aid TEXT COLLATE "C" NOT NULL,
    card UUID NOT NULL,
    id UUID NOT NULL,
    remaining BIGINT NOT NULL CHECK (remaining > 0),
    expires_at BIGINT,
    PRIMARY KEY (aid, card, id)
);

CREATE INDEX lock_by_end ON card_lock (aid, expires_at, card) WHERE expires_at IS NOT NULL;

CREATE TABLE pin_tries (
    aid TEXT COLLATE "C" NOT NULL,
    card UUID NOT NULL,
    client UUID NOT NULL,
    wrong_in_row BIGINT NOT NULL CHECK (wrong_in_row >= 0),
    wrong_since_rotation BIGINT NOT NULL CHECK (wrong_since_rotation >= wrong_in_row),
    waits_until BIGINT,
    PRIMARY KEY (aid, card, client)
);

CREATE TABLE day_count (
    aid TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    subject TEXT COLLATE "C" NOT NULL CHECK (subject IN ('card', 'client')),
    id UUID NOT NULL,
    amount BIGINT NOT NULL CHECK (amount >= 0),
    count BIGINT NOT NULL CHECK (count >= 0),
    PRIMARY KEY (aid, day, subject, id)
);

CREATE TABLE status_change (
    aid TEXT COLLATE "C" NOT NULL,
    card UUID NOT NULL,
    place BIGINT NOT NULL CHECK (place > 0),
    at BIGINT NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    ends_before BIGINT,
    ends_after BIGINT,
    PRIMARY KEY (aid, card, place)
);

CREATE INDEX status_change_by_time ON status_change (aid, at, card);
CREATE INDEX status_change_by_end ON status_change (aid, ends_before, card) WHERE ends_before IS NOT NULL;

CREATE TABLE day_closed (
    aid TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    PRIMARY KEY (aid, day)
);

CREATE TABLE closing (
    aid TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    currency TEXT COLLATE "C" NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    activated TEXT COLLATE "C" NOT NULL,
    cards BIGINT NOT NULL CHECK (cards > 0),
    balance BIGINT NOT NULL CHECK (balance >= 0),
    reserved BIGINT NOT NULL CHECK (reserved >= 0),
    PRIMARY KEY (aid, day, currency, status, activated)
);

CREATE TABLE idempotency (
    aid TEXT COLLATE "C" NOT NULL,
    client UUID NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,
    mac BYTEA NOT NULL CHECK (length(mac) = 32),
    key_version BIGINT NOT NULL CHECK (key_version >= 0),
    created_at BIGINT NOT NULL,
    request_mac BYTEA NOT NULL CHECK (length(request_mac) = 32),
    request_key_version BIGINT NOT NULL CHECK (request_key_version >= 0),
    sealed BYTEA NOT NULL,
    PRIMARY KEY (aid, client, operation, mac)
);

CREATE INDEX idempotency_by_age ON idempotency (aid, created_at);

CREATE TABLE audit (
    aid TEXT COLLATE "C" NOT NULL,
    place BIGINT GENERATED BY DEFAULT AS IDENTITY,
    at BIGINT NOT NULL,
    client UUID,
    request UUID NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    subject_id UUID,
    note TEXT COLLATE "C",
    card UUID,
    PRIMARY KEY (aid, place)
);

CREATE INDEX audit_by_time ON audit (aid, at, place);

CREATE INDEX audit_by_card ON audit (aid, card, at, place) WHERE card IS NOT NULL;

CREATE TABLE outbox (
    aid TEXT COLLATE "C" NOT NULL,
    place BIGINT GENERATED BY DEFAULT AS IDENTITY,
    at BIGINT NOT NULL,
    client UUID,
    request UUID NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    subjects BYTEA NOT NULL,
    transactions BYTEA NOT NULL,
    PRIMARY KEY (aid, place)
);

-- Never changed, never deleted. Fired once a statement, so that inserting costs nothing.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a row of % is never changed and never deleted', TG_TABLE_NAME; END $$;

CREATE TRIGGER transaction_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON card_transaction
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
