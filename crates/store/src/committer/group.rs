//! One group: decided and written together, committed once; or, where one order spoils it, order by order.

use domain::{Aid, Decision, Order, Timestamp};

use crate::Error;

/// What becomes of one order.
pub type Answer = Result<Decision, Error>;

/// What carries out the groups of a committer.
pub trait Carrier: Send + 'static {
    /// Carries out a group, durably, in a transaction or several.
    fn carry_out(&mut self, accounts: Vec<(Aid, Vec<Order>)>, server_now: Timestamp) -> Outcome;

    /// Called between two groups, for what need not be done within one.
    fn rest(&mut self);

    /// Called once, after the last group.
    fn close(&mut self);
}

impl<L: Ledger> Carrier for L {
    fn carry_out(&mut self, accounts: Vec<(Aid, Vec<Order>)>, server_now: Timestamp) -> Outcome {
        carry_out(self, accounts, server_now)
    }

    fn rest(&mut self) {
        Ledger::rest(self);
    }

    fn close(&mut self) {
        Ledger::close(self);
    }
}

/// A database whose transactions can go back to a mark, and where each call is cheap: orders are carried out in it
/// one account after the other.
pub trait Ledger: Send + 'static {
    /// Begins a transaction.
    fn begin(&mut self) -> Result<(), Error>;

    /// Loads what the orders of one account need, decides them and writes the changes, within the transaction.
    fn carry_out(&mut self, aid: Aid, orders: Vec<Order>, server_now: Timestamp) -> Result<Done, Stop>;

    /// Remembers this point of the transaction.
    fn mark(&mut self) -> Result<(), Error>;

    /// Takes back everything since the last mark.
    fn back_to_mark(&mut self) -> Result<(), Error>;

    /// Makes the transaction durable.
    fn commit(&mut self) -> Result<(), CommitFault>;

    /// Ends the transaction without a trace. A failure means that the ledger cannot go on.
    fn roll_back(&mut self) -> Result<(), Error>;

    /// Called between two groups, for what need not be done within one.
    fn rest(&mut self);

    /// Called once, after the last group.
    fn close(&mut self);
}

/// Orders of one account that were carried out.
#[derive(Debug)]
pub struct Done {
    /// What became of each.
    pub decisions: Vec<Decision>,
    /// Whether anything was written.
    pub has_changes: bool,
}

/// Why orders were not carried out.
#[derive(Debug)]
pub enum Stop {
    /// One of these orders cannot be carried out; this is its answer, once it is known which one it is.
    Order(Answer),
    /// None can be at present.
    All(Error),
}

/// How a commit failed.
#[derive(Debug)]
pub enum CommitFault {
    /// For certain nothing was committed.
    NothingDone(Error),
    /// It may have been committed, or may come to be.
    Unknown(Error),
}

/// A group after its work.
#[derive(Debug)]
pub struct Outcome {
    /// The answers, in the order of the accounts and their orders.
    pub answers: Vec<Answer>,
    /// Whether anything was committed.
    pub has_committed: bool,
    /// Whether the ledger can carry out another group.
    pub is_sound: bool,
}

/// Carries out a group in one transaction.
fn carry_out(ledger: &mut impl Ledger, accounts: Vec<(Aid, Vec<Order>)>, server_now: Timestamp) -> Outcome {
    let orders = accounts.iter().map(|(_, orders)| orders.len()).sum();
    // Only a group of several needs its orders a second time, to find the one that spoiled it.
    let again = (orders > 1).then(|| accounts.clone());
    match (together(ledger, accounts, server_now), again) {
        (Ok(written), _) => finish(ledger, written),
        (Err(Stop::Order(_)), Some(again)) => match ledger.roll_back() {
            Ok(()) => one_by_one(ledger, again, server_now, orders),
            Err(error) => unsound(orders, error),
        },
        (Err(Stop::Order(answer)), None) => match ledger.roll_back() {
            Ok(()) => nothing_done(vec![answer]),
            Err(error) => unsound(orders, error),
        },
        (Err(Stop::All(error)), _) => all_failed(ledger, orders, error),
    }
}

/// Answers that wait for the commit.
struct Written {
    answers: Vec<Answer>,
    has_changes: bool,
}

fn together(
    ledger: &mut impl Ledger,
    accounts: Vec<(Aid, Vec<Order>)>,
    server_now: Timestamp,
) -> Result<Written, Stop> {
    ledger.begin().map_err(Stop::All)?;
    let mut written = Written { answers: Vec::new(), has_changes: false };
    for (aid, orders) in accounts {
        let done = ledger.carry_out(aid, orders, server_now)?;
        written.answers.extend(done.decisions.into_iter().map(Ok));
        written.has_changes |= done.has_changes;
    }
    Ok(written)
}

/// The same in one transaction still, but each order for itself: one that fails leaves nothing behind.
fn one_by_one(
    ledger: &mut impl Ledger,
    accounts: Vec<(Aid, Vec<Order>)>,
    server_now: Timestamp,
    count: usize,
) -> Outcome {
    let orders =
        accounts.into_iter().flat_map(|(aid, orders)| orders.into_iter().map(move |order| (aid, order)));
    match each(ledger, orders, server_now) {
        Ok(written) => finish(ledger, written),
        Err(error) => all_failed(ledger, count, error),
    }
}

fn each(
    ledger: &mut impl Ledger,
    orders: impl Iterator<Item = (Aid, Order)>,
    server_now: Timestamp,
) -> Result<Written, Error> {
    ledger.begin()?;
    let mut written = Written { answers: Vec::new(), has_changes: false };
    for (aid, order) in orders {
        ledger.mark()?;
        match ledger.carry_out(aid, vec![order], server_now) {
            Ok(done) => {
                written.answers.extend(done.decisions.into_iter().map(Ok));
                written.has_changes |= done.has_changes;
            }
            Err(Stop::Order(answer)) => {
                ledger.back_to_mark()?;
                written.answers.push(answer);
            }
            Err(Stop::All(error)) => return Err(error),
        }
    }
    Ok(written)
}

fn finish(ledger: &mut impl Ledger, written: Written) -> Outcome {
    let Written { answers, has_changes } = written;
    let count = answers.len();
    if !has_changes {
        // Nothing to make durable: no sync is spent on refusals and repeats.
        return match ledger.roll_back() {
            Ok(()) => nothing_done(answers),
            Err(error) => unsound(count, error),
        };
    }
    match ledger.commit() {
        Ok(()) => Outcome { answers, has_committed: true, is_sound: true },
        Err(CommitFault::NothingDone(error)) => nothing_done(same(count, &error)),
        Err(CommitFault::Unknown(error)) => unsound(count, error),
    }
}

fn all_failed(ledger: &mut impl Ledger, count: usize, error: Error) -> Outcome {
    match ledger.roll_back() {
        Ok(()) => nothing_done(same(count, &error)),
        Err(error) => unsound(count, error),
    }
}

fn nothing_done(answers: Vec<Answer>) -> Outcome {
    Outcome { answers, has_committed: false, is_sound: true }
}

fn unsound(count: usize, error: Error) -> Outcome {
    Outcome { answers: same(count, &error), has_committed: false, is_sound: false }
}

fn same(count: usize, error: &Error) -> Vec<Answer> {
    (0..count).map(|_| Err(error.clone())).collect()
}
