//! Budgets that hold on every server of a database: each tells what it counted, and learns what that comes to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Aid, ClientId, ClientUuid, Timestamp};
use store::{BudgetKey, Error, Failures, SharedBudget, Store};

use super::Network;
use super::budget::{
    Budget, CREDENTIAL_ALLOWANCE, KEYS_MAX, NETWORK_ALLOWANCE, TOKEN_CLIENT_ALLOWANCE,
    TOKEN_NETWORK_ALLOWANCE,
};
use crate::secrets::Keys;

/// Budgets told of at once.
const TOLD_AT_ONCE: usize = 10_000;

/// Every budget against guessing.
pub(crate) struct Budgets {
    pub(crate) credentials: Budget<(Aid, Option<ClientId>, Network)>,
    pub(crate) networks: Budget<Network>,
    pub(crate) token_clients: Budget<Option<ClientUuid>>,
    pub(crate) token_networks: Budget<Network>,
    shared: Arc<Shared>,
}

impl Budgets {
    pub(crate) fn new(keys: &Keys) -> Self {
        let shared = Arc::<Shared>::default();
        Self {
            credentials: Budget::new(CREDENTIAL_ALLOWANCE, keys.budgets("credentials"), shared.clone()),
            networks: Budget::new(NETWORK_ALLOWANCE, keys.budgets("networks"), shared.clone()),
            token_clients: Budget::new(TOKEN_CLIENT_ALLOWANCE, keys.budgets("token_clients"), shared.clone()),
            token_networks: Budget::new(
                TOKEN_NETWORK_ALLOWANCE,
                keys.budgets("token_networks"),
                shared.clone(),
            ),
            shared,
        }
    }

    /// Tells the other servers what was counted here since the last time, and learns what they counted.
    pub(crate) async fn share(&self, store: &dyn Store, now: Timestamp) -> Result<(), Error> {
        let untold = self.shared.take_untold();
        match store.share_failures(&untold, now).await {
            Ok(budgets) => {
                self.shared.learn(&budgets);
                Ok(())
            }
            Err(error) => {
                // Were they counted all the same, somebody who guesses would wait the longer.
                untold.iter().for_each(|failures| self.shared.count(failures.key, failures.put_off_ms));
                Err(error)
            }
        }
    }
}

/// What is known of budgets beyond this server.
#[derive(Default)]
pub(crate) struct Shared {
    untold: Mutex<HashMap<BudgetKey, i64>>,
    known: Mutex<HashMap<BudgetKey, i64>>,
    /// Whether anything is known. It spares the hash of a key where nothing is, as in a server that is alone.
    knows_any: AtomicBool,
}

impl Shared {
    /// When a budget is whole again, by what was learnt of it.
    pub(crate) fn whole_at(&self, key: impl FnOnce() -> BudgetKey) -> Option<i64> {
        if !self.knows_any.load(Ordering::Relaxed) {
            return None;
        }
        lock(&self.known).get(&key()).copied()
    }

    /// Remembers to tell of a failure.
    pub(crate) fn count(&self, key: BudgetKey, put_off_ms: i64) {
        let mut untold = lock(&self.untold);
        if untold.len() < KEYS_MAX || untold.contains_key(&key) {
            *untold.entry(key).or_default() += put_off_ms;
        }
    }

    fn take_untold(&self) -> Vec<Failures> {
        let mut untold = lock(&self.untold);
        let some: Vec<BudgetKey> = untold.keys().take(TOLD_AT_ONCE).copied().collect();
        let taken = some.into_iter().filter_map(|key| untold.remove_entry(&key));
        taken.map(|(key, put_off_ms)| Failures { key, put_off_ms }).collect()
    }

    /// Knows these budgets, and no others.
    fn learn(&self, budgets: &[SharedBudget]) {
        let mut known = lock(&self.known);
        *known = budgets.iter().map(|budget| (budget.key, budget.whole_at.unix_ms())).collect();
        self.knows_any.store(!known.is_empty(), Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::{MasterKey, SystemRandom};

    fn at(ms: i64) -> Timestamp {
        Timestamp::try_from(ms).expect("a time")
    }

    /// Budgets of several servers with one master key, and of the database that they share.
    struct Servers {
        servers: Vec<Budgets>,
        database: HashMap<BudgetKey, i64>,
    }

    impl Servers {
        fn new(count: usize) -> Self {
            let keys = Keys::derive(&MasterKey::generate(&SystemRandom));
            let servers = (0..count).map(|_| Budgets::new(&keys)).collect();
            Self { servers, database: HashMap::new() }
        }

        /// Each tells and learns, twice, so that the first one learns of the last one too.
        fn share(&mut self, now: Timestamp) {
            for server in self.servers.iter().chain(&self.servers) {
                for failures in server.shared.take_untold() {
                    let whole_at = self.database.entry(failures.key).or_default();
                    *whole_at = now.unix_ms().max(*whole_at) + failures.put_off_ms;
                }
                let spent = self.database.iter().filter(|(_, whole_at)| **whole_at > now.unix_ms());
                let spent = spent.map(|(key, whole_at)| SharedBudget { key: *key, whole_at: at(*whole_at) });
                server.shared.learn(&spent.collect::<Vec<_>>());
            }
        }
    }

    fn network(last: u8) -> Network {
        IpAddr::from([10, 0, 0, last]).into()
    }

    #[test]
    fn failures_on_several_servers_add_up_on_each() {
        let mut all = Servers::new(3);
        let spread = |all: &Servers, count: usize| {
            for place in 0..count {
                all.servers[place % 3].networks.spend(network(1), at(1_000));
            }
        };
        let waits = |all: &Servers, whose, now| {
            let wait = |server: &Budgets| server.networks.wait_seconds(&whose, now);
            all.servers.iter().map(wait).collect::<Vec<_>>()
        };
        spread(&all, 99);
        all.share(at(1_000));
        assert_eq!(waits(&all, network(1), at(1_000)), [None; 3], "one more is let through");
        spread(&all, 1);
        assert_eq!(waits(&all, network(1), at(1_000)), [Some(1), None, None], "at once where it was counted");
        all.share(at(1_000));
        assert_eq!(waits(&all, network(1), at(1_000)), [Some(1); 3]);
        assert_eq!(waits(&all, network(2), at(1_000)), [None; 3]);
        assert_eq!(waits(&all, network(1), at(2_000)), [None; 3], "forgiven");
        assert_eq!(
            all.servers[0].token_networks.wait_seconds(&network(1), at(1_000)),
            None,
            "another budget"
        );
    }

    #[test]
    fn what_is_whole_again_is_forgotten() {
        let mut all = Servers::new(2);
        all.servers[0].networks.spend(network(1), at(1_000));
        all.share(at(1_000));
        assert_eq!(lock(&all.servers[1].shared.known).len(), 1);
        all.share(at(2_000));
        assert!(lock(&all.servers[1].shared.known).is_empty());
        assert!(!all.servers[1].shared.knows_any.load(Ordering::Relaxed));
    }

    #[test]
    fn what_could_not_be_told_is_told_later() {
        let all = Servers::new(1);
        let shared = &all.servers[0].shared;
        shared.count([7; 16], 10);
        let untold = shared.take_untold();
        untold.iter().for_each(|failures| shared.count(failures.key, failures.put_off_ms));
        shared.count([7; 16], 10);
        assert_eq!(shared.take_untold(), [Failures { key: [7; 16], put_off_ms: 20 }]);
        assert_eq!(shared.take_untold(), []);
    }
}
