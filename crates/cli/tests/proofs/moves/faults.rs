//! What is moved to fails, or PostgreSQL is killed: the move says so, and goes on when it is started again.

use cluster::{Cluster, sql};
use tempfile::TempDir;

use super::side::Side;
use super::{Ledger, ended, started};
use crate::common::{Ended, gavekort, run};
use crate::support::chance::Chance;
use crate::support::{rounds, strace};

/// It may work later, and what was done so far is kept.
const RETRY_LATER: i32 = 75;

const FAILURES_MAX: u32 = 20;

/// Stands for a disk that fills up: PostgreSQL says of it what it says of one.
const FULL: &str = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON card_transaction
        FOR EACH ROW WHEN (NEW.ref_id = 'sale-5') EXECUTE FUNCTION full_disk()";
const CLEARED: &str = "DROP TRIGGER full_disk ON card_transaction";

/// Fails the test unless a move was told why it ends, and that it may go on.
#[track_caller]
fn check_told(ended: Ended, why: &str) {
    let ended = ended.expect_code(RETRY_LATER);
    assert!(ended.stderr.contains(why) && ended.stderr.contains("goes on from there"), "{ended:?}");
}

/// Moves to the end, after which both sides say the same.
#[track_caller]
fn ends(from: &Side, to: &Side) {
    run(&mut from.to(to)).expect_code(0);
    assert_eq!(from.verified(), to.verified());
}

/// Kills PostgreSQL once so many rows have arrived, again and again.
fn in_spite_of_kills(cluster: &Cluster, from: &Side, to: &Side, chance: &mut Chance) {
    let mut rows: Vec<usize> = (0..rounds(4, 40)).map(|_| chance.below(from.rows().total())).collect();
    rows.sort_unstable();
    let mut broken_off = 0;
    for rows in rows {
        let Ok(moving) = started(&mut from.to(to), to, rows) else { continue };
        let before = to.rows();
        cluster.kill().expect("killed");
        let ended = ended(moving);
        cluster.start_again().expect("a server");
        assert!(to.rows().are_all_of(&before), "what was committed is there");
        // It may have been faster.
        if ended.code != Some(0) {
            check_told(ended, "PostgreSQL");
            to.is_not_served();
            broken_off += 1;
        }
    }
    assert!(broken_off > 0, "the kills did not come in the middle");
    ends(from, to);
}

#[test]
fn a_move_goes_on_after_postgresql_was_killed() {
    let mut chance = Chance::new("moves without PostgreSQL");
    let ledger = Ledger::new();
    let cluster = Cluster::start().expect("a PostgreSQL server");
    let there = Side::Database(cluster.create_database().expect("a database"));
    in_spite_of_kills(&cluster, &ledger.side, &there, &mut chance);
    let folder = TempDir::new().expect("a folder");
    in_spite_of_kills(&cluster, &there, &Side::Folder(folder.path().join("data")), &mut chance);
}

#[test]
fn a_move_goes_on_once_the_disk_of_postgresql_has_room() {
    let ledger = Ledger::new();
    let cluster = Cluster::start().expect("a PostgreSQL server");
    let url = cluster.create_database().expect("a database");
    run(&mut gavekort(["migrate", "--database-url", &url])).expect_code(0);
    sql(&url, FULL).expect("full");
    let there = Side::Database(url.clone());
    for _ in 0..2 {
        check_told(run(&mut ledger.side.to(&there)), "its disk is full");
        there.is_not_served();
    }
    sql(&url, CLEARED).expect("cleared");
    ends(&ledger.side, &there);
}

/// Each time some calls succeed and all later ones fail, so that it comes a little further.
#[test]
fn a_move_goes_on_once_the_disk_of_the_data_directory_has_room_or_works_again() {
    let ledger = Ledger::new();
    for (fault, why) in [
        ("pwrite64:error=ENOSPC:when=2000+", "disk is full"),
        ("fsync,fdatasync:error=EIO:when=10+", "disk I/O error"),
    ] {
        let folder = TempDir::new().expect("a folder");
        let there = Side::Folder(folder.path().join("data"));
        let mut failures = 0;
        let moved = loop {
            let ended = run(&mut strace::launched(&ledger.side.to(&there), fault));
            if ended.code == Some(0) {
                break ended;
            }
            check_told(ended, why);
            there.is_not_served();
            failures += 1;
            assert!(failures < FAILURES_MAX, "{fault}: it does not come further");
        };
        assert!(failures > 1, "{fault}: {failures} failures");
        let come = there.verified();
        assert_eq!((&ledger.side.verified(), &moved.json()["totals"]), (&come, &come["totals"]));
    }
}
