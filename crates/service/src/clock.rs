//! The one place where the program asks what time it is.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::{Clock, Timestamp};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else is handed")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        // A clock set before 1970 or after 9999 is as good as none.
        Timestamp::try_from(unix_ms).unwrap_or(Timestamp::EPOCH)
    }
}

/// The instant `after` from now, on a clock that nobody sets.
pub fn deadline(after: Duration) -> Instant {
    Instant::now() + after
}
