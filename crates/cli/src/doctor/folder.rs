//! What can be seen of a data directory without opening the database.

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use domain::Clock as _;
use rustix::fs::Access;
use service::SystemClock;

use super::Finding;
use crate::data::DataFolder;
use crate::files;

/// Below this the next backup or checkpoint may find the disk full.
const FREE_BYTES_MIN: u64 = 1 << 30;
const FREE_BYTES_LEAST: u64 = 64 << 20;

/// A log that is not emptied has an old reader that keeps it, or a disk that does not keep up.
const WAL_BYTES_MAX: u64 = 512 << 20;

/// 2026-01-01: this program is younger.
const EARLIEST_UNIX_MS: i64 = 1_767_225_600_000;

/// A file that is younger than this many milliseconds from now was written under another clock.
const FUTURE_MS_MAX: u128 = 60_000;

pub fn findings(folder: &DataFolder) -> Vec<Finding> {
    let mut findings = vec![server(folder), directory(folder), space(folder), log(folder), clock(folder)];
    findings.extend(first_client(folder));
    findings
}

fn server(folder: &DataFolder) -> Finding {
    let running = UnixStream::connect(folder.socket()).is_ok();
    Finding::ok(
        "server",
        if running { "a server runs on this directory" } else { "no server runs on this directory" },
    )
}

fn directory(folder: &DataFolder) -> Finding {
    let check = "directory";
    for path in [folder.path(), &folder.database(), &folder.socket()] {
        match files::mode_open_to_others(path) {
            Ok(Some(mode)) => {
                let message = format!("{} is open to others (mode {mode})", path.display());
                return Finding::warning(check, message, format!("run `chmod go= {}`", path.display()));
            }
            Err(error) if path.exists() => {
                let message = format!("{}: {error}", path.display());
                return Finding::error(check, message, "run this as the user that the server runs as");
            }
            _ => {}
        }
    }
    for path in [folder.path(), &folder.database()] {
        if let Err(error) = rustix::fs::access(path, Access::WRITE_OK) {
            let message = format!("{} cannot be written: {}", path.display(), io::Error::from(error));
            let advice = "let the server's user write there, and run this as that user";
            return Finding::error(check, message, advice);
        }
    }
    Finding::ok(check, format!("{} is its owner's alone", folder.path().display()))
}

fn space(folder: &DataFolder) -> Finding {
    let check = "disk";
    let free = match rustix::fs::statvfs(folder.path()) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return Finding::warning(check, format!("free space is unknown: {error}"), "see `df`"),
    };
    let database = size(&folder.database());
    let message = format!("{} MiB free, the database has {} MiB", free >> 20, database >> 20);
    match free {
        ..FREE_BYTES_LEAST => {
            Finding::error(check, message, "make room: writes are refused when the disk is full")
        }
        _ if free < FREE_BYTES_MIN.max(database) => {
            Finding::warning(check, message, "make room for growth, and for a backup on this disk")
        }
        _ => Finding::ok(check, message),
    }
}

fn log(folder: &DataFolder) -> Finding {
    let wal = folder.database().with_extension("db-wal");
    let (check, bytes) = ("log", size(&wal));
    let message = format!("the write-ahead log has {} MiB", bytes >> 20);
    if bytes > WAL_BYTES_MAX {
        let advice = "a program that keeps the database open hinders its emptying; look for one with `lsof`";
        return Finding::warning(check, message, advice);
    }
    Finding::ok(check, message)
}

fn clock(folder: &DataFolder) -> Finding {
    let (check, now) = ("clock", SystemClock.now().unix_ms());
    let advice = "set the clock, by NTP: dates of cards and lives of tokens go by it";
    if now < EARLIEST_UNIX_MS {
        return Finding::error(check, "the clock is set to a time before this program was made", advice);
    }
    let modified = fs::metadata(folder.database()).and_then(|database| database.modified()).ok();
    let written = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let now = u128::try_from(now).unwrap_or_default();
    match written {
        Some(at) if at.as_millis() > now + FUTURE_MS_MAX => Finding::error(
            check,
            "the database was last written in what this clock takes for the future",
            advice,
        ),
        _ => Finding::ok(check, "the clock is plausible"),
    }
}

fn first_client(folder: &DataFolder) -> Option<Finding> {
    let path = folder.first_client();
    let message = format!("{} still holds the first client's secret", path.display());
    let advice = "keep the secret elsewhere and remove the file";
    path.exists().then(|| Finding::warning("credentials", message, advice))
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}
