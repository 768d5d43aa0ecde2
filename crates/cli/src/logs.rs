//! The log: one line an event, to standard error.

use std::io;

use anyhow::Result;
use tracing_subscriber::EnvFilter;

use crate::output::Style;
use crate::settings::LogFormat;

/// What commands other than the server tell of the parts they use.
const OF_COMMANDS: &str = "warn";

/// What stays unsaid at any level: the values of statements, which PostgreSQL's client would tell at `debug`.
const NEVER: [&str; 2] = ["tokio_postgres=info", "tokio_postgres::query=info"];

/// Starts logging; once in a process.
pub fn start(format: LogFormat, level: &str) -> Result<()> {
    let mut filter = EnvFilter::try_new(level)?;
    for unsaid in NEVER {
        filter = filter.add_directive(unsaid.parse()?);
    }
    // A line that cannot be written is lost. The library would tell of it on standard error as well, and panic there:
    // a full disk of logs must not end what moves money.
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    let started = match format {
        LogFormat::Text => log.with_ansi(Style::of_stderr().is_coloured()).try_init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).try_init(),
    };
    started.map_err(|fault| anyhow::anyhow!("cannot start the log: {fault}"))
}

/// Starts logging for a command that is no server: only what went wrong.
pub fn start_for_command() -> Result<()> {
    start(LogFormat::Text, OF_COMMANDS)
}
