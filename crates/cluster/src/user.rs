//! Who runs the server: PostgreSQL refuses to run for root.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use crate::Error;

/// Those to become where one is root: the package's own, or the one who owns nothing.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// Oneself, or for root somebody else.
pub struct User(Option<Ids>);

struct Ids {
    user: u32,
    group: u32,
}

impl User {
    pub fn new() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let ids = UNPRIVILEGED.iter().find_map(|name| Ids::of(name));
        let nobody =
            || Error::new(format!("PostgreSQL does not run as root, and there is no user {UNPRIVILEGED:?}"));
        ids.map(|ids| Self(Some(ids))).ok_or_else(nobody)
    }

    /// Gives a folder or a file to the user.
    pub fn own(&self, place: &Path) -> Result<(), Error> {
        let Some(Ids { user, group }) = self.0 else {
            return Ok(());
        };
        chown(place, Some(user), Some(group)).map_err(Error::of("a folder or a file for the server"))
    }

    /// A command that the user gives, in a folder that it may enter and without variables of ours.
    pub fn command(&self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let mut command = match &self.0 {
            None => Command::new(program),
            Some(Ids { user, group }) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={user}"), format!("--regid={group}")]);
                command.args(["--clear-groups", "--"]).arg(program);
                command
            }
        };
        // Texts in English, and neither PGDATA nor PGPORT.
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        command.current_dir(folder);
        command
    }
}

impl Ids {
    fn of(name: &str) -> Option<Self> {
        let id = |what| {
            let output = Command::new("id").args([what, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Some(Self { user: id("-u")?, group: id("-g")? })
    }
}
