//! A private Python with the published client of the API that we speak.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::on_path;
use crate::context::{Context, succeed, works};

const REQUIREMENTS: &str = "xtask/requirements.txt";

/// Makes the environment anew when its list has changed or it does not start any more.
pub fn install(context: &Context) -> Result<()> {
    let wanted = fs::read(context.root.join(REQUIREMENTS)).context(REQUIREMENTS)?;
    let folder = folder(context);
    // A copy of the list, written last: an environment without it was never finished.
    let stamp = folder.join("requirements.txt");
    let python = folder.join("bin/python");
    let complete = fs::read(&stamp).is_ok_and(|installed| installed == wanted);
    if complete && works(context.command(&python).args(["-c", "import dintero"])) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let base = base().context("no python3 (3.10 or later) with a working venv module")?;
    println!("making a Python environment from {REQUIREMENTS}");
    succeed(context.command(base).args(["-m", "venv"]).arg(&folder))?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--requirement",
    ];
    succeed(context.command(&python).args(pip).arg(REQUIREMENTS))?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// The interpreter that the tests get as `GAVEKORT_TEST_PYTHON`.
pub fn interpreter(context: &Context) -> Result<PathBuf> {
    let folder = folder(context);
    if !folder.join("requirements.txt").is_file() {
        bail!("no Python environment: run `cargo xtask test --only install` first");
    }
    Ok(folder.join("bin/python"))
}

/// The first python3 that can make an environment. Several may be on the path, and the first one
/// is not always the one that works (a version manager without a version, for instance).
pub fn base() -> Option<PathBuf> {
    let able = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
    on_path("python3").into_iter().find(|python| works(Command::new(python).args(["-c", able])))
}

fn folder(context: &Context) -> PathBuf {
    context.test_environment().join("venv")
}
