//! Taking a card out of use for ever.

use super::{Decision, Ledger, Outcome};
use crate::transaction::{Asked, Entry};
use crate::{Action, Card, CardEvent, DeleteCard, Reason, Refusal, Subject, TransactionType};

impl Ledger<'_> {
    pub(super) fn delete_card(&mut self, delete: &DeleteCard) -> Decision {
        let mut draft = self.draft(self.card(&delete.card_id)?.uuid)?;
        let (reserved, available) = (draft.card.reserved, draft.card.available());
        if !reserved.is_zero() {
            return Err(Refusal::CardHasLocks { reserved });
        }
        match delete.forfeit {
            _ if available.is_zero() => {}
            None => return Err(Refusal::CardHasMoney { available }),
            Some(id) => {
                let kind = (TransactionType::Drawdown, Reason::Forfeit);
                let entry = Entry::new(id, kind, available, Asked::whole(Action::DeleteCard));
                self.enter(&mut draft, entry)?;
            }
        }
        let now = self.time_for(&draft.card);
        draft.card = Card { deleted_at: Some(now), changed_at: now, ..draft.card };
        let card = draft.card.clone();
        self.keep(draft);
        self.status_change(&card, CardEvent::Deleted);
        self.audit(Action::DeleteCard, Subject::Card(card.uuid));
        Ok(Outcome::CardDeleted(Box::new(card)))
    }
}
