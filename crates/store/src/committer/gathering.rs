//! Whether a group is whole enough to be begun: pure, so that it can be tested without waiting.

use std::time::{Duration, Instant};

/// Who was answered together asks again together, or so. Where a group costs much whatever its size, it is worth a
/// moment to let as many come as came the last time; who comes alone waits for nobody.
#[derive(Debug)]
pub struct Gathering {
    patience: Duration,
    expected: usize,
    until: Instant,
}

impl Gathering {
    /// With nobody expected yet.
    pub fn new(patience: Duration, now: Instant) -> Self {
        Self { patience, expected: 0, until: now }
    }

    /// So many were answered now.
    pub fn answered(&mut self, orders: usize, now: Instant) {
        self.expected = orders;
        self.until = now + self.patience;
    }

    /// How much longer it is worth to wait, when so many are there.
    pub fn wait(&self, waiting: usize, now: Instant) -> Option<Duration> {
        let left = self.until.saturating_duration_since(now);
        (waiting < self.expected && !left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(2);

    #[test]
    fn as_many_are_waited_for_as_came_before_and_not_for_long() {
        let now = Instant::now();
        let mut gathering = Gathering::new(PATIENCE, now);
        assert_eq!(gathering.wait(0, now), None, "nobody came before");
        gathering.answered(3, now);
        let halfway = now + PATIENCE / 2;
        assert_eq!(gathering.wait(2, halfway), Some(PATIENCE / 2));
        assert_eq!(gathering.wait(3, halfway), None, "all are there");
        assert_eq!(gathering.wait(2, now + PATIENCE), None, "long enough");
    }

    #[test]
    fn nobody_waits_without_patience() {
        let now = Instant::now();
        let mut gathering = Gathering::new(Duration::ZERO, now);
        gathering.answered(3, now);
        assert_eq!(gathering.wait(1, now), None);
    }
}
