//! The first account and its client, made by a first start.

use anyhow::{Context as _, Result};
use domain::{Account, Aid, Currency, Mode, Name};
use serde::{Deserialize, Serialize};
use service::{FirstClient, NewAccount, Secret, Service};

use crate::data::DataFolder;
use crate::settings::Bootstrap;
use crate::{files, output, random};

/// The name of the client that a first start makes.
const CLIENT_NAME: &str = "First client";

/// Credentials, as `first-client.json` has them.
#[derive(Serialize, Deserialize)]
pub struct Credentials {
    /// A URL of the server.
    pub url: String,
    /// The account.
    pub account: String,
    /// The client's name.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

/// Makes the account that the operator asked for, or a test account, where there is none at all.
pub async fn first_account(
    service: &Service,
    folder: Option<&DataFolder>,
    bootstrap: Option<&Bootstrap>,
    url: &str,
) -> Result<()> {
    if !service.accounts().await.context("cannot read the accounts")?.is_empty() {
        // Another server may have made it after this one had looked.
        return service.read_accounts().await.context("cannot read the accounts");
    }
    match (bootstrap, folder) {
        (Some(bootstrap), _) => brought_along(service, bootstrap).await,
        (None, Some(folder)) => test_account(service, folder, url).await,
        (None, None) => {
            // Nowhere to leave its credentials, and several servers would each have made one.
            tracing::warn!("there is no account yet; `gavekort account create --database-url …` makes one");
            Ok(())
        }
    }
}

async fn brought_along(service: &Service, bootstrap: &Bootstrap) -> Result<()> {
    let first = FirstClient {
        client_id: bootstrap.client_id.clone(),
        secret: bootstrap.secret.clone(),
        name: Name::try_from(CLIENT_NAME)?,
    };
    match make(service, bootstrap.account, &first).await? {
        Some(made) => tracing::info!(account = %made.aid, "made the account of GAVEKORT_BOOTSTRAP_ACCOUNT"),
        None => tracing::info!("another server made the first account"),
    }
    Ok(())
}

async fn test_account(service: &Service, folder: &DataFolder, url: &str) -> Result<()> {
    let first = service.make_first_client(Name::try_from(CLIENT_NAME)?);
    let number = random::below(100_000_000);
    let aid = Aid::try_from(format!("{}{number:08}", Mode::Test.letter()).as_str())?;
    let credentials = Credentials {
        url: url.to_owned(),
        account: aid.to_string(),
        client_id: first.client_id.as_str().to_owned(),
        client_secret: first.secret.expose().to_owned(),
    };
    let path = folder.first_client();
    let mut text = Secret::new(serde_json::to_string_pretty(&credentials)?);
    text = Secret::new(format!("{}\n", text.expose()));
    // The file first: killed in between, the next start finds no account and writes it anew.
    let written = files::write_private(&path, text.expose().as_bytes());
    written.with_context(|| format!("cannot write {}", path.display()))?;
    make(service, aid, &first).await?.context("another account was made meanwhile")?;
    tracing::info!(account = %aid, file = %path.display(), "made a test account; its credentials are in the file");
    if output::is_watched() {
        output::note(credentials.as_exports());
    }
    Ok(())
}

/// Makes the account, unless there is one by now.
async fn make(service: &Service, aid: Aid, first: &FirstClient) -> Result<Option<Account>> {
    let new = NewAccount {
        aid: Some(aid),
        mode: aid.mode(),
        name: format!("{} account", if aid.mode() == Mode::Test { "Test" } else { "Production" }),
        default_currency: Currency::NOK,
    };
    service.create_account(&new, first, true).await.context("cannot make the first account")
}

impl Credentials {
    /// Lines for a shell.
    pub fn as_exports(&self) -> String {
        format!(
            "export GAVEKORT_URL={}\nexport GAVEKORT_ACCOUNT={}\nexport GAVEKORT_CLIENT_ID={}\n\
             export GAVEKORT_CLIENT_SECRET={}",
            self.url, self.account, self.client_id, self.client_secret
        )
    }
}
