//! Copies of the database: out while it is in use, and back in again.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::fault::{Fault, told};
use super::{connection, migrate};
use crate::Error;

/// Copies what `source` sees to a new file, verifies the copy, and only then gives it its name.
pub fn to_new_file(source: &Connection, file: &Path) -> Result<(), Error> {
    refuse_existing(file)?;
    let partial = Partial::create(file)?;
    copy(source, &partial.0)?;
    verify(&partial.0)?;
    partial.finish(file)
}

/// A file under way, beside the one it becomes, so that the last step is a rename; gone if that is not reached.
struct Partial(PathBuf);

impl Partial {
    fn create(file: &Path) -> Result<Self, Error> {
        let mut name = file.as_os_str().to_owned();
        name.push(".partial");
        let partial = PathBuf::from(name);
        // What an interrupted attempt left behind was never a copy.
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&partial, &error)),
            _ => {}
        }
        create_private(&partial).map_err(|error| failed(&partial, &error))?;
        Ok(Self(partial))
    }

    fn finish(self, file: &Path) -> Result<(), Error> {
        let synced = File::open(&self.0).and_then(|partial| partial.sync_all());
        synced.map_err(|error| failed(&self.0, &error))?;
        refuse_existing(file)?;
        fs::rename(&self.0, file).map_err(|error| failed(file, &error))?;
        sync_directory_of(file).map_err(|error| failed(file, &error))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After the rename there is nothing of this name.
        let _gone = fs::remove_file(&self.0);
    }
}

fn refuse_existing(file: &Path) -> Result<(), Error> {
    match fs::symlink_metadata(file) {
        Ok(_) => Err(Error::Open(format!("{} exists", file.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(file, &error)),
    }
}

fn failed(file: &Path, error: &io::Error) -> Error {
    Error::Unavailable(format!("{}: {error}", file.display()))
}

/// Makes an empty file that nobody else may read.
pub fn create_private(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(file).map(|_| ())
}

/// Makes a file's name as durable as its content.
pub fn sync_directory_of(file: &Path) -> io::Result<()> {
    let directory = file.parent().filter(|path| !path.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new("."))).and_then(|directory| directory.sync_all())
}

fn copy(source: &Connection, to: &Path) -> Result<(), Error> {
    let mut copy = connection::copy(to)?;
    let all_pages = -1;
    let step = |copy: &mut Connection| -> rusqlite::Result<StepResult> {
        // All in one step, which is one read of one state: the API begins anew whenever another connection has
        // written between two steps, and under load that is always.
        Backup::new(source, copy)?.step(all_pages)
    };
    match step(&mut copy).map_err(|error| Fault::from(error).into_error())? {
        StepResult::Done => {}
        _ => return Err(Error::Unavailable("the database is locked".to_owned())),
    }
    // The header came along, and says WAL; a copy is one file.
    connection::set(&copy, [("journal_mode", "delete".to_owned())])?;
    copy.close().map_err(|(_, error)| Error::Unavailable(told(&error)))
}

/// Whether a file is a whole database of this program.
pub fn verify(file: &Path) -> Result<(), Error> {
    let conn = connection::copy(file)?;
    migrate::check_current(&conn)?;
    let verdict: String = conn
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| Error::Damaged(told(&error)))?;
    if verdict != "ok" {
        return Err(Error::Damaged(format!("integrity check: {verdict}")));
    }
    let mut orphans =
        conn.prepare("PRAGMA foreign_key_check").map_err(|error| Error::Damaged(told(&error)))?;
    match orphans.exists([]) {
        Ok(false) => Ok(()),
        Ok(true) => Err(Error::Damaged("rows refer to others that are not there".to_owned())),
        Err(error) => Err(Error::Damaged(told(&error))),
    }
}

/// Copies a backup to where a store will open it.
pub fn restore(from: &Path, database: &Path) -> Result<(), Error> {
    let source = connection::reader(from, 16 * 1_024)?;
    migrate::check_current(&source)?;
    to_new_file(&source, database)?;
    // From here on it is in use, and no longer a single file that is carried about.
    let restored = connection::copy(database)?;
    connection::set(&restored, [("journal_mode", "wal".to_owned())])?;
    restored.close().map_err(|(_, error)| Error::Unavailable(told(&error)))
}
