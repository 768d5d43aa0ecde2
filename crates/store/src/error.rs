//! Why a store could not do its work. A refusal by a rule is not among these: it is an answer.

use std::path::PathBuf;

/// What went wrong, without any value that was being stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The queue is full, this account's share of it is, or the deadline passed; nothing was done.
    #[error("too much is waiting; nothing was done")]
    Overloaded,
    /// A read went on for longer than one may, and was ended.
    #[error("the read took too long and was ended")]
    TookTooLong,
    /// The store cannot work at present (disk full, database away); nothing was done.
    #[error("the store cannot work at present: {0}")]
    Unavailable(String),
    /// The commit failed in a way that leaves open whether it happened.
    #[error("whether the change happened is unknown: {0}")]
    OutcomeUnknown(String),
    /// An account of this id exists.
    #[error("the account exists")]
    AccountExists,
    /// Deciding the order failed by a fault of this program; nothing of it was done.
    #[error("a fault of the program: {0}")]
    Internal(String),
    /// Another process writes to this data directory.
    #[error("{0} is in use by another gavekort process")]
    InUse(PathBuf),
    /// The database was last used by a newer program that older ones must not follow.
    #[error("the database needs gavekort {needs} or newer, this is {program}")]
    TooNew {
        /// The oldest program that may use it.
        needs: String,
        /// This program.
        program: String,
    },
    /// The database could not be opened, or its settings did not take.
    #[error("the database cannot be opened: {0}")]
    Open(String),
    /// A row holds what this program cannot have written.
    #[error("the database is damaged: {0}")]
    Damaged(String),
}
