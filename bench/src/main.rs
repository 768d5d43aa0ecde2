//! The benchmarks: what the server takes, each figure beside its floor or its limit.

#![allow(clippy::print_stdout, reason = "the figures are what this program is for")]

mod data;
mod floor;
mod footprint;
mod http;
mod issue;
mod ledger;
mod machine;
mod postgres;
mod report;
mod same;
mod server;
mod stats;
mod turns;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

use crate::data::Pair;
use crate::floor::Pictures;
use crate::machine::Machine;
use crate::report::{Line, Report};
use crate::turns::{BATCH, Case, Effort, Measured};

#[derive(Parser)]
/// Measures a release build of gavekort against bare programs that do the same work
struct Options {
    /// The program to measure
    #[arg(long)]
    gavekort: PathBuf,
    /// Where databases are made; the filled one is kept for the next run
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
    /// How many cards the filled database holds
    #[arg(long, default_value_t = 5_000_000)]
    cards: usize,
    /// Fill the filled database anew
    #[arg(long)]
    refill: bool,
    /// Measure on PostgreSQL instead: on a private cluster, beside pgbench
    #[arg(long)]
    postgres: bool,
    /// Do everything, but little of it; the figures say little
    #[arg(long)]
    quick: bool,
    /// Measure only these, with a comma between them
    #[arg(long, value_enum, value_delimiter = ',', conflicts_with = "postgres")]
    only: Vec<Part>,
    /// Write the figures to the page
    #[arg(long)]
    write: bool,
    /// The page; by default docs/benchmarks.md, or docs/benchmarks-postgresql.md
    #[arg(long)]
    page: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Batches on an empty database
    Empty,
    /// Batches on a filled one
    Filled,
    /// Cards by the command line
    Issue,
    /// Memory, start and size
    Footprint,
    /// Drawdowns and look-ups
    Ledger,
    /// Drawdowns on the filled database, with a year of sales on it
    FilledLedger,
    /// More than the server can do
    Overload,
    /// Drawdowns and batches on PostgreSQL
    Postgres,
}

/// How much of everything.
struct Plan {
    effort: Effort,
    filled_cards: usize,
    issued_cards: usize,
    issue_turns: usize,
    settle: Duration,
    flood_rounds: usize,
    starts: usize,
    ledger: ledger::Effort,
    filled_ledger: ledger::Effort,
    overload: Duration,
    postgres: postgres::Effort,
}

/// In the order in which they are measured: what takes longest comes last.
const PARTS: [Part; 7] = [
    Part::Empty,
    Part::Footprint,
    Part::Issue,
    Part::Filled,
    Part::Ledger,
    Part::Overload,
    Part::FilledLedger,
];

const CASES: [Case; 4] = [
    Case { pictures: Pictures::None, keyed: false },
    Case { pictures: Pictures::Both, keyed: false },
    Case { pictures: Pictures::None, keyed: true },
    Case { pictures: Pictures::Both, keyed: true },
];

/// What is measured on the filled database: there the pictures cost what they cost on an empty one.
const FILLED_CASE: Case = CASES[0];

impl Plan {
    fn of(options: &Options) -> Self {
        if options.quick {
            return Self {
                effort: Effort { rounds: 2, batches: 5, warm_up: 2 },
                filled_cards: options.cards.min(50_000),
                issued_cards: 5_000,
                issue_turns: 1,
                settle: Duration::from_secs(1),
                flood_rounds: 2,
                starts: 3,
                ledger: ledger::Effort {
                    cards: 2_000,
                    rounds: 1,
                    requests: 2_000,
                    warm_up: 500,
                    during: Duration::from_secs(1),
                },
                filled_ledger: ledger::Effort {
                    cards: 0,
                    rounds: 1,
                    requests: 2_000,
                    warm_up: 0,
                    during: Duration::from_secs(1),
                },
                overload: Duration::from_secs(3),
                postgres: postgres::Effort {
                    cards: 2_000,
                    rounds: 1,
                    during: Duration::from_secs(1),
                    batches: 3,
                },
            };
        }
        Self {
            effort: Effort { rounds: 6, batches: 40, warm_up: 10 },
            filled_cards: options.cards,
            issued_cards: 100_000,
            issue_turns: 3,
            settle: Duration::from_secs(5),
            flood_rounds: 5,
            starts: 20,
            ledger: ledger::Effort {
                cards: 100_000,
                rounds: 5,
                requests: 50_000,
                warm_up: 20_000,
                during: Duration::from_secs(30),
            },
            filled_ledger: ledger::Effort {
                cards: options.cards,
                rounds: 3,
                requests: 50_000,
                warm_up: 0,
                during: Duration::from_secs(30),
            },
            overload: Duration::from_secs(30),
            postgres: postgres::Effort {
                cards: 100_000,
                rounds: 3,
                during: Duration::from_secs(30),
                batches: 60,
            },
        }
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    ensure!(options.cards > 0 && options.cards % BATCH == 0, "--cards must be a multiple of {BATCH}");
    fs::create_dir_all(&options.dir).with_context(|| options.dir.display().to_string())?;
    let machine = Machine::ask(&options.dir)?;
    let plan = Plan::of(&options);
    let how = if options.postgres { postgres::how(plan.postgres) } else { how(&plan) };
    println!("{}\n{how}\n", machine.describe());
    let mut report = Report::default();
    for part in options.parts() {
        Run { program: &options.gavekort, options: &options, plan: &plan, report: &mut report }.part(part)?;
        // After each, for a run takes long and a later part may fail.
        if options.write {
            report.write(&options.page(), &machine, &how)?;
        }
    }
    report.conclude();
    Ok(())
}

impl Options {
    fn page(&self) -> PathBuf {
        let page = if self.postgres { "docs/benchmarks-postgresql.md" } else { "docs/benchmarks.md" };
        self.page.clone().unwrap_or_else(|| page.into())
    }

    fn parts(&self) -> Vec<Part> {
        if self.postgres {
            return vec![Part::Postgres];
        }
        PARTS.into_iter().filter(|part| self.only.is_empty() || self.only.contains(part)).collect()
    }
}

fn how(plan: &Plan) -> String {
    let Effort { rounds, batches, warm_up } = plan.effort;
    format!(
        "Durability: every batch is synced before it is answered (WAL, synchronous=FULL), on both sides. \
         Concurrency: one client, one batch at a time, unless a line says otherwise; {rounds} rounds of {batches} \
         batches of {BATCH} cards each for server and floor in turns, after {warm_up} to warm up."
    )
}

struct Run<'r> {
    program: &'r Path,
    options: &'r Options,
    plan: &'r Plan,
    report: &'r mut Report,
}

impl Run<'_> {
    fn part(&mut self, part: Part) -> Result<()> {
        let template = self.options.dir.join("empty");
        data::first_start(self.program, &template)?;
        let (program, plan, dir) = (self.program, self.plan, &self.options.dir);
        match part {
            Part::Empty => CASES.into_iter().try_for_each(|case| {
                let pair = self.empty(&template, "empty database")?;
                turns::measure(self.report, program, &pair, case, plan.effort).map(drop)
            }),
            Part::Footprint => {
                let pair = self.empty(&template, "empty database")?;
                footprint::binary(self.report, program)?;
                footprint::start(self.report, program, &pair, plan.starts, true)?;
                footprint::memory(self.report, program, &pair, plan.settle, plan.flood_rounds)
            }
            Part::Issue => {
                let pair = self.empty(&template, "empty database")?;
                issue::measure(self.report, program, &pair, plan.issued_cards, plan.issue_turns)
            }
            Part::Filled => self.filled(&template),
            Part::Ledger => ledger::spread(self.report, program, &template, dir, plan.ledger),
            Part::Overload => {
                ledger::overload(self.report, program, &template, dir, plan.ledger.cards, plan.overload)
            }
            Part::FilledLedger => self.filled_ledger(&template),
            Part::Postgres => postgres::measure(self.report, program, &template, dir, plan.postgres),
        }
    }

    fn empty(&self, template: &Path, name: &str) -> Result<Pair> {
        Pair::of(template, self.options.dir.join("pair"), name, true)
    }

    fn filled_ledger(&mut self, empty: &Path) -> Result<()> {
        let (dir, cards) = (&self.options.dir, self.plan.filled_cards);
        let filled = data::filled(self.program, dir, empty, cards, false)?;
        let sold = ledger::with_history(&filled, dir, cards)?;
        let copy = dir.join("sold-copy");
        data::remove(&copy)?;
        data::copy(&sold, &copy)?;
        let ids = ledger::CardIds { count: cards, are_filled: true };
        ledger::filled(self.report, self.program, &copy, ids, self.plan.filled_ledger)?;
        data::remove(&copy)
    }

    /// The same as on an empty database, which is measured once more beside it to tell the growth.
    fn filled(&mut self, empty: &Path) -> Result<()> {
        let cards = self.plan.filled_cards;
        let filled = data::filled(self.program, &self.options.dir, empty, cards, self.options.refill)?;
        let on_empty = {
            let pair = self.empty(empty, "empty database, before the filled one")?;
            turns::measure(self.report, self.program, &pair, FILLED_CASE, self.plan.effort)?
        };
        let name = format!("{cards} cards there");
        let pair = Pair::of(&filled, self.options.dir.join("pair"), name, false)?;
        let measured = turns::measure(self.report, self.program, &pair, FILLED_CASE, self.plan.effort)?;
        let growth = |of: fn(&Measured) -> f64| of(&measured) / of(&on_empty);
        let (server, floor) = (growth(|m| m.server.median_ms()), growth(|m| m.floor.median_ms()));
        let name = format!("median with {cards} cards to median on an empty database");
        self.report.add(
            Line::new(name, format!("{server:.2} ×"), None).beside(format!("{floor:.2} ×"), server / floor),
        );
        footprint::start(self.report, self.program, &pair, self.plan.starts, false)
    }
}
