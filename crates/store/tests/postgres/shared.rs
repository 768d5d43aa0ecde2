//! What programs on one database tell each other.

use std::sync::Arc;
use std::time::Duration;

use domain::{ChangeClient, Clock as _, Mode, Timestamp};
use store::suite::{Fixture, Opened, TestClock};
use store::{Failures, News, SharedBudget, SigningKey, Store};
use tokio::time::timeout;

use super::databases::{Lent, lend};
use super::open;

/// Longer than a notification takes, and much shorter than until counts are compared.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Longer than until counts are compared.
const COMPARED: Duration = Duration::from_secs(5);

/// Two stores on one database, the first of them with an account.
struct Pair {
    f: Fixture,
    other: Arc<dyn Store>,
    _lent: Lent,
}

impl Pair {
    async fn new() -> Self {
        let (lent, clock) = (lend(), Arc::new(TestClock::default()));
        let store = open(lent.url(), clock.clone(), 4).await;
        let f = Fixture::new(Opened { store, keep: Box::new(()) }, clock.clone()).await;
        let other = open(lent.url(), clock, 4).await;
        Self { f, other, _lent: lent }
    }

    async fn news(&self, within: Duration) -> Option<News> {
        timeout(within, self.other.news()).await.ok()
    }

    fn key(&self, kid: &str) -> SigningKey {
        SigningKey {
            kid: kid.to_owned(),
            mode: Mode::Test,
            issuer_host: "gavekort.example".to_owned(),
            public_der: vec![1],
            sealed_private: Some(vec![2]),
            key_version: 1,
            created_at: self.f.clock.now(),
            verifies_until: None,
        }
    }
}

#[tokio::test]
async fn money_is_no_news_and_a_changed_client_is() {
    let pair = Pair::new().await;
    pair.f.submit(pair.f.order(pair.f.create("card", 5))).await.expect("made");
    assert_eq!(pair.news(AT_ONCE).await, None);
    pair.f.done(ChangeClient::Create(pair.f.new_client("till", "read:wallets"))).await;
    assert_eq!(pair.news(AT_ONCE).await, Some(News { accounts: [pair.f.aid].into(), signing_keys: false }));
    assert_eq!(pair.news(COMPARED).await, None, "told once");
}

#[tokio::test]
async fn another_signing_key_is_news() {
    let pair = Pair::new().await;
    let now = pair.f.clock.now();
    assert_eq!(pair.f.store.put_signing_key(&pair.key("one"), now, now, None).await, Ok(true));
    assert_eq!(pair.news(AT_ONCE).await, Some(News { signing_keys: true, ..News::default() }));
    let since = Some(Timestamp::EPOCH);
    assert_eq!(pair.f.store.put_signing_key(&pair.key("two"), now, now, since).await, Ok(false));
    assert_eq!(pair.news(AT_ONCE).await, None);
}

#[tokio::test]
async fn what_was_changed_while_nobody_listened_is_found_by_comparing() {
    let pair = Pair::new().await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%FROM news%'
        OR query LIKE '%LISTEN%'";
    // The statement ends itself too, which is what it is for.
    let _cut = cluster::sql(pair.url(), cut);
    cluster::sql(pair.url(), "INSERT INTO news (subject, count) VALUES ('T99999999', 7)").expect("counted");
    let news = pair.news(COMPARED).await.expect("news");
    assert_eq!(news.accounts.iter().map(ToString::to_string).collect::<Vec<_>>(), ["T99999999"]);
}

impl Pair {
    fn url(&self) -> &str {
        self._lent.url()
    }
}

#[tokio::test]
async fn failures_that_several_programs_count_add_up() {
    let pair = Pair::new().await;
    let (here, there) = (&pair.f.store, &pair.other);
    let now = pair.f.clock.now();
    let (key, other_key) = ([1; 16], [2; 16]);
    let failures = |key, put_off_ms| [Failures { key, put_off_ms }];
    let whole_at =
        |key, ms| SharedBudget { key, whole_at: Timestamp::try_from(now.unix_ms() + ms).expect("a time") };
    assert_eq!(here.share_failures(&failures(key, 10), now).await, Ok(vec![whole_at(key, 10)]));
    assert_eq!(there.share_failures(&failures(key, 20), now).await, Ok(vec![whole_at(key, 30)]));
    let both = vec![whole_at(other_key, 99), whole_at(key, 30)];
    assert_eq!(there.share_failures(&failures(other_key, 99), now).await, Ok(both.clone()));
    assert_eq!(here.share_failures(&[], now).await, Ok(both));

    pair.f.clock.move_ms(30);
    let later = pair.f.clock.now();
    assert_eq!(here.share_failures(&[], later).await, Ok(vec![whole_at(other_key, 99)]), "whole again");
    assert_eq!(
        here.share_failures(&failures(key, 10), later).await,
        Ok(vec![whole_at(other_key, 99), whole_at(key, 40)]),
        "counted from when it was whole"
    );
    pair.f.clock.move_ms(120_000);
    assert_eq!(here.share_failures(&[], pair.f.clock.now()).await, Ok(vec![]));
    let left = cluster::sql(pair.url(), "SELECT count(*) FROM guess_budget").expect("a count");
    assert_eq!(left, [[Some("0".to_owned())]], "what says nothing is not kept");
}

#[tokio::test]
async fn one_program_at_a_time_has_a_turn() {
    let pair = Pair::new().await;
    let (here, there) = (&pair.f.store, &pair.other);
    let turn = here.try_turn("sweep").await.expect("an answer").expect("free");
    assert!(there.try_turn("sweep").await.expect("an answer").is_none());
    assert!(here.try_turn("sweep").await.expect("an answer").is_none(), "not twice by the same either");
    let other = there.try_turn("tidy").await.expect("an answer");
    assert!(other.is_some(), "another job");
    drop(turn);
    let taken = async {
        loop {
            if let Some(turn) = there.try_turn("sweep").await.expect("an answer") {
                return turn;
            }
        }
    };
    timeout(COMPARED, taken).await.expect("free again");
}
