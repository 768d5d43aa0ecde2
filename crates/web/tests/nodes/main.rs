//! The API as its clients see it when three servers share a PostgreSQL, each a process of its own: the whole contract,
//! through all three, with the test's clock.
//!
//! A few tests look at what does not come over the wire, and have a server within the test's own process
//! (`World::within`): what is logged and measured, that a request goes on once its client is gone, and what
//! is answered while a server stops.

#[path = "../api/contract.rs"]
mod contract;
#[path = "../../../store/tests/postgres/databases.rs"]
mod databases;
mod node;
mod process;
mod servers;

use contract::{shop, world};
