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
    /// What it permits.
    pub scopes: ScopeSet,
}

impl Service {
    /// Gives a client an access token for `audience`, with every scope granted to it there.
    pub fn issue_access_token(
        &self,
        aid: Aid,
        credentials: &Credentials,
        audience: &Audience,
        network: Network,
    ) -> Result<AccessToken, Error> {
        let now = self.now();
        let budget_key = (aid, credentials.client_id.clone(), network);
        let waits = [
            self.credential_budget.wait_seconds(&budget_key, now),
            self.network_budget.wait_seconds(&network, now),
        ];
        if let Some(retry_after_seconds) = waits.into_iter().flatten().max() {
            return Err(Error::TooManyTries { retry_after_seconds });
        }
        let Some((client, generation)) = self.authenticated(aid, credentials, now) else {
            self.credential_budget.spend(budget_key, now);
            self.network_budget.spend(network, now);
            return Err(Error::BadCredentials);
        };
        let scopes = granted(&client, audience, aid, &self.hosts)?;
        let signer = self.signing.signer(aid.mode()).ok_or(Error::Internal)?;
        let value = sign(&signer, claims(&signer, &client, generation, aid, audience, &scopes, now))?;
        Ok(AccessToken { value: Secret::new(value), expires_in: LIFE_SECONDS, scopes })
    }

    /// The client whose secret this is, and the generation that goes with the secret.
    fn authenticated(&self, aid: Aid, credentials: &Credentials, now: Timestamp) -> Option<(Client, u32)> {
        let client_id = ClientId::try_from(credentials.client_id.as_str()).ok();
        let members = self.directory.get(aid);
        let client =
            members.as_deref().zip(client_id).and_then(|(members, id)| members.by_client_id(&id).cloned());
        // An unknown client costs as much time as a wrong secret.
        let uuid = client.as_ref().map_or(domain::ClientUuid(Uuid::nil()), |client| client.uuid);
        let presented = self.keys.client_secret(uuid, credentials.client_secret.expose());
        let client = client.filter(|client| client.deleted_at.is_none())?;
        let generation = generation_of(&client, presented, now)?;
        Some((client, generation))
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
    client: &Client,
    generation: u32,
    aid: Aid,
    audience: &Audience,
    scopes: &ScopeSet,
    now: Timestamp,
) -> Claims {
    let issued_at = now.unix_ms() / 1_000;
    Claims {
        iss: format!("https://{aid}@{}", signer.issuer_host),
        aud: audience.to_string(),
        sub: client.uuid.0,
        client_id: client.client_id.to_string(),
        scope: scopes.to_string(),
        iat: issued_at,
        nbf: issued_at,
        exp: issued_at + i64::from(LIFE_SECONDS),
        jti: Uuid::new_v4(),
        r#gen: generation,
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
