//! What an account has chosen, and what was done in it.

pub(crate) mod audit;
pub(crate) mod change_settings;
pub(crate) mod settings;
pub(crate) mod test_clock;
