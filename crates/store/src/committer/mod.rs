//! The one place where a store is written: a thread of its own, behind a bounded queue.
//!
//! While one group is being committed, the next gathers; so one sync serves everybody who came meanwhile. What was
//! accepted is carried out, whether its caller still listens or not.

mod gathering;
mod group;
mod queue;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use domain::{Aid, Clock, Command, Order};
use tokio::sync::{oneshot, watch};

use gathering::Gathering;
pub(crate) use group::{Answer, Carrier, CommitFault, Done, Ledger, Outcome, Stop};
pub use queue::Limits;
use queue::{Queue, Waiting};

use crate::Error;

/// The most jobs that wait. They are rare: an operator's, or one a minute.
const JOBS_MAX: usize = 256;

/// Work on the ledger that is not an order; answers whether the ledger can go on.
type Job<L> = Box<dyn FnOnce(&mut L) -> bool + Send>;

/// The thread that writes, and what waits for it.
pub(crate) struct Committer<L> {
    shared: Arc<Shared<L>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared<L> {
    state: Mutex<State<L>>,
    wake: Condvar,
    has_failed: watch::Sender<bool>,
    commits: AtomicU64,
    orders: AtomicU64,
}

struct State<L> {
    queue: Queue<Pending>,
    jobs: VecDeque<Job<L>>,
    stage: Stage,
    gathering: Gathering,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// Takes nothing new, and ends when nothing waits.
    Closing,
    /// A commit had an unknown outcome, so what the database holds is unknown: nothing is built on it.
    Failed,
}

struct Pending {
    order: Order,
    answer: oneshot::Sender<Answer>,
}

/// What the thread does next.
enum Work<L> {
    Group(queue::Group<Pending>),
    Job(Job<L>),
    End,
}

impl<L: Carrier> Committer<L> {
    /// Starts the thread.
    pub fn start(ledger: L, clock: Arc<dyn Clock>, limits: Limits) -> std::io::Result<Self> {
        let state = State {
            queue: Queue::new(limits),
            jobs: VecDeque::new(),
            stage: Stage::Open,
            gathering: Gathering::new(limits.patience, Instant::now()),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            wake: Condvar::new(),
            has_failed: watch::Sender::new(false),
            commits: AtomicU64::new(0),
            orders: AtomicU64::new(0),
        });
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("committer".to_owned())
            .spawn(move || of_thread.run(ledger, &*clock))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Lets an order wait for its turn; what is received is its answer.
    pub fn submit(
        &self,
        aid: Aid,
        order: Order,
        deadline: Instant,
    ) -> Result<oneshot::Receiver<Answer>, Error> {
        if deadline <= Instant::now() {
            return Err(Error::Overloaded);
        }
        let (answer, receiver) = oneshot::channel();
        let (rows, is_bulk) = size(&order.command);
        let waiting = Waiting { rows, is_bulk, deadline, item: Pending { order, answer } };
        let mut state = self.shared.state();
        state.stage.check()?;
        state.queue.push(aid, waiting).map_err(|_| Error::Overloaded)?;
        // While it waits for more than these, the thread looks again by itself.
        let is_whole = state.still_gathers().is_none();
        drop(state);
        if is_whole {
            self.shared.wake.notify_one();
        }
        Ok(receiver)
    }

    /// Lets work that is no order wait for its turn.
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut L) -> (Result<T, Error>, bool) + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T, Error>>, Error> {
        let (sender, receiver) = oneshot::channel();
        let job: Job<L> = Box::new(move |ledger| {
            let (answer, is_sound) = job(ledger);
            // Nobody may be listening any more; the work is done all the same.
            let _unheard = sender.send(answer);
            is_sound
        });
        let mut state = self.shared.state();
        state.stage.check()?;
        if state.jobs.len() >= JOBS_MAX {
            return Err(Error::Overloaded);
        }
        state.jobs.push_back(job);
        drop(state);
        self.shared.wake.notify_one();
        Ok(receiver)
    }

    /// Becomes true when a commit had an unknown outcome, after which nothing is written any more.
    pub fn has_failed(&self) -> watch::Receiver<bool> {
        self.shared.has_failed.subscribe()
    }

    /// Fails where a commit had an unknown outcome.
    pub fn check_sound(&self) -> Result<(), Error> {
        match self.shared.state().stage {
            Stage::Failed => Err(failed()),
            Stage::Open | Stage::Closing => Ok(()),
        }
    }

    /// Fails where no order would be taken.
    pub fn check_open(&self) -> Result<(), Error> {
        self.shared.state().stage.check()
    }

    /// Orders that wait.
    pub fn queued(&self) -> usize {
        self.shared.state().queue.len()
    }

    /// Groups committed, and orders answered from one.
    pub fn totals(&self) -> (u64, u64) {
        let commits = self.shared.commits.load(Ordering::Relaxed);
        (commits, self.shared.orders.load(Ordering::Relaxed))
    }
}

impl<L> Committer<L> {
    /// Takes nothing new, carries out what was accepted, and returns when the thread has ended.
    pub fn close(&self) {
        let mut state = self.shared.state();
        if state.stage == Stage::Open {
            state.stage = Stage::Closing;
        }
        drop(state);
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The thread does not end by a panic: that aborts the process.
        let _ended = thread.map(JoinHandle::join);
    }
}

impl<L> Drop for Committer<L> {
    fn drop(&mut self) {
        self.close();
    }
}

impl Stage {
    fn check(self) -> Result<(), Error> {
        match self {
            Self::Open => Ok(()),
            Self::Closing => Err(Error::Unavailable("the store is closing".to_owned())),
            Self::Failed => Err(failed()),
        }
    }
}

fn failed() -> Error {
    Error::Unavailable("a commit had an unknown outcome; the program must be started again".to_owned())
}

impl<L> Shared<L> {
    fn state(&self) -> MutexGuard<'_, State<L>> {
        // Nothing panics while it holds the lock; were it so, the state would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L> State<L> {
    /// How long the thread still waits for more orders to come.
    fn still_gathers(&self) -> Option<Duration> {
        if self.stage == Stage::Open { self.gathering.wait(self.queue.len(), Instant::now()) } else { None }
    }
}

impl<L: Carrier> Shared<L> {
    fn run(&self, mut ledger: L, clock: &dyn Clock) {
        let _abort = AbortOnPanic;
        loop {
            let is_sound = match self.next() {
                Work::Group(group) => self.commit(&mut ledger, clock, group),
                Work::Job(job) => job(&mut ledger),
                Work::End => break,
            };
            if !is_sound {
                return self.fail();
            }
            ledger.rest();
        }
        ledger.close();
    }

    fn next(&self) -> Work<L> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Work::Job(job);
            }
            if let Some(left) = state.still_gathers() {
                state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            if let Some(group) = state.queue.next_group(Instant::now()) {
                return Work::Group(group);
            }
            if state.stage != Stage::Open {
                return Work::End;
            }
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn commit(&self, ledger: &mut L, clock: &dyn Clock, group: queue::Group<Pending>) -> bool {
        answer(group.given_up.into_iter().map(|pending| (pending.answer, Err(Error::Overloaded))));
        let mut listeners = Vec::new();
        let mut accounts = Vec::with_capacity(group.accounts.len());
        for (aid, pending) in group.accounts {
            let (orders, senders): (Vec<_>, Vec<_>) =
                pending.into_iter().map(|pending| (pending.order, pending.answer)).unzip();
            listeners.extend(senders);
            accounts.push((aid, orders));
        }
        if listeners.is_empty() {
            return true;
        }
        let outcome = ledger.carry_out(accounts, clock.now());
        if outcome.has_committed {
            self.commits.fetch_add(1, Ordering::Relaxed);
            let orders = u64::try_from(listeners.len()).unwrap_or(u64::MAX);
            self.orders.fetch_add(orders, Ordering::Relaxed);
        }
        self.state().gathering.answered(listeners.len(), Instant::now());
        if !outcome.is_sound {
            // Before any answer, so that nobody who has one finds the store still open.
            self.state().stage = Stage::Failed;
        }
        answer(listeners.into_iter().zip(outcome.answers));
        outcome.is_sound
    }

    /// Ends for good: what waits was not begun.
    fn fail(&self) {
        let mut state = self.state();
        state.stage = Stage::Failed;
        let waiting = state.queue.drain();
        // Their senders go with them; who waits hears that nothing was done.
        state.jobs.clear();
        drop(state);
        answer(waiting.into_iter().map(|pending| (pending.answer, Err(failed()))));
        tracing::error!("a commit had an unknown outcome; nothing is written any more");
        self.has_failed.send_replace(true);
    }
}

/// How many rows a command is taken for, and whether money need not wait for more than one such at a time.
fn size(command: &Command) -> (usize, bool) {
    let cards = match command {
        Command::CreateBatch(batch) => batch.cards.len(),
        Command::ActivateCards(activate) => activate.cards.len(),
        Command::Sweep(sweep) => sweep.cards.len(),
        _ => return (1, false),
    };
    (cards.max(1), true)
}

fn answer(answers: impl Iterator<Item = (oneshot::Sender<Answer>, Answer)>) {
    for (sender, answer) in answers {
        // A caller that went away changes nothing about what was done.
        let _unheard = sender.send(answer);
    }
}

/// A panic outside of a decision may have left a change half written in memory: the process ends at once, and
/// the database rolls back when it is opened again.
pub(crate) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}
