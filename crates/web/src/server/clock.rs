//! The clock of the connections.

use std::time::Instant;

use hyper::rt::Timer;
use hyper_util::rt::TokioTimer;

/// Now, on the clock that the runtime's timers run by; a test that pauses the one pauses the other.
pub fn now() -> Instant {
    TokioTimer::new().now()
}
