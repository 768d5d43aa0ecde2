//! Giving out access tokens for client credentials.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Aid, Audience, Client, ClientId, Scope, ScopeSet, SecretMac, Timestamp};
use serde::Serialize;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::bearer::{Claims, Header, LIFE_SECONDS};
use super::signing::Signer;
use super::{Network, PublicHosts};
use crate::secrets::Secret;
use crate::{Error, Service};

/// What a client authenticates with.
pub struct Credentials {
    /// The client's name.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
}

/// An access token and how long it lives.
pub struct AccessToken {
    /// The token itself.
    pub value: Secret,
    /// Seconds until it expires.
    pub expires_in: u32,
}

/// A client whose secret was checked.
pub struct Authenticated {
    aid: Aid,
    client: Client,
    /// The generation that goes with the secret it knew.
    generation: u32,
}

impl Service {
    /// Checks a client's name and secret. Many wrong ones make whoever sends them wait.
    pub fn check_credentials(
        &self,
        aid: Aid,
        credentials: &Credentials,
        network: Network,
    ) -> Result<Authenticated, Error> {
        let now = self.now();
        let client_id = ClientId::try_from(credentials.client_id.as_str()).ok();
        let of_client = (aid, client_id.clone(), network);
        let waits = [
            self.budgets.credentials.wait_seconds(&of_client, now),
            self.budgets.networks.wait_seconds(&network, now),
        ];
        if let Some(retry_after_seconds) = waits.into_iter().flatten().max() {
            return Err(Error::TooManyTries { retry_after_seconds });
        }
        self.authenticated(aid, client_id, &credentials.client_secret, now).ok_or_else(|| {
            self.budgets.credentials.spend(of_client, now);
            self.budgets.networks.spend(network, now);
            Error::BadCredentials
        })
    }

    /// Gives a client an access token for `audience`, with every scope granted to it there.
    pub fn issue_access_token(&self, who: &Authenticated, audience: &Audience) -> Result<AccessToken, Error> {
        let scopes = granted(&who.client, audience, who.aid, &self.hosts)?;
        let signer = self.signing.signer(who.aid.mode()).ok_or(Error::Internal)?;
        let value = sign(&signer, claims(&signer, who, audience, &scopes, self.now()))?;
        Ok(AccessToken { value: Secret::new(value), expires_in: LIFE_SECONDS })
    }

    fn authenticated(
        &self,
        aid: Aid,
        client_id: Option<ClientId>,
        secret: &Secret,
        now: Timestamp,
    ) -> Option<Authenticated> {
        let members = self.directory.get(aid);
        let known = members.as_deref().zip(client_id);
        let client = known.and_then(|(members, id)| members.by_client_id(&id).cloned());
        // An unknown client costs as much time as a wrong secret.
        let uuid = client.as_ref().map_or(domain::ClientUuid(Uuid::nil()), |client| client.uuid);
        let presented = self.keys.client_secret(uuid, secret.expose());
        let client = client?;
        let generation = generation_of(&client, presented, now)?;
        Some(Authenticated { aid, client, generation })
    }
}

fn generation_of(client: &Client, presented: SecretMac, now: Timestamp) -> Option<u32> {
    let is = |secret: SecretMac| bool::from(secret.mac.ct_eq(&presented.mac));
    let previous = client.previous.filter(|previous| now < previous.ends_at && is(previous.secret));
    if is(client.secret) { Some(client.generation) } else { previous.map(|previous| previous.generation) }
}

fn granted(client: &Client, audience: &Audience, aid: Aid, hosts: &PublicHosts) -> Result<ScopeSet, Error> {
    if audience.aid() != Some(aid) {
        return Err(Error::NoGrant);
    }
    if !hosts.accept(audience, aid) {
        return Err(Error::UnknownAudience);
    }
    let for_account = client.grants.iter().filter(|grant| grant.audience.aid() == Some(aid));
    let scopes: Vec<Scope> = for_account.flat_map(|grant| grant.scopes.iter()).collect();
    if scopes.is_empty() { Err(Error::NoGrant) } else { Ok(scopes.into_iter().collect()) }
}

fn claims(
    signer: &Signer,
    who: &Authenticated,
    audience: &Audience,
    scopes: &ScopeSet,
    now: Timestamp,
) -> Claims {
    let issued_at = now.unix_ms() / 1_000;
    Claims {
        iss: format!("https://{}@{}", who.aid, signer.issuer_host),
        aud: audience.to_string(),
        sub: who.client.uuid.0,
        client_id: who.client.client_id.to_string(),
        scope: scopes.to_string(),
        iat: issued_at,
        nbf: issued_at,
        exp: issued_at + i64::from(LIFE_SECONDS),
        jti: Uuid::new_v4(),
        r#gen: who.generation,
    }
}

fn sign(signer: &Signer, claims: Claims) -> Result<String, Error> {
    let header = Header { typ: "JWT".into(), alg: "RS256".into(), kid: signer.kid.clone() };
    let message = format!("{}.{}", encoded(&header)?, encoded(&claims)?);
    let signature = signer.sign(message.as_bytes()).ok_or(Error::Internal)?;
    Ok(format!("{message}.{signature}"))
}

fn encoded(part: &impl Serialize) -> Result<String, Error> {
    let json = serde_json::to_vec(part).map_err(|_| Error::Internal)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}
