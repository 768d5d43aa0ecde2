//! What is moved, table by table.

/// A table, and the columns of its key in their order.
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its key.
    pub key: &'static [&'static str],
    /// How many of its rows are moved at once.
    pub portion: i64,
}

impl Table {
    /// Whether its rows belong to accounts; all others are few and the same for all.
    pub fn is_of_accounts(&self) -> bool {
        self.key.len() > 1
    }

    /// Whether `place` counts its rows, in each account by itself where a database counts without gaps.
    pub fn is_counted(&self) -> bool {
        self.key == ["aid", "place"]
    }
}

const fn table(name: &'static str, key: &'static [&'static str], portion: i64) -> Table {
    Table { name, key, portion }
}

/// Rows of a few hundred bytes.
const MANY: i64 = 5_000;
/// Rows that may be as large as a batch.
const FEW: i64 = 50;

/// Every table of both databases with something to be moved, so that none comes before one that it refers to.
pub const TABLES: [Table; 18] = [
    table("account", &["aid"], MANY),
    table("signing_key", &["kid"], MANY),
    table("server_value", &["name"], MANY),
    table("api_client", &["aid", "uuid"], MANY),
    table("client_grant", &["aid", "client", "place"], MANY),
    table("batch", &["aid", "id"], MANY),
    table("card", &["aid", "uuid"], MANY),
    table("card_token", &["aid", "card", "uuid"], MANY),
    table("card_transaction", &["aid", "card", "seq"], MANY),
    table("card_lock", &["aid", "card", "id"], MANY),
    table("pin_tries", &["aid", "card", "client"], MANY),
    table("day_count", &["aid", "day", "subject", "id"], MANY),
    table("status_change", &["aid", "card", "place"], MANY),
    table("day_closed", &["aid", "day"], MANY),
    table("closing", &["aid", "day", "currency", "status", "activated"], MANY),
    table("idempotency", &["aid", "client", "operation", "mac"], FEW),
    table("audit", &["aid", "place"], MANY),
    table("outbox", &["aid", "place"], FEW * 10),
];
