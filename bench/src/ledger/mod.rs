//! Money that moves: drawdowns over HTTP beside the same rows in SQLite, and beside a request that does nothing.

mod floor;
mod history;
mod overload;
mod pick;
pub mod prepare;
mod tills;

use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::data::{self, Pair};
use crate::report::{Limit, Line, Report};
use crate::server::{self, Server};
use crate::stats::median;
use floor::Floor;
use pick::ref_id;
use tills::{Requests, Tally, Tills, count};

pub use history::with_history;
pub use overload::overload;
pub use pick::{CardIds, Pick};

/// Clients at once, each with a connection of its own.
const TILLS: usize = 64;
/// Drawdowns to a commit of the floor: what the server can have gathered at most.
const GROUP: u64 = 64;

const RATIO_MIN: f64 = 0.65;
/// What is good where the load shares two cores with the server; 0.40 is the aim.
const PLAIN_MIN: f64 = 0.30;
const INFO_MIN: f64 = 0.40;
const HALF_LOAD_MS: f64 = 50.0;
const HALF_LOAD_FILLED_MS: f64 = 250.0;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub cards: usize,
    pub rounds: usize,
    /// Requests of one round.
    pub requests: u64,
    pub warm_up: u64,
    /// How long the half-load run lasts.
    pub during: Duration,
}

/// What a till asks.
pub enum Ask {
    /// To draw by a token that was scanned.
    Token(Rc<[String]>),
    /// The same, always of the first of them.
    One(Rc<[String]>),
    /// To draw by a card's id.
    CardId(CardIds),
    /// To look a card up.
    Info(Rc<[String]>),
    /// For something that needs the same bearer and nothing else.
    Plain,
}

/// The requests of one run.
struct Asking {
    ask: Ask,
    pick: Pick,
    head: String,
    first_ref: u64,
}

impl Asking {
    fn new(host: SocketAddr, bearer: &str, ask: Ask, first_ref: u64) -> Self {
        let (method, path) = match ask {
            Ask::Plain => ("GET", server::path("auth/keys")),
            Ask::Info(_) => ("POST", server::path("wallets/info")),
            Ask::Token(_) | Ask::One(_) | Ask::CardId(_) => ("POST", server::path("wallets/transactions")),
        };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {bearer}\r\n");
        Self { ask, pick: Pick::new(first_ref), head, first_ref }
    }

    fn body(&mut self, n: u64) -> Option<String> {
        let drawdown = |name: &str, value: &str| {
            let ref_id = ref_id(self.first_ref + n);
            format!(r#"{{"ref_id":"{ref_id}","amount":1,"currency":"NOK","{name}":"{value}"}}"#)
        };
        match &self.ask {
            Ask::Token(tokens) => Some(drawdown("token", &tokens[self.pick.below(tokens.len())])),
            Ask::One(tokens) => Some(drawdown("token", &tokens[0])),
            Ask::CardId(ids) => Some(drawdown("card_id", &ids.card_id(self.pick.below(ids.count)))),
            Ask::Info(tokens) => Some(format!(r#"{{"token":"{}"}}"#, tokens[self.pick.below(tokens.len())])),
            Ask::Plain => None,
        }
    }
}

impl Requests for Asking {
    fn request(&mut self, n: u64) -> Vec<u8> {
        let Some(body) = self.body(n) else {
            return format!("{}\r\n", self.head).into_bytes();
        };
        let length = body.len();
        format!("{}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}", self.head)
            .into_bytes()
    }
}

/// Tills at a server, or at several by turns; no reference is used twice.
pub struct Desk {
    host: SocketAddr,
    bearer: String,
    tills: Tills,
    asked: u64,
}

impl Desk {
    /// Opens so many tills, which go on after the n-th reference.
    pub fn at(servers: &[&Server], tills: usize, asked: u64) -> Result<Self> {
        let first = servers.first().context("a server")?;
        let addresses: Vec<SocketAddr> = servers.iter().map(|server| server.address).collect();
        let tills = Tills::open(&addresses, tills)?;
        Ok(Self { host: first.address, bearer: first.bearer()?, tills, asked })
    }

    pub fn closed(&mut self, ask: Ask, requests: u64) -> Result<Tally> {
        let asking = Asking::new(self.host, &self.bearer, ask, self.asked);
        self.asked += requests;
        self.tills.closed(asking, requests)
    }

    fn at_rate(&mut self, ask: Ask, rate: f64, during: Duration) -> Result<Tally> {
        let asking = Asking::new(self.host, &self.bearer, ask, self.asked);
        let tally = self.tills.open_loop(asking, rate, during)?;
        self.asked += tally.done_count + tally.refused_count;
        Ok(tally)
    }

    /// The most that the server gets through with these tills, asked for as long.
    pub fn at_most(&mut self, ask: Ask, guess: f64, during: Duration) -> Result<f64> {
        let requests = format!("{:.0}", guess * during.as_secs_f64()).parse()?;
        Ok(self.closed(ask, requests)?.rate())
    }

    /// Closes the tills; answers how many references were used.
    pub fn leave(self) -> u64 {
        self.asked
    }
}

/// Starts a server and opens its tills.
fn open(program: &Path, data: &Path, asked: u64) -> Result<(Server, Desk)> {
    let server = Server::start(program, data)?;
    let desk = Desk::at(&[&server], TILLS, asked)?;
    Ok((server, desk))
}

/// Closes the tills and ends the server; answers how many references were used.
fn close(server: Server, desk: Desk) -> Result<u64> {
    let asked = desk.leave();
    server.stop()?;
    Ok(asked)
}

/// Successes a second, a figure for each round.
#[derive(Default)]
struct Rates {
    drawn: Vec<f64>,
    bare: Vec<f64>,
    plain: Vec<f64>,
    looked_up: Vec<f64>,
}

/// Measures on cards that the server made itself, named by their tokens.
pub fn spread(
    report: &mut Report,
    program: &Path,
    template: &Path,
    dir: &Path,
    effort: Effort,
) -> Result<()> {
    let made = dir.join("sold");
    data::remove(&made)?;
    data::copy(template, &made)?;
    let tokens: Rc<[String]> = prepare::cards(program, &made, effort.cards)?.into();
    let pair = Pair::of(&made, dir.join("pair"), format!("{} cards", effort.cards), true)?;
    data::remove(&made)?;
    let (rates, asked) = in_turns(program, &pair, &tokens, effort)?;
    pair.check_rows()?;
    let name = format!("drawdowns, {TILLS} connections, {}", pair.name);
    let [drawn, bare, plain, looked_up] = [rates.drawn, rates.bare, rates.plain, rates.looked_up].map(median);
    report.add(beside(
        name.clone(),
        drawn,
        bare,
        Limit::at_least(drawn / bare, RATIO_MIN, told(RATIO_MIN, "floor")),
    ));
    let limit = Limit::at_least(drawn / plain, PLAIN_MIN, told(PLAIN_MIN, "plain (aim 0.4)"));
    report.add(beside(format!("{name}, to a plain endpoint"), drawn, plain, limit));
    let limit = Limit::at_least(looked_up / plain, INFO_MIN, told(INFO_MIN, "plain"));
    report.add(beside(
        format!("look-ups, {TILLS} connections, to a plain endpoint"),
        looked_up,
        plain,
        limit,
    ));
    checkpoints(report, &pair, effort)?;
    let (server, mut desk) = open(program, &pair.server(), asked)?;
    let one = desk.closed(Ask::One(Rc::clone(&tokens)), effort.requests)?.rate();
    let limit = Limit::at_least(one / drawn, 1.0, "≥ the spread figure");
    report.add(beside(format!("drawdowns, {TILLS} connections, one card"), one, drawn, limit));
    half_load(report, &mut desk, Ask::Token(tokens), drawn, (&name, HALF_LOAD_MS), effort.during)?;
    close(server, desk)?;
    Ok(())
}

fn in_turns(program: &Path, pair: &Pair, tokens: &Rc<[String]>, effort: Effort) -> Result<(Rates, u64)> {
    let mut floor = Floor::by_token(&pair.floor())?;
    let (server, mut desk) = open(program, &pair.server(), 0)?;
    let by_token = || Ask::Token(Rc::clone(tokens));
    let mut pick = Pick::new(1);
    desk.closed(by_token(), effort.warm_up)?;
    floor.draw(&mut pick, effort.warm_up, GROUP)?;
    let mut rates = Rates::default();
    for _ in 0..effort.rounds {
        rates.drawn.push(desk.closed(by_token(), effort.requests)?.rate());
        rates.bare.push(rate(effort.requests, floor.draw(&mut pick, effort.requests, GROUP)?));
        rates.plain.push(desk.closed(Ask::Plain, effort.requests)?.rate());
        rates.looked_up.push(desk.closed(Ask::Info(Rc::clone(tokens)), effort.requests)?.rate());
    }
    Ok((rates, close(server, desk)?))
}

/// Measures on the filled database, where cards are named by their ids; the server and the floor in turn on one
/// database, for two copies of it would not fit into memory together.
pub fn filled(report: &mut Report, program: &Path, data: &Path, ids: CardIds, effort: Effort) -> Result<()> {
    let mut rates = Rates::default();
    let mut pick = Pick::new(2);
    let file = data.join(data::DATABASE);
    // The references of the floor must not be the server's.
    let mut asked = 0;
    for round in 0..=effort.rounds {
        let (server, mut desk) = open(program, data, asked)?;
        let drawn = desk.closed(Ask::CardId(ids), effort.requests)?.rate();
        asked = close(server, desk)?;
        let mut floor = Floor::by_card_id(&file, ids)?;
        floor.use_references_from(asked);
        let bare = rate(effort.requests, floor.draw(&mut pick, effort.requests, GROUP)?);
        asked += effort.requests;
        // The first round warms up.
        if round > 0 {
            rates.drawn.push(drawn);
            rates.bare.push(bare);
        }
    }
    let name =
        format!("drawdowns, {TILLS} connections, {} cards, {} transactions", ids.count, history::rows(ids));
    let [drawn, bare] = [rates.drawn, rates.bare].map(median);
    report.add(beside(
        name.clone(),
        drawn,
        bare,
        Limit::at_least(drawn / bare, RATIO_MIN, told(RATIO_MIN, "floor")),
    ));
    let (server, mut desk) = open(program, data, asked)?;
    half_load(report, &mut desk, Ask::CardId(ids), drawn, (&name, HALF_LOAD_FILLED_MS), effort.during)?;
    close(server, desk)?;
    Ok(())
}

/// What checkpoints cost the floor: the same drawdowns with them and without.
fn checkpoints(report: &mut Report, pair: &Pair, effort: Effort) -> Result<()> {
    let mut floor = Floor::by_token(&pair.floor())?;
    // Not those of the rounds before.
    floor.use_references_from(1 << 40);
    let mut pick = Pick::new(3);
    let with = rate(effort.requests, floor.draw(&mut pick, effort.requests, GROUP)?);
    floor.stop_checkpoints()?;
    let without = rate(effort.requests, floor.draw(&mut pick, effort.requests, GROUP)?);
    report.note(format!(
        "the floor draws {with:.0}/s with checkpoints and {without:.0}/s while it makes none: they cost {:.0} % of it",
        (1.0 - with / without) * 100.0
    ));
    Ok(())
}

/// Latency from the instant at which each request was due, at half of what the tills got through at most.
fn half_load(
    report: &mut Report,
    desk: &mut Desk,
    ask: Ask,
    most: f64,
    (name, p99_ms_max): (&str, f64),
    during: Duration,
) -> Result<()> {
    let tally = desk.at_rate(ask, most / 2.0, during)?;
    let (median, p99) = (tally.done.median_ms(), tally.done.p99_ms());
    let limit = Limit::at_most(p99, p99_ms_max, format!("≤ {p99_ms_max} ms"));
    report.add(Line::new(format!("{name}, half load: p99"), format!("{p99:.1} ms"), limit));
    report.note(format!(
        "half load: {:.0} requests a second due, {:.0} done, {} refused; median {median:.1} ms, p99.9 {:.1} ms, \
         longest {:.1} ms",
        most / 2.0,
        tally.rate(),
        tally.refused_count,
        tally.done.p999_ms(),
        tally.done.longest_ms(),
    ));
    Ok(())
}

fn rate(requests: u64, took: Duration) -> f64 {
    count(requests) / took.as_secs_f64()
}

fn told(least: f64, of: &str) -> String {
    format!("≥ {least} × {of}")
}

fn beside(name: String, measured: f64, other: f64, limit: Option<Limit>) -> Line {
    Line::new(name, format!("{measured:.0}/s"), limit).beside(format!("{other:.0}/s"), measured / other)
}
