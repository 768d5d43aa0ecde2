//! What is changed of a card beside its money: blocked, unblocked, other words, another last day.

use super::checks::check_not_replaced;
use super::{Decision, Ledger, Outcome};
use crate::{
    Action, BlockCard, Card, CardEvent, ChangeCard, Dates, ExpiryChange, Refusal, Subject, Timestamp,
};

impl Ledger<'_> {
    /// Blocking a blocked card changes nothing, so that a call may be sent again.
    pub(super) fn block(&mut self, block: BlockCard) -> Decision {
        let card = self.card(&block.card_id)?;
        if card.blocked_at.is_some() {
            return Ok(Outcome::CardChanged(Box::new(self.as_seen(card.clone()))));
        }
        let mut draft = self.draft(card.uuid)?;
        let now = self.time_for(&draft.card);
        draft.card = Card { blocked_at: Some(now), changed_at: now, ..draft.card };
        let card = draft.card.clone();
        self.keep(draft);
        self.status_change(&card, CardEvent::Blocked);
        self.audit_with(Action::BlockCard, Subject::Card(card.uuid), Some(block.reason));
        Ok(Outcome::CardChanged(Box::new(card)))
    }

    pub(super) fn unblock(&mut self, unblock: BlockCard) -> Decision {
        let card = self.card(&unblock.card_id)?;
        check_not_replaced(card)?;
        if card.blocked_at.is_none() {
            return Ok(Outcome::CardChanged(Box::new(self.as_seen(card.clone()))));
        }
        let mut draft = self.draft(card.uuid)?;
        let now = self.time_for(&draft.card);
        draft.card = Card { blocked_at: None, changed_at: now, ..draft.card };
        let card = draft.card.clone();
        self.keep(draft);
        self.status_change(&card, CardEvent::Unblocked);
        self.audit_with(Action::UnblockCard, Subject::Card(card.uuid), Some(unblock.reason));
        Ok(Outcome::CardChanged(Box::new(card)))
    }

    pub(super) fn change_card(&mut self, change: ChangeCard) -> Decision {
        let mut draft = self.draft(self.card(&change.card_id)?.uuid)?;
        let now = self.time_for(&draft.card);
        let before = draft.card.dates.expires_at;
        draft.card = changed(draft.card, change, now)?;
        let card = draft.card.clone();
        self.keep(draft);
        self.expiry_change(&card, before);
        self.audit(Action::ChangeCard, Subject::Card(card.uuid));
        Ok(Outcome::CardChanged(Box::new(card)))
    }
}

fn changed(card: Card, change: ChangeCard, now: Timestamp) -> Result<Card, Refusal> {
    let dates = match change.expires_at {
        Some(end) => moved(card.dates, end, change.expiry, now)?,
        None => card.dates,
    };
    Ok(Card {
        customer_id: change.customer_id.or(card.customer_id),
        name: change.name.or(card.name),
        metadata: change.metadata.unwrap_or(card.metadata),
        originated_by: change.originated_by.or(card.originated_by),
        dates,
        changed_at: now,
        ..card
    })
}

/// Sending the day a card has already changes nothing, even where it lies in the past: clients send back what they
/// were shown. A card without a last day never expires, so that any is earlier.
fn moved(dates: Dates, end: Timestamp, way: ExpiryChange, now: Timestamp) -> Result<Dates, Refusal> {
    if dates.expires_at == Some(end) {
        return Ok(dates);
    }
    let is_later = dates.expires_at.is_some_and(|before| before < end);
    match way {
        ExpiryChange::Later if !is_later => Err(Refusal::ExpiryNotLater),
        ExpiryChange::Later | ExpiryChange::Any => {
            Dates::new(dates.active_from, Some(end), now).map_err(Refusal::Dates)
        }
    }
}
