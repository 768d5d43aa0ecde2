//! Secrets: how they are made, hashed, sealed and wiped.

mod codes;
mod keys;
mod random;
mod seal;
mod value;

pub(crate) use codes::{CodeMaker, client_id, client_secret};
pub(crate) use keys::{BudgetKeys, KEY_VERSION, Keys};
pub use keys::{MASTER_KEY_CHECK, MasterKey, MasterKeyFault, pin_checker};
pub use random::{Random, SystemRandom};
pub(crate) use seal::{Reader, Sealed, Writer};
pub use value::Secret;
