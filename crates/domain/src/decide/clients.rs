//! Who may manage clients, and how their tokens end.

use super::{Decision, Ledger, Outcome};
use crate::{
    Action, Actor, ChangeClient, Client, ClientUuid, Description, Grant, GrantId, Name, NewGrant,
    PreviousSecret, Refusal, RotateSecret, Scope, ScopeSet, Subject,
};

/// Every client of an account is held in memory, and loaded to decide a change to any of them.
const MAX_CLIENTS: usize = 1_000;

/// A client's grants are loaded and written together with it.
const MAX_GRANTS: usize = 32;

impl Ledger<'_> {
    pub(super) fn change_client(&mut self, change: ChangeClient) -> Decision {
        match change {
            ChangeClient::Create(client) => self.create_client(client),
            ChangeClient::Rename { client, name, description } => self.rename(client, name, description),
            ChangeClient::Delete(client) => self.delete_client(client),
            ChangeClient::RotateSecret(rotate) => self.rotate_secret(&rotate),
            ChangeClient::CreateGrant(grant) => self.create_grant(grant),
            ChangeClient::ChangeGrant { grant, scopes } => self.change_grant(grant, scopes),
            ChangeClient::DeleteGrant(grant) => self.delete_grant(grant),
        }
    }

    fn create_client(&mut self, client: Client) -> Decision {
        let live = self.world().clients.values().filter(|client| client.deleted_at.is_none()).count();
        if live >= MAX_CLIENTS {
            return Err(Refusal::TooManyClients { max: MAX_CLIENTS });
        }
        self.check_holds(&client.scopes())?;
        let (now, by) = (self.server_now, self.by.actor.client());
        let client = Client { created_at: now, updated_at: now, created_by: by, ..client };
        Ok(self.put_client(client, Action::CreateClient))
    }

    fn rename(
        &mut self,
        client: ClientUuid,
        name: Option<Name>,
        description: Option<Description>,
    ) -> Decision {
        let client = self.managed(client)?.clone();
        let name = name.unwrap_or(client.name);
        let description = description.or(client.description);
        let client = Client { name, description, updated_at: self.server_now, ..client };
        Ok(self.put_client(client, Action::ChangeClient))
    }

    fn delete_client(&mut self, client: ClientUuid) -> Decision {
        let client = self.ended(self.managed(client)?)?;
        let deleted = Client { deleted_at: Some(self.server_now), ..client };
        self.check_an_admin_is_left(&deleted)?;
        Ok(self.put_client(deleted, Action::DeleteClient))
    }

    fn rotate_secret(&mut self, rotate: &RotateSecret) -> Decision {
        let before = self.managed(rotate.client)?;
        let previous = (rotate.grace_seconds > 0).then_some(PreviousSecret {
            secret: before.secret,
            generation: before.generation,
            ends_at: self.server_now.plus_seconds(rotate.grace_seconds),
        });
        let client = Client { secret: rotate.secret, previous, ..self.ended(before)? };
        Ok(self.put_client(client, Action::RotateSecret))
    }

    fn create_grant(&mut self, new: NewGrant) -> Decision {
        self.check_holds(&new.scopes)?;
        let mut client = self.ended(self.managed(new.client)?)?;
        if client.grants.len() >= MAX_GRANTS {
            return Err(Refusal::TooManyGrants { max: MAX_GRANTS });
        }
        let grant = Grant { id: new.id, audience: new.audience, scopes: new.scopes };
        client.grants.push(grant.clone());
        self.put_grant(client, grant, Action::CreateGrant)
    }

    fn change_grant(&mut self, id: GrantId, scopes: ScopeSet) -> Decision {
        self.check_holds(&scopes)?;
        let (mut client, place) = self.holder(id)?;
        let grant = Grant { scopes, ..client.grants.remove(place) };
        client.grants.insert(place, grant.clone());
        self.put_grant(client, grant, Action::ChangeGrant)
    }

    fn delete_grant(&mut self, id: GrantId) -> Decision {
        let (mut client, place) = self.holder(id)?;
        let grant = client.grants.remove(place);
        self.put_grant(client, grant, Action::DeleteGrant)
    }

    fn put_grant(&mut self, client: Client, grant: Grant, action: Action) -> Decision {
        self.check_an_admin_is_left(&client)?;
        self.changes.world.clients.insert(client.uuid, client.clone());
        self.changes.changed_clients.insert(client.uuid);
        self.audit(action, Subject::Grant(grant.id));
        Ok(Outcome::Grant(Box::new(grant), Box::new(client)))
    }

    fn put_client(&mut self, client: Client, action: Action) -> Outcome {
        self.changes.world.clients.insert(client.uuid, client.clone());
        self.changes.changed_clients.insert(client.uuid);
        self.audit(action, Subject::Client(client.uuid));
        Outcome::Client(Box::new(client))
    }

    /// The client with all its tokens ended.
    fn ended(&self, client: &Client) -> Result<Client, Refusal> {
        let generation = client.generation.checked_add(1).ok_or(Refusal::ClientGone)?;
        Ok(Client { generation, previous: None, updated_at: self.server_now, ..client.clone() })
    }

    /// A client that the actor may manage: it holds no scope that the actor does not.
    fn managed(&self, client: ClientUuid) -> Result<&Client, Refusal> {
        let live = |client: &&Client| client.deleted_at.is_none();
        let client = self.world().clients.get(&client).filter(live).ok_or(Refusal::ClientNotFound)?;
        self.check_holds(&client.scopes())?;
        Ok(client)
    }

    /// The client that holds a grant, ended, and the grant's place among its grants.
    fn holder(&self, id: GrantId) -> Result<(Client, usize), Refusal> {
        let place_in = |client: &Client| client.grants.iter().position(|grant| grant.id == id);
        let held = self.world().clients.values().find_map(|client| Some((client.uuid, place_in(client)?)));
        let (holder, place) = held.ok_or(Refusal::GrantNotFound)?;
        let client = self.managed(holder).map_err(|refusal| match refusal {
            Refusal::ClientNotFound => Refusal::GrantNotFound,
            other => other,
        })?;
        Ok((self.ended(client)?, place))
    }

    fn check_holds(&self, scopes: &ScopeSet) -> Result<(), Refusal> {
        let Actor::Client { uuid, .. } = self.by.actor else {
            return Ok(());
        };
        let held = self.world().clients.get(&uuid).map(Client::scopes).unwrap_or_default();
        if held.holds_all(scopes) { Ok(()) } else { Err(Refusal::ScopesNotHeld) }
    }

    /// Whether somebody can still manage clients when `changed` takes the place of what it was.
    fn check_an_admin_is_left(&self, changed: &Client) -> Result<(), Refusal> {
        let is_admin =
            |client: &Client| client.deleted_at.is_none() && client.scopes().contains(Scope::AdminAccounts);
        let clients = &self.world().clients;
        let was_admin = clients.get(&changed.uuid).is_some_and(is_admin);
        let others = clients.values().filter(|client| client.uuid != changed.uuid);
        let left = is_admin(changed) || others.into_iter().any(is_admin);
        if was_admin && !left { Err(Refusal::LastAdmin) } else { Ok(()) }
    }
}
