//! Card tokens, and the keyed hashes by which secrets are known without being kept.

use crate::macros::mac;
use crate::{CardUuid, ClientUuid, Format, Metadata, RefId, Timestamp, TokenUuid};

mac! {
    /// The keyed hash a token is looked up by.
    TokenMac,
    /// The keyed hash a PIN is checked against.
    PinMac,
    /// The keyed hash a client's secret is checked against.
    SecretMac,
}

/// What lets its bearer use a card; the value itself is kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The token's id.
    pub uuid: TokenUuid,
    /// The card it opens.
    pub card: CardUuid,
    /// How it is looked up.
    pub mac: TokenMac,
    /// The client's reference; unique among the tokens of the card.
    pub ref_id: RefId,
    /// Whether it was made together with the card.
    pub made_with_card: bool,
    /// How the value was made.
    pub format: Format,
    /// The value with all but its harmless parts hidden.
    pub masked_code: String,
    /// Whether the first accepted drawdown uses it up.
    pub expires_after_transaction: bool,
    /// Seconds it lives; of a card's own token that waits for activation, counted from there.
    pub expires_in: Option<u32>,
    /// From when on it opens nothing.
    pub expires_at: Option<Timestamp>,
    /// When an accepted drawdown used it up.
    pub used_at: Option<Timestamp>,
    /// When a client deleted it.
    pub deleted_at: Option<Timestamp>,
    /// The client's own data.
    pub metadata: Metadata,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which client made it; none where an operator did.
    pub created_by: Option<ClientUuid>,
}

impl Token {
    /// Whether the token has passed its own time at `now`.
    pub fn is_past(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// Hides a code of `format`: prefix, separators and at most the last four characters stay.
pub fn mask(format: &Format, code: &str) -> String {
    let prefix = format.prefix.as_str();
    let made = code.strip_prefix(prefix).unwrap_or(code);
    let shown_from = made.chars().count().saturating_sub(usize::from(format.shown_at_end()));
    let hidden = made.chars().enumerate().map(|(place, character)| {
        let separator = format.is_uuid() && character == '-';
        if separator || place >= shown_from { character } else { '*' }
    });
    prefix.chars().chain(hidden).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FormatRequest;

    #[test]
    fn a_mask_shows_the_prefix_the_separators_and_four_characters() {
        let format = Format::token(&FormatRequest::default()).expect("the default");
        let masked = mask(&format, "DINCARD:0f8fad5b-d9cb-469f-a165-70867728950e");
        assert_eq!(masked, "DINCARD:********-****-****-****-********950e");
    }

    #[test]
    fn a_short_token_shows_fewer_so_that_40_bits_stay_hidden() {
        let numbers =
            |length| FormatRequest { length: Some(length), numbers: Some(true), ..Default::default() };
        let masked = |length, code| mask(&Format::token(&numbers(length)).expect("strong enough"), code);
        assert_eq!(masked(15, "DINCARD:123456789012345"), "DINCARD:*************45");
        assert_eq!(masked(19, "DINCARD:1234567890123456789"), "DINCARD:***************6789");
    }
}
