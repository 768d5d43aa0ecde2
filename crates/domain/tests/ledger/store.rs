//! A store in memory that loads what `Needs` names and nothing else, and writes what `Changes` names and nothing
//! else: a rule that reads or writes more than it says fails here before it does in a database.

use std::collections::{BTreeMap, HashMap};

use domain::{
    Account, AuditEntry, Card, CardSelector, CardUuid, Changes, Client, ClientUuid, Day, DayCount,
    DaySubject, Decision, Lock, Needs, Order, OutboxRecord, PinMac, PinTries, PresentedPin, RefId, Replay,
    ReplayKey, StatusChange, Timestamp, Token, TokenNeed, TokenUuid, Transaction, TransactionId,
    TransactionType, World, decide,
};

pub struct Store {
    pub account: Account,
    pub clients: BTreeMap<ClientUuid, Client>,
    pub cards: BTreeMap<CardUuid, Card>,
    pub tokens: BTreeMap<TokenUuid, Token>,
    pub rows: HashMap<CardUuid, Vec<Transaction>>,
    pub locks: BTreeMap<TransactionId, Lock>,
    pub tries: BTreeMap<(CardUuid, ClientUuid), PinTries>,
    pub days: BTreeMap<(DaySubject, Day), DayCount>,
    pub replays: HashMap<ReplayKey, Replay>,
    pub statuses: Vec<StatusChange>,
    pub audit: Vec<AuditEntry>,
    pub outbox: Vec<OutboxRecord>,
}

/// The "keyed hash" of these tests: the PIN's own bytes beside the card's first byte.
pub fn pin_mac(card: CardUuid, pin: &str) -> PinMac {
    let mut mac = [0; 32];
    mac[0] = card.0.as_bytes()[15];
    for (place, byte) in mac[1..].iter_mut().zip(pin.bytes()) {
        *place = byte;
    }
    PinMac { key_version: 1, mac }
}

fn check(card: CardUuid, sent: &PresentedPin, mac: &PinMac) -> bool {
    pin_mac(card, sent.expose()) == *mac
}

impl Store {
    pub fn new(account: Account) -> Self {
        Self {
            account,
            clients: BTreeMap::new(),
            cards: BTreeMap::new(),
            tokens: BTreeMap::new(),
            rows: HashMap::new(),
            locks: BTreeMap::new(),
            tries: BTreeMap::new(),
            days: BTreeMap::new(),
            replays: HashMap::new(),
            statuses: Vec::new(),
            audit: Vec::new(),
            outbox: Vec::new(),
        }
    }

    /// One group: loaded, decided, written.
    pub fn carry_out(&mut self, orders: Vec<Order>, server_now: Timestamp) -> Vec<Decision> {
        let world = self.load(&Needs::of(&orders), server_now);
        let (decisions, changes) = decide(world, orders, server_now, &check);
        self.persist(changes);
        decisions
    }

    pub fn transaction(&self, id: TransactionId) -> Option<&Transaction> {
        self.rows.values().flatten().find(|row| row.id == id)
    }

    pub fn rows_of(&self, card: CardUuid) -> &[Transaction] {
        self.rows.get(&card).map(Vec::as_slice).unwrap_or_default()
    }

    fn load(&self, needs: &Needs, server_now: Timestamp) -> World {
        let now = self.account.now(server_now);
        let mut world = World::new(self.account.clone());
        let clients = self.clients.values();
        world.clients = clients
            .filter(|client| needs.all_clients || needs.clients.contains(&client.uuid))
            .map(|client| (client.uuid, client.clone()))
            .collect();
        self.load_cards(needs, now, &mut world);
        self.load_tokens(needs, &mut world);
        for id in &needs.transaction_ids {
            if let Some(row) = self.transaction(*id) {
                self.load_card(row.card, now, &mut world);
                self.locks.get(id).into_iter().for_each(|lock| world.put_lock(*lock));
                world.put_transaction(row.clone());
            }
        }
        self.load_ref_ids(needs, &mut world);
        for parent in &needs.refunded {
            let given_back = self
                .rows
                .values()
                .flatten()
                .filter(|row| row.kind == TransactionType::Fund && row.parent == Some(*parent));
            for row in given_back {
                let sum = world.refunded.entry(*parent).or_default();
                *sum = sum.plus(row.amount).expect("refunds within their drawdown");
            }
        }
        self.load_counts(needs, now, &mut world);
        world.replays =
            needs.replays.iter().filter_map(|key| Some((*key, self.replays.get(key)?.clone()))).collect();
        world
    }

    fn load_cards(&self, needs: &Needs, now: Timestamp, world: &mut World) {
        for card in self.cards.values() {
            let by_token = |token: &Token| token.card == card.uuid && needs.token_macs.contains(&token.mac);
            if needs.card_ids.contains(&card.card_id)
                || needs.card_uuids.contains(&card.uuid)
                || self.tokens.values().any(by_token)
            {
                self.load_card(card.uuid, now, world);
            }
        }
    }

    /// A card never comes alone.
    fn load_card(&self, uuid: CardUuid, now: Timestamp, world: &mut World) {
        let Some(card) = self.cards.get(&uuid) else { return };
        world.put_card(card.clone());
        let due = self.locks.values().filter(|lock| lock.card == uuid && lock.is_lapsed(now));
        due.for_each(|lock| world.put_lock(*lock));
        if let Some(next) = card.replaced_by {
            self.load_card(next, now, world);
        }
    }

    fn load_tokens(&self, needs: &Needs, world: &mut World) {
        for token in self.tokens.values() {
            let Some(card) = self.cards.get(&token.card) else { continue };
            let wanted = needs.card_tokens.iter().any(|(card_id, need)| {
                *card_id == card.card_id
                    && match need {
                        TokenNeed::All => token.deleted_at.is_none(),
                        TokenNeed::RefId(ref_id) => token.ref_id == *ref_id,
                        TokenNeed::Uuid(uuid) => token.uuid == *uuid,
                    }
            });
            if wanted || needs.token_macs.contains(&token.mac) {
                world.put_token(token.clone());
            }
        }
    }

    fn load_ref_ids(&self, needs: &Needs, world: &mut World) {
        let selected =
            needs.ref_ids.iter().filter_map(|(card, ref_id)| Some((world.select(card)?.0, ref_id)));
        let followed = needs.transaction_ref_ids.iter();
        let followed = followed.filter_map(|(id, ref_id)| Some((world.transaction(*id)?.card, ref_id)));
        let wanted: Vec<(CardUuid, &RefId)> = selected
            .chain(followed)
            .flat_map(|(card, ref_id)| world.successors(card).into_iter().map(move |card| (card, ref_id)))
            .collect();
        for (card, ref_id) in wanted {
            let row = self.rows_of(card).iter().find(|row| row.ref_id == *ref_id);
            row.into_iter().for_each(|row| world.put_transaction(row.clone()));
        }
    }

    fn load_counts(&self, needs: &Needs, now: Timestamp, world: &mut World) {
        for (card, client) in &needs.pin_tries {
            let card: &CardSelector = card;
            let tries = world.select(card).and_then(|(card, _)| self.tries.get(&(card, *client)));
            tries.into_iter().for_each(|tries| world.put_pin_tries(*tries));
        }
        for selector in &needs.lock_counts {
            if let Some((card, _)) = world.select(selector) {
                let open = self.locks.values().filter(|lock| lock.card == card).count();
                world.lock_counts.insert(card, open.try_into().expect("a small number"));
            }
        }
        if !needs.day_counts(&self.account.settings) {
            return;
        }
        let cards = world.cards.keys().map(|card| DaySubject::Card(*card));
        let clients = needs.clients.iter().map(|client| DaySubject::Client(*client));
        let keys = cards.chain(clients).map(|subject| (subject, Day::of(now)));
        world.day_counts = keys.filter_map(|key| Some((key, *self.days.get(&key)?))).collect();
    }

    fn persist(&mut self, changes: Changes) {
        let world = &changes.world;
        for uuid in &changes.new_cards {
            let card = world.cards[uuid].clone();
            let taken = self.cards.values().any(|other| other.card_id == card.card_id);
            assert!(!taken && self.cards.insert(*uuid, card).is_none(), "a new card is new");
        }
        for uuid in &changes.changed_cards {
            assert!(!changes.new_cards.contains(uuid), "a changed card is not new");
            let before = self.cards.insert(*uuid, world.cards[uuid].clone()).expect("a changed card exists");
            assert!(before.changed_at <= self.cards[uuid].changed_at, "time runs forward on a card");
        }
        for uuid in &changes.new_tokens {
            assert!(self.tokens.insert(*uuid, world.tokens[uuid].clone()).is_none(), "a new token is new");
        }
        for uuid in &changes.changed_tokens {
            assert!(
                self.tokens.insert(*uuid, world.tokens[uuid].clone()).is_some(),
                "a changed token exists"
            );
        }
        self.persist_rows(&changes);
        self.tries.retain(|(card, _), _| !changes.cleared_pin_tries.contains(card));
        for key in &changes.changed_pin_tries {
            self.tries.insert(*key, world.pin_tries[key]);
        }
        for key in &changes.changed_day_counts {
            self.days.insert(*key, world.day_counts[key]);
        }
        for key in &changes.new_replays {
            self.replays.insert(*key, world.replays[key].clone());
        }
        for uuid in &changes.changed_clients {
            self.clients.insert(*uuid, world.clients[uuid].clone());
        }
        if changes.account_changed {
            self.account = world.account.clone();
        }
        self.statuses.extend(&changes.status_changes);
        self.audit.extend(changes.audit);
        self.outbox.extend(changes.outbox);
    }

    fn persist_rows(&mut self, changes: &Changes) {
        for row in &changes.new_transactions {
            let rows = self.rows.entry(row.card).or_default();
            let taken = rows.iter().any(|other| other.ref_id == row.ref_id || other.id == row.id);
            assert!(!taken, "a reference stands once on a card");
            rows.push(row.clone());
        }
        for (card, id) in &changes.new_locks {
            let lock = changes.world.locks[card][id];
            assert!(self.locks.insert(*id, lock).is_none(), "a new lock is new");
        }
        for (card, id) in &changes.changed_locks {
            let lock = changes.world.locks[card][id];
            assert!(self.locks.insert(*id, lock).is_some(), "a changed lock exists");
        }
        for (_, id) in &changes.ended_locks {
            assert!(self.locks.remove(id).is_some(), "an ended lock was open");
        }
    }

    /// What must hold of a card whatever happened: its sums are those of its rows.
    pub fn check_card(&self, uuid: CardUuid) {
        let card = &self.cards[&uuid];
        let (mut funds, mut drawn, mut last) = (0, 0, Timestamp::EPOCH);
        let mut held: BTreeMap<TransactionId, i64> = BTreeMap::new();
        for (seq, row) in (1..).zip(self.rows_of(uuid)) {
            let amount = row.amount.minor_units();
            match row.kind {
                TransactionType::Fund => funds += amount,
                TransactionType::Drawdown => drawn += amount,
                TransactionType::PendingCapture => assert!(held.insert(row.id, amount).is_none()),
                TransactionType::Voided | TransactionType::Expired => {
                    let lock = row.parent.expect("the end of a lock names it");
                    assert_eq!(held.insert(lock, 0), Some(amount), "what is left is freed, once");
                    assert!(amount > 0, "a lock ends once");
                }
            }
            if row.reason == domain::Reason::Capture {
                let left = held.get_mut(&row.parent.expect("a capture names its lock")).expect("its lock");
                *left -= amount;
                assert!(*left >= 0, "captured beyond the lock");
            }
            let reserved: i64 = held.values().sum();
            assert_eq!(row.seq, seq, "seq is dense");
            assert!(row.created_at >= last, "rows stand in the order of their time");
            assert_eq!(row.balance.minor_units(), funds - drawn);
            assert_eq!(row.available.minor_units(), funds - drawn - reserved);
            assert!(funds - drawn - reserved >= 0 && reserved >= 0, "never negative");
            last = row.created_at;
        }
        let open: BTreeMap<TransactionId, i64> = held.into_iter().filter(|(_, left)| *left > 0).collect();
        let kept = self.locks.values().filter(|lock| lock.card == uuid);
        let kept: BTreeMap<_, _> =
            kept.map(|lock| (lock.transaction, lock.remaining.minor_units())).collect();
        assert_eq!(kept, open, "a lock's record holds what its rows leave");
        assert_eq!(card.seq, i64::try_from(self.rows_of(uuid).len()).expect("few rows"));
        assert_eq!((card.funds.minor_units(), card.drawdown.minor_units()), (funds, drawn));
        assert_eq!(card.reserved.minor_units(), open.values().sum::<i64>());
        assert!(last <= card.changed_at, "no row is later than the card's last change");
    }
}
