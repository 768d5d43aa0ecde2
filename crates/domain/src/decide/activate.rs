//! Activation: an inactive card is sold, and is worth something from then on.

use super::{Decision, Ledger, Outcome};
use crate::transaction::Entry;
use crate::{
    Action, Activate, Activation, Card, CardDetails, Dates, Reason, RefId, Refusal, Subject, Timestamp,
    Token, TransactionType,
};

impl Ledger<'_> {
    pub(super) fn activate(&mut self, activate: Activate) -> Decision {
        let inactive = self.card(&activate.card_id)?;
        if let Some(repeat) = self.repeated_activation(inactive, &activate) {
            return repeat;
        }
        let now = self.time_for(inactive);
        check_inactive(inactive, now)?;
        let token = self.own_token(inactive).cloned();
        let card = activated(inactive.clone(), &activate, now, self.by.actor.client())?;
        let entry = Entry {
            ref_id: activate.ref_id,
            originated_by: activate.originated_by,
            ..Entry::new(activate.fund, TransactionType::Fund, Reason::Activation, activate.amount)
        };
        let (card, transaction) = self.enter(card, entry)?;
        if let Some(token) = token {
            let terms = (activate.token_expires_in, activate.token_expires_after_transaction);
            self.update_token(begun(token, terms, now));
        }
        self.write(card.clone(), transaction);
        self.audit(Action::ActivateCard, Subject::Card(card.uuid));
        Ok(self.activated(card))
    }

    fn repeated_activation(&self, card: &Card, activate: &Activate) -> Option<Decision> {
        let ref_id: RefId = activate.ref_id.clone()?;
        let before = self.world().transactions.get(&(card.uuid, ref_id))?;
        let same = before.reason == Reason::Activation
            && before.created_by == self.by.actor.client()
            && before.amount == activate.amount
            && before.currency == activate.currency
            && before.originated_by == activate.originated_by;
        Some(if same { Ok(self.activated(card.clone())) } else { Err(Refusal::RefIdReused) })
    }

    fn activated(&self, card: Card) -> Outcome {
        let tokens = self.world().tokens_of(card.uuid).cloned().collect();
        Outcome::CardActivated(Box::new(CardDetails { card, tokens }))
    }

    fn own_token(&self, card: &Card) -> Option<&Token> {
        self.world().tokens_of(card.uuid).find(|token| token.made_with_card)
    }
}

fn check_inactive(card: &Card, now: Timestamp) -> Result<(), Refusal> {
    if let Some(Activation { at, by }) = card.activation {
        return Err(Refusal::CardNotInactive { at, by, amount: card.amount, currency: card.currency });
    }
    if card.blocked_at.is_some() {
        return Err(Refusal::CardBlocked);
    }
    if card.is_expired(now) { Err(Refusal::CardExpired) } else { Ok(()) }
}

fn activated(
    inactive: Card,
    activate: &Activate,
    now: Timestamp,
    by: Option<crate::ClientUuid>,
) -> Result<Card, Refusal> {
    let active_from = activate.active_from.or(inactive.dates.active_from).or(Some(now));
    let expires_at = activate.expires_at.or(inactive.dates.expires_at);
    let dates = Dates::new(active_from, expires_at, now).map_err(Refusal::Dates)?;
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
fn begun(token: Token, (expires_in, single_use): (Option<u32>, Option<bool>), now: Timestamp) -> Token {
    let expires_in = expires_in.or(token.expires_in);
    Token {
        expires_in,
        expires_at: expires_in.map(|seconds| now.plus_seconds(seconds)),
        expires_after_transaction: single_use.unwrap_or(token.expires_after_transaction),
        ..token
    }
}
