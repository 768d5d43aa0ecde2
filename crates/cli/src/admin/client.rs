//! `gavekort client …`.

use anyhow::Result;
use domain::{Scope, ScopeSet};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Operator;
use crate::exit::{Exit, Failure, usage};
use crate::http::{Answer, Call};
use crate::output;
use crate::settings::DataFlags;

/// What is done about API clients.
#[derive(clap::Subcommand, Debug)]
pub enum ClientCommand {
    /// Make a client with some scopes; its secret is shown once
    ///
    /// Works beside a running server and without one. The client can be used at once.
    Create(CreateFlags),
    /// List clients and their scopes
    List(ListFlags),
    /// Give a client another secret, which is shown once
    Rotate(RotateFlags),
    /// Delete a client; its access tokens end at once
    Delete(DeleteFlags),
}

/// Which client.
#[derive(clap::Args, Debug)]
pub struct CreateFlags {
    /// The account
    #[arg(long, value_name = "AID")]
    account: String,
    /// What people call the client
    #[arg(long)]
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// What it may do, such as write:wallets:/activate
    #[arg(long, value_name = "SCOPE", required = true, num_args = 1.., value_delimiter = ',')]
    scope: Vec<String>,
    /// Print the client as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFlags,
}

/// Whose clients.
#[derive(clap::Args, Debug)]
pub struct ListFlags {
    /// Only of this account
    #[arg(long, value_name = "AID")]
    account: Option<String>,
    /// Print the clients as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFlags,
}

/// Which client, and how.
#[derive(clap::Args, Debug)]
pub struct RotateFlags {
    /// The client's id or client_id
    id: String,
    /// Seconds for which the secret before, and tokens made with it, still count
    #[arg(long, value_name = "N", default_value_t = 0)]
    grace_seconds: u32,
    /// Its account, where several have a client of this name
    #[arg(long, value_name = "AID")]
    account: Option<String>,
    /// Print the client as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFlags,
}

/// Which client.
#[derive(clap::Args, Debug)]
pub struct DeleteFlags {
    /// The client's id or client_id
    id: String,
    /// Its account, where several have a client of this name
    #[arg(long, value_name = "AID")]
    account: Option<String>,
    /// Print the client as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFlags,
}

#[derive(Deserialize)]
struct Account {
    aid: String,
}

#[derive(Serialize, Deserialize)]
struct Client {
    #[serde(default)]
    account: String,
    id: String,
    client_id: String,
    name: String,
    #[serde(default)]
    scope: Vec<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

#[derive(Deserialize)]
struct Grant {
    client_id: String,
    scope: Vec<String>,
}

/// Runs one of these commands.
pub async fn client(command: ClientCommand) -> Result<()> {
    let data = match &command {
        ClientCommand::Create(flags) => &flags.data,
        ClientCommand::List(flags) => &flags.data,
        ClientCommand::Rotate(flags) => &flags.data,
        ClientCommand::Delete(flags) => &flags.data,
    };
    let operator = Operator::to_existing(data).await?;
    let done = match command {
        ClientCommand::Create(flags) => create(&operator, flags).await,
        ClientCommand::List(flags) => list(&operator, flags).await,
        ClientCommand::Rotate(flags) => rotate(&operator, flags).await,
        ClientCommand::Delete(flags) => delete(&operator, flags).await,
    };
    operator.close().await?;
    done
}

async fn create(operator: &Operator, flags: CreateFlags) -> Result<()> {
    // Before anything is made: a client without its scopes would be left behind.
    let scopes = scopes(&flags.scope)?;
    let account = flags.account.as_str();
    let mut body = json!({"name": flags.name});
    if let Some(description) = flags.description {
        body["description"] = description.into();
    }
    let made = operator.send(&Call::post(["v1", "accounts", account, "auth", "clients"], body)).await?;
    let mut client: Client = of_account(&made, account)?.read()?;
    let scope: Vec<String> = scopes.iter().map(|scope| scope.to_string()).collect();
    let audience = format!("https://localhost/v1/accounts/{account}");
    let body = json!({"client_id": client.id, "audience": audience, "scope": scope});
    let granted =
        operator.send(&Call::post(["v1", "accounts", account, "auth", "client-grants"], body)).await?;
    if !granted.is_ok() {
        send_delete(operator, account, &client.id).await?;
    }
    granted.read::<Grant>()?;
    (client.account, client.scope) = (account.to_owned(), scope);
    tell_secret(&client, flags.json)
}

async fn list(operator: &Operator, flags: ListFlags) -> Result<()> {
    let clients = clients(operator, flags.account).await?;
    if flags.json {
        return output::json(&clients);
    }
    let row = |client: Client| {
        [client.account, client.id, client.client_id, client.name, client.scope.join(" "), client.created_at]
    };
    let heading = ["ACCOUNT", "ID", "CLIENT_ID", "NAME", "SCOPES", "CREATED"];
    output::table(heading, &clients.into_iter().map(row).collect::<Vec<_>>())
}

async fn rotate(operator: &Operator, flags: RotateFlags) -> Result<()> {
    let found = find(operator, flags.account, &flags.id).await?;
    let body = json!({"grace_seconds": flags.grace_seconds});
    let path = ["v1", "accounts", &found.account, "auth", "clients", &found.id, "rotate-secret"];
    let mut client: Client = operator.send(&Call::post(path, body)).await?.read()?;
    (client.account, client.scope) = (found.account, found.scope);
    tell_secret(&client, flags.json)
}

async fn delete(operator: &Operator, flags: DeleteFlags) -> Result<()> {
    let found = find(operator, flags.account, &flags.id).await?;
    let answer = send_delete(operator, &found.account, &found.id).await?;
    answer.read::<Client>().map_err(|error| match answer.status {
        // There is nothing in this request that could be wrong: a rule stands against it.
        400 => Failure::new(Exit::Declined, error.to_string()).into(),
        _ => error,
    })?;
    output::note(format!("{} ({}) is deleted", output::printable(&found.name), found.client_id));
    if flags.json { output::json(&found) } else { Ok(()) }
}

async fn send_delete(operator: &Operator, account: &str, id: &str) -> Result<Answer> {
    operator.send(&Call::new(Method::DELETE, ["v1", "accounts", account, "auth", "clients", id])).await
}

fn scopes(asked: &[String]) -> Result<ScopeSet> {
    let scope = |text: &String| {
        let known = || Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        Scope::try_from(text.as_str())
            .map_err(|fault| usage(format!("{text:?} {fault}; these are: {}", known())))
    };
    asked.iter().map(scope).collect()
}

fn tell_secret(client: &Client, as_json: bool) -> Result<()> {
    if as_json {
        return output::json(client);
    }
    output::note("This is the only time the secret is shown.");
    output::fields(&[
        ("account", &client.account),
        ("id", &client.id),
        ("client_id", &client.client_id),
        ("client_secret", client.client_secret.as_deref().unwrap_or_default()),
        ("scope", &client.scope.join(" ")),
    ])
}

/// The live clients of one account or of all, each with its scopes.
async fn clients(operator: &Operator, account: Option<String>) -> Result<Vec<Client>> {
    let accounts = match account {
        Some(account) => vec![account],
        None => {
            let all: Vec<Account> = operator.send(&Call::get(["accounts"])).await?.read()?;
            all.into_iter().map(|account| account.aid).collect()
        }
    };
    let mut clients = Vec::new();
    for account in accounts {
        let answer = operator.send(&Call::get(["v1", "accounts", &account, "auth", "clients"])).await?;
        let of_account: Vec<Client> = of_account(&answer, &account)?.read()?;
        let call = Call::get(["v1", "accounts", &account, "auth", "client-grants"]);
        let grants: Vec<Grant> = operator.send(&call).await?.read()?;
        clients.extend(of_account.into_iter().map(|mut client| {
            let held = grants.iter().filter(|grant| grant.client_id == client.id);
            client.scope = held.flat_map(|grant| grant.scope.clone()).collect();
            client.account.clone_from(&account);
            client
        }));
    }
    Ok(clients)
}

async fn find(operator: &Operator, account: Option<String>, id: &str) -> Result<Client> {
    let all = clients(operator, account).await?;
    let mut found = all.into_iter().filter(|client| client.id == id || client.client_id == id);
    match (found.next(), found.next()) {
        (Some(client), None) => Ok(client),
        (Some(_), Some(_)) => Err(usage(format!("several accounts have a client {id:?}: give --account"))),
        (None, _) => Err(Failure::new(Exit::NotFound, format!("there is no client {id:?}")).into()),
    }
}

/// The server's "not found" for an account does not say what was not found.
fn of_account<'a>(answer: &'a Answer, account: &str) -> Result<&'a Answer> {
    match answer.status {
        404 => Err(Failure::new(Exit::NotFound, format!("there is no account {account:?}")).into()),
        _ => Ok(answer),
    }
}
