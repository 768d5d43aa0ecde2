//! Activation, when a card is sold.

use domain::{
    Activate, Amount, CardDetails, CardId, Command, Currency, CustomerId, Metadata, Name, OriginatedBy,
    Outcome, RefId, Timestamp, TransactionId,
};

use crate::{ActivateCards, Error, Permit, Service};

/// What a till says when it sells a card.
#[derive(Clone, Debug)]
pub struct ActivateRequest {
    /// The card.
    pub card_id: CardId,
    /// The till's reference, where it gave one.
    pub ref_id: Option<RefId>,
    /// How much the card is to be worth.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// A new name, where given.
    pub name: Option<Name>,
    /// A new owner, where given.
    pub customer_id: Option<CustomerId>,
    /// A new origin, where given.
    pub originated_by: Option<OriginatedBy>,
    /// New data, where given.
    pub metadata: Option<Metadata>,
    /// A new first day, where given.
    pub active_from: Option<Timestamp>,
    /// A new last day, where given.
    pub expires_at: Option<Timestamp>,
    /// Seconds the card's own token lives from now, where given.
    pub token_expires_in: Option<u32>,
    /// Whether one drawdown uses the card's own token up, where given.
    pub token_expires_after_transaction: Option<bool>,
}

impl Service {
    /// Turns an inactive card into one that is worth something.
    pub async fn activate(
        &self,
        permit: &Permit<ActivateCards>,
        request: ActivateRequest,
    ) -> Result<CardDetails, Error> {
        let activate = self.activation(request);
        match self.submit(permit.caller(), Command::Activate(Box::new(activate))).await?? {
            Outcome::CardActivated(details) => Ok(*details),
            _ => Err(Error::Internal),
        }
    }

    /// Activates cards together: all of them or none. Their own `ref_id` does not count.
    pub async fn activate_cards(
        &self,
        permit: &Permit<ActivateCards>,
        ref_id: RefId,
        requests: Vec<ActivateRequest>,
    ) -> Result<Vec<CardDetails>, Error> {
        let cards = requests.into_iter().map(|request| self.activation(request)).collect();
        let command = Command::ActivateCards(domain::ActivateCards { ref_id, cards });
        match self.submit(permit.caller(), command).await?? {
            Outcome::CardsActivated(cards) => Ok(cards),
            _ => Err(Error::Internal),
        }
    }

    fn activation(&self, request: ActivateRequest) -> Activate {
        Activate {
            card_id: request.card_id,
            ref_id: request.ref_id,
            amount: request.amount,
            currency: request.currency,
            name: request.name,
            customer_id: request.customer_id,
            originated_by: request.originated_by,
            metadata: request.metadata,
            active_from: request.active_from,
            expires_at: request.expires_at,
            token_expires_in: request.token_expires_in,
            token_expires_after_transaction: request.token_expires_after_transaction,
            fund: TransactionId(self.new_id()),
        }
    }
}
