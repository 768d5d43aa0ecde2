-- What programs on one database tell each other. Small, and the same for all accounts; SQLite, which one program has
-- alone, needs none of it. A program that does not know these tables can go on beside one that does.

-- How often an account, its clients or grants ('T12345678'), or the signing keys ('signing keys') were changed.
-- A program that remembers them compares, because a notification is lost with its connection.
CREATE TABLE news (
    subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL CHECK (count > 0)
);

-- When a budget against guessing is whole again. Whom it belongs to is hashed with a key that is not in the database.
CREATE TABLE guess_budget (
    key BYTEA NOT NULL PRIMARY KEY CHECK (length(key) = 16),
    whole_at BIGINT NOT NULL
);

CREATE INDEX guess_budget_by_end ON guess_budget (whole_at);
