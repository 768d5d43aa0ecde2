//! Stopping a card, and letting it go again.

use domain::{BlockCard, Card, CardId, Command, Note, Outcome};

use crate::{Error, Permit, Service, WriteCards};

impl Service {
    /// Stops a card: no money leaves it until it is let go.
    pub async fn block_card(
        &self,
        permit: &Permit<WriteCards>,
        card_id: CardId,
        reason: Note,
    ) -> Result<Card, Error> {
        self.change_of(permit, Command::BlockCard(BlockCard { card_id, reason })).await
    }

    /// Lets a blocked card go.
    pub async fn unblock_card(
        &self,
        permit: &Permit<WriteCards>,
        card_id: CardId,
        reason: Note,
    ) -> Result<Card, Error> {
        self.change_of(permit, Command::UnblockCard(BlockCard { card_id, reason })).await
    }

    pub(super) async fn change_of(
        &self,
        permit: &Permit<WriteCards>,
        command: Command,
    ) -> Result<Card, Error> {
        match self.submit(permit.caller(), command).await?? {
            Outcome::CardChanged(card) => Ok(*card),
            _ => Err(Error::Internal),
        }
    }
}
