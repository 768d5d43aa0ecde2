//! Private PostgreSQL servers for tests and measurements: each in a folder of its own, which goes with it, and on a
//! port of its own. One can be killed, stopped, paused and started again.
//!
//! ```no_run
//! let cluster = cluster::Cluster::start()?;
//! let database = cluster.create_database()?;
//! assert_eq!(cluster::sql(&database, "SELECT 1")?, [[Some("1".to_owned())]]);
//! cluster.kill()?;
//! cluster.start_again()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The server ends with the process that started it, even when that one is killed. Nothing here is async, so that it
//! serves tests of either kind.

mod database;
mod keeper;
mod options;
mod port;
mod processes;
mod programs;
mod proxy;
mod sql;
mod user;

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tempfile::TempDir;

use keeper::Keeper;
pub use options::Options;
pub use programs::program;
pub use proxy::{Cut, Proxy, Weather};
pub use sql::{Rows, sql};

/// The user that owns every database; nobody is asked for a password.
const OWNER: &str = "postgres";

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// Why there is no server, or why it does not do what it was asked for.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What was needed when the machine failed.
    fn of(what: &'static str) -> impl Fn(std::io::Error) -> Self {
        move |error| Self(format!("{what}: {error}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// A server of one's own. It ends, and its folder goes, when this is dropped.
pub struct Cluster {
    running: Mutex<Running>,
    /// Of the socket, the log and, unless it was told otherwise, the data.
    folder: TempDir,
    port: u16,
    databases: AtomicU64,
}

struct Running {
    keeper: Keeper,
    /// Absent while it does not run.
    server: Option<Pid>,
}

impl Cluster {
    /// A server as it comes.
    pub fn start() -> Result<Self, Error> {
        Options::default().start()
    }

    fn new(keeper: Keeper, folder: TempDir, port: u16) -> Self {
        let running = Mutex::new(Running { keeper, server: None });
        Self { running, folder, port, databases: AtomicU64::new(0) }
    }

    /// Its port on 127.0.0.1, the same after it was started again.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its socket.
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// What the server has written down.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends all the server's processes with SIGKILL.
    pub fn kill(&self) -> Result<(), Error> {
        let mut running = self.running();
        processes::kill(running.server()?)?;
        running.reap()
    }

    /// Ends the server in an orderly way: connections are cut, their transactions rolled back.
    pub fn stop(&self) -> Result<(), Error> {
        let mut running = self.running();
        processes::signal(running.server()?, Signal::INT)?;
        running.reap()
    }

    /// Starts the server on its data and its port, after it was killed or stopped; it answers when this returns.
    pub fn start_again(&self) -> Result<(), Error> {
        let mut running = self.running();
        if running.server.is_some() {
            return Err(Error::new("the server runs"));
        }
        let server = running.keeper.start()?;
        running.server = Some(server);
        // By its socket, which nobody is turned away from for want of TLS.
        let url = self.socket_url(OWNER);
        processes::until("the server answers", || {
            sql(&url, "SELECT 1").is_ok() || !processes::lives(server)
        })?;
        if processes::lives(server) {
            return Ok(());
        }
        running.reap()?;
        Err(Error::new(format!("the server does not start: {}", self.log())))
    }

    /// Lets all the server's processes stand still: it takes connections and says nothing.
    pub fn pause(&self) -> Result<(), Error> {
        processes::pause(self.running().server()?).map(drop)
    }

    /// Lets a paused server go on.
    pub fn resume(&self) -> Result<(), Error> {
        processes::resume(self.running().server()?)
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn server(&self) -> Result<Pid, Error> {
        self.server.ok_or_else(|| Error::new("the server does not run"))
    }

    fn reap(&mut self) -> Result<(), Error> {
        self.server = None;
        self.keeper.reap()
    }
}
