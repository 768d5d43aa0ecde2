//! Taking a card out of use for ever.

use super::{Decision, Ledger, Outcome};
use crate::transaction::Entry;
use crate::{Action, Card, DeleteCard, Reason, Refusal, Subject, TransactionType};

impl Ledger<'_> {
    pub(super) fn delete_card(&mut self, delete: &DeleteCard) -> Decision {
        let card = self.card(&delete.card_id)?.clone();
        if !card.reserved.is_zero() {
            return Err(Refusal::CardHasLocks { reserved: card.reserved });
        }
        let changed_at = self.time_for(&card);
        let deleted_at = Some(changed_at);
        let deleted = match delete.forfeit {
            _ if card.available().is_zero() => Card { deleted_at, changed_at, ..card },
            None => {
                return Err(Refusal::CardHasMoney { available: card.available() });
            }
            Some(id) => {
                let entry = Entry::new(id, TransactionType::Drawdown, Reason::Forfeit, card.available());
                let (emptied, transaction) = self.enter(card, entry)?;
                let deleted = Card { deleted_at, ..emptied };
                self.write(deleted.clone(), transaction);
                deleted
            }
        };
        self.update_card(deleted.clone());
        self.audit(Action::DeleteCard, Subject::Card(deleted.uuid));
        Ok(Outcome::CardDeleted(Box::new(deleted)))
    }
}
