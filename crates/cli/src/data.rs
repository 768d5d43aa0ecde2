//! What lies in a data directory besides what the store keeps there.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::exit::{Exit, Failure};

/// A data directory.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

impl DataFolder {
    /// The directory, there or not.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The database, whose name is the store's.
    pub fn database(&self) -> PathBuf {
        self.0.join("gavekort.db")
    }

    /// The master key, unless it is kept elsewhere.
    pub fn master_key(&self) -> PathBuf {
        self.0.join("master.key")
    }

    /// The credentials that a first start made.
    pub fn first_client(&self) -> PathBuf {
        self.0.join("first-client.json")
    }

    /// Where a running server listens for its operator.
    pub fn socket(&self) -> PathBuf {
        self.0.join("gavekort.sock")
    }

    /// Refuses a directory without a database.
    pub fn need_database(&self) -> Result<()> {
        let missing =
            || Failure::new(Exit::NotFound, format!("there is no database in {}", self.0.display()));
        ensure!(self.database().exists(), missing());
        Ok(())
    }
}
