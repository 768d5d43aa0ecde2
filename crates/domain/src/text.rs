//! Texts that come from outside: each kind is checked once, at the edge, and trusted from then on.

use std::fmt;
use std::sync::Arc;

/// Why a text was refused. Lengths count Unicode code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Nothing was given where something must be.
    #[error("must not be empty")]
    Empty,
    /// More code points than `max`.
    #[error("must be at most {max} characters")]
    TooLong {
        /// The most that is accepted.
        max: usize,
    },
    /// A control character, U+0000 included.
    #[error("must not contain control characters")]
    ControlCharacter,
    /// White space at an end, which a scanner or a spreadsheet would drop.
    #[error("must not begin or end with a blank")]
    OuterBlank,
    /// `.` or `..`, which every HTTP client resolves away before it sends a path.
    #[error("must not be . or ..")]
    Reserved,
    /// A colon, which HTTP Basic authentication reserves.
    #[error("must not contain a colon")]
    Colon,
    /// A character that Code 128 cannot print.
    #[error("must be printable ASCII")]
    NotPrintableAscii,
    /// Not an audience that names an account.
    #[error("must be an audience ending in /v1/accounts/{{account id}}")]
    NotAnAudience,
}

fn within(text: &str, max: usize) -> Result<(), TextFault> {
    if text.chars().any(char::is_control) {
        return Err(TextFault::ControlCharacter);
    }
    if text.chars().nth(max).is_some() { Err(TextFault::TooLong { max }) } else { Ok(()) }
}

fn some_within(text: &str, max: usize) -> Result<(), TextFault> {
    if text.is_empty() { Err(TextFault::Empty) } else { within(text, max) }
}

fn id(text: &str) -> Result<(), TextFault> {
    some_within(text, 255)?;
    let blank_at_end = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
    if blank_at_end { Err(TextFault::OuterBlank) } else { Ok(()) }
}

fn card_id(text: &str) -> Result<(), TextFault> {
    if matches!(text, "." | "..") { Err(TextFault::Reserved) } else { id(text) }
}

/// Words for people: line breaks are welcome, U+0000 is not.
fn note(text: &str) -> Result<(), TextFault> {
    let max = 1_000;
    match text.chars().nth(max) {
        _ if text.trim().is_empty() => Err(TextFault::Empty),
        _ if text.contains('\0') => Err(TextFault::ControlCharacter),
        Some(_) => Err(TextFault::TooLong { max }),
        None => Ok(()),
    }
}

fn prefix(text: &str) -> Result<(), TextFault> {
    within(text, 32)?;
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if printable { Ok(()) } else { Err(TextFault::NotPrintableAscii) }
}

fn audience(text: &str) -> Result<(), TextFault> {
    some_within(text, 255)?;
    let named = text.rsplit_once("/v1/accounts/").map(|(_, aid)| crate::Aid::try_from(aid));
    if matches!(named, Some(Ok(_))) { Ok(()) } else { Err(TextFault::NotAnAudience) }
}

macro_rules! text {
    ($($(#[$doc:meta])* $name:ident by $check:expr),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text as it came.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = TextFault;

            fn try_from(text: &str) -> Result<Self, TextFault> {
                let check: fn(&str) -> Result<(), TextFault> = $check;
                check(text).map(|()| Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

text! {
    /// The id a client chose for a card; unique in its account for ever. 1 to 255 characters.
    CardId by card_id,
    /// Whose card it is, in the client's own words. 1 to 255 characters.
    CustomerId by id,
    /// The shop, till or person a request comes from, in the client's own words. 1 to 255 characters.
    OriginatedBy by id,
    /// A client's own reference for a change, unique within a card. 1 to 255 characters.
    RefId by |text| some_within(text, 255),
    /// Why staff changed a card, as a word of the merchant's own list. 1 to 255 characters.
    ReasonCode by id,
    /// Why staff did something, for whoever reads it later. 1 to 1,000 characters.
    Note by note,
    /// What people call a card or a client. At most 255 characters.
    Name by |text| within(text, 255),
    /// What a client is for. At most 255 characters.
    Description by |text| within(text, 255),
    /// The name an API client authenticates with. 1 to 255 characters without a colon, which HTTP Basic
    /// authentication reserves.
    ClientId by |text| {
        id(text)?;
        if text.contains(':') { Err(TextFault::Colon) } else { Ok(()) }
    },
    /// What every generated code begins with. At most 32 characters of printable ASCII.
    Prefix by prefix,
    /// Whom a token is for: a URL that ends in `/v1/accounts/{aid}`.
    Audience by audience,
}

impl Audience {
    /// The account the audience names; only this counts when audiences are compared.
    pub fn aid(&self) -> Option<crate::Aid> {
        let (_, aid) = self.0.rsplit_once("/v1/accounts/")?;
        crate::Aid::try_from(aid).ok()
    }
}

impl From<&CardId> for RefId {
    /// A token made together with its card has the card's id as its reference.
    fn from(card_id: &CardId) -> Self {
        Self(card_id.0.clone())
    }
}

impl From<&crate::TransactionId> for RefId {
    /// A transaction that nobody gave a reference has its own id as one.
    fn from(id: &crate::TransactionId) -> Self {
        Self(id.to_string().into())
    }
}

/// A client's free JSON object, kept as the compact text that was checked at the edge.
///
/// The domain never looks inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata(Arc<str>);

impl Metadata {
    /// Takes the compact JSON text of an object that has been checked.
    pub fn from_json_object(text: &str) -> Self {
        Self(text.into())
    }

    /// The compact JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self::from_json_object("{}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_ids_keep_every_byte_but_refuse_what_cannot_be_addressed() {
        assert!(CardId::try_from("a/b c").is_ok());
        assert!(CardId::try_from("kort-æøå-🎁").is_ok());
        assert!(CardId::try_from("æ".repeat(255).as_str()).is_ok());
        let cases = [
            ("", TextFault::Empty),
            (".", TextFault::Reserved),
            ("..", TextFault::Reserved),
            (" a", TextFault::OuterBlank),
            ("a\u{3000}", TextFault::OuterBlank),
            ("a\0b", TextFault::ControlCharacter),
            ("a\u{85}b", TextFault::ControlCharacter),
        ];
        for (text, fault) in cases {
            assert_eq!(CardId::try_from(text), Err(fault), "{text:?}");
        }
        assert_eq!(CardId::try_from("x".repeat(256).as_str()), Err(TextFault::TooLong { max: 255 }));
    }

    #[test]
    fn an_audience_names_its_account_in_every_form() {
        for text in
            ["https://a.example/v1/accounts/T12345678", "https://T12345678@a.example/v1/accounts/T12345678"]
        {
            let audience = Audience::try_from(text).expect("a well-formed audience");
            assert_eq!(audience.aid().map(|aid| aid.to_string()).as_deref(), Some("T12345678"));
        }
        assert_eq!(Audience::try_from("https://a.example/T12345678"), Err(TextFault::NotAnAudience));
        assert_eq!(Audience::try_from("https://a.example/v1/accounts/T1"), Err(TextFault::NotAnAudience));
    }

    #[test]
    fn prefixes_are_what_code_128_can_print() {
        assert!(Prefix::try_from("DINCARD:").is_ok());
        assert!(Prefix::try_from("").is_ok());
        assert_eq!(Prefix::try_from("GÅVE"), Err(TextFault::NotPrintableAscii));
        assert_eq!(Prefix::try_from("x".repeat(33).as_str()), Err(TextFault::TooLong { max: 32 }));
    }

    #[test]
    fn notes_are_words_for_people() {
        for good in ["line\nline", " a ", "a\tb", "æ".repeat(1_000).as_str()] {
            assert_eq!(Note::try_from(good).map(|note| note.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", " \n\u{3000}"] {
            assert_eq!(Note::try_from(bad), Err(TextFault::Empty), "{bad:?}");
        }
        assert_eq!(Note::try_from("a\0"), Err(TextFault::ControlCharacter));
        assert_eq!(Note::try_from("x".repeat(1_001).as_str()), Err(TextFault::TooLong { max: 1_000 }));
    }

    #[test]
    fn references_may_end_in_blanks_and_names_may_be_empty() {
        assert!(RefId::try_from(" 1 ").is_ok() && Name::try_from("").is_ok());
        assert_eq!(RefId::try_from(""), Err(TextFault::Empty));
        assert_eq!(RefId::try_from("x".repeat(256).as_str()), Err(TextFault::TooLong { max: 255 }));
        for blank_at_end in [" a", "a "] {
            assert_eq!(CustomerId::try_from(blank_at_end), Err(TextFault::OuterBlank));
        }
        assert_eq!(ClientId::try_from("a:b"), Err(TextFault::Colon));
        assert_eq!(
            Prefix::try_from("GIFT CARD").map(|prefix| prefix.to_string()).as_deref(),
            Ok("GIFT CARD")
        );
        assert_eq!(Prefix::try_from("a\tb"), Err(TextFault::ControlCharacter));
        assert_eq!(Audience::try_from(""), Err(TextFault::Empty));
    }

    #[test]
    fn what_has_no_reference_has_its_own_id_as_one() {
        let card = CardId::try_from("card").expect("a card_id");
        assert_eq!(RefId::from(&card).as_str(), "card");
        let id = crate::TransactionId(uuid::Uuid::from_u128(1));
        assert_eq!(RefId::from(&id).as_str(), "00000000-0000-0000-0000-000000000001");
    }
}
