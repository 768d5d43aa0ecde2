//! Many inactive cards in one call, for printing.

use domain::{BatchId, Card, Command, CreateBatch, Currency, Format, Operation, Token};

use super::{CardRequest, CardSecrets, TokenTerms};
use crate::making::{Made, Secrets};
use crate::secrets::{CodeMaker, Reader, Writer};
use crate::{CreateCards, Error, Idempotency, Permit, Secret, Service};

/// A batch that a client asks for.
#[derive(Clone, Debug)]
pub struct BatchRequest {
    /// The cards, in order; their ids all differ.
    pub cards: Vec<CardRequest>,
    /// How their PINs are made.
    pub pin: Format,
    /// How their tokens are made.
    pub token: TokenTerms,
}

/// A batch that was made. Cards, tokens, PINs and token values stand in the order of the request.
pub struct MadeBatch {
    /// The cards.
    pub cards: Vec<Card>,
    /// One token for each card.
    pub tokens: Vec<Token>,
    /// One PIN for each card.
    pub pins: Vec<Secret>,
    /// The value of each token.
    pub token_values: Vec<Secret>,
    /// How the PINs were made.
    pub pin_format: Format,
}

struct BatchSecrets {
    batch: BatchId,
    /// The account's default of the moment the batch was made.
    currency: Currency,
    token: TokenTerms,
    cards: Vec<CardSecrets>,
}

impl Secrets for BatchSecrets {
    fn write(&self, writer: &mut Writer) {
        writer.uuid(self.batch.0);
        writer.text(self.currency.code());
        self.token.write(writer);
        for card in &self.cards {
            card.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (batch, currency) = (BatchId(reader.uuid()?), Currency::try_from(reader.text()?).ok()?);
        let token = TokenTerms::read(reader)?;
        let mut cards = Vec::new();
        while !reader.is_at_end() {
            cards.push(CardSecrets::read(reader)?);
        }
        Some(Self { batch, currency, token, cards })
    }
}

impl Service {
    /// Makes inactive cards, each with a token and a PIN: all of them, or none.
    pub async fn create_batch(
        &self,
        permit: &Permit<CreateCards>,
        request: &BatchRequest,
        idempotency: Option<&Idempotency>,
    ) -> Result<MadeBatch, Error> {
        let caller = permit.caller();
        let members = self.directory.get(caller.aid).ok_or(Error::Unauthorized)?;
        let currency = members.account.settings.default_currency;
        let make = || {
            let secrets = self.batch_secrets(request, currency);
            let batch = self.new_batch(caller.aid, request, &secrets);
            (secrets, Command::CreateBatch(batch))
        };
        let Made { secrets, at, command, .. } =
            self.make(caller, Operation::CreateBatch, idempotency, make).await?;
        let batch = match command {
            Some(Command::CreateBatch(batch)) => batch,
            _ => self.new_batch(caller.aid, request, &secrets),
        };
        let (_, cards, tokens) = batch.into_cards(at, caller.actor.client());
        let (pins, token_values): (Vec<_>, Vec<_>) =
            secrets.cards.into_iter().map(|card| (card.pin, card.token)).unzip();
        Ok(MadeBatch {
            cards,
            tokens,
            pins: pins.into_iter().flatten().collect(),
            token_values: token_values.into_iter().flatten().collect(),
            pin_format: request.pin.clone(),
        })
    }

    fn batch_secrets(&self, request: &BatchRequest, currency: Currency) -> BatchSecrets {
        let mut pins = CodeMaker::of_pins(&*self.random, &request.pin);
        let mut tokens = CodeMaker::of_tokens(&*self.random, &request.token.format);
        let cards =
            request.cards.iter().map(|_| self.card_secrets(Some(&mut pins), Some(&mut tokens))).collect();
        BatchSecrets { batch: BatchId(self.new_id()), currency, token: request.token.clone(), cards }
    }

    fn new_batch(&self, aid: domain::Aid, request: &BatchRequest, secrets: &BatchSecrets) -> CreateBatch {
        let (pairs, token) = (request.cards.iter().zip(&secrets.cards), &secrets.token);
        let new = |(card, secrets)| self.new_card(aid, card, Some(&request.pin), Some(token), secrets);
        CreateBatch { batch: secrets.batch, currency: secrets.currency, cards: pairs.map(new).collect() }
    }
}
