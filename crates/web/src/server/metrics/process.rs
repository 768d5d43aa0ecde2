//! Figures of the process itself, from where Linux keeps them. Elsewhere they are absent.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::figures::{gauge, put};

/// Ticks of the clock in which Linux tells times to programs; the same on all its architectures.
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads the figures at each scrape, under the names that Prometheus gives them everywhere.
#[derive(Debug)]
pub struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let seconds = Some(&Unit::Seconds);
        if let Some(bytes) = resident_bytes() {
            let help = "Memory that the process holds.";
            put(&mut encoder, "process_resident_memory", help, Some(&Unit::Bytes), &gauge(bytes))?;
        }
        if let Some(open) = descriptors_open() {
            put(&mut encoder, "process_open_fds", "Open file descriptors.", None, &gauge(open))?;
        }
        if let Some(max) = descriptors_max() {
            put(&mut encoder, "process_max_fds", "File descriptors it may open.", None, &gauge(max))?;
        }
        let Some(times) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(times) else {
            return Ok(());
        };
        let cpu = ConstCounter::new(times.cpu_seconds);
        put(&mut encoder, "process_cpu", "Processor time used.", seconds, &cpu)?;
        if let Some(booted) = boot_seconds() {
            let started = ConstGauge::new(booted + times.start_seconds);
            put(&mut encoder, "process_start_time", "Start, since the epoch.", seconds, &started)?;
        }
        Ok(())
    }
}

/// How many files and sockets the process may have open; unknown where the system does not say, or sets no bound.
/// A listener's [`Limits::connections_max`](crate::server::Limits::connections_max) must stay below it.
pub fn descriptors_max() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn descriptors_open() -> Option<u64> {
    // One of them is the one that reads this folder.
    let open = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    u64::try_from(open).ok()
}

/// From `status`, which tells kilobytes; `statm` tells pages, whose size it keeps to itself.
fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[derive(Debug, PartialEq)]
struct Times {
    /// In user and kernel mode together.
    cpu_seconds: f64,
    /// When the process began, counted from the start of the system.
    start_seconds: f64,
}

/// Fields 14, 15 and 22 of proc_pid_stat(5). The second field is a name in brackets and may hold anything.
fn times(stat: &str) -> Option<Times> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let seconds = |field: usize| Some(fields.get(field - 3)?.parse::<f64>().ok()? / TICKS_PER_SECOND);
    Some(Times { cpu_seconds: seconds(14)? + seconds(15)?, start_seconds: seconds(22)? })
}

fn boot_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_a_name_with_brackets_and_blanks() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 12345 1000 200";
        assert_eq!(times(stat), Some(Times { cpu_seconds: 3.0, start_seconds: 123.45 }));
        assert_eq!(times("7 (a) S 1"), None);
        assert_eq!(times(""), None);
    }

    #[test]
    fn this_process_has_figures() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1024 * 1024));
        assert!(descriptors_open().is_some_and(|open| open >= 3));
        assert!(boot_seconds().is_some_and(|seconds| seconds > 1.6e9));
    }
}
