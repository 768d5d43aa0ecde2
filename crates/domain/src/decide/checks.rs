//! What several rules ask of a token, a card and a PIN.

use super::Ledger;
use crate::{
    Card, CardSelector, CardUuid, Currency, PinPolicy, PinTries, PresentedPin, Refusal, Timestamp, Token,
};

impl Ledger<'_> {
    /// The card a request names, and the token it was named by. A token that is past its time or used up still
    /// leads to its card, for a repeat; the rule looks at that later.
    pub(super) fn selected(&self, card: &CardSelector) -> Result<(CardUuid, Option<Token>), Refusal> {
        let (card, token) = self.world().select(card).ok_or(Refusal::CardNotFound)?;
        self.live_card(card)?;
        Ok((card, token.and_then(|token| self.world().tokens.get(&token)).cloned()))
    }

    /// Compares the PIN that was sent, if any. A wrong one is counted at once, as the one trace that a refused order
    /// leaves; a right one changes what this gives back, to be kept where the order is accepted.
    pub(super) fn check_pin(
        &mut self,
        card: &Card,
        sent: Option<&PresentedPin>,
        by_token: bool,
    ) -> Result<Option<PinTries>, Refusal> {
        let (pin, sent) = match (&card.pin, sent) {
            (None, None) => return Ok(None),
            (None, Some(_)) => return Err(Refusal::PinInvalid),
            (Some(_), None) => return self.check_pin_policy(by_token),
            (Some(pin), Some(sent)) => (pin, sent),
        };
        let is_right = |ledger: &Self| (ledger.check)(card.uuid, sent, &pin.mac);
        let Some(client) = self.by.actor.client() else {
            // Whoever has the server's shell can give the card another PIN, and need not guess.
            return if is_right(self) { Ok(None) } else { Err(Refusal::PinInvalid) };
        };
        let now = self.time_for(card);
        let before = self.world().pin_tries.get(&(card.uuid, client)).copied();
        let tries = before.unwrap_or(PinTries::none(card.uuid, client));
        if tries.is_used_up() {
            return Err(Refusal::PinLocked { retry_after_seconds: None });
        }
        if let Some(seconds) = tries.wait_seconds(now) {
            return Err(Refusal::PinLocked { retry_after_seconds: Some(seconds) });
        }
        if is_right(self) {
            return Ok(before.map(PinTries::with_right));
        }
        self.keep_tries(Some(tries.with_wrong(now)));
        Err(Refusal::PinInvalid)
    }

    fn check_pin_policy(&self, by_token: bool) -> Result<Option<PinTries>, Refusal> {
        match self.world().account.settings.pin_policy {
            PinPolicy::Required if by_token => Err(Refusal::PinRequired),
            PinPolicy::Required | PinPolicy::IfSent => Ok(None),
        }
    }

    pub(super) fn keep_tries(&mut self, tries: Option<PinTries>) {
        let Some(tries) = tries else { return };
        let key = (tries.card, tries.client);
        if self.world().pin_tries.get(&key) != Some(&tries) {
            self.changes.world.put_pin_tries(tries);
            self.changes.changed_pin_tries.insert(key);
        }
    }

    /// Another PIN, another count.
    pub(super) fn clear_tries(&mut self, card: CardUuid) {
        self.changes.world.pin_tries.retain(|(of, _), _| *of != card);
        self.changes.changed_pin_tries.retain(|(of, _)| *of != card);
        self.changes.cleared_pin_tries.insert(card);
    }
}

/// A token past its own time opens nothing, as if there were none.
pub(super) fn check_token_time(token: Option<&Token>, now: Timestamp) -> Result<(), Refusal> {
    if token.is_some_and(|token| token.is_past(now)) { Err(Refusal::CardNotFound) } else { Ok(()) }
}

pub(super) fn check_token_use(token: Option<&Token>) -> Result<(), Refusal> {
    if token.is_some_and(|token| token.used_at.is_some()) { Err(Refusal::TokenUsed) } else { Ok(()) }
}

pub(super) fn check_currency(card: &Card, currency: Currency) -> Result<(), Refusal> {
    if card.currency == currency {
        Ok(())
    } else {
        Err(Refusal::CurrencyMismatch { currency: card.currency })
    }
}

pub(super) fn check_not_blocked(card: &Card) -> Result<(), Refusal> {
    if card.blocked_at.is_some() { Err(Refusal::CardBlocked) } else { Ok(()) }
}

pub(super) fn check_not_expired(card: &Card, now: Timestamp) -> Result<(), Refusal> {
    if card.is_expired(now) { Err(Refusal::CardExpired) } else { Ok(()) }
}

pub(super) fn check_active(card: &Card) -> Result<(), Refusal> {
    if card.activation.is_none() { Err(Refusal::CardInactive) } else { Ok(()) }
}

/// A card whose place another has taken is not to hold money again: nobody could spend it.
pub(super) fn check_not_replaced(card: &Card) -> Result<(), Refusal> {
    if card.replaced_by.is_some() { Err(Refusal::CardReplaced) } else { Ok(()) }
}
