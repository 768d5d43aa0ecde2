//! The ledger's rules, asked from outside, as a store asks them.

mod activation;
mod cards;
mod changes;
mod clients;
mod drawdown;
mod guess;
mod limits;
mod locks;
mod model;
mod property;

mod refunds;
mod repeats;
mod replacing;
mod replays;
mod rows;
mod store;
mod tokens;
mod told;
mod wire;
mod words;
