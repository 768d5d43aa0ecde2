//! One card's page of the ledger: written in pencil while a rule may still refuse, in ink once it accepts.

use uuid::Builder;

use super::Ledger;
use crate::transaction::{Asked, Entry};
use crate::{
    Action, Amount, Card, CardEvent, CardUuid, ClientUuid, Lock, Reason, RefId, Refusal, StatusChange,
    Timestamp, Transaction, TransactionId, TransactionType,
};

/// A card with what an order would write on it. Dropped where the order is refused, so that it leaves no trace.
pub(super) struct Draft {
    pub(super) card: Card,
    rows: Vec<Transaction>,
    locks: Vec<LockChange>,
}

enum LockChange {
    Open(Lock),
    Lower(Lock),
    End(TransactionId),
}

impl Draft {
    /// A card that nothing is due on.
    pub(super) fn of(card: Card) -> Self {
        Self { card, rows: Vec::new(), locks: Vec::new() }
    }

    pub(super) fn open_lock(&mut self, lock: Lock) {
        self.locks.push(LockChange::Open(lock));
    }

    /// Leaves `remaining` in a lock, or ends it where nothing remains.
    pub(super) fn lower_lock(&mut self, lock: Lock, remaining: Amount) {
        self.locks.push(if remaining.is_zero() {
            LockChange::End(lock.transaction)
        } else {
            LockChange::Lower(Lock { remaining, ..lock })
        });
    }

    /// How many locks this draft ends.
    pub(super) fn ended_locks(&self) -> u32 {
        let ended = self.locks.iter().filter(|change| matches!(change, LockChange::End(_)));
        u32::try_from(ended.count()).unwrap_or(u32::MAX)
    }

    /// Whether the lock is among those whose end this draft has entered.
    pub(super) fn ends(&self, lock: TransactionId) -> bool {
        self.locks.iter().any(|change| matches!(change, LockChange::End(ended) if *ended == lock))
    }
}

impl Ledger<'_> {
    /// The page of a card that was not deleted, with the `expired` rows that are due entered first.
    pub(super) fn draft(&self, uuid: CardUuid) -> Result<Draft, Refusal> {
        let card = self.live_card(uuid)?.clone();
        let lapsed = self.world().lapsed_locks(uuid, self.time_for(&card));
        let mut draft = Draft::of(card);
        for lock in lapsed {
            self.enter_expiry(&mut draft, lock)?;
        }
        Ok(draft)
    }

    fn enter_expiry(&self, draft: &mut Draft, lock: Lock) -> Result<(), Refusal> {
        let id = self.expiry_id(lock.transaction);
        let kind = (TransactionType::Expired, Reason::Sale);
        let entry = Entry {
            parent: Some(lock.transaction),
            ..Entry::new(id, kind, lock.remaining, Asked::whole(Action::Expire))
        };
        // Dated with the limit: from then on the money was free, whenever the row is written.
        let at = lock.expires_at.unwrap_or(self.now).max(draft.card.changed_at);
        self.enter_at(draft, entry, at, None)?;
        draft.lower_lock(lock, Amount::ZERO);
        Ok(())
    }

    /// The id of the row that says a lock ran out. Nobody brings one along, as nobody knows what will be due; a lock
    /// ends once, so one made of its own serves: the time of writing, and every random bit turned over.
    fn expiry_id(&self, lock: TransactionId) -> TransactionId {
        let [.., a, b, c, d, e, f, g, h, i, j] = lock.0.into_bytes();
        let turned = [a, b, c, d, e, f, g, h, i, j].map(|byte: u8| !byte);
        let unix_ms = u64::try_from(self.server_now.unix_ms()).unwrap_or_default();
        TransactionId(Builder::from_unix_timestamp_millis(unix_ms, &turned).into_uuid())
    }

    /// Enters a row and what it does to the card's sums: the one place where they change.
    pub(super) fn enter(&self, draft: &mut Draft, entry: Entry) -> Result<Transaction, Refusal> {
        let now = self.time_for(&draft.card);
        self.enter_at(draft, entry, now, self.by.actor.client())
    }

    fn enter_at(
        &self,
        draft: &mut Draft,
        entry: Entry,
        at: Timestamp,
        created_by: Option<ClientUuid>,
    ) -> Result<Transaction, Refusal> {
        let card = with_sums(draft.card.clone(), &entry, at)?;
        let own_id = || RefId::from(&entry.id);
        let transaction = Transaction {
            id: entry.id,
            card: card.uuid,
            ref_id: entry.ref_id.unwrap_or_else(own_id),
            kind: entry.kind,
            reason: entry.reason,
            amount: entry.amount,
            currency: card.currency,
            parent: entry.parent,
            token: entry.token,
            originated_by: entry.originated_by,
            metadata: entry.metadata,
            created_at: at,
            created_by,
            request: self.by.request,
            seq: card.seq,
            asked: entry.asked,
            reason_code: entry.reason_code,
            note: entry.note,
            balance: card.balance(),
            available: card.available(),
        };
        draft.card = card;
        draft.rows.push(transaction.clone());
        Ok(transaction)
    }

    /// Writes a page in ink.
    pub(super) fn keep(&mut self, draft: Draft) {
        let card = draft.card.uuid;
        for row in draft.rows {
            self.changes.world.count_refund(&row);
            self.changes.new_transactions.push(row.clone());
            self.changes.world.put_transaction(row);
        }
        for change in draft.locks {
            self.keep_lock(card, change);
        }
        self.update_card(draft.card);
    }

    /// Writes a page in ink only where something was due on it.
    pub(super) fn keep_due(&mut self, draft: Draft) {
        if !draft.rows.is_empty() {
            self.keep(draft);
        }
    }

    fn keep_lock(&mut self, card: CardUuid, change: LockChange) {
        match change {
            LockChange::Open(lock) => {
                let count = self.changes.world.lock_counts.entry(card).or_default();
                *count = count.saturating_add(1);
                self.changes.new_locks.insert((card, lock.transaction));
                self.changes.world.put_lock(lock);
            }
            LockChange::Lower(lock) => {
                if !self.changes.new_locks.contains(&(card, lock.transaction)) {
                    self.changes.changed_locks.insert((card, lock.transaction));
                }
                self.changes.world.put_lock(lock);
            }
            LockChange::End(lock) => {
                if let Some(count) = self.changes.world.lock_counts.get_mut(&card) {
                    *count = count.saturating_sub(1);
                }
                if !self.changes.new_locks.remove(&(card, lock)) {
                    self.changes.ended_locks.insert((card, lock));
                }
                self.changes.changed_locks.remove(&(card, lock));
                if let Some(of_card) = self.changes.world.locks.get_mut(&card) {
                    of_card.remove(&lock);
                }
            }
        }
    }

    pub(super) fn status_change(&mut self, card: &Card, event: CardEvent) {
        let change = StatusChange { card: card.uuid, at: card.changed_at, event };
        self.changes.status_changes.push(change);
    }

    /// Notes where the last day of a card is another than `before`.
    pub(super) fn expiry_change(&mut self, card: &Card, before: Option<Timestamp>) {
        let after = card.dates.expires_at;
        if after != before {
            self.status_change(card, CardEvent::ExpiresAt { before, after });
        }
    }
}

fn with_sums(card: Card, entry: &Entry, at: Timestamp) -> Result<Card, Refusal> {
    let Card { mut funds, mut drawdown, mut reserved, .. } = card;
    match entry.kind {
        TransactionType::Fund => funds = funds.plus(entry.amount).ok_or(Refusal::AmountLimit)?,
        TransactionType::Drawdown => {
            drawdown = drawdown.plus(entry.amount).ok_or(Refusal::AmountLimit)?;
            if entry.reason == Reason::Capture {
                reserved = reserved.minus(entry.amount).ok_or(Refusal::AmountLimit)?;
            }
        }
        TransactionType::PendingCapture => {
            reserved = reserved.plus(entry.amount).ok_or(Refusal::AmountLimit)?;
        }
        TransactionType::Voided | TransactionType::Expired => {
            reserved = reserved.minus(entry.amount).ok_or(Refusal::AmountLimit)?;
        }
    }
    let seq = card.seq.checked_add(1).ok_or(Refusal::AmountLimit)?;
    let summed = Card { funds, drawdown, reserved, seq, changed_at: at, ..card };
    // Every rule has looked before; where one was wrong, the money stays where it is.
    let balance = funds.minus(drawdown).ok_or(Refusal::InsufficientFunds { available: Amount::ZERO })?;
    let covered = reserved <= balance;
    if covered { Ok(summed) } else { Err(Refusal::InsufficientFunds { available: Amount::ZERO }) }
}
