//! Batches over HTTP and batches of the floor, in turns.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::data::Pair;
use crate::floor::{Floor, Pictures, Request, Steps};
use crate::http::Connection;
use crate::machine;
use crate::report::{Limit, Line, Report};
use crate::same;
use crate::server::{Server, path};
use crate::stats::Timings;

/// The most cards of one batch.
pub const BATCH: usize = 1_000;

const RATIO_MAX: f64 = 1.5;
const TAIL_MAX: f64 = 3.0;

/// A kind of batch.
#[derive(Clone, Copy)]
pub struct Case {
    pub pictures: Pictures,
    /// Whether each has an `Idempotency-Key`.
    pub keyed: bool,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    pub batches: usize,
    pub warm_up: usize,
}

/// What came out, for the server and for the floor.
pub struct Measured {
    pub server: Timings,
    pub floor: Timings,
}

impl Case {
    pub fn describe(self) -> String {
        let pictures = match self.pictures {
            Pictures::None => "no barcodes",
            Pictures::Both => "barcodes and QR codes",
        };
        format!("{pictures}{}", if self.keyed { ", Idempotency-Key" } else { "" })
    }
}

/// Measures one kind of batch on a pair of equal databases, and adds its lines.
pub fn measure(
    report: &mut Report,
    program: &Path,
    pair: &Pair,
    case: Case,
    effort: Effort,
) -> Result<Measured> {
    let server = Server::start(program, &pair.server())?;
    let mut sides = Sides {
        caller: Caller::new(&server, case)?,
        floor: Floor::open(&pair.floor())?,
        case,
        next: 0,
        server_bytes: 0,
        floor_bytes: 0,
        steps: Vec::new(),
        floor_cpu: Duration::ZERO,
    };
    sides.compare_answers()?;
    sides.round(effort.warm_up, &mut Timings::new()?, true)?;
    sides.round(effort.warm_up, &mut Timings::new()?, false)?;
    (sides.steps, sides.floor_cpu) = (Vec::new(), Duration::ZERO);
    let cpu_before = server.cpu_time()?;
    let mut measured = Measured { server: Timings::new()?, floor: Timings::new()? };
    for round in 0..effort.rounds {
        // Each goes first in turn, so that neither always follows the other's dirty pages.
        for is_servers in [round % 2 == 0, round % 2 != 0] {
            let timings = if is_servers { &mut measured.server } else { &mut measured.floor };
            sides.round(effort.batches, timings, is_servers)?;
        }
    }
    let server_cpu = server.cpu_time()? - cpu_before;
    same::within_2_percent("bytes of all answers", sides.server_bytes, sides.floor_bytes)?;
    tell(report, pair, case, &measured);
    let batches = f64::from(u32::try_from(effort.rounds * effort.batches)?);
    let each_ms = |cpu: Duration| cpu.as_secs_f64() * 1e3 / batches;
    let (server_cpu_ms, floor_cpu_ms) = (each_ms(server_cpu), each_ms(sides.floor_cpu));
    report.note(format!(
        "{}: processor time a batch: server {server_cpu_ms:.1} ms, floor {floor_cpu_ms:.1} ms; \
         steps of the floor, medians: {}",
        case.describe(),
        in_steps(&sides.steps)
    ));
    drop(sides);
    server.stop()?;
    pair.check_rows()?;
    Ok(measured)
}

fn tell(report: &mut Report, pair: &Pair, case: Case, measured: &Measured) {
    let name = format!("{}, {}", pair.name, case.describe());
    let Measured { server, floor } = measured;
    let ms = |ms: f64| format!("{ms:.1} ms");
    let lines = [
        ("median", server.median_ms(), floor.median_ms()),
        ("p90", server.p90_ms(), floor.p90_ms()),
        ("p99", server.p99_ms(), floor.p99_ms()),
    ];
    for (quantile, of_server, of_floor) in lines {
        let ratio = of_server / of_floor;
        let limit = match quantile {
            "p99" if pair.is_small => {
                Limit::at_most(of_server, TAIL_MAX * server.median_ms(), format!("≤ {TAIL_MAX} × median"))
            }
            // On a large one, the tail is the disk's: each batch changes a thousand pages that lie apart.
            "median" | "p99" => Limit::at_most(ratio, RATIO_MAX, format!("≤ {RATIO_MAX} × floor")),
            _ => None,
        };
        report
            .add(Line::new(format!("{name}: {quantile}"), ms(of_server), limit).beside(ms(of_floor), ratio));
    }
}

fn in_steps(steps: &[Steps]) -> String {
    let median = |step: fn(&Steps) -> Duration| {
        let mut all: Vec<Duration> = steps.iter().map(step).collect();
        all.sort_unstable();
        all.get(all.len() / 2).map_or(0.0, |middle| middle.as_secs_f64() * 1e3)
    };
    let parts = [
        ("codes", median(|steps| steps.codes)),
        ("hashes", median(|steps| steps.hashes)),
        ("inserts", median(|steps| steps.insert)),
        ("commit", median(|steps| steps.commit)),
        ("answer", median(|steps| steps.answer)),
    ];
    parts.map(|(name, ms)| format!("{name} {ms:.1} ms")).join(", ")
}

struct Sides {
    caller: Caller,
    floor: Floor,
    case: Case,
    next: usize,
    server_bytes: usize,
    floor_bytes: usize,
    steps: Vec<Steps>,
    floor_cpu: Duration,
}

impl Sides {
    /// Some batches of one side.
    fn round(&mut self, batches: usize, timings: &mut Timings, is_servers: bool) -> Result<()> {
        for _ in 0..batches {
            timings.add(if is_servers { self.server_batch()? } else { self.floor_batch()? });
        }
        Ok(())
    }

    fn server_batch(&mut self) -> Result<Duration> {
        let (card_ids, key) = self.next_ids();
        let body = body_of(&card_ids, self.case.pictures);
        let (took, answer) = self.caller.batch(&body, &key)?;
        self.server_bytes += answer.len();
        Ok(took)
    }

    fn floor_batch(&mut self) -> Result<Duration> {
        let (answer, steps) = self.floor_answer()?;
        self.floor_bytes += answer.len();
        self.steps.push(steps);
        Ok(steps.total())
    }

    fn floor_answer(&mut self) -> Result<(Vec<u8>, Steps)> {
        let (card_ids, key) = self.next_ids();
        let body = body_of(&card_ids, self.case.pictures);
        let key = self.case.keyed.then_some((key.as_str(), body.as_slice()));
        let cpu_before = machine::own_cpu_time()?;
        let made = self.floor.batch(&Request { card_ids: &card_ids, pictures: self.case.pictures, key });
        self.floor_cpu += machine::own_cpu_time()? - cpu_before;
        made
    }

    /// The first answers of both are taken apart.
    fn compare_answers(&mut self) -> Result<()> {
        let pictures = self.case.pictures;
        let (card_ids, key) = self.next_ids();
        let (_, answer) = self.caller.batch(&body_of(&card_ids, pictures), &key)?;
        let of_server: Value = serde_json::from_slice(answer)?;
        let (answer, _) = self.floor_answer()?;
        let of_floor: Value = serde_json::from_slice(&answer)?;
        same::shape(&of_server, &of_floor)?;
        same::check_answer(&of_server, pictures).context("the server's answer")?;
        same::check_answer(&of_floor, pictures).context("the floor's answer")
    }

    fn next_ids(&mut self) -> (Vec<String>, String) {
        self.next += 1;
        (card_ids(self.next), format!("key-{:08}", self.next))
    }
}

/// The client's ids of one batch.
pub fn card_ids(batch: usize) -> Vec<String> {
    (0..BATCH).map(|card| format!("BENCH-{batch:06}-{card:04}")).collect()
}

/// The request for a batch.
pub fn body_of(card_ids: &[String], pictures: Pictures) -> Vec<u8> {
    let cards: Vec<Value> = card_ids.iter().map(|card_id| json!({"card_id": card_id})).collect();
    let body = match pictures {
        Pictures::None => json!({"cards": cards}),
        Pictures::Both => {
            let format = json!({"barcode": true, "qr": true});
            let options = json!({"pin": {"format": format}, "card_token": {"format": format}});
            json!({"cards": cards, "options": options})
        }
    };
    body.to_string().into_bytes()
}

/// A client of the server that asks for batches.
pub struct Caller {
    connection: Connection,
    path: String,
    bearer: String,
    keyed: bool,
}

impl Caller {
    pub fn new(server: &Server, case: Case) -> Result<Self> {
        let (connection, bearer) = (server.connect()?, server.bearer()?);
        Ok(Self { connection, path: path("wallets/cards/batch"), bearer, keyed: case.keyed })
    }

    /// Asks for one, and reads the whole answer.
    pub fn batch(&mut self, body: &[u8], key: &str) -> Result<(Duration, &[u8])> {
        let headers = [("Authorization", self.bearer.as_str()), ("Idempotency-Key", key)];
        let headers = if self.keyed { &headers[..] } else { &headers[..1] };
        let answer = self.connection.post(&self.path, headers, body)?.ok()?;
        ensure!(!answer.body.is_empty(), "an empty answer");
        Ok((answer.took, answer.body))
    }
}
