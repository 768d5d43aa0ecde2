//! Servers on one database, and what their clients need beyond the common client.

// Each proof takes what it needs.
#![allow(dead_code)]

use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use cluster::{Cluster, sql};

use crate::common::{Api, Options, Server, until};

#[path = "../proofs/support/asked.rs"]
pub mod asked;
#[path = "../proofs/support/chance.rs"]
pub mod chance;
#[path = "../proofs/support/database.rs"]
pub mod database;
#[path = "../proofs/support/load.rs"]
pub mod load;
#[path = "../proofs/support/money.rs"]
pub mod money;
#[path = "../proofs/support/sums.rs"]
pub mod sums;
#[path = "../proofs/support/wire.rs"]
pub mod wire;

/// The key of every node: 32 bytes.
pub const MASTER_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

/// How soon a change on one node holds on the others.
pub const SEEN_WITHIN: Duration = Duration::from_secs(5);

/// The server of those proofs that leave it alone.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let many = cluster::Options::default().setting("max_connections", "500");
    many.start().expect("a PostgreSQL server")
});

/// A campaign's rounds: few in CI, many when `GAVEKORT_TEST_LONG` is 1.
pub fn rounds(few: usize, many: usize) -> usize {
    if std::env::var("GAVEKORT_TEST_LONG").is_ok_and(|long| long == "1") { many } else { few }
}

/// An empty database.
pub fn new_database() -> String {
    CLUSTER.create_database().expect("a database")
}

/// A node of a database.
pub fn node(url: &str) -> Options {
    Options::default().variable("GAVEKORT_DATABASE_URL", url).variable("GAVEKORT_MASTER_KEY", MASTER_KEY)
}

/// A number that the database tells.
#[track_caller]
pub fn counted(url: &str, query: &str) -> i64 {
    let rows = sql(url, query).expect("a row");
    rows[0][0].as_deref().and_then(|number| number.parse().ok()).expect("a number")
}

/// Fails the test unless it becomes true within this time.
#[track_caller]
pub fn within(time: Duration, what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    until(what, || is_true().then_some(()));
    let took = begun.elapsed();
    assert!(took <= time, "{what}: only after {took:?}");
}

/// Several servers on one database, started at the same instant.
pub struct Nodes {
    pub url: String,
    pub servers: Vec<Server>,
}

impl Nodes {
    #[track_caller]
    pub fn start(count: usize) -> Self {
        Self::on(&new_database(), count)
    }

    #[track_caller]
    pub fn on(url: &str, count: usize) -> Self {
        let starting: Vec<_> = (0..count)
            .map(|_| {
                let options = node(url);
                thread::spawn(move || options.start())
            })
            .collect();
        let servers = starting.into_iter().map(|started| started.join().expect("a server")).collect();
        Self { url: url.to_owned(), servers }
    }

    /// A client of each node, all with one access token.
    #[track_caller]
    pub fn apis(&self) -> Vec<Api> {
        self.everywhere(&self.servers[0].api())
    }

    /// The same client on every node.
    pub fn everywhere(&self, api: &Api) -> Vec<Api> {
        let account = api.base.rsplit_once("/v1/").expect("a path").1;
        let on = |server: &Server| {
            let mut api = api.clone();
            api.base = format!("{}/v1/{account}", server.url);
            api
        };
        self.servers.iter().map(on).collect()
    }
}
