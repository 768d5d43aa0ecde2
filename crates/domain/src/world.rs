//! What a store has loaded for a decision, and what a decision leaves for it to write.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    Account, Amount, AuditEntry, BatchId, Card, CardId, CardSelector, CardUuid, Client, ClientUuid, Currency,
    Day, DayCount, DaySubject, Lock, OutboxRecord, PinTries, RefId, Replay, ReplayKey, Timestamp, Token,
    TokenMac, TokenUuid, Transaction, TransactionId, TransactionType,
};

/// What was loaded of one account, and, while deciding, what became of it.
#[derive(Clone, Debug)]
pub struct World {
    /// The account.
    pub account: Account,
    /// Clients by id.
    pub clients: HashMap<ClientUuid, Client>,
    /// Cards by id.
    pub cards: HashMap<CardUuid, Card>,
    /// Cards by the client's id.
    pub card_ids: HashMap<CardId, CardUuid>,
    /// Tokens by id.
    pub tokens: HashMap<TokenUuid, Token>,
    /// Tokens by hash.
    pub token_macs: HashMap<TokenMac, TokenUuid>,
    /// Tokens by card and reference.
    pub token_refs: HashMap<(CardUuid, RefId), TokenUuid>,
    /// Tokens by card, oldest first.
    pub card_tokens: HashMap<CardUuid, Vec<TokenUuid>>,
    /// Transactions by card and reference.
    pub transactions: HashMap<(CardUuid, RefId), Transaction>,
    /// Where transactions stand in `transactions`, by id.
    pub transaction_ids: HashMap<TransactionId, (CardUuid, RefId)>,
    /// Open locks by card.
    pub locks: HashMap<CardUuid, BTreeMap<TransactionId, Lock>>,
    /// How many open locks cards have, the lapsed ones among them; for the cards that [`Needs`](crate::Needs) names.
    pub lock_counts: HashMap<CardUuid, u32>,
    /// What has been given back of drawdowns.
    pub refunded: HashMap<TransactionId, Amount>,
    /// Wrong PINs by card and client.
    pub pin_tries: HashMap<(CardUuid, ClientUuid), PinTries>,
    /// What was moved by whom on which day.
    pub day_counts: HashMap<(DaySubject, Day), DayCount>,
    /// Kept answers.
    pub replays: HashMap<ReplayKey, Replay>,
}

/// A batch as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What its cards share.
    pub id: BatchId,
    /// What they show until they are activated, in whatever currency; so that past instants can be told.
    pub currency: Currency,
    /// How many they are.
    pub cards: usize,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which client made it; none where an operator did.
    pub created_by: Option<ClientUuid>,
}

/// Something that changed where a card stands, so that past instants can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// The card.
    pub card: CardUuid,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: CardEvent,
}

/// What changes where a card stands, beside its money. Creation is the card itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardEvent {
    /// It was activated.
    Activated,
    /// It was blocked.
    Blocked,
    /// It was unblocked.
    Unblocked,
    /// It was deleted.
    Deleted,
    /// Its last day was fixed or moved. With what it was before, so that the day at a past instant is the `before`
    /// of the next change after it, or else the card's present one.
    ExpiresAt {
        /// The day until then.
        before: Option<Timestamp>,
        /// The day from then on.
        after: Option<Timestamp>,
    },
}

/// What a decision leaves to be written, in one commit. Rows stand in `world` as they are to be.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The world after the decision.
    pub world: World,
    /// Cards to insert.
    pub new_cards: BTreeSet<CardUuid>,
    /// Cards to update; none of them is new.
    pub changed_cards: BTreeSet<CardUuid>,
    /// Status changes to insert, in order.
    pub status_changes: Vec<StatusChange>,
    /// Tokens to insert.
    pub new_tokens: BTreeSet<TokenUuid>,
    /// Tokens to update; none of them is new.
    pub changed_tokens: BTreeSet<TokenUuid>,
    /// Transactions to insert, in order.
    pub new_transactions: Vec<Transaction>,
    /// Locks to insert.
    pub new_locks: BTreeSet<(CardUuid, TransactionId)>,
    /// Locks to update; none of them is new.
    pub changed_locks: BTreeSet<(CardUuid, TransactionId)>,
    /// Locks to delete; none of them stands in the world.
    pub ended_locks: BTreeSet<(CardUuid, TransactionId)>,
    /// Cards of which all PIN tries are to be deleted, before any are written.
    pub cleared_pin_tries: BTreeSet<CardUuid>,
    /// PIN tries to write. A refused order leaves them too: see [`PinTries`].
    pub changed_pin_tries: BTreeSet<(CardUuid, ClientUuid)>,
    /// Counts of a day to write.
    pub changed_day_counts: BTreeSet<(DaySubject, Day)>,
    /// Batches to insert.
    pub new_batches: Vec<Batch>,
    /// Answers to keep, in the place of any that has run out.
    pub new_replays: Vec<ReplayKey>,
    /// Clients to write whole, with all their grants.
    pub changed_clients: BTreeSet<ClientUuid>,
    /// Whether the account's settings or test clock are to be written.
    pub account_changed: bool,
    /// Lines of the audit to insert, in order.
    pub audit: Vec<AuditEntry>,
    /// What is to be told, in order.
    pub outbox: Vec<OutboxRecord>,
}

impl Changes {
    /// None yet.
    pub fn none(world: World) -> Self {
        Self {
            world,
            new_cards: BTreeSet::new(),
            changed_cards: BTreeSet::new(),
            status_changes: Vec::new(),
            new_tokens: BTreeSet::new(),
            changed_tokens: BTreeSet::new(),
            new_transactions: Vec::new(),
            new_locks: BTreeSet::new(),
            changed_locks: BTreeSet::new(),
            ended_locks: BTreeSet::new(),
            cleared_pin_tries: BTreeSet::new(),
            changed_pin_tries: BTreeSet::new(),
            changed_day_counts: BTreeSet::new(),
            new_batches: Vec::new(),
            new_replays: Vec::new(),
            changed_clients: BTreeSet::new(),
            account_changed: false,
            audit: Vec::new(),
            outbox: Vec::new(),
        }
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        // Exhaustive, so that a new kind of change is not forgotten here.
        let Self {
            world: _,
            new_cards,
            changed_cards,
            status_changes,
            new_tokens,
            changed_tokens,
            new_transactions,
            new_locks,
            changed_locks,
            ended_locks,
            cleared_pin_tries,
            changed_pin_tries,
            changed_day_counts,
            new_batches,
            new_replays,
            changed_clients,
            account_changed,
            audit,
            outbox,
        } = self;
        new_cards.is_empty()
            && changed_cards.is_empty()
            && status_changes.is_empty()
            && new_tokens.is_empty()
            && changed_tokens.is_empty()
            && new_transactions.is_empty()
            && new_locks.is_empty()
            && changed_locks.is_empty()
            && ended_locks.is_empty()
            && cleared_pin_tries.is_empty()
            && changed_pin_tries.is_empty()
            && changed_day_counts.is_empty()
            && new_batches.is_empty()
            && new_replays.is_empty()
            && changed_clients.is_empty()
            && !account_changed
            && audit.is_empty()
            && outbox.is_empty()
    }
}

impl World {
    /// A world in which nothing but the account has been loaded.
    pub fn new(account: Account) -> Self {
        Self {
            account,
            clients: HashMap::new(),
            cards: HashMap::new(),
            card_ids: HashMap::new(),
            tokens: HashMap::new(),
            token_macs: HashMap::new(),
            token_refs: HashMap::new(),
            card_tokens: HashMap::new(),
            transactions: HashMap::new(),
            transaction_ids: HashMap::new(),
            locks: HashMap::new(),
            lock_counts: HashMap::new(),
            refunded: HashMap::new(),
            pin_tries: HashMap::new(),
            day_counts: HashMap::new(),
            replays: HashMap::new(),
        }
    }

    /// Makes room for so many more cards with a token each, which would else be moved with each growth.
    pub fn reserve(&mut self, cards: usize) {
        self.cards.reserve(cards);
        self.card_ids.reserve(cards);
        self.tokens.reserve(cards);
        self.token_macs.reserve(cards);
        self.token_refs.reserve(cards);
        self.card_tokens.reserve(cards);
    }

    /// Remembers a loaded card.
    pub fn put_card(&mut self, card: Card) {
        self.card_ids.insert(card.card_id.clone(), card.uuid);
        self.cards.insert(card.uuid, card);
    }

    /// Remembers a loaded token.
    pub fn put_token(&mut self, token: Token) {
        self.token_macs.insert(token.mac, token.uuid);
        self.token_refs.insert((token.card, token.ref_id.clone()), token.uuid);
        // A short list: a set would take ten times its room, and nearly every card has one token.
        let tokens = self.card_tokens.entry(token.card).or_default();
        if let Err(place) = tokens.binary_search(&token.uuid) {
            tokens.insert(place, token.uuid);
        }
        self.tokens.insert(token.uuid, token);
    }

    /// A card's loaded tokens that have not been deleted, oldest first.
    pub fn tokens_of(&self, card: CardUuid) -> impl Iterator<Item = &Token> {
        let tokens =
            self.card_tokens.get(&card).into_iter().flatten().filter_map(|uuid| self.tokens.get(uuid));
        tokens.filter(|token| token.deleted_at.is_none())
    }

    /// Remembers a loaded transaction.
    pub fn put_transaction(&mut self, transaction: Transaction) {
        let key = (transaction.card, transaction.ref_id.clone());
        self.transaction_ids.insert(transaction.id, key.clone());
        self.transactions.insert(key, transaction);
    }

    /// Remembers a loaded lock.
    pub fn put_lock(&mut self, lock: Lock) {
        self.locks.entry(lock.card).or_default().insert(lock.transaction, lock);
    }

    /// Remembers loaded PIN tries.
    pub fn put_pin_tries(&mut self, tries: PinTries) {
        self.pin_tries.insert((tries.card, tries.client), tries);
    }

    /// A transaction by its id.
    pub fn transaction(&self, id: TransactionId) -> Option<&Transaction> {
        self.transactions.get(self.transaction_ids.get(&id)?)
    }

    /// The locks of a card that have run out at `now`, in the order in which they did.
    pub fn lapsed_locks(&self, card: CardUuid, now: Timestamp) -> Vec<Lock> {
        let of_card = self.locks.get(&card).into_iter().flat_map(BTreeMap::values);
        let mut lapsed: Vec<Lock> = of_card.filter(|lock| lock.is_lapsed(now)).copied().collect();
        lapsed.sort_by_key(|lock| (lock.expires_at, lock.transaction));
        lapsed
    }

    /// A card and those that took its place, one after the other.
    pub fn successors(&self, card: CardUuid) -> Vec<CardUuid> {
        let mut line = vec![card];
        while let Some(next) = line.last().and_then(|last| self.cards.get(last)?.replaced_by) {
            if line.contains(&next) {
                break;
            }
            line.push(next);
        }
        line
    }

    /// The card a selector names, through whatever has been loaded: its id and the token presented.
    pub fn select(&self, selector: &CardSelector) -> Option<(CardUuid, Option<TokenUuid>)> {
        match selector {
            CardSelector::CardId(card_id) => self.card_ids.get(card_id).map(|card| (*card, None)),
            CardSelector::Token(mac) => self.bearer(mac),
            CardSelector::Both(mac, card_id) => {
                let named = self.card_ids.get(card_id);
                self.bearer(mac).filter(|(card, _)| Some(card) == named)
            }
        }
    }

    /// Counts a new row towards what has been given back of its parent.
    pub(crate) fn count_refund(&mut self, row: &Transaction) {
        if let (TransactionType::Fund, Some(parent)) = (row.kind, row.parent) {
            let refunded = self.refunded.entry(parent).or_default();
            // Each row was held against what is left of its parent, so that the sum cannot pass any limit.
            *refunded = refunded.plus(row.amount).unwrap_or(*refunded);
        }
    }

    fn bearer(&self, mac: &TokenMac) -> Option<(CardUuid, Option<TokenUuid>)> {
        let token = self.tokens.get(self.token_macs.get(mac)?)?;
        token.deleted_at.is_none().then_some((token.card, Some(token.uuid)))
    }
}
