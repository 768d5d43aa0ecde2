//! Who may do what: clients, their access tokens, and what those permit.

mod audience;
mod bearer;
mod budget;
mod caller;
mod directory;
mod issue;
mod signing;

pub use audience::PublicHosts;
pub(crate) use bearer::{Bearers, LIFE_SECONDS};
pub use budget::Network;
pub(crate) use budget::{
    Budget, CREDENTIAL_ALLOWANCE, NETWORK_ALLOWANCE, TOKEN_CLIENT_ALLOWANCE, TOKEN_NETWORK_ALLOWANCE,
};
pub use caller::{
    ActivateCards, AdjustCards, AnyScope, Caller, CreateCards, EveryTransaction, ForfeitCards, LookUpCards,
    Permission, Permit, ReadAccounts, ReadCards, ReadCustomerCards, ShortenCards, WriteAccounts, WriteCards,
    WriteSettings, WriteTransactions,
};
pub(crate) use directory::Directory;
pub use issue::{AccessToken, Authenticated, Credentials};
pub(crate) use signing::{NewKey, SigningKeys};
pub use signing::{PublicKey, RotationFault};
