//! Budgets against guessing: only failures are paid for.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};

use domain::{Aid, ClientId, ClientUuid, Timestamp};
use store::BudgetKey;

use super::sharing::Shared;
use crate::secrets::BudgetKeys;

/// Where a call comes from: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let prefix = v6.to_bits() & !u128::from(u64::MAX);
                Self(IpAddr::V6(Ipv6Addr::from_bits(prefix)))
            }
            v4 => Self(v4),
        }
    }
}

impl Network {
    fn octets(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        }
    }
}

/// How many failures a key may have at once, and how fast they are forgiven.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    pub(crate) failures: u32,
    pub(crate) forgive_ms: i64,
}

/// Wrong secrets of one client from one network. Another network's failures never stop the right one.
pub(crate) const CREDENTIAL_ALLOWANCE: Allowance = Allowance { failures: 10, forgive_ms: 10_000 };

/// Wrong secrets of any client from one network.
pub(crate) const NETWORK_ALLOWANCE: Allowance = Allowance { failures: 100, forgive_ms: 1_000 };

/// Unknown card tokens presented by one client, wherever it is.
pub(crate) const TOKEN_CLIENT_ALLOWANCE: Allowance = Allowance { failures: 50, forgive_ms: 6_000 };

/// Unknown card tokens presented from one network, by whichever client.
pub(crate) const TOKEN_NETWORK_ALLOWANCE: Allowance = Allowance { failures: 200, forgive_ms: 1_500 };

/// Keys beyond this are not remembered: the oldest half goes. An attacker who has that many networks gains
/// nothing by it that those networks would not give.
pub(crate) const KEYS_MAX: usize = 100_000;

#[derive(Clone, Copy)]
struct Spent {
    /// When the budget will be whole again.
    whole_at: i64,
}

/// Whom a budget belongs to.
pub(crate) trait Owner: Eq + Hash + Clone {
    /// How servers that share a database call it.
    fn key(&self, keys: &BudgetKeys) -> BudgetKey;
}

impl Owner for Network {
    fn key(&self, keys: &BudgetKeys) -> BudgetKey {
        keys.key(&[&self.octets()])
    }
}

impl Owner for Option<ClientUuid> {
    fn key(&self, keys: &BudgetKeys) -> BudgetKey {
        keys.key(&[self.as_ref().map_or(&[], |client| client.0.as_bytes())])
    }
}

impl Owner for (Aid, Option<ClientId>, Network) {
    fn key(&self, keys: &BudgetKeys) -> BudgetKey {
        let (aid, client_id, network) = self;
        let client_id = client_id.as_ref().map_or("", ClientId::as_str);
        keys.key(&[aid.as_str().as_bytes(), client_id.as_bytes(), &network.octets()])
    }
}

/// Failures of each key, forgiven one by one as time goes by.
///
/// What was paid for here counts here at once. What servers on the same database paid for counts as soon as they
/// have told.
pub(crate) struct Budget<K> {
    allowance: Allowance,
    spent: Mutex<HashMap<K, Spent>>,
    keys: BudgetKeys,
    shared: Arc<Shared>,
}

impl<K: Owner> Budget<K> {
    pub(crate) fn new(allowance: Allowance, keys: BudgetKeys, shared: Arc<Shared>) -> Self {
        Self { allowance, spent: Mutex::default(), keys, shared }
    }

    /// Seconds to wait until another try is let through; nothing where it is let through now.
    pub(crate) fn wait_seconds(&self, key: &K, now: Timestamp) -> Option<u32> {
        let here = self.lock().get(key).map(|spent| spent.whole_at);
        let whole_at = here.max(self.shared.whole_at(|| key.key(&self.keys)))?;
        let most = i64::from(self.allowance.failures - 1) * self.allowance.forgive_ms;
        let wait_ms = whole_at - now.unix_ms() - most;
        (wait_ms > 0).then(|| u32::try_from((wait_ms + 999) / 1_000).unwrap_or(u32::MAX))
    }

    /// Counts a failure.
    pub(crate) fn spend(&self, key: K, now: Timestamp) {
        let shared_key = key.key(&self.keys);
        let elsewhere = self.shared.whole_at(|| shared_key).unwrap_or_default();
        let mut spent = self.lock();
        if spent.len() >= KEYS_MAX && !spent.contains_key(&key) {
            forget_half(&mut spent);
        }
        let whole_at = spent.get(&key).map_or(0, |spent| spent.whole_at).max(elsewhere);
        let whole_at = whole_at.max(now.unix_ms()) + self.allowance.forgive_ms;
        spent.insert(key, Spent { whole_at });
        drop(spent);
        self.shared.count(shared_key, self.allowance.forgive_ms);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, Spent>> {
        self.spent.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn forget_half<K: Eq + Hash>(spent: &mut HashMap<K, Spent>) {
    let mut times: Vec<i64> = spent.values().map(|spent| spent.whole_at).collect();
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    let median = *median;
    spent.retain(|_, spent| spent.whole_at > median);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Keys;
    use crate::{MasterKey, SystemRandom};

    impl Owner for usize {
        fn key(&self, keys: &BudgetKeys) -> BudgetKey {
            keys.key(&[&self.to_be_bytes()])
        }
    }

    fn budget(failures: u32, forgive_ms: i64) -> Budget<usize> {
        let keys = Keys::derive(&MasterKey::generate(&SystemRandom)).budgets("test");
        Budget::new(Allowance { failures, forgive_ms }, keys, Arc::default())
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::try_from(ms).expect("a time")
    }

    const TILL: usize = 1;
    const OTHER: usize = 2;

    #[test]
    fn a_key_that_failed_too_often_waits_and_is_forgiven_one_by_one() {
        let budget = budget(3, 10_000);
        for _ in 0..3 {
            assert_eq!(budget.wait_seconds(&TILL, at(0)), None);
            budget.spend(TILL, at(0));
        }
        assert_eq!(budget.wait_seconds(&TILL, at(0)), Some(10));
        assert_eq!(budget.wait_seconds(&OTHER, at(0)), None);
        assert_eq!(budget.wait_seconds(&TILL, at(9_999)), Some(1));
        assert_eq!(budget.wait_seconds(&TILL, at(10_000)), None);
        budget.spend(TILL, at(10_000));
        assert_eq!(budget.wait_seconds(&TILL, at(10_000)), Some(10));
        assert_eq!(budget.wait_seconds(&TILL, at(40_000)), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let budget = budget(1, 10);
        for key in 0..KEYS_MAX + 10 {
            budget.spend(key, at(i64::try_from(key).expect("a small number")));
        }
        assert!(budget.lock().len() <= KEYS_MAX);
        assert!(budget.lock().contains_key(&(KEYS_MAX + 9)));
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let network = |text: &str| Network::from(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
    }
}
