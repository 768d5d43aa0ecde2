//! What became of a transaction whose `COMMIT` was not answered.

use std::time::{Duration, Instant};

use domain::Aid;
use tokio_postgres::Row;

use super::query::{Query, params};
use super::{Lane, text};

/// How long the outcome is asked for, and how soon again.
const ASKED_FOR: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Names the account, so that whoever carried the transaction out is asked.
pub const STATUS: &str = "SELECT pg_xact_status($2::text::xid8) FROM api_client WHERE aid = $1 LIMIT 1";

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
    pub(super) async fn ending(&mut self, aid: Aid, xact: &str) -> Ending {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        while began.elapsed() < ASKED_FOR {
            if let Some(ending) = self.asked(aid, xact).await {
                return ending;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        Ending::Unknown
    }

    async fn asked(&mut self, aid: Aid, xact: &str) -> Option<Ending> {
        let session = self.session().await.ok()?;
        let query = Query { sql: STATUS, params: params![text(aid), xact.to_owned()] };
        let rows = match session.ask(&[query]).await {
            Ok(rows) => rows,
            Err(_) => {
                self.session = None;
                return None;
            }
        };
        let row: &Row = rows.first()?.first()?;
        match row.try_get::<_, Option<&str>>(0).ok()? {
            Some("committed") => Some(Ending::Committed),
            Some("aborted") => Some(Ending::Aborted),
            // Still in progress: the server has not noticed that the connection is gone, or is at it.
            _ => None,
        }
    }
}
