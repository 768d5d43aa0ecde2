//! How a lock ends: captured, voided or run out. Exactly one of them ends it.

use super::checks::check_not_blocked;
use super::draft::Draft;
use super::repeat::Sent;
use super::{Decision, Ledger, Outcome};
use crate::transaction::{Asked, Entry};
use crate::{
    Action, Capture, Lock, Reach, Reason, Refusal, Sweep, Transaction, TransactionId, TransactionType, Void,
};

impl Ledger<'_> {
    pub(super) fn capture(&mut self, capture: Capture) -> Decision {
        let (parent, kind) = (capture.lock, TransactionType::Drawdown);
        let pending = self.followed(parent, capture.reach)?;
        let asked = Asked { operation: Action::Capture, amount: capture.amount, expires_in: None };
        let originated_by = capture.originated_by.as_ref();
        let sent = Sent { parent: Some(parent), originated_by, ..Sent::new(kind, asked) };
        if let Some(before) = self.repeated(&[pending.card], &capture.ref_id, &sent)? {
            return self.written(before.clone());
        }
        let (mut draft, lock) = self.open_lock(pending)?;
        check_not_blocked(&draft.card)?;
        let remaining = lock.remaining;
        let amount = capture.amount.unwrap_or(remaining);
        let left = remaining.minus(amount).ok_or(Refusal::AmountExceedsLock { remaining })?;
        let entry = Entry {
            ref_id: Some(capture.ref_id),
            parent: Some(parent),
            originated_by: capture.originated_by,
            metadata: capture.metadata,
            ..Entry::new(capture.id, (kind, Reason::Capture), amount, asked)
        };
        let row = self.enter(&mut draft, entry)?;
        draft.lower_lock(lock, left);
        self.keep(draft);
        self.written(row)
    }

    pub(super) fn void(&mut self, void: Void) -> Decision {
        let (parent, kind) = (void.lock, TransactionType::Voided);
        let pending = self.followed(parent, void.reach)?;
        let asked = Asked::whole(Action::Void);
        let sent = Sent { parent: Some(parent), ..Sent::new(kind, asked) };
        if let Some(before) = self.repeated(&[pending.card], &void.ref_id, &sent)? {
            return self.written(before.clone());
        }
        let (mut draft, lock) = self.open_lock(pending)?;
        let entry = Entry {
            ref_id: Some(void.ref_id),
            parent: Some(parent),
            metadata: void.metadata,
            ..Entry::new(void.id, (kind, Reason::Sale), lock.remaining, asked)
        };
        let row = self.enter(&mut draft, entry)?;
        draft.lower_lock(lock, crate::Amount::ZERO);
        self.keep(draft);
        self.written(row)
    }

    pub(super) fn sweep(&mut self, sweep: &Sweep) -> Decision {
        let before = self.changes.new_transactions.len();
        for uuid in &sweep.cards {
            if let Ok(draft) = self.draft(*uuid) {
                self.keep_due(draft);
            }
        }
        let expired = self.changes.new_transactions.len().saturating_sub(before);
        Ok(Outcome::Swept { expired })
    }

    /// The transaction that a request follows on from, where the caller may touch it.
    pub(super) fn followed(&self, id: TransactionId, reach: Reach) -> Result<&Transaction, Refusal> {
        let row = self.world().transaction(id).ok_or(Refusal::TransactionNotFound)?;
        match reach {
            Reach::Own if row.created_by != self.by.actor.client() => Err(Refusal::NotOwnTransaction),
            Reach::Own | Reach::Account => Ok(row),
        }
    }

    /// A lock that has not ended, and the page of its card.
    fn open_lock(&self, pending: &Transaction) -> Result<(Draft, Lock), Refusal> {
        match pending.kind {
            TransactionType::PendingCapture => {}
            TransactionType::Fund
            | TransactionType::Drawdown
            | TransactionType::Voided
            | TransactionType::Expired => return Err(Refusal::NotPending),
        }
        let of_card = self.world().locks.get(&pending.card);
        let lock = of_card.and_then(|locks| locks.get(&pending.id)).ok_or(Refusal::LockClosed)?;
        let draft = self.draft(pending.card)?;
        // The lock's own end may have been due.
        if draft.ends(lock.transaction) { Err(Refusal::LockClosed) } else { Ok((draft, *lock)) }
    }
}
