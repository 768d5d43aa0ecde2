//! The API as its clients see it when three servers share a PostgreSQL: the whole contract, through all three.

#[path = "../api/contract.rs"]
mod contract;
#[path = "../../../store/tests/postgres/databases.rs"]
mod databases;
mod servers;

use contract::{shop, world};
