//! One card with money on it.

use domain::{Amount, Command, CreateCard, Currency, Format, Operation, TransactionId};
use uuid::Uuid;

use super::{CardRequest, CardSecrets, MadeCard, MadeToken, TokenTerms, made_pin};
use crate::making::{Made, Secrets};
use crate::secrets::{CodeMaker, Reader, Writer};
use crate::{CreateCards, Error, Idempotency, Permit, Service};

/// A card that a client asks for, with what it is to be worth.
#[derive(Clone, Debug)]
pub struct CreateCardRequest {
    /// The card.
    pub card: CardRequest,
    /// How much it starts with.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// How its PIN is made, where it is to have one.
    pub pin: Option<Format>,
    /// How its token is made, where it is to have one.
    pub token: Option<TokenTerms>,
}

struct CreatedSecrets {
    card: CardSecrets,
    fund: Uuid,
    /// What the account had chosen when the card was made.
    expiry_months: Option<u16>,
    token: Option<TokenTerms>,
}

impl Secrets for CreatedSecrets {
    fn write(&self, writer: &mut Writer) {
        writer.uuid(self.fund);
        self.card.write(writer);
        writer.text(&self.expiry_months.map(|months| months.to_string()).unwrap_or_default());
        if let Some(token) = &self.token {
            token.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (fund, card) = (reader.uuid()?, CardSecrets::read(reader)?);
        let expiry_months = match reader.text()? {
            "" => None,
            months => Some(months.parse().ok()?),
        };
        let token = if reader.is_at_end() { None } else { Some(TokenTerms::read(reader)?) };
        Some(Self { card, fund, expiry_months, token })
    }
}

impl Service {
    /// Makes a card with money on it, ready to be used.
    pub async fn create_card(
        &self,
        permit: &Permit<CreateCards>,
        request: &CreateCardRequest,
        idempotency: Option<&Idempotency>,
    ) -> Result<MadeCard, Error> {
        let caller = permit.caller();
        let members = self.directory.get(caller.aid).ok_or(Error::Unauthorized)?;
        let expiry_months = members.account.settings.expiry_months;
        let make = || {
            let secrets = self.created_secrets(request, expiry_months);
            let create = self.new_created(caller.aid, request, &secrets);
            (secrets, Command::CreateCard(Box::new(create)))
        };
        let Made { secrets, at, .. } = self.make(caller, Operation::CreateCard, idempotency, make).await?;
        let create = self.new_created(caller.aid, request, &secrets);
        let details = create.into_details(at, caller.actor.client());
        let token = details.tokens.first().cloned().zip(secrets.card.token);
        Ok(MadeCard {
            details,
            pin: made_pin(request.pin.as_ref(), secrets.card.pin),
            token: token.map(|(token, value)| MadeToken { token, value }),
        })
    }

    fn created_secrets(&self, request: &CreateCardRequest, expiry_months: Option<u16>) -> CreatedSecrets {
        let mut pin = request.pin.as_ref().map(|format| CodeMaker::of_pins(&*self.random, format));
        let mut token =
            request.token.as_ref().map(|terms| CodeMaker::of_tokens(&*self.random, &terms.format));
        let card = self.card_secrets(pin.as_mut(), token.as_mut());
        CreatedSecrets { card, fund: self.new_id(), expiry_months, token: request.token.clone() }
    }

    fn new_created(
        &self,
        aid: domain::Aid,
        request: &CreateCardRequest,
        secrets: &CreatedSecrets,
    ) -> CreateCard {
        let (pin, token) = (request.pin.as_ref(), secrets.token.as_ref());
        CreateCard {
            card: self.new_card(aid, &request.card, pin, token, &secrets.card),
            amount: request.amount,
            currency: request.currency,
            expiry_months: secrets.expiry_months,
            fund: TransactionId(secrets.fund),
        }
    }
}
