//! Paying with a card, at once or by locking the money first.

use super::checks::{
    check_active, check_currency, check_not_blocked, check_not_expired, check_token_time, check_token_use,
};
use super::draft::Draft;
use super::repeat::Sent;
use super::{Decision, Ledger};
use crate::transaction::{Asked, Entry};
use crate::{
    Amount, Card, Drawdown, LOCKS_MAX, Lock, LockLife, Pending, Reason, Refusal, Timestamp, Token,
    Transaction, TransactionType,
};

impl Ledger<'_> {
    pub(super) fn drawdown(&mut self, drawdown: Drawdown) -> Decision {
        let (uuid, token) = self.selected(&drawdown.card)?;
        if let Some(before) = self.repeated(&[uuid], &drawdown.ref_id, &sent(&drawdown))? {
            return self.written(before.clone());
        }
        let mut draft = self.draft(uuid)?;
        let now = self.time_for(&draft.card);
        check_token_time(token.as_ref(), now)?;
        check_usable(&draft.card, now)?;
        let tries = self.check_pin(&draft.card, drawdown.pin.as_ref(), token.is_some())?;
        check_token_use(token.as_ref())?;
        check_currency(&draft.card, drawdown.currency)?;
        let amount = amount_taken(&draft.card, &drawdown)?;
        let counted = self.counted(uuid, amount)?;
        let pending = drawdown.pending;
        if pending.is_some() {
            self.check_lock_count(&draft)?;
        }
        let row = self.enter(&mut draft, entry(drawdown, token.as_ref(), amount))?;
        if let Some(pending) = pending {
            draft.open_lock(self.lock(&row, pending));
        }
        self.keep(draft);
        self.keep_tries(tries);
        self.keep_counted(counted);
        if let Some(single) = token.filter(|token| token.expires_after_transaction) {
            self.update_token(Token { used_at: Some(now), ..single });
        }
        self.written(row)
    }

    fn check_lock_count(&self, draft: &Draft) -> Result<(), Refusal> {
        let count = self.world().lock_counts.get(&draft.card.uuid).copied().unwrap_or_default();
        let open = count.saturating_sub(draft.ended_locks());
        if open < LOCKS_MAX { Ok(()) } else { Err(Refusal::TooManyLocks { max: LOCKS_MAX }) }
    }

    fn lock(&self, row: &Transaction, pending: Pending) -> Lock {
        let life = pending.expires_in.or(self.world().account.settings.lock_life);
        let ends = |life: LockLife| row.created_at.plus_seconds(life.seconds());
        Lock { transaction: row.id, card: row.card, remaining: row.amount, expires_at: life.map(ends) }
    }
}

fn kind(drawdown: &Drawdown) -> TransactionType {
    if drawdown.pending.is_some() { TransactionType::PendingCapture } else { TransactionType::Drawdown }
}

fn asked(drawdown: &Drawdown) -> Asked {
    let expires_in = drawdown.pending.and_then(|pending| pending.expires_in);
    Asked { operation: drawdown.action(), amount: Some(drawdown.amount), expires_in }
}

fn sent(drawdown: &Drawdown) -> Sent<'_> {
    Sent {
        currency: Some(drawdown.currency),
        originated_by: drawdown.originated_by.as_ref(),
        ..Sent::new(kind(drawdown), asked(drawdown))
    }
}

fn entry(drawdown: Drawdown, token: Option<&Token>, amount: Amount) -> Entry {
    let (kind, asked) = (kind(&drawdown), asked(&drawdown));
    Entry {
        ref_id: Some(drawdown.ref_id),
        token: token.map(|token| token.uuid),
        originated_by: drawdown.originated_by,
        metadata: drawdown.metadata,
        ..Entry::new(drawdown.id, (kind, Reason::Sale), amount, asked)
    }
}

fn check_usable(card: &Card, now: Timestamp) -> Result<(), Refusal> {
    check_not_blocked(card)?;
    check_not_expired(card, now)?;
    check_active(card)?;
    match card.dates.active_from {
        Some(active_from) if card.is_not_yet_active(now) => Err(Refusal::CardNotYetActive { active_from }),
        _ => Ok(()),
    }
}

/// What is asked for; or, where that is allowed, as much of it as there is, but never nothing.
fn amount_taken(card: &Card, drawdown: &Drawdown) -> Result<Amount, Refusal> {
    let available = card.available();
    if drawdown.amount <= available {
        Ok(drawdown.amount)
    } else if drawdown.allow_partial && !available.is_zero() {
        Ok(available)
    } else {
        Err(Refusal::InsufficientFunds { available })
    }
}
