//! Taking a card out of use for ever.

use domain::{Card, CardId, Command, DeleteCard, Outcome, TransactionId};

use crate::{Error, ForfeitCards, Permit, Service, WriteCards};

impl Service {
    /// Deletes a card. One with money on it only with proof that the money may be given up.
    pub async fn delete_card(
        &self,
        permit: &Permit<WriteCards>,
        card_id: &CardId,
        forfeit: Option<&Permit<ForfeitCards>>,
    ) -> Result<Card, Error> {
        let forfeit = forfeit.map(|_| TransactionId(self.new_id()));
        let command = Command::DeleteCard(DeleteCard { card_id: card_id.clone(), forfeit });
        match self.submit(permit.caller(), command).await?? {
            Outcome::CardDeleted(card) => Ok(*card),
            _ => Err(Error::Internal),
        }
    }
}
