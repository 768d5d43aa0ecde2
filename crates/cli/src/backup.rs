//! `gavekort backup` and `gavekort restore`: copies of the database, without the key.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::json;
use service::SystemClock;
use store::{SqliteSettings, SqliteStore, Store as _};

use crate::exit::{Exit, Failure};
use crate::output;
use crate::serve::open::told;
use crate::settings::DataFlags;

/// Which file, and of which data directory.
#[derive(clap::Args, Debug)]
pub struct BackupFlags {
    /// The backup
    file: PathBuf,
    /// Print a summary as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: DataFlags,
}

/// Copies the database to a new file, whether or not a server writes to it, and verifies the copy.
pub async fn backup(flags: BackupFlags) -> Result<()> {
    let folder = flags.data.folder(
        "this copies a data directory; copy a PostgreSQL database with pg_dump, or better with base backups and the \
         archived log, which lose nothing",
    )?;
    folder.need_database()?;
    refuse_existing(&flags.file)?;
    let path = folder.path().to_owned();
    let opening = || SqliteStore::open_read_only(&path, Arc::new(SystemClock), SqliteSettings::default());
    let store = opening().map_err(told)?;
    store.backup(&flags.file).await.map_err(told).context("the backup failed, and left no file")?;
    let bytes = fs::metadata(&flags.file)?.len();
    let file = flags.file.display();
    output::note(format!(
        "{file}: a complete and verified copy of the database, {} KiB",
        bytes.div_ceil(1_024)
    ));
    output::note(
        "The master key is not in it. Keep a copy of the key elsewhere: a backup is of no use without it.",
    );
    if flags.json { output::json(&json!({"file": flags.file, "bytes": bytes})) } else { Ok(()) }
}

/// Copies a backup into a data directory that holds no database.
pub async fn restore(flags: BackupFlags) -> Result<()> {
    let folder = flags.data.folder(
        "this fills a data directory; bring a PostgreSQL database back with pg_restore, or from a base backup and the \
         archived log",
    )?;
    if !flags.file.exists() {
        return Err(Failure::new(Exit::NotFound, format!("there is no {}", flags.file.display())).into());
    }
    refuse_existing(&folder.database())?;
    let (file, path) = (flags.file.clone(), folder.path().to_owned());
    let restoring = tokio::task::spawn_blocking(move || SqliteStore::restore(&file, &path));
    restoring.await?.map_err(told).with_context(|| format!("cannot restore {}", flags.file.display()))?;
    output::note(format!("{} holds what was backed up", folder.path().display()));
    if !folder.master_key().exists() {
        let key = folder.master_key();
        output::note(format!("Bring its master key back to {}, or set GAVEKORT_MASTER_KEY.", key.display()));
    }
    if flags.json { output::json(&json!({"data": folder.path(), "file": flags.file})) } else { Ok(()) }
}

fn refuse_existing(file: &Path) -> Result<()> {
    match fs::symlink_metadata(file) {
        Ok(_) => Err(Failure::new(Exit::Declined, format!("{} exists already", file.display())).into()),
        Err(_) => Ok(()),
    }
}
