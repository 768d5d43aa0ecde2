//! API clients and their grants.

use domain::{
    Audience, ChangeClient, Client, ClientId, ClientUuid, Command, Description, Grant, GrantId, Name,
    NewGrant, Operation, Outcome, Refusal, RotateSecret, ScopeSet, SecretMac,
};

use crate::making::{Made, Secrets};
use crate::secrets::{Reader, Writer, client_id, client_secret};
use crate::{Caller, Error, Idempotency, Permit, ReadAccounts, Secret, Service, WriteAccounts};

/// A client that is asked for.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// What people call it.
    pub name: Name,
    /// What it is for.
    pub description: Option<Description>,
}

/// A client and its secret, to be shown in one answer.
pub struct MadeClient {
    /// The client.
    pub client: Client,
    /// Its secret.
    pub secret: Secret,
}

struct ClientSecrets {
    uuid: ClientUuid,
    client_id: ClientId,
    secret: Secret,
}

impl Secrets for ClientSecrets {
    fn write(&self, writer: &mut Writer) {
        writer.uuid(self.uuid.0);
        writer.text(self.client_id.as_str());
        writer.secret(Some(&self.secret));
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (uuid, client_id) = (ClientUuid(reader.uuid()?), ClientId::try_from(reader.text()?).ok()?);
        Some(Self { uuid, client_id, secret: reader.secret()?? })
    }
}

impl Service {
    /// The account's clients, oldest first.
    pub fn clients(&self, permit: &Permit<ReadAccounts>) -> Vec<Client> {
        self.directory.get(permit.caller().aid).map(|members| members.all()).unwrap_or_default()
    }

    /// One client.
    pub fn client(&self, permit: &Permit<ReadAccounts>, uuid: ClientUuid) -> Result<Client, Error> {
        self.live_client(permit.caller(), uuid)
    }

    /// The account's grants and whose each is, oldest client first.
    pub fn grants(&self, permit: &Permit<ReadAccounts>) -> Vec<(ClientUuid, Grant)> {
        let clients = self.clients(permit).into_iter();
        clients.flat_map(|client| client.grants.into_iter().map(move |grant| (client.uuid, grant))).collect()
    }

    /// Makes a client that holds nothing yet.
    pub async fn create_client(
        &self,
        permit: &Permit<WriteAccounts>,
        new: &NewClient,
        idempotency: Option<&Idempotency>,
    ) -> Result<MadeClient, Error> {
        let caller = permit.caller();
        let make = || {
            let secrets = self.client_secrets();
            let client = self.new_client(new, &secrets, None);
            (secrets, Command::Client(Box::new(ChangeClient::Create(client))))
        };
        let Made { secrets, at, .. } = self.make(caller, Operation::CreateClient, idempotency, make).await?;
        let client = self.new_client(new, &secrets, caller.actor.client());
        let client = Client { created_at: at, updated_at: at, ..client };
        Ok(MadeClient { client, secret: secrets.secret })
    }

    /// Gives a client another name or description; what is absent stays.
    pub async fn rename_client(
        &self,
        permit: &Permit<WriteAccounts>,
        client: ClientUuid,
        name: Option<Name>,
        description: Option<Description>,
    ) -> Result<Client, Error> {
        self.change(permit, ChangeClient::Rename { client, name, description }).await?.into_client()
    }

    /// Deletes a client; its tokens end at once.
    pub async fn delete_client(
        &self,
        permit: &Permit<WriteAccounts>,
        client: ClientUuid,
    ) -> Result<Client, Error> {
        self.change(permit, ChangeClient::Delete(client)).await?.into_client()
    }

    /// Gives a client another secret. The old one, and tokens made with it, end after `grace_seconds`.
    pub async fn rotate_client_secret(
        &self,
        permit: &Permit<WriteAccounts>,
        uuid: ClientUuid,
        grace_seconds: u32,
        idempotency: Option<&Idempotency>,
    ) -> Result<MadeClient, Error> {
        let caller = permit.caller();
        let client_id = self.live_client(caller, uuid)?.client_id;
        let make = || {
            let secrets =
                ClientSecrets { uuid, client_id: client_id.clone(), secret: client_secret(&*self.random) };
            let secret = self.secret_mac(&secrets);
            let rotate = RotateSecret { client: uuid, secret, grace_seconds };
            (secrets, Command::Client(Box::new(ChangeClient::RotateSecret(rotate))))
        };
        let Made { secrets, outcome, .. } =
            self.make(caller, Operation::RotateSecret, idempotency, make).await?;
        let client = match outcome {
            Some(Outcome::Client(client)) => *client,
            _ => self.live_client(caller, uuid)?,
        };
        Ok(MadeClient { client, secret: secrets.secret })
    }

    /// Grants scopes to a client; its tokens end at once.
    pub async fn create_grant(
        &self,
        permit: &Permit<WriteAccounts>,
        client: ClientUuid,
        audience: Audience,
        scopes: ScopeSet,
    ) -> Result<Grant, Error> {
        if audience.aid() != Some(permit.caller().aid) {
            return Err(Error::UnknownAudience);
        }
        let id = GrantId(self.new_id());
        let change = ChangeClient::CreateGrant(NewGrant { id, client, audience, scopes });
        self.change(permit, change).await?.into_grant()
    }

    /// Gives a grant other scopes; its client's tokens end at once. Answers whose it is, too.
    pub async fn change_grant(
        &self,
        permit: &Permit<WriteAccounts>,
        grant: GrantId,
        scopes: ScopeSet,
    ) -> Result<(ClientUuid, Grant), Error> {
        let holder = self.holder(permit.caller(), grant)?;
        let grant = self.change(permit, ChangeClient::ChangeGrant { grant, scopes }).await?.into_grant()?;
        Ok((holder, grant))
    }

    /// Takes a grant away; its client's tokens end at once. Answers whose it was, too.
    pub async fn delete_grant(
        &self,
        permit: &Permit<WriteAccounts>,
        grant: GrantId,
    ) -> Result<(ClientUuid, Grant), Error> {
        let holder = self.holder(permit.caller(), grant)?;
        let grant = self.change(permit, ChangeClient::DeleteGrant(grant)).await?.into_grant()?;
        Ok((holder, grant))
    }

    async fn change(&self, permit: &Permit<WriteAccounts>, change: ChangeClient) -> Result<Changed, Error> {
        let caller = permit.caller();
        Ok(Changed(self.submit(caller, Command::Client(Box::new(change))).await??))
    }

    fn live_client(&self, caller: &Caller, uuid: ClientUuid) -> Result<Client, Error> {
        let members = self.directory.get(caller.aid);
        let client = members.as_deref().and_then(|members| members.client(uuid));
        client.cloned().ok_or(Error::Refused(Refusal::ClientNotFound))
    }

    fn holder(&self, caller: &Caller, grant: GrantId) -> Result<ClientUuid, Error> {
        let members = self.directory.get(caller.aid).ok_or(Error::Unauthorized)?;
        let holds = |client: &&Client| client.grants.iter().any(|held| held.id == grant);
        let holder = members.all().iter().find(holds).map(|client| client.uuid);
        holder.ok_or(Error::Refused(Refusal::GrantNotFound))
    }

    fn client_secrets(&self) -> ClientSecrets {
        ClientSecrets {
            uuid: ClientUuid(self.new_id()),
            client_id: client_id(&*self.random),
            secret: client_secret(&*self.random),
        }
    }

    fn secret_mac(&self, secrets: &ClientSecrets) -> SecretMac {
        self.keys.client_secret(secrets.uuid, secrets.secret.expose())
    }

    fn new_client(&self, new: &NewClient, secrets: &ClientSecrets, by: Option<ClientUuid>) -> Client {
        let now = self.now();
        Client {
            uuid: secrets.uuid,
            client_id: secrets.client_id.clone(),
            name: new.name.clone(),
            description: new.description.clone(),
            secret: self.secret_mac(secrets),
            generation: 1,
            previous: None,
            created_at: now,
            created_by: by,
            updated_at: now,
            deleted_at: None,
            grants: Vec::new(),
        }
    }

    /// A client that holds every scope of its account: the first, which makes all others.
    pub(crate) fn first_client(&self, first: &crate::FirstClient, audience: Audience) -> Client {
        let uuid = ClientUuid(self.new_id());
        let secrets =
            ClientSecrets { uuid, client_id: first.client_id.clone(), secret: first.secret.clone() };
        let new = NewClient { name: first.name.clone(), description: None };
        let grant = Grant { id: GrantId(self.new_id()), audience, scopes: ScopeSet::all() };
        Client { grants: vec![grant], ..self.new_client(&new, &secrets, None) }
    }
}

/// What became of a change to clients.
struct Changed(Outcome);

impl Changed {
    fn into_client(self) -> Result<Client, Error> {
        match self.0 {
            Outcome::Client(client) => Ok(*client),
            _ => Err(Error::Internal),
        }
    }

    fn into_grant(self) -> Result<Grant, Error> {
        match self.0 {
            Outcome::Grant(grant, _) => Ok(*grant),
            _ => Err(Error::Internal),
        }
    }
}
