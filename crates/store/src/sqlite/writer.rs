//! The one connection that writes, as the committer uses it.

use std::fs::File;
use std::panic::{self, AssertUnwindSafe};

use domain::{Aid, Changes, Decision, Needs, Order, Refusal, Timestamp, decide};
use rusqlite::{Connection, ErrorCode};

use super::checkpoint::Checkpoints;
use super::fault::{Fault, told};
use super::load;
use super::persist::{self, Before};
use crate::committer::{AbortOnPanic, CommitFault, Done, Ledger, Stop};
use crate::{Error, PinChecker};

/// The columns of the one index that may refuse a row without anybody's fault.
const TOKEN_BY_MAC: &str = "card_token.aid, card_token.mac";

/// The connection, and the lock that keeps every other process from having one.
pub struct Writer {
    // Closed before the lock is let go: fields are dropped in this order.
    conn: Connection,
    checkpoints: Checkpoints,
    pin_check: PinChecker,
    _lock: File,
}

impl Writer {
    /// Takes a connection that was set up, the lock, and what compares PINs.
    pub fn new(conn: Connection, checkpoints: Checkpoints, lock: File, pin_check: PinChecker) -> Self {
        Self { conn, checkpoints, pin_check, _lock: lock }
    }

    /// Runs work that is no order, in a transaction of its own. Answers with it whether the connection can go
    /// on.
    pub fn transact<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> (Result<T, Error>, bool) {
        if let Err(error) = self.begin() {
            return (Err(error), true);
        }
        match work(&self.conn) {
            Ok(answer) => match self.commit() {
                Ok(()) => (Ok(answer), true),
                Err(CommitFault::NothingDone(error)) => (Err(error), true),
                Err(CommitFault::Unknown(error)) => (Err(error), false),
            },
            Err(fault) => match self.roll_back() {
                Ok(()) => (Err(fault.into_error()), true),
                Err(error) => (Err(error), false),
            },
        }
    }

    /// The connection, to be meddled with.
    #[cfg(test)]
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.conn
    }

    fn execute(&mut self, sql: &str) -> rusqlite::Result<()> {
        self.conn.prepare_cached(sql)?.execute([]).map(|_| ())
    }
}

impl Ledger for Writer {
    fn begin(&mut self) -> Result<(), Error> {
        self.execute("BEGIN IMMEDIATE").map_err(|error| Fault::from(error).into_error())
    }

    fn carry_out(&mut self, aid: Aid, orders: Vec<Order>, server_now: Timestamp) -> Result<Done, Stop> {
        let (decisions, before, changes) = self.decide(aid, orders, server_now)?;
        if changes.is_empty() {
            return Ok(Done { decisions, has_changes: false });
        }
        let _abort = AbortOnPanic;
        persist::changes(&self.conn, aid, &before, &changes).map_err(stop)?;
        Ok(Done { decisions, has_changes: true })
    }

    fn mark(&mut self) -> Result<(), Error> {
        self.execute("SAVEPOINT one").map_err(|error| Fault::from(error).into_error())
    }

    fn back_to_mark(&mut self) -> Result<(), Error> {
        self.execute("ROLLBACK TO one").map_err(|error| Fault::from(error).into_error())
    }

    fn commit(&mut self) -> Result<(), CommitFault> {
        let Err(error) = self.execute("COMMIT") else {
            return Ok(());
        };
        // A full disk is met while the log is written, before the frame that would make the commit count; SQLite
        // rolls back by itself, or lets it be done. Of any other failure, a sync's above all, nobody knows what
        // reached the disk: a commit that returned an error was seen to be there after a restart.
        if error.sqlite_error_code() == Some(ErrorCode::DiskFull) && self.roll_back().is_ok() {
            return Err(CommitFault::NothingDone(Error::Unavailable(told(&error))));
        }
        Err(CommitFault::Unknown(Error::OutcomeUnknown(told(&error))))
    }

    fn roll_back(&mut self) -> Result<(), Error> {
        // Some errors end the transaction by themselves.
        if self.conn.is_autocommit() {
            return Ok(());
        }
        match self.execute("ROLLBACK") {
            Err(error) if !self.conn.is_autocommit() => Err(Error::Unavailable(told(&error))),
            _ => Ok(()),
        }
    }

    fn rest(&mut self) {
        self.checkpoints.rest(&self.conn);
    }

    fn close(&mut self) {
        self.checkpoints.close(&self.conn);
    }
}

impl Writer {
    /// Nothing has been written yet when this panics, so the panic is one order's and not the process's.
    fn decide(
        &self,
        aid: Aid,
        orders: Vec<Order>,
        server_now: Timestamp,
    ) -> Result<(Vec<Decision>, Before, Changes), Stop> {
        caught(|| {
            let world = load::world(&self.conn, aid, &Needs::of(&orders), server_now).map_err(stop)?;
            let before = persist::before(&world);
            let (decisions, changes) = decide(world, orders, server_now, &*self.pin_check);
            Ok((decisions, before, changes))
        })
    }
}

/// What `work` answers, a panic being one order's fault.
fn caught<T>(work: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_panic| {
        tracing::error!("deciding an order panicked");
        Err(Stop::Order(Err(Error::Internal("deciding failed".to_owned()))))
    })
}

/// Whether a fault is one order's or everybody's.
fn stop(fault: Fault) -> Stop {
    if fault.is_taken(TOKEN_BY_MAC) {
        return Stop::Order(Ok(Err(Refusal::TokenCollision)));
    }
    let is_constraint = fault.is_constraint();
    match (fault, is_constraint) {
        (fault @ Fault::Sql(_), false) => Stop::All(fault.into_error()),
        (fault, _) => {
            let error = fault.into_error();
            tracing::error!(error = %error, "an order could not be carried out");
            Stop::Order(Err(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_while_deciding_is_the_fault_of_one_order() {
        let stopped = caught::<()>(|| panic!("on purpose"));
        assert!(matches!(stopped, Err(Stop::Order(Err(Error::Internal(_))))));
    }
}
