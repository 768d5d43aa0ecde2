//! Figures beside their limits, as lines to print and as a page to keep.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::machine::Machine;

/// The page is written by hand above this line, and by the program below it.
const MARKER: &str = "<!-- Everything below is written by `cargo xtask bench --write`. -->";

/// One figure.
pub struct Line {
    pub name: String,
    pub measured: String,
    /// What the same takes without HTTP and rules.
    pub floor: Option<String>,
    /// Measured to floor, or to whatever else the limit names.
    pub ratio: Option<f64>,
    pub limit: Option<Limit>,
}

/// What a figure is held against.
pub struct Limit {
    pub told: String,
    pub is_kept: bool,
}

/// All lines of a run.
#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
    notes: Vec<String>,
}

impl Limit {
    /// Not more than this.
    pub fn at_most(value: f64, most: f64, told: impl Into<String>) -> Option<Self> {
        Some(Self { told: told.into(), is_kept: value <= most })
    }

    /// Not less than this.
    pub fn at_least(value: f64, least: f64, told: impl Into<String>) -> Option<Self> {
        Some(Self { told: told.into(), is_kept: value >= least })
    }
}

impl Line {
    /// A figure that stands by itself.
    pub fn new(name: impl Into<String>, measured: impl Into<String>, limit: Option<Limit>) -> Self {
        Self { name: name.into(), measured: measured.into(), floor: None, ratio: None, limit }
    }

    /// A figure beside its floor.
    #[must_use]
    pub fn beside(self, floor: impl Into<String>, ratio: f64) -> Self {
        Self { floor: Some(floor.into()), ratio: Some(ratio), ..self }
    }

    fn cells(&self) -> [String; 6] {
        let limit = self.limit.as_ref();
        [
            self.name.clone(),
            self.measured.clone(),
            self.floor.clone().unwrap_or_default(),
            self.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            limit.map(|limit| limit.told.clone()).unwrap_or_default(),
            limit.map_or("", |limit| if limit.is_kept { "ok" } else { "MISS" }).to_owned(),
        ]
    }
}

impl Report {
    /// Prints a line at once, and keeps it.
    pub fn add(&mut self, line: Line) {
        let [name, measured, floor, ratio, limit, verdict] = line.cells();
        let floor = if floor.is_empty() { floor } else { format!("floor {floor}") };
        let ratio = if ratio.is_empty() { ratio } else { format!("ratio {ratio}") };
        println!("{name:58} {measured:>14}  {floor:20} {ratio:12} {limit:22} {verdict}");
        self.lines.push(line);
    }

    /// Prints and keeps what explains the lines.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        println!("    {note}");
        self.notes.push(note);
    }

    /// Tells in the end what missed its limit.
    pub fn conclude(&self) {
        let is_missed = |line: &&Line| line.limit.as_ref().is_some_and(|limit| !limit.is_kept);
        let missed: Vec<&Line> = self.lines.iter().filter(is_missed).collect();
        println!();
        if missed.is_empty() {
            println!("every limit is kept");
        }
        for line in missed {
            let [name, measured, floor, ratio, limit, verdict] = line.cells();
            println!("{verdict}: {name}: {measured} (floor {floor}, ratio {ratio}), limit {limit}");
        }
    }

    /// Writes the page anew below its marker.
    pub fn write(&self, page: &Path, machine: &Machine, how: &str) -> Result<()> {
        let old = fs::read_to_string(page).with_context(|| page.display().to_string())?;
        let (by_hand, _) = old.split_once(MARKER).with_context(|| format!("no line {MARKER} in the page"))?;
        let mut new = format!("{by_hand}{MARKER}\n\n## Last run\n\n{}\n\n{how}\n\n", machine.describe());
        new.push_str("| figure | measured | floor | ratio | limit | |\n|---|---|---|---|---|---|\n");
        for line in &self.lines {
            new.push_str(&format!("| {} |\n", line.cells().join(" | ")));
        }
        if !self.notes.is_empty() {
            new.push('\n');
        }
        for note in &self.notes {
            new.push_str(&format!("- {note}\n"));
        }
        fs::write(page, new).with_context(|| page.display().to_string())
    }
}
