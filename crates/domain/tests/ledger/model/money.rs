//! The requests that move money.

use super::{Answer, Ask, By, Card, Lock, Model};

/// 15 minutes.
const REVERSAL_MS: i64 = 900_000;
const MOST: i64 = 1_000_000_000_000;

impl Model {
    pub(super) fn draw(&mut self, reference: u32, ask: &Ask) -> Answer {
        let Ask::Draw { card, amount, partial, lock, by, other_currency } = ask.clone() else {
            unreachable!()
        };
        self.by_token(card, by)?;
        if let Some(before) = self.before(card, reference, ask) {
            return before;
        }
        let it = &self.cards[&card];
        if it.blocked {
            return Err("CARD_BLOCKED");
        }
        if it.expired(self.now_ms) {
            return Err("CARD_EXPIRED");
        }
        if !it.active {
            return Err("CARD_INACTIVE");
        }
        self.pin(card, by)?;
        if by == By::Once && self.cards[&card].once_used == Some(true) {
            return Err("TOKEN_USED");
        }
        if other_currency {
            return Err("CURRENCY_MISMATCH");
        }
        let available = self.available(card);
        let taken = if partial { amount.min(available) } else { amount };
        if taken > available || taken == 0 {
            return Err("INSUFFICIENT_FUNDS");
        }
        self.pin_was_right(card, by);
        if by == By::Once {
            self.card(card).once_used = Some(true);
        }
        let row = match lock {
            None => self.write(card, "drawdown", "sale", taken),
            Some(life_s) => {
                let row = self.write(card, "pending_capture", "sale", taken);
                let ends_ms = life_s.map(|life| self.rows[row].made_ms + life * 1_000);
                self.card(card).locks.insert(row, Lock { left: taken, ends_ms });
                row
            }
        };
        self.remember(card, reference, ask, row)
    }

    pub(super) fn fund(&mut self, reference: u32, ask: &Ask) -> Answer {
        let Ask::Fund { card, amount, parent, by } = ask.clone() else { unreachable!() };
        self.by_token(card, by)?;
        let line = if parent.is_some() { self.line(card) } else { vec![card] };
        if let Some(before) = line.iter().find_map(|card| self.before(*card, reference, ask)) {
            return before;
        }
        let to = *line.last().expect("a card");
        match parent {
            Some(parent) => {
                let drawn = self.rows.get(parent).ok_or("TRANSACTION_NOT_FOUND")?;
                if !self.line(drawn.card).contains(&card) {
                    return Err("TRANSACTION_NOT_FOUND");
                }
                if drawn.kind != "drawdown" {
                    return Err("INVALID_REQUEST");
                }
            }
            None if self.cards[&card].next.is_some() => return Err("CARD_BLOCKED"),
            None => {}
        }
        let receiver = self.known(to)?;
        if receiver.expired(self.now_ms) {
            return Err("CARD_EXPIRED");
        }
        if !receiver.active {
            return Err("CARD_INACTIVE");
        }
        self.pin(card, by)?;
        if by == By::Once && self.cards[&card].once_used == Some(true) {
            return Err("TOKEN_USED");
        }
        if parent.is_some_and(|parent| self.rows[parent].given_back + amount > self.rows[parent].amount) {
            return Err("REFUND_EXCEEDS_DRAWDOWN");
        }
        if self.cards[&to].funds + amount > MOST {
            return Err("AMOUNT_LIMIT");
        }
        if let Some(parent) = parent {
            self.rows[parent].given_back += amount;
        }
        self.settle(card);
        self.pin_was_right(card, by);
        let row = self.write(to, "fund", if parent.is_some() { "refund" } else { "fund" }, amount);
        self.remember(to, reference, ask, row)
    }

    /// A capture of some or all of a lock, or a void.
    pub(super) fn end_lock(
        &mut self,
        reference: u32,
        ask: &Ask,
        row: usize,
        capture: Option<Option<i64>>,
    ) -> Answer {
        let pending = self.rows.get(row).ok_or("TRANSACTION_NOT_FOUND")?.clone();
        if let Some(before) = self.before(pending.card, reference, ask) {
            return before;
        }
        if pending.kind != "pending_capture" {
            return Err("NOT_PENDING");
        }
        let it = &self.cards[&pending.card];
        let now_ms = it.at(self.now_ms);
        let lock = it.locks.get(&row).filter(|lock| lock.ends_ms.is_none_or(|end| now_ms < end));
        let left = lock.ok_or("LOCK_CLOSED")?.left;
        if capture.is_some() && it.blocked {
            return Err("CARD_BLOCKED");
        }
        let taken = capture.map(|amount| amount.unwrap_or(left));
        if taken.is_some_and(|taken| taken > left) {
            return Err("AMOUNT_EXCEEDS_LOCK");
        }
        let new = match taken {
            Some(taken) => self.write(pending.card, "drawdown", "capture", taken),
            None => self.write(pending.card, "voided", "sale", left),
        };
        let it = self.card(pending.card);
        let rest = taken.map_or(0, |taken| left - taken);
        if rest == 0 {
            it.locks.remove(&row);
        } else if let Some(lock) = it.locks.get_mut(&row) {
            lock.left = rest;
        }
        self.remember(pending.card, reference, ask, new)
    }

    pub(super) fn reverse(&mut self, reference: u32, ask: &Ask, row: usize) -> Answer {
        let drawn = self.rows.get(row).ok_or("TRANSACTION_NOT_FOUND")?.clone();
        if drawn.client != self.client {
            return Err("FORBIDDEN");
        }
        let line = self.line(drawn.card);
        if let Some(before) = line.iter().find_map(|card| self.before(*card, reference, ask)) {
            return before;
        }
        if drawn.kind != "drawdown" || !["sale", "capture"].contains(&drawn.reason) {
            return Err("INVALID_REQUEST");
        }
        let to = *line.last().expect("a card");
        let now_ms = self.known(to)?.at(self.now_ms);
        if now_ms >= drawn.made_ms + REVERSAL_MS {
            return Err("INVALID_REQUEST");
        }
        if drawn.given_back > 0 {
            return Err("REFUND_EXCEEDS_DRAWDOWN");
        }
        if self.cards[&to].funds + drawn.amount > MOST {
            return Err("AMOUNT_LIMIT");
        }
        self.rows[row].given_back = drawn.amount;
        let new = self.write(to, "fund", "reversal", drawn.amount);
        self.remember(to, reference, ask, new)
    }

    pub(super) fn adjust(&mut self, reference: u32, ask: &Ask, card: u32, amount: i64) -> Answer {
        self.known(card)?;
        if let Some(before) = self.before(card, reference, ask) {
            return before;
        }
        let it = &self.cards[&card];
        if !it.active {
            return Err("CARD_INACTIVE");
        }
        if amount < 0 && -amount > self.available(card) {
            return Err("INSUFFICIENT_FUNDS");
        }
        if amount > 0 && it.next.is_some() {
            return Err("CARD_BLOCKED");
        }
        if amount > 0 && it.funds + amount > MOST {
            return Err("AMOUNT_LIMIT");
        }
        let kind = if amount > 0 { "fund" } else { "drawdown" };
        let row = self.write(card, kind, "adjust", amount.abs());
        self.remember(card, reference, ask, row)
    }

    pub(super) fn replace(&mut self, reference: u32, ask: &Ask, card: u32, new: u32) -> Answer {
        let it = self.known(card)?;
        if let Some(before) = self.before(card, reference, ask) {
            return before;
        }
        if it.next.is_some() {
            return Err("CARD_BLOCKED");
        }
        if it.expired(self.now_ms) {
            return Err("CARD_EXPIRED");
        }
        if !it.active {
            return Err("CARD_INACTIVE");
        }
        let [_, balance, _, _, _, reserved] = it.six(self.now_ms);
        if reserved > 0 {
            return Err("CARD_HAS_LOCKS");
        }
        match self.cards.get(&new) {
            Some(hand) if hand.deleted => return Err("CARD_ID_TAKEN"),
            Some(hand) if hand.active => return Err("CARD_NOT_INACTIVE"),
            Some(hand) if hand.blocked => return Err("CARD_BLOCKED"),
            Some(hand) if hand.expired(self.now_ms) => return Err("CARD_EXPIRED"),
            Some(_) => {}
            None => _ = self.cards.insert(new, Card::default()),
        }
        let expires_ms = self.cards[&card].expires_ms;
        let row = self.write(card, "drawdown", "replace", balance);
        self.rows[row].given_back = balance;
        let old = self.card(card);
        (old.next, old.blocked) = (Some(new), true);
        let last_ms = old.last_ms;
        let hand = self.card(new);
        hand.last_ms = hand.last_ms.max(last_ms);
        self.write(new, "fund", "replace", balance);
        let hand = self.card(new);
        (hand.active, hand.first, hand.expires_ms) = (true, balance, expires_ms);
        self.remember(card, reference, ask, row)
    }
}
