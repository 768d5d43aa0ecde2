//! What a store loads before a decision, and what a decision leaves for it to write.

use std::collections::{BTreeSet, HashMap};

use crate::{
    AuditEntry, BatchId, Card, CardId, CardSelector, CardUuid, Client, ClientUuid, Command, Order, RefId,
    Replay, ReplayKey, Timestamp, Token, TokenMac, TokenUuid, Transaction,
};

/// Which token of a card a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenNeed {
    /// All that have not been deleted.
    All,
    /// The one with this reference.
    RefId(RefId),
    /// The one with this id.
    Uuid(TokenUuid),
}

/// What of one account must be loaded to decide a list of orders.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// The clients that ask.
    pub clients: BTreeSet<ClientUuid>,
    /// Every client of the account, with its grants.
    pub all_clients: bool,
    /// Cards by the client's id; those that do not exist are simply absent from the world.
    pub card_ids: BTreeSet<CardId>,
    /// Tokens by hash, each with its card.
    pub token_macs: BTreeSet<TokenMac>,
    /// Tokens by their card.
    pub card_tokens: Vec<(CardId, TokenNeed)>,
    /// Transactions by their card and reference.
    pub ref_ids: Vec<(CardSelector, RefId)>,
    /// Kept answers.
    pub replays: Vec<ReplayKey>,
}

/// What was loaded of one account, and, while deciding, what became of it.
#[derive(Clone, Debug, Default)]
pub struct World {
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
    /// Kept answers.
    pub replays: HashMap<ReplayKey, Replay>,
}

/// A batch as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What its cards share.
    pub id: BatchId,
    /// How many they are.
    pub cards: usize,
    /// When it was made.
    pub created_at: Timestamp,
    /// Which client made it; none where an operator did.
    pub created_by: Option<ClientUuid>,
}

/// What a decision leaves to be written, in one commit. Rows stand in `world` as they are to be.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The world after the decision.
    pub world: World,
    /// Cards to insert, in order.
    pub new_cards: Vec<CardUuid>,
    /// Cards to update; none of them is new.
    pub changed_cards: BTreeSet<CardUuid>,
    /// Tokens to insert, in order.
    pub new_tokens: Vec<TokenUuid>,
    /// Tokens to update; none of them is new.
    pub changed_tokens: BTreeSet<TokenUuid>,
    /// Transactions to insert, in order.
    pub new_transactions: Vec<Transaction>,
    /// Batches to insert.
    pub new_batches: Vec<Batch>,
    /// Answers to keep, in the place of any that has run out.
    pub new_replays: Vec<ReplayKey>,
    /// Clients to write whole, with all their grants.
    pub changed_clients: BTreeSet<ClientUuid>,
    /// Lines of the audit to insert, in order.
    pub audit: Vec<AuditEntry>,
}

impl Changes {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.new_cards.is_empty()
            && self.changed_cards.is_empty()
            && self.new_tokens.is_empty()
            && self.changed_tokens.is_empty()
            && self.new_transactions.is_empty()
            && self.new_batches.is_empty()
            && self.new_replays.is_empty()
            && self.changed_clients.is_empty()
            && self.audit.is_empty()
    }
}

impl Needs {
    /// What must be loaded to decide `orders`.
    pub fn of<'a>(orders: impl IntoIterator<Item = &'a Order>) -> Self {
        let mut needs = Self::default();
        for order in orders {
            needs.clients.extend(order.actor.client());
            needs.replays.extend(order.idempotency.as_ref().map(|claim| claim.key));
            needs.add(&order.command);
        }
        needs
    }

    fn add(&mut self, command: &Command) {
        match command {
            Command::CreateCard(create) => self.add_card(&create.card.card_id),
            Command::CreateBatch(batch) => {
                self.card_ids.extend(batch.cards.iter().map(|card| card.card_id.clone()));
            }
            Command::Activate(activate) => {
                self.add_token(&activate.card_id, TokenNeed::All);
                let by_id = CardSelector::CardId(activate.card_id.clone());
                self.ref_ids.extend(activate.ref_id.clone().map(|ref_id| (by_id, ref_id)));
            }
            Command::DeleteCard(delete) => self.add_card(&delete.card_id),
            Command::RotatePin(rotate) => self.add_card(&rotate.card_id),
            Command::CreateToken(create) => {
                self.add_token(&create.card_id, TokenNeed::RefId(create.ref_id.clone()));
            }
            Command::DeleteToken { card_id, token } => self.add_token(card_id, TokenNeed::Uuid(*token)),
            Command::Drawdown(drawdown) => {
                self.add_selected(&drawdown.card);
                self.ref_ids.push((drawdown.card.clone(), drawdown.ref_id.clone()));
            }
            // Who may manage whom, and who is the last administrator, depends on every client.
            Command::Client(_) => self.all_clients = true,
        }
    }

    fn add_card(&mut self, card_id: &CardId) {
        self.card_ids.insert(card_id.clone());
    }

    fn add_token(&mut self, card_id: &CardId, need: TokenNeed) {
        self.add_card(card_id);
        self.card_tokens.push((card_id.clone(), need));
    }

    fn add_selected(&mut self, card: &CardSelector) {
        match card {
            CardSelector::Token(mac) => {
                self.token_macs.insert(*mac);
            }
            CardSelector::CardId(card_id) => self.add_card(card_id),
            CardSelector::Both(mac, card_id) => {
                self.token_macs.insert(*mac);
                self.add_card(card_id);
            }
        }
    }
}

impl World {
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
        self.transactions.insert((transaction.card, transaction.ref_id.clone()), transaction);
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

    fn bearer(&self, mac: &TokenMac) -> Option<(CardUuid, Option<TokenUuid>)> {
        let token = self.tokens.get(self.token_macs.get(mac)?)?;
        token.deleted_at.is_none().then_some((token.card, Some(token.uuid)))
    }
}
