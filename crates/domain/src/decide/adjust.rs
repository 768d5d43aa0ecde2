//! Correcting a card's money by hand.

use super::checks::{check_active, check_currency, check_not_replaced};
use super::repeat::Sent;
use super::{Decision, Ledger};
use crate::transaction::{Asked, Entry};
use crate::{Action, Adjust, Adjustment, Card, Reason, Refusal, Subject, TransactionType};

impl Ledger<'_> {
    pub(super) fn adjust(&mut self, adjust: Adjust) -> Decision {
        let uuid = self.card(&adjust.card_id)?.uuid;
        let kind = match adjust.adjustment {
            Adjustment::Add(_) => TransactionType::Fund,
            Adjustment::Take(_) => TransactionType::Drawdown,
        };
        let amount = adjust.adjustment.amount();
        let asked = Asked::amount(Action::Adjust, amount);
        let sent = Sent { currency: Some(adjust.currency), ..Sent::new(kind, asked) };
        if let Some(before) = self.repeated(&[uuid], &adjust.ref_id, &sent)? {
            return self.written(before.clone());
        }
        let mut draft = self.draft(uuid)?;
        // A blocked or expired card may be put right too: that is what adjusting is for.
        check_active(&draft.card)?;
        check_currency(&draft.card, adjust.currency)?;
        check_room(&draft.card, adjust.adjustment)?;
        let entry = Entry {
            ref_id: Some(adjust.ref_id),
            reason_code: Some(adjust.reason_code),
            note: adjust.note.clone(),
            ..Entry::new(adjust.id, (kind, Reason::Adjust), amount, asked)
        };
        let row = self.enter(&mut draft, entry)?;
        self.keep(draft);
        self.audit_with(Action::Adjust, Subject::Card(uuid), adjust.note);
        self.written(row)
    }
}

fn check_room(card: &Card, adjustment: Adjustment) -> Result<(), Refusal> {
    let available = card.available();
    match adjustment {
        Adjustment::Add(_) => check_not_replaced(card),
        Adjustment::Take(amount) if amount > available => Err(Refusal::InsufficientFunds { available }),
        Adjustment::Take(_) => Ok(()),
    }
}
