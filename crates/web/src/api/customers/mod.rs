//! What customers' cards are.

pub(crate) mod card;
pub(crate) mod cards;
