//! `gavekort init`: a master key in a file, for servers that share a database.

use std::io;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::json;
use service::{MasterKey, Secret, SystemRandom};

use crate::exit::{Exit, Failure};
use crate::{files, output};

/// Where to.
#[derive(clap::Args, Debug)]
pub struct InitFlags {
    /// The file to make, readable for its owner alone; the one that is there is never overwritten
    file: PathBuf,
    /// Print the file's name as JSON
    #[arg(long)]
    json: bool,
}

/// The command.
pub fn run(flags: InitFlags) -> Result<()> {
    let key = MasterKey::generate(&SystemRandom);
    let line = Secret::new(format!("{}\n", *key.to_base64()));
    let name = flags.file.display();
    match files::write_private_new(&flags.file, line.expose().as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Failure::new(Exit::Declined, format!("{name} exists already")))?
        }
        made => made.with_context(|| format!("cannot write {name}"))?,
    }
    output::note(format!("{name}: a new master key"));
    output::note(
        "Give it to every server on the database, as GAVEKORT_MASTER_KEY_FILE or GAVEKORT_MASTER_KEY.",
    );
    output::note("Keep a copy elsewhere: without it no token, PIN or secret in the database can be checked.");
    if flags.json { output::json(&json!({"file": flags.file})) } else { Ok(()) }
}
