//! Choices by chance that can be made again: SplitMix64, from a seed that is printed.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// A sequence of choices.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// A new sequence; its seed is printed with the name of the proof.
    pub fn new(proof: &str) -> Self {
        let given = std::env::var("GAVEKORT_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(proof));
        eprintln!("{proof}: GAVEKORT_TEST_SEED={seed}");
        Self(seed)
    }

    /// Another sequence, for another thread.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).expect("a size")).expect("less than a size")
    }

    /// A time of at most `longest`.
    pub fn up_to(&mut self, longest: Duration) -> Duration {
        let micros = usize::try_from(longest.as_micros()).expect("not for ever");
        Duration::from_micros(u64::try_from(self.below(micros + 1)).expect("a size"))
    }

    /// Sixteen characters that nothing else has.
    pub fn word(&mut self) -> String {
        format!("{:016x}", self.next())
    }
}
