//! cargo-deny, which judges the dependency tree.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::on_path;
use crate::context::{Context, succeed, works};

const VERSION: &str = "0.20.2";

/// Built without optimisation: it runs for a second, and so builds in one minute instead of many.
const QUICK_BUILD: [(&str, &str); 5] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
    ("CARGO_PROFILE_RELEASE_STRIP", "none"),
];

pub fn install(context: &Context) -> Result<()> {
    if works(context.command(program(context)).arg("--version")) {
        return Ok(());
    }
    println!("building cargo-deny {VERSION}");
    let build = context.test_environment().join("tools-build");
    let mut cargo = context.cargo();
    cargo.args(["install", "cargo-deny", "--locked", "--quiet", "--force", "--version", VERSION]);
    cargo.arg("--root").arg(tools(context)).arg("--target-dir").arg(&build);
    succeed(cargo.envs(QUICK_BUILD))?;
    // Half a gigabyte that nothing reads again. A build that was cut short keeps it and goes on.
    fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
}

/// Our own when there is one: then the machine had none, or none that works.
pub fn program(context: &Context) -> PathBuf {
    let own = tools(context).join("bin/cargo-deny");
    if own.is_file() {
        return own;
    }
    on_path("cargo-deny").into_iter().next().unwrap_or(own)
}

/// Named by the version, so that a new one is not taken for built.
fn tools(context: &Context) -> PathBuf {
    context.test_environment().join(format!("tools/cargo-deny-{VERSION}"))
}
