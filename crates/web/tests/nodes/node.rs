//! What a server has, but for its listeners.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Account, Aid, Client, Clock};
use service::{MasterKey, Service};
use store::{News, PostgresSettings, PostgresStore, SigningKey, Store};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::world::parts;

/// How soon every server knows what another one changed of clients, grants and settings, as the contract promises.
const AGREED_MAX: Duration = Duration::from_secs(5);

pub struct Node {
    pub service: Arc<Service>,
    pub store: Arc<dyn Store>,
    /// What it knows at least.
    known: watch::Receiver<Known>,
    _following: JoinSet<()>,
}

impl Node {
    pub async fn open(url: &str, master_key: MasterKey, clock: Arc<dyn Clock>) -> Self {
        // Few connections, because many tests run at once, but enough for orders and reads to overtake each other.
        let settings = PostgresSettings { lanes: 2, readers: 2, ..PostgresSettings::default() };
        let pin_check = service::pin_checker(&master_key);
        let opened = PostgresStore::open(url, clock.clone(), settings, pin_check).await;
        let store: Arc<dyn Store> = opened.expect("a store");
        let service = Service::open(parts(store.clone(), master_key, clock)).await.expect("a service");
        let (knows, known) = watch::channel(Known::read(&*store).await);
        let mut following = JoinSet::new();
        following.spawn(follow(store.clone(), service.clone(), knows));
        Self { service, store, known, _following: following }
    }

    /// Waits until it knows what the database holds of accounts, clients and signing keys; then tells and hears what
    /// was counted against guessing.
    pub async fn agree(&self) {
        let now = Known::read(&*self.store).await;
        let mut known = self.known.clone();
        let agreed = tokio::time::timeout(AGREED_MAX, known.wait_for(|known| known.has(&now))).await;
        agreed.expect("it has heard in time").expect("it listens");
        self.service.share_counted().await.expect("counts are shared");
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
