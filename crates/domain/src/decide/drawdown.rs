//! Paying with a card, and the one place where a card's sums change.

use super::{Decision, Ledger, Outcome};
use crate::transaction::Entry;
use crate::{Card, Drawdown, Reason, RefId, Refusal, Timestamp, Token, Transaction, TransactionType};

impl Ledger<'_> {
    pub(super) fn drawdown(&mut self, drawdown: Drawdown) -> Decision {
        let (uuid, token) = self.world().select(&drawdown.card).ok_or(Refusal::CardNotFound)?;
        let card = self.live_card(uuid)?.clone();
        if let Some(repeat) = self.repeated_drawdown(&card, &drawdown) {
            return repeat;
        }
        let now = self.time_for(&card);
        let token = token.and_then(|token| self.world().tokens.get(&token)).cloned();
        check_token_time(token.as_ref(), now)?;
        check_usable(&card, now)?;
        check_token_use(token.as_ref())?;
        check_funds(&card, &drawdown)?;
        let entry = Entry {
            ref_id: Some(drawdown.ref_id),
            token: token.as_ref().map(|token| token.uuid),
            originated_by: drawdown.originated_by,
            metadata: drawdown.metadata,
            ..Entry::new(drawdown.id, TransactionType::Drawdown, Reason::Sale, drawdown.amount)
        };
        let (card, transaction) = self.enter(card, entry)?;
        if let Some(single) = token.filter(|token| token.expires_after_transaction) {
            self.update_token(Token { used_at: Some(now), ..single });
        }
        let card_id = card.card_id.clone();
        self.write(card, transaction.clone());
        Ok(Outcome::Written(Box::new(transaction), card_id))
    }

    fn repeated_drawdown(&self, card: &Card, drawdown: &Drawdown) -> Option<Decision> {
        let before = self.world().transactions.get(&(card.uuid, drawdown.ref_id.clone()))?;
        let same = before.reason == Reason::Sale
            && before.created_by == self.by.actor.client()
            && before.amount == drawdown.amount
            && before.currency == drawdown.currency
            && before.originated_by == drawdown.originated_by;
        Some(if same {
            Ok(Outcome::Written(Box::new(before.clone()), card.card_id.clone()))
        } else {
            Err(Refusal::RefIdReused)
        })
    }

    /// The card with an entry added to its sums, and the row that records it.
    pub(super) fn enter(&self, card: Card, entry: Entry) -> Result<(Card, Transaction), Refusal> {
        let (mut funds, mut drawdown) = (card.funds, card.drawdown);
        match entry.kind {
            TransactionType::Fund => funds = funds.plus(entry.amount).ok_or(Refusal::AmountLimit)?,
            TransactionType::Drawdown => {
                drawdown = drawdown.plus(entry.amount).ok_or(Refusal::AmountLimit)?;
            }
        }
        let now = self.time_for(&card);
        let seq = card.seq.checked_add(1).ok_or(Refusal::AmountLimit)?;
        let card = Card { funds, drawdown, seq, changed_at: now, ..card };
        let own_id = || RefId::from(&entry.id);
        let transaction = Transaction {
            id: entry.id,
            card: card.uuid,
            ref_id: entry.ref_id.unwrap_or_else(own_id),
            kind: entry.kind,
            reason: entry.reason,
            amount: entry.amount,
            currency: card.currency,
            token: entry.token,
            originated_by: entry.originated_by,
            metadata: entry.metadata,
            created_at: now,
            created_by: self.by.actor.client(),
            request: self.by.request,
            seq,
            balance: card.balance(),
            available: card.available(),
        };
        Ok((card, transaction))
    }
}

/// A token past its own time opens nothing, as if there were none.
fn check_token_time(token: Option<&Token>, now: Timestamp) -> Result<(), Refusal> {
    if token.is_some_and(|token| token.is_past(now)) { Err(Refusal::CardNotFound) } else { Ok(()) }
}

fn check_token_use(token: Option<&Token>) -> Result<(), Refusal> {
    if token.is_some_and(|token| token.used_at.is_some()) { Err(Refusal::TokenUsed) } else { Ok(()) }
}

fn check_usable(card: &Card, now: Timestamp) -> Result<(), Refusal> {
    if card.blocked_at.is_some() {
        return Err(Refusal::CardBlocked);
    }
    if card.is_expired(now) {
        return Err(Refusal::CardExpired);
    }
    if card.activation.is_none() {
        return Err(Refusal::CardInactive);
    }
    match card.dates.active_from {
        Some(active_from) if card.is_not_yet_active(now) => Err(Refusal::CardNotYetActive { active_from }),
        _ => Ok(()),
    }
}

fn check_funds(card: &Card, drawdown: &Drawdown) -> Result<(), Refusal> {
    if card.currency != drawdown.currency {
        return Err(Refusal::CurrencyMismatch { currency: card.currency });
    }
    let available = card.available();
    if drawdown.amount > available { Err(Refusal::InsufficientFunds { available }) } else { Ok(()) }
}
