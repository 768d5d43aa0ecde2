//! The API as its clients see it when three servers share a PostgreSQL: the whole contract, each test through all three.

#[path = "../api/contract.rs"]
mod contract;
mod servers;

use contract::{shop, world};
