//! `gavekort`: gift cards and other stored value, served and used from one program.

mod admin;
mod backup;
mod cards;
mod config;
mod data;
mod doctor;
mod exit;
mod files;
mod http;
mod init;
mod logs;
mod migrate;
mod output;
mod place;
mod quickstart;
mod random;
#[cfg(test)]
mod reference;
mod relocate;
mod serve;
mod settings;
mod verify;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::output::Style;

/// Gift cards and other stored value
#[derive(Parser, Debug)]
#[command(name = "gavekort", version, after_help = exit::HELP, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve the API until SIGTERM or Ctrl-C
    ///
    /// Once the server is ready it writes `listening on http://ADDR` to standard error. A first start makes the
    /// data directory, a master key, and either the account of the bootstrap settings or a test account whose
    /// credentials go to first-client.json in the data directory. With --database-url any number of servers share one
    /// PostgreSQL: they need no data directory, each is given the same master key (see `gavekort init`), and the
    /// first to start makes the account of the bootstrap settings. A secret comes by a variable, GAVEKORT_MASTER_KEY
    /// or GAVEKORT_BOOTSTRAP_CLIENT_SECRET, or in a file that a setting names; there is no flag for one. A
    /// database's URL that holds a password belongs there too, because other users of the machine may see flags.
    Serve(settings::Flags),
    /// Show the main job: a server, a thousand cards, one sold and spent
    Quickstart(quickstart::QuickstartFlags),
    /// Make a master key, for servers that share a database
    Init(init::InitFlags),
    /// Look at settings
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Make and list accounts, at the server's own shell
    #[command(subcommand)]
    Account(admin::AccountCommand),
    /// Make, list, rotate and delete API clients, at the server's own shell
    #[command(subcommand)]
    Client(admin::ClientCommand),
    /// Rotate the keys that sign access tokens, at the server's own shell
    #[command(subcommand)]
    Key(admin::KeyCommand),
    /// Issue, list, show and activate cards, as an API client
    #[command(subcommand)]
    Cards(cards::CardsCommand),
    /// Check an installation; changes nothing
    Doctor(doctor::DoctorFlags),
    /// Hold every card against its transactions, also while a server runs; changes nothing
    Verify(verify::VerifyFlags),
    /// Bring a PostgreSQL database to this program's schema, ahead of the servers
    Migrate(migrate::MigrateFlags),
    /// Move everything to another database, between a data directory and PostgreSQL
    ///
    /// No server may run on either meanwhile. A data directory is locked, a PostgreSQL database is marked, and a server
    /// that is started on it refuses. The target must hold nothing, or a part of the same move: one that was broken off
    /// goes on when it is called again. It ends when both sides were verified and agree; until then no server opens the
    /// target. Give a URL with a password in it by its variable, because others may see flags.
    Move(relocate::MoveFlags),
    /// Copy the database to a new file, also while a server runs
    Backup(backup::BackupFlags),
    /// Copy a backup into a data directory that holds no database
    Restore(backup::BackupFlags),
    /// Print the API's OpenAPI document
    Openapi,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(format!("{} {error:#}", Style::of_stderr().red("gavekort:")));
            ExitCode::from(exit::of(&error).code())
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Openapi => output::data(web::api::openapi()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "gavekort", &mut script);
            output::data(script)
        }
        Command::Init(flags) => init::run(flags),
        Command::Config(command) => config::run(command),
        Command::Serve(flags) => wait_for(serve::run(flags)),
        Command::Quickstart(flags) => wait_for(quickstart::run(flags)),
        Command::Account(command) => short(admin::account(command)),
        Command::Client(command) => short(admin::client(command)),
        Command::Key(command) => short(admin::key(command)),
        Command::Cards(command) => short(cards::run(command)),
        Command::Doctor(flags) => short(doctor::run(flags)),
        Command::Verify(flags) => short(verify::run(flags)),
        Command::Migrate(flags) => short(migrate::run(flags)),
        Command::Move(flags) => short(relocate::run(flags)),
        Command::Backup(flags) => short(backup::backup(flags)),
        Command::Restore(flags) => short(backup::restore(flags)),
    }
}

/// Runs what is no server and so has no settings for its log.
fn short(work: impl Future<Output = Result<()>>) -> Result<()> {
    logs::start_for_command()?;
    wait_for(work)
}

fn wait_for(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("cannot start threads")?.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
