//! Making codes: tokens, PINs and client secrets.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{ClientId, Format};
use uuid::Builder;
use zeroize::Zeroizing;

use super::random::uuid_v4;
use super::{Random, Secret};

/// Random bytes are drawn in blocks: one system call serves many codes.
const BLOCK_BYTES: usize = 4_096;

/// Makes codes of one format, every possible one equally likely.
pub(crate) struct CodeMaker<'a> {
    random: &'a dyn Random,
    block: Zeroizing<Vec<u8>>,
    format: &'a Format,
    alphabet: Vec<u8>,
    makes_uuids: bool,
}

impl<'a> CodeMaker<'a> {
    pub(crate) fn of_tokens(random: &'a dyn Random, format: &'a Format) -> Self {
        Self { makes_uuids: format.is_uuid(), ..Self::of_pins(random, format) }
    }

    pub(crate) fn of_pins(random: &'a dyn Random, format: &'a Format) -> Self {
        let alphabet = format.classes.alphabet().into_bytes();
        Self { random, block: Zeroizing::new(Vec::new()), format, alphabet, makes_uuids: false }
    }

    pub(crate) fn make(&mut self) -> Secret {
        let mut code =
            String::with_capacity(self.format.prefix.as_str().len() + usize::from(self.format.length));
        code.push_str(self.format.prefix.as_str());
        if self.makes_uuids {
            let mut text = Zeroizing::new([0; uuid::fmt::Hyphenated::LENGTH]);
            let bytes = std::array::from_fn(|_| self.byte());
            code.push_str(
                Builder::from_random_bytes(bytes).into_uuid().hyphenated().encode_lower(&mut *text),
            );
        } else {
            for _ in 0..self.format.length {
                code.push(self.character());
            }
        }
        Secret::new(code)
    }

    /// One character of the alphabet. A byte beyond the last whole multiple of the alphabet's length is thrown
    /// away: taking it would make the first characters likelier than the last.
    fn character(&mut self) -> char {
        let size = self.alphabet.len();
        let fair = 256 - 256 % size;
        loop {
            let byte = usize::from(self.byte());
            if byte < fair {
                return char::from(self.alphabet[byte % size]);
            }
        }
    }

    fn byte(&mut self) -> u8 {
        if let Some(byte) = self.block.pop() {
            return byte;
        }
        self.block.resize(BLOCK_BYTES, 0);
        self.random.fill(&mut self.block);
        self.block.pop().unwrap_or_default()
    }
}

/// A client's name: 128 random bits in hexadecimal.
pub(crate) fn client_id(random: &dyn Random) -> ClientId {
    let text = uuid_v4(random).simple().to_string();
    ClientId::try_from(text.as_str()).expect("32 hexadecimal digits are a client id")
}

/// A client's secret: 256 random bits behind a prefix by which a leaked one is recognised.
pub(crate) fn client_secret(random: &dyn Random) -> Secret {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(&mut *bytes);
    Secret::new(format!("gavekort_{}", URL_SAFE_NO_PAD.encode(*bytes)))
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use domain::FormatRequest;

    use super::*;
    use crate::secrets::SystemRandom;

    fn format(length: i64, numbers: bool) -> Format {
        let request =
            FormatRequest { length: Some(length), numbers: Some(numbers), ..FormatRequest::default() };
        Format::token(&request).expect("a strong format")
    }

    #[test]
    fn codes_have_the_prefix_the_length_and_the_alphabet_asked_for() {
        let format = format(20, true);
        let code = CodeMaker::of_tokens(&SystemRandom, &format).make();
        let made = code.expose().strip_prefix("DINCARD:").expect("the prefix");
        assert_eq!(made.len(), 20);
        assert!(made.bytes().all(|byte| byte.is_ascii_digit()));
    }

    #[test]
    fn a_default_token_is_a_version_4_uuid() {
        let format = Format::token(&FormatRequest::default()).expect("the default");
        let code = CodeMaker::of_tokens(&SystemRandom, &format).make();
        let uuid = uuid::Uuid::parse_str(code.expose().trim_start_matches("DINCARD:")).expect("a UUID");
        assert_eq!(uuid.get_version_num(), 4);
    }

    #[test]
    fn every_character_is_equally_likely_at_every_place() {
        const CODES: usize = 40_000;
        let format = format(16, false);
        let size = format.classes.alphabet().len();
        let mut maker = CodeMaker::of_tokens(&SystemRandom, &format);
        let mut counts: HashMap<(usize, u8), usize> = HashMap::new();
        let mut seen = HashSet::new();
        for _ in 0..CODES {
            let code = maker.make();
            let made = code.expose().trim_start_matches("DINCARD:").to_owned();
            for place in made.bytes().enumerate() {
                *counts.entry(place).or_default() += 1;
            }
            assert!(seen.insert(made), "a code came twice");
        }
        let expected = CODES / size;
        // Six standard deviations: a fair generator fails this less than once in ten million runs.
        let allowed = 6 * (CODES.isqrt() / size.isqrt() + 1);
        for (place, count) in counts {
            assert!(count.abs_diff(expected) < allowed, "{place:?}: {count} instead of {expected}");
        }
    }

    #[test]
    fn bytes_that_would_favour_the_first_characters_are_thrown_away() {
        struct Counting(std::sync::atomic::AtomicU8);
        impl Random for Counting {
            fn fill(&self, bytes: &mut [u8]) {
                for byte in bytes.iter_mut().rev() {
                    *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            }
        }
        let format = format(128, true);
        let random = Counting(250.into());
        let code = CodeMaker::of_tokens(&random, &format).make();
        assert!(code.expose().starts_with("DINCARD:0123456789"), "250 to 255 are not digits");
    }
}
