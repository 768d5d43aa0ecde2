//! `gavekort migrate`: the schema of a PostgreSQL, ahead of the servers, and its tables spread by Citus.

use anyhow::Result;
use domain::Clock as _;
use serde_json::{Value, json};
use service::SystemClock;
use store::{Planned, PostgresStore};

use crate::exit::usage;
use crate::output;
use crate::place::Place;
use crate::serve::open::told;
use crate::settings::DataFlags;

/// Which database, and what is done to it.
#[derive(clap::Args, Debug)]
pub struct MigrateFlags {
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
    #[command(flatten)]
    data: DataFlags,
}

/// The command.
pub async fn run(flags: MigrateFlags) -> Result<()> {
    let MigrateFlags { dry_run, distribute, json, data } = flags;
    let Place::Database(url) = data.place()? else {
        return Err(usage(
            "give a PostgreSQL as --database-url; a data directory is migrated when it is served",
        ));
    };
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
