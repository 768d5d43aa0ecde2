//! Where the workspace lies and how programs are started in it.

use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// What every task needs to know.
pub struct Context {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target directory, wherever configuration or `CARGO_TARGET_DIR` puts it.
    pub target: PathBuf,
    /// The output of `cargo metadata --no-deps`.
    pub metadata: Value,
}

impl Context {
    pub fn load() -> Result<Self> {
        // Cargo tells at run time where the package lies now; what was compiled in is only a
        // fallback for a program that is started by hand.
        let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&package).parent().context("xtask lies in no workspace")?.to_owned();
        let answer = cargo_in(&root)
            .args(["metadata", "--no-deps", "--format-version=1"])
            .stderr(Stdio::inherit())
            .output()
            .context("cargo metadata")?;
        if !answer.status.success() {
            bail!("cargo metadata failed");
        }
        let metadata: Value = serde_json::from_slice(&answer.stdout).context("cargo metadata")?;
        let target = metadata["target_directory"].as_str().context("no target_directory")?.into();
        Ok(Self { root, target, metadata })
    }

    /// The folder of what the tests installed for themselves.
    pub fn test_environment(&self) -> PathBuf {
        self.target.join("test-env")
    }

    pub fn cargo(&self) -> Command {
        cargo_in(&self.root)
    }

    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        command_in(&self.root, program.as_ref())
    }
}

/// Runs to the end with its output shown, and fails when the program does.
pub fn succeed(command: &mut Command) -> Result<()> {
    let name = shown(command);
    let status = command.status().with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name}: {status}");
    }
    Ok(())
}

/// Whether the program could be started and succeeded; its output is dropped.
pub fn works(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The command as one would type it, but for the folder of its program.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn cargo_in(root: &Path) -> Command {
    command_in(root, &env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn command_in(root: &Path, program: &OsStr) -> Command {
    let mut command = Command::new(program);
    // Nothing here may wait for a person.
    command.current_dir(root).stdin(Stdio::null());
    if !io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "never");
    }
    command
}
