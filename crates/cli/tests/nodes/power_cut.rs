//! The power of the disk that PostgreSQL writes to is cut while clients of several nodes move money.

#[path = "../proofs/power_cut/disk.rs"]
#[expect(dead_code, reason = "shared with the proofs on one server, which also keep it from syncing")]
mod disk;

use std::time::Duration;

use cluster::{Cluster, Options, sql};

use crate::support::asked::Asked;
use crate::support::load::Load;
use crate::support::money::{Move, Rows};
use crate::support::rounds;
use crate::trouble::Trouble;
use disk::Disk;

/// How long the clients are left at work: at least, and how much longer at most.
const WORKS: Duration = Duration::from_millis(200);
const WORKS_LONGER: Duration = Duration::from_millis(400);

/// Nodes on a database on a disk whose power can be cut.
struct Powered {
    trouble: Trouble,
    cluster: Cluster,
    // Last: whoever uses it must have gone.
    disk: Disk,
}

impl Powered {
    /// None, and a word about it, where no disk can be mounted.
    fn new(proof: &'static str) -> Option<Self> {
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
        let trouble = Trouble::new(proof, &cluster.create_database().expect("a database"));
        // The files of a new cluster were not.
        disk.sync();
        Some(Self { trouble, cluster, disk })
    }

    /// Cuts the power while clients are at work, and starts the server on what is left.
    fn cut_at_work(&mut self) -> (Load, Vec<Asked<Move>>) {
        let chance = &mut self.trouble.chance;
        let load = Load::new(&self.trouble.nodes.servers, chance);
        let ((), all) = load.until(WORKS + chance.up_to(WORKS_LONGER), || {
            // While a file system goes down, a sync may say that it succeeded.
            load.count_no_more();
            self.disk.cut();
            self.cluster.kill().expect("killed");
        });
        self.disk.restore();
        self.cluster.start_again().expect("started");
        (load, all)
    }
}

#[test]
fn a_power_cut_takes_no_money_back_that_was_said_to_be_moved() {
    let Some(mut powered) = Powered::new("power cut under PostgreSQL") else { return };
    for cut in 0..rounds(3, 60) {
        let (load, all) = powered.cut_at_work();
        powered.trouble.recover(&format!("cut-{cut}"));
        powered.trouble.check(&load, &all);
    }
    powered.trouble.over();
}

/// Whether the proof above would notice.
#[test]
fn without_synchronous_commits_a_power_cut_takes_money_back() {
    let Some(mut powered) = Powered::new("power cut without synchronous commits") else { return };
    let url = powered.trouble.nodes.url.clone();
    // Nodes refuse such a database; they do not ask again on connections that they have.
    for setting in ["synchronous_commit = off", "wal_writer_delay = '10s'"] {
        sql(&url, &format!("ALTER SYSTEM SET {setting}")).expect("set");
    }
    sql(&url, "SELECT pg_reload_conf()").expect("reloaded");
    let (load, all) = powered.cut_at_work();
    let kept = Rows::read_postgres(&url, &load.run);
    let made: Vec<_> = all.iter().filter(|asked| asked.end.is_made()).collect();
    let lost = made.iter().filter(|asked| !kept.has(&asked.request.ref_id)).count();
    eprintln!(
        "power cut without synchronous commits: of {} moves answered before {lost} are lost",
        made.len()
    );
    assert!(lost > 0, "{} moves were kept without a sync: the cut is none", made.len());
}
