//! Many cards by the command line, beside a loop over the floor.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::data::Pair;
use crate::floor::{Floor, Pictures, Request};
use crate::report::{Limit, Line, Report};
use crate::server::{ACCOUNT, CLIENT_ID, CLIENT_SECRET, Server};
use crate::turns::{self, BATCH};

const SHARE_MIN: f64 = 0.6;

/// Measures `cards issue` in turns with the floor, each `turns` times, and compares the medians.
pub fn measure(report: &mut Report, program: &Path, pair: &Pair, cards: usize, turns: usize) -> Result<()> {
    let server = Server::start(program, &pair.server())?;
    let mut floor = Floor::open(&pair.floor())?;
    let (mut by_command, mut by_floor) = (Vec::new(), Vec::new());
    for turn in 0..turns {
        by_command.push(issue(program, &server, pair, cards, turn)?);
        by_floor.push(of_floor(&mut floor, cards, turn)?);
    }
    drop(floor);
    server.stop()?;
    pair.check_rows()?;
    let (by_command, by_floor) = (median(by_command), median(by_floor));
    let share = by_command / by_floor;
    let name = format!("cards issue --count {cards}");
    let limit = Limit::at_least(share, SHARE_MIN, format!("≥ {SHARE_MIN} × floor"));
    let line = Line::new(name, format!("{by_command:.0} cards/s"), limit);
    report.add(line.beside(format!("{by_floor:.0} cards/s"), share));
    Ok(())
}

/// Cards a second, from the command's start to its end.
fn issue(program: &Path, server: &Server, pair: &Pair, cards: usize, turn: usize) -> Result<f64> {
    let out = pair.server().with_file_name(format!("issued-{turn}.csv"));
    let begun = Instant::now();
    let told = Command::new(program)
        .args(["cards", "issue", "--count", &cards.to_string()])
        .args(["--prefix", &format!("ISSUE-{turn}-")])
        .arg("--out")
        .arg(&out)
        .env("GAVEKORT_URL", format!("http://{}", server.address))
        .env("GAVEKORT_ACCOUNT", ACCOUNT)
        .env("GAVEKORT_CLIENT_ID", CLIENT_ID)
        .env("GAVEKORT_CLIENT_SECRET", CLIENT_SECRET)
        .stdin(Stdio::null())
        .output()
        .context("cannot start cards issue")?;
    let took = begun.elapsed();
    ensure!(told.status.success(), "cards issue: {}", String::from_utf8_lossy(&told.stderr));
    Ok(per_second(cards, took.as_secs_f64()))
}

fn of_floor(floor: &mut Floor, cards: usize, turn: usize) -> Result<f64> {
    let begun = Instant::now();
    for batch in 0..cards / BATCH {
        let card_ids: Vec<String> =
            (0..BATCH).map(|card| format!("ISSUE-{turn}-{:06}", batch * BATCH + card)).collect();
        let body = turns::body_of(&card_ids, Pictures::None);
        let key = format!("issue-{turn}-{batch}");
        floor.batch(&Request { card_ids: &card_ids, pictures: Pictures::None, key: Some((&key, &body)) })?;
    }
    Ok(per_second(cards, begun.elapsed().as_secs_f64()))
}

fn per_second(cards: usize, seconds: f64) -> f64 {
    f64::from(u32::try_from(cards).unwrap_or(u32::MAX)) / seconds
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}
