//! Money is taken from a card, locked on it, put on it or given back.

use domain::{
    Aid, Amount, CardId, CardSelector, Command, Currency, Drawdown, Fund, Metadata, OriginatedBy, Pending,
    PresentedPin, RefId, Refusal, Transaction, TransactionId,
};

use super::written;
use crate::{Error, EveryTransaction, Network, Permit, Secret, Service, WriteTransactions};

/// What a till says when it moves a card's money.
pub struct TransactionRequest {
    /// The token that was scanned.
    pub token: Option<Secret>,
    /// The card's id, instead of a token or beside it.
    pub card_id: Option<CardId>,
    /// The PIN, where one was asked for.
    pub pin: Option<Secret>,
    /// The till's reference.
    pub ref_id: RefId,
    /// How much; more than nothing.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Which way the money goes.
    pub movement: Movement,
    /// Where the request comes from.
    pub originated_by: Option<OriginatedBy>,
    /// The client's own data.
    pub metadata: Metadata,
}

/// Which way money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// Out of the card, at once or by locking it first.
    Drawdown {
        /// Whether less is taken where less is available.
        allow_partial: bool,
        /// Whether the money is only locked.
        pending: Option<Pending>,
    },
    /// On to the card.
    Fund {
        /// The drawdown of which this is a refund.
        parent: Option<TransactionId>,
    },
}

impl Service {
    /// Moves a card's money. With the narrowest scope it only leaves the card, and only by token.
    pub async fn create_transaction(
        &self,
        permit: &Permit<WriteTransactions>,
        request: TransactionRequest,
        network: Network,
    ) -> Result<(Transaction, CardId), Error> {
        let caller = permit.caller();
        let by_token = request.token.is_some();
        if !by_token || matches!(request.movement, Movement::Fund { .. }) {
            caller.clone().permit::<EveryTransaction>()?;
        }
        let work = async {
            let command = self.money_command(caller.aid, request)?;
            written(self.submit(caller, command).await??)
        };
        if by_token { self.presented(caller, network, work).await } else { work.await }
    }

    fn money_command(&self, aid: Aid, request: TransactionRequest) -> Result<Command, Error> {
        let token = request.token.as_ref().map(|token| self.keys.token(aid, token.expose()));
        let card = match (token, request.card_id) {
            (Some(token), Some(card_id)) => CardSelector::Both(token, card_id),
            (Some(token), None) => CardSelector::Token(token),
            (None, Some(card_id)) => CardSelector::CardId(card_id),
            (None, None) => return Err(Error::Refused(Refusal::CardNotFound)),
        };
        let pin = request.pin.map(|pin| PresentedPin::new(pin.expose().to_owned()));
        let id = TransactionId(self.new_id());
        let (ref_id, amount, currency) = (request.ref_id, request.amount, request.currency);
        let (originated_by, metadata) = (request.originated_by, request.metadata);
        Ok(match request.movement {
            Movement::Drawdown { allow_partial, pending } => Command::Drawdown(Box::new(Drawdown {
                card,
                pin,
                ref_id,
                id,
                amount,
                currency,
                allow_partial,
                pending,
                originated_by,
                metadata,
            })),
            Movement::Fund { parent } => Command::Fund(Box::new(Fund {
                card,
                pin,
                ref_id,
                id,
                amount,
                currency,
                parent,
                originated_by,
                metadata,
            })),
        })
    }
}
