//! Proofs on several servers that share one PostgreSQL: what is done on one holds on all, whatever becomes of one of
//! them or of the database.
//!
//! `GAVEKORT_TEST_LONG=1` makes the campaigns many times longer.

#[path = "../common/mod.rs"]
mod common;
mod support;

mod away;
mod changes;
mod faults;
mod guesses;
mod money;
mod power_cut;
mod start;
mod trouble;
mod upheaval;
