//! `gavekort key …`.

use anyhow::Result;
use clap::ValueEnum;
use domain::Mode;
use serde_json::{Value, json};

use super::Operator;
use crate::http::Call;
use crate::output;
use crate::settings::DataFlags;

/// What is done about the keys that sign access tokens.
#[derive(clap::Subcommand, Debug)]
pub enum KeyCommand {
    /// Sign access tokens with a new key
    ///
    /// Tokens that were signed with the one before stay valid until they expire. Keys are also rotated by the
    /// server itself every 90 days.
    Rotate(RotateFlags),
}

/// Whose key.
#[derive(clap::Args, Debug)]
pub struct RotateFlags {
    /// Only the key of this kind of accounts; both by default
    accounts: Option<Accounts>,
    /// Print the public keys as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Accounts {
    /// Accounts with play money
    Test,
    /// Accounts with real money
    Production,
}

/// Runs one of these commands.
pub async fn key(command: KeyCommand) -> Result<()> {
    let KeyCommand::Rotate(flags) = command;
    let modes = match flags.accounts {
        Some(Accounts::Test) => &[Mode::Test][..],
        Some(Accounts::Production) => &[Mode::Production],
        None => &[Mode::Test, Mode::Production],
    };
    let operator = Operator::to_existing(&flags.data).await?;
    let rotated = rotate(&operator, modes).await;
    operator.close().await?;
    let keys = rotated?;
    output::note("Access tokens are signed with a new key from now on.");
    if flags.json { output::json(&keys) } else { Ok(()) }
}

/// Answers every public key there is after the last rotation.
async fn rotate(operator: &Operator, modes: &[Mode]) -> Result<Value> {
    let mut keys = Value::Null;
    for mode in modes {
        let call = Call::post(["signing-keys", mode.letter(), "rotate"], json!({}));
        keys = operator.send(&call).await?.read()?;
    }
    Ok(keys)
}
