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
}

impl Secrets for CreatedSecrets {
    fn write(&self, writer: &mut Writer) {
        writer.uuid(self.fund);
        self.card.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { fund: reader.uuid()?, card: CardSecrets::read(reader)? })
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
        let make = || {
            let secrets = self.created_secrets(request);
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

    fn created_secrets(&self, request: &CreateCardRequest) -> CreatedSecrets {
        let mut pin = request.pin.as_ref().map(|format| CodeMaker::of_pins(&*self.random, format));
        let mut token =
            request.token.as_ref().map(|terms| CodeMaker::of_tokens(&*self.random, &terms.format));
        CreatedSecrets { card: self.card_secrets(pin.as_mut(), token.as_mut()), fund: self.new_id() }
    }

    fn new_created(
        &self,
        aid: domain::Aid,
        request: &CreateCardRequest,
        secrets: &CreatedSecrets,
    ) -> CreateCard {
        let (pin, token) = (request.pin.as_ref(), request.token.as_ref());
        CreateCard {
            card: self.new_card(aid, &request.card, pin, token, &secrets.card),
            amount: request.amount,
            currency: request.currency,
            fund: TransactionId(secrets.fund),
        }
    }
}
