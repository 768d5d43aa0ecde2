//! Moving money.

use domain::{
    Amount, CardId, CardSelector, Command, Currency, Drawdown, Metadata, OriginatedBy, Outcome, RefId,
    Refusal, Transaction, TransactionId,
};

use crate::{Error, NameCards, Network, Permit, Secret, Service, WriteTransactions};

/// What a till says when it takes money from a card.
pub struct DrawdownRequest {
    /// The token that was scanned.
    pub token: Option<Secret>,
    /// The card's id, instead of a token or beside it.
    pub card_id: Option<CardId>,
    /// The till's reference.
    pub ref_id: RefId,
    /// How much; more than nothing.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Where the request comes from.
    pub originated_by: Option<OriginatedBy>,
    /// The client's own data.
    pub metadata: Metadata,
}

impl Service {
    /// Takes money from a card. Naming it without a token takes more than the narrow scope. Many unknown tokens from one client and network make it wait.
    pub async fn drawdown(
        &self,
        permit: &Permit<WriteTransactions>,
        request: DrawdownRequest,
        network: Network,
    ) -> Result<(Transaction, CardId), Error> {
        let caller = permit.caller();
        let guesser = (caller.actor, network);
        let by_token = request.token.is_some();
        if !by_token {
            caller.clone().permit::<NameCards>()?;
        }
        if by_token && let Some(retry_after_seconds) = self.token_budget.wait_seconds(&guesser, self.now()) {
            return Err(Error::TooManyTries { retry_after_seconds });
        }
        let token = request.token.as_ref().map(|token| self.keys.token(caller.aid, token.expose()));
        let card = match (token, request.card_id) {
            (Some(token), Some(card_id)) => CardSelector::Both(token, card_id),
            (Some(token), None) => CardSelector::Token(token),
            (None, Some(card_id)) => CardSelector::CardId(card_id),
            (None, None) => return Err(Error::Refused(Refusal::CardNotFound)),
        };
        let drawdown = Drawdown {
            card,
            ref_id: request.ref_id,
            id: TransactionId(self.new_id()),
            amount: request.amount,
            currency: request.currency,
            originated_by: request.originated_by,
            metadata: request.metadata,
        };
        match self.submit(caller, Command::Drawdown(Box::new(drawdown))).await? {
            Ok(Outcome::Written(transaction, card_id)) => Ok((*transaction, card_id)),
            Ok(_) => Err(Error::Internal),
            Err(refusal) => {
                if by_token && refusal == Refusal::CardNotFound {
                    self.token_budget.spend(guesser, self.now());
                }
                Err(refusal.into())
            }
        }
    }
}
