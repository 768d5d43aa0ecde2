//! What the database says of itself, and whether the key is its own.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use domain::Mode;
use service::{OpenFault, Parts, PublicHosts, Service, SystemClock, SystemRandom};
use store::{SqliteSettings, SqliteStore};

use super::Finding;
use crate::data::DataFolder;
use crate::place::Place;
use crate::serve::{master_key, open};
use crate::settings::Server;

pub async fn findings(folder: &DataFolder, settings: &Server) -> Vec<Finding> {
    let path = folder.path().to_owned();
    let opening =
        move || SqliteStore::open_read_only(&path, Arc::new(SystemClock), SqliteSettings::default());
    let opened = tokio::task::spawn_blocking(opening).await.context("opening failed");
    match opened.and_then(|opened| opened.map_err(Into::into)) {
        Ok(store) => vec![inspection(&store).await, key(folder, settings, store).await],
        Err(error) => {
            let advice = "if its files are damaged, restore a backup into another directory";
            vec![Finding::error("database", format!("{error:#}"), advice)]
        }
    }
}

async fn inspection(store: &Arc<SqliteStore>) -> Finding {
    let check = "database";
    match store.inspect().await {
        Ok(seen) => {
            Finding::ok(check, format!("schema {}, SQLite {}, no damage found", seen.schema, seen.sqlite))
        }
        Err(error) => {
            Finding::error(check, error.to_string(), "restore the last backup, and keep these files")
        }
    }
}

async fn key(folder: &DataFolder, settings: &Server, store: Arc<SqliteStore>) -> Finding {
    let check = "master key";
    match open_service(folder, settings, store).await {
        Ok(Some(service)) => right_key(folder, settings, &service).await,
        Ok(None) => {
            let message = format!("there is none: neither {} nor a setting", folder.master_key().display());
            Finding::error(
                check,
                message,
                "bring it back; without it nothing in this database can be checked",
            )
        }
        Err(error) if is_wrong_key(&error) => {
            Finding::error(check, error.to_string(), open::wrong_key(&Place::Folder(folder.clone())))
        }
        Err(error) => Finding::error(check, format!("{error:#}"), "see what the message says"),
    }
}

/// A service that only reads; that it opens at all shows that the key is right.
async fn open_service(
    folder: &DataFolder,
    settings: &Server,
    store: Arc<SqliteStore>,
) -> Result<Option<Arc<Service>>> {
    let Some(master_key) = master_key::find(folder, settings.master_key.as_ref())? else {
        return Ok(None);
    };
    let hosts = PublicHosts::new(&settings.public_urls, &settings.audience_aliases);
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let service = Service::open(Parts { store, master_key, clock, random, hosts }).await?;
    Ok(Some(service))
}

fn is_wrong_key(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<OpenFault>(), Some(OpenFault::WrongMasterKey))
}

async fn right_key(folder: &DataFolder, settings: &Server, service: &Service) -> Finding {
    let check = "master key";
    let lies_beside = settings.master_key.is_none();
    let has_money = match service.accounts().await {
        Ok(accounts) => accounts.iter().any(|account| account.aid.mode() == Mode::Production),
        Err(error) => return Finding::error("database", error.to_string(), "see the log of the server"),
    };
    if lies_beside && has_money {
        let message =
            format!("{} lies beside a database with a production account", folder.master_key().display());
        let advice =
            "whoever copies the directory has both: keep the key elsewhere and set GAVEKORT_MASTER_KEY_FILE";
        return Finding::warning(check, message, advice);
    }
    Finding::ok(check, "the key is the one this database was made with")
}
