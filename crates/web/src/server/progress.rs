//! How far a connection has come, and how long it may take for its next step.
//!
//! The steps are written down as they happen, and one timer for each connection looks at them. It looks again
//! after the shortest of all limits, so no step that began in between can be overdue by then; this spares setting
//! a timer for each step of each request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use tokio::time::sleep_until;

use super::clock::now;
use super::limits::Limits;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The rest of a header, or all of the first one.
    Header,
    /// The body of a request.
    Body,
    /// The answer, which takes the time it takes.
    Answer,
    /// The next request.
    Idle,
}

/// Why a connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// No further request came. The connection owes nobody anything.
    Idle,
    /// The client is too slow at sending a header.
    Header,
    /// The client does not take its answer.
    Stalled,
}

/// The state of one connection, written by those who read, write and answer.
#[derive(Debug)]
pub struct Progress(Mutex<State>);

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// Since when nothing could be written, though something was to be.
    blocked_since: Option<Instant>,
    /// The body of the current request did not arrive in time.
    is_body_late: bool,
    /// Its reader was told so.
    is_reader_told: bool,
    /// The body of the current request was not read to its end.
    is_body_unread: bool,
    /// Who waits for more of the body.
    reader: Option<Waker>,
}

impl Progress {
    /// Of a connection whose first header is awaited since `accepted`.
    pub fn new(accepted: Instant) -> Self {
        Self(Mutex::new(State {
            phase: Phase::Header,
            since: accepted,
            blocked_since: None,
            is_body_late: false,
            is_reader_told: false,
            is_body_unread: false,
            reader: None,
        }))
    }

    /// Something arrived.
    pub fn received(&self) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            state.enter(Phase::Header);
        }
    }

    /// A header is complete and goes to a handler.
    pub fn requested(&self, has_body: bool) {
        let mut state = self.state();
        state.enter(if has_body { Phase::Body } else { Phase::Answer });
        state.is_body_late = false;
        state.is_reader_told = false;
        state.is_body_unread = false;
    }

    /// The body of the request was read to its end, or the handler will read no more of it.
    pub fn body_ended(&self, is_read: bool) {
        let mut state = self.state();
        state.is_body_unread = !is_read;
        state.reader = None;
        if state.phase == Phase::Body {
            state.enter(Phase::Answer);
        }
    }

    /// Whether the body is late, which its reader is told herewith; if not, `reader` is woken when it is.
    pub fn is_body_late(&self, reader: &Waker) -> bool {
        let mut state = self.state();
        if state.is_body_late {
            state.is_reader_told = true;
        } else if !state.reader.as_ref().is_some_and(|known| known.will_wake(reader)) {
            state.reader = Some(reader.clone());
        }
        state.is_body_late
    }

    /// Whether the reader of the body had to be told that it is late. One who never asked for the rest may have
    /// done its work without.
    pub fn is_reader_told(&self) -> bool {
        self.state().is_reader_told
    }

    /// Whether the client may still be sending a body that nobody will read.
    pub fn is_body_unread(&self) -> bool {
        self.state().is_body_unread
    }

    /// The answer has been handed over to be written.
    pub fn answered(&self) {
        self.state().enter(Phase::Idle);
    }

    /// Whether writing has to wait for the client.
    pub fn blocked(&self, is_blocked: bool) {
        self.state().blocked_since = is_blocked.then(now);
    }

    /// Whether a part of a header has arrived, or nothing at all yet.
    pub fn is_in_header(&self) -> bool {
        self.state().phase == Phase::Header
    }

    /// Waits until the client is overdue with something.
    pub async fn overdue(&self, limits: &Limits) -> Overdue {
        let mut next = now() + limits.shortest();
        loop {
            sleep_until(next.into()).await;
            let now = now();
            match self.judge(limits, now) {
                Ok(due) => next = due.min(now + limits.shortest()),
                Err(overdue) => return overdue,
            }
        }
    }

    /// When the present step is due, or what is overdue. A late body is told to its reader.
    fn judge(&self, limits: &Limits, now: Instant) -> Result<Instant, Overdue> {
        let mut state = self.state();
        let stalled = state.blocked_since.map(|since| since + limits.stalled);
        if stalled.is_some_and(|due| now >= due) {
            return Err(Overdue::Stalled);
        }
        let limit = match state.phase {
            Phase::Header => Some(limits.header),
            Phase::Body => Some(limits.body),
            Phase::Idle => Some(limits.idle),
            Phase::Answer => None,
        };
        let due = limit.map(|limit| state.since + limit);
        match state.phase {
            _ if due.is_none_or(|due| now < due) => {}
            Phase::Header => return Err(Overdue::Header),
            Phase::Idle => return Err(Overdue::Idle),
            Phase::Body | Phase::Answer => state.body_is_late(),
        }
        Ok(due.into_iter().chain(stalled).min().unwrap_or(now + limits.shortest()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        // An answer may take as long as it takes, so its begin needs no look at the clock.
        if phase != Phase::Answer {
            self.since = now();
        }
    }

    fn body_is_late(&mut self) {
        self.enter(Phase::Answer);
        self.is_body_late = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}
