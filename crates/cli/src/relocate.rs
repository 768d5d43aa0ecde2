//! `gavekort move`: everything from one database to another, of either kind.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use domain::Clock as _;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value, json};
use service::{Secret, SystemClock};
use store::{MoveStep, Moved, Place};

use crate::exit::{Exit, Failure};
use crate::output;
use crate::serve::open::told;
use crate::verify;

/// From where to where.
#[derive(clap::Args, Debug)]
pub struct MoveFlags {
    /// The database to leave: sqlite:DIR or postgres://… [env: GAVEKORT_MOVE_FROM]
    #[arg(long, value_name = "PLACE", env = "GAVEKORT_MOVE_FROM", hide_env = true)]
    from: Named,
    /// The database to move to, which holds nothing yet: sqlite:DIR or postgres://… [env: GAVEKORT_MOVE_TO]
    #[arg(long, value_name = "PLACE", env = "GAVEKORT_MOVE_TO", hide_env = true)]
    to: Named,
    /// Print a summary as JSON
    #[arg(long)]
    json: bool,
}

/// A place as it was named. A URL may hold a password, so it is not printed.
#[derive(Clone)]
enum Named {
    Folder(PathBuf),
    Database(Secret),
}

impl std::str::FromStr for Named {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("sqlite", dir)) if !dir.is_empty() => Ok(Self::Folder(dir.into())),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Database(Secret::new(text.to_owned()))),
            _ => Err("must be sqlite:DIR or postgres://USER:PASSWORD@HOST/DATABASE"),
        }
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(dir) => dir.fmt(f),
            Self::Database(_) => f.write_str("postgres://…"),
        }
    }
}

impl Named {
    fn place(&self) -> Place {
        match self {
            Self::Folder(dir) => Place::Sqlite(dir.clone()),
            Self::Database(url) => Place::Postgres(url.expose().to_owned()),
        }
    }
}

/// The command.
pub async fn run(flags: MoveFlags) -> Result<()> {
    if let Named::Folder(dir) = &flags.from {
        crate::data::DataFolder::new(dir).need_database()?;
    }
    let bar = progress_bar();
    let drawn = bar.clone();
    let heard = move |step: MoveStep| draw(&drawn, step);
    let moved = store::relocate(flags.from.place(), flags.to.place(), SystemClock.now(), heard).await;
    bar.finish_and_clear();
    let moved = moved.map_err(|error| match error {
        store::Error::Damaged(what) => Failure::new(Exit::Wrong, what).into(),
        // What stands in its way stands in the way of a second attempt too.
        store::Error::Open(what) => Failure::new(Exit::Declined, what).into(),
        store::Error::Unavailable(why) => {
            let message = format!("{why}; what has arrived stays, and the same command goes on from there");
            Failure::new(Exit::RetryLater, message).into()
        }
        error => told(error),
    })?;
    if flags.json {
        return output::json(&as_json(&moved));
    }
    verify::show_totals(&moved.totals)?;
    let rows: u64 = moved.rows.iter().map(|(_, rows)| rows).sum();
    output::note(format!("{rows} rows moved, and both sides verified; they agree"));
    if matches!(flags.from, Named::Folder(_)) {
        output::note(
            "The master key is not in the database: give servers of the new one the same. The old one is as it was; \
             do not serve both.",
        );
    }
    Ok(())
}

fn as_json(moved: &Moved) -> Value {
    let rows: Map<String, Value> =
        moved.rows.iter().map(|(table, rows)| ((*table).to_owned(), json!(rows))).collect();
    json!({"rows": rows, "totals": moved.totals.iter().map(verify::total).collect::<Vec<_>>()})
}

fn progress_bar() -> ProgressBar {
    // Draws nothing where standard error is no terminal.
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {msg} {human_pos} of {human_len}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

fn draw(bar: &ProgressBar, step: MoveStep) {
    let verifying = |what: &'static str, cards| {
        bar.set_message(what);
        bar.unset_length();
        bar.set_position(cards);
    };
    match step {
        MoveStep::Copying { table, rows, of } => {
            bar.set_message(table);
            bar.set_length(of);
            bar.set_position(rows);
        }
        MoveStep::VerifyingSource(cards) => verifying("cards verified that were left", cards),
        MoveStep::VerifyingTarget(cards) => verifying("cards verified that have come", cards),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_directory_or_a_database_and_its_password_is_not_shown() {
        assert_eq!(format!("{:?}", "sqlite:data".parse::<Named>().expect("a place")), "\"data\"");
        let shown = format!("{:?}", "postgres://me:hunter2@db/cards".parse::<Named>().expect("a place"));
        assert_eq!(shown, "postgres://…");
        assert!("sqlite:".parse::<Named>().is_err() && "data".parse::<Named>().is_err());
    }
}
