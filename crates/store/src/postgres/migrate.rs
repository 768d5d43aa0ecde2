//! The schema, and how an older one becomes it, while other nodes start beside.

use std::time::Duration;

use domain::Timestamp;
use tokio_postgres::Client;

use super::connect::{Purpose, Target};
use super::fault::{Fault, told};
use super::snapshots::failed;
use super::{PostgresStore, distribute};
use crate::Error;
use crate::migration::{self, Migration};

/// Those of this program.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        oldest_program: "0.1.0",
        sql: include_str!("../../migrations/postgres/0001_ledger.sql"),
    },
    Migration {
        version: 2,
        oldest_program: "0.1.0",
        sql: include_str!("../../migrations/postgres/0002_many_programs.sql"),
    },
];

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS schema (
    version BIGINT NOT NULL PRIMARY KEY,
    oldest_program TEXT COLLATE \"C\" NOT NULL,
    applied_at BIGINT NOT NULL
)";

const IS_MADE: &str = "SELECT to_regclass('schema') IS NOT NULL";

const LATEST: &str = "SELECT version, oldest_program FROM schema ORDER BY version DESC LIMIT 1";

const APPLIED: &str = "INSERT INTO schema (version, oldest_program, applied_at) VALUES ($1, $2, $3)";

/// One at a time changes the schema. Advisory locks are a database's own, so the number need only differ from those
/// of accounts, which come in pairs.
const TURN: &str = "SELECT pg_advisory_lock(7305806178453742178)";

/// How long it may take until it is one's turn.
const TURN_MAX: Duration = Duration::from_secs(60);

/// Brings the database to this program's schema, each step in a transaction of its own. A newer schema stays as it
/// is, unless it is one that this program must not use.
pub async fn run(target: &Target, now: Timestamp) -> Result<(), Error> {
    take(target, MIGRATIONS, now).await
}

/// Takes the database through those of a program's steps that it lacks.
pub async fn take(target: &Target, steps: &[Migration], now: Timestamp) -> Result<(), Error> {
    // The lock goes with the connection, whatever happens to either.
    let connection = target.connect(Purpose::Schema).await?;
    let client = &connection.client;
    let open = |error: tokio_postgres::Error| Fault::Sql(error).into_error();
    let turn = tokio::time::timeout(TURN_MAX, client.execute(TURN, &[])).await;
    turn.map_err(|_| Error::Open("another program has been changing the schema for a minute".to_owned()))?
        .map_err(open)?;
    client.batch_execute(SCHEMA).await.map_err(open)?;
    let version = version(client).await?;
    for step in steps.iter().filter(|step| step.version > version) {
        apply(client, step, now)
            .await
            .map_err(|error| Error::Open(format!("migration {} failed: {}", step.version, told(&error))))?;
    }
    Ok(())
}

/// What [`PostgresStore::migrate`] does, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What it is, in a few words.
    pub what: String,
    /// Its statements.
    pub sql: String,
}

impl PostgresStore {
    /// Brings the database of a `postgres://` URL to this program's schema, and with `distribute` spreads its tables
    /// over the machines of Citus; answers what it did. Without `carry_out` it only answers what it would do: for that
    /// there need be no Citus.
    pub async fn migrate(
        url: &str,
        now: Timestamp,
        distribute: bool,
        carry_out: bool,
    ) -> Result<Vec<Planned>, Error> {
        let target = Target::of(url)?;
        let connection = target.connect(Purpose::Schema).await?;
        let client = &connection.client;
        let is_made = client.query_one(IS_MADE, &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
        let version = if is_made { version(client).await? } else { 0 };
        let steps = MIGRATIONS.iter().filter(|step| step.version > version);
        let mut planned: Vec<Planned> = steps
            .map(|step| Planned { what: format!("migration {}", step.version), sql: step.sql.to_owned() })
            .collect();
        // Before anything is changed.
        let done = match distribute::done(client).await {
            Ok(done) => done,
            Err(error) if distribute && carry_out => return Err(error),
            Err(_) => Vec::new(),
        };
        let statements = if distribute { distribute::statements(&done) } else { Vec::new() };
        if carry_out {
            run(&target, now).await?;
            for sql in &statements {
                tracing::info!(sql, "distributing");
                client.batch_execute(sql).await.map_err(failed)?;
            }
        }
        planned.extend(statements.into_iter().map(|sql| Planned { what: "distribution".to_owned(), sql }));
        Ok(planned)
    }
}

/// Which schema it is; refused where this program is too old for it.
pub async fn version(client: &Client) -> Result<i64, Error> {
    let fault = |error| Fault::Sql(error).into_error();
    let latest = client.query_opt(LATEST, &[]).await.map_err(fault)?;
    let columns = |row: tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
    migration::version(latest.map(columns).transpose().map_err(fault)?)
}

async fn apply(client: &Client, step: &Migration, now: Timestamp) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    client.batch_execute(step.sql).await?;
    client.execute(APPLIED, &[&step.version, &step.oldest_program, &now.unix_ms()]).await?;
    client.batch_execute("COMMIT").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_and_never_lower_the_oldest_program() {
        migration::check_steps(MIGRATIONS);
    }
}
