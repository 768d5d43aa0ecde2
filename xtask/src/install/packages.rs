//! Debian packages that the tests call.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{on_path, python};
use crate::context::{Context, succeed, works};

struct Package {
    name: &'static str,
    /// What the tests do with it, told when it is missing.
    purpose: &'static str,
    /// Looks for the program rather than the package: it may have come another way.
    present: fn() -> bool,
}

#[rustfmt::skip]
const PACKAGES: &[Package] = &[
    Package { name: "zbar-tools", purpose: "zbarimg reads our barcodes back", present: || has("zbarimg") },
    Package { name: "strace", purpose: "watches and fails system calls", present: || has("strace") },
    Package { name: "postgresql", purpose: "servers of version 15 or later for the tests", present: has_postgresql },
    Package { name: "python3-venv", purpose: "runs the published client", present: || python::base().is_some() },
];

pub fn install(context: &Context) -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    for package in &missing {
        println!("missing: {} ({})", package.name, package.purpose);
    }
    let names: Vec<_> = missing.iter().map(|package| package.name).collect();
    apt_get(context, &names).with_context(|| format!("install these Debian packages: {}", names.join(" ")))
}

fn missing() -> Vec<&'static Package> {
    PACKAGES.iter().filter(|package| !(package.present)()).collect()
}

fn apt_get(context: &Context, names: &[&str]) -> Result<()> {
    let prefix = privilege(context)?;
    let call = |arguments: &[&str]| {
        let words: Vec<_> = prefix.iter().chain(&["apt-get"]).chain(arguments).copied().collect();
        let mut command: Command = context.command(words[0]);
        command.args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive");
        succeed(&mut command)
    };
    if let Err(error) = call(&["update", "-qq"]) {
        // The lists at hand may do; whether they did is told by what follows.
        println!("{error:#}");
    }
    let mut install =
        vec!["install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"];
    install.extend(names);
    call(&install)?;
    match missing().first() {
        None => Ok(()),
        Some(package) => {
            bail!("{} is installed, but what it is for does not work: {}", package.name, package.purpose)
        }
    }
}

/// The words to put before a command that only root may run.
fn privilege(context: &Context) -> Result<&'static [&'static str]> {
    if !has("apt-get") {
        bail!("this machine has no apt-get");
    }
    let user = context.command("id").arg("-u").output().context("id -u")?;
    if user.stdout.trim_ascii() == b"0" {
        return Ok(&[]);
    }
    if works(context.command("sudo").args(["-n", "true"])) {
        return Ok(&["sudo", "-n", "--preserve-env=DEBIAN_FRONTEND"]);
    }
    bail!("only root may, and sudo asks for a password")
}

/// Debian keeps the server's programs off the search path, those of each version in a folder of its number. Which one
/// the tests take is a matter of `crates/cluster`.
fn has_postgresql() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let is_new = |name: &str| name.parse::<u32>().is_ok_and(|version| version >= 15);
    let mut new = versions.filter(|entry| entry.file_name().to_str().is_some_and(is_new));
    new.any(|entry| entry.path().join("bin/postgres").is_file()) || has("postgres")
}

fn has(program: &str) -> bool {
    !on_path(program).is_empty()
}
