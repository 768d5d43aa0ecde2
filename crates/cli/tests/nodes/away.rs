//! The database goes away, and comes back.

use std::time::{Duration, Instant};

use cluster::Cluster;

use crate::common::get;
use crate::support::{Nodes, within};

/// Who asks for what cannot be done is told so, and does not wait.
const AT_ONCE: Duration = Duration::from_secs(1);

/// How soon readiness follows the database.
const NOTICED: Duration = Duration::from_secs(5);

#[test]
fn without_its_database_a_node_says_so_at_once_and_works_again_soon_after() {
    let cluster = Cluster::start().expect("a PostgreSQL server");
    let nodes = Nodes::on(&cluster.create_database().expect("a database"), 2);
    let apis = nodes.apis();
    apis[0].card_with("card", 1_000);
    let is_ready = || nodes.servers.iter().all(|server| get(&format!("{}/readyz", server.url)).0 == 200);
    assert!(is_ready());

    for (round, is_killed) in [false, true].into_iter().enumerate() {
        if is_killed { cluster.kill() } else { cluster.stop() }.expect("its end");
        for (place, api) in apis.iter().enumerate() {
            // The first may be the one that finds out.
            for ask in 0..3 {
                let begun = Instant::now();
                let refused =
                    api.drawdown("card", &format!("away-{round}-{place}-{ask}"), 1).expect("an answer");
                assert_eq!(refused.status, 503, "{}", refused.body);
                assert!(refused.headers.contains_key("retry-after"));
                assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
            }
        }
        within(NOTICED, "not ready", || {
            nodes.servers.iter().all(|server| get(&format!("{}/readyz", server.url)).0 == 503)
        });
        cluster.start_again().expect("a server");
        within(NOTICED, "ready again", is_ready);
        for (place, api) in apis.iter().enumerate() {
            let again = api.drawdown("card", &format!("back-{round}-{place}"), 1).expect("an answer");
            assert_eq!(again.status, 200, "{}", again.body);
        }
    }
    let card = apis[1].get("wallets/cards/card").ok();
    assert_eq!(card["amount_balance"], 996, "what was refused was not done: {card}");
}
