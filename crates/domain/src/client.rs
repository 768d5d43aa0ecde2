//! API clients and what has been granted to them.

use crate::{Audience, ClientId, ClientUuid, Description, GrantId, Name, ScopeSet, SecretMac, Timestamp};

/// A program that may call the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's id.
    pub uuid: ClientUuid,
    /// The name it authenticates with.
    pub client_id: ClientId,
    /// What people call it.
    pub name: Name,
    /// What it is for.
    pub description: Option<Description>,
    /// Its present secret.
    pub secret: SecretMac,
    /// Raised whenever the tokens made so far must end.
    pub generation: u32,
    /// The secret before the last rotation, while it still counts.
    pub previous: Option<PreviousSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which client made it; none where an operator did.
    pub created_by: Option<ClientUuid>,
    /// When it, its secret or its grants last changed.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// What has been granted to it.
    pub grants: Vec<Grant>,
}

/// A rotated secret within its grace, and the generation of the tokens made with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousSecret {
    /// How the secret is checked.
    pub secret: SecretMac,
    /// The generation its tokens carry.
    pub generation: u32,
    /// From when on neither counts.
    pub ends_at: Timestamp,
}

/// Scopes granted to a client for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The grant's id.
    pub id: GrantId,
    /// Whom the tokens are for, as it was written.
    pub audience: Audience,
    /// What is granted.
    pub scopes: ScopeSet,
}

impl Client {
    /// Every scope the client holds through any grant.
    pub fn scopes(&self) -> ScopeSet {
        self.grants.iter().flat_map(|grant| grant.scopes.iter()).collect()
    }

    /// Whether what was made at `generation` still counts at `now`.
    pub fn accepts(&self, generation: u32, now: Timestamp) -> bool {
        let within_grace =
            |previous: PreviousSecret| previous.generation == generation && now < previous.ends_at;
        let current = self.generation == generation || self.previous.is_some_and(within_grace);
        self.deleted_at.is_none() && current
    }
}
