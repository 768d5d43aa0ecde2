//! Putting another card in a card's place.

use domain::{
    Aid, Card, CardId, Command, Dates, Format, Metadata, NewCard, Operation, Outcome, ReasonCode, RefId,
    Replace, Transaction, TransactionId,
};
use store::{TransactionFilter, TransactionQuery};
use uuid::Uuid;

use super::{CardRequest, CardSecrets, MadePin, MadeToken, TokenTerms, made_pin};
use crate::making::{Made, Secrets};
use crate::secrets::{CodeMaker, Reader, Writer};
use crate::{Caller, Error, Idempotency, Permit, Service, WriteCards};

/// A card that another is to take the place of.
#[derive(Clone, Debug)]
pub struct ReplaceRequest {
    /// The card.
    pub card_id: CardId,
    /// The client's reference.
    pub ref_id: RefId,
    /// The card that takes its place: one that lies inactive, or else a new one.
    pub new_card_id: CardId,
    /// Why, in a word.
    pub reason_code: ReasonCode,
    /// How a new card's PIN is made, where it is to have one.
    pub pin: Option<Format>,
    /// How a new card's token is made, where it is to have one.
    pub token: Option<TokenTerms>,
}

/// A card in whose place another stands now.
pub struct ReplacedCard {
    /// The drawdown that emptied the old card.
    pub transaction: Transaction,
    /// The card whose place was taken.
    pub old: Card,
    /// The card that took it.
    pub new: Card,
    /// The new card's PIN, where one was made.
    pub pin: Option<MadePin>,
    /// The new card's token, where one was made.
    pub token: Option<MadeToken>,
}

struct ReplaceSecrets {
    card: CardSecrets,
    drawdown: Uuid,
    fund: Uuid,
    token: Option<TokenTerms>,
}

impl Secrets for ReplaceSecrets {
    fn write(&self, writer: &mut Writer) {
        writer.uuid(self.drawdown);
        writer.uuid(self.fund);
        self.card.write(writer);
        if let Some(token) = &self.token {
            token.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (drawdown, fund) = (reader.uuid()?, reader.uuid()?);
        let card = CardSecrets::read(reader)?;
        let token = if reader.is_at_end() { None } else { Some(TokenTerms::read(reader)?) };
        Some(Self { card, drawdown, fund, token })
    }
}

impl Service {
    /// Moves a card's money to another one, which takes its place. Secrets are shown for a card that was made here,
    /// and only in the first answer and in those under the same `Idempotency-Key`.
    pub async fn replace_card(
        &self,
        permit: &Permit<WriteCards>,
        request: &ReplaceRequest,
        idempotency: Option<&Idempotency>,
    ) -> Result<ReplacedCard, Error> {
        let caller = permit.caller();
        let make = || {
            let secrets = self.replace_secrets(request);
            let replace = self.new_replace(caller.aid, request, &secrets);
            (secrets, Command::Replace(Box::new(replace)))
        };
        let Made { secrets, outcome, .. } =
            self.make(caller, Operation::ReplaceCard, idempotency, make).await?;
        let (transaction, old, new, is_new) = match outcome {
            Some(Outcome::CardReplaced { transaction, old, new, is_new }) => {
                (*transaction, *old, *new, is_new)
            }
            Some(_) => return Err(Error::Internal),
            None => self.replayed(caller, request, &secrets).await?,
        };
        if !is_new {
            return Ok(ReplacedCard { transaction, old, new, pin: None, token: None });
        }
        let card = self.new_replace(caller.aid, request, &secrets).new;
        let (_, token) = card.into_card(new.currency, new.created_at, caller.actor.client());
        let token = token.zip(secrets.card.token).map(|(token, value)| MadeToken { token, value });
        let pin = made_pin(request.pin.as_ref(), secrets.card.pin);
        Ok(ReplacedCard { transaction, old, new, pin, token })
    }

    /// What a repeat under the same `Idempotency-Key` is answered: the row as it was written, the cards as they are.
    async fn replayed(
        &self,
        caller: &Caller,
        request: &ReplaceRequest,
        secrets: &ReplaceSecrets,
    ) -> Result<(Transaction, Card, Card, bool), Error> {
        let (card_id, ref_id) = (Some(request.card_id.clone()), Some(request.ref_id.clone()));
        let filter = TransactionFilter { card_id, ref_id, ..TransactionFilter::default() };
        let query = TransactionQuery { limit: 1, looks_max: u32::MAX, starting_after: None, filter };
        let page = self.store.transactions(caller.aid, &query).await?;
        let row = page.transactions.into_iter().next().ok_or(Error::Internal)?;
        let old = self.any_card(caller.aid, &request.card_id).await?;
        let new = self.any_card(caller.aid, &request.new_card_id).await?;
        let is_new = new.uuid == secrets.card.uuid;
        Ok((row.transaction, old, new, is_new))
    }

    async fn any_card(&self, aid: Aid, card_id: &CardId) -> Result<Card, Error> {
        let details = self.store.card(aid, card_id, true, self.now_in(aid)).await?;
        details.map(|details| details.card).ok_or(Error::Internal)
    }

    fn replace_secrets(&self, request: &ReplaceRequest) -> ReplaceSecrets {
        let mut pin = request.pin.as_ref().map(|format| CodeMaker::of_pins(&*self.random, format));
        let mut token =
            request.token.as_ref().map(|terms| CodeMaker::of_tokens(&*self.random, &terms.format));
        let card = self.card_secrets(pin.as_mut(), token.as_mut());
        let (drawdown, fund) = (self.new_id(), self.new_id());
        ReplaceSecrets { card, drawdown, fund, token: request.token.clone() }
    }

    fn new_replace(&self, aid: Aid, request: &ReplaceRequest, secrets: &ReplaceSecrets) -> Replace {
        Replace {
            card_id: request.card_id.clone(),
            ref_id: request.ref_id.clone(),
            drawdown: TransactionId(secrets.drawdown),
            fund: TransactionId(secrets.fund),
            new: self.replacement(aid, request, secrets),
            reason_code: request.reason_code.clone(),
        }
    }

    /// Type, customer, name and dates are the old card's.
    fn replacement(&self, aid: Aid, request: &ReplaceRequest, secrets: &ReplaceSecrets) -> NewCard {
        let card = CardRequest {
            card_id: request.new_card_id.clone(),
            kind: domain::CardType::default(),
            name: None,
            customer_id: None,
            originated_by: None,
            metadata: Metadata::default(),
            dates: Dates::default(),
        };
        self.new_card(aid, &card, request.pin.as_ref(), secrets.token.as_ref(), &secrets.card)
    }
}
