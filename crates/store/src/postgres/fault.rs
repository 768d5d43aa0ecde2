//! What goes wrong between this crate and PostgreSQL.

use tokio_postgres::error::{DbError, SqlState};

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
            Self::Sql(error) => match error.code() {
                Some(&SqlState::QUERY_CANCELED) => Error::TookTooLong,
                Some(&(SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED)) => Error::Damaged(told(&error)),
                Some(code) if code.code().starts_with("23") => Error::Internal(told(&error)),
                _ => Error::Unavailable(told(&error)),
            },
        }
    }

    /// What PostgreSQL said, where it said anything.
    pub fn state(&self) -> Option<&SqlState> {
        match self {
            Self::Sql(error) => error.code(),
            Self::Damaged(_) | Self::Answer(_) => None,
        }
    }
}

/// What can be said of an error: the code, and which constraint; its message and its detail may hold values.
pub fn told(error: &tokio_postgres::Error) -> String {
    let Some(said) = error.as_db_error() else {
        return if error.is_closed() {
            "the connection to PostgreSQL is closed".to_owned()
        } else {
            "the connection to PostgreSQL failed".to_owned()
        };
    };
    let place = [said.table(), said.constraint()].into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!("PostgreSQL error {} {place}", DbError::code(said).code()).trim_end().to_owned()
}
