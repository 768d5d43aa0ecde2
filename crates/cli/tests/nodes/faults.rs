//! What the world does to the database of several nodes: its server is killed, the way to it goes bad, it stands still.

use std::thread;
use std::time::{Duration, Instant};

use cluster::{Cluster, Cut, Proxy, Weather};

use crate::support::rounds;
use crate::trouble::Trouble;

/// How long clients are left at work before a kill, and how long the database stays away: at most.
const WORKS: Duration = Duration::from_millis(500);
const AWAY: Duration = Duration::from_millis(500);

/// How often the way goes bad, how long it stays so and how long it is fair again: at most.
const CHANGES: usize = 20;
const BAD: Duration = Duration::from_millis(150);
const FAIR: Duration = Duration::from_millis(400);
const SLOW: Duration = Duration::from_millis(20);

/// Six seconds for a statement, and five to ask what became of a commit.
const SILENT_MAX: Duration = Duration::from_secs(20);

#[test]
fn a_killed_database_loses_no_answered_move_and_doubles_none() {
    let cluster = Cluster::start().expect("a PostgreSQL server");
    let url = cluster.create_database().expect("a database");
    let mut trouble = Trouble::new("nodes on a killed PostgreSQL", &url);
    for _ in 0..rounds(4, 60) {
        trouble.during(|_, chance| {
            thread::sleep(chance.up_to(WORKS));
            cluster.kill().expect("killed");
            thread::sleep(chance.up_to(AWAY));
            cluster.start_again().expect("started");
        });
    }
    trouble.over();
}

#[test]
fn a_bad_way_to_the_database_loses_no_answered_move_and_doubles_none() {
    let cluster = Cluster::start().expect("a PostgreSQL server");
    let proxy = Proxy::to(cluster.port()).expect("a proxy");
    let url = proxy.url(&cluster.create_database().expect("a database"));
    let mut trouble = Trouble::new("nodes on a bad way to PostgreSQL", &url);
    for _ in 0..rounds(1, 40) {
        trouble.during(|_, chance| {
            for _ in 0..CHANGES {
                let cut = if chance.below(2) == 0 { Cut::BeforeCommit } else { Cut::AfterCommit };
                match chance.below(5) {
                    0 => proxy.set(Weather::Slow(chance.up_to(SLOW))),
                    1 => proxy.set(Weather::Silent),
                    2 => proxy.set(Weather::Gone),
                    3 => proxy.cut(),
                    _ => proxy.cut_at_commit(cut, Weather::Fair),
                }
                thread::sleep(chance.up_to(BAD));
                proxy.set(Weather::Fair);
                // What was lost in silence is found out now and not after seconds.
                if chance.below(2) == 0 {
                    proxy.cut();
                }
                thread::sleep(chance.up_to(FAIR));
            }
            proxy.cut();
        });
    }
    trouble.over();
}

#[test]
fn a_database_that_says_nothing_holds_nobody_up_for_long() {
    let cluster = Cluster::start().expect("a PostgreSQL server");
    let url = cluster.create_database().expect("a database");
    let mut trouble = Trouble::new("nodes on a PostgreSQL that stands still", &url);
    trouble.during(|trouble, chance| {
        cluster.pause().expect("paused");
        let (begun, reference) = (Instant::now(), chance.word());
        let told = trouble.draw(0, &reference);
        assert!(begun.elapsed() < SILENT_MAX, "{:?}", begun.elapsed());
        assert!([500, 503].contains(&told), "{told}");
        cluster.resume().expect("resumed");
    });
    trouble.over();
}
