//! PINs.

use super::{Decision, Ledger, Outcome};
use crate::{Action, Card, Pin, RotatePin, Subject};

impl Ledger<'_> {
    pub(super) fn rotate_pin(&mut self, rotate: RotatePin) -> Decision {
        let card = self.card(&rotate.card_id)?.clone();
        let pin = Some(Pin { mac: rotate.pin.mac, format: rotate.pin.format });
        let changed_at = self.time_for(&card);
        let card = Card { pin, changed_at, ..card };
        self.update_card(card.clone());
        self.audit(Action::RotatePin, Subject::Card(card.uuid));
        Ok(Outcome::PinRotated(Box::new(card)))
    }
}
