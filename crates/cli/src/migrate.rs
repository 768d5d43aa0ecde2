//! `gavekort migrate`: the schema of a PostgreSQL, ahead of the servers, and its tables spread by Citus.

use std::fmt;

use anyhow::Result;
use domain::Clock as _;
use serde_json::{Value, json};
use service::{Secret, SystemClock};
use store::{Planned, PostgresStore};

use crate::output;
use crate::serve::open::told;

/// Which database, and what is done to it.
#[derive(clap::Args, Debug)]
pub struct MigrateFlags {
    /// The database [env: GAVEKORT_DATABASE_URL]
    #[arg(long, value_name = "URL", env = "GAVEKORT_DATABASE_URL", hide_env = true)]
    database_url: Url,
    /// Print the statements, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Spread the tables over the machines of Citus, by account
    ///
    /// The triggers that keep rows of money and of the audit from being changed and deleted are dropped, because a
    /// distributed table can have none. Take UPDATE, DELETE and TRUNCATE on card_transaction and audit away from the
    /// user that servers connect as.
    #[arg(long)]
    distribute: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// A URL that may hold a password, so it is not printed.
#[derive(Clone)]
struct Url(Secret);

impl From<&str> for Url {
    fn from(text: &str) -> Self {
        Self(Secret::new(text.to_owned()))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://…")
    }
}

/// The command.
pub async fn run(flags: MigrateFlags) -> Result<()> {
    let MigrateFlags { database_url: Url(url), dry_run, distribute, json } = flags;
    let planned = PostgresStore::migrate(url.expose(), SystemClock.now(), distribute, !dry_run).await;
    let planned = planned.map_err(told)?;
    if json {
        return output::json(
            &json!({"done": !dry_run, "steps": planned.iter().map(step).collect::<Vec<_>>()}),
        );
    }
    if dry_run {
        let told = |Planned { what, sql }: &Planned| {
            format!("-- {what}\n{};\n", sql.trim_end().trim_end_matches(';'))
        };
        output::data(planned.iter().map(told).collect::<String>())?;
    }
    let migrations = planned.iter().filter(|planned| planned.what != "distribution").count();
    let others = planned.len() - migrations;
    output::note(match (planned.is_empty(), dry_run) {
        (true, _) => "there is nothing to be done".to_owned(),
        (false, true) => {
            format!("{migrations} migrations and {others} statements of distribution are to be done")
        }
        (false, false) => format!("{migrations} migrations and {others} statements of distribution done"),
    });
    Ok(())
}

fn step(Planned { what, sql }: &Planned) -> Value {
    json!({"what": what, "sql": sql})
}
