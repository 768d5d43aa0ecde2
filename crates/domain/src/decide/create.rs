//! Making cards: one with money on it, or many that are inactive.

use super::draft::Draft;
use super::{Ledger, Outcome};
use crate::transaction::{Asked, Entry};
use crate::{
    Action, Activation, Amount, Batch, Card, CardDetails, ClientUuid, CreateBatch, CreateCard, Currency,
    NewCard, NewToken, Pin, Reason, RefId, Refusal, Subject, Timestamp, Token, TransactionType,
};

impl NewCard {
    /// The card as it is before any money: inactive, made at `now`, and its token where it has one.
    ///
    /// A store that repeats an answer makes the same card again from the same order.
    pub fn into_card(
        self,
        currency: Currency,
        now: Timestamp,
        by: Option<ClientUuid>,
    ) -> (Card, Option<Token>) {
        let token = self.token.map(|token| {
            let (card, ref_id) = (self.uuid, RefId::from(&self.card_id));
            Token { made_with_card: true, ..token.into_token(card, ref_id, now, by) }
        });
        let card = Card {
            uuid: self.uuid,
            card_id: self.card_id,
            batch: None,
            kind: self.kind,
            name: self.name,
            customer_id: self.customer_id,
            originated_by: self.originated_by,
            metadata: self.metadata,
            amount: Amount::ZERO,
            currency,
            funds: Amount::ZERO,
            drawdown: Amount::ZERO,
            reserved: Amount::ZERO,
            dates: self.dates,
            pin: self.pin.map(|pin| Pin { mac: pin.mac, format: pin.format }),
            activation: None,
            blocked_at: None,
            replaced_by: None,
            deleted_at: None,
            seq: 0,
            created_at: now,
            created_by: by,
            changed_at: now,
        };
        (card, token)
    }
}

impl CreateBatch {
    /// The batch, its cards in order, and their tokens, as made at `now`.
    pub fn into_cards(self, now: Timestamp, by: Option<ClientUuid>) -> (Batch, Vec<Card>, Vec<Token>) {
        let (id, currency) = (self.batch, self.currency);
        let batch = Batch { id, currency, cards: self.cards.len(), created_at: now, created_by: by };
        let made = self.cards.into_iter().map(|card| card.into_card(currency, now, by));
        let (cards, tokens): (Vec<Card>, Vec<Option<Token>>) =
            made.map(|(card, token)| (Card { batch: Some(id), ..card }, token)).unzip();
        // The life of a batch card's own token begins when the card is activated.
        let waiting = |token: Token| Token { expires_at: None, ..token };
        (batch, cards, tokens.into_iter().flatten().map(waiting).collect())
    }
}

impl CreateCard {
    /// The card with its money, and its token where it has one, as made at `now`.
    pub fn into_details(self, now: Timestamp, by: Option<ClientUuid>) -> CardDetails {
        let (empty, token) = self.card.into_card(self.currency, now, by);
        let activation = Some(Activation { at: now, by });
        let dates = empty.dates.or_after(self.expiry_months, now);
        let card = Card { amount: self.amount, funds: self.amount, seq: 1, activation, dates, ..empty };
        CardDetails { card, tokens: token.into_iter().collect() }
    }
}

impl NewToken {
    /// The token of `card`, as made at `now`.
    pub fn into_token(
        self,
        card: crate::CardUuid,
        ref_id: RefId,
        now: Timestamp,
        by: Option<ClientUuid>,
    ) -> Token {
        Token {
            uuid: self.uuid,
            card,
            mac: self.mac,
            ref_id,
            made_with_card: false,
            format: self.format,
            masked_code: self.masked_code,
            expires_after_transaction: self.expires_after_transaction,
            expires_in: self.expires_in,
            expires_at: self.expires_in.map(|seconds| now.plus_seconds(seconds)),
            used_at: None,
            deleted_at: None,
            metadata: self.metadata,
            created_at: now,
            created_by: by,
        }
    }
}

impl Ledger<'_> {
    pub(super) fn create_card(&mut self, create: CreateCard) -> super::Decision {
        if self.world().card_ids.contains_key(&create.card.card_id) {
            return Err(Refusal::CardIdTaken { places: vec![0] });
        }
        self.check_activation_limit(create.amount)?;
        let asked = Asked::amount(Action::CreateCard, create.amount);
        let entry = Entry {
            originated_by: create.card.originated_by.clone(),
            ..Entry::new(create.fund, (TransactionType::Fund, Reason::Creation), create.amount, asked)
        };
        let details = create.into_details(self.now, self.by.actor.client());
        let empty = Card { funds: Amount::ZERO, seq: 0, ..details.card };
        let mut draft = Draft::of(empty);
        self.enter(&mut draft, entry)?;
        let card = draft.card.clone();
        self.check_balance_limit(&card)?;
        let counted = self.counted(card.uuid, card.amount)?;
        self.insert_card(card.clone());
        self.keep(draft);
        self.keep_counted(counted);
        for token in &details.tokens {
            self.insert_token(token.clone());
        }
        self.audit(Action::CreateCard, Subject::Card(card.uuid));
        Ok(Outcome::CardCreated(Box::new(CardDetails { card, tokens: details.tokens })))
    }

    pub(super) fn create_batch(&mut self, batch: CreateBatch) -> super::Decision {
        let taken = |(place, card): (usize, &NewCard)| {
            self.world().card_ids.contains_key(&card.card_id).then_some(place)
        };
        let places: Vec<usize> = batch.cards.iter().enumerate().filter_map(taken).collect();
        if !places.is_empty() {
            return Err(Refusal::CardIdTaken { places });
        }
        let (batch, cards, tokens) = batch.into_cards(self.now, self.by.actor.client());
        self.changes.world.reserve(cards.len());
        for card in cards {
            self.insert_card(card);
        }
        for token in tokens {
            self.insert_token(token);
        }
        self.audit(Action::CreateBatch, Subject::Batch(batch.id));
        self.changes.new_batches.push(batch.clone());
        Ok(Outcome::BatchCreated(batch))
    }
}
