//! Packs a payload into a QR code's data in the fewest bits (ISO/IEC 18004, 7.4).
//!
//! Digits, capitals and other text each have a mode of their own, and each change of mode costs a
//! header. The `qrcode` crate can find the changes too, but looks at neighbours only: four of ten
//! web addresses with a random code of capitals and digits became a larger symbol than they need.

use qrcode::EcLevel;
use qrcode::bits::Bits;
use qrcode::types::{QrResult, Version};

use crate::payload::{PAYLOAD_CHARS_MAX, Payload};

/// The largest version whose headers are as long as [`MODES`] says, and the largest that the
/// longest payload needs at level M.
const VERSION_MAX: i16 = 9;

/// Sizes are counted in sixths of a bit: a digit takes 10/3 of one, a capital 11/2.
const BIT: u32 = 6;
/// More than any payload takes.
const NEVER: u32 = u32::MAX / 2;

/// A way to write some of the characters.
struct Mode {
    holds: fn(u8) -> bool,
    /// Size of a character, in sixths of a bit.
    character: u32,
    /// Size of the mode indicator and the character count, in sixths of a bit.
    header: u32,
    push: fn(&mut Bits, &[u8]) -> QrResult<()>,
}

const MODES: [Mode; 3] = [
    Mode {
        holds: |byte| byte.is_ascii_digit(),
        character: 10 * BIT / 3,
        header: (4 + 10) * BIT,
        push: Bits::push_numeric_data,
    },
    Mode {
        holds: |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'Z') || b" $%*+-./:".contains(&byte),
        character: 11 * BIT / 2,
        header: (4 + 9) * BIT,
        push: Bits::push_alphanumeric_data,
    },
    Mode { holds: |_| true, character: 8 * BIT, header: (4 + 8) * BIT, push: Bits::push_byte_data },
];

/// The smallest size of the rest of a payload, by the mode one is in.
type Smallest = [u32; MODES.len()];

/// The size of a rest that begins with a header, and the mode after it.
fn with_header(rest: Smallest) -> (u32, usize) {
    let sizes = MODES.iter().zip(rest).map(|(mode, size)| mode.header + size.next_multiple_of(BIT));
    sizes.zip(0..).min().expect("there are three modes")
}

/// For every place in the payload, and its end, the smallest size from there.
fn smallest(payload: &[u8]) -> [Smallest; PAYLOAD_CHARS_MAX + 1] {
    let mut smallest = [Smallest::default(); PAYLOAD_CHARS_MAX + 1];
    for at in (0..payload.len()).rev() {
        let rest = smallest[at + 1];
        let (changed, _) = with_header(rest);
        for (mode, here) in smallest[at].iter_mut().enumerate() {
            let held = (MODES[mode].holds)(payload[at]);
            *here = if held { MODES[mode].character + rest[mode].min(changed) } else { NEVER };
        }
    }
    smallest
}

/// The data of the smallest symbol for a payload, with its terminator.
pub(crate) fn pack(payload: Payload<'_>, level: EcLevel) -> Bits {
    const ROOM: &str = "the longest payload fits the largest version";
    let payload = payload.bytes();
    let smallest = smallest(payload);
    let (size, mut mode) = with_header(smallest[0]);
    let mut bits = empty(size, level);
    let mut begin = 0;
    for at in 1..payload.len() {
        let (changed, next) = with_header(smallest[at]);
        if changed < smallest[at][mode] {
            (MODES[mode].push)(&mut bits, &payload[begin..at]).expect(ROOM);
            (begin, mode) = (at, next);
        }
    }
    (MODES[mode].push)(&mut bits, &payload[begin..]).expect(ROOM);
    debug_assert_eq!(u32::try_from(bits.len()), Ok(size / BIT), "the size is the one counted");
    bits.push_terminator(level).expect(ROOM);
    bits
}

/// The smallest version with room for `size` sixths of a bit.
fn empty(size: u32, level: EcLevel) -> Bits {
    let bits = usize::try_from(size / BIT).expect("a symbol's data fits in memory");
    let has_room = |empty: &Bits| empty.max_len(level).is_ok_and(|room| bits <= room);
    let mut versions = (1..=VERSION_MAX).map(|version| Bits::new(Version::Normal(version)));
    versions.find(has_room).expect("the longest payload fits the largest version")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use qrcode::bits::encode_auto;

    fn width(bits: &Bits) -> i16 {
        bits.version().width()
    }

    fn packed(text: &str) -> Bits {
        pack(Payload::try_from(text).expect("a payload that can be drawn"), EcLevel::M)
    }

    /// Bits of the best packing, by trying every way to cut the text into parts of one mode.
    fn best_of_all_cuts(text: &[u8]) -> usize {
        let part = |part: &[u8]| {
            let chars = part.len();
            let is_capital = |&byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b':';
            if part.iter().all(u8::is_ascii_digit) {
                4 + 10 + chars / 3 * 10 + [0, 4, 7][chars % 3]
            } else if part.iter().all(is_capital) {
                4 + 9 + chars / 2 * 11 + chars % 2 * 6
            } else {
                4 + 8 + chars * 8
            }
        };
        let mut best = vec![0; text.len() + 1];
        for end in 1..=text.len() {
            best[end] = (0..end).map(|cut| best[cut] + part(&text[cut..end])).min().unwrap_or(0);
        }
        best[text.len()]
    }

    #[test]
    fn longest_payload_fits_whatever_it_mixes() {
        for worst in ["a", "a1", "aB", "~12345A", "ab1234567", "Abcdef123456", "aABCDEF12"] {
            let payload: String = worst.chars().cycle().take(PAYLOAD_CHARS_MAX).collect();
            assert!(width(&packed(&payload)) <= Version::Normal(VERSION_MAX).width(), "{worst}");
        }
    }

    #[test]
    fn digits_and_capitals_are_packed_tighter_than_other_text() {
        let widths = ["7", "A", "a"].map(|character| width(&packed(&character.repeat(34))));
        assert_eq!(widths, [21, 25, 29]);
    }

    proptest! {
        #[test]
        fn no_way_to_cut_the_payload_is_smaller(text in "([0-9]{1,9}|[A-Z:]{1,9}|[a-z]{1,3}|[!#]){1,17}") {
            let (size, _) = with_header(smallest(text.as_bytes())[0]);
            let best = best_of_all_cuts(text.as_bytes());
            prop_assert_eq!(usize::try_from(size / BIT), Ok(best));
        }

        #[test]
        fn symbol_is_never_larger_than_the_librarys(
            text in "[ -~]{1,160}|https://[a-z.]{5,20}/[0-9A-Z]{9,24}",
        ) {
            let library = encode_auto(text.as_bytes(), EcLevel::M).expect("ASCII of such length");
            prop_assert!(width(&packed(&text)) <= width(&library));
        }
    }
}
