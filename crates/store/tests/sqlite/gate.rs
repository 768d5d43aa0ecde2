//! A clock at which the committer waits, so that a test decides what comes into one group.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use domain::{Clock, Timestamp};
use store::suite::TestClock;

/// Tells the time of another clock; while it is shut, the committer waits for it.
#[derive(Default)]
pub struct Gate {
    pub clock: Arc<TestClock>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_shut: bool,
    waits: bool,
}

impl Gate {
    /// Lets the committer wait when it next asks for the time, which it does once a group.
    pub fn shut(&self) {
        self.state.lock().expect("the gate").is_shut = true;
    }

    /// Returns when the committer waits.
    pub fn until_it_waits(&self) {
        let state = self.state.lock().expect("the gate");
        drop(self.changed.wait_while(state, |state| !state.waits).expect("the gate"));
    }

    /// Lets it go on.
    pub fn open(&self) {
        let mut state = self.state.lock().expect("the gate");
        state.is_shut = false;
        self.changed.notify_all();
    }
}

impl Clock for Gate {
    fn now(&self) -> Timestamp {
        if thread::current().name() == Some("committer") {
            let mut state = self.state.lock().expect("the gate");
            state.waits = state.is_shut;
            self.changed.notify_all();
            state = self.changed.wait_while(state, |state| state.is_shut).expect("the gate");
            state.waits = false;
        }
        self.clock.now()
    }
}
