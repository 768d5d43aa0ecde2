//! Code 128 (ISO/IEC 15417) with the fewest symbol characters a payload can have.
//!
//! Code set B holds all of printable ASCII and code set C two digits at once, so for our payloads
//! set A and the shift character never save anything: the choice is only when to be in B and when
//! in C. The tests prove that against a count over all three sets and the shift.
//!
//! The `code128` crate pairs digits from the first one of a run on, so five at the end of a payload
//! cost it a character too many (`a12345`). Here it only reads what is drawn, in the tests.

use crate::image::{Image, Lines};
use crate::payload::{PAYLOAD_CHARS_MAX, Payload, PrintError};

/// Pixels a module: at 1 pixel a module some readers miss long symbols.
const MODULE_PX: u32 = 2;
/// Light modules each side; ISO/IEC 15417 asks for 10.
const QUIET_MODULES: u32 = 10;
/// 2 pixels for a module of 0.254 mm (10 mil), so a pixel is 0.127 mm.
const PIXELS_PER_METRE: u32 = 7_874;
/// 10.16 mm: short enough for a card, high enough to be scanned with a tilted hand.
const BAR_HEIGHT_PX: usize = 80;

const SWITCH_TO_C: u8 = 99;
const SWITCH_TO_B: u8 = 100;
const START_B: u8 = 104;
const START_C: u8 = 105;
const STOP: u8 = 106;

/// Widths in modules of each symbol character's bars and spaces, a bar first, from the standard.
const WIDTHS: [u32; 107] = [
    212222, 222122, 222221, 121223, 121322, 131222, 122213, 122312, 132212, 221213, 221312, 231212, 112232,
    122132, 122231, 113222, 123122, 123221, 223211, 221132, 221231, 213212, 223112, 312131, 311222, 321122,
    321221, 312212, 322112, 322211, 212123, 212321, 232121, 111323, 131123, 131321, 112313, 132113, 132311,
    211313, 231113, 231311, 112133, 112331, 132131, 113123, 113321, 133121, 313121, 211331, 231131, 213113,
    213311, 213131, 311123, 311321, 331121, 312113, 312311, 332111, 314111, 221411, 431111, 111224, 111422,
    121124, 121421, 141122, 141221, 112214, 112412, 122114, 122411, 142112, 142211, 241211, 221114, 413111,
    241112, 134111, 111242, 121142, 121241, 114212, 124112, 124211, 411212, 421112, 421211, 212141, 214121,
    412121, 111143, 111341, 131141, 114113, 114311, 411113, 411311, 113141, 114131, 311141, 411131, 211412,
    211214, 211232, 2331112,
];

/// A symbol character as pixels: the low `px` bits of `dark`, leftmost pixel highest.
#[derive(Clone, Copy)]
struct Drawn {
    dark: u32,
    px: u32,
}

const DRAWN: [Drawn; WIDTHS.len()] = {
    let mut drawn = [Drawn { dark: 0, px: 0 }; WIDTHS.len()];
    let mut value = 0;
    while value < WIDTHS.len() {
        drawn[value] = draw(WIDTHS[value]);
        value += 1;
    }
    drawn
};

/// Works from the right, where the stop character (the only one with seven widths) ends in a bar.
const fn draw(widths: u32) -> Drawn {
    let mut drawn = Drawn { dark: 0, px: 0 };
    let mut is_bar = widths > 999_999;
    let mut rest = widths;
    while rest > 0 {
        let px = rest % 10 * MODULE_PX;
        if is_bar {
            drawn.dark |= ((1 << px) - 1) << drawn.px;
        }
        drawn.px += px;
        is_bar = !is_bar;
        rest /= 10;
    }
    drawn
}

/// Draws a payload as Code 128: 0.254 mm a module, 2 pixels a module, quiet zones of 10 modules
/// left and right, bars 10.16 mm high. No other symbol of this payload is narrower.
///
/// # Errors
///
/// [`PrintError`] when the payload is not 1 to [`PAYLOAD_CHARS_MAX`] characters of printable ASCII.
pub fn code128(payload: &str) -> Result<Image, PrintError> {
    let symbols = symbols(Payload::try_from(payload)?);
    let mut lines = Lines::with_capacity(symbols.len() * 3 + 8);
    lines.push(0, QUIET_MODULES * MODULE_PX);
    for symbol in symbols {
        let Drawn { dark, px } = DRAWN[usize::from(symbol)];
        lines.push(dark, px);
    }
    lines.push(0, QUIET_MODULES * MODULE_PX);
    lines.end_line();
    Ok(Image::new(lines, BAR_HEIGHT_PX, PIXELS_PER_METRE))
}

/// Fewest symbol characters for the rest of a payload, by the code set one is in.
#[derive(Clone, Copy, Default)]
struct Fewest {
    in_b: u16,
    in_c: u16,
}

/// For every place in the payload, and its end, the fewest symbol characters from there.
fn fewest(payload: &[u8]) -> [Fewest; PAYLOAD_CHARS_MAX + 1] {
    let mut fewest = [Fewest::default(); PAYLOAD_CHARS_MAX + 1];
    for at in (0..payload.len()).rev() {
        let stay_in_b = 1 + fewest[at + 1].in_b;
        let in_c = match pair(&payload[at..]) {
            Some(_) => (1 + fewest[at + 2].in_c).min(1 + stay_in_b),
            None => 1 + stay_in_b,
        };
        fewest[at] = Fewest { in_b: stay_in_b.min(1 + in_c), in_c };
    }
    fewest
}

/// The value in code set C of the two digits a text begins with.
fn pair(text: &[u8]) -> Option<u8> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', ..] => Some((tens - b'0') * 10 + (ones - b'0')),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Set {
    B,
    C,
}

/// Values of all symbol characters, from the start to the stop.
fn symbols(payload: Payload<'_>) -> Vec<u8> {
    let payload = payload.bytes();
    let fewest = fewest(payload);
    // Start, check and stop; never more than a character each between, since set B alone would do.
    let mut symbols = Vec::with_capacity(payload.len() + 3);
    let mut set = if fewest[0].in_b <= fewest[0].in_c { Set::B } else { Set::C };
    symbols.push(match set {
        Set::B => START_B,
        Set::C => START_C,
    });
    let mut at = 0;
    while at < payload.len() {
        match (set, pair(&payload[at..])) {
            (Set::B, _) if fewest[at].in_b == 1 + fewest[at + 1].in_b => {
                symbols.push(payload[at] - b' ');
                at += 1;
            }
            (Set::B, _) => {
                symbols.push(SWITCH_TO_C);
                set = Set::C;
            }
            (Set::C, Some(pair)) if fewest[at].in_c == 1 + fewest[at + 2].in_c => {
                symbols.push(pair);
                at += 2;
            }
            (Set::C, _) => {
                symbols.push(SWITCH_TO_B);
                set = Set::B;
            }
        }
    }
    symbols.push(check(&symbols));
    symbols.push(STOP);
    symbols
}

/// The check character: each value times its place, where start and first both count once.
fn check(symbols: &[u8]) -> u8 {
    let weighted = symbols.iter().zip(0u32..).map(|(&value, place)| u32::from(value) * place.max(1));
    u8::try_from(weighted.sum::<u32>() % 103).expect("a remainder of 103 fits a byte")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::code128::Bar;
    use proptest::prelude::*;

    fn symbols_of(text: &str) -> Vec<u8> {
        symbols(Payload::try_from(text).expect("a payload that can be drawn"))
    }

    /// Width in modules without quiet zones.
    fn modules(text: &str) -> usize {
        symbols_of(text).len() * 11 + 2
    }

    /// The bars as another implementation's decoder wants them.
    fn bars(symbols: &[u8]) -> Vec<Bar> {
        let mut bars = Vec::new();
        for &symbol in symbols {
            let digits = WIDTHS[usize::from(symbol)].to_string().into_bytes();
            let bar = |pair: &[u8]| Bar {
                width: pair[0] - b'0',
                space: pair.get(1).map_or(0, |space| space - b'0'),
            };
            bars.extend(digits.chunks(2).map(bar));
        }
        bars
    }

    /// Fewest symbol characters of all, counted forwards over the sets A, B, C and the shift.
    fn fewest_of_all_sets(text: &str) -> usize {
        const NEVER: usize = usize::MAX / 2;
        const ONE_SWITCH: usize = 1;
        let text = text.as_bytes();
        let holds = |set: usize, byte: u8| if set == 0 { byte < 0x60 } else { byte >= 0x20 };
        let mut reached = vec![[NEVER; 3]; text.len() + 3];
        reached[0] = [1; 3];
        for at in 0..text.len() {
            let best = reached[at].into_iter().min().unwrap_or(NEVER);
            let here = reached[at].map(|count| count.min(best + ONE_SWITCH));
            for set in [0, 1] {
                let cost = if holds(set, text[at]) { 1 } else { 2 };
                reached[at + 1][set] = reached[at + 1][set].min(here[set] + cost);
            }
            if text[at].is_ascii_digit() && text.get(at + 1).is_some_and(u8::is_ascii_digit) {
                reached[at + 2][2] = reached[at + 2][2].min(here[2] + 1);
            }
        }
        let data = reached[text.len()].into_iter().min().unwrap_or(NEVER);
        data + 2
    }

    #[test]
    fn widths_of_digit_strings_are_the_known_ones() {
        for (digits, expected) in [(6, 68), (16, 123), (19, 156), (20, 145), (24, 167), (36, 233)] {
            assert_eq!(modules(&"8".repeat(digits)), expected, "{digits} digits");
        }
    }

    #[test]
    fn width_of_letters_is_one_symbol_character_each() {
        assert_eq!(modules("DINCARD:KqZmRxWvQtLpNsYbHdFgCjQeAbCdEfGhIjKl"), 519);
    }

    #[test]
    fn odd_digits_at_the_end_leave_the_single_one_before_the_pairs() {
        // start B, a, 1, switch, 23, 45, check, stop
        assert_eq!(symbols_of("a12345")[..6], [START_B, 65, 17, SWITCH_TO_C, 23, 45]);
    }

    #[test]
    fn every_short_payload_is_as_short_as_can_be() {
        // One character of each class: digit, in A and B, only in B. Lengths 1 to 8, all orders.
        for length in 1..=8 {
            for number in 0..3usize.pow(length) {
                let text: String =
                    (0..length).map(|place| char::from(b"5Za"[number / 3usize.pow(place) % 3])).collect();
                assert_eq!(symbols_of(&text).len(), fewest_of_all_sets(&text), "{text}");
            }
        }
    }

    #[test]
    fn symbol_characters_are_eleven_modules_and_stop_thirteen() {
        for (value, drawn) in DRAWN.iter().enumerate() {
            let modules = if value == usize::from(STOP) { 13 } else { 11 };
            assert_eq!(drawn.px, modules * MODULE_PX, "symbol character {value}");
        }
    }

    proptest! {
        #[test]
        fn random_payloads_are_as_short_as_can_be(text in mixed_payload()) {
            prop_assert_eq!(symbols_of(&text).len(), fewest_of_all_sets(&text));
        }

        #[test]
        fn another_implementation_reads_random_payloads(text in mixed_payload()) {
            let read = ::code128::decode(&bars(&symbols_of(&text)));
            prop_assert_eq!(read, Ok(text.into_bytes()));
        }
    }

    /// Runs of digits between other characters, so that switching pays off at some places only.
    fn mixed_payload() -> impl Strategy<Value = String> {
        "([0-9]{1,9}|[0-9]{2}|[A-Z]{1,3}|[a-z]{1,3}|[ -~]){1,17}"
    }
}
