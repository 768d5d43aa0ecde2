//! Every account and its clients, in memory, so that each request can be judged without the store.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use domain::{Account, Aid, Client, ClientId, ClientUuid};
use store::{Error, Store};
use tokio::sync::Mutex;

/// One account's clients.
pub(crate) struct Members {
    pub(crate) account: Account,
    clients: HashMap<ClientUuid, Client>,
    by_client_id: HashMap<ClientId, ClientUuid>,
}

impl Members {
    fn new(account: Account, clients: Vec<Client>) -> Self {
        let by_client_id = clients.iter().map(|client| (client.client_id.clone(), client.uuid)).collect();
        let clients = clients.into_iter().map(|client| (client.uuid, client)).collect();
        Self { account, clients, by_client_id }
    }

    pub(crate) fn client(&self, uuid: ClientUuid) -> Option<&Client> {
        self.clients.get(&uuid)
    }

    pub(crate) fn by_client_id(&self, client_id: &ClientId) -> Option<&Client> {
        self.by_client_id.get(client_id).and_then(|uuid| self.clients.get(uuid))
    }

    /// The clients that have not been deleted, oldest first.
    pub(crate) fn live(&self) -> Vec<Client> {
        let mut live: Vec<Client> =
            self.clients.values().filter(|client| client.deleted_at.is_none()).cloned().collect();
        live.sort_by_key(|client| (client.created_at, client.uuid));
        live
    }
}

/// The accounts this server knows.
#[derive(Default)]
pub(crate) struct Directory {
    accounts: RwLock<HashMap<Aid, Arc<Members>>>,
    /// Held while reading, so that what was read later is never overwritten by what was read before.
    reading: Mutex<()>,
}

impl Directory {
    /// Reads every account anew.
    pub(crate) async fn load(&self, store: &dyn Store) -> Result<(), Error> {
        let _reading = self.reading.lock().await;
        let mut accounts = HashMap::new();
        for account in store.accounts().await? {
            let clients = store.clients(account.aid).await?;
            accounts.insert(account.aid, Arc::new(Members::new(account, clients)));
        }
        *self.accounts.write().unwrap_or_else(PoisonError::into_inner) = accounts;
        Ok(())
    }

    /// Reads one account's clients anew, after a change to them. Where that fails the account is forgotten until
    /// everything is next read: better nobody gets in than somebody who was shut out.
    pub(crate) async fn refresh(&self, store: &dyn Store, aid: Aid) {
        let Some(members) = self.get(aid) else { return };
        let _reading = self.reading.lock().await;
        let clients = store.clients(aid).await;
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        match clients {
            Ok(clients) => {
                accounts.insert(aid, Arc::new(Members::new(members.account.clone(), clients)));
            }
            Err(error) => {
                tracing::error!(%error, "the account's clients could not be read");
                accounts.remove(&aid);
            }
        }
    }

    pub(crate) fn get(&self, aid: Aid) -> Option<Arc<Members>> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(&aid).cloned()
    }
}
