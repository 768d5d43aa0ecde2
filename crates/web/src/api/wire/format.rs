//! How codes are made and shown: formats, PINs and tokens.

use domain::{Format, FormatFault, FormatRequest, MAX_CODE_LENGTH, Metadata, Prefix};
use print::{Image, PrintError};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use service::{Present, Secret, TokenTerms};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};

use super::leaf::Length;
use super::{Answer, Described, Faults, Flag, Schemas, Seconds, Shown, answer, wire};

/// The longest prefix that the domain takes.
pub(super) const PREFIX_CHARS_MAX: usize = 32;

// Prefixes and alphabets are printable ASCII, so that every code of every accepted format can be drawn.
const _: () = assert!(PREFIX_CHARS_MAX + MAX_CODE_LENGTH as usize <= print::PAYLOAD_CHARS_MAX);

wire! {
    /// How a code is made. Whatever is absent takes its default.
    pub(crate) struct FormatIn as "FormatRequest" {
        /// How many characters are generated; the prefix is not counted. Tokens: 36 unless told otherwise, and
        /// enough for 48 bits of entropy. PINs: 6 unless told otherwise, and at least 4.
        length: Length,
        /// What the code begins with. Tokens: `DINCARD:` unless told otherwise. PINs: nothing.
        prefix: Prefix,
        /// Draw from `! # $ % & * ?`.
        symbols: Flag,
        /// Draw from `0` to `9`.
        numbers: Flag,
        /// Draw from capital letters without I, L, O and U.
        characters: Flag,
        /// Show a Code 128 barcode as `barcode_128`.
        barcode: Flag,
        /// Show a QR code as `qr`.
        qr: Flag,
    }
}

wire! {
    /// A PIN that is asked for.
    pub(crate) struct PinIn as "PinRequest" {
        /// How it is made; six digits unless told otherwise.
        format: FormatIn,
    }
}

wire! {
    /// A token that is asked for together with a card.
    pub(crate) struct CardTokenIn as "CardTokenRequest" {
        /// How it is made; as the account's settings say, or else a random UUID behind `DINCARD:`.
        format: FormatIn,
        /// Whether one drawdown uses it up; as the account's settings say, or else `false`.
        expires_after_transaction: Flag,
        /// Seconds it lives; as the account's settings say, or else as long as the card. Counted from activation for
        /// cards of a batch.
        expires_in: Seconds,
    }
}

impl FormatIn {
    pub(crate) fn request(self) -> FormatRequest {
        FormatRequest {
            length: self.length.map(|Length(length)| length),
            prefix: self.prefix,
            symbols: self.symbols,
            numbers: self.numbers,
            characters: self.characters,
            barcode: self.barcode,
            qr: self.qr,
        }
    }
}

/// The format of a PIN; `faults` stand at the PIN.
pub(crate) fn pin_format(pin: PinIn, faults: &mut Faults) -> Option<Format> {
    let judged = Format::pin(&pin.format.unwrap_or_default().request());
    noted(judged, faults)
}

/// The format of a token; `faults` stand at the token.
pub(crate) fn token_format(
    format: Option<FormatIn>,
    present: &Present,
    faults: &mut Faults,
) -> Option<Format> {
    noted(present.token_format(format.unwrap_or_default().request()), faults)
}

/// What a card's own token is to be like; `faults` stand at the token.
pub(crate) fn card_token_terms(
    token: CardTokenIn,
    present: &Present,
    faults: &mut Faults,
) -> Option<TokenTerms> {
    let single_use = token.expires_after_transaction.or(present.token.expires_after_transaction);
    Some(TokenTerms {
        format: token_format(token.format, present, faults)?,
        expires_after_transaction: single_use.unwrap_or(false),
        expires_in: token.expires_in.map(|Seconds(seconds)| seconds).or(present.token.expires_in),
        metadata: Metadata::default(),
    })
}

/// The format, unless it was refused; `faults` stand at what has the format.
pub(crate) fn noted(judged: Result<Format, FormatFault>, faults: &mut Faults) -> Option<Format> {
    let note = |fault: FormatFault| {
        faults.within("format", |faults| match fault.field() {
            Some(field) => faults.add_at(field, fault.to_string()),
            None => faults.add(fault.to_string()),
        });
    };
    judged.map_err(note).ok()
}

answer! {
    /// How a code was made, every choice filled in.
    pub(crate) struct FormatOut<'a> as "Format" {
        /// How many characters were generated; the prefix is not counted.
        length: u16,
        /// What the code begins with.
        prefix: &'a Prefix,
        /// Whether `! # $ % & * ?` were drawn from.
        symbols: bool,
        /// Whether `0` to `9` were drawn from.
        numbers: bool,
        /// Whether capital letters were drawn from.
        characters: bool,
        /// Whether the answer that shows the code shows a Code 128 barcode.
        barcode: bool,
        /// Whether the answer that shows the code shows a QR code.
        qr: bool,
    }
}

impl<'a> From<&'a Format> for FormatOut<'a> {
    fn from(format: &'a Format) -> Self {
        Self {
            length: format.length,
            prefix: &format.prefix,
            symbols: format.classes.symbols,
            numbers: format.classes.numbers,
            characters: format.classes.characters,
            barcode: format.barcode,
            qr: format.qr,
        }
    }
}

answer! {
    /// A code in the one answer that shows it.
    pub(crate) struct SecretOut<'a> as "Code" {
        /// The code.
        value: Shown<'a>,
        /// A Code 128 barcode of the code, as `data:image/png;base64,…`; where the format asks for one.
        barcode_128: Option<Barcode<'a>>,
        /// A QR code of the code, as `data:image/png;base64,…`; where the format asks for one.
        qr: Option<Qr<'a>>,
    }
}

impl<'a> SecretOut<'a> {
    pub(crate) fn new(format: &Format, value: &'a Secret) -> Self {
        Self {
            value: Shown(value),
            barcode_128: format.barcode.then_some(Barcode(value)),
            qr: format.qr.then_some(Qr(value)),
        }
    }
}

/// A Code 128 barcode, drawn when it is written.
pub(crate) struct Barcode<'a>(&'a Secret);

/// A QR code, drawn when it is written.
pub(crate) struct Qr<'a>(&'a Secret);

impl Answer for Barcode<'_> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        draw(print::code128, self.0, to)
    }
}

impl Answer for Qr<'_> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        draw(print::qr, self.0, to)
    }
}

impl Described for Barcode<'_> {
    fn schema(_: &mut Schemas) -> RefOr<Schema> {
        picture()
    }
}

impl Described for Qr<'_> {
    fn schema(_: &mut Schemas) -> RefOr<Schema> {
        picture()
    }
}

fn picture() -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some("^data:image/png;base64,")).build().into()
}

fn draw<S: Serializer>(
    symbol: fn(&str) -> Result<Image, PrintError>,
    code: &Secret,
    to: S,
) -> Result<S::Ok, S::Error> {
    symbol(code.expose()).map_err(S::Error::custom)?.data_uri().serialize(to)
}
