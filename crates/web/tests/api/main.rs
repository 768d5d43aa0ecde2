//! The API as its clients see it.

#[path = "contract.rs"]
mod contract;
mod servers;

use contract::{shop, world};
