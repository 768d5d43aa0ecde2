//! Putting another card in a card's place: a lost one, a broken one.

use super::activate::{begun, check_inactive};
use super::checks::{check_active, check_not_expired, check_not_replaced};
use super::draft::Draft;
use super::repeat::Sent;
use super::{Decision, Ledger, Outcome};
use crate::transaction::{Asked, Entry};
use crate::{
    Action, Activation, Amount, Card, CardEvent, CardUuid, Reason, Refusal, Replace, Subject, Timestamp,
    Token, Transaction, TransactionType,
};

/// The card that takes the place, before any money is on it.
struct Successor {
    card: Card,
    token: Option<Token>,
    is_new: bool,
    /// Its last day until now.
    ends_before: Option<Timestamp>,
}

impl Ledger<'_> {
    pub(super) fn replace(&mut self, replace: Replace) -> Decision {
        let uuid = self.card(&replace.card_id)?.uuid;
        let asked = Asked::whole(Action::ReplaceCard);
        let sent = Sent::new(TransactionType::Drawdown, asked);
        if let Some(before) = self.repeated(&[uuid], &replace.ref_id, &sent)? {
            return self.replaced_before(before, &replace);
        }
        let mut draft = self.draft(uuid)?;
        let now = self.time_for(&draft.card);
        check_replaceable(&draft.card, now)?;
        let successor = self.successor(&replace, &draft.card)?;
        let moved = draft.card.balance();
        let out = Entry {
            ref_id: Some(replace.ref_id.clone()),
            reason_code: Some(replace.reason_code.clone()),
            ..Entry::new(replace.drawdown, (TransactionType::Drawdown, Reason::Replace), moved, asked)
        };
        let drawdown = self.enter(&mut draft, out)?;
        draft.card.blocked_at = draft.card.blocked_at.or(Some(now));
        draft.card.replaced_by = Some(successor.card.uuid);
        let old = draft.card.clone();
        let new_draft = self.fund_successor(&replace, &successor, &drawdown)?;
        let new = new_draft.card.clone();
        self.keep(draft);
        self.keep_successor(new_draft, &successor);
        self.expiry_change(&new, successor.ends_before);
        self.tell_of_replacement(&old, &new);
        let is_new = successor.is_new;
        let (transaction, old, new) = (Box::new(drawdown), Box::new(old), Box::new(new));
        Ok(Outcome::CardReplaced { transaction, old, new, is_new })
    }

    /// Secrets are never shown twice, so a repeat tells of a card that was not made by it.
    fn replaced_before(&self, drawdown: &Transaction, replace: &Replace) -> Decision {
        let old = self.live_card(drawdown.card)?;
        let new =
            old.replaced_by.and_then(|new| self.world().cards.get(&new)).ok_or(Refusal::CardNotFound)?;
        if new.card_id != replace.new.card_id {
            return Err(Refusal::RefIdReused);
        }
        let seen = |card: &Card| Box::new(self.as_seen(card.clone()));
        let (old, new) = (seen(old), seen(new));
        Ok(Outcome::CardReplaced { transaction: Box::new(drawdown.clone()), old, new, is_new: false })
    }

    /// The inactive card in the hand, or a new one.
    fn successor(&self, replace: &Replace, old: &Card) -> Result<Successor, Refusal> {
        let by = self.by.actor.client();
        let now = self.time_for(old);
        let Some(in_hand) = self.world().card_ids.get(&replace.new.card_id) else {
            let (card, token) = replace.new.clone().into_card(old.currency, now, by);
            let ends_before = card.dates.expires_at;
            return Ok(Successor { card: self.taking_place(card, old), token, is_new: true, ends_before });
        };
        let taken = |_| Refusal::CardIdTaken { places: vec![0] };
        let card = self.live_card(*in_hand).map_err(taken)?;
        check_inactive(card, self.time_for(card))?;
        let ends_before = card.dates.expires_at;
        let now = now.max(self.time_for(card));
        let token = self.own_token(card).cloned().map(|token| begun(token, (None, None), now));
        let card = self.taking_place(card.clone(), old);
        Ok(Successor { card, token, is_new: false, ends_before })
    }

    /// Type, customer, name and dates go along; the card's history goes on where the old one's ends, even when the
    /// clock was set back between the two.
    fn taking_place(&self, card: Card, old: &Card) -> Card {
        let now = self.time_for(&card).max(self.time_for(old));
        Card {
            kind: old.kind,
            name: old.name.clone(),
            customer_id: old.customer_id.clone(),
            dates: old.dates,
            currency: old.currency,
            amount: old.balance(),
            activation: Some(Activation { at: now, by: self.by.actor.client() }),
            changed_at: now,
            ..card
        }
    }

    fn fund_successor(
        &self,
        replace: &Replace,
        successor: &Successor,
        drawdown: &Transaction,
    ) -> Result<Draft, Refusal> {
        let mut draft = Draft::of(successor.card.clone());
        let entry = Entry {
            // The client's reference stands on the card it named; on this one it is free for another use.
            parent: Some(drawdown.id),
            reason_code: Some(replace.reason_code.clone()),
            ..Entry::new(
                replace.fund,
                (TransactionType::Fund, Reason::Replace),
                drawdown.amount,
                Asked::whole(Action::ReplaceCard),
            )
        };
        self.enter(&mut draft, entry)?;
        Ok(draft)
    }

    fn keep_successor(&mut self, draft: Draft, successor: &Successor) {
        if successor.is_new {
            self.insert_card(draft.card.clone());
        }
        self.keep(draft);
        match &successor.token {
            Some(token) if successor.is_new => self.insert_token(token.clone()),
            Some(token) => self.update_token(token.clone()),
            None => {}
        }
    }

    fn tell_of_replacement(&mut self, old: &Card, new: &Card) {
        if old.blocked_at == Some(old.changed_at) {
            self.status_change(old, CardEvent::Blocked);
        }
        self.status_change(new, CardEvent::Activated);
        self.audit(Action::ReplaceCard, Subject::Card(old.uuid));
        self.audit(Action::ReplaceCard, Subject::Card(new.uuid));
    }

    /// A card as an answer shows it: what has run out is free, whether or not its row is written.
    pub(super) fn as_seen(&self, card: Card) -> Card {
        let lapsed = self.lapsed(card.uuid, self.time_for(&card));
        card.without_lapsed(lapsed)
    }

    fn lapsed(&self, card: CardUuid, now: Timestamp) -> Amount {
        let lapsed = self.world().lapsed_locks(card, now);
        let sum = lapsed.iter().try_fold(Amount::ZERO, |sum, lock| sum.plus(lock.remaining));
        sum.unwrap_or_default()
    }
}

/// A blocked card may be replaced: that is how a lost one ends.
fn check_replaceable(card: &Card, now: Timestamp) -> Result<(), Refusal> {
    check_not_replaced(card)?;
    check_not_expired(card, now)?;
    check_active(card)?;
    let reserved = card.reserved;
    if reserved.is_zero() { Ok(()) } else { Err(Refusal::CardHasLocks { reserved }) }
}
