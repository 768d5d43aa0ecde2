//! What several proofs need beyond the common client and server.

pub mod asked;
pub mod batch;
pub mod chance;
pub mod database;
pub mod load;
pub mod metrics;
pub mod money;
pub mod strace;
pub mod sums;
pub mod wire;

/// A campaign's rounds: few in CI, many when `GAVEKORT_TEST_LONG` is 1.
pub fn rounds(few: usize, many: usize) -> usize {
    if std::env::var("GAVEKORT_TEST_LONG").is_ok_and(|long| long == "1") { many } else { few }
}
