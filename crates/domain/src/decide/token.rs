//! Tokens beside the one a card is made with.

use super::{Decision, Ledger, Outcome};
use crate::{Action, CardId, CreateToken, Refusal, Subject, Token, TokenUuid};

impl Ledger<'_> {
    pub(super) fn create_token(&mut self, create: CreateToken) -> Decision {
        let card = self.card(&create.card_id)?.uuid;
        if self.world().token_refs.contains_key(&(card, create.ref_id.clone())) {
            // The value was shown when the token was made and can never be shown again.
            return Err(Refusal::RefIdReused);
        }
        let due = self.draft(card)?;
        self.keep_due(due);
        let token = create.token.into_token(card, create.ref_id, self.now, self.by.actor.client());
        self.insert_token(token.clone());
        self.audit(Action::CreateToken, Subject::Token(token.uuid));
        Ok(Outcome::TokenCreated(Box::new(token)))
    }

    pub(super) fn delete_token(&mut self, card_id: &CardId, uuid: TokenUuid) -> Decision {
        let card = self.card(card_id)?.uuid;
        let of_card = |token: &&Token| token.card == card && token.deleted_at.is_none();
        let token = self.world().tokens.get(&uuid).filter(of_card).ok_or(Refusal::TokenNotFound)?;
        let token = token.clone();
        let due = self.draft(card)?;
        self.keep_due(due);
        let token = Token { deleted_at: Some(self.now), ..token };
        self.update_token(token.clone());
        self.audit(Action::DeleteToken, Subject::Token(uuid));
        Ok(Outcome::TokenDeleted(Box::new(token)))
    }
}
