//! Whether the database is there, known to everybody who would ask it.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::connect::{Purpose, Target};
use crate::Error;

/// How soon after it went away the database is tried first, and how often at most then.
const FIRST_TRY: Duration = Duration::from_millis(50);
const BETWEEN_TRIES_MAX: Duration = Duration::from_secs(1);

/// Whether the database is there. Who loses it tells; one task then tries to reach it, and nobody else need.
pub struct Health {
    target: Arc<Target>,
    runtime: Handle,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    There,
    Away,
    Closed,
}

impl Health {
    /// Takes the database for there. The task that tries runs on the runtime that this is called in.
    pub fn new(target: Arc<Target>) -> Arc<Self> {
        Arc::new(Self { target, runtime: Handle::current(), state: watch::Sender::new(State::There) })
    }

    /// Fails where nothing can be done at present.
    pub fn check(&self) -> Result<(), Error> {
        match *self.state.borrow() {
            State::There => Ok(()),
            State::Away => Err(Error::Unavailable("PostgreSQL is away".to_owned())),
            State::Closed => Err(Error::Unavailable("the store is closed".to_owned())),
        }
    }

    /// Tells that the database could not be reached.
    pub fn lost(self: &Arc<Self>, why: &Error) {
        let is_news = self.state.send_if_modified(|state| {
            let was_there = *state == State::There;
            if was_there {
                *state = State::Away;
            }
            was_there
        });
        if is_news {
            tracing::error!(error = %why, "PostgreSQL is away; orders are refused until it is back");
            self.runtime.spawn(Arc::clone(self).find());
        }
    }

    /// Nobody asks any more.
    pub fn close(&self) {
        self.state.send_replace(State::Closed);
    }

    async fn find(self: Arc<Self>) {
        let mut wait = FIRST_TRY;
        loop {
            tokio::time::sleep(wait).await;
            if *self.state.borrow() == State::Closed {
                return;
            }
            match self.target.connect(Purpose::Lane).await {
                Ok(_found) => break,
                Err(error) => tracing::debug!(%error, "PostgreSQL is still away"),
            }
            wait = (wait * 2).min(BETWEEN_TRIES_MAX);
        }
        self.state.send_if_modified(|state| {
            let was_away = *state == State::Away;
            if was_away {
                *state = State::There;
            }
            was_away
        });
        tracing::info!("PostgreSQL is back");
    }
}
