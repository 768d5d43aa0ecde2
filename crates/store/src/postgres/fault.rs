//! What goes wrong between this crate and PostgreSQL.

use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::Error;
use crate::rows::Damaged;

/// Why a piece of work on a connection failed.
#[derive(Debug)]
pub enum Fault {
    /// PostgreSQL says so, or its connection is gone.
    Sql(tokio_postgres::Error),
    /// A row holds what this program does not write; which table and column.
    Damaged(String),
    /// The work itself answers with an error.
    Answer(Error),
    /// PostgreSQL did not answer in time; what became of the work is not known.
    Silent,
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Damaged> for Fault {
    fn from(Damaged(place): Damaged) -> Self {
        Self::Damaged(place)
    }
}

impl Fault {
    /// The answer to give for it where nothing was changed.
    pub fn into_error(self) -> Error {
        match self {
            Self::Answer(error) => error,
            Self::Damaged(place) => Error::Damaged(place),
            Self::Silent => Error::Unavailable("PostgreSQL does not answer".to_owned()),
            Self::Sql(error) => match error.code() {
                Some(&SqlState::QUERY_CANCELED) => Error::TookTooLong,
                // Others are in the way, and will not be for long.
                Some(
                    &(SqlState::LOCK_NOT_AVAILABLE
                    | SqlState::T_R_DEADLOCK_DETECTED
                    | SqlState::T_R_SERIALIZATION_FAILURE),
                ) => Error::Overloaded,
                Some(&(SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED)) => Error::Damaged(told(&error)),
                Some(code) if is_of_values(code.code()) => Error::Internal(told(&error)),
                _ => Error::Unavailable(told(&error)),
            },
        }
    }

    /// What PostgreSQL said, where it said anything.
    pub fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Sql(error) => error.code(),
            Self::Damaged(_) | Self::Answer(_) | Self::Silent => None,
        }
    }

    /// Whether the connection is of no use any more. PostgreSQL ends it with its last words, and one to a database
    /// that takes no writes any more leads to the wrong one.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Damaged(_) | Self::Answer(_) => false,
            Self::Silent => true,
            Self::Sql(error) => error.as_db_error().is_none_or(|said| {
                matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
                    || *said.code() == SqlState::READ_ONLY_SQL_TRANSACTION
            }),
        }
    }

    /// Whether the work may succeed when it is done again: somebody else was in its way.
    pub fn is_in_the_way(&self) -> bool {
        let state = self.state();
        state.is_some_and(|state| {
            [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::UNIQUE_VIOLATION]
                .contains(state)
        })
    }

    /// Whether some row was refused by this index or key, which holds such a row already.
    pub fn is_taken(&self, constraint: &str) -> bool {
        let Self::Sql(error) = self else { return false };
        let said = error.as_db_error().filter(|said| *said.code() == SqlState::UNIQUE_VIOLATION);
        said.and_then(DbError::constraint) == Some(constraint)
    }

    /// Whether the schema, or a check within a statement, refused what was to be written.
    pub fn is_refused(&self) -> bool {
        let state = self.state();
        state.is_some_and(|state| is_of_values(state.code()))
    }

    /// Whether time ran out while waiting for others, or while working.
    pub fn is_too_slow(&self) -> bool {
        let state = self.state();
        state.is_some_and(|state| [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE].contains(state))
    }
}

/// Whether a code is of those classes that blame what was sent: wrong data, a broken constraint.
fn is_of_values(code: &str) -> bool {
    code.starts_with("22") || code.starts_with("23")
}

/// What can be said of an error: the code, what an operator is to do something about, and which constraint; its
/// message and its detail may hold values.
pub fn told(error: &tokio_postgres::Error) -> String {
    let Some(said) = error.as_db_error() else {
        return if error.is_closed() {
            "the connection to PostgreSQL is closed".to_owned()
        } else {
            "the connection to PostgreSQL failed".to_owned()
        };
    };
    let place = [said.table(), said.constraint()].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let code = DbError::code(said);
    let meaning = if *code == SqlState::DISK_FULL { "(its disk is full) " } else { "" };
    format!("PostgreSQL error {} {meaning}{place}", code.code()).trim_end().to_owned()
}
