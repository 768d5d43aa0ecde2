//! The server on PostgreSQL: beside `pgbench` on the same cluster, beside two of itself, beside its embedded store.

mod floor;
mod pgbench;

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::Cluster;

use crate::data::{self, Pair};
use crate::floor::{Codes, Pictures};
use crate::ledger::{Ask, Desk, prepare};
use crate::report::{Limit, Line, Report};
use crate::server::Server;
use crate::stats::{Timings, median};
use crate::turns::{self, Caller, Case};
use pgbench::Pgbench;

/// Clients at once, of `pgbench` and of the servers alike.
const TILLS: usize = 64;

const PGBENCH_MIN: f64 = 5.0;
const TWO_NODES_MIN: f64 = 0.85;
const ONE_CARD_MIN: f64 = 0.7;
const BATCH_MAX: f64 = 2.0;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub cards: usize,
    pub rounds: usize,
    /// How long each figure of a round takes, about.
    pub during: Duration,
    pub batches: usize,
}

/// Under which conditions.
pub fn how(effort: Effort) -> String {
    let Effort { cards, rounds, during, batches } = effort;
    format!(
        "Durability: every commit is synced before it is answered (PostgreSQL as it comes). Concurrency: {TILLS} \
         clients, on {cards} cards; medians of {rounds} rounds of about {} s for each figure, in turns; {batches} \
         batches on either side.",
        during.as_secs()
    )
}

/// Figures of all rounds.
#[derive(Default)]
struct Rates {
    pgbench: Vec<f64>,
    floor: Vec<f64>,
    one_node: Vec<f64>,
    two_nodes: Vec<f64>,
    one_card: Vec<f64>,
}

/// Two servers on one database.
struct Nodes {
    url: String,
    first: Server,
    second: Server,
}

impl Nodes {
    fn start(program: &Path, dir: &Path, cluster: &Cluster) -> Result<Self> {
        let url = cluster.create_database()?;
        let key = STANDARD.encode(Codes::new().bytes::<32>());
        let node = |name: &str| Server::on_database(program, &dir.join(name), &url, &key);
        Ok(Self { first: node("node-1")?, second: node("node-2")?, url })
    }
}

/// Measures on a cluster of its own, with the settings that PostgreSQL comes with.
pub fn measure(
    report: &mut Report,
    program: &Path,
    template: &Path,
    dir: &Path,
    effort: Effort,
) -> Result<()> {
    let dir = dir.join("postgres");
    data::remove(&dir)?;
    fs::create_dir_all(&dir)?;
    let cluster = Cluster::start()?;
    let nodes = Nodes::start(program, &dir, &cluster)?;
    drawdowns(report, &cluster, &nodes, effort)?;
    batches(report, program, template, &dir, &nodes.first, effort)?;
    nodes.first.stop()?;
    nodes.second.stop()?;
    data::remove(&dir)
}

fn drawdowns(report: &mut Report, cluster: &Cluster, nodes: &Nodes, effort: Effort) -> Result<()> {
    let tokens: Rc<[String]> = prepare::on(&nodes.first, effort.cards)?.into();
    let pgbench = Pgbench::new(cluster, TILLS, effort.during)?;
    let rates = in_turns(&pgbench, nodes, &tokens, effort)?;
    let name = format!("PostgreSQL, drawdowns, {TILLS} connections, {} cards", effort.cards);
    let [pgbench, floor, one, two, card] =
        [rates.pgbench, rates.floor, rates.one_node, rates.two_nodes, rates.one_card].map(median);
    let bare =
        Line::new("PostgreSQL, bare drawdowns in sets, no HTTP, to pgbench", format!("{floor:.0}/s"), None);
    report.add(bare.beside(format!("{pgbench:.0}/s"), floor / pgbench));
    let line = |name: String, measured: f64, other: f64, least: f64, of: &str| {
        let limit = Limit::at_least(measured / other, least, format!("≥ {least} × {of}"));
        Line::new(name, format!("{measured:.0}/s"), limit).beside(format!("{other:.0}/s"), measured / other)
    };
    report.add(line(format!("{name}, one node, to pgbench"), one, pgbench, PGBENCH_MIN, "pgbench"));
    report.add(line(format!("{name}, two nodes, to one"), two, one, TWO_NODES_MIN, "one node"));
    let name = format!("PostgreSQL, drawdowns, {TILLS} connections, one card");
    report.add(line(name, card, one, ONE_CARD_MIN, "the spread figure"));
    Ok(())
}

fn in_turns(pgbench: &Pgbench, nodes: &Nodes, tokens: &Rc<[String]>, effort: Effort) -> Result<Rates> {
    let spread = || Ask::Token(Rc::clone(tokens));
    let warm_up = 20_000;
    let mut desk = Desk::at(&[&nodes.first], TILLS, 0)?;
    desk.closed(spread(), warm_up)?;
    let guess = desk.closed(spread(), warm_up)?.rate();
    let mut rates = Rates::default();
    let mut asked = desk.leave();
    for _ in 0..effort.rounds {
        rates.pgbench.push(pgbench.measure()?);
        rates.floor.push(floor::measure(&nodes.url, effort.during)?);
        for (servers, ask, figures) in [
            (&[&nodes.first][..], spread(), &mut rates.one_node),
            (&[&nodes.first, &nodes.second][..], spread(), &mut rates.two_nodes),
            (&[&nodes.first][..], Ask::One(Rc::clone(tokens)), &mut rates.one_card),
        ] {
            let mut desk = Desk::at(servers, TILLS, asked)?;
            figures.push(desk.at_most(ask, guess, effort.during)?);
            asked = desk.leave();
        }
    }
    Ok(rates)
}

/// Batches of the server on PostgreSQL and of one on its embedded store, in turns.
fn batches(
    report: &mut Report,
    program: &Path,
    template: &Path,
    dir: &Path,
    node: &Server,
    effort: Effort,
) -> Result<()> {
    let case = Case { pictures: Pictures::None, keyed: false };
    let pair = Pair::of(template, dir.join("pair"), "an empty database", true)?;
    let embedded = Server::start(program, &pair.server())?;
    let mut callers = [Caller::new(node, case)?, Caller::new(&embedded, case)?];
    let mut timings = [Timings::new()?, Timings::new()?];
    // Not the ids of the cards that were drawn on.
    let first = effort.cards.div_ceil(turns::BATCH);
    for batch in first..first + effort.batches {
        let body = turns::body_of(&turns::card_ids(batch), case.pictures);
        for (caller, timings) in callers.iter_mut().zip(&mut timings) {
            timings.add(caller.batch(&body, "")?.0);
        }
    }
    drop(callers);
    embedded.stop()?;
    let [postgres, embedded] = timings.map(|timings| timings.median_ms());
    let limit = Limit::at_most(postgres / embedded, BATCH_MAX, format!("≤ {BATCH_MAX} × the embedded store"));
    let name = format!("PostgreSQL, a batch of {} cards, {}: median", turns::BATCH, case.describe());
    report.add(
        Line::new(name, format!("{postgres:.1} ms"), limit)
            .beside(format!("{embedded:.1} ms"), postgres / embedded),
    );
    Ok(())
}
