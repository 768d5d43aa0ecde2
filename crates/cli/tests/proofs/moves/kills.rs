//! The move is killed, and started again until it ends.

use std::thread;
use std::time::{Duration, Instant};

use cluster::Cluster;
use serde_json::Value;
use tempfile::TempDir;

use super::side::{Rows, Side};
use super::{Ledger, ended, started};
use crate::common::run;
use crate::support::chance::Chance;
use crate::support::{rounds, sums};

/// How often a move is killed while rows arrive, and how often after the last one.
const KILLS_OF_COPYING: usize = 6;
const KILLS_OF_VERIFYING: usize = 3;

/// How long a move goes on at most once so many rows have arrived, so that it is killed in the middle of something.
const GOES_ON: Duration = Duration::from_millis(5);

/// What the kills came in the middle of.
#[derive(Debug, Default)]
struct Met {
    before_the_first_row: u32,
    within_a_table: u32,
    while_verifying: u32,
    after_the_end: u32,
}

impl Met {
    fn look(&mut self, to: &Side, of: &Rows) {
        let rows = to.rows();
        self.within_a_table += u32::from(rows.are_within_a_table(of));
        self.before_the_first_row += u32::from(rows.total() == 0);
        match (rows == *of, to.is_marked()) {
            (true, true) => self.while_verifying += 1,
            (true, false) => self.after_the_end += 1,
            (false, _) => {}
        }
    }
}

/// One store, moved to another place in spite of kills.
struct Moving<'m> {
    from: &'m Side,
    to: &'m Side,
    chance: &'m mut Chance,
    met: &'m mut Met,
}

impl Moving<'_> {
    /// Answers the money, the same on both sides.
    fn run(&mut self) -> Value {
        let begun = Instant::now();
        let left = self.from.verified();
        let verifying = begun.elapsed() * 2;
        let of = self.from.rows();
        for kill in 0..KILLS_OF_COPYING + KILLS_OF_VERIFYING {
            let (rows, goes_on) = if kill < KILLS_OF_COPYING {
                (self.chance.below(of.total()), GOES_ON)
            } else {
                (of.total(), verifying)
            };
            let goes_on = self.chance.up_to(goes_on);
            self.kill(rows, goes_on, &of);
        }
        let moved = run(&mut self.from.to(self.to)).expect_code(0).json();
        let come = self.to.verified();
        assert_eq!((&left, &left["totals"]), (&come, &moved["totals"]));
        assert_eq!(self.from.verified(), left, "what is left stays as it was");
        come["totals"].clone()
    }

    /// Kills the move once so many rows have arrived.
    fn kill(&mut self, rows: usize, goes_on: Duration, of: &Rows) {
        let before = self.to.rows();
        match started(&mut self.from.to(self.to), self.to, rows) {
            Err(ended) => drop(ended.expect_code(0)),
            Ok(mut child) => {
                thread::sleep(goes_on);
                child.kill().expect("a process");
                ended(child);
                self.met.look(self.to, of);
            }
        }
        assert!(self.to.rows().are_all_of(&before), "it began anew");
        for side in [self.from, self.to] {
            if side.is_marked() {
                side.is_not_served();
            }
        }
    }
}

#[test]
fn a_killed_move_goes_on_where_it_was_and_nothing_is_served_before_it_has_ended() {
    let mut chance = Chance::new("killed moves");
    let ledger = Ledger::new();
    let cluster = Cluster::start().expect("a PostgreSQL server");
    let mut met = Met::default();
    for _ in 0..rounds(1, 30) {
        let there = Side::Database(cluster.create_database().expect("a database"));
        let folder = TempDir::new().expect("a folder");
        let back = Side::Folder(folder.path().join("data"));
        let mut moved = |from, to| Moving { from, to, chance: &mut chance, met: &mut met }.run();
        assert_eq!(moved(&ledger.side, &there), moved(&there, &back));
        for side in [there, back] {
            let server = side.server().start();
            server.api().drawdown("sold-0.0", "after the move", 500).expect("an answer").ok();
            sums::check_card(&server.api(), "sold-0.0");
            server.stop();
        }
    }
    eprintln!("killed moves: {met:?}");
    let Met { within_a_table, while_verifying, .. } = met;
    assert!(within_a_table > 0 && while_verifying > 0, "the kills did not come in the middle: {met:?}");
}
