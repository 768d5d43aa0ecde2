//! A card as it is read. Secrets are never in a read.

use domain::{
    Amount, BatchId, Card, CardDetails, CardId, CardType, CardUuid, Currency, CustomerId, Metadata, Name,
    OriginatedBy, Pin, Status, Timestamp,
};

use super::TokenShape;
use crate::api::wire::{ByWhom, FormatOut, answer};

answer! {
    /// What a card is, without its money.
    pub(crate) struct CardFacts<'a> {
        /// The server's id of the card.
        id: CardUuid,
        /// The id its client chose.
        card_id: &'a CardId,
        /// What it was given for.
        kind as "type": CardType,
        /// Where it stands at the time of the answer.
        status: Status,
        /// What people call it.
        name: Option<&'a Name>,
        /// Whose it is.
        customer_id: Option<&'a CustomerId>,
        /// The shop, till or person it comes from.
        originated_by: Option<&'a OriginatedBy>,
        /// The client's own data.
        metadata: &'a Metadata,
        /// From when on it can be used.
        active_from: Option<Timestamp>,
        /// From when on it cannot be used any more.
        expires_at: Option<Timestamp>,
        /// The batch it was made in.
        batch_id: Option<BatchId>,
        /// When it was made.
        created_at: Timestamp,
        /// The client that made it, or `operator`.
        created_by: ByWhom,
        /// Its currency; of an inactive card, the account's default.
        currency: Currency,
    }
}

answer! {
    /// A card's money, in minor units.
    pub(crate) struct CardMoney {
        /// What was ever added less what was ever taken.
        amount_balance: Amount,
        /// The balance less what pending transactions hold.
        amount_available: Amount,
        /// What was ever added.
        amount_funds: Amount,
        /// What was ever taken.
        amount_drawdown: Amount,
        /// What pending transactions hold; the same as `amount_reserved`.
        amount_pending: Amount,
        /// What pending transactions hold.
        amount_reserved: Amount,
    }
}

answer! {
    /// That a card has a PIN, and how it was made.
    pub(crate) struct PinShape<'a> as "PinFormat" {
        /// How it was made.
        format: FormatOut<'a>,
    }
}

answer! {
    /// A card.
    pub(crate) struct CardOut<'a> as "Card" {
        ..facts: CardFacts<'a>,
        ..money: CardMoney,
        /// What it was created or activated with.
        amount: Amount,
        /// Its PIN, where it has one.
        pin: Option<PinShape<'a>>,
    }
}

answer! {
    /// A card with its tokens.
    pub(crate) struct DetailsOut<'a> as "CardDetails" {
        ..card: CardOut<'a>,
        /// Its tokens, oldest first, with all but their harmless parts hidden.
        tokens: Vec<TokenShape<'a>>,
    }
}

impl<'a> CardFacts<'a> {
    pub(crate) fn new(card: &'a Card, now: Timestamp) -> Self {
        Self {
            id: card.uuid,
            card_id: &card.card_id,
            kind: card.kind,
            status: card.status(now),
            name: card.name.as_ref(),
            customer_id: card.customer_id.as_ref(),
            originated_by: card.originated_by.as_ref(),
            metadata: &card.metadata,
            active_from: card.dates.active_from,
            expires_at: card.dates.expires_at,
            batch_id: card.batch,
            created_at: card.created_at,
            created_by: ByWhom(card.created_by),
            currency: card.currency,
        }
    }
}

impl From<&Card> for CardMoney {
    fn from(card: &Card) -> Self {
        Self {
            amount_balance: card.balance(),
            amount_available: card.available(),
            amount_funds: card.funds,
            amount_drawdown: card.drawdown,
            amount_pending: card.reserved,
            amount_reserved: card.reserved,
        }
    }
}

impl<'a> PinShape<'a> {
    pub(crate) fn new(pin: &'a Pin) -> Self {
        Self { format: FormatOut::from(&pin.format) }
    }
}

impl<'a> CardOut<'a> {
    pub(crate) fn new(card: &'a Card, now: Timestamp) -> Self {
        Self {
            facts: CardFacts::new(card, now),
            money: CardMoney::from(card),
            amount: card.amount,
            pin: card.pin.as_ref().map(PinShape::new),
        }
    }
}

impl<'a> DetailsOut<'a> {
    pub(crate) fn new(details: &'a CardDetails, now: Timestamp) -> Self {
        let tokens = details.tokens.iter().map(TokenShape::new).collect();
        Self { card: CardOut::new(&details.card, now), tokens }
    }
}
