//! Where randomness comes from.

use uuid::{Builder, Uuid};

/// A source of bytes that nobody can predict; tests may hand in one that they can.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness no secret may be made; the system call does not fail once the machine is up.
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// A random UUID (version 4): 122 bits that nobody can predict.
pub(crate) fn uuid_v4(random: &dyn Random) -> Uuid {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    Builder::from_random_bytes(bytes).into_uuid()
}
