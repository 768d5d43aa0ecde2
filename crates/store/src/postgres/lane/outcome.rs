//! What became of a transaction whose `COMMIT` was not answered.

use std::time::{Duration, Instant};

use domain::{Aid, Changes, RequestId, Timestamp, TransactionId};
use tokio_postgres::error::SqlState;

use super::query::{Query, params};
use super::{Lane, text};

/// How long the outcome is asked for, and how soon again.
const ASKED_FOR: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Names the account, so that whoever carried the transaction out is asked.
pub const STATUS: &str = "SELECT pg_xact_status($2::text::xid8) FROM api_client WHERE aid = $1 LIMIT 1";

/// A transaction of money that is there.
const TRANSACTION: &str = "SELECT FROM card_transaction WHERE aid = $1 AND id = $2";

/// A line of the audit that is there.
const LINE: &str = "SELECT FROM audit WHERE aid = $1 AND at = $2 AND request = $3 LIMIT 1";

/// Every statement of this file.
#[cfg(test)]
pub const STATEMENTS: [&str; 3] = [STATUS, TRANSACTION, LINE];

/// A row that a group writes and nobody else ever does: it is there once the group was committed.
///
/// The number of a transaction is no witness by itself. PostgreSQL forgets with a crash that it gave out a number of
/// which nothing had been synced, gives it to somebody else, and then tells how that transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// A change of money.
    Transaction(TransactionId),
    /// What else is done has a line in the audit.
    Line(Timestamp, RequestId),
    /// There is none: wrong PINs were counted, which tells nobody that something was done.
    None,
}

impl Witness {
    /// One of a group's changes.
    pub fn of(changes: &Changes) -> Self {
        match (changes.new_transactions.first(), changes.audit.first()) {
            (Some(transaction), _) => Self::Transaction(transaction.id),
            (None, Some(line)) => Self::Line(line.at, line.request),
            (None, None) => Self::None,
        }
    }

    fn query(self, aid: Aid) -> Option<Query<'static>> {
        let aid = text(aid);
        match self {
            Self::Transaction(id) => Some(Query { sql: TRANSACTION, params: params![aid, id.0] }),
            Self::Line(at, request) => {
                Some(Query { sql: LINE, params: params![aid, at.unix_ms(), request.0] })
            }
            Self::None => None,
        }
    }
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was committed, durably.
    Committed,
    /// It was not and never will be.
    Aborted,
    /// Nobody could tell in time.
    Unknown,
}

impl Lane {
    /// Asks on another connection how a transaction ended, until somebody knows.
    pub(super) async fn ending(&mut self, aid: Aid, xact: &str, witness: Witness) -> Ending {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        while began.elapsed() < ASKED_FOR {
            if let Some(ending) = self.asked(aid, xact, witness).await {
                return ending;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        Ending::Unknown
    }

    async fn asked(&mut self, aid: Aid, xact: &str, witness: Witness) -> Option<Ending> {
        let session = self.session().await.ok()?;
        // The status first: what has ended by then is seen by the statement after it, which looks at a later instant.
        let mut queries = vec![Query { sql: STATUS, params: params![text(aid), xact.to_owned()] }];
        queries.extend(witness.query(aid));
        let answers = match session.ask(&queries).await {
            Ok(answers) => answers,
            Err(fault) => {
                self.session = None;
                // A number that is still to come: PostgreSQL has forgotten with a crash that it gave it out. Had the
                // transaction been committed, it would know.
                let is_to_come = fault.state() == Some(&SqlState::INVALID_PARAMETER_VALUE);
                return is_to_come.then_some(Ending::Aborted);
            }
        };
        let status = answers.first()?.first()?.try_get::<_, Option<&str>>(0).ok()?;
        ending(status, answers.get(1).map(|rows| !rows.is_empty()))
    }
}

/// What a transaction's status and its witness say together, if they say anything.
fn ending(status: Option<&str>, is_there: Option<bool>) -> Option<Ending> {
    match (status, is_there) {
        (_, Some(true)) | (Some("committed"), None) => Some(Ending::Committed),
        (Some("committed"), Some(false)) | (Some("aborted"), _) => Some(Ending::Aborted),
        // Still in progress: the server has not noticed that the connection is gone, or is at it.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_was_given_out_again_does_not_speak_for_who_had_it_first() {
        assert_eq!(ending(Some("committed"), Some(false)), Some(Ending::Aborted));
        assert_eq!(ending(Some("aborted"), Some(false)), Some(Ending::Aborted));
        assert_eq!(ending(Some("in progress"), Some(false)), None);
        assert_eq!(ending(None, Some(false)), None);
    }

    #[test]
    fn what_is_there_was_committed() {
        for status in [Some("committed"), Some("aborted"), Some("in progress"), None] {
            assert_eq!(ending(status, Some(true)), Some(Ending::Committed), "{status:?}");
        }
        assert_eq!(ending(Some("committed"), None), Some(Ending::Committed));
        assert_eq!(ending(Some("aborted"), None), Some(Ending::Aborted));
    }
}
