//! Databases to measure on: two equal ones, for the server and for the floor.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags};

use crate::floor;
use crate::same;
use crate::server::Server;

/// The database within a data directory.
pub const DATABASE: &str = "gavekort.db";

/// Two copies of one data directory; dropping it removes them.
pub struct Pair {
    /// What is in them.
    pub name: String,
    dir: PathBuf,
    /// Small enough for every column to be added up.
    pub is_small: bool,
}

impl Pair {
    /// Copies a data directory that no server uses.
    pub fn of(template: &Path, dir: PathBuf, name: impl Into<String>, is_small: bool) -> Result<Self> {
        remove(&dir)?;
        let pair = Self { name: name.into(), dir, is_small };
        copy(template, &pair.server())?;
        fs::create_dir_all(pair.dir.join("floor"))?;
        copy_synced(&template.join(DATABASE), &pair.floor())?;
        Ok(pair)
    }

    /// The server's data directory.
    pub fn server(&self) -> PathBuf {
        self.dir.join("server")
    }

    /// The floor's database file.
    pub fn floor(&self) -> PathBuf {
        self.dir.join("floor").join(DATABASE)
    }

    /// Fails unless both hold as much, once the server has stopped.
    pub fn check_rows(&self) -> Result<()> {
        let open = |file: &Path| Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let (server, floor) = (open(&self.server().join(DATABASE))?, open(&self.floor())?);
        same::databases(&server, &floor, self.is_small)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // What is left over is removed by the next run.
        let _removed = remove(&self.dir);
    }
}

/// A data directory as the server's first start makes it, with the account and its client.
pub fn first_start(program: &Path, dir: &Path) -> Result<()> {
    remove(dir)?;
    fs::create_dir_all(dir.parent().context("a directory within another one")?)?;
    Server::start(program, dir).context("the first start")?.stop()
}

/// A data directory with so many cards: one that an earlier run filled, if its schema is still the program's.
pub fn filled(program: &Path, dir: &Path, empty: &Path, cards: usize, anew: bool) -> Result<PathBuf> {
    let filled = dir.join(format!("filled-{cards}"));
    // Written last, so that a filling that was cut short is done again.
    let mark = dir.join(format!("filled-{cards}.schema"));
    let schema = schema(&empty.join(DATABASE))?;
    if !anew && fs::read_to_string(&mark).is_ok_and(|kept| kept == schema) {
        println!("using {cards} cards of an earlier run");
        return Ok(filled);
    }
    println!("filling a database with {cards} cards");
    let begun = Instant::now();
    first_start(program, &filled)?;
    floor::fill(&filled.join(DATABASE), cards)?;
    fs::write(&mark, schema)?;
    println!("filled in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(filled)
}

fn schema(file: &Path) -> Result<String> {
    let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let sql = "SELECT group_concat(sql, ';' || char(10)) FROM (SELECT sql FROM sqlite_schema ORDER BY name)";
    Ok(conn.query_row(sql, [], |row| row.get(0))?)
}

/// Copies the files of a data directory, and waits until they are on the disk: dirty pages of gigabytes would
/// be written back while something is measured.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            copy_synced(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn copy_synced(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    Ok(File::open(to)?.sync_all()?)
}

/// Removes a directory, if it is there.
pub fn remove(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
