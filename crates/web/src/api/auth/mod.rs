//! Access tokens, clients and what is granted to them.

pub(crate) mod clients;
pub(crate) mod grants;
pub(crate) mod jwks;
pub(crate) mod keys;
pub(crate) mod token;
