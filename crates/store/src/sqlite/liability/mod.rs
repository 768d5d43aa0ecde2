//! What an account owes on its cards: now, and at instants past.

mod past;
mod present;

#[cfg(test)]
pub use past::TOUCHED;
pub use past::{at, standing_at, window};
pub use present::{now, parts};
