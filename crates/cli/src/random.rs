//! Randomness for the program's own needs: names of runs, and a spread of waiting times.

use service::{Random as _, SystemRandom};
use uuid::{Builder, Uuid};

/// A UUID that nobody can predict.
pub fn uuid() -> Uuid {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}

/// A whole number below `end`, or 0.
pub fn below(end: u64) -> u64 {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes);
    u64::from_be_bytes(bytes).checked_rem(end).unwrap_or(0)
}
