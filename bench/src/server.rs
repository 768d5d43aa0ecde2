//! The program under test: started, asked for a token, stopped.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::http::Connection;
use crate::machine;

/// The account that a first start makes.
pub const ACCOUNT: &str = "T12345678";
pub const CLIENT_ID: &str = "bench";
/// Made up: it opens a throw-away database on a loopback port.
pub const CLIENT_SECRET: &str = "bench-bench-bench-bench-bench-bench";

const READY_WITHIN: Duration = Duration::from_secs(60);
const STOP_WITHIN: Duration = Duration::from_secs(60);
const POLL_EVERY: Duration = Duration::from_millis(1);

/// Where the account's resources lie.
pub fn path(rest: &str) -> String {
    format!("/v1/accounts/{ACCOUNT}/{rest}")
}

/// A running server; dropping it kills it.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From its start until it said that it was ready.
    pub ready_after: Duration,
}

impl Server {
    /// Starts it on a data directory and waits until it is ready.
    pub fn start(program: &Path, data: &Path) -> Result<Self> {
        Self::start_with(program, data, &[])
    }

    /// The same, with more in its environment.
    pub fn start_with(program: &Path, data: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(data).envs(environment.iter().copied());
        Self::spawn(command, &log_of(data))
    }

    /// Starts it on a database that it shares with others, and waits until it is ready.
    pub fn on_database(program: &Path, name: &Path, url: &str, master_key: &str) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("serve").env("GAVEKORT_DATABASE_URL", url).env("GAVEKORT_MASTER_KEY", master_key);
        Self::spawn(command, &log_of(name))
    }

    fn spawn(mut command: Command, log: &Path) -> Result<Self> {
        // A port that is known beforehand can be polled from the first millisecond on.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = free.local_addr()?;
        drop(free);
        let begun = Instant::now();
        let child = command
            .args(["--listen", &address.to_string(), "--admin-listen", "off"])
            .env("GAVEKORT_BOOTSTRAP_ACCOUNT", ACCOUNT)
            .env("GAVEKORT_BOOTSTRAP_CLIENT_ID", CLIENT_ID)
            .env("GAVEKORT_BOOTSTRAP_CLIENT_SECRET", CLIENT_SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log)?)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut server = Self { child, address, ready_after: Duration::ZERO };
        server.wait_until_ready(log)?;
        server.ready_after = begun.elapsed();
        Ok(server)
    }

    fn wait_until_ready(&mut self, log: &Path) -> Result<()> {
        let begun = Instant::now();
        loop {
            let asked = Connection::open(self.address)
                .and_then(|mut connection| connection.get("/readyz").map(|answer| answer.status));
            if matches!(asked, Ok(200)) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}: {}", fs::read_to_string(log).unwrap_or_default());
            }
            ensure!(begun.elapsed() < READY_WITHIN, "the server did not become ready");
            thread::sleep(POLL_EVERY);
        }
    }

    pub fn connect(&self) -> Result<Connection> {
        Connection::open(self.address).context("connecting to the server")
    }

    /// A bearer, as the value of `Authorization`.
    pub fn bearer(&self) -> Result<String> {
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
        let audience = format!("http://{}/v1/accounts/{ACCOUNT}", self.address);
        let body = json!({"grant_type": "client_credentials", "audience": audience});
        let mut connection = self.connect()?;
        let answer = connection
            .post(&path("auth/token"), &[("Authorization", &basic)], body.to_string().as_bytes())?
            .ok()
            .context("asking for a token")?;
        let answer: Value = serde_json::from_slice(answer.body)?;
        let token = answer["access_token"].as_str().context("no access_token")?;
        Ok(format!("Bearer {token}"))
    }

    /// Processor time that it has used so far.
    pub fn cpu_time(&self) -> Result<Duration> {
        machine::cpu_time(self.child.id())
    }

    /// Memory that it holds now, in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        self.memory_kib("VmRSS:")
    }

    /// The most memory that it ever held, in KiB.
    pub fn resident_peak_kib(&self) -> Result<u64> {
        self.memory_kib("VmHWM:")
    }

    fn memory_kib(&self, field: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kib.and_then(|kib| kib.trim().parse().ok()).with_context(|| format!("no {field} in /proc"))
    }

    /// Asks it to end, as an operator would, and waits until it has.
    pub fn stop(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().context("kill")?;
        ensure!(told.success(), "kill -TERM {pid}: {told}");
        let begun = Instant::now();
        while begun.elapsed() < STOP_WITHIN {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the server ended with {status}");
                return Ok(());
            }
            thread::sleep(POLL_EVERY);
        }
        bail!("the server did not end")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone after a stop; otherwise the run has failed and says so itself.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Beside the data directory, which the server wants to itself.
fn log_of(data: &Path) -> PathBuf {
    data.with_extension("log")
}
