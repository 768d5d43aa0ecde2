//! The keys that sign access tokens: one set for test accounts, one for production accounts.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom as SignatureRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Mode, Timestamp};
use jsonwebtoken::DecodingKey;
use store::{SigningKey, Store};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::secrets::{KEY_VERSION, Keys, Sealed};

/// Signs with the newest key of a mode, verifies with every one that still counts.
#[derive(Default)]
pub(crate) struct SigningKeys {
    keys: RwLock<Arc<Loaded>>,
    /// Held while reading, so that keys read later are never overwritten by keys read before.
    reading: Mutex<()>,
}

#[derive(Default)]
struct Loaded {
    by_kid: HashMap<String, Arc<VerifyingKey>>,
    signers: HashMap<Mode, Arc<Signer>>,
}

/// A key's public half.
pub(crate) struct VerifyingKey {
    pub(crate) mode: Mode,
    pub(crate) issuer_host: String,
    pub(crate) decoding: DecodingKey,
    pub(crate) verifies_until: Option<Timestamp>,
    public: PublicKey,
    created_at: Timestamp,
}

/// A key that signs.
pub(crate) struct Signer {
    pub(crate) kid: String,
    pub(crate) issuer_host: String,
    pair: RsaKeyPair,
}

/// A public key as a JWK shows it; every part is base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The key's id.
    pub kid: String,
    /// The modulus.
    pub n: String,
    /// The exponent.
    pub e: String,
}

/// Why keys could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum RotationFault {
    /// A stored key does not open under this master key, or is no key.
    #[error("signing key {0} cannot be opened with this master key")]
    Unreadable(String),
    /// No key could be made.
    #[error("no signing key could be made")]
    NotMade,
    /// The store could not keep or give a key.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Signer {
    /// An RS256 signature over `message`, in base64url.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<String> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SignatureRandom::new(), message, &mut signature).ok()?;
        Some(URL_SAFE_NO_PAD.encode(signature))
    }
}

impl SigningKeys {
    /// Reads the keys anew.
    pub(crate) async fn load(&self, store: &dyn Store, keys: &Keys) -> Result<(), RotationFault> {
        let _reading = self.reading.lock().await;
        let mut loaded = Loaded::default();
        for row in store.signing_keys().await? {
            let verifying = verifying_key(&row).ok_or_else(|| RotationFault::Unreadable(row.kid.clone()))?;
            loaded.by_kid.insert(row.kid.clone(), Arc::new(verifying));
            if row.sealed_private.is_some() {
                let signer = signer(&row, keys).ok_or_else(|| RotationFault::Unreadable(row.kid.clone()))?;
                loaded.signers.insert(row.mode, Arc::new(signer));
            }
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
        Ok(())
    }

    /// Makes a key that signs from now on. Older ones verify until `retire_at`, when the last token they signed
    /// has expired.
    pub(crate) async fn rotate(
        &self,
        store: &dyn Store,
        keys: &Keys,
        new: NewKey<'_>,
        unless_since: Option<Timestamp>,
    ) -> Result<bool, RotationFault> {
        let made = tokio::task::spawn_blocking(generate).await.map_err(|_| RotationFault::NotMade)?;
        let (public_der, private) = made.ok_or(RotationFault::NotMade)?;
        let kid = Uuid::new_v4().to_string();
        let row = SigningKey {
            sealed_private: Some(Sealed::seal(keys.signing(), kid.as_bytes(), private.as_ref())),
            kid,
            mode: new.mode,
            issuer_host: new.issuer_host.to_owned(),
            public_der,
            key_version: KEY_VERSION,
            created_at: new.now,
            verifies_until: None,
        };
        let kept = store.put_signing_key(&row, new.retire_at, new.now, unless_since).await?;
        self.load(store, keys).await?;
        Ok(kept)
    }

    pub(crate) fn signer(&self, mode: Mode) -> Option<Arc<Signer>> {
        self.loaded().signers.get(&mode).cloned()
    }

    pub(crate) fn verifying(&self, kid: &str) -> Option<Arc<VerifyingKey>> {
        self.loaded().by_kid.get(kid).cloned()
    }

    /// When the key that signs for `mode` was made.
    pub(crate) fn signing_since(&self, mode: Mode) -> Option<Timestamp> {
        let loaded = self.loaded();
        let signer = loaded.signers.get(&mode)?;
        loaded.by_kid.get(&signer.kid).map(|key| key.created_at)
    }

    /// The public keys that count at `now`, newest first; of one mode, or of both.
    pub(crate) fn public(&self, mode: Option<Mode>, now: Timestamp) -> Vec<PublicKey> {
        let loaded = self.loaded();
        let counts = |key: &&Arc<VerifyingKey>| {
            mode.is_none_or(|mode| key.mode == mode) && key.verifies_until.is_none_or(|until| now < until)
        };
        let mut keys: Vec<&Arc<VerifyingKey>> = loaded.by_kid.values().filter(counts).collect();
        keys.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.public.kid.clone())));
        keys.into_iter().map(|key| key.public.clone()).collect()
    }

    fn loaded(&self) -> Arc<Loaded> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is to be known of a key before it is made.
pub(crate) struct NewKey<'a> {
    pub(crate) mode: Mode,
    pub(crate) issuer_host: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) retire_at: Timestamp,
}

fn generate() -> Option<(Vec<u8>, Pkcs8V1Der<'static>)> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let public = pair.public_key().as_ref().to_vec();
    Some((public, pair.as_der().ok()?))
}

fn signer(row: &SigningKey, keys: &Keys) -> Option<Signer> {
    let private = Sealed::open(keys.signing(), row.kid.as_bytes(), row.sealed_private.as_deref()?)?;
    let pair = RsaKeyPair::from_pkcs8(&private).ok()?;
    Some(Signer { kid: row.kid.clone(), issuer_host: row.issuer_host.clone(), pair })
}

fn verifying_key(row: &SigningKey) -> Option<VerifyingKey> {
    let (n, e) = components(&row.public_der)?;
    let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
    Some(VerifyingKey {
        mode: row.mode,
        issuer_host: row.issuer_host.clone(),
        decoding: DecodingKey::from_rsa_der(&row.public_der),
        verifies_until: row.verifies_until,
        public: PublicKey { kid: row.kid.clone(), n, e },
        created_at: row.created_at,
    })
}

/// Modulus and exponent of a PKCS #1 public key: a DER sequence of two positive integers.
fn components(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (0x30, body, []) = der_value(der)? else {
        return None;
    };
    let (0x02, modulus, rest) = der_value(body)? else {
        return None;
    };
    let (0x02, exponent, []) = der_value(rest)? else {
        return None;
    };
    let unsigned = |integer: &'_ [u8]| integer.iter().position(|byte| *byte != 0).unwrap_or(integer.len());
    Some((&modulus[unsigned(modulus)..], &exponent[unsigned(exponent)..]))
}

/// The tag and content of the first DER value, and what follows it.
fn der_value(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [tag, length, rest @ ..] = der else {
        return None;
    };
    let (length, rest) = match usize::from(*length) {
        short @ ..0x80 => (short, rest),
        long => {
            let (bytes, rest) = rest.split_at_checked(long - 0x80)?;
            (
                bytes
                    .iter()
                    .try_fold(0_usize, |sum, byte| Some(sum.checked_mul(256)? + usize::from(*byte)))?,
                rest,
            )
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_shows_its_2048_bit_modulus_and_its_exponent() {
        let (public, _) = generate().expect("a key");
        let (n, e) = components(&public).expect("a PKCS #1 key");
        assert_eq!(n.len(), 256);
        assert_eq!(e, [1, 0, 1]);
        assert!(components(&public[..20]).is_none());
        assert!(components(&[]).is_none());
    }
}
