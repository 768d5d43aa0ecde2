//! Three servers on a PostgreSQL database of their own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Account, Aid, Client, Clock};
use service::{MasterKey, Service};
use store::{News, PostgresSettings, PostgresStore, SigningKey, Store};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::databases::{Lent, lend};
use crate::world::parts;

const SERVERS: usize = 3;

/// How soon every server knows what another one changed of clients, grants and settings, as the contract promises.
const AGREED_MAX: Duration = Duration::from_secs(5);

pub struct Servers {
    pub services: Vec<Arc<Service>>,
    pub store: Arc<dyn Store>,
    /// What each server knows at least.
    known: Vec<watch::Receiver<Known>>,
    _following: JoinSet<()>,
    _lent: Lent,
}

impl Servers {
    pub async fn open(master_key: MasterKey, clock: Arc<dyn Clock>) -> Self {
        let lent = lend();
        // Few connections, because many tests run at once, but enough for orders and reads to overtake each other.
        let settings = PostgresSettings { lanes: 2, readers: 2, ..PostgresSettings::default() };
        let (mut stores, mut services) = (Vec::new(), Vec::new());
        for _ in 0..SERVERS {
            let pin_check = service::pin_checker(&master_key);
            let opened = PostgresStore::open(lent.url(), clock.clone(), settings, pin_check).await;
            let store: Arc<dyn Store> = opened.expect("a store");
            let parts = parts(store.clone(), master_key.clone(), clock.clone());
            services.push(Service::open(parts).await.expect("a service"));
            stores.push(store);
        }
        let (mut known, mut following) = (Vec::new(), JoinSet::new());
        for (store, service) in stores.iter().zip(&services) {
            let (knows, is_known) = watch::channel(Known::read(&**store).await);
            following.spawn(follow(store.clone(), service.clone(), knows));
            known.push(is_known);
        }
        let store = stores.swap_remove(0);
        Self { services, store, known, _following: following, _lent: lent }
    }

    /// Waits until every server knows what the database holds of accounts, clients and signing keys, and what was
    /// counted against guessing.
    pub async fn agree(&self) {
        let now = Known::read(&*self.store).await;
        for known in &self.known {
            let mut known = known.clone();
            let agreed = tokio::time::timeout(AGREED_MAX, known.wait_for(|known| known.has(&now))).await;
            agreed.expect("every server has heard in time").expect("they listen");
        }
        // The first learns of the last one the second time.
        for service in self.services.iter().chain(&self.services) {
            service.share_counted().await.expect("counts are shared");
        }
    }
}

/// What every server remembers of the database.
struct Known {
    accounts: BTreeMap<Aid, (Account, Vec<Client>)>,
    signing_keys: Vec<SigningKey>,
}

impl Known {
    async fn read(store: &dyn Store) -> Self {
        let mut accounts = BTreeMap::new();
        for account in store.accounts().await.expect("accounts") {
            let clients = store.clients(account.aid).await.expect("clients");
            accounts.insert(account.aid, (account, clients));
        }
        Self { accounts, signing_keys: store.signing_keys().await.expect("signing keys") }
    }

    /// What `news` told of, as it was `then`.
    fn learn(&mut self, news: &News, then: Self) {
        self.accounts.extend(then.accounts.into_iter().filter(|(aid, _)| news.accounts.contains(aid)));
        if news.signing_keys {
            self.signing_keys = then.signing_keys;
        }
    }

    /// Whether this is `now`, but for signing keys that have run out since: of those nobody has to be told.
    fn has(&self, now: &Self) -> bool {
        self.accounts == now.accounts && now.signing_keys.iter().all(|key| self.signing_keys.contains(key))
    }
}

/// Does what a server does by itself, and tells what it must know by then: what the database held before it was read.
async fn follow(store: Arc<dyn Store>, service: Arc<Service>, knows: watch::Sender<Known>) {
    loop {
        let news = store.news().await;
        let before = Known::read(&*store).await;
        service.read_news(&news).await.expect("news are read");
        knows.send_modify(|known| known.learn(&news, before));
    }
}
