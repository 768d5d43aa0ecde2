//! Budgets against guessing: only failures are paid for.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;

use domain::Timestamp;

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
const KEYS_MAX: usize = 100_000;

#[derive(Clone, Copy)]
struct Spent {
    /// When the budget will be whole again.
    whole_at: i64,
}

/// Failures of each key, forgiven one by one as time goes by.
pub(crate) struct Budget<K> {
    allowance: Allowance,
    spent: Mutex<HashMap<K, Spent>>,
}

impl<K: Eq + Hash + Clone> Budget<K> {
    pub(crate) fn new(allowance: Allowance) -> Self {
        Self { allowance, spent: Mutex::default() }
    }

    /// Seconds to wait until another try is let through; nothing where it is let through now.
    pub(crate) fn wait_seconds(&self, key: &K, now: Timestamp) -> Option<u32> {
        let spent = self.lock();
        let whole_at = spent.get(key)?.whole_at;
        let most = i64::from(self.allowance.failures - 1) * self.allowance.forgive_ms;
        let wait_ms = whole_at - now.unix_ms() - most;
        (wait_ms > 0).then(|| u32::try_from((wait_ms + 999) / 1_000).unwrap_or(u32::MAX))
    }

    /// Counts a failure.
    pub(crate) fn spend(&self, key: K, now: Timestamp) {
        let mut spent = self.lock();
        if spent.len() >= KEYS_MAX && !spent.contains_key(&key) {
            forget_half(&mut spent);
        }
        let whole_at = spent.get(&key).map_or(0, |spent| spent.whole_at);
        let whole_at = whole_at.max(now.unix_ms()) + self.allowance.forgive_ms;
        spent.insert(key, Spent { whole_at });
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

    fn at(ms: i64) -> Timestamp {
        Timestamp::try_from(ms).expect("a time")
    }

    #[test]
    fn a_key_that_failed_too_often_waits_and_is_forgiven_one_by_one() {
        let budget = Budget::new(Allowance { failures: 3, forgive_ms: 10_000 });
        for _ in 0..3 {
            assert_eq!(budget.wait_seconds(&"till", at(0)), None);
            budget.spend("till", at(0));
        }
        assert_eq!(budget.wait_seconds(&"till", at(0)), Some(10));
        assert_eq!(budget.wait_seconds(&"other", at(0)), None);
        assert_eq!(budget.wait_seconds(&"till", at(9_999)), Some(1));
        assert_eq!(budget.wait_seconds(&"till", at(10_000)), None);
        budget.spend("till", at(10_000));
        assert_eq!(budget.wait_seconds(&"till", at(10_000)), Some(10));
        assert_eq!(budget.wait_seconds(&"till", at(40_000)), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let budget = Budget::new(Allowance { failures: 1, forgive_ms: 10 });
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
