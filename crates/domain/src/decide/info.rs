//! Looking a card up with its PIN.

use super::checks::check_token_time;
use super::{Decision, Ledger, Outcome};
use crate::Info;

impl Ledger<'_> {
    /// Whatever the card's status: a look-up shows it. A token that was used up still looks up.
    pub(super) fn info(&mut self, info: &Info) -> Decision {
        let (uuid, token) = self.selected(&info.card)?;
        let draft = self.draft(uuid)?;
        check_token_time(token.as_ref(), self.time_for(&draft.card))?;
        let tries = self.check_pin(&draft.card, Some(&info.pin), token.is_some())?;
        let card = draft.card.clone();
        self.keep_due(draft);
        self.keep_tries(tries);
        Ok(Outcome::Info(Box::new(card)))
    }
}
