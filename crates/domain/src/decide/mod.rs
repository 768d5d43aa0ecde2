//! The rules: what becomes of orders, given what was loaded and the time.

mod activate;
mod clients;
mod create;
mod delete;
mod drawdown;
mod pin;
mod token;

use crate::{
    Action, Actor, AuditEntry, Batch, Card, CardDetails, CardId, CardUuid, Changes, Client, Command, Grant,
    Order, Refusal, Replay, RequestId, Subject, Timestamp, Token, Transaction, World,
};

/// The answer to one order.
pub type Decision = Result<Outcome, Refusal>;

/// What an accepted order led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The same order was carried out before; this is its kept answer.
    Replayed(Replay),
    /// A card was made, with its token where it has one.
    CardCreated(Box<CardDetails>),
    /// Inactive cards were made: those [`CreateBatch::into_cards`](crate::CreateBatch::into_cards) makes of
    /// the same order at the batch's time.
    BatchCreated(Batch),
    /// A card was activated, now or by this same order before; with its tokens.
    CardActivated(Box<CardDetails>),
    /// A card was deleted.
    CardDeleted(Box<Card>),
    /// A card got another PIN.
    PinRotated(Box<Card>),
    /// A card got another token.
    TokenCreated(Box<Token>),
    /// A card lost a token.
    TokenDeleted(Box<Token>),
    /// A transaction was written on the card of this `card_id`, now or by this same order before.
    Written(Box<Transaction>, CardId),
    /// A client as it now is.
    Client(Box<Client>),
    /// A grant as it now is, or was before it was taken away, and its client as it now is.
    Grant(Box<Grant>, Box<Client>),
}

/// Decides `orders` of one account one after the other: each sees what those before it did.
///
/// `world` holds what [`Needs::of`](crate::Needs::of) the orders asked for; `now` is one instant for all.
/// The answers come in the order of `orders`; the changes are to be written in one commit, or, where that
/// fails, not at all.
pub fn decide(world: World, orders: Vec<Order>, now: Timestamp) -> (Vec<Decision>, Changes) {
    let mut changes = Changes { world, ..Changes::default() };
    let decisions = orders
        .into_iter()
        .map(|order| {
            let by = By { actor: order.actor, request: order.request };
            let mut ledger = Ledger { changes: &mut changes, by, now };
            ledger.carry_out(order)
        })
        .collect();
    (decisions, changes)
}

/// On whose behalf a change is written.
#[derive(Clone, Copy)]
struct By {
    actor: Actor,
    request: RequestId,
}

/// The state while one order is decided. Every rule checks all it must before its first change.
struct Ledger<'a> {
    changes: &'a mut Changes,
    by: By,
    now: Timestamp,
}

impl Ledger<'_> {
    fn carry_out(&mut self, order: Order) -> Decision {
        self.check_client()?;
        let Some(claim) = order.idempotency else {
            return self.command(order.command);
        };
        if let Some(kept) = self.world().replays.get(&claim.key).filter(|kept| kept.is_live(self.now)) {
            let same = kept.request == claim.request;
            return if same {
                Ok(Outcome::Replayed(kept.clone()))
            } else {
                Err(Refusal::IdempotencyKeyReused)
            };
        }
        let outcome = self.command(order.command)?;
        let replay = Replay { request: claim.request, sealed: claim.sealed, created_at: self.now };
        self.changes.world.replays.insert(claim.key, replay);
        self.changes.new_replays.push(claim.key);
        Ok(outcome)
    }

    /// No money moves for a dead client, whatever its token says.
    fn check_client(&self) -> Result<(), Refusal> {
        let Actor::Client { uuid, generation } = self.by.actor else {
            return Ok(());
        };
        let client = self.world().clients.get(&uuid).ok_or(Refusal::ClientGone)?;
        if client.accepts(generation, self.now) { Ok(()) } else { Err(Refusal::ClientGone) }
    }

    fn command(&mut self, command: Command) -> Decision {
        match command {
            Command::CreateCard(create) => self.create_card(*create),
            Command::CreateBatch(batch) => self.create_batch(batch),
            Command::Activate(activate) => self.activate(*activate),
            Command::DeleteCard(delete) => self.delete_card(&delete),
            Command::RotatePin(rotate) => self.rotate_pin(rotate),
            Command::CreateToken(create) => self.create_token(*create),
            Command::DeleteToken { card_id, token } => self.delete_token(&card_id, token),
            Command::Drawdown(drawdown) => self.drawdown(*drawdown),
            Command::Client(change) => self.change_client(*change),
        }
    }

    fn world(&self) -> &World {
        &self.changes.world
    }

    /// A card that was not deleted.
    fn card(&self, card_id: &CardId) -> Result<&Card, Refusal> {
        let uuid = self.world().card_ids.get(card_id).ok_or(Refusal::CardNotFound)?;
        self.live_card(*uuid)
    }

    fn live_card(&self, uuid: CardUuid) -> Result<&Card, Refusal> {
        let card = self.world().cards.get(&uuid).filter(|card| card.deleted_at.is_none());
        card.ok_or(Refusal::CardNotFound)
    }

    /// The time of a change to `card`: never before its last one, even when the clock was set back.
    fn time_for(&self, card: &Card) -> Timestamp {
        self.now.max(card.changed_at)
    }

    fn insert_card(&mut self, card: Card) {
        self.changes.new_cards.push(card.uuid);
        self.changes.world.put_card(card);
    }

    fn update_card(&mut self, card: Card) {
        if !self.changes.new_cards.contains(&card.uuid) {
            self.changes.changed_cards.insert(card.uuid);
        }
        self.changes.world.put_card(card);
    }

    fn insert_token(&mut self, token: Token) {
        self.changes.new_tokens.push(token.uuid);
        self.changes.world.put_token(token);
    }

    fn update_token(&mut self, token: Token) {
        if !self.changes.new_tokens.contains(&token.uuid) {
            self.changes.changed_tokens.insert(token.uuid);
        }
        self.changes.world.put_token(token);
    }

    /// Writes a transaction and the card whose sums it changed.
    fn write(&mut self, card: Card, transaction: Transaction) {
        self.changes.new_transactions.push(transaction.clone());
        self.changes.world.put_transaction(transaction);
        self.update_card(card);
    }

    fn audit(&mut self, action: Action, subject: Subject) {
        let (client, request) = (self.by.actor.client(), self.by.request);
        self.changes.audit.push(AuditEntry { at: self.now, client, request, action, subject });
    }
}
