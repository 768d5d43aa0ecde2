//! `cargo xtask test`: every check and every test, in one run and with one count.

mod count;
mod suite;

use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::context::{Context, succeed};
use crate::{install, openapi, tidy};
use count::Count;

#[derive(Args)]
pub struct Options {
    /// Run this step alone; may be given more than once
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,

    /// Let the campaigns among the tests do many more rounds (GAVEKORT_TEST_LONG=1)
    #[arg(long)]
    long: bool,
}

/// In the order in which they run: what tells most in the least time comes first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Debian packages, a Python environment and cargo-deny, where they are missing
    Install,
    /// cargo fmt --all --check
    Fmt,
    /// The rules of CONTRIBUTING.md, as in `cargo xtask tidy`
    Tidy,
    /// cargo clippy on everything, warnings denied
    Clippy,
    /// cargo deny check bans licenses sources
    Deny,
    /// cargo doc, warnings denied
    Docs,
    /// docs/openapi.json is what the program prints
    Generated,
    /// cargo test --workspace
    Suite,
}

/// What a step came to.
struct Outcome {
    name: String,
    took: Duration,
    count: Count,
}

/// Runs the chosen steps, each whatever became of the ones before, and tells whether all passed.
pub fn run(context: &Context, options: &Options) -> bool {
    let chosen = |step: &&Step| options.only.is_empty() || options.only.contains(step);
    let outcomes: Vec<_> =
        Step::value_variants().iter().filter(chosen).map(|step| step.report(context, options)).collect();
    summarise(&outcomes)
}

impl Step {
    /// Runs the step between its header line and a line with its result and duration.
    fn report(self, context: &Context, options: &Options) -> Outcome {
        let value = self.to_possible_value().expect("no step is hidden");
        let name = value.get_name().to_owned();
        let purpose = value.get_help().map(ToString::to_string).unwrap_or_default();
        println!("\n== {name}: {purpose}");
        let start = Instant::now();
        let count = match self.run(context, options) {
            Ok(count) => count,
            Err(error) => {
                println!("{error:#}");
                Count { passed: 0, failed: 1 }
            }
        };
        let took = start.elapsed();
        println!("== {name}: {} in {:.1} s", verdict(count), took.as_secs_f64());
        Outcome { name, took, count }
    }

    fn run(self, context: &Context, options: &Options) -> Result<Count> {
        let cargo = |arguments: &[&str]| succeed(context.cargo().args(arguments));
        match self {
            Self::Suite => return suite::run(context, options.long),
            Self::Install => install::run(context)?,
            Self::Fmt => cargo(&["fmt", "--all", "--check"])?,
            Self::Tidy => tidy::check(context)?,
            Self::Clippy => {
                cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
            }
            Self::Deny => deny(context)?,
            Self::Docs => {
                let mut cargo = context.cargo();
                cargo.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-Dwarnings");
                succeed(&mut cargo)?;
            }
            Self::Generated => openapi::check(context)?,
        }
        Ok(Count { passed: 1, failed: 0 })
    }
}

/// Advisories are left out: their database lies on a host that not every test machine reaches.
fn deny(context: &Context) -> Result<()> {
    let mut deny = context.command(install::DENY.program(context));
    succeed(deny.args(["--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))
}

/// Prints a table of the steps and, as the very last line, the count.
fn summarise(outcomes: &[Outcome]) -> bool {
    println!();
    for Outcome { name, took, count } in outcomes {
        println!("{name:<10} {:<28} {:>7.1} s", verdict(*count), took.as_secs_f64());
    }
    let failed: Vec<_> = outcomes.iter().filter(|o| o.count.failed > 0).map(|o| o.name.as_str()).collect();
    if !failed.is_empty() {
        println!("\nfailed: {}", failed.join(", "));
    }
    let total: Count = outcomes.iter().map(|outcome| outcome.count).sum();
    println!("\n{} passed, {} failed", total.passed, total.failed);
    total.failed == 0 && total.passed > 0
}

fn verdict(count: Count) -> String {
    match count {
        Count { failed: 0, passed: 1 } => "ok".to_owned(),
        Count { failed: 0, passed } => format!("ok, {passed} tests"),
        Count { failed: 1, passed: 0 } => "FAILED".to_owned(),
        Count { failed, passed } => format!("FAILED, {failed} of {}", failed + passed),
    }
}
