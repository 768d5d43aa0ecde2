//! Clients of several nodes while something happens to their database, and what must have come of it.

use std::thread;
use std::time::Duration;

use cluster::sql;

use crate::common::Api;
use crate::support::asked::{Asked, End};
use crate::support::chance::Chance;
use crate::support::load::Load;
use crate::support::money::Move;
use crate::support::{Nodes, within};

/// How soon moves are made again once the database is back, and how soon no transaction stands open any more.
const RECOVERS_WITHIN: Duration = Duration::from_secs(5);

const NODES: usize = 3;
const CARD: &str = "card";
const FUNDS: i64 = 1_000;

/// Nodes on a database that something happens to.
pub struct Trouble {
    proof: &'static str,
    pub nodes: Nodes,
    pub apis: Vec<Api>,
    pub chance: Chance,
    tally: Tally,
}

/// How many moves ended in which way.
#[derive(Default)]
struct Tally {
    made: usize,
    turned_away: usize,
    unknown: usize,
    /// Of the unknown ones those that are there.
    kept: usize,
}

impl Trouble {
    pub fn new(proof: &'static str, url: &str) -> Self {
        let nodes = Nodes::on(url, NODES);
        let apis = nodes.apis();
        apis[0].card_with(CARD, FUNDS);
        Self { proof, nodes, apis, chance: Chance::new(proof), tally: Tally::default() }
    }

    /// Lets clients of all nodes move money while something happens, and checks what came of it.
    pub fn during(&mut self, happens: impl FnOnce(&Self, &mut Chance)) {
        let load = Load::new(&self.nodes.servers, &mut self.chance);
        let mut chance = self.chance.fork();
        let ((), all) = load.until(Duration::ZERO, || {
            happens(self, &mut chance);
            self.recover(&chance.word());
        });
        self.check(&load, &all);
    }

    /// Takes a little from a card by way of each node, under this reference.
    pub fn draw(&self, node: usize, reference: &str) -> u16 {
        let answer = self.apis[node].drawdown(CARD, &format!("{reference}-{node}"), 1);
        answer.expect("an answer").status
    }

    /// Fails the test unless all nodes soon make moves.
    #[track_caller]
    pub fn recover(&self, reference: &str) {
        within(RECOVERS_WITHIN, "moves of every node", || {
            (0..NODES).all(|node| self.draw(node, reference) == 200)
        });
    }

    /// Fails the test unless every client was told the truth, and every figure agrees with it.
    #[track_caller]
    pub fn check(&mut self, load: &Load, all: &[Asked<Move>]) {
        let url = self.nodes.url.clone();
        let open = "SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
        within(RECOVERS_WITHIN, "no open transaction", || sql(&url, open).expect("an answer").is_empty());
        let node = self.chance.below(NODES);
        self.tally.kept += load.check(&self.nodes.servers[node], all);
        all.iter().for_each(|asked| self.tally.add(asked));
    }

    /// Tells what it came to; fails the test where nothing went wrong.
    #[track_caller]
    pub fn over(self) {
        let (proof, Tally { made, turned_away, unknown, kept }) = (self.proof, &self.tally);
        eprintln!(
            "{proof}: {made} moves made, {turned_away} turned away, {unknown} unknown; {kept} of those kept"
        );
        assert!(*made > 0 && turned_away + unknown > 0, "it did not happen in the middle");
    }
}

/// Why it failed, the nodes may know.
impl Drop for Trouble {
    fn drop(&mut self) {
        if thread::panicking() {
            self.nodes.servers.iter().for_each(|server| eprintln!("{}:\n{}", server.url, server.log()));
        }
    }
}

impl Tally {
    #[track_caller]
    fn add(&mut self, asked: &Asked<Move>) {
        let count = match &asked.end {
            End::Made(_) => &mut self.made,
            End::Refused(503, code) if code == "UNAVAILABLE" || code == "OVERLOADED" => &mut self.turned_away,
            End::Refused(500, code) if code == "OUTCOME_UNKNOWN" => &mut self.unknown,
            End::Uncounted => &mut self.unknown,
            end @ (End::Refused(..) | End::Lost) => panic!("{}: {end:?}", asked.request.ref_id),
        };
        *count += 1;
    }
}
