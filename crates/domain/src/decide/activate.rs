//! Activation: an inactive card is sold, and is worth something from then on. One card, or many together.

use std::collections::HashSet;

use super::checks::{check_not_blocked, check_not_expired};
use super::draft::Draft;
use super::limits::Counted;
use super::repeat::Sent;
use super::{Decision, Ledger, Outcome};
use crate::transaction::{Asked, Entry};
use crate::{
    Action, Activate, ActivateCards, Activation, Card, CardDetails, CardEvent, CardId, CardUuid, ClientUuid,
    Dates, Reason, RefId, Refusal, Subject, Timestamp, Token, TransactionType,
};

/// A card about to be activated.
struct Activated {
    draft: Draft,
    token: Option<Token>,
    /// Its last day until now.
    ends_before: Option<Timestamp>,
}

impl Ledger<'_> {
    pub(super) fn activate(&mut self, activate: Activate) -> Decision {
        let card = self.card(&activate.card_id)?;
        if self.activated_before(card.uuid, &activate, Action::ActivateCard)? {
            return Ok(Outcome::CardActivated(Box::new(self.with_tokens(self.as_seen(card.clone())))));
        }
        let mut counted = Counted::default();
        let activated = self.activation(&activate, Action::ActivateCard, &mut counted)?;
        self.keep_counted(counted);
        Ok(Outcome::CardActivated(Box::new(self.keep_activated(activated, Action::ActivateCard))))
    }

    pub(super) fn activate_cards(&mut self, activate: ActivateCards) -> Decision {
        let shared = |card: Activate| Activate { ref_id: Some(activate.ref_id.clone()), ..card };
        let asked: Vec<Activate> = activate.cards.into_iter().map(shared).collect();
        if let Some(repeat) = self.cards_activated_before(&asked)? {
            return Ok(Outcome::CardsActivated(repeat));
        }
        let (mut counted, mut seen) = (Counted::default(), HashSet::new());
        let (mut activated, mut faults) = (Vec::new(), Vec::new());
        for (place, card) in asked.iter().enumerate() {
            match self.activation_among(card, &mut counted, &mut seen) {
                Ok(card) => activated.push(card),
                Err(refusal) => faults.push((place, refusal)),
            }
        }
        if !faults.is_empty() {
            return Err(Refusal::Cards(faults));
        }
        self.keep_counted(counted);
        let cards = activated.into_iter().map(|card| self.keep_activated(card, Action::ActivateCards));
        Ok(Outcome::CardsActivated(cards.collect()))
    }

    /// The cards as they are now, where this very request activated all of them.
    fn cards_activated_before(&self, asked: &[Activate]) -> Result<Option<Vec<CardDetails>>, Refusal> {
        let mut cards = Vec::new();
        for activate in asked {
            let Ok(card) = self.card(&activate.card_id) else {
                return Ok(None);
            };
            match self.activated_before(card.uuid, activate, Action::ActivateCards) {
                Ok(true) => cards.push(self.with_tokens(self.as_seen(card.clone()))),
                // Told with its place, where the cards are gone through.
                Ok(false) | Err(_) => return Ok(None),
            }
        }
        Ok(Some(cards))
    }

    fn activation_among(
        &self,
        activate: &Activate,
        counted: &mut Counted,
        seen: &mut HashSet<CardId>,
    ) -> Result<Activated, Refusal> {
        let card = self.card(&activate.card_id)?.uuid;
        // One that an earlier request of the same reference activated is a repeat of half a request.
        let is_repeat = self.activated_before(card, activate, Action::ActivateCards)?;
        if is_repeat || !seen.insert(activate.card_id.clone()) {
            return Err(Refusal::RefIdReused);
        }
        self.activation(activate, Action::ActivateCards, counted)
    }

    fn activated_before(
        &self,
        card: CardUuid,
        activate: &Activate,
        operation: Action,
    ) -> Result<bool, Refusal> {
        let Some(ref_id) = &activate.ref_id else {
            return Ok(false);
        };
        let sent = Sent {
            currency: Some(activate.currency),
            originated_by: activate.originated_by.as_ref(),
            ..Sent::new(TransactionType::Fund, Asked::amount(operation, activate.amount))
        };
        self.repeated(&[card], ref_id, &sent).map(|before| before.is_some())
    }

    fn activation(
        &self,
        activate: &Activate,
        operation: Action,
        counted: &mut Counted,
    ) -> Result<Activated, Refusal> {
        let inactive = self.card(&activate.card_id)?;
        let now = self.time_for(inactive);
        check_inactive(inactive, now)?;
        let ends_before = inactive.dates.expires_at;
        let token = self.own_token(inactive).cloned();
        let terms = (activate.token_expires_in, activate.token_expires_after_transaction);
        let token = token.map(|token| begun(token, terms, now));
        let months = self.world().account.settings.expiry_months;
        let card = activated(inactive.clone(), activate, months, now, self.by.actor.client())?;
        self.check_activation_limit(activate.amount)?;
        let mut draft = Draft::of(card);
        self.enter(&mut draft, entry(activate, operation))?;
        self.check_balance_limit(&draft.card)?;
        self.count(counted, draft.card.uuid, activate.amount)?;
        Ok(Activated { draft, token, ends_before })
    }

    fn keep_activated(&mut self, activated: Activated, action: Action) -> CardDetails {
        let card = activated.draft.card.clone();
        if let Some(token) = activated.token {
            self.update_token(token);
        }
        self.keep(activated.draft);
        self.status_change(&card, CardEvent::Activated);
        self.expiry_change(&card, activated.ends_before);
        self.audit(action, Subject::Card(card.uuid));
        self.with_tokens(card)
    }

    fn with_tokens(&self, card: Card) -> CardDetails {
        let tokens = self.world().tokens_of(card.uuid).cloned().collect();
        CardDetails { card, tokens }
    }

    pub(super) fn own_token(&self, card: &Card) -> Option<&Token> {
        self.world().tokens_of(card.uuid).find(|token| token.made_with_card)
    }
}

fn entry(activate: &Activate, operation: Action) -> Entry {
    let ref_id: Option<RefId> = activate.ref_id.clone();
    let asked = Asked::amount(operation, activate.amount);
    Entry {
        ref_id,
        originated_by: activate.originated_by.clone(),
        ..Entry::new(activate.fund, (TransactionType::Fund, Reason::Activation), activate.amount, asked)
    }
}

pub(super) fn check_inactive(card: &Card, now: Timestamp) -> Result<(), Refusal> {
    if let Some(Activation { at, by }) = card.activation {
        return Err(Refusal::CardNotInactive { at, by, amount: card.amount, currency: card.currency });
    }
    check_not_blocked(card)?;
    check_not_expired(card, now)
}

fn activated(
    inactive: Card,
    activate: &Activate,
    expiry_months: Option<u16>,
    now: Timestamp,
    by: Option<ClientUuid>,
) -> Result<Card, Refusal> {
    let active_from = activate.active_from.or(inactive.dates.active_from).or(Some(now));
    let said = activate.expires_at.or(inactive.dates.expires_at);
    let dates = Dates { active_from, expires_at: said }.or_after(expiry_months, now);
    let dates = Dates::new(dates.active_from, dates.expires_at, now).map_err(Refusal::Dates)?;
    Ok(Card {
        amount: activate.amount,
        currency: activate.currency,
        name: activate.name.clone().or(inactive.name),
        customer_id: activate.customer_id.clone().or(inactive.customer_id),
        originated_by: activate.originated_by.clone().or(inactive.originated_by),
        metadata: activate.metadata.clone().unwrap_or(inactive.metadata),
        dates,
        activation: Some(Activation { at: now, by }),
        ..inactive
    })
}

/// The card's own token with its life begun.
pub(super) fn begun(
    token: Token,
    (expires_in, single_use): (Option<u32>, Option<bool>),
    now: Timestamp,
) -> Token {
    let expires_in = expires_in.or(token.expires_in);
    Token {
        expires_in,
        expires_at: expires_in.map(|seconds| now.plus_seconds(seconds)),
        expires_after_transaction: single_use.unwrap_or(token.expires_after_transaction),
        ..token
    }
}
