//! PINs.

use super::{Decision, Ledger, Outcome};
use crate::{Action, Card, Pin, RotatePin, Subject};

impl Ledger<'_> {
    pub(super) fn rotate_pin(&mut self, rotate: RotatePin) -> Decision {
        let mut draft = self.draft(self.card(&rotate.card_id)?.uuid)?;
        let pin = Some(Pin { mac: rotate.pin.mac, format: rotate.pin.format });
        let changed_at = self.time_for(&draft.card);
        draft.card = Card { pin, changed_at, ..draft.card };
        let card = draft.card.clone();
        self.keep(draft);
        self.clear_tries(card.uuid);
        self.audit(Action::RotatePin, Subject::Card(card.uuid));
        Ok(Outcome::PinRotated(Box::new(card)))
    }
}
