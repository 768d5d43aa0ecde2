//! What goes wrong between this crate and SQLite.

use rusqlite::ErrorCode;

use crate::Error;
use crate::rows::Damaged;

/// Why a piece of work on a connection failed.
#[derive(Debug)]
pub enum Fault {
    /// SQLite says so.
    Sql(rusqlite::Error),
    /// A row holds what this program does not write; which table and column.
    Damaged(String),
    /// The work itself answers with an error.
    Answer(Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
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
            Self::Sql(error) => match error.sqlite_error_code() {
                // Nothing but the watch over long reads interrupts a statement.
                Some(ErrorCode::OperationInterrupted) => Error::TookTooLong,
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Damaged(told(&error)),
                Some(ErrorCode::ConstraintViolation) => Error::Internal(told(&error)),
                _ => Error::Unavailable(told(&error)),
            },
        }
    }

    /// Whether some row was refused by the schema.
    pub fn is_constraint(&self) -> bool {
        matches!(self, Self::Sql(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation))
    }

    /// Whether it is this table's key, or this index by its columns, that holds such a row already.
    pub fn is_taken(&self, columns: &str) -> bool {
        let Self::Sql(rusqlite::Error::SqliteFailure(_, Some(message))) = self else {
            return false;
        };
        // SQLite names the columns and no value: `UNIQUE constraint failed: card_token.aid, card_token.mac`.
        message.strip_prefix("UNIQUE constraint failed: ").is_some_and(|failed| failed == columns)
    }
}

/// What can be said of an error: SQLite's own messages name tables and columns, but no values.
pub fn told(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            let message = message.as_deref().unwrap_or("no more is known");
            format!("SQLite error {}: {message}", code.extended_code)
        }
        rusqlite::Error::SqlInputError { error, .. } => format!("SQLite error {}", error.extended_code),
        other => {
            // The rest are misuses of the binding, and some of these carry values.
            let kind = format!("{other:?}");
            let name: String = kind.chars().take_while(char::is_ascii_alphanumeric).collect();
            format!("the SQLite binding failed: {name}")
        }
    }
}
