//! Where and when a run took place.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use crate::stats::Timings;

const SYNCS: usize = 200;
const PAGE_BYTES: usize = 4_096;
/// In which Linux counts processor time for programs.
const TICK_MS: u64 = 10;

/// What a figure depends on.
pub struct Machine {
    pub date: String,
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    /// Median of writing one page and syncing it, on the disk the databases lie on.
    pub sync_ms: f64,
    /// How busy the machine was just before.
    pub load: String,
}

impl Machine {
    /// Asks the machine; `dir` lies on the disk to be measured.
    pub fn ask(dir: &Path) -> Result<Self> {
        let cpu = read("/proc/cpuinfo")?;
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.and_then(|line| line.split_once(':')).map_or("unknown", |(_, name)| name.trim());
        let load = read("/proc/loadavg")?;
        Ok(Self {
            date: today(),
            cpu: model.to_owned(),
            cores: thread::available_parallelism()?.get(),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            sync_ms: sync_ms(dir)?,
            load: load.split(' ').take(2).collect::<Vec<_>>().join(" "),
        })
    }

    pub fn describe(&self) -> String {
        format!(
            "{}, {} × {}, Linux {}, one page written and synced in {:.2} ms (p50), load before {}",
            self.date, self.cores, self.cpu, self.kernel, self.sync_ms, self.load
        )
    }
}

/// The present instant.
#[allow(clippy::disallowed_methods, reason = "a measurement is dated by the machine's own clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Processor time that a process has used so far, in its own code and in the kernel for it; every thread counts.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = read(&format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold blanks; what follows it is numbered from 3 in proc(5).
    let (_, fields) = stat.rsplit_once(')').context("no name in /proc")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(ticks * TICK_MS))
}

/// Processor time that this thread has used so far.
pub fn own_cpu_time() -> Result<Duration> {
    let stat = read("/proc/thread-self/schedstat")?;
    let nanoseconds = stat.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok());
    nanoseconds.map(Duration::from_nanos).context("no time in /proc")
}

fn today() -> String {
    now().strftime("%Y-%m-%d").to_string()
}

fn sync_ms(dir: &Path) -> Result<f64> {
    let path = dir.join("sync.probe");
    let mut file = File::create(&path)?;
    let mut timings = Timings::new()?;
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&[0x5a; PAGE_BYTES])?;
        file.sync_data()?;
        timings.add(start.elapsed());
    }
    fs::remove_file(&path)?;
    Ok(timings.median_ms())
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.to_owned())
}
