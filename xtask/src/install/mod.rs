//! Installs what the tests need beyond a Rust toolchain, and nothing that is there already.

mod packages;
mod python;
mod tool;

use std::env;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::context::Context;

pub use python::interpreter as python_interpreter;
pub use tool::{DENY, MUTANTS};

/// Tries everything before it fails, so that one run tells all that is missing.
pub fn run(context: &Context) -> Result<()> {
    let faults: Vec<String> = [packages::install(context), python::install(context), DENY.install(context)]
        .into_iter()
        .filter_map(Result::err)
        .map(|error| format!("{error:#}"))
        .collect();
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(())
}

/// Every program of this name that the search path holds, the one a shell would run first.
fn on_path(name: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).filter(|file| file.is_file()).collect()
}
