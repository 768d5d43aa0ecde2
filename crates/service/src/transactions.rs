//! Moving money.

use domain::{
    Amount, CardId, CardSelector, ClientUuid, Command, Currency, Drawdown, Metadata, OriginatedBy, Outcome,
    RefId, Refusal, Transaction, TransactionId,
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

/// Who presents a token, and from where.
#[derive(Clone, Copy)]
struct Guess {
    client: Option<ClientUuid>,
    network: Network,
}

impl Service {
    /// Takes money from a card. One that is named without a token takes more than the narrow scope. Many unknown
    /// tokens from one client and network make it wait.
    pub async fn drawdown(
        &self,
        permit: &Permit<WriteTransactions>,
        request: DrawdownRequest,
        network: Network,
    ) -> Result<(Transaction, CardId), Error> {
        let caller = permit.caller();
        let by_token = request.token.is_some();
        if !by_token {
            caller.clone().permit::<NameCards>()?;
        }
        let guess = Guess { client: caller.actor.client(), network };
        if by_token {
            self.count(guess)?;
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
        let decision = self.submit(caller, Command::Drawdown(Box::new(drawdown))).await;
        if by_token && !matches!(decision, Ok(Err(Refusal::CardNotFound))) {
            self.token_client_budget.give_back(&guess.client);
            self.token_network_budget.give_back(&guess.network);
        }
        match decision?? {
            Outcome::Written(transaction, card_id) => Ok((*transaction, card_id)),
            _ => Err(Error::Internal),
        }
    }

    /// Counts a token as unknown before it is looked up, so that no number of calls at once gets past the budget.
    fn count(&self, Guess { client, network }: Guess) -> Result<(), Error> {
        let now = self.now();
        let of_client = self.token_client_budget.wait_seconds(&client, now);
        let of_network = self.token_network_budget.wait_seconds(&network, now);
        if let Some(retry_after_seconds) = of_client.max(of_network) {
            return Err(Error::TooManyTries { retry_after_seconds });
        }
        self.token_client_budget.spend(client, now);
        self.token_network_budget.spend(network, now);
        Ok(())
    }
}
