//! Proofs on the finished program: it is killed, hung up on, starved of disk, cut off from power, failed in its
//! syncs, flooded, raced, stopped under load and searched for secrets. Each keeps what it promised.
//!
//! A proof that chooses by chance prints its seed; `GAVEKORT_TEST_SEED` gives it the same choices again.
//! `GAVEKORT_TEST_LONG=1` makes the campaigns many times longer.

#[path = "../common/mod.rs"]
mod common;
mod support;

mod barcodes;
mod dintero;
mod failing_sync;
mod full_disk;
mod hang_up;
mod histories;
mod kills;
mod money_kills;
mod moves;
mod power_cut;
mod races;
mod retries;
mod secrets;
mod slow_clients;
mod stop;
mod versions;
