//! Transactions, open locks, and what is counted.

use std::collections::BTreeSet;

use domain::{Aid, Amount, CardSelector, CardUuid, Day, DaySubject, Needs, TransactionId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::super::super::fault::Fault;
use super::super::query::params;
use super::{Loading, Round, counted, text};
use crate::rows::{self, Fields, select};

const BY_ID: &str = select!(card_transaction "WHERE aid = $1 AND id = ANY($2)");

const BY_REF_ID: &str = concat!(
    "SELECT found.* FROM unnest($2::uuid[], $3::text[]) AS wanted (wanted_card, wanted_ref_id) \
     CROSS JOIN LATERAL (",
    select!(card_transaction "WHERE aid = $1 AND card = wanted_card AND ref_id = wanted_ref_id OFFSET 0"),
    ") AS found"
);

/// Whoever gives money back has the parent's card locked.
const REFUNDED: &str = "SELECT parent, sum(amount)::bigint FROM card_transaction \
    WHERE aid = $1 AND parent = ANY($2) AND type = 'fund' GROUP BY parent";

const LAPSED_LOCKS: &str = select!(card_lock "WHERE aid = $1 AND card = ANY($2) AND expires_at <= $3");

const LOCKS_BY_ID: &str = select!(card_lock "WHERE aid = $1 AND card = ANY($2) AND id = ANY($3)");

const LOCK_COUNTS: &str =
    "SELECT card, count(*) FROM card_lock WHERE aid = $1 AND card = ANY($2) GROUP BY card";

const PIN_TRIES: &str = concat!(
    "SELECT found.* FROM unnest($2::uuid[], $3::uuid[]) AS wanted (wanted_card, wanted_client) \
     CROSS JOIN LATERAL (",
    select!(pin_tries "WHERE aid = $1 AND card = wanted_card AND client = wanted_client OFFSET 0"),
    ") AS found"
);

/// A card's day is as locked as the card.
const CARD_DAYS: &str = "SELECT id, amount, count FROM day_count WHERE aid = $1 AND day = $2 \
    AND subject = 'card' AND id = ANY($3)";

/// A client's day is shared by the cards that it moves money of. Where it is missing it is made, so that there is
/// something to lock.
const MAKE_CLIENT_DAYS: &str = "INSERT INTO day_count (aid, day, subject, id, amount, count) \
    SELECT $1, $2, 'client', client, 0, 0 FROM unnest($3::uuid[]) AS asking (client) ORDER BY client \
    ON CONFLICT DO NOTHING";

const CLIENT_DAYS: &str = "SELECT id, amount, count FROM day_count WHERE aid = $1 AND day = $2 \
    AND subject = 'client' AND id = ANY($3) ORDER BY id FOR UPDATE";

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 10] = [
    BY_ID,
    BY_REF_ID,
    REFUNDED,
    LAPSED_LOCKS,
    LOCKS_BY_ID,
    LOCK_COUNTS,
    PIN_TRIES,
    CARD_DAYS,
    MAKE_CLIENT_DAYS,
    CLIENT_DAYS,
];

impl<'a> Round<'a> {
    /// Transactions by id, whose cards are locked, and what has been given back of some.
    pub(super) fn found_without_cards(&mut self, aid: Aid, needs: &'a Needs) {
        for (sql, ids, read) in [
            (BY_ID, &needs.transaction_ids, Loading::put_transactions as super::Read),
            (REFUNDED, &needs.refunded, Loading::put_refunded),
        ] {
            if !ids.is_empty() {
                let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
                self.ask(sql, params![text(aid), ids], read);
            }
        }
    }

    /// Everything that is found by the ids of the locked cards.
    pub(super) fn of_cards(&mut self, loading: &Loading, needs: &'a Needs) {
        self.tokens(loading, needs);
        self.locks(loading, needs);
        self.ref_ids(loading, needs);
        self.pin_tries(loading, needs);
        self.day_counts(loading, needs);
    }

    fn locks(&mut self, loading: &Loading, needs: &'a Needs) {
        let aid = loading.aid;
        // Most cards have nothing locked, and are spared the look-up.
        let holding = loading.cards(|card| !card.reserved.is_zero());
        if !holding.is_empty() {
            if !needs.transaction_ids.is_empty() {
                let ids: Vec<Uuid> = needs.transaction_ids.iter().map(|id| id.0).collect();
                self.ask(LOCKS_BY_ID, params![text(aid), holding.clone(), ids], Loading::put_locks);
            }
            let params = params![text(aid), holding, loading.now.unix_ms()];
            self.ask(LAPSED_LOCKS, params, Loading::put_locks);
        }
        let counted: BTreeSet<Uuid> =
            needs.lock_counts.iter().filter_map(|selector| loading.selected(selector)).collect();
        if !counted.is_empty() {
            let cards: Vec<Uuid> = counted.into_iter().collect();
            self.ask(LOCK_COUNTS, params![text(aid), cards], Loading::put_lock_counts);
        }
    }

    /// Transactions by reference, on the card that is meant and on every card that took its place.
    fn ref_ids(&mut self, loading: &Loading, needs: &'a Needs) {
        let world = &loading.world;
        let by_card = needs.ref_ids.iter().map(|(selector, ref_id)| {
            let card = world.select(selector).map(|(card, _)| card);
            (card, ref_id)
        });
        let by_transaction = needs
            .transaction_ref_ids
            .iter()
            .map(|(id, ref_id)| (world.transaction(*id).map(|row| row.card), ref_id));
        let mut wanted = BTreeSet::new();
        for (card, ref_id) in by_card.chain(by_transaction) {
            for CardUuid(card) in card.into_iter().flat_map(|card| world.successors(card)) {
                wanted.insert((card, ref_id.as_str()));
            }
        }
        if !wanted.is_empty() {
            let (cards, ref_ids): (Vec<Uuid>, Vec<&str>) = wanted.into_iter().unzip();
            self.ask(BY_REF_ID, params![text(loading.aid), cards, ref_ids], Loading::put_transactions);
        }
    }

    fn pin_tries(&mut self, loading: &Loading, needs: &'a Needs) {
        let pairs = needs.pin_tries.iter();
        let wanted: BTreeSet<(Uuid, Uuid)> =
            pairs.filter_map(|(card, client)| Some((loading.selected(card)?, client.0))).collect();
        if !wanted.is_empty() {
            let (cards, clients): (Vec<Uuid>, Vec<Uuid>) = wanted.into_iter().unzip();
            self.ask(PIN_TRIES, params![text(loading.aid), cards, clients], Loading::put_pin_tries);
        }
    }

    /// The present day of every loaded card and of those who ask, where something limits it.
    fn day_counts(&mut self, loading: &Loading, needs: &'a Needs) {
        if !needs.day_counts(&loading.world.account.settings) {
            return;
        }
        let (aid, Day(today)) = (loading.aid, Day::of(loading.now));
        let cards = loading.cards(|_| true);
        if !cards.is_empty() {
            self.ask(CARD_DAYS, params![text(aid), today, cards], Loading::put_card_days);
        }
        if !needs.clients.is_empty() {
            let clients: Vec<Uuid> = needs.clients.iter().map(|client| client.0).collect();
            self.ask(MAKE_CLIENT_DAYS, params![text(aid), today, clients.clone()], |_, _, _| Ok(()));
            self.ask(CLIENT_DAYS, params![text(aid), today, clients], Loading::put_client_days);
        }
    }
}

impl Loading {
    fn selected(&self, selector: &CardSelector) -> Option<Uuid> {
        self.world.select(selector).map(|(card, _)| card.0)
    }

    fn put_transactions(&mut self, _: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        for row in &rows {
            let transaction = rows::transaction(row)?;
            // One that was written after the cards were looked for: as if it came after the orders that look for it.
            if self.world.cards.contains_key(&transaction.card) {
                self.world.put_transaction(transaction);
            }
        }
        Ok(())
    }

    fn put_refunded(&mut self, _: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        for row in &rows {
            let mut fields = Fields::new(row, "card_transaction");
            let (parent, sum): (TransactionId, Amount) = (fields.id()?, fields.amount()?);
            self.world.refunded.insert(parent, sum);
        }
        Ok(())
    }

    fn put_locks(&mut self, _: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        for row in &rows {
            self.world.put_lock(rows::lock(row)?);
        }
        Ok(())
    }

    fn put_lock_counts(&mut self, needs: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        for selector in &needs.lock_counts {
            if let Some((card, _)) = self.world.select(selector) {
                self.world.lock_counts.insert(card, 0);
            }
        }
        for row in &rows {
            let (card, count) = counted(row)?;
            self.world.lock_counts.insert(card, count);
        }
        Ok(())
    }

    fn put_pin_tries(&mut self, _: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        for row in &rows {
            self.world.put_pin_tries(rows::pin_tries(row)?);
        }
        Ok(())
    }

    fn put_card_days(&mut self, _: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        self.put_days(&rows, |id| DaySubject::Card(id.into()))
    }

    fn put_client_days(&mut self, _: &Needs, rows: Vec<Row>) -> Result<(), Fault> {
        self.put_days(&rows, |id| DaySubject::Client(id.into()))
    }

    fn put_days(&mut self, rows: &[Row], subject: impl Fn(Uuid) -> DaySubject) -> Result<(), Fault> {
        let today = Day::of(self.now);
        for row in rows {
            let mut fields = Fields::new(row, "day_count");
            let id: Uuid = fields.id()?;
            let count = domain::DayCount { amount: fields.integer()?, count: fields.number()? };
            self.world.day_counts.insert((subject(id), today), count);
        }
        Ok(())
    }
}
