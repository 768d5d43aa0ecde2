//! `gavekort account …`.

use anyhow::Result;
use domain::Mode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Operator;
use crate::exit::{Exit, Failure};
use crate::http::Call;
use crate::output;
use crate::settings::DataFlags;

/// What is done about accounts.
#[derive(clap::Subcommand, Debug)]
pub enum AccountCommand {
    /// Make an account and its first client, whose secret is shown once
    ///
    /// A test account unless --production or --aid says otherwise. Works beside a running server and without one.
    /// No production account is made for a server that others reach without HTTPS: neither while one runs, nor
    /// where the settings of this shell say that it would.
    Create(CreateFlags),
    /// List accounts, oldest first
    List(ListFlags),
}

/// Which account.
#[derive(clap::Args, Debug)]
pub struct CreateFlags {
    /// What people call the account
    #[arg(long, default_value = "Account")]
    name: String,
    /// Its id, T or P and eight digits; a free one by default
    #[arg(long, value_name = "AID")]
    aid: Option<String>,
    /// An account for real money
    #[arg(long, conflicts_with = "aid")]
    production: bool,
    /// The currency that its cards show until they are activated
    #[arg(long, value_name = "CODE", default_value = "NOK")]
    currency: String,
    /// Print the account and its client as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFlags,
}

/// How the list is printed.
#[derive(clap::Args, Debug)]
pub struct ListFlags {
    /// Print the accounts as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFlags,
}

#[derive(Deserialize)]
struct Account {
    aid: String,
    name: String,
    default_currency: String,
    created_at: String,
}

#[derive(Deserialize)]
struct Made {
    aid: String,
    client_id: String,
    client_secret: String,
}

/// Runs one of these commands.
pub async fn account(command: AccountCommand) -> Result<()> {
    match command {
        AccountCommand::Create(flags) => create(flags).await,
        AccountCommand::List(flags) => list(flags).await,
    }
}

async fn create(flags: CreateFlags) -> Result<()> {
    let operator = Operator::to(&flags.data).await?;
    let made = make(&operator, &flags).await;
    operator.close().await?;
    let made = made?;
    if flags.json {
        return output::json(&made);
    }
    let made: Made = serde_json::from_value(made)?;
    output::note("This is the only time the secret is shown.");
    output::fields(&[
        ("account", &made.aid),
        ("client_id", &made.client_id),
        ("client_secret", &made.client_secret),
    ])
}

async fn make(operator: &Operator, flags: &CreateFlags) -> Result<Value> {
    let mode = if flags.production { Mode::Production } else { Mode::Test };
    let mut body = Map::new();
    match &flags.aid {
        Some(aid) => {
            refuse_existing(operator, aid).await?;
            body.insert("aid".to_owned(), aid.clone().into())
        }
        None => body.insert("mode".to_owned(), mode.letter().into()),
    };
    body.insert("name".to_owned(), flags.name.clone().into());
    body.insert("default_currency".to_owned(), flags.currency.clone().into());
    operator.send(&Call::post(["accounts"], Value::Object(body))).await?.read()
}

/// The server would say so too, but as of a fault in the request.
async fn refuse_existing(operator: &Operator, aid: &str) -> Result<()> {
    let accounts: Vec<Account> = operator.send(&Call::get(["accounts"])).await?.read()?;
    match accounts.iter().any(|account| account.aid == aid) {
        true => Err(Failure::new(Exit::Declined, format!("the account {aid} exists")).into()),
        false => Ok(()),
    }
}

async fn list(flags: ListFlags) -> Result<()> {
    let operator = Operator::to_existing(&flags.data).await?;
    let answer = operator.send(&Call::get(["accounts"])).await;
    operator.close().await?;
    let accounts: Value = answer?.read()?;
    if flags.json {
        return output::json(&accounts);
    }
    let accounts: Vec<Account> = serde_json::from_value(accounts)?;
    let row = |account: Account| [account.aid, account.name, account.default_currency, account.created_at];
    output::table(
        ["ACCOUNT", "NAME", "CURRENCY", "CREATED"],
        &accounts.into_iter().map(row).collect::<Vec<_>>(),
    )
}
