//! Who calls, and the proof that the call is permitted.

use std::marker::PhantomData;

use domain::{Actor, Aid, RequestId, Scope, ScopeSet};

use crate::Error;

/// Whoever calls: authenticated, and acting for one account.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account the call is for.
    pub aid: Aid,
    /// The client, or the operator at the server's own shell.
    pub actor: Actor,
    /// What the caller holds.
    pub scopes: ScopeSet,
    /// The request, as logs and audit name it.
    pub request: RequestId,
}

/// A kind of operation, and the scopes any one of which permits it.
pub trait Permission {
    /// Any one of these is enough.
    const ANY_OF: &'static [Scope];
}

/// Proof that a caller may do what `P` stands for; the operations ask for it.
#[derive(Clone, Debug)]
pub struct Permit<P> {
    caller: Caller,
    permission: PhantomData<fn() -> P>,
}

impl Caller {
    /// The operator at the server's own shell, who holds every scope.
    pub fn operator(aid: Aid, request: RequestId) -> Self {
        Self { aid, actor: Actor::Operator, scopes: ScopeSet::all(), request }
    }

    /// Proof that the caller may do what `P` stands for.
    pub fn permit<P: Permission>(self) -> Result<Permit<P>, Error> {
        if self.scopes.contains_any(P::ANY_OF) {
            Ok(Permit { caller: self, permission: PhantomData })
        } else {
            Err(Error::Forbidden { any_of: P::ANY_OF })
        }
    }
}

impl<P> Permit<P> {
    /// Who may.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $($scope:ident)+;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Permission for $name {
            const ANY_OF: &'static [Scope] = &[$(Scope::$scope),+];
        }
    )+};
}

/// Anything that any client of the account may do.
#[derive(Clone, Copy, Debug)]
pub struct AnyScope;

impl Permission for AnyScope {
    const ANY_OF: &'static [Scope] = Scope::ALL;
}

permissions! {
    /// Create cards, one or a batch.
    CreateCards: AdminWallets WriteWallets WriteWalletsCards;
    /// Activate cards.
    ActivateCards: AdminWallets WriteWallets WriteWalletsActivate;
    /// Change, block, replace and delete cards, rotate PINs, make and delete tokens.
    WriteCards: AdminWallets WriteWallets;
    /// Delete a card together with the money on it.
    ForfeitCards: AdminWallets;
    /// Read cards and their transactions.
    ReadCards: AdminWallets ReadWallets;
    /// Look a card up by its token.
    LookUpCards: AdminWallets WriteWallets WriteWalletsInfo;
    /// Move money. The narrowest scope takes money by token, and ends only the locks of its own client.
    WriteTransactions: AdminWallets WriteWallets WriteWalletsTransactions;
    /// Move money in every way: by `card_id`, on to a card, and out of any client's locks.
    EveryTransaction: AdminWallets WriteWallets;
    /// Correct a card's money by hand.
    AdjustCards: AdminWallets;
    /// Move a card's last day to an earlier one.
    ShortenCards: AdminWallets;
    /// Read a customer's cards. `user:wallets` opens nothing until customers have tokens of their own.
    ReadCustomerCards: AdminWallets ReadWallets;
    /// Read clients, grants, settings and the audit.
    ReadAccounts: AdminAccounts ReadAccounts;
    /// Make, change and delete clients and grants.
    WriteAccounts: AdminAccounts WriteAccounts;
    /// Change what the account has chosen, and move its test clock.
    WriteSettings: AdminAccounts;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(scopes: &str) -> Caller {
        let aid = Aid::try_from("T12345678").expect("an account id");
        let request = RequestId(uuid::Uuid::nil());
        let scopes = ScopeSet::try_from(scopes).expect("known scopes");
        Caller { scopes, ..Caller::operator(aid, request) }
    }

    #[test]
    fn write_does_not_permit_reading() {
        assert!(caller("write:wallets").permit::<ReadCards>().is_err());
        assert!(caller("read:wallets").permit::<WriteCards>().is_err());
        assert!(caller("read:wallets").permit::<ReadCards>().is_ok());
    }

    #[test]
    fn narrow_scopes_permit_their_own_operation_alone() {
        assert!(caller("write:wallets:/cards").permit::<CreateCards>().is_ok());
        assert!(caller("write:wallets:/cards").permit::<ActivateCards>().is_err());
        assert!(caller("write:wallets:/activate").permit::<CreateCards>().is_err());
        assert!(caller("write:wallets:/info").permit::<LookUpCards>().is_ok());
        assert!(caller("write:wallets:/transactions").permit::<WriteTransactions>().is_ok());
        assert!(caller("write:wallets:/transactions").permit::<EveryTransaction>().is_err());
        assert!(caller("write:wallets").permit::<AdjustCards>().is_err());
        assert!(caller("write:accounts").permit::<WriteSettings>().is_err());
        assert!(caller("user:wallets").permit::<ReadCustomerCards>().is_err());
    }
}
