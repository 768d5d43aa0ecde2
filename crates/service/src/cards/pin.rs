//! Another PIN for a card.

use domain::{CardId, CardUuid, Command, Format, Operation, RotatePin};

use super::MadePin;
use crate::making::{Made, Secrets};
use crate::secrets::{CodeMaker, Reader, Writer};
use crate::{Error, Idempotency, Permit, Secret, Service, WriteCards};

struct PinSecret(Secret);

impl Secrets for PinSecret {
    fn write(&self, writer: &mut Writer) {
        writer.secret(Some(&self.0));
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.secret()?.map(Self)
    }
}

impl Service {
    /// Gives a card another PIN; the one before is dead at once.
    pub async fn rotate_pin(
        &self,
        permit: &Permit<WriteCards>,
        card_id: &CardId,
        format: &Format,
        idempotency: Option<&Idempotency>,
    ) -> Result<MadePin, Error> {
        let caller = permit.caller();
        // A PIN's hash is bound to the card's own id, which never changes; the order is judged by the committer.
        let card = self.card_uuid(caller.aid, card_id).await?;
        let make = || {
            let value = CodeMaker::of_pins(&*self.random, format).make();
            let pin = self.new_pin(card, format, &value);
            (PinSecret(value), Command::RotatePin(RotatePin { card_id: card_id.clone(), pin }))
        };
        let Made { secrets, .. } = self.make(caller, Operation::RotatePin, idempotency, make).await?;
        Ok(MadePin { format: format.clone(), value: secrets.0 })
    }

    async fn card_uuid(&self, aid: domain::Aid, card_id: &CardId) -> Result<CardUuid, Error> {
        let details = self.store.card(aid, card_id, false, self.now_in(aid)).await?;
        details.map(|details| details.card.uuid).ok_or(Error::Refused(domain::Refusal::CardNotFound))
    }
}
