//! Every account and its clients, in memory, so that each request can be judged without the store.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use domain::{Account, Aid, Client, ClientId, ClientUuid};
use store::{Error, Store};
use tokio::sync::{Mutex, MutexGuard};

/// One account's clients.
pub(crate) struct Members {
    pub(crate) account: Account,
    clients: HashMap<ClientUuid, Client>,
    by_client_id: HashMap<ClientId, ClientUuid>,
}

impl Members {
    /// Deleted clients are not remembered: nothing is ever asked of them again.
    fn new(account: Account, clients: impl IntoIterator<Item = Client>) -> Self {
        let live = |client: &Client| client.deleted_at.is_none();
        let clients: Vec<Client> = clients.into_iter().filter(live).collect();
        let by_client_id = clients.iter().map(|client| (client.client_id.clone(), client.uuid)).collect();
        let clients = clients.into_iter().map(|client| (client.uuid, client)).collect();
        Self { account, clients, by_client_id }
    }

    /// The same with one client as it now is.
    fn with(&self, changed: Client) -> Self {
        let uuid = changed.uuid;
        let others = self.clients.values().filter(|client| client.uuid != uuid).cloned();
        Self::new(self.account.clone(), others.chain([changed]))
    }

    /// The same clients in the account as it now is.
    fn of(&self, account: Account) -> Self {
        Self::new(account, self.clients.values().cloned())
    }

    pub(crate) fn client(&self, uuid: ClientUuid) -> Option<&Client> {
        self.clients.get(&uuid)
    }

    pub(crate) fn by_client_id(&self, client_id: &ClientId) -> Option<&Client> {
        self.by_client_id.get(client_id).and_then(|uuid| self.clients.get(uuid))
    }

    /// The clients, oldest first.
    pub(crate) fn all(&self) -> Vec<Client> {
        let mut clients: Vec<Client> = self.clients.values().cloned().collect();
        clients.sort_by_key(|client| (client.created_at, client.uuid));
        clients
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

    /// Reads some accounts anew, and leaves the others as they are known.
    pub(crate) async fn load_some(&self, store: &dyn Store, aids: &BTreeSet<Aid>) -> Result<(), Error> {
        let _reading = self.reading.lock().await;
        let mut read = Vec::new();
        for account in store.accounts().await? {
            if aids.contains(&account.aid) {
                let clients = store.clients(account.aid).await?;
                read.push((account.aid, Arc::new(Members::new(account, clients))));
            }
        }
        self.accounts.write().unwrap_or_else(PoisonError::into_inner).extend(read);
        Ok(())
    }

    /// Waits until nobody reads or changes accounts and clients, and keeps others from it while it is held: changes
    /// are then known here in the order in which they were committed.
    pub(crate) async fn changing(&self) -> MutexGuard<'_, ()> {
        self.reading.lock().await
    }

    /// Knows a client as it was committed.
    pub(crate) fn put(&self, aid: Aid, client: Client) {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(members) = accounts.get_mut(&aid) {
            *members = Arc::new(members.with(client));
        }
    }

    /// Knows an account as it was committed.
    pub(crate) fn put_account(&self, account: Account) {
        let mut accounts = self.accounts.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(members) = accounts.get_mut(&account.aid) {
            *members = Arc::new(members.of(account));
        }
    }

    pub(crate) fn get(&self, aid: Aid) -> Option<Arc<Members>> {
        self.accounts.read().unwrap_or_else(PoisonError::into_inner).get(&aid).cloned()
    }
}
