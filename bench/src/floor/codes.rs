//! Ids, tokens and PINs, out of random bytes that are fetched in blocks.

use uuid::{Builder, Uuid};

use super::Pictures;

const BLOCK_BYTES: usize = 4_096;
const PIN_DIGITS: usize = 6;
/// The largest multiple of 10 that a byte can count to: bytes beyond would favour small digits.
const FAIR_BYTES: u8 = 250;

/// The prefix of a default token, whose rest is a random UUID.
pub const TOKEN_PREFIX: &str = "DINCARD:";

/// The formats as the database keeps them.
pub fn token_format(pictures: Pictures) -> String {
    format!("36:snc{}:{TOKEN_PREFIX}", marks(pictures))
}

pub fn pin_format(pictures: Pictures) -> String {
    format!("{PIN_DIGITS}:-n-{}:", marks(pictures))
}

fn marks(pictures: Pictures) -> &'static str {
    match pictures {
        Pictures::None => "--",
        Pictures::Both => "bq",
    }
}

/// What is made for one card.
pub struct CardCodes {
    pub uuid: Uuid,
    pub token_uuid: Uuid,
    pub token: String,
    pub pin: String,
}

/// Random bytes, and the counter that keeps the ids of one millisecond in order.
pub struct Codes {
    block: [u8; BLOCK_BYTES],
    left: usize,
    unix_ms: u64,
    count: u32,
}

impl Codes {
    pub fn new() -> Self {
        Self { block: [0; BLOCK_BYTES], left: 0, unix_ms: 0, count: 0 }
    }

    pub fn card(&mut self, unix_ms: u64) -> CardCodes {
        let (uuid, token_uuid) = (self.id(unix_ms), self.id(unix_ms));
        let token = Builder::from_random_bytes(self.bytes()).into_uuid();
        let mut text = String::with_capacity(TOKEN_PREFIX.len() + uuid::fmt::Hyphenated::LENGTH);
        text.push_str(TOKEN_PREFIX);
        text.push_str(token.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        CardCodes { uuid, token_uuid, token: text, pin: self.pin() }
    }

    /// A UUID of version 7: time, then 26 bits that count, then random ones.
    pub fn id(&mut self, unix_ms: u64) -> Uuid {
        self.count = if self.unix_ms == unix_ms { self.count + 1 } else { 0 };
        self.unix_ms = unix_ms;
        let mut rest: [u8; 10] = self.bytes();
        let [_, _, low_high, low] = self.count.to_be_bytes();
        // The version takes four bits of the first byte, the variant two of the third.
        let high = u16::try_from(self.count >> 14 & 0x0fff).expect("12 bits");
        rest[..2].copy_from_slice(&high.to_be_bytes());
        rest[2] = low_high & 0x3f;
        rest[3] = low;
        Builder::from_unix_timestamp_millis(unix_ms, &rest).into_uuid()
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    fn pin(&mut self) -> String {
        let mut pin = String::with_capacity(PIN_DIGITS);
        while pin.len() < PIN_DIGITS {
            let byte = self.byte();
            if byte < FAIR_BYTES {
                pin.push(char::from(b'0' + byte % 10));
            }
        }
        pin
    }

    fn byte(&mut self) -> u8 {
        if self.left == 0 {
            getrandom::fill(&mut self.block).expect("the operating system gives random bytes");
            self.left = BLOCK_BYTES;
        }
        self.left -= 1;
        self.block[self.left]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_ascend_and_are_of_version_7() {
        let mut codes = Codes::new();
        let ids: Vec<Uuid> = (0..100_000).map(|place| codes.id(1_700_000_000_000 + place / 50_000)).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids.iter().all(|id| id.get_variant() == uuid::Variant::RFC4122));
    }

    #[test]
    fn codes_look_like_those_of_the_server() {
        let codes = Codes::new().card(1_700_000_000_000);
        let uuid = codes.token.strip_prefix(TOKEN_PREFIX).expect("the prefix");
        assert_eq!(Uuid::parse_str(uuid).expect("a UUID").get_version_num(), 4);
        assert!(codes.pin.len() == PIN_DIGITS && codes.pin.bytes().all(|byte| byte.is_ascii_digit()));
    }
}
