//! `pgbench`, PostgreSQL's own measure of itself.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use cluster::Cluster;

/// Hundred thousand accounts for each.
const SCALE: &str = "100";
const THREADS: &str = "2";

/// Its tables in a database of their own.
pub struct Pgbench {
    program: PathBuf,
    url: String,
    clients: usize,
    during: Duration,
}

impl Pgbench {
    /// Makes the tables.
    pub fn new(cluster: &Cluster, clients: usize, during: Duration) -> Result<Self> {
        let program = cluster::program("pgbench")?;
        let pgbench = Self { program, url: cluster.create_database()?, clients, during };
        pgbench.run(&["-i", "-q", "-s", SCALE])?;
        Ok(pgbench)
    }

    /// Transactions a second, with prepared statements.
    pub fn measure(&self) -> Result<f64> {
        let (clients, seconds) = (self.clients.to_string(), self.during.as_secs().to_string());
        let told = self.run(&["-c", &clients, "-j", THREADS, "-T", &seconds, "-M", "prepared"])?;
        let rate = told.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
        rate.context("pgbench tells no tps")?.parse().context("tps")
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let ended = Command::new(&self.program).args(arguments).arg(&self.url).output().context("pgbench")?;
        ensure!(ended.status.success(), "pgbench: {}", String::from_utf8_lossy(&ended.stderr));
        Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
    }
}
