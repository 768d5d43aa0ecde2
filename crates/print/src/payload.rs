//! What may be drawn: the one rule both symbols share.

/// Longest payload that is drawn, in characters (each is one byte, because only ASCII is accepted).
///
/// At this length a Code 128 symbol is already 46 cm wide at 0.254 mm a module, far beyond any card.
pub const PAYLOAD_CHARS_MAX: usize = 160;

/// Why a payload cannot be drawn.
///
/// No variant carries text of the payload: it may be a card's secret, and errors end up in logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// There is nothing to draw.
    #[error("the payload is empty")]
    Empty,
    /// The payload is longer than [`PAYLOAD_CHARS_MAX`] characters.
    #[error("the payload has {chars} characters, at most {PAYLOAD_CHARS_MAX} are drawn")]
    TooLong {
        /// Length of the refused payload in characters.
        chars: usize,
    },
    /// The payload has a character outside printable ASCII (0x20 to 0x7E).
    ///
    /// Beyond that range readers disagree about the character set, so a till may see another code.
    #[error("character {position} of the payload is not printable ASCII")]
    Unprintable {
        /// Place of the first such character, counted in characters from 1.
        position: usize,
    },
}

/// A payload that can be drawn: 1 to [`PAYLOAD_CHARS_MAX`] bytes, all in 0x20..=0x7E.
#[derive(Clone, Copy)]
pub(crate) struct Payload<'a>(&'a [u8]);

impl<'a> Payload<'a> {
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }
}

impl<'a> TryFrom<&'a str> for Payload<'a> {
    type Error = PrintError;

    fn try_from(text: &'a str) -> Result<Self, PrintError> {
        if text.is_empty() {
            return Err(PrintError::Empty);
        }
        if let Some(before) = text.chars().position(|c| !matches!(c, ' '..='~')) {
            return Err(PrintError::Unprintable { position: before + 1 });
        }
        if text.len() > PAYLOAD_CHARS_MAX {
            return Err(PrintError::TooLong { chars: text.len() });
        }
        Ok(Self(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> Option<PrintError> {
        Payload::try_from(text).err()
    }

    #[test]
    fn printable_ascii_up_to_the_limit_is_drawn() {
        let printable: String = (' '..='~').collect();
        assert_eq!(refusal(&printable), None);
        assert_eq!(refusal("-"), None);
        assert_eq!(refusal(&"7".repeat(PAYLOAD_CHARS_MAX)), None);
    }

    #[test]
    fn nothing_is_refused() {
        assert_eq!(refusal(""), Some(PrintError::Empty));
    }

    #[test]
    fn one_character_too_many_is_refused_with_the_length() {
        let chars = PAYLOAD_CHARS_MAX + 1;
        assert_eq!(refusal(&"7".repeat(chars)), Some(PrintError::TooLong { chars }));
    }

    #[test]
    fn characters_outside_printable_ascii_are_refused_with_their_place() {
        for (text, position) in [("\n", 1), ("12\u{7f}", 3), ("é", 1), ("ab€", 3), ("ééé", 1), ("1\0", 2)]
        {
            assert_eq!(refusal(text), Some(PrintError::Unprintable { position }), "{text:?}");
        }
    }

    #[test]
    fn messages_never_repeat_the_payload() {
        let error = refusal("SECRETé").expect("é is refused");
        assert_eq!(error.to_string(), "character 7 of the payload is not printable ASCII");
    }
}
