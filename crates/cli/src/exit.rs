//! How the program ends when it does not end well.

use std::fmt;

/// An exit code with a meaning that scripts may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did not work, for a reason that the message tells.
    Failure,
    /// The command line, a setting or a value in a request is wrong.
    Usage,
    /// The server knows no such thing.
    NotFound,
    /// It exists already, or a rule of the server stands against it.
    Declined,
    /// The credentials are missing or wrong, or do not permit this.
    Auth,
    /// No server answers.
    Unreachable,
    /// Money or records do not agree with each other.
    Wrong,
    /// The server stopped because the outcome of a commit is unknown; starting it again is the cure.
    Broken,
    /// It may work later; what was done so far is kept.
    RetryLater,
}

impl Exit {
    /// The number the process ends with. Those above 64 follow `sysexits.h`.
    pub const fn code(self) -> u8 {
        match self {
            Self::Failure => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Declined => 4,
            Self::Auth => 5,
            Self::Unreachable => 6,
            Self::Wrong => 65,
            Self::Broken => 70,
            Self::RetryLater => 75,
        }
    }
}

/// The codes, as `--help` shows them.
pub const HELP: &str = "\
Exit codes:
   0  done
   1  failed, for the reason told
   2  wrong usage: a flag, a setting or a value in a request
   3  not found
   4  declined: it exists already, or a rule stands against it
   5  not authenticated, or not permitted
   6  no server answers
  65  `verify` found something wrong; see what it names
  70  the server stopped because the outcome of a commit is unknown; start it again
  75  try again later; what was done so far is kept

Data goes to standard output, everything else to standard error. NO_COLOR is respected.";

/// An error that knows the exit code it calls for. Any other error ends the program with 1.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// A failure with its message, which reads alone.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// What the process is to end with.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// Something is wrong with how the program was called.
pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Failure::new(Exit::Usage, message).into()
}

/// The exit code that an error calls for, however deep in its causes it is said.
pub fn of(error: &anyhow::Error) -> Exit {
    let said = error.chain().find_map(|cause| cause.downcast_ref::<Failure>());
    said.map_or(Exit::Failure, Failure::exit)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_failure_is_found_beneath_its_context() {
        let failed: anyhow::Result<()> = Err(Failure::new(Exit::NotFound, "no such card").into());
        let error = failed.context("cards show").expect_err("a failure");
        assert_eq!(of(&error), Exit::NotFound);
        assert_eq!(of(&anyhow::anyhow!("plain")), Exit::Failure);
    }

    #[test]
    fn the_help_names_every_code() {
        let all = [
            Exit::Failure,
            Exit::Usage,
            Exit::NotFound,
            Exit::Declined,
            Exit::Auth,
            Exit::Unreachable,
            Exit::Wrong,
            Exit::Broken,
            Exit::RetryLater,
        ];
        for exit in all {
            assert!(HELP.contains(&format!("{:4}  ", exit.code())), "{exit:?}");
        }
    }
}
