//! The server's processes: the first one, and the one that it has for each connection and chore.

use std::fs;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Error, PATIENCE, POLL};

/// What the kernel tells of a process.
struct Told {
    state: char,
    parent: Pid,
}

fn told(pid: Pid) -> Option<Told> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat", pid = pid.as_raw_nonzero())).ok()?;
    // The name before may hold anything, brackets and blanks too.
    let (_, rest) = text.rsplit_once(')')?;
    let mut words = rest.split_whitespace();
    let state = words.next()?.chars().next()?;
    Some(Told { state, parent: Pid::from_raw(words.next()?.parse().ok()?)? })
}

/// Whether a process still does something, or may; one that has ended and waits to be reaped does not.
pub fn lives(pid: Pid) -> bool {
    told(pid).is_some_and(|told| !matches!(told.state, 'Z' | 'X'))
}

fn children(parent: Pid) -> Result<Vec<Pid>, Error> {
    let entries = fs::read_dir("/proc").map_err(Error::of("the list of processes"))?;
    let pids = entries.filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?));
    Ok(pids.filter(|pid| told(*pid).is_some_and(|told| told.parent == parent)).collect())
}

/// Stops the server where it stands, all its processes. Answers those beside the first one.
pub fn pause(server: Pid) -> Result<Vec<Pid>, Error> {
    // The first one first: then it makes no more of them.
    signal(server, Signal::STOP)?;
    until("the server stands", || told(server).is_none_or(|told| matches!(told.state, 'T' | 'Z' | 'X')))?;
    let children = children(server)?;
    children.iter().try_for_each(|child| signal(*child, Signal::STOP))?;
    Ok(children)
}

pub fn resume(server: Pid) -> Result<(), Error> {
    children(server)?.into_iter().chain([server]).try_for_each(|pid| signal(pid, Signal::CONT))
}

/// Ends all processes at once, and waits until they have.
pub fn kill(server: Pid) -> Result<(), Error> {
    let mut all = pause(server)?;
    all.push(server);
    all.iter().try_for_each(|pid| signal(*pid, Signal::KILL))?;
    until("the server's processes are gone", || !all.iter().any(|pid| lives(*pid)))
}

/// It is no fault when the process has ended.
pub fn signal(pid: Pid, signal: Signal) -> Result<(), Error> {
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(Error::of("a signal to the server")(error.into())),
    }
}

/// Asks again and again until it is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Result<(), Error> {
    let give_up_at = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() > give_up_at {
            return Err(Error::new(format!("{what}: not in {PATIENCE:?}")));
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}
