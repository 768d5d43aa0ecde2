//! The shell that has the server for a child.
//!
//! A server that is killed must be reaped, or its lock file names a process that still seems to live; and it must not
//! outlive the tests. A program cannot do the second for itself once it is killed, so a shell does both: it reads
//! its standard input, and at the end of that, which comes with the end of the program, it ends the server.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use rustix::process::Pid;

use crate::Error;
use crate::user::User;

const SCRIPT: &str = include_str!("keeper.sh");

pub struct Keeper {
    shell: Child,
    /// Absent once the shell has been told to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    /// A shell that will start this command, keep its log in the folder and remove the folder in the end.
    pub fn new<S: AsRef<OsStr>>(
        user: &User,
        folder: &Path,
        command: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let mut shell = user.command("sh", folder);
        shell.args(["-c", SCRIPT, "keeper"]).arg(folder).args(command);
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // A Ctrl-C is for the tests; the shell hears of it by their end.
        shell.process_group(0);
        let mut shell = shell.spawn().map_err(Error::of("a shell to keep the server"))?;
        let (orders, answers) = (shell.stdin.take(), shell.stdout.take());
        let answers = BufReader::new(answers.ok_or_else(|| Error::new("the shell has no output"))?);
        Ok(Self { shell, orders, answers })
    }

    /// Starts the server, and answers its process.
    pub fn start(&mut self) -> Result<Pid, Error> {
        let answer = self.ask("start")?;
        let pid = answer.parse().ok().and_then(Pid::from_raw);
        pid.ok_or_else(|| Error::new(format!("no process: {answer}")))
    }

    /// Waits for the end of the server.
    pub fn reap(&mut self) -> Result<(), Error> {
        self.ask("reap").map(drop)
    }

    fn ask(&mut self, order: &str) -> Result<String, Error> {
        let orders = self.orders.as_mut().ok_or_else(|| Error::new("the shell has ended"))?;
        writeln!(orders, "{order}").map_err(Error::of("the shell that keeps the server"))?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(Error::of("the shell that keeps the server"))?;
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        let _ended = self.shell.wait();
    }
}
