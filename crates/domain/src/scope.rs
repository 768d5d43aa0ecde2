//! What a client may do.

use std::fmt;

macro_rules! scopes {
    ($($name:ident = $text:literal),+ $(,)?) => {
        /// One permission.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope {
            $(#[doc = concat!("`", $text, "`")] $name),+
        }

        impl Scope {
            /// Every scope there is.
            pub const ALL: &'static [Scope] = &[$(Scope::$name),+];

            /// The scope as tokens and grants write it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Scope::$name => $text),+
                }
            }
        }
    };
}

scopes! {
    AdminAccounts = "admin:accounts",
    ReadAccounts = "read:accounts",
    WriteAccounts = "write:accounts",
    AdminWallets = "admin:wallets",
    ReadWallets = "read:wallets",
    WriteWallets = "write:wallets",
    WriteWalletsInfo = "write:wallets:/info",
    WriteWalletsTransactions = "write:wallets:/transactions",
    WriteWalletsCards = "write:wallets:/cards",
    WriteWalletsActivate = "write:wallets:/activate",
    UserWallets = "user:wallets",
    AdminHooks = "admin:hooks",
    ReadHooks = "read:hooks",
    WriteHooks = "write:hooks",
}

/// The text names no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a scope")]
pub struct UnknownScope;

impl Scope {
    /// `accounts`, `wallets` or `hooks`.
    fn resource(self) -> &'static str {
        let rest = self.as_str().split(':').nth(1);
        rest.unwrap_or_default()
    }

    fn is_admin(self) -> bool {
        self.as_str().starts_with("admin:")
    }
}

impl TryFrom<&str> for Scope {
    type Error = UnknownScope;

    fn try_from(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes, kept sorted and without doubles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(Vec<Scope>);

impl ScopeSet {
    /// Every scope there is.
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Whether the set names `scope` itself.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether the set names any of `scopes`.
    pub fn contains_any(&self, scopes: &[Scope]) -> bool {
        scopes.iter().any(|scope| self.contains(*scope))
    }

    /// Whether a holder of this set holds every scope of `other`; `admin:x` holds every scope of `x`.
    pub fn holds_all(&self, other: &Self) -> bool {
        other.iter().all(|scope| self.holds(scope))
    }

    fn holds(&self, scope: Scope) -> bool {
        let held_by_admin = |held: &Scope| held.is_admin() && held.resource() == scope.resource();
        self.contains(scope) || self.0.iter().any(held_by_admin)
    }

    /// The scopes, in one fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut scopes: Vec<Scope> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }
}

/// Space-separated, as a token's `scope` claim has it.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl TryFrom<&str> for ScopeSet {
    type Error = UnknownScope;

    fn try_from(text: &str) -> Result<Self, UnknownScope> {
        text.split_ascii_whitespace().map(Scope::try_from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> ScopeSet {
        ScopeSet::try_from(text).expect("known scopes")
    }

    #[test]
    fn admin_holds_every_scope_of_its_resource_and_none_of_another() {
        let admin = set("admin:wallets");
        assert!(admin.holds_all(&set("read:wallets write:wallets:/info user:wallets")));
        assert!(!admin.holds_all(&set("read:accounts")));
        assert!(!set("write:wallets").holds_all(&set("read:wallets")));
        assert!(!set("write:wallets").holds_all(&set("write:wallets:/cards")));
    }

    #[test]
    fn scopes_read_back_as_they_are_written() {
        assert_eq!(ScopeSet::try_from(ScopeSet::all().to_string().as_str()), Ok(ScopeSet::all()));
        assert_eq!(ScopeSet::try_from("write:checkout"), Err(UnknownScope));
    }

    #[test]
    fn sets_are_sorted_without_doubles_and_written_with_single_spaces() {
        let twice = set("read:wallets  admin:accounts read:wallets");
        assert_eq!(twice.to_string(), "admin:accounts read:wallets");
        assert_eq!(twice.iter().collect::<Vec<_>>(), [Scope::AdminAccounts, Scope::ReadWallets]);
        assert_eq!(
            (Scope::UserWallets.to_string().as_str(), ScopeSet::default().to_string().as_str()),
            ("user:wallets", "")
        );
    }

    #[test]
    fn naming_a_scope_is_not_the_same_as_holding_it() {
        let admin = set("admin:wallets read:hooks");
        assert!(admin.contains(Scope::ReadHooks) && !admin.contains(Scope::ReadWallets));
        assert!(admin.contains_any(&[Scope::ReadWallets, Scope::ReadHooks]));
        assert!(!admin.contains_any(&[Scope::ReadWallets]) && !admin.contains_any(&[]));
        assert!(admin.holds_all(&set("read:hooks")) && !admin.holds_all(&set("write:hooks")));
    }
}
