//! A PostgreSQL spread over many machines by Citus: what is kept of an account lies together, on one of them.
//!
//! What belongs to an account is distributed by its `aid`, so that every statement on a request's path goes to one
//! machine. The rest is small and lies on all of them.
//!
//! A distributed table can have no triggers. Those which keep rows of money and of the audit from being changed and
//! deleted are dropped: the program never does either, but a person with the database's password then could. Take
//! UPDATE, DELETE and TRUNCATE on these two tables away from the user that servers connect as.

use tokio_postgres::Client;

use super::snapshots::failed;
use crate::Error;

/// The first one that distributes tables with identity columns as these are.
const CITUS_OLDEST: u32 = 12;

/// The same on every machine.
pub const REFERENCES: [&str; 6] =
    ["schema", "account", "signing_key", "server_value", "news", "guess_budget"];

/// By account; all lie with the first.
pub const DISTRIBUTED: [&str; 15] = [
    "api_client",
    "client_grant",
    "batch",
    "card",
    "card_token",
    "card_transaction",
    "card_lock",
    "pin_tries",
    "day_count",
    "status_change",
    "day_closed",
    "closing",
    "idempotency",
    "audit",
    "outbox",
];

/// What refers to another distributed table, while these are being distributed one by one.
const LET_GO: [&str; 3] = [
    "DROP TRIGGER IF EXISTS transaction_stays ON card_transaction",
    "DROP TRIGGER IF EXISTS audit_stays ON audit",
    "ALTER TABLE client_grant DROP CONSTRAINT IF EXISTS client_grant_aid_client_fkey",
];

const HOLD_AGAIN: &str = "ALTER TABLE client_grant ADD CONSTRAINT client_grant_aid_client_fkey \
    FOREIGN KEY (aid, client) REFERENCES api_client (aid, uuid)";

const VERSION: &str = "SELECT extversion FROM pg_extension WHERE extname = 'citus'";

/// Tables that are distributed already, or lie on every machine.
const DONE: &str = "SELECT logicalrelid::regclass::text FROM pg_dist_partition";

/// What distributes all tables but those which are already, in its order; nothing where all are.
pub fn statements(done: &[String]) -> Vec<String> {
    let is_left = |table: &&&str| !done.iter().any(|done| done == *table);
    let references = REFERENCES.iter().filter(is_left);
    let distributed: Vec<&&str> = DISTRIBUTED.iter().filter(is_left).collect();
    let mut all: Vec<String> =
        references.map(|table| format!("SELECT create_reference_table('{table}')")).collect();
    if distributed.is_empty() {
        return all;
    }
    all.extend(LET_GO.map(str::to_owned));
    let [first, ..] = DISTRIBUTED;
    all.extend(distributed.into_iter().map(|table| {
        let with = if *table == first { "none" } else { first };
        format!("SELECT create_distributed_table('{table}', 'aid', colocate_with => '{with}')")
    }));
    all.push(HOLD_AGAIN.to_owned());
    all
}

/// The tables that are distributed. Fails where the database cannot do that.
pub async fn done(client: &Client) -> Result<Vec<String>, Error> {
    let Some(found) = client.query_opt(VERSION, &[]).await.map_err(failed)? else {
        let what = "the database has no Citus: install it on every machine, name it in shared_preload_libraries, and \
            run CREATE EXTENSION citus";
        return Err(Error::Open(what.to_owned()));
    };
    let version: String = found.try_get(0).map_err(failed)?;
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    // Built from its sources it may say anything.
    if major.is_some_and(|major| major < CITUS_OLDEST) {
        let what = format!("Citus {version} is too old: {CITUS_OLDEST} or newer is needed");
        return Err(Error::Open(what));
    }
    let done = client.query(DONE, &[]).await.map_err(failed)?;
    done.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_distributed_is_left_as_it_is() {
        let all = statements(&[]);
        assert_eq!(all.len(), REFERENCES.len() + LET_GO.len() + DISTRIBUTED.len() + 1);
        let some = statements(&["account".to_owned(), "api_client".to_owned()]);
        assert_eq!(some.len(), all.len() - 2);
        assert!(!some.iter().any(|statement| statement.contains("'api_client', 'aid'")));
        let whole: Vec<String> =
            REFERENCES.iter().chain(&DISTRIBUTED).map(|table| (*table).to_owned()).collect();
        assert_eq!(statements(&whole), [""; 0]);
    }
}
