//! The power of the disk that PostgreSQL writes to is cut while money moves.

#[path = "../../../cli/tests/proofs/power_cut/disk.rs"]
#[expect(dead_code, reason = "shared with the proofs on the program, which also keep it from syncing")]
mod disk;

use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, Options, sql};

use super::chance::Chance;
use super::load::{Work, World};
use super::rounds;
use disk::Disk;
use store::Store as _;

/// How long the tills are left at work: at least, and how much longer at most.
const WORKS: Duration = Duration::from_millis(200);
const WORKS_LONGER: Duration = Duration::from_millis(400);

struct Powered {
    world: Arc<World>,
    database: String,
    cluster: Cluster,
    // Last: whoever uses it must have gone.
    disk: Disk,
}

impl Powered {
    /// None, and a word about it, where no disk can be mounted.
    async fn new(proof: &str) -> Option<Self> {
        let disk = match Disk::new() {
            Ok(disk) => disk,
            Err(why) => {
                eprintln!("{proof}: SKIPPED, for no disk can be made and mounted here: {why}");
                return None;
            }
        };
        let options = Options::default().data(&disk.path().join("data"));
        // A small disk has room for few logs.
        let options = options.setting("min_wal_size", "32MB").setting("max_wal_size", "64MB");
        let cluster = options.start().expect("a PostgreSQL server");
        let database = cluster.create_database().expect("a database");
        let world = Arc::new(World::new(&database, &database).await);
        // The files of a new cluster were not.
        disk.sync();
        Some(Self { world, database, cluster, disk })
    }

    /// Cuts the power while tills are at work, and starts the server on what is left.
    async fn cut_at_work(&self, chance: &mut Chance) -> Work {
        let works = WORKS + chance.up_to(WORKS_LONGER);
        let work = self.world.work(async {
            tokio::time::sleep(works).await;
            // While a file system goes down, a sync may say that it succeeded.
            self.world.count_no_more();
            tokio::task::block_in_place(|| {
                self.disk.cut();
                self.cluster.kill().expect("killed");
            });
        });
        let work = work.await;
        tokio::task::block_in_place(|| {
            self.disk.restore();
            self.cluster.start_again().expect("started");
        });
        self.world.count_again();
        work
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_takes_no_money_back_that_was_said_to_be_moved() {
    let mut chance = Chance::new("power cut under PostgreSQL");
    let Some(powered) = Powered::new("power cut under PostgreSQL").await else { return };
    let cuts = rounds(2, 60);
    let mut answered = 0;
    for _ in 0..cuts {
        let work = powered.cut_at_work(&mut chance).await;
        powered.world.recovers().await;
        powered.world.check(&work).await;
        answered += work.made();
    }
    eprintln!("power cut under PostgreSQL: {cuts}; {answered} drawdowns answered before, none lost");
    assert!(answered > 0, "nothing was answered before the cuts");
    powered.world.store.close().await.expect("closed");
}

/// Whether the proof above would notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_synchronous_commits_a_power_cut_takes_money_back() {
    let mut chance = Chance::new("power cut without synchronous commits");
    let Some(powered) = Powered::new("power cut without synchronous commits").await else { return };
    // The store refuses such a database; it does not ask again on connections that it has.
    sql(&powered.database, "ALTER SYSTEM SET synchronous_commit = off").expect("set");
    sql(&powered.database, "SELECT pg_reload_conf()").expect("reloaded");
    let work = powered.cut_at_work(&mut chance).await;
    let (made, lost) = (work.made(), work.lost(&powered.world.made()));
    eprintln!("power cut without synchronous commits: of {made} drawdowns answered before {lost} are lost");
    assert!(lost > 0, "{made} drawdowns were kept without a sync: the cut is none");
}
