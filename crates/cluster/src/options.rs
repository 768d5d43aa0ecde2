//! How a server is made.

use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::keeper::Keeper;
use crate::user::User;
use crate::{Cluster, Error, OWNER, port, programs};

/// Ports to try: another program may take one between the look and the start.
const TRIES: usize = 5;
const PORT_TAKEN: &str = "Address already in use";

/// How a server is to be started: with what PostgreSQL does by itself, which is durable, unless told otherwise.
#[derive(Clone, Debug, Default)]
pub struct Options {
    settings: Vec<(String, String)>,
    files: Vec<(String, String)>,
    data: Option<PathBuf>,
}

impl Options {
    /// With a setting of `postgresql.conf`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a file beside the data, which takes the place of one that is always there: `pg_hba.conf` says who may
    /// connect, `server.key` and `server.crt` are for TLS. It is the server's own, as PostgreSQL demands of a key.
    #[must_use]
    pub fn file(mut self, name: &str, content: &str) -> Self {
        self.files.push((name.to_owned(), content.to_owned()));
        self
    }

    /// With its data in this folder, which is made and stays.
    #[must_use]
    pub fn data(mut self, folder: &Path) -> Self {
        self.data = Some(folder.to_owned());
        self
    }

    /// Makes the cluster and starts its server; it answers when this returns.
    pub fn start(&self) -> Result<Cluster, Error> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let cluster = self.make()?;
            match cluster.start_again() {
                Err(_) if tries > 0 && self.data.is_none() && cluster.log().contains(PORT_TAKEN) => {}
                started => return started.map(|()| cluster),
            }
        }
    }

    fn make(&self) -> Result<Cluster, Error> {
        let programs = programs::find()?;
        let user = User::new()?;
        let folder = TempDir::with_prefix("postgres-").map_err(Error::of("a temporary folder"))?;
        user.own(folder.path())?;
        let data = self.data.clone().unwrap_or_else(|| folder.path().join("data"));
        std::fs::create_dir(&data).map_err(Error::of("the folder for data"))?;
        user.own(&data)?;
        initialise(&user, &programs, folder.path(), &data)?;
        for (name, content) in &self.files {
            write(&user, &data.join(name), content)?;
        }
        let port = port::free()?;
        let command = self.command(&programs, folder.path(), &data, port);
        let keeper = Keeper::new(&user, folder.path(), command)?;
        Ok(Cluster::new(keeper, folder, port))
    }

    fn command(&self, programs: &Path, socket: &Path, data: &Path, port: u16) -> Vec<OsString> {
        let mut command = vec![programs.join("postgres").into(), "-D".into(), data.into()];
        command.extend(["-h", "127.0.0.1", "-p", &port.to_string(), "-k"].map(OsString::from));
        command.push(socket.into());
        let settings = self.settings.iter().map(|(name, value)| format!("{name}={value}"));
        command.extend(settings.flat_map(|setting| ["-c".into(), setting.into()]));
        command
    }
}

fn write(user: &User, file: &Path, content: &str) -> Result<(), Error> {
    std::fs::write(file, content).map_err(Error::of("a file for the server"))?;
    std::fs::set_permissions(file, Permissions::from_mode(0o600))
        .map_err(Error::of("a file for the server"))?;
    user.own(file)
}

fn initialise(user: &User, programs: &Path, folder: &Path, data: &Path) -> Result<(), Error> {
    let mut init = user.command(programs.join("initdb"), folder);
    init.args(["--encoding=UTF8", "--locale=C", "--auth=trust", "--no-instructions", "--username", OWNER]);
    // The new files alone are not synced; whoever cuts power has that done.
    init.arg("--no-sync").arg("--pgdata").arg(data);
    let output = init.output().map_err(Error::of("initdb"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::new(format!("initdb: {}", String::from_utf8_lossy(&output.stderr).trim_end())))
}
