//! Why a call was not carried out.

use domain::{Refusal, Scope};

/// Every way a call can end other than well. What a client may be told of each is decided in `web`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No valid access token.
    #[error("no valid access token")]
    Unauthorized,
    /// No client of this name and secret.
    #[error("no client of this name and secret")]
    BadCredentials,
    /// A valid access token, but of another account.
    #[error("the access token is for another account")]
    OtherAccount,
    /// The caller holds none of the scopes that permit the call.
    #[error("the caller holds none of the scopes that permit the call")]
    Forbidden {
        /// Any one of these would do.
        any_of: &'static [Scope],
    },
    /// Nothing was granted to the client for this audience.
    #[error("nothing was granted to the client for this audience")]
    NoGrant,
    /// The audience names a host that is not this server.
    #[error("the audience names a host that is not this server")]
    UnknownAudience,
    /// Too many failures from this client or network.
    #[error("too many failures; wait {retry_after_seconds} s")]
    TooManyTries {
        /// Seconds to wait.
        retry_after_seconds: u32,
    },
    /// A rule stood against it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What was asked about lies ahead.
    #[error("must not lie in the future")]
    InFuture,
    /// What was asked about lies before everything that is known.
    #[error("lies before the first day that was closed")]
    BeforeRecords,
    /// An account of this id exists.
    #[error("the account exists")]
    AccountExists,
    /// A customer has more cards than are answered at once.
    #[error("there are more than {max} cards; ask for them page by page, with a limit")]
    TooManyCards {
        /// The most.
        max: u32,
    },
    /// Too much is waiting; nothing was done.
    #[error("too much is waiting; nothing was done")]
    Overloaded,
    /// A read went on for longer than one may, and was ended.
    #[error("the read took too long and was ended")]
    TookTooLong,
    /// The store cannot work at present; nothing was done.
    #[error("the store cannot work at present: {0}")]
    Unavailable(String),
    /// Whether the change happened is unknown.
    #[error("whether the change happened is unknown")]
    OutcomeUnknown,
    /// A fault of the program, logged where it happened.
    #[error("a fault of the program")]
    Internal,
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Overloaded => Self::Overloaded,
            store::Error::TookTooLong => Self::TookTooLong,
            store::Error::Unavailable(why) => Self::Unavailable(why),
            store::Error::OutcomeUnknown(why) => {
                tracing::error!(why, "the outcome of a commit is unknown");
                Self::OutcomeUnknown
            }
            store::Error::AccountExists => Self::AccountExists,
            store::Error::Internal(_)
            | store::Error::InUse(_)
            | store::Error::TooNew { .. }
            | store::Error::Open(_)
            | store::Error::Damaged(_) => {
                tracing::error!(%error, "the store failed");
                Self::Internal
            }
        }
    }
}
