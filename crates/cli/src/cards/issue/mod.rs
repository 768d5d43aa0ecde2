//! `gavekort cards issue`: any number of cards, in batches, into one CSV file.

mod journal;
mod plan;
mod sheet;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value, json};
use service::deadline;
use tokio::task::JoinSet;

use crate::exit::{self, Exit, Failure};
use crate::http::{Api, Call};
use crate::output;
use crate::serve::Signals;
use crate::settings::ApiFlags;
use journal::Journal;
pub use plan::Plan;
pub use sheet::Pictures;
use sheet::{Batch, Sheet, batch_rows};

/// How many batches may be ahead of the one that is written next; their answers wait in memory.
const AHEAD_MAX: u64 = 4;

/// What is asked for on the command line.
#[derive(clap::Args, Debug)]
pub struct IssueFlags {
    /// How many cards
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
    /// What every card id begins with; a number follows
    #[arg(long, value_name = "P")]
    prefix: String,
    /// The CSV file to write; must not exist, unless this command was interrupted
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The number of the first card
    #[arg(long, value_name = "N", default_value_t = 1)]
    first: u64,
    /// Cards in one call
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    batch_size: u64,
    /// Calls under way at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=64))]
    in_flight: u64,
    /// Seconds to go on trying when the server is away or overloaded
    #[arg(long, value_name = "S", default_value_t = 60)]
    patience: u64,
    /// When the cards end, such as 2030-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Print a summary as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    codes: CodeFlags,
    #[command(flatten)]
    api: ApiFlags,
}

/// How tokens and PINs are made. Without any of these a token is a random UUID behind `DINCARD:`.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Codes")]
pub struct CodeFlags {
    /// Generated characters of a token, its prefix not counted
    #[arg(long, value_name = "N")]
    length: Option<u16>,
    /// What every token begins with; empty for nothing
    #[arg(long, value_name = "P")]
    token_prefix: Option<String>,
    /// Digits in tokens
    #[arg(long)]
    numbers: bool,
    /// Letters in tokens
    #[arg(long)]
    characters: bool,
    /// Symbols in tokens
    #[arg(long)]
    symbols: bool,
    /// A Code 128 barcode of each token, as a PNG data URI in a column of its own
    #[arg(long)]
    barcode: bool,
    /// A QR code of each token, as a PNG data URI in a column of its own
    #[arg(long)]
    qr: bool,
    /// Digits of a PIN
    #[arg(long, value_name = "N")]
    pin_length: Option<u16>,
}

impl CodeFlags {
    fn options(&self) -> Value {
        let mut format = Map::new();
        if let Some(length) = self.length {
            format.insert("length".to_owned(), length.into());
        }
        if let Some(prefix) = &self.token_prefix {
            format.insert("prefix".to_owned(), prefix.clone().into());
        }
        let switches = [
            ("numbers", self.numbers),
            ("characters", self.characters),
            ("symbols", self.symbols),
            ("barcode", self.barcode),
            ("qr", self.qr),
        ];
        for (name, _) in switches.into_iter().filter(|(_, on)| *on) {
            format.insert(name.to_owned(), true.into());
        }
        let mut options = Map::new();
        options.insert("card_token".to_owned(), json!({"format": format}));
        if let Some(length) = self.pin_length {
            options.insert("pin".to_owned(), json!({"format": {"length": length}}));
        }
        Value::Object(options)
    }
}

/// How a plan is carried out.
pub struct Manner {
    /// Calls under way at the same time.
    pub in_flight: u64,
    /// How long to go on trying.
    pub patience: Duration,
    /// Whether to show how far it is.
    pub progress: bool,
}

/// What became of it.
#[derive(serde::Serialize)]
pub struct Issued {
    cards: u64,
    file: PathBuf,
    resumed: bool,
    /// From the first call to the last row on disk.
    pub seconds: f64,
}

/// The command. Interrupted, it says how to go on; killed, it can go on just so.
pub async fn run(flags: IssueFlags) -> Result<()> {
    let api = flags.api.api()?;
    let plan = Plan {
        url: api.base().to_owned(),
        account: api.account().to_owned(),
        client_id: api.client_id().to_owned(),
        prefix: flags.prefix,
        first: flags.first,
        count: flags.count,
        batch_size: flags.batch_size,
        options: flags.codes.options(),
        expires_at: flags.expires_at,
    };
    let patience = Duration::from_secs(flags.patience);
    let manner = Manner { in_flight: flags.in_flight, patience, progress: true };
    let mut signals = Signals::new()?;
    let issued = tokio::select! {
        issued = issue(&api, plan, &flags.out, &manner) => issued,
        name = signals.next() => Err(Failure::new(Exit::RetryLater, format!("stopped by {name}")).into()),
    };
    let issued = issued.map_err(|error| match exit::of(&error) {
        Exit::RetryLater => {
            Failure::new(Exit::RetryLater, format!("{error:#}; the same command goes on where it stopped"))
                .into()
        }
        _ => error,
    })?;
    output::note(format!("{} cards in {}", issued.cards, issued.file.display()));
    if flags.json { output::json(&issued) } else { Ok(()) }
}

/// Makes every card of a plan and writes their rows, going on where an earlier run stopped.
pub async fn issue(api: &Api, plan: Plan, out: &Path, manner: &Manner) -> Result<Issued> {
    plan.check()?;
    let found = Journal::find(out, &plan)?;
    if found.is_none() && fs::symlink_metadata(out).is_ok() {
        let exists = format!("{} exists, and no interrupted run belongs to it", out.display());
        return Err(Failure::new(Exit::Declined, exists).into());
    }
    // Before anything is left behind: wrong credentials would be the end of it.
    api.authenticate().await?;
    let began = deadline(Duration::ZERO);
    let resumed = found.is_some();
    let journal = match found {
        Some(journal) => journal,
        None => Journal::begin(out, &plan)?,
    };
    let pictures = Pictures::of(&plan);
    let (journal, sheet) = sheet_of(journal, out, pictures)?;
    let progress = progress_bar(&plan, journal.done, manner.progress);
    let work = Work { api: api.clone(), plan: Arc::new(plan), pictures, patience: manner.patience };
    let done = work.run(journal, sheet, manner.in_flight, &progress).await;
    progress.finish_and_clear();
    done?;
    let (cards, file) = (work.plan.count, out.to_owned());
    Ok(Issued { cards, file, resumed, seconds: began.elapsed().as_secs_f64() })
}

/// The output with just the rows that the journal knows of. Where some of these are gone, all are asked for
/// again: for a day the server gives the same answers.
fn sheet_of(mut journal: Journal, out: &Path, pictures: Pictures) -> Result<(Journal, Sheet)> {
    if let Some(sheet) = Sheet::reopen(out, journal.rows_end)? {
        return Ok((journal, sheet));
    }
    journal.start_over()?;
    if fs::symlink_metadata(out).is_ok() {
        fs::remove_file(out).with_context(|| format!("cannot begin {} anew", out.display()))?;
    }
    Ok((journal, Sheet::create(out, pictures)?))
}

impl Pictures {
    fn of(plan: &Plan) -> Self {
        let on = |name: &str| plan.options["card_token"]["format"][name] == true;
        Self { barcode: on("barcode"), qr: on("qr") }
    }
}

struct Work {
    api: Api,
    plan: Arc<Plan>,
    pictures: Pictures,
    patience: Duration,
}

impl Work {
    /// Batches are asked for side by side and written one after the other.
    async fn run(
        &self,
        mut journal: Journal,
        mut sheet: Sheet,
        in_flight: u64,
        progress: &ProgressBar,
    ) -> Result<()> {
        let batches = self.plan.batches();
        let mut calls = JoinSet::new();
        let mut waiting = BTreeMap::new();
        let mut next = journal.done;
        while journal.done < batches {
            let ahead_max = in_flight.saturating_add(AHEAD_MAX);
            while next < batches && next - journal.done < ahead_max && (calls.len() as u64) < in_flight {
                calls.spawn(self.ask(next, journal.idempotency_key(next)));
                next += 1;
            }
            let answered = calls.join_next().await.context("no call is under way")??;
            let (batch, rows) = answered?;
            waiting.insert(batch, rows);
            while let Some(rows) = waiting.remove(&journal.done) {
                progress.inc(self.plan.numbers(journal.done).count() as u64);
                journal.note_done(sheet.append(&rows)?)?;
            }
        }
        journal.finish()
    }

    fn ask(&self, batch: u64, key: String) -> impl Future<Output = Result<(u64, Vec<u8>)>> + use<> {
        let (api, plan) = (self.api.clone(), self.plan.clone());
        let (pictures, patience) = (self.pictures, self.patience);
        async move {
            let path = ["v1", "accounts", api.account(), "wallets", "cards", "batch"];
            let call = Call::post(path, plan.body(batch)).header("idempotency-key", key);
            let answer = api.send_safely(&call, patience).await?;
            let cards: Batch = answer.read().with_context(|| fault_of(&plan, batch, answer.status))?;
            Ok((batch, batch_rows(&plan, pictures, batch, cards)?))
        }
    }
}

/// What to make of a batch that was refused.
fn fault_of(plan: &Plan, batch: u64, status: u16) -> String {
    let numbers = plan.numbers(batch);
    let (first, last) = (plan.card_id(numbers.start), plan.card_id(numbers.end.saturating_sub(1)));
    let hint = match status {
        409 => {
            "; these ids are taken. If an interrupted run made them more than a day ago, their codes can no longer \
             be had: choose another --prefix or --first"
        }
        _ => "",
    };
    format!("cards {first} to {last}{hint}")
}

fn progress_bar(plan: &Plan, done: u64, shown: bool) -> ProgressBar {
    // Draws nothing where standard error is no terminal.
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(plan.count), target);
    let form = "{bar:40} {human_pos} of {human_len} cards, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    bar.set_position((done * plan.batch_size).min(plan.count));
    bar
}
