//! What only an operator at the server's own shell does.

pub(crate) mod accounts;
pub(crate) mod signing_keys;
