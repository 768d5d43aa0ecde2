//! Correcting a card's money by hand.

use domain::{
    Adjust, Adjustment, CardId, Command, Currency, Note, Outcome, ReasonCode, RefId, Transaction,
    TransactionId,
};

use crate::{AdjustCards, Error, Permit, Service};

/// A correction that staff asks for.
#[derive(Clone, Debug)]
pub struct AdjustRequest {
    /// The card.
    pub card_id: CardId,
    /// The client's reference.
    pub ref_id: RefId,
    /// What is added or taken.
    pub adjustment: Adjustment,
    /// In which currency.
    pub currency: Currency,
    /// Why, in a word.
    pub reason_code: ReasonCode,
    /// Why, in words.
    pub note: Option<Note>,
}

impl Service {
    /// Adds money to a card or takes some of it, to put right what went wrong.
    pub async fn adjust_card(
        &self,
        permit: &Permit<AdjustCards>,
        request: AdjustRequest,
    ) -> Result<(Transaction, CardId), Error> {
        let adjust = Adjust {
            card_id: request.card_id,
            ref_id: request.ref_id,
            id: TransactionId(self.new_id()),
            adjustment: request.adjustment,
            currency: request.currency,
            reason_code: request.reason_code,
            note: request.note,
        };
        match self.submit(permit.caller(), Command::Adjust(Box::new(adjust))).await?? {
            Outcome::Written(transaction, card_id) => Ok((*transaction, card_id)),
            _ => Err(Error::Internal),
        }
    }
}
