//! The project's own tasks: the one test command, what it installs, and a few helpers.

#![allow(clippy::print_stdout, reason = "a task runner talks to its terminal")]

mod bench;
mod context;
mod install;
mod mutants;
mod openapi;
mod quickstart;
mod test;
mod tidy;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::context::Context;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
/// Tasks of the Gavekort workspace
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what the tests need, then check everything and run every test
    ///
    /// This is the whole of what CI runs. A failing step does not stop the others. The last line
    /// printed is `N passed, M failed`: each test of the suite counts as one, and so does each
    /// other step. The exit code is 0 only when M is 0 and N is not.
    Test(test::Options),
    /// Check the rules of CONTRIBUTING.md that no compiler knows
    Tidy,
    /// Write docs/openapi.json anew from the program
    Openapi,
    /// Build the release program and measure it
    ///
    /// Tells each figure beside its floor or its limit, and what missed its limit in the end; a miss is no
    /// failure, since other work on the machine can cause one.
    Bench {
        /// Handed on to the program that measures, for instance --quick or --write; --help lists them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Change the rules of money and PINs in one place at a time, and tell which change no test finds
    ///
    /// crates/domain/mutants.txt lists those that no test can find, and why. It takes an hour or more.
    Mutants {
        /// Handed on to cargo-mutants, for instance --file crates/domain/src/pin.rs
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Build the release program and run its `quickstart`
    Quickstart {
        /// Handed on to `gavekort quickstart`, for instance --exit
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<bool> {
    let context = Context::load()?;
    match task {
        Task::Test(options) => Ok(test::run(&context, &options)),
        Task::Tidy => tidy::run(&context),
        Task::Openapi => openapi::write(&context).map(|()| true),
        Task::Bench { arguments } => bench::run(&context, &arguments).map(|()| true),
        Task::Mutants { arguments } => mutants::run(&context, &arguments),
        Task::Quickstart { arguments } => quickstart::run(&context, &arguments).map(|()| true),
    }
}
