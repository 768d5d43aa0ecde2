//! What a store must load before a decision.

use std::collections::BTreeSet;

use crate::{
    CardId, CardSelector, CardUuid, ClientUuid, Command, Order, RefId, ReplayKey, Settings, TokenMac,
    TokenUuid, TransactionId,
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

/// What of one account must be loaded to decide a list of orders. What does not exist is simply absent from the
/// world.
///
/// Two things go without saying. The account itself is always loaded. And a card never comes alone: with each card
/// come the locks of it that have run out at the account's now (its `reserved` is 0 where it has none at all), and
/// where it was replaced, the card that took its place, with the same again.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// The clients that ask.
    pub clients: BTreeSet<ClientUuid>,
    /// Every client of the account, with its grants.
    pub all_clients: bool,
    /// Cards by the client's id.
    pub card_ids: BTreeSet<CardId>,
    /// Cards by id.
    pub card_uuids: BTreeSet<CardUuid>,
    /// Tokens by hash, each with its card.
    pub token_macs: BTreeSet<TokenMac>,
    /// Tokens by their card.
    pub card_tokens: Vec<(CardId, TokenNeed)>,
    /// Transactions by id, each with its card and, where it is an open lock, the lock.
    pub transaction_ids: BTreeSet<TransactionId>,
    /// Transactions of which money is to be given back: the sum of all `fund` rows whose parent they are, whichever
    /// card those are on.
    pub refunded: BTreeSet<TransactionId>,
    /// Transactions by their card and reference; looked for on the card and on every card that took its place.
    pub ref_ids: Vec<(CardSelector, RefId)>,
    /// The same, where the card is that of another transaction.
    pub transaction_ref_ids: Vec<(TransactionId, RefId)>,
    /// How often a client guessed a card's PIN wrong.
    pub pin_tries: Vec<(CardSelector, ClientUuid)>,
    /// Cards that are to get a lock: how many open ones each has.
    pub lock_counts: Vec<CardSelector>,
    /// Whether some command counts towards a day's limit: see [`Needs::day_counts`].
    pub counts_days: bool,
    /// Whether some command changes the settings.
    pub changes_settings: bool,
    /// Kept answers.
    pub replays: Vec<ReplayKey>,
}

impl Needs {
    /// What must be loaded to decide `orders`.
    pub fn of<'a>(orders: impl IntoIterator<Item = &'a Order>) -> Self {
        let mut needs = Self::default();
        for order in orders {
            needs.clients.extend(order.actor.client());
            needs.replays.extend(order.idempotency.as_ref().map(|claim| claim.key));
            needs.add(&order.command, order.actor.client());
        }
        needs
    }

    /// Whether the counts of the account's present day are to be loaded: of every loaded card, and of `clients`.
    pub fn day_counts(&self, settings: &Settings) -> bool {
        self.counts_days && (settings.counts_days() || self.changes_settings)
    }

    // tidy: one match
    fn add(&mut self, command: &Command, client: Option<ClientUuid>) {
        match command {
            Command::CreateCard(create) => {
                self.counts_days = true;
                self.add_card(&create.card.card_id);
            }
            Command::CreateBatch(batch) => {
                self.card_ids.extend(batch.cards.iter().map(|card| card.card_id.clone()));
            }
            Command::Activate(activate) => self.add_activation(&activate.card_id, activate.ref_id.as_ref()),
            Command::ActivateCards(activate) => {
                for card in &activate.cards {
                    self.add_activation(&card.card_id, Some(&activate.ref_id));
                }
            }
            Command::DeleteCard(delete) => self.add_card(&delete.card_id),
            Command::RotatePin(rotate) => self.add_card(&rotate.card_id),
            Command::CreateToken(create) => {
                self.add_token(&create.card_id, TokenNeed::RefId(create.ref_id.clone()));
            }
            Command::DeleteToken { card_id, token } => self.add_token(card_id, TokenNeed::Uuid(*token)),
            Command::BlockCard(block) | Command::UnblockCard(block) => self.add_card(&block.card_id),
            Command::ChangeCard(change) => self.add_card(&change.card_id),
            Command::Info(info) => {
                self.add_selected(&info.card);
                self.add_pin(&info.card, client);
            }
            Command::Drawdown(drawdown) => {
                self.counts_days = true;
                self.add_request(&drawdown.card, &drawdown.ref_id);
                self.add_pin(&drawdown.card, client.filter(|_| drawdown.pin.is_some()));
                self.lock_counts.extend(drawdown.pending.map(|_| drawdown.card.clone()));
            }
            Command::Fund(fund) => {
                self.counts_days = true;
                self.add_request(&fund.card, &fund.ref_id);
                self.add_pin(&fund.card, client.filter(|_| fund.pin.is_some()));
                self.transaction_ids.extend(fund.parent);
                self.refunded.extend(fund.parent);
            }
            Command::Capture(capture) => self.add_following(capture.lock, &capture.ref_id),
            Command::Void(void) => self.add_following(void.lock, &void.ref_id),
            Command::Reverse(reverse) => {
                self.add_following(reverse.drawdown, &reverse.ref_id);
                self.refunded.insert(reverse.drawdown);
            }
            Command::Adjust(adjust) => {
                self.add_request(&CardSelector::CardId(adjust.card_id.clone()), &adjust.ref_id);
            }
            Command::Replace(replace) => {
                self.add_request(&CardSelector::CardId(replace.card_id.clone()), &replace.ref_id);
                self.add_token(&replace.new.card_id, TokenNeed::All);
            }
            Command::Sweep(sweep) => self.card_uuids.extend(&sweep.cards),
            Command::ChangeSettings(_) => self.changes_settings = true,
            Command::MoveTestClock(_) => {}
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

    fn add_activation(&mut self, card_id: &CardId, ref_id: Option<&RefId>) {
        self.counts_days = true;
        self.add_token(card_id, TokenNeed::All);
        let by_id = CardSelector::CardId(card_id.clone());
        self.ref_ids.extend(ref_id.map(|ref_id| (by_id, ref_id.clone())));
    }

    fn add_request(&mut self, card: &CardSelector, ref_id: &RefId) {
        self.add_selected(card);
        self.ref_ids.push((card.clone(), ref_id.clone()));
    }

    fn add_following(&mut self, transaction: TransactionId, ref_id: &RefId) {
        self.transaction_ids.insert(transaction);
        self.transaction_ref_ids.push((transaction, ref_id.clone()));
    }

    fn add_pin(&mut self, card: &CardSelector, client: Option<ClientUuid>) {
        self.pin_tries.extend(client.map(|client| (card.clone(), client)));
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
