//! The contract, told by tests. They run on whatever servers the crate's root names.

mod access;
mod activations;
mod audit;
mod cards;
mod docs;
mod forged;
mod formats;
mod frame;
mod histories;
mod http;
mod info;
mod inputs;
mod liability;
mod lists;
mod locks;
mod matrix;
mod operator;
mod pins;
mod refunds;
mod replacing;
mod replay;
mod settings;
pub mod shop;
mod staff;
mod test_clock;
mod transactions;
pub mod world;
