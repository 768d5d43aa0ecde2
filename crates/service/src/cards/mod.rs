//! Cards: making, reading, activating and deleting them.

mod activate;
mod adjust;
mod batch;
mod block;
mod change;
mod create;
mod delete;
mod pin;
mod read;
mod replace;
mod token;

use domain::{
    CardDetails, CardId, CardType, CardUuid, Classes, CustomerId, Dates, Format, Metadata, Name, NewCard,
    NewPin, NewToken, OriginatedBy, Prefix, Token, TokenUuid,
};

pub use activate::ActivateRequest;
pub use adjust::AdjustRequest;
pub use batch::{BatchRequest, MadeBatch};
pub use change::CardChange;
pub use create::CreateCardRequest;
pub use read::{CustomerListRequest, ListRequest};
pub use replace::{ReplaceRequest, ReplacedCard};
pub use token::CreateTokenRequest;

use crate::secrets::{CodeMaker, Reader, Writer};
use crate::{Secret, Service};

/// A card that a client asks for.
#[derive(Clone, Debug)]
pub struct CardRequest {
    /// The client's id for it.
    pub card_id: CardId,
    /// What it is given for.
    pub kind: CardType,
    /// What people call it.
    pub name: Option<Name>,
    /// Whose it is.
    pub customer_id: Option<CustomerId>,
    /// Where it comes from.
    pub originated_by: Option<OriginatedBy>,
    /// The client's own data.
    pub metadata: Metadata,
    /// From when and until when it can be used.
    pub dates: Dates,
}

/// How a token is to be made, and how long it lives.
#[derive(Clone, Debug)]
pub struct TokenTerms {
    /// How its value is made.
    pub format: Format,
    /// Whether one accepted drawdown uses it up.
    pub expires_after_transaction: bool,
    /// Seconds it lives; as long as the card when absent.
    pub expires_in: Option<u32>,
    /// The client's own data.
    pub metadata: Metadata,
}

/// A PIN that was made, to be shown in one answer.
pub struct MadePin {
    /// How it was made.
    pub format: Format,
    /// The PIN.
    pub value: Secret,
}

/// A token that was made, to be shown in one answer.
pub struct MadeToken {
    /// The token as it is remembered.
    pub token: Token,
    /// Its value.
    pub value: Secret,
}

/// A card that was made, with the secrets to be shown in one answer.
pub struct MadeCard {
    /// The card and its tokens as they are remembered.
    pub details: CardDetails,
    /// Its PIN, where one was made.
    pub pin: Option<MadePin>,
    /// The value of its token, where one was made.
    pub token: Option<MadeToken>,
}

/// The ids and codes of one card.
#[derive(Clone)]
struct CardSecrets {
    uuid: CardUuid,
    token_uuid: TokenUuid,
    pin: Option<Secret>,
    token: Option<Secret>,
}

impl CardSecrets {
    fn write(&self, writer: &mut Writer) {
        writer.uuid(self.uuid.0);
        writer.uuid(self.token_uuid.0);
        writer.secret(self.pin.as_ref());
        writer.secret(self.token.as_ref());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (uuid, token_uuid) = (CardUuid(reader.uuid()?), TokenUuid(reader.uuid()?));
        Some(Self { uuid, token_uuid, pin: reader.secret()?, token: reader.secret()? })
    }
}

impl TokenTerms {
    /// The account's settings may have filled these in, and be others when the answer is made again.
    fn write(&self, writer: &mut Writer) {
        let Format { length, prefix, classes, barcode, qr } = &self.format;
        let flags = [
            classes.symbols,
            classes.numbers,
            classes.characters,
            *barcode,
            *qr,
            self.expires_after_transaction,
        ];
        writer.text(&flags.map(|flag| if flag { "1" } else { "0" }).concat());
        writer.text(&length.to_string());
        writer.text(prefix.as_str());
        writer.text(&self.expires_in.map(|seconds| seconds.to_string()).unwrap_or_default());
    }

    /// The terms but for the metadata, which are the request's own.
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let flags = <[u8; 6]>::try_from(reader.text()?.as_bytes()).ok()?;
        let [symbols, numbers, characters, barcode, qr, expires_after_transaction] =
            flags.map(|flag| flag == b'1');
        let classes = Classes { symbols, numbers, characters };
        let length = reader.text()?.parse().ok()?;
        let prefix = Prefix::try_from(reader.text()?).ok()?;
        let expires_in = match reader.text()? {
            "" => None,
            seconds => Some(seconds.parse().ok()?),
        };
        let format = Format { length, prefix, classes, barcode, qr };
        Some(Self { format, expires_after_transaction, expires_in, metadata: Metadata::default() })
    }
}

impl Service {
    fn card_secrets(
        &self,
        pin: Option<&mut CodeMaker<'_>>,
        token: Option<&mut CodeMaker<'_>>,
    ) -> CardSecrets {
        CardSecrets {
            uuid: CardUuid(self.new_id()),
            token_uuid: TokenUuid(self.new_id()),
            pin: pin.map(CodeMaker::make),
            token: token.map(CodeMaker::make),
        }
    }

    /// The card a client asked for, with the ids and hashes that make it whole.
    fn new_card(
        &self,
        aid: domain::Aid,
        card: &CardRequest,
        pin: Option<&Format>,
        token: Option<&TokenTerms>,
        secrets: &CardSecrets,
    ) -> NewCard {
        let pin =
            pin.zip(secrets.pin.as_ref()).map(|(format, value)| self.new_pin(secrets.uuid, format, value));
        let token = token.zip(secrets.token.as_ref());
        NewCard {
            uuid: secrets.uuid,
            card_id: card.card_id.clone(),
            kind: card.kind,
            name: card.name.clone(),
            customer_id: card.customer_id.clone(),
            originated_by: card.originated_by.clone(),
            metadata: card.metadata.clone(),
            dates: card.dates,
            pin,
            token: token.map(|(terms, value)| self.new_token(aid, secrets.token_uuid, terms, value)),
        }
    }

    fn new_pin(&self, card: CardUuid, format: &Format, value: &Secret) -> NewPin {
        NewPin { mac: self.keys.pin(card, value.expose()), format: format.clone() }
    }

    fn new_token(&self, aid: domain::Aid, uuid: TokenUuid, terms: &TokenTerms, value: &Secret) -> NewToken {
        NewToken {
            uuid,
            mac: self.keys.token(aid, value.expose()),
            format: terms.format.clone(),
            masked_code: domain::mask(&terms.format, value.expose()),
            expires_after_transaction: terms.expires_after_transaction,
            expires_in: terms.expires_in,
            metadata: terms.metadata.clone(),
        }
    }
}

fn made_pin(format: Option<&Format>, value: Option<Secret>) -> Option<MadePin> {
    let (format, value) = format.cloned().zip(value)?;
    Some(MadePin { format, value })
}

#[cfg(test)]
mod tests {
    use domain::FormatRequest;

    use super::*;

    #[test]
    fn terms_read_back_as_they_were_written() {
        let numbers = FormatRequest { length: Some(20), numbers: Some(true), ..FormatRequest::default() };
        for (format, expires_in) in [(FormatRequest::default(), None), (numbers, Some(60))] {
            let terms = TokenTerms {
                format: Format::token(&format).expect("a strong format"),
                expires_after_transaction: expires_in.is_some(),
                expires_in,
                metadata: Metadata::default(),
            };
            let mut writer = Writer::default();
            terms.write(&mut writer);
            let read = TokenTerms::read(&mut Reader::new(writer.bytes())).expect("terms");
            assert_eq!(read.format, terms.format);
            assert_eq!(read.expires_in, terms.expires_in);
            assert_eq!(read.expires_after_transaction, terms.expires_after_transaction);
        }
    }
}
