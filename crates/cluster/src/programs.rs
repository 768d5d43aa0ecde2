//! Where the server's programs lie.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// The oldest version that the store serves.
const VERSION_MIN: u32 = 15;

/// Debian keeps each version in a folder of its number, and none of them on the search path.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The folder with `postgres` and `initdb`: Debian's newest, or else the one on the search path.
pub fn find() -> Result<PathBuf, Error> {
    let folder = newest_of_debian().or_else(on_path);
    folder.ok_or_else(|| {
        let missing = "PostgreSQL is missing: install the Debian package `postgresql`, or put the programs";
        Error::new(format!("{missing} `postgres` and `initdb` of version {VERSION_MIN} or later on the PATH"))
    })
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).ok()?.filter_map(|entry| {
        let folder = entry.ok()?.path();
        Some((version(folder.file_name()?)?, folder.join("bin")))
    });
    let whole = versions.filter(|(version, folder)| *version >= VERSION_MIN && is_whole(folder));
    whole.max().map(|(_, folder)| folder)
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| is_whole(folder) && tells_version(folder) >= Some(VERSION_MIN))
}

fn is_whole(folder: &Path) -> bool {
    ["postgres", "initdb"].iter().all(|program| folder.join(program).is_file())
}

fn version(name: &OsStr) -> Option<u32> {
    name.to_str()?.parse().ok()
}

/// `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`
fn tells_version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().nth(2)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
