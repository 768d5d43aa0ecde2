//! System calls of a running server made to fail, by `strace`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

use crate::common::Server;

const MISSING: &str = "strace is missing or cannot be started: run `cargo xtask test`, which installs it";

/// A command whose calls fail as `fault` says from its start on; see [`Strace::attach`].
pub fn launched(command: &Command, fault: &str) -> Command {
    let calls = fault.split(':').next().expect("a call");
    let mut traced = Command::new("strace");
    // Only these calls are held up.
    traced.args([
        "-f",
        "--seccomp-bpf",
        "-o",
        "/dev/null",
        "-e",
        &format!("trace={calls}"),
        "-e",
        &format!("inject={fault}"),
    ]);
    traced.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    traced
}

/// A tracer that makes calls fail until it is dropped or the server has ended.
pub struct Strace {
    child: Child,
    seen: NamedTempFile,
}

impl Strace {
    /// Attaches to all threads of a server. `fault` says which calls fail, how and when, as
    /// `pwrite64:error=EIO:when=3`; calls are counted from here on, by each thread for itself.
    #[track_caller]
    pub fn attach(server: &Server, fault: &str) -> Self {
        let seen = NamedTempFile::new().expect("a file");
        let calls = fault.split(':').next().expect("a call");
        let mut command = Command::new("strace");
        command.args(["-f", "-a1", "-e", &format!("trace={calls}"), "-e", &format!("inject={fault}"), "-o"]);
        command.arg(seen.path()).args(["-p", &server.pid().to_string()]);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect(MISSING);
        let mut said = String::new();
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        while !said.contains("attached") {
            let count = stderr.read_line(&mut said).expect("a pipe");
            assert!(count > 0, "strace may not attach to a process of its own user: {said}");
        }
        child.stderr = Some(stderr.into_inner());
        Self { child, seen }
    }

    /// Lets calls succeed again. Answers how many it let through that succeeded, and how many it made to fail.
    pub fn detach(mut self) -> (usize, usize) {
        // It may have ended with the server.
        let _ended = kill_process(Pid::from_child(&self.child), Signal::TERM);
        self.child.wait().expect("its end");
        let seen = fs::read_to_string(self.seen.path()).expect("what strace saw");
        let failed = seen.lines().filter(|line| line.ends_with("(INJECTED)")).count();
        let succeeded = seen.lines().filter(|line| line.contains(") = ") && !line.contains("= -1 ")).count();
        (succeeded, failed)
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // What it traced goes on without it.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}
