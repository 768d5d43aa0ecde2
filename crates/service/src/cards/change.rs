//! Changing what is not money.

use domain::{
    Card, CardId, ChangeCard, Command, CustomerId, ExpiryChange, Metadata, Name, OriginatedBy, Timestamp,
};

use crate::{Error, Permit, Service, ShortenCards, WriteCards};

/// What is to change of a card; what is absent stays.
#[derive(Clone, Debug)]
pub struct CardChange {
    /// A new owner.
    pub customer_id: Option<CustomerId>,
    /// A new name.
    pub name: Option<Name>,
    /// New data.
    pub metadata: Option<Metadata>,
    /// A new origin.
    pub originated_by: Option<OriginatedBy>,
    /// A new last day.
    pub expires_at: Option<Timestamp>,
}

impl Service {
    /// Changes a card. Its last day moves to an earlier one only for those who may shorten cards.
    pub async fn change_card(
        &self,
        permit: &Permit<WriteCards>,
        card_id: CardId,
        change: CardChange,
    ) -> Result<Card, Error> {
        let may_shorten = permit.caller().clone().permit::<ShortenCards>().is_ok();
        let change = ChangeCard {
            card_id,
            customer_id: change.customer_id,
            name: change.name,
            metadata: change.metadata,
            originated_by: change.originated_by,
            expires_at: change.expires_at,
            expiry: if may_shorten { ExpiryChange::Any } else { ExpiryChange::Later },
        };
        self.change_of(permit, Command::ChangeCard(Box::new(change))).await
    }
}
