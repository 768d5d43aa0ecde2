//! Who may do what: clients, their access tokens, and what those permit.

mod audience;
mod bearer;
mod budget;
mod caller;
mod directory;
mod issue;
mod sharing;
mod signing;

pub use audience::PublicHosts;
pub(crate) use bearer::{Bearers, LIFE_SECONDS};
pub use budget::Network;
pub use caller::{
    ActivateCards, AdjustCards, AnyScope, Caller, CreateCards, EveryTransaction, ForfeitCards, LookUpCards,
    Permission, Permit, ReadAccounts, ReadCards, ReadCustomerCards, ShortenCards, WriteAccounts, WriteCards,
    WriteSettings, WriteTransactions,
};
pub(crate) use directory::Directory;
pub use issue::{AccessToken, Authenticated, Credentials};
pub(crate) use sharing::Budgets;
pub(crate) use signing::{NewKey, SigningKeys};
pub use signing::{PublicKey, RotationFault};
