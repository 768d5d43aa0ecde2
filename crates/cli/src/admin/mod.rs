//! What an operator does at the server's own shell: accounts, clients, keys.

mod account;
mod client;
mod key;
mod operator;

pub use account::{AccountCommand, account};
pub use client::{ClientCommand, client};
pub use key::{KeyCommand, key};
use operator::Operator;
