//! `gavekort config check`: what the server would go by, and who says so.

use anyhow::Result;
use serde_json::{Value, json};

use crate::output;
use crate::settings::{Effective, Flags, Given, Layers, SETTINGS, Server};

/// What is done about settings.
#[derive(clap::Subcommand, Debug)]
pub enum ConfigCommand {
    /// Check every setting and print what holds, with its source
    ///
    /// Exits with 2 where a setting is wrong. Secrets are not shown.
    Check(CheckFlags),
}

/// The settings as `serve` takes them.
#[derive(clap::Args, Debug)]
pub struct CheckFlags {
    /// Print the settings as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags,
}

/// Runs one of these commands.
pub fn run(command: ConfigCommand) -> Result<()> {
    let ConfigCommand::Check(CheckFlags { json, flags }) = command;
    let effective = Layers::new(flags)?.effective()?;
    Server::new(&effective)?;
    warn_of_strangers();
    if json {
        let settings: Vec<Value> = SETTINGS.iter().map(|setting| as_json(setting.name, &effective)).collect();
        return output::json(&json!({"settings": settings}));
    }
    let row = |name: &str| {
        let source = effective.get(name).map_or_else(|| "-".to_owned(), |found| found.source.to_string());
        [name.to_owned(), shown(name, &effective).join(", "), source]
    };
    output::table(
        ["SETTING", "VALUE", "FROM"],
        &SETTINGS.iter().map(|setting| row(setting.name)).collect::<Vec<_>>(),
    )
}

fn as_json(name: &str, effective: &Effective) -> Value {
    let source = effective.get(name).map(|found| found.source.to_string());
    json!({"name": name, "values": shown(name, effective), "source": source})
}

fn shown(name: &str, effective: &Effective) -> Vec<String> {
    match effective.get(name).map(|found| &found.given) {
        None => Vec::new(),
        Some(Given::Plain(values)) => values.clone(),
        Some(Given::Secret(_)) => vec!["(secret)".to_owned()],
    }
}

/// A misspelt variable says nothing, and nobody notices.
fn warn_of_strangers() {
    const OF_CLIENTS: [&str; 6] =
        ["URL", "ACCOUNT", "CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_FILE", "AUDIENCE"];
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix("GAVEKORT_")) else {
            continue;
        };
        let is_known = SETTINGS.iter().any(|setting| setting.name == name.to_ascii_lowercase());
        if !is_known && !OF_CLIENTS.contains(&name) && !name.starts_with("TEST_") {
            output::note(format!("GAVEKORT_{name} is set, but there is no such setting"));
        }
    }
}
