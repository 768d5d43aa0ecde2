//! How the world comes in: the REST API and its listeners. Only this crate knows HTTP and JSON on the wire.

pub mod api;
pub mod server;
