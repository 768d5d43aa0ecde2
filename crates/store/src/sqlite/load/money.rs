//! Transactions, open locks, and what is counted.

use domain::{Amount, CardUuid, Day, DayCount, DaySubject, Needs, RefId, TransactionId, TransactionType};
use rusqlite::params;

use super::super::fault::Fault;
use super::super::transactions::{BY_ID, BY_REF_ID};
use super::{Loading, first};
use crate::rows::Fields;
use crate::rows::{self, select};

const LOCK: &str = select!(card_lock "WHERE aid = ?1 AND card = ?2 AND id = ?3");
const REFUNDED: &str =
    "SELECT sum(amount) AS amount FROM card_transaction WHERE aid = ?1 AND parent = ?2 AND type = 'fund'";
const PIN_TRIES: &str = select!(pin_tries "WHERE aid = ?1 AND card = ?2 AND client = ?3");
const DAY_COUNT: &str = select!(day_count "WHERE aid = ?1 AND day = ?2 AND subject = ?3 AND id = ?4");

const LOCK_COUNT: &str = "SELECT count(*) AS locks FROM card_lock WHERE aid = ?1 AND card = ?2";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 7] = [BY_ID, LOCK, LOCK_COUNT, REFUNDED, BY_REF_ID, PIN_TRIES, DAY_COUNT];

impl Loading<'_> {
    /// Transactions by id, each with its card and, where it is an open lock, the lock.
    pub(super) fn transactions(&mut self, needs: &Needs) -> Result<(), Fault> {
        for id in &needs.transaction_ids {
            let mut by_id = self.conn.prepare_cached(BY_ID)?;
            let params = params![self.aid.as_str(), id.0.as_bytes()];
            let Some(row) = first(&mut by_id, params, rows::transaction)? else {
                continue;
            };
            if !self.card(row.card)? {
                return Err(Fault::Damaged("card_transaction.card".to_owned()));
            }
            if row.kind == TransactionType::PendingCapture {
                self.lock(row.card, row.id)?;
            }
            self.world.put_transaction(row);
        }
        Ok(())
    }

    fn lock(&mut self, card: CardUuid, id: TransactionId) -> Result<(), Fault> {
        let mut open = self.conn.prepare_cached(LOCK)?;
        let params = params![self.aid.as_str(), card.0.as_bytes(), id.0.as_bytes()];
        let lock = first(&mut open, params, rows::lock)?;
        lock.into_iter().for_each(|lock| self.world.put_lock(lock));
        Ok(())
    }

    /// How many open locks the cards have that are to get another.
    pub(super) fn lock_counts(&mut self, needs: &Needs) -> Result<(), Fault> {
        for selector in &needs.lock_counts {
            let Some((card, _)) = self.world.select(selector) else {
                continue;
            };
            let mut of_card = self.conn.prepare_cached(LOCK_COUNT)?;
            let params = params![self.aid.as_str(), card.0.as_bytes()];
            let count = of_card.query_row(params, |row| row.get(0))?;
            self.world.lock_counts.insert(card, count);
        }
        Ok(())
    }

    /// What has been given back of drawdowns, on whichever card.
    pub(super) fn refunded(&mut self, needs: &Needs) -> Result<(), Fault> {
        for parent in &needs.refunded {
            let mut refunded = self.conn.prepare_cached(REFUNDED)?;
            let params = params![self.aid.as_str(), parent.0.as_bytes()];
            let sum = first(&mut refunded, params, |row| {
                Fields::new(row, "card_transaction").number_or_none::<Amount>()
            })?;
            if let Some(sum) = sum.flatten() {
                self.world.refunded.insert(*parent, sum);
            }
        }
        Ok(())
    }

    /// Transactions by reference, on the card that is meant and on every card that took its place.
    pub(super) fn ref_ids(&mut self, needs: &Needs) -> Result<(), Fault> {
        for (selector, ref_id) in &needs.ref_ids {
            let card = self.world.select(selector).map(|(card, _)| card);
            self.ref_id(card, ref_id)?;
        }
        for (id, ref_id) in &needs.transaction_ref_ids {
            let card = self.world.transaction(*id).map(|row| row.card);
            self.ref_id(card, ref_id)?;
        }
        Ok(())
    }

    fn ref_id(&mut self, card: Option<CardUuid>, ref_id: &RefId) -> Result<(), Fault> {
        let Some(card) = card else { return Ok(()) };
        let mut by_ref_id = self.conn.prepare_cached(BY_REF_ID)?;
        for card in self.world.successors(card) {
            let params = params![self.aid.as_str(), card.0.as_bytes(), ref_id.as_str()];
            let row = first(&mut by_ref_id, params, rows::transaction)?;
            row.into_iter().for_each(|row| self.world.put_transaction(row));
        }
        Ok(())
    }

    pub(super) fn pin_tries(&mut self, needs: &Needs) -> Result<(), Fault> {
        for (selector, client) in &needs.pin_tries {
            let Some((card, _)) = self.world.select(selector) else {
                continue;
            };
            let mut by_card = self.conn.prepare_cached(PIN_TRIES)?;
            let params = params![self.aid.as_str(), card.0.as_bytes(), client.0.as_bytes()];
            let tries = first(&mut by_card, params, rows::pin_tries)?;
            tries.into_iter().for_each(|tries| self.world.put_pin_tries(tries));
        }
        Ok(())
    }

    /// The present day of every loaded card and of those who ask, where something limits it.
    pub(super) fn day_counts(&mut self, needs: &Needs) -> Result<(), Fault> {
        if !needs.day_counts(&self.world.account.settings) {
            return Ok(());
        }
        let cards = self.world.cards.keys().copied().map(DaySubject::Card);
        let clients = needs.clients.iter().copied().map(DaySubject::Client);
        let subjects: Vec<DaySubject> = cards.chain(clients).collect();
        let today = Day::of(self.now);
        for subject in subjects {
            if let Some(count) = self.day_count(subject, today)? {
                self.world.day_counts.insert((subject, today), count);
            }
        }
        Ok(())
    }

    fn day_count(&self, subject: DaySubject, Day(day): Day) -> Result<Option<DayCount>, Fault> {
        let mut by_subject = self.conn.prepare_cached(DAY_COUNT)?;
        let (kind, id) = rows::day_subject(subject);
        let params = params![self.aid.as_str(), day, kind, id.as_bytes()];
        first(&mut by_subject, params, rows::day_count)
    }
}
