//! Settings: each by flag, by variable or in a file, in this order, or else by default.

mod client;
mod layers;
mod server;
mod table;

use std::path::PathBuf;

use anyhow::Result;

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
    /// Settings file [env: GAVEKORT_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
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
        Layers::new(flags)?.effective()
    }

    /// The data directory.
    pub fn folder(&self) -> Result<PathBuf> {
        server::data_folder(&self.effective()?)
    }
}
