//! The store and the service on a data directory, for whoever writes to it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use service::{MasterKey, OpenFault, Parts, PublicHosts, Secret, Service, SystemClock, SystemRandom};
use store::{PostgresSettings, PostgresStore, SqliteSettings, SqliteStore, Store};
use web::api::ApiSettings;

use super::master_key;
use crate::data::DataFolder;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::place::Place;
use crate::settings::Server;

/// What was opened.
pub struct Opened {
    /// To be closed at the end.
    pub store: Arc<dyn Store>,
    /// The use cases on it.
    pub service: Arc<Service>,
}

/// Opens a data directory, made where there is none, and keeps every other process from writing to it; or a database
/// that servers share.
pub async fn open(place: &Place, key: Option<&Secret>, hosts: PublicHosts) -> Result<Opened> {
    let (store, master_key) = match place {
        Place::Folder(folder) => open_folder(folder, key).await?,
        Place::Database(url) => open_database(url, key).await?,
    };
    let parts = Parts {
        store: store.clone(),
        master_key,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        hosts,
    };
    match Service::open(parts).await {
        Ok(service) => Ok(Opened { store, service }),
        Err(fault) => {
            store.close().await?;
            let what = match fault {
                OpenFault::WrongMasterKey => wrong_key(place),
                _ => format!("cannot open {}", named(place)),
            };
            Err(fault).context(what)
        }
    }
}

async fn open_folder(folder: &DataFolder, key: Option<&Secret>) -> Result<(Arc<dyn Store>, MasterKey)> {
    files::make_private_folder(folder.path())?;
    let master_key = master_key::obtain(folder, key)?;
    let (path, pin_check) = (folder.path().to_owned(), service::pin_checker(&master_key));
    let opening =
        move || SqliteStore::open(&path, Arc::new(SystemClock), SqliteSettings::default(), pin_check);
    let opened = tokio::task::spawn_blocking(opening).await?;
    let store = opened.map_err(|error| match error {
        store::Error::Damaged(_) | store::Error::Open(_) => {
            anyhow!("{}: {error}; `gavekort doctor` says what to do", folder.database().display())
        }
        error => told(error),
    })?;
    Ok((store, master_key))
}

async fn open_database(url: &Secret, key: Option<&Secret>) -> Result<(Arc<dyn Store>, MasterKey)> {
    let master_key = master_key::given(key)?;
    let (clock, pin_check) = (Arc::new(SystemClock), service::pin_checker(&master_key));
    let opened = PostgresStore::open(url.expose(), clock, PostgresSettings::default(), pin_check).await;
    let store = opened.map_err(|error| match error {
        // It may be starting, or somebody else may be changing the schema: whoever starts this again will see.
        store::Error::Unavailable(why) => Failure::new(Exit::RetryLater, why).into(),
        error => told(error),
    });
    Ok((store.context("cannot open the database")?, master_key))
}

/// What messages call it. A URL may hold a password.
fn named(place: &Place) -> String {
    match place {
        Place::Folder(folder) => folder.path().display().to_string(),
        Place::Database(_) => "the database".to_owned(),
    }
}

/// The operator's API, which knows of the settings what accounts may be made under them. Origins and proxies are
/// the public listener's business.
pub fn operator_router(service: &Arc<Service>, settings: &Server) -> Router {
    let settings = ApiSettings { is_exposed: settings.is_exposed(), ..ApiSettings::default() };
    web::api::operator_router(service.clone(), settings)
}

/// What to do about a master key that is not the database's.
pub fn wrong_key(place: &Place) -> String {
    let (database, from) = match place {
        Place::Folder(folder) => {
            (folder.database().display().to_string(), format!("{} or ", folder.master_key().display()))
        }
        Place::Database(_) => ("the database".to_owned(), "GAVEKORT_MASTER_KEY_FILE or ".to_owned()),
    };
    format!(
        "{database} cannot be used with this master key; use the one it was made with, from {from}GAVEKORT_MASTER_KEY"
    )
}

/// A fault of the store, with the exit code it calls for.
pub fn told(error: store::Error) -> anyhow::Error {
    match error {
        store::Error::InUse(_) => {
            let hint =
                "stop that one first, or use `gavekort account` and `gavekort client`, which talk to it";
            Failure::new(Exit::Declined, format!("{error}; {hint}")).into()
        }
        error => error.into(),
    }
}

/// The hosts under which a server is known that listens here.
pub fn public_urls(configured: &[String], listen: SocketAddr, has_tls: bool) -> Vec<String> {
    if !configured.is_empty() {
        return configured.to_vec();
    }
    let (scheme, port) = (if has_tls { "https" } else { "http" }, listen.port());
    let local = [format!("{scheme}://127.0.0.1:{port}"), format!("{scheme}://localhost:{port}")];
    // Nobody can name the address that means every address.
    let own = (!listen.ip().is_unspecified()).then(|| format!("{scheme}://{listen}"));
    let mut urls: Vec<String> = own.into_iter().collect();
    urls.extend(local.into_iter().filter(|url| !urls.contains(url)).collect::<Vec<_>>());
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_address_and_as_localhost_unless_told_otherwise() {
        let urls = |configured: &[&str], listen: &str, has_tls| {
            let configured: Vec<String> = configured.iter().map(|url| (*url).to_owned()).collect();
            public_urls(&configured, listen.parse().expect("an address"), has_tls)
        };
        assert_eq!(urls(&[], "127.0.0.1:80", false), ["http://127.0.0.1:80", "http://localhost:80"]);
        let all = ["https://10.0.0.1:80", "https://127.0.0.1:80", "https://localhost:80"];
        assert_eq!(urls(&[], "10.0.0.1:80", true), all);
        assert_eq!(urls(&[], "0.0.0.0:80", false), ["http://127.0.0.1:80", "http://localhost:80"]);
        assert_eq!(urls(&["https://cards.example"], "0.0.0.0:80", false), ["https://cards.example"]);
    }
}
