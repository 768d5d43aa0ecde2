//! Programs from the package registry that a task calls.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::on_path;
use crate::context::{Context, succeed, works};

/// Built without optimisation: it costs more time to build than it saves when it runs.
const QUICK_BUILD: [(&str, &str); 5] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
    ("CARGO_PROFILE_RELEASE_STRIP", "none"),
];

/// A program that cargo builds.
pub struct Tool {
    name: &'static str,
    version: &'static str,
    /// How it is asked whether it works.
    asked: &'static [&'static str],
}

/// Judges the dependency tree.
pub const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2", asked: &["--version"] };

/// Changes the code in one place at a time and lets the tests find that out.
pub const MUTANTS: Tool = Tool { name: "cargo-mutants", version: "27.1.0", asked: &["mutants", "--version"] };

impl Tool {
    pub fn install(&self, context: &Context) -> Result<()> {
        if works(context.command(self.program(context)).args(self.asked)) {
            return Ok(());
        }
        let Self { name, version, .. } = self;
        println!("building {name} {version}");
        let build = context.test_environment().join("tools-build");
        let mut cargo = context.cargo();
        cargo.args(["install", name, "--locked", "--quiet", "--force", "--version", version]);
        cargo.arg("--root").arg(self.folder(context)).arg("--target-dir").arg(&build);
        succeed(cargo.envs(QUICK_BUILD))?;
        // Half a gigabyte that nothing reads again. A build that was cut short keeps it and goes on.
        fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
    }

    /// Our own when there is one: then the machine had none, or none that works.
    pub fn program(&self, context: &Context) -> PathBuf {
        let own = self.folder(context).join("bin").join(self.name);
        if own.is_file() {
            return own;
        }
        on_path(self.name).into_iter().next().unwrap_or(own)
    }

    /// Named by the version, so that a new one is not taken for built.
    fn folder(&self, context: &Context) -> PathBuf {
        context.test_environment().join(format!("tools/{}-{}", self.name, self.version))
    }
}
