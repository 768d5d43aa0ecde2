//! Runs `cargo test` with its output both shown and counted.

use std::io::{self, BufRead, BufReader, PipeReader};
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::count::{Count, Tally};
use crate::context::Context;
use crate::install;

/// How long the output may stay open after cargo has ended.
const LEFT_OPEN_MAX: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(200);

pub fn run(context: &Context, long: bool) -> Result<Count> {
    let mut cargo = context.cargo();
    cargo.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    cargo.env("GAVEKORT_TEST_PYTHON", install::python_interpreter(context)?);
    // Its output is no terminal, and colours would be in the way of counting.
    cargo.env("CARGO_TERM_COLOR", "never");
    if long {
        cargo.env("GAVEKORT_TEST_LONG", "1");
    }
    // One pipe for both streams keeps their lines in order.
    let (reader, writer) = io::pipe()?;
    cargo.stdout(writer.try_clone()?).stderr(writer);
    let child = cargo.spawn().context("cannot start cargo test")?;
    // The command holds this process's ends of the pipe, which would keep it open for ever.
    drop(cargo);
    let (count, faults) = follow(child, &lines(reader))?;
    if !faults.is_empty() {
        println!("\nfailed in the suite:");
        faults.iter().for_each(|fault| println!("  {fault}"));
    }
    Ok(count)
}

fn lines(reader: PipeReader) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        // Tests may print anything, so a line need not be UTF-8.
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Shows and counts the output until it ends. A process that a test left behind holds the pipe
/// open after cargo has gone; that is a fault of the test and must not hang the run.
fn follow(mut child: Child, lines: &Receiver<String>) -> Result<(Count, Vec<String>)> {
    let mut tally = Tally::default();
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        match lines.recv_timeout(POLL) {
            Ok(line) => {
                println!("{line}");
                tally.read(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if ended.is_none() {
            ended = child.try_wait()?.map(|status| (status, Instant::now()));
        }
        if ended.is_some_and(|(_, since)| since.elapsed() > LEFT_OPEN_MAX) {
            tally.fault("a test left a process behind that still holds the output open".to_owned());
            break;
        }
    }
    let status = match ended {
        Some((status, _)) => status,
        None => child.wait()?,
    };
    Ok(tally.finish(status.success()))
}
