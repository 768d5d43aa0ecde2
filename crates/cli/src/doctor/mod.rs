//! `gavekort doctor`: what is wrong with an installation, and what to do about it. It only reads.

mod database;
mod folder;
mod shared;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::data::DataFolder;
use crate::exit::{Exit, Failure};
use crate::output::{self, Style};
use crate::place::Place;
use crate::settings::{DataFlags, Server};

/// Which installation.
#[derive(clap::Args, Debug)]
pub struct DoctorFlags {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFlags,
}

/// How a finding is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// To be looked at.
    Warning,
    /// Wrong; the server does not start, or money is at risk.
    Error,
}

/// What was looked at, and what was found.
#[derive(Debug, Serialize)]
pub struct Finding {
    check: &'static str,
    level: Level,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, message: message.into(), advice: None }
    }

    fn warning(check: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, message: message.into(), advice: Some(advice.into()) }
    }

    fn error(check: &'static str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, level: Level::Error, message: message.into(), advice: Some(advice.into()) }
    }
}

/// The command.
pub async fn run(flags: DoctorFlags) -> Result<()> {
    let settings = Server::new(&flags.data.effective()?)?;
    let (data, findings) = match settings.place() {
        Place::Folder(folder) => {
            folder.need_database()?;
            let mut findings = folder::findings(&folder);
            findings.extend(database::findings(&folder, &settings).await);
            (Some(folder), findings)
        }
        Place::Database(url) => (None, shared::findings(&url, &settings).await),
    };
    if flags.json {
        output::json(&json!({"data": data.as_ref().map(DataFolder::path), "findings": findings}))?;
    } else {
        output::data(shown(&findings))?;
    }
    let errors = findings.iter().filter(|finding| finding.level == Level::Error).count();
    if errors > 0 {
        return Err(
            Failure::new(Exit::Failure, format!("{errors} of {} checks failed", findings.len())).into()
        );
    }
    Ok(())
}

fn shown(findings: &[Finding]) -> String {
    let style = Style::of_stdout();
    let line = |finding: &Finding| {
        let mark = match finding.level {
            Level::Ok => style.green("ok     "),
            Level::Warning => style.yellow("warning"),
            Level::Error => style.red("error  "),
        };
        let advice = finding.advice.iter().map(|advice| format!("         {advice}\n")).collect::<String>();
        format!("{mark}  {:<12} {}\n{advice}", finding.check, finding.message)
    };
    findings.iter().map(line).collect()
}
