//! Checking access tokens: the signature once, everything that can change on every request.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{Actor, Aid, Audience, ClientUuid, RequestId, ScopeSet, Timestamp};
use jsonwebtoken::{Algorithm, Validation};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Caller, Directory, SigningKeys};
use crate::Error;

/// How long an access token lives.
pub(crate) const LIFE_SECONDS: u32 = 14_400;

/// How far the clocks of two servers may be apart.
const LEEWAY_SECONDS: u32 = 5;

/// A token longer than this was not made here.
const TOKEN_BYTES_MAX: usize = 4_096;

const CACHED_TOKENS: usize = 10_000;

/// What a token's header says. Whatever says more, or other, was not made here.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) typ: String,
    pub(crate) alg: String,
    pub(crate) kid: String,
}

/// What a token says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: Uuid,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) jti: Uuid,
    pub(crate) r#gen: u32,
}

/// What a token with a good signature says, ready to be compared.
struct Verified {
    aid: Aid,
    client: ClientUuid,
    generation: u32,
    scopes: ScopeSet,
    not_before: Timestamp,
    expires_at: Timestamp,
    /// When the key that signed it stops counting.
    key_until: Option<Timestamp>,
    kid: String,
}

/// The tokens whose signature has been checked, by their SHA-256.
pub(crate) struct Bearers {
    verified: Cache<[u8; 32], Arc<Verified>>,
    /// When the keys were last read anew because of an unknown `kid`.
    reloaded_ms: AtomicI64,
}

impl Bearers {
    pub(crate) fn new() -> Self {
        Self { verified: Cache::new(CACHED_TOKENS), reloaded_ms: AtomicI64::new(0) }
    }

    /// Who bears `token`, asking for something of `aid`.
    pub(crate) fn check(
        &self,
        keys: &SigningKeys,
        directory: &Directory,
        token: &str,
        aid: Aid,
        now: Timestamp,
        request: RequestId,
    ) -> Result<Caller, Error> {
        let verified = self.verified(keys, token, now).ok_or(Error::Unauthorized)?;
        if now < verified.not_before || verified.expires_at <= now {
            return Err(Error::Unauthorized);
        }
        if verified.key_until.is_some_and(|until| until <= now) || keys.verifying(&verified.kid).is_none() {
            return Err(Error::Unauthorized);
        }
        let members = directory.get(verified.aid).ok_or(Error::Unauthorized)?;
        let client = members.client(verified.client).ok_or(Error::Unauthorized)?;
        if !client.accepts(verified.generation, now) {
            return Err(Error::Unauthorized);
        }
        if verified.aid != aid {
            return Err(Error::OtherAccount);
        }
        let actor = Actor::Client { uuid: verified.client, generation: verified.generation };
        Ok(Caller { aid, actor, scopes: verified.scopes.clone(), request })
    }

    /// Whether the keys should be read anew for a token of an unknown `kid`: once a second at most.
    pub(crate) fn should_reload(&self, keys: &SigningKeys, token: &str, now: Timestamp) -> bool {
        let unknown = header(token).is_some_and(|header| keys.verifying(&header.kid).is_none());
        let last = self.reloaded_ms.load(Ordering::Relaxed);
        let due = now.unix_ms() - last >= 1_000;
        let mine = |()| {
            self.reloaded_ms
                .compare_exchange(last, now.unix_ms(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        unknown && due && mine(())
    }

    fn verified(&self, keys: &SigningKeys, token: &str, now: Timestamp) -> Option<Arc<Verified>> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(verified) = self.verified.get(&digest) {
            return Some(verified);
        }
        let verified = Arc::new(verify(keys, token, now)?);
        self.verified.insert(digest, verified.clone());
        Some(verified)
    }
}

fn header(token: &str) -> Option<Header> {
    use base64::Engine;
    let (encoded, _) = token.split_once('.')?;
    let json = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(encoded).ok()?;
    serde_json::from_slice(&json).ok()
}

fn verify(keys: &SigningKeys, token: &str, now: Timestamp) -> Option<Verified> {
    let header = header(token).filter(|header| header.typ == "JWT" && header.alg == "RS256")?;
    let key = keys.verifying(&header.kid)?;
    let claims = jsonwebtoken::decode::<Claims>(token, &key.decoding, &signature_only()).ok()?.claims;
    let audience = Audience::try_from(claims.aud.as_str()).ok()?;
    let aid = audience.aid().filter(|aid| aid.mode() == key.mode)?;
    let seconds = |claim: i64| claim.checked_mul(1_000).and_then(|ms| Timestamp::try_from(ms).ok());
    let (issued_at, not_before, expires_at) =
        (seconds(claims.iat)?, seconds(claims.nbf)?, seconds(claims.exp)?);
    let ours = claims.iss == format!("https://{aid}@{}", key.issuer_host)
        && not_before == issued_at
        && expires_at <= issued_at.plus_seconds(LIFE_SECONDS)
        && issued_at <= now.plus_seconds(LEEWAY_SECONDS);
    ours.then_some(Verified {
        aid,
        client: ClientUuid(claims.sub),
        generation: claims.r#gen,
        scopes: ScopeSet::try_from(claims.scope.as_str()).ok()?,
        not_before: not_before.minus_seconds(LEEWAY_SECONDS),
        expires_at,
        key_until: key.verifies_until,
        kid: header.kid,
    })
}

/// The library checks the signature and the structure. Times and audience are checked here: against a clock
/// that is handed in, and by account rather than by text.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
