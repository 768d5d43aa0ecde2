//! The master key, and the keys that are derived from it, one for each use.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::{
    Aid, CardUuid, ClientUuid, IdempotencyMac, Operation, PinMac, PresentedPin, RequestMac, SecretMac,
    TokenMac,
};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use store::{BudgetKey, PinChecker};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::Random;

/// The version that every row names which depends on a key.
pub(crate) const KEY_VERSION: u16 = 1;

const KEY_BYTES: usize = 32;

/// The server-wide value by which a database knows its master key.
pub const MASTER_KEY_CHECK: &str = "master_key_check";

/// The 32 bytes from which every other key is derived. They are never in the database or a backup of it.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

/// The text is not 32 bytes in standard base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 bytes in standard base64 (44 characters)")]
pub struct MasterKeyFault;

impl MasterKey {
    /// Makes a new one.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        random.fill(&mut *bytes);
        Self(bytes)
    }

    /// Reads one as it stands in a file or a variable.
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyFault> {
        let decoded = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| MasterKeyFault)?);
        let bytes = <[u8; KEY_BYTES]>::try_from(decoded.as_slice()).map_err(|_| MasterKeyFault)?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// The key as it is to stand in a file or a variable.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(*self.0))
    }

    /// Whether a database was made under this key, by what it keeps as [`MASTER_KEY_CHECK`].
    pub fn is_of(&self, kept: &[u8]) -> bool {
        kept.ct_eq(&Keys::derive(self).check_value()).into()
    }

    fn derive(&self, label: &str) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let expanded = Hkdf::<Sha256>::new(None, &*self.0).expand(label.as_bytes(), &mut *key);
        expanded.expect("HKDF-SHA-256 gives 32 bytes");
        key
    }
}

/// A key that is ready to hash with.
#[derive(Clone)]
struct MacKey(Hmac<Sha256>);

impl MacKey {
    fn new(master: &MasterKey, label: &str) -> Self {
        let key = master.derive(label);
        Self(Hmac::new_from_slice(&*key).expect("HMAC takes a key of any length"))
    }

    /// Hashes `parts`, each behind its length so that no two lists of parts read the same.
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hmac = self.0.clone();
        for part in parts {
            hmac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hmac.update(part);
        }
        hmac.finalize().into_bytes().into()
    }
}

/// Hashes whom a budget belongs to, so that the database does not tell who guessed from where.
#[derive(Clone)]
pub(crate) struct BudgetKeys {
    key: MacKey,
    kind: &'static str,
}

impl BudgetKeys {
    pub(crate) fn key(&self, parts: &[&[u8]]) -> BudgetKey {
        let mut all = vec![self.kind.as_bytes()];
        all.extend_from_slice(parts);
        let mut key = BudgetKey::default();
        let length = key.len();
        key.copy_from_slice(&self.key.mac(&all)[..length]);
        key
    }
}

/// Every derived key.
pub(crate) struct Keys {
    budget: MacKey,
    token: MacKey,
    pin: MacKey,
    client_secret: MacKey,
    idempotency: MacKey,
    request: MacKey,
    check: MacKey,
    replay: Zeroizing<[u8; KEY_BYTES]>,
    signing: Zeroizing<[u8; KEY_BYTES]>,
}

impl Keys {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        Self {
            budget: MacKey::new(master, "budget-hmac/v1"),
            token: MacKey::new(master, "token-hmac/v1"),
            pin: MacKey::new(master, "pin-hmac/v1"),
            client_secret: MacKey::new(master, "client-secret-hmac/v1"),
            idempotency: MacKey::new(master, "idempotency-hmac/v1"),
            request: MacKey::new(master, "request-hmac/v1"),
            check: MacKey::new(master, "check-hmac/v1"),
            replay: master.derive("replay-aead/v1"),
            signing: master.derive("signing-key-aead/v1"),
        }
    }

    /// By which a database knows the master key it belongs to.
    pub(crate) fn check_value(&self) -> [u8; 32] {
        self.check.mac(&[b"gavekort"])
    }

    /// Under which servers that share a database tell each other of the budgets of one kind.
    pub(crate) fn budgets(&self, kind: &'static str) -> BudgetKeys {
        BudgetKeys { key: self.budget.clone(), kind }
    }

    pub(crate) fn token(&self, aid: Aid, value: &str) -> TokenMac {
        let mac = self.token.mac(&[aid.as_str().as_bytes(), value.as_bytes()]);
        TokenMac { key_version: KEY_VERSION, mac }
    }

    pub(crate) fn pin(&self, card: CardUuid, value: &str) -> PinMac {
        let mac = self.pin.mac(&[card.0.as_bytes(), value.as_bytes()]);
        PinMac { key_version: KEY_VERSION, mac }
    }

    pub(crate) fn client_secret(&self, client: ClientUuid, value: &str) -> SecretMac {
        let mac = self.client_secret.mac(&[client.0.as_bytes(), value.as_bytes()]);
        SecretMac { key_version: KEY_VERSION, mac }
    }

    pub(crate) fn idempotency(&self, aid: Aid, key: &str) -> IdempotencyMac {
        let mac = self.idempotency.mac(&[aid.as_str().as_bytes(), key.as_bytes()]);
        IdempotencyMac { key_version: KEY_VERSION, mac }
    }

    pub(crate) fn request(&self, operation: Operation, canonical: &[u8]) -> RequestMac {
        let mac = self.request.mac(&[operation.as_str().as_bytes(), canonical]);
        RequestMac { key_version: KEY_VERSION, mac }
    }

    /// The key of one kept answer. It takes the client's `Idempotency-Key` to make it: whoever has the master
    /// key and the database, but not that header, cannot open the answer.
    pub(crate) fn replay(&self, idempotency_key: &str) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let hkdf = Hkdf::<Sha256>::new(Some(idempotency_key.as_bytes()), &*self.replay);
        hkdf.expand(b"replay", &mut *key).expect("HKDF-SHA-256 gives 32 bytes");
        key
    }

    pub(crate) fn signing(&self) -> &[u8; KEY_BYTES] {
        &self.signing
    }
}

/// What a store is opened with to have PINs compared, which only this crate can.
pub fn pin_checker(master: &MasterKey) -> PinChecker {
    let keys = Keys::derive(master);
    Arc::new(move |card, presented: &PresentedPin, kept: &PinMac| {
        let mac = keys.pin(card, presented.expose());
        mac.key_version == kept.key_version && bool::from(mac.mac.ct_eq(&kept.mac))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SystemRandom;

    #[test]
    fn a_master_key_reads_back_as_it_was_written() {
        let key = MasterKey::generate(&SystemRandom);
        let read = MasterKey::from_base64(&format!("{}\n", key.to_base64().as_str())).expect("a master key");
        assert_eq!(*read.0, *key.0);
        for bad in ["", "short", &"A".repeat(43), &"A".repeat(88)] {
            assert!(MasterKey::from_base64(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_the_right_pin_of_the_right_card_passes() {
        let master = MasterKey::generate(&SystemRandom);
        let (keys, is_right) = (Keys::derive(&master), pin_checker(&master));
        let (one, other) = (CardUuid(uuid::Uuid::from_u128(1)), CardUuid(uuid::Uuid::from_u128(2)));
        let presented = |pin: &str| PresentedPin::new(pin.to_owned());
        let kept = keys.pin(one, "0042");
        assert!(is_right(one, &presented("0042"), &kept));
        assert!(!is_right(one, &presented("42"), &kept));
        assert!(!is_right(other, &presented("0042"), &kept));
        assert!(!is_right(one, &presented("0042"), &PinMac { key_version: KEY_VERSION + 1, ..kept }));
    }

    #[test]
    fn each_use_card_and_account_has_hashes_of_its_own() {
        let keys = Keys::derive(&MasterKey::generate(&SystemRandom));
        let aid = |text| Aid::try_from(text).expect("an account id");
        let (one, other) = (CardUuid(uuid::Uuid::from_u128(1)), CardUuid(uuid::Uuid::from_u128(2)));
        assert_ne!(keys.pin(one, "0000").mac, keys.pin(other, "0000").mac);
        assert_ne!(keys.token(aid("T00000001"), "x").mac, keys.token(aid("T00000002"), "x").mac);
        assert_ne!(keys.token(aid("T00000001"), "x").mac, keys.idempotency(aid("T00000001"), "x").mac);
        assert_ne!(*keys.replay("one"), *keys.replay("other"));
    }
}
