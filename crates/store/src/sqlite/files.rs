//! The files of a data directory.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::backup;
use crate::Error;

/// Where things lie.
#[derive(Debug)]
pub struct Files {
    directory: PathBuf,
    /// The database.
    pub database: PathBuf,
    lock: PathBuf,
    wal: PathBuf,
}

impl Files {
    /// The files of a data directory.
    pub fn of(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            database: directory.join("gavekort.db"),
            lock: directory.join("gavekort.lock"),
            wal: directory.join("gavekort.db-wal"),
        }
    }

    /// Makes the directory, for its owner alone, where there is none.
    pub fn make_directory(&self) -> Result<(), Error> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&self.directory).map_err(|error| self.failed(&error))
    }

    /// Makes an empty database, for its owner alone, where there is none. SQLite gives the files it makes
    /// beside it the same mode.
    pub fn make_database(&self) -> Result<(), Error> {
        match backup::create_private(&self.database) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(self.failed(&error)),
            Ok(()) => backup::sync_directory_of(&self.database).map_err(|error| self.failed(&error)),
        }
    }

    /// Takes the lock of the directory, held until the file is closed. It ends with the process, however
    /// that ends.
    pub fn lock(&self) -> Result<File, Error> {
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(false).mode(0o600).open(&self.lock);
        let file = opened.map_err(|error| self.failed(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(self.directory.clone())),
            Err(TryLockError::Error(error)) => Err(self.failed(&error)),
        }
    }

    /// How large the write-ahead log is, in bytes.
    pub fn wal_bytes(&self) -> u64 {
        fs::metadata(&self.wal).map_or(0, |wal| wal.len())
    }

    fn failed(&self, error: &io::Error) -> Error {
        Error::Open(format!("{}: {error}", self.directory.display()))
    }
}
