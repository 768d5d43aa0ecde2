//! What the server takes of a machine: memory, time to start, disk.

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::data::Pair;
use crate::floor::Pictures;
use crate::report::{Limit, Line, Report};
use crate::server::Server;
use crate::stats::Timings;
use crate::turns::{self, Caller, Case};

const IDLE_MIB_MAX: f64 = 40.0;
const PEAK_MIB_MAX: f64 = 250.0;
const READY_MS_MAX: f64 = 150.0;
const BINARY_MIB_MAX: f64 = 40.0;

const AT_ONCE: usize = 8;
const KIB_PER_MIB: f64 = 1_024.0;

/// Measures memory without load and under batches with pictures.
pub fn memory(
    report: &mut Report,
    program: &Path,
    pair: &Pair,
    settle: Duration,
    rounds: usize,
) -> Result<()> {
    let server = Server::start(program, &pair.server())?;
    thread::sleep(settle);
    let idle = mib(server.resident_kib()?);
    let name = format!("memory of an idle server, {} s after it is ready", settle.as_secs());
    report.add(within(name, idle, IDLE_MIB_MAX));
    flood(&server, rounds)?;
    let peak = mib(server.resident_peak_kib()?);
    let name = format!("peak memory, {rounds} rounds of {AT_ONCE} batches with pictures at once");
    report.add(within(name, peak, PEAK_MIB_MAX));
    server.stop()
}

/// Several clients, each of which sends its next batch when all have their answers.
fn flood(server: &Server, rounds: usize) -> Result<()> {
    let case = Case { pictures: Pictures::Both, keyed: false };
    let callers = (0..AT_ONCE).map(|_| Caller::new(server, case)).collect::<Result<Vec<_>>>()?;
    let together = Barrier::new(AT_ONCE);
    thread::scope(|scope| {
        let flood = |(place, mut caller): (usize, Caller)| {
            let together = &together;
            scope.spawn(move || -> Result<()> {
                let mut outcome = Ok(());
                for round in 0..rounds {
                    let body = turns::body_of(&turns::card_ids(round * AT_ONCE + place), Pictures::Both);
                    together.wait();
                    // One that failed still waits for the others, who would wait for it for ever.
                    outcome = outcome.and_then(|()| caller.batch(&body, "").map(|_| ()));
                }
                outcome
            })
        };
        let threads: Vec<_> = callers.into_iter().enumerate().map(flood).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a caller does not panic"))
    })
}

/// Measures from the start of the program to its being ready, on a database that exists.
pub fn start(
    report: &mut Report,
    program: &Path,
    pair: &Pair,
    starts: usize,
    is_limited: bool,
) -> Result<()> {
    let mut timings = Timings::new()?;
    for _ in 0..starts {
        let server = Server::start(program, &pair.server())?;
        timings.add(server.ready_after);
        server.stop()?;
    }
    let median = timings.median_ms();
    let limit = Limit::at_most(median, READY_MS_MAX, format!("≤ {READY_MS_MAX} ms")).filter(|_| is_limited);
    let name = format!("from exec to ready, {}, median of {starts}", pair.name);
    report.add(Line::new(name, format!("{median:.0} ms"), limit));
    Ok(())
}

/// Measures the program's file.
pub fn binary(report: &mut Report, program: &Path) -> Result<()> {
    let bytes = fs::metadata(program).context("the program")?.len();
    report.add(within("release binary".to_owned(), mib(bytes / 1_024), BINARY_MIB_MAX));
    Ok(())
}

fn within(name: String, mib: f64, most: f64) -> Line {
    Line::new(name, format!("{mib:.1} MiB"), Limit::at_most(mib, most, format!("≤ {most} MiB")))
}

fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / KIB_PER_MIB
}
