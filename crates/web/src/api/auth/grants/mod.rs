//! What is granted to clients.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;

use domain::{Audience, ClientUuid, Grant, GrantId, Scope};

use crate::api::wire::answer;

pub(crate) const ALL: &str = "/v1/accounts/{aid}/auth/client-grants";
pub(crate) const ONE: &str = "/v1/accounts/{aid}/auth/client-grants/{id}";

answer! {
    /// Scopes granted to a client.
    pub(crate) struct GrantOut<'a> as "ClientGrant" {
        /// The grant's id.
        id: GrantId,
        /// The client's `id`.
        client_id: ClientUuid,
        /// The account it is for, as it was written.
        audience: &'a Audience,
        /// What is granted.
        scope: Vec<Scope>,
    }
}

impl<'a> GrantOut<'a> {
    pub(crate) fn new(client_id: ClientUuid, grant: &'a Grant) -> Self {
        Self { id: grant.id, client_id, audience: &grant.audience, scope: grant.scopes.iter().collect() }
    }
}
