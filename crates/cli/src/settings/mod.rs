//! Settings: each by flag, by variable or in a file, in this order, or else by default.

mod client;
mod layers;
mod server;
mod table;

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use service::Secret;

use crate::data::DataFolder;
use crate::exit::usage;
use crate::place::Place;

pub use client::ApiFlags;
pub use layers::{Effective, Given, Layers, Source};
pub use server::{Bootstrap, LogFormat, Server};
pub use table::{DEFAULT_LISTEN, Definition, Flags, Kind, SETTINGS, definition};

/// Where the data directory is, for commands that need nothing else.
#[derive(clap::Args, Debug)]
pub struct DataFlags {
    /// Data directory [env: GAVEKORT_DATA] [default: gavekort-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// PostgreSQL database that servers share, in the place of a data directory [env: GAVEKORT_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    database_url: Option<Guarded>,
    /// Settings file [env: GAVEKORT_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What the command line says and nobody is to be shown.
#[derive(Clone)]
struct Guarded(Secret);

impl From<&str> for Guarded {
    fn from(text: &str) -> Self {
        Self(Secret::new(text.to_owned()))
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl DataFlags {
    /// These and every other setting, from variables and the file.
    pub fn effective(&self) -> Result<Effective> {
        let mut flags = Flags::default();
        for (name, value) in [("data", &self.data), ("config", &self.config)] {
            if let Some(path) = value {
                flags.set(name, path.to_string_lossy());
            }
        }
        if let Some(Guarded(url)) = &self.database_url {
            flags.set("database_url", url.expose());
        }
        Layers::new(flags)?.effective()
    }

    /// Where everything is remembered.
    pub fn place(&self) -> Result<Place> {
        Ok(Server::new(&self.effective()?)?.place())
    }

    /// The data directory, for what is only done to one. `instead` says what is done to a database that servers share.
    pub fn folder(&self, instead: &str) -> Result<DataFolder> {
        match self.place()? {
            Place::Folder(folder) => Ok(folder),
            Place::Database(_) => Err(usage(instead)),
        }
    }
}
