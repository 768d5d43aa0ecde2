//! The rules: what becomes of orders, given what was loaded and the time.

mod activate;
mod adjust;
mod change;
mod checks;
mod clients;
mod create;
mod delete;
mod draft;
mod drawdown;
mod fund;
mod info;
mod limits;
mod lock;
mod pin;
mod repeat;
mod replace;
mod settings;
mod token;

use crate::{
    Account, Action, Actor, AuditEntry, Batch, Card, CardDetails, CardId, CardUuid, Changes, Client, Command,
    Grant, Note, Order, OutboxRecord, PinCheck, Refusal, Replay, RequestId, Subject, Timestamp, Token,
    Transaction, World,
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
    /// Cards were activated together, now or by this same order before; in the order of the request.
    CardsActivated(Vec<CardDetails>),
    /// A card was blocked or unblocked, or what is not money changed.
    CardChanged(Box<Card>),
    /// A card that was looked up with its right PIN.
    Info(Box<Card>),
    /// Another card took a card's place, now or by this same order before.
    CardReplaced {
        /// The `drawdown` on the old card.
        transaction: Box<Transaction>,
        /// The card whose place was taken.
        old: Box<Card>,
        /// The card that took it.
        new: Box<Card>,
        /// Whether this order made the card, so that its secrets are the order's own; a card that lay there already
        /// keeps its own, and a repeat shows none.
        is_new: bool,
    },
    /// The ends of locks that had run out were entered.
    Swept {
        /// How many.
        expired: usize,
    },
    /// The account as it now is.
    Account(Box<Account>),
    /// A transaction was written on the card of this `card_id`, now or by this same order before.
    Written(Box<Transaction>, CardId),
    /// A client as it now is.
    Client(Box<Client>),
    /// A grant as it now is, or was before it was taken away, and its client as it now is.
    Grant(Box<Grant>, Box<Client>),
}

/// Decides `orders` of one account one after the other: each sees what those before it did.
///
/// `world` holds what [`Needs::of`](crate::Needs::of) the orders asked for; `server_now` is one instant for all, to
/// which a test account's own clock is added; `check` compares PINs. The answers come in the order of `orders`; the
/// changes are to be written in one commit, or, where that fails, not at all. A refused order leaves nothing in the
/// changes, but for the count of a wrong PIN.
pub fn decide(
    world: World,
    orders: Vec<Order>,
    server_now: Timestamp,
    check: PinCheck<'_>,
) -> (Vec<Decision>, Changes) {
    let now = world.account.now(server_now);
    let mut changes = Changes::none(world);
    let decisions = orders
        .into_iter()
        .map(|order| {
            let by = By { actor: order.actor, request: order.request };
            let mut ledger = Ledger { changes: &mut changes, by, now, server_now, check };
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
    /// The account's present, by which its cards go.
    now: Timestamp,
    /// The server's present, by which clients, kept answers and the audit go.
    server_now: Timestamp,
    check: PinCheck<'a>,
}

impl Ledger<'_> {
    fn carry_out(&mut self, order: Order) -> Decision {
        self.check_client()?;
        let Some(claim) = order.idempotency else {
            return self.told(order.command);
        };
        if let Some(kept) = self.world().replays.get(&claim.key).filter(|kept| kept.is_live(self.server_now))
        {
            let same = kept.request == claim.request;
            return if same {
                Ok(Outcome::Replayed(kept.clone()))
            } else {
                Err(Refusal::IdempotencyKeyReused)
            };
        }
        let outcome = self.told(order.command)?;
        let replay = Replay { request: claim.request, sealed: claim.sealed, created_at: self.server_now };
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
        if client.accepts(generation, self.server_now) { Ok(()) } else { Err(Refusal::ClientGone) }
    }

    /// Carries a command out and, where it changed something, puts it into the outbox.
    fn told(&mut self, command: Command) -> Decision {
        let action = command.action();
        let (rows, lines) = (self.changes.new_transactions.len(), self.changes.audit.len());
        let outcome = self.command(command)?;
        let rows = self.changes.new_transactions.iter().skip(rows);
        let transactions: Vec<_> = rows.map(|row| row.id).collect();
        let subjects: Vec<_> = self.changes.audit.iter().skip(lines).map(|line| line.subject).collect();
        if !transactions.is_empty() || !subjects.is_empty() {
            let (at, client, request) = (self.server_now, self.by.actor.client(), self.by.request);
            self.changes.outbox.push(OutboxRecord { at, client, request, action, subjects, transactions });
        }
        Ok(outcome)
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
            Command::ActivateCards(activate) => self.activate_cards(activate),
            Command::BlockCard(block) => self.block(block),
            Command::UnblockCard(unblock) => self.unblock(unblock),
            Command::ChangeCard(change) => self.change_card(*change),
            Command::Info(info) => self.info(&info),
            Command::Drawdown(drawdown) => self.drawdown(*drawdown),
            Command::Fund(fund) => self.fund(*fund),
            Command::Capture(capture) => self.capture(*capture),
            Command::Void(void) => self.void(*void),
            Command::Reverse(reverse) => self.reverse(*reverse),
            Command::Adjust(adjust) => self.adjust(*adjust),
            Command::Replace(replace) => self.replace(*replace),
            Command::Sweep(sweep) => self.sweep(&sweep),
            Command::ChangeSettings(change) => self.change_settings(*change),
            Command::MoveTestClock(clock) => self.move_test_clock(clock),
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
        self.changes.new_cards.insert(card.uuid);
        self.changes.world.put_card(card);
    }

    fn update_card(&mut self, card: Card) {
        if !self.changes.new_cards.contains(&card.uuid) {
            self.changes.changed_cards.insert(card.uuid);
        }
        self.changes.world.put_card(card);
    }

    fn insert_token(&mut self, token: Token) {
        self.changes.new_tokens.insert(token.uuid);
        self.changes.world.put_token(token);
    }

    fn update_token(&mut self, token: Token) {
        if !self.changes.new_tokens.contains(&token.uuid) {
            self.changes.changed_tokens.insert(token.uuid);
        }
        self.changes.world.put_token(token);
    }

    fn audit(&mut self, action: Action, subject: Subject) {
        self.audit_with(action, subject, None);
    }

    fn audit_with(&mut self, action: Action, subject: Subject, note: Option<Note>) {
        let (at, client, request) = (self.server_now, self.by.actor.client(), self.by.request);
        self.changes.audit.push(AuditEntry { at, client, request, action, subject, note });
    }
}
