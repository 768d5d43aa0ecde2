//! Sealing: what must be read again later, but by nobody who only has the database.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Secret;

/// Sealed bytes: a nonce, the ciphertext and its tag.
pub(crate) struct Sealed;

impl Sealed {
    /// Seals `plain` so that it opens only under the same key and for the same place.
    pub(crate) fn seal(key: &[u8; 32], place: &[u8], plain: &[u8]) -> Vec<u8> {
        let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, key).expect("the key has 32 bytes");
        let mut body = plain.to_vec();
        let sealed = key.seal_in_place_append_tag(Aad::from(place), &mut body);
        let nonce = sealed.expect("AES-256-GCM-SIV seals what fits in memory");
        let mut whole = nonce.as_ref().to_vec();
        whole.append(&mut body);
        whole
    }

    /// Opens what was sealed, or nothing where key, place or a single bit is another.
    pub(crate) fn open(key: &[u8; 32], place: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, key).ok()?;
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut plain = Zeroizing::new(body.to_vec());
        let length = key.open_in_place(Nonce::from(nonce), Aad::from(place), &mut plain).ok()?.len();
        plain.truncate(length);
        Some(plain)
    }
}

/// Writes ids and secrets one after the other, to be sealed.
#[derive(Default)]
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(crate) fn uuid(&mut self, id: Uuid) {
        self.0.extend_from_slice(id.as_bytes());
    }

    /// A text of at most 65,535 bytes; every code is shorter.
    pub(crate) fn text(&mut self, text: &str) {
        let length = u16::try_from(text.len()).expect("codes and names are shorter than 64 KiB");
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn secret(&mut self, secret: Option<&Secret>) {
        // No code is empty, so an empty text can stand for none.
        self.text(secret.map_or("", Secret::expose));
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Reads what a [`Writer`] wrote, in the same order.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn uuid(&mut self) -> Option<Uuid> {
        let (bytes, rest) = self.0.split_first_chunk::<16>()?;
        self.0 = rest;
        Some(Uuid::from_bytes(*bytes))
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let (length, rest) = self.0.split_first_chunk::<2>()?;
        let (text, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.0 = rest;
        str::from_utf8(text).ok()
    }

    pub(crate) fn secret(&mut self) -> Option<Option<Secret>> {
        let text = self.text()?;
        Some((!text.is_empty()).then(|| Secret::new(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_only_under_the_same_key_and_place() {
        let (key, other) = ([1; 32], [2; 32]);
        let sealed = Sealed::seal(&key, b"here", b"secret");
        let open = |key, place, sealed: &[u8]| Sealed::open(key, place, sealed).map(|plain| plain.to_vec());
        assert_eq!(open(&key, b"here", &sealed).as_deref(), Some(b"secret".as_slice()));
        assert_eq!(open(&other, b"here", &sealed), None);
        assert_eq!(open(&key, b"there", &sealed), None);
        for place in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[place] ^= 1;
            assert_eq!(open(&key, b"here", &bent), None, "byte {place}");
        }
        assert_eq!(open(&key, b"here", &sealed[..5]), None);
    }

    #[test]
    fn ids_and_secrets_read_back_in_order() {
        let mut writer = Writer::default();
        writer.uuid(Uuid::from_u128(7));
        writer.secret(Some(&Secret::new("0042".to_owned())));
        writer.secret(None);
        let mut reader = Reader::new(writer.bytes());
        assert_eq!(reader.uuid(), Some(Uuid::from_u128(7)));
        assert_eq!(reader.secret().flatten().map(|pin| pin.expose().to_owned()).as_deref(), Some("0042"));
        assert!(matches!(reader.secret(), Some(None)));
        assert!(reader.is_at_end());
        assert_eq!(reader.uuid(), None);
    }
}
