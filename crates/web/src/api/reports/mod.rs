//! Reports.

pub(crate) mod liability;
