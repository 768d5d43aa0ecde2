//! Five times what the server gets through, on a disk that is slow.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::{Ask, Desk, prepare};
use crate::data;
use crate::report::{Limit, Line, Report};
use crate::server::Server;

const SLOW_SYNC: &str = include_str!("slow_sync.c");
/// By which each sync takes longer.
const SYNC_US: &str = "20000";

/// Enough for every request that is due while the server answers late.
const TILLS_OVERLOAD: usize = 3_500;
const TIMES: f64 = 5.0;
const GOODPUT_MIN: f64 = 0.8;
const REFUSAL_MS_MAX: f64 = 50.0;
const GROWTH_MIB_MAX: f64 = 200.0;
const NORMAL_MS_MAX: f64 = 250.0;
const RECOVERY: Duration = Duration::from_secs(5);

/// Measures what is left of the server when too much is asked of it.
pub fn overload(
    report: &mut Report,
    program: &Path,
    template: &Path,
    dir: &Path,
    cards: usize,
    during: Duration,
) -> Result<()> {
    let data = dir.join("overload");
    data::remove(&data)?;
    data::copy(template, &data)?;
    let tokens: Rc<[String]> = prepare::cards(program, &data, cards)?.into();
    let ask = || Ask::Token(Rc::clone(&tokens));
    let shim = shim(dir)?;
    let preload = shim.to_str().context("a path of ASCII")?;
    let server = Server::start_with(program, &data, &[("LD_PRELOAD", preload), ("SLOW_SYNC_US", SYNC_US)])?;
    let mut crowd = Desk::at(&[&server], TILLS_OVERLOAD, 0)?;
    let warm_up = crowd.closed(ask(), 10_000)?.rate();
    let peak = crowd.at_most(ask(), warm_up, during / 3)?;
    let before = server.resident_kib()?;
    let tally = crowd.at_rate(ask(), peak * TIMES, during)?;
    let grown_kib = server.resident_peak_kib()?.saturating_sub(before);
    let after = crowd.at_rate(ask(), peak / 2.0, RECOVERY * 2)?;
    let goodput = tally.rate();
    let limit = Limit::at_least(goodput / peak, GOODPUT_MIN, format!("≥ {GOODPUT_MIN} × peak"));
    let name = format!("drawdowns at {TIMES} × the peak, syncs {SYNC_US} µs slower");
    report.add(
        Line::new(name, format!("{goodput:.0}/s"), limit).beside(format!("{peak:.0}/s"), goodput / peak),
    );
    let refused = tally.refused.p99_ms();
    let limit = Limit::at_most(refused, REFUSAL_MS_MAX, format!("≤ {REFUSAL_MS_MAX} ms"));
    report.add(Line::new("refused with 503 and Retry-After: p99", format!("{refused:.1} ms"), limit));
    let grown = f64::from(u32::try_from(grown_kib)?) / 1_024.0;
    let limit = Limit::at_most(grown, GROWTH_MIB_MAX, format!("≤ {GROWTH_MIB_MAX} MiB"));
    report.add(Line::new("memory that the overload added", format!("{grown:.0} MiB"), limit));
    let p99 = after.done.p99_ms();
    let limit = Limit::at_most(p99, NORMAL_MS_MAX, format!("≤ {NORMAL_MS_MAX} ms"));
    report.add(Line::new("half load right after it: p99", format!("{p99:.1} ms"), limit));
    report.note(format!(
        "overload: {} done and {} refused; done: median {:.1} ms, p99 {:.1} ms from the instant they were due",
        tally.done_count,
        tally.refused_count,
        tally.done.median_ms(),
        tally.done.p99_ms()
    ));
    crowd.leave();
    server.stop()?;
    data::remove(&data)
}

/// Builds what is preloaded.
fn shim(dir: &Path) -> Result<PathBuf> {
    let (source, built) = (dir.join("slow_sync.c"), dir.join("slow_sync.so"));
    std::fs::write(&source, SLOW_SYNC)?;
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-fPIC", "-shared", "-o"]).arg(&built).arg(&source);
    let status = cc.status().context("cc, a C compiler")?;
    ensure!(status.success(), "cc: {status}");
    Ok(built.canonicalize()?)
}
