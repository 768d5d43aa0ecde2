//! `cargo xtask bench`: the release program, measured beside bare programs that do the same work.

use std::ffi::OsString;

use anyhow::Result;

use crate::context::{Context, succeed};

/// Builds the program and what measures it, then measures.
pub fn run(context: &Context, arguments: &[OsString]) -> Result<()> {
    let packages = ["--package=cli", "--package=bench"];
    succeed(context.cargo().args(["build", "--release", "--locked"]).args(packages))?;
    let release = context.target.join("release");
    let mut bench = context.command(release.join("bench"));
    bench.arg("--gavekort").arg(release.join("gavekort"));
    succeed(bench.arg("--dir").arg(context.target.join("bench")).args(arguments))
}
