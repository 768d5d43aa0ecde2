//! API clients.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod rotate_secret;

use domain::{Client, ClientId, ClientUuid, Description, Name, Timestamp};
use service::MadeClient;

use crate::api::wire::{ByWhom, Shown, answer};

pub(crate) const ALL: &str = "/v1/accounts/{aid}/auth/clients";
pub(crate) const ONE: &str = "/v1/accounts/{aid}/auth/clients/{id}";

answer! {
    /// A program that may call the API.
    pub(crate) struct ClientOut<'a> as "Client" {
        /// The client's id.
        id: ClientUuid,
        /// The name it authenticates with.
        client_id: &'a ClientId,
        /// What people call it.
        name: &'a Name,
        /// What it is for.
        description: Option<&'a Description>,
        /// When it was made.
        created_at: Timestamp,
        /// The client that made it, or `operator`.
        created_by: ByWhom,
        /// When it, its secret or its grants last changed.
        updated_at: Timestamp,
    }
}

answer! {
    /// A client, in the one answer that shows its secret.
    pub(crate) struct MadeClientOut<'a> as "ClientWithSecret" {
        ..client: ClientOut<'a>,
        /// Its secret.
        client_secret: Shown<'a>,
    }
}

impl<'a> From<&'a Client> for ClientOut<'a> {
    fn from(client: &'a Client) -> Self {
        Self {
            id: client.uuid,
            client_id: &client.client_id,
            name: &client.name,
            description: client.description.as_ref(),
            created_at: client.created_at,
            created_by: ByWhom(client.created_by),
            updated_at: client.updated_at,
        }
    }
}

impl<'a> From<&'a MadeClient> for MadeClientOut<'a> {
    fn from(made: &'a MadeClient) -> Self {
        Self { client: ClientOut::from(&made.client), client_secret: Shown(&made.secret) }
    }
}
