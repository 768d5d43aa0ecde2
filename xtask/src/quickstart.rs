//! `cargo xtask quickstart`: the shortest way from a clone to a running server.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::context::{Context, succeed};

/// Comes back only with an error: the program takes this process's place, so that Ctrl-C and the
/// exit code are its own.
pub fn run(context: &Context, arguments: &[OsString]) -> Result<()> {
    succeed(context.cargo().args(["build", "--release", "--locked", "--package=cli"]))?;
    let program = context.target.join("release/gavekort");
    let error = Command::new(&program).arg("quickstart").args(arguments).stdin(Stdio::inherit()).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}
