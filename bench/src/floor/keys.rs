//! Keyed hashes and the seal, over keys that are made up for the run.

use anyhow::Result;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, RandomizedNonceKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use super::codes::{CardCodes, Codes};

pub struct Keys {
    token: Hmac<Sha256>,
    pin: Hmac<Sha256>,
    idempotency: Hmac<Sha256>,
    request: Hmac<Sha256>,
    replay: Hmac<Sha256>,
}

impl Keys {
    pub fn new(codes: &mut Codes) -> Self {
        let mut key = || {
            let key: [u8; 32] = codes.bytes();
            Hmac::new_from_slice(&key).expect("HMAC takes a key of any length")
        };
        Self { token: key(), pin: key(), idempotency: key(), request: key(), replay: key() }
    }

    pub fn token(&self, aid: &str, value: &str) -> [u8; 32] {
        mac(&self.token, &[aid.as_bytes(), value.as_bytes()])
    }

    pub fn pin(&self, card: Uuid, value: &str) -> [u8; 32] {
        mac(&self.pin, &[card.as_bytes(), value.as_bytes()])
    }

    pub fn idempotency(&self, aid: &str, key: &str) -> [u8; 32] {
        mac(&self.idempotency, &[aid.as_bytes(), key.as_bytes()])
    }

    pub fn request(&self, body: &[u8]) -> [u8; 32] {
        mac(&self.request, &[b"create_batch", body])
    }

    /// Seals what cannot be derived from a batch's request.
    pub fn seal(&self, key: &str, place: &[u8], batch: Uuid, cards: &[CardCodes]) -> Result<Vec<u8>> {
        let mut plain = batch.as_bytes().to_vec();
        push_text(&mut plain, "NOK");
        for card in cards {
            plain.extend_from_slice(card.uuid.as_bytes());
            plain.extend_from_slice(card.token_uuid.as_bytes());
            push_text(&mut plain, &card.pin);
            push_text(&mut plain, &card.token);
        }
        let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, &mac(&self.replay, &[key.as_bytes()]))?;
        let nonce = key.seal_in_place_append_tag(Aad::from(place), &mut plain)?;
        Ok([nonce.as_ref().as_slice(), &plain].concat())
    }
}

fn push_text(plain: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("codes are short");
    plain.extend_from_slice(&length.to_be_bytes());
    plain.extend_from_slice(text.as_bytes());
}

fn mac(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut hmac = key.clone();
    for part in parts {
        hmac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hmac.update(part);
    }
    hmac.finalize().into_bytes().into()
}
