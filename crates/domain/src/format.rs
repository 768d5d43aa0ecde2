//! How a code (a token or a PIN) is made, and whether it is strong enough.

use crate::{Prefix, TextFault};

/// The most characters that may be generated for one code, its prefix not counted.
pub const MAX_CODE_LENGTH: u16 = 128;

/// A token must be one of at least 2^48 equally likely ones.
const TOKEN_FLOOR: u128 = 1 << 48;

const TOKEN_LENGTH: u16 = 36;
const PIN_LENGTH: u16 = 6;
const PIN_LENGTH_MIN: u16 = 4;
const TOKEN_PREFIX: &str = "DINCARD:";

const NUMBERS: &str = "0123456789";
/// Capital letters without those a person takes for a digit (I, L, O) or for another letter (U for V).
const CHARACTERS: &str = "ABCDEFGHJKMNPQRSTVWXYZ";
/// Signs that Code 128 prints and that neither a spreadsheet nor a scanner gives a meaning of its own.
const SYMBOLS: &str = "!#$%&*?";

/// Which classes of characters a code draws from. At least one is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classes {
    /// `! # $ % & * ?`
    pub symbols: bool,
    /// `0` to `9`
    pub numbers: bool,
    /// Capital letters without look-alikes.
    pub characters: bool,
}

/// A format as a client asks for it: whatever is absent takes its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormatRequest {
    /// How many characters to generate.
    pub length: Option<i64>,
    /// What the code begins with.
    pub prefix: Option<Prefix>,
    /// Whether symbols are drawn from.
    pub symbols: Option<bool>,
    /// Whether digits are drawn from.
    pub numbers: Option<bool>,
    /// Whether letters are drawn from.
    pub characters: Option<bool>,
    /// Whether the answer shows a Code 128 barcode.
    pub barcode: Option<bool>,
    /// Whether the answer shows a QR code.
    pub qr: Option<bool>,
}

/// A format with every choice made; the answer echoes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// How many characters are generated after the prefix.
    pub length: u16,
    /// What the code begins with.
    pub prefix: Prefix,
    /// Which characters are drawn from.
    pub classes: Classes,
    /// Whether the answer shows a Code 128 barcode.
    pub barcode: bool,
    /// Whether the answer shows a QR code.
    pub qr: bool,
}

/// Why a format was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatFault {
    /// Below the least length of a PIN, or not positive.
    #[error("must be at least {min}")]
    TooShort {
        /// The least that is accepted.
        min: u16,
    },
    /// Above [`MAX_CODE_LENGTH`].
    #[error("must be at most {MAX_CODE_LENGTH}")]
    TooLong,
    /// Every class was switched off.
    #[error("at least one of symbols, numbers and characters must be on")]
    NoClass,
    /// Too few possible tokens: fewer than 2^48.
    #[error("a token of this length and these classes has less than 48 bits of entropy")]
    TooWeak,
    /// A prefix that cannot be printed.
    #[error(transparent)]
    Prefix(#[from] TextFault),
}

impl FormatFault {
    /// The field of the format that the fault is about, or none where it is the format as a whole.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::TooShort { .. } | Self::TooLong | Self::TooWeak => Some("length"),
            Self::Prefix(_) => Some("prefix"),
            Self::NoClass => None,
        }
    }
}

impl Classes {
    const ALL: Self = Self { symbols: true, numbers: true, characters: true };
    const DIGITS: Self = Self { symbols: false, numbers: true, characters: false };

    /// The characters to draw from, all equally likely.
    pub fn alphabet(self) -> String {
        let classes = [(self.numbers, NUMBERS), (self.characters, CHARACTERS), (self.symbols, SYMBOLS)];
        classes.into_iter().filter(|(on, _)| *on).map(|(_, characters)| characters).collect()
    }

    /// Those set `true`; when none is set `true`, those not set `false`.
    fn chosen(request: &FormatRequest) -> Result<Self, FormatFault> {
        let asked = [request.symbols, request.numbers, request.characters];
        let unset_means = !asked.contains(&Some(true));
        let [symbols, numbers, characters] = asked.map(|class| class.unwrap_or(unset_means));
        if !(symbols || numbers || characters) {
            return Err(FormatFault::NoClass);
        }
        Ok(Self { symbols, numbers, characters })
    }
}

impl FormatRequest {
    fn names_no_class(&self) -> bool {
        self.symbols.is_none() && self.numbers.is_none() && self.characters.is_none()
    }

    fn length_or(&self, default: u16, min: u16) -> Result<u16, FormatFault> {
        let Some(asked) = self.length else {
            return Ok(default);
        };
        if asked < i64::from(min) {
            return Err(FormatFault::TooShort { min });
        }
        match u16::try_from(asked) {
            Ok(length) if length <= MAX_CODE_LENGTH => Ok(length),
            _ => Err(FormatFault::TooLong),
        }
    }

    fn fill(&self, length: u16, prefix: &str, classes: Classes) -> Result<Format, FormatFault> {
        let prefix = match &self.prefix {
            Some(prefix) => prefix.clone(),
            None => Prefix::try_from(prefix)?,
        };
        let (barcode, qr) = (self.barcode.unwrap_or(false), self.qr.unwrap_or(false));
        Ok(Format { length, prefix, classes, barcode, qr })
    }
}

impl Format {
    /// The format of a token: 36 characters after `DINCARD:` unless told otherwise, and at least 48 bits of
    /// entropy.
    pub fn token(request: &FormatRequest) -> Result<Self, FormatFault> {
        let length = request.length_or(TOKEN_LENGTH, 1)?;
        let format = request.fill(length, TOKEN_PREFIX, Classes::chosen(request)?)?;
        if format.is_one_of_at_least(TOKEN_FLOOR) { Ok(format) } else { Err(FormatFault::TooWeak) }
    }

    /// The format of a PIN: six digits unless told otherwise, four characters at least.
    pub fn pin(request: &FormatRequest) -> Result<Self, FormatFault> {
        let length = request.length_or(PIN_LENGTH, PIN_LENGTH_MIN)?;
        let classes = if request.names_no_class() { Classes::DIGITS } else { Classes::chosen(request)? };
        request.fill(length, "", classes)
    }

    /// Whether a token of this format is a random UUID: 36 characters of all three classes.
    pub fn is_uuid(&self) -> bool {
        self.classes == Classes::ALL && self.length == TOKEN_LENGTH
    }

    /// How many different codes so many hidden characters of an alphabet of this size make.
    fn possibilities(alphabet: u128, hidden: u32) -> u128 {
        alphabet.checked_pow(hidden).unwrap_or(u128::MAX)
    }

    fn is_one_of_at_least(&self, floor: u128) -> bool {
        let hidden = u32::from(self.length);
        Self::possibilities(self.alphabet_size(), hidden) >= floor
    }

    fn alphabet_size(&self) -> u128 {
        let size = if self.is_uuid() { 16 } else { self.classes.alphabet().chars().count() };
        u128::try_from(size).unwrap_or(1)
    }

    /// How many of the last characters a mask may show: 4, fewer where less than 40 bits would stay hidden.
    pub(crate) fn shown_at_end(&self) -> u16 {
        // Four hyphens and six fixed bits of a UUID hide nothing: 30 hex digits are what counts.
        let secret = if self.is_uuid() { 30 } else { self.length };
        let keeps_40_bits = |shown: &u16| {
            let hidden = u32::from(secret.saturating_sub(*shown));
            Self::possibilities(self.alphabet_size(), hidden) >= 1 << 40
        };
        (0..=4_u16).rev().find(keeps_40_bits).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(length: Option<i64>, classes: [Option<bool>; 3]) -> FormatRequest {
        let [symbols, numbers, characters] = classes;
        FormatRequest { length, symbols, numbers, characters, ..FormatRequest::default() }
    }

    #[test]
    fn a_default_token_is_a_uuid_behind_the_usual_prefix() {
        let format = Format::token(&FormatRequest::default()).expect("the default");
        assert!(format.is_uuid());
        assert_eq!((format.length, format.prefix.as_str()), (36, "DINCARD:"));
        assert_eq!((format.classes, format.barcode, format.qr), (Classes::ALL, false, false));
        let echo = asked(Some(36), [Some(true); 3]);
        assert_eq!(Format::token(&echo), Ok(format));
    }

    #[test]
    fn classes_set_true_win_else_those_not_set_false() {
        let classes = |classes| Format::token(&asked(Some(64), classes)).map(|format| format.classes);
        let only_numbers = Classes { symbols: false, numbers: true, characters: false };
        assert_eq!(classes([None, Some(true), None]), Ok(only_numbers));
        assert_eq!(classes([Some(false), None, Some(false)]), Ok(only_numbers));
        assert_eq!(classes([None, None, None]), Ok(Classes::ALL));
        assert_eq!(classes([Some(false); 3]), Err(FormatFault::NoClass));
    }

    #[test]
    fn tokens_under_48_bits_are_refused() {
        let numbers = |length| Format::token(&asked(Some(length), [None, Some(true), None])).map(|_| ());
        assert_eq!(numbers(14), Err(FormatFault::TooWeak));
        assert_eq!(numbers(15), Ok(()));
        assert_eq!(numbers(128), Ok(()));
        assert_eq!(numbers(129), Err(FormatFault::TooLong));
        assert_eq!(numbers(0), Err(FormatFault::TooShort { min: 1 }));
        assert_eq!(numbers(i64::MIN), Err(FormatFault::TooShort { min: 1 }));
        assert_eq!(numbers(i64::MAX), Err(FormatFault::TooLong));
    }

    #[test]
    fn a_default_pin_is_six_digits_without_a_prefix() {
        let format = Format::pin(&FormatRequest::default()).expect("the default");
        assert_eq!((format.length, format.prefix.as_str(), format.classes), (6, "", Classes::DIGITS));
        assert_eq!(Format::pin(&asked(Some(3), [None; 3])), Err(FormatFault::TooShort { min: 4 }));
    }

    #[test]
    fn alphabets_hold_no_look_alikes_and_no_doubles() {
        let alphabet = Classes::ALL.alphabet();
        for confusing in ['I', 'L', 'O', 'U', 'l', 'o', '+', '-', '=', '@', '"', ',', ';'] {
            assert!(!alphabet.contains(confusing), "{confusing}");
        }
        let mut seen: Vec<char> = alphabet.chars().collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), alphabet.chars().count());
        assert_eq!(alphabet.len(), 39);
    }

    #[test]
    fn a_pin_takes_the_classes_it_asks_for_and_four_characters_or_more() {
        let letters = asked(Some(4), [None, None, Some(true)]);
        let format = Format::pin(&letters).expect("a strong enough PIN");
        let only_letters = Classes { symbols: false, numbers: false, characters: true };
        assert_eq!((format.length, format.classes), (4, only_letters));
        let no_symbols = Format::pin(&asked(None, [Some(false), None, None])).expect("a PIN");
        assert_eq!(no_symbols.classes, Classes { symbols: false, ..Classes::ALL });
        let no_letters = Format::pin(&asked(None, [None, None, Some(false)])).expect("a PIN");
        assert_eq!(no_letters.classes, Classes { characters: false, ..Classes::ALL });
    }

    #[test]
    fn only_36_characters_of_all_classes_are_a_uuid() {
        let is_uuid = |length, classes| Format::token(&asked(Some(length), classes)).map(|it| it.is_uuid());
        assert_eq!(is_uuid(36, [Some(true); 3]), Ok(true));
        assert_eq!(is_uuid(35, [Some(true); 3]), Ok(false));
        assert_eq!(is_uuid(36, [None, Some(true), Some(true)]), Ok(false));
    }

    #[test]
    fn what_a_request_says_of_prefix_and_pictures_is_kept() {
        let prefix = Prefix::try_from("GIFT").ok();
        let request = FormatRequest {
            prefix: prefix.clone(),
            barcode: Some(true),
            qr: Some(true),
            ..Default::default()
        };
        let format = Format::token(&request).expect("a format");
        assert_eq!((Some(format.prefix), format.barcode, format.qr), (prefix, true, true));
    }

    #[test]
    fn each_fault_names_its_field() {
        for fault in [FormatFault::TooShort { min: 1 }, FormatFault::TooLong, FormatFault::TooWeak] {
            assert_eq!(fault.field(), Some("length"));
        }
        assert_eq!(FormatFault::Prefix(TextFault::NotPrintableAscii).field(), Some("prefix"));
        assert_eq!(FormatFault::NoClass.field(), None);
    }
}
