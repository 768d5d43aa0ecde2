//! The ledger once more, as plainly as it can be put: numbers, lists and the contract's sentences one after the other.
//! It shares nothing with `decide`; where the two differ, one of them is wrong.

use std::collections::BTreeMap;

/// 15 minutes.
const REVERSAL_MS: i64 = 900_000;
const MOST: i64 = 1_000_000_000_000;

/// What a request asks, with ids that are plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    Create { card: u32, amount: i64, life_ms: Option<i64>, pin: bool },
    Batch { card: u32 },
    Activate { card: u32, amount: i64, with_ref: bool },
    Draw { card: u32, amount: i64, partial: bool, lock: Option<Option<i64>>, by: By, other_currency: bool },
    Fund { card: u32, amount: i64, parent: Option<usize>, by: By },
    Capture { row: usize, amount: Option<i64> },
    Void { row: usize },
    Reverse { row: usize },
    Adjust { card: u32, amount: i64 },
    Replace { card: u32, new: u32 },
    Block { card: u32, blocked: bool },
    Delete { card: u32, forfeit: bool },
    Expiry { card: u32, in_ms: i64 },
    Rotate { card: u32 },
    Info { card: u32, right: bool },
    Token { card: u32 },
    Sweep,
}

/// How a card was named, and with which PIN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum By {
    Id,
    Token,
    Once,
    RightPin,
    WrongPin,
}

/// A row that other requests may name.
#[derive(Clone, Debug)]
pub struct Row {
    pub card: u32,
    pub client: u32,
    pub kind: &'static str,
    pub reason: &'static str,
    pub amount: i64,
    pub given_back: i64,
    pub made_ms: i64,
}

#[derive(Clone, Debug, Default)]
pub struct Lock {
    pub left: i64,
    pub ends_ms: Option<i64>,
}

#[derive(Clone, Debug, Default)]
pub struct Card {
    pub first: i64,
    pub funds: i64,
    pub drawn: i64,
    pub locks: BTreeMap<usize, Lock>,
    pub active: bool,
    pub blocked: bool,
    pub deleted: bool,
    pub expires_ms: Option<i64>,
    pub next: Option<u32>,
    pub last_ms: i64,
    pub once_used: Option<bool>,
    pub pin: bool,
    pub guesses: BTreeMap<u32, Guess>,
    /// Client, request and row by reference.
    pub refs: BTreeMap<u32, (u32, Ask, usize)>,
}

#[derive(Clone, Debug, Default)]
pub struct Guess {
    pub row: u32,
    pub all: u32,
    pub until_ms: i64,
}

#[derive(Default)]
pub struct Model {
    pub cards: BTreeMap<u32, Card>,
    pub rows: Vec<Row>,
    pub now_ms: i64,
    pub client: u32,
}

/// The row written (or found again) and its amount, where there is one; else the word of the refusal.
pub type Answer = Result<Option<(usize, i64)>, &'static str>;

impl Card {
    fn live(&self, now_ms: i64) -> i64 {
        let runs = |lock: &&Lock| lock.ends_ms.is_none_or(|end| now_ms < end);
        self.locks.values().filter(runs).map(|lock| lock.left).sum()
    }

    pub fn at(&self, now_ms: i64) -> i64 {
        now_ms.max(self.last_ms)
    }

    /// amount, balance, available, funds, drawdown, reserved
    pub fn six(&self, now_ms: i64) -> [i64; 6] {
        let (balance, reserved) = (self.funds - self.drawn, self.live(self.at(now_ms)));
        [self.first, balance, balance - reserved, self.funds, self.drawn, reserved]
    }

    fn expired(&self, now_ms: i64) -> bool {
        self.expires_ms.is_some_and(|end| end <= self.at(now_ms))
    }
}

impl Model {
    pub fn ask(&mut self, reference: u32, ask: &Ask) -> Answer {
        match ask.clone() {
            Ask::Create { card, amount, life_ms, pin } => self.create(card, amount, life_ms, pin),
            Ask::Batch { card } => self.batch(card),
            Ask::Activate { card, amount, with_ref } => {
                self.activate(card, amount, with_ref.then_some(reference), ask)
            }
            Ask::Draw { .. } => self.draw(reference, ask),
            Ask::Fund { .. } => self.fund(reference, ask),
            Ask::Capture { row, amount } => self.end_lock(reference, ask, row, Some(amount)),
            Ask::Void { row } => self.end_lock(reference, ask, row, None),
            Ask::Reverse { row } => self.reverse(reference, ask, row),
            Ask::Adjust { card, amount } => self.adjust(reference, ask, card, amount),
            Ask::Replace { card, new } => self.replace(reference, ask, card, new),
            Ask::Block { card, blocked } => self.block(card, blocked),
            Ask::Delete { card, forfeit } => self.delete(card, forfeit),
            Ask::Expiry { card, in_ms } => self.expiry(card, in_ms),
            Ask::Rotate { card } => {
                self.known(card)?;
                self.changed(card);
                let card = self.card(card);
                card.pin = true;
                card.guesses.clear();
                Ok(None)
            }
            Ask::Info { card, right } => self.info(card, right),
            Ask::Token { card } => {
                self.known(card)?;
                if self.card(card).once_used.is_some() {
                    return Err("REF_ID_REUSED");
                }
                self.settle(card);
                self.card(card).once_used = Some(false);
                Ok(None)
            }
            Ask::Sweep => {
                let all: Vec<u32> = self.cards.keys().copied().collect();
                all.into_iter().for_each(|card| self.settle(card));
                Ok(None)
            }
        }
    }

    fn card(&mut self, card: u32) -> &mut Card {
        self.cards.get_mut(&card).expect("a card")
    }

    fn known(&self, card: u32) -> Result<&Card, &'static str> {
        self.cards.get(&card).filter(|card| !card.deleted).ok_or("CARD_NOT_FOUND")
    }

    /// What has run out ends for good.
    fn settle(&mut self, card: u32) {
        let now_ms = self.now_ms;
        let card = self.card(card);
        let now_ms = card.at(now_ms);
        let over = |lock: &Lock| lock.ends_ms.is_some_and(|end| end <= now_ms);
        let last = card.locks.values().filter(|lock| over(lock)).filter_map(|lock| lock.ends_ms).max();
        card.last_ms = card.last_ms.max(last.unwrap_or(0));
        card.locks.retain(|_, lock| !over(lock));
    }

    fn changed(&mut self, card: u32) {
        self.settle(card);
        let now_ms = self.now_ms;
        let card = self.card(card);
        card.last_ms = card.at(now_ms);
    }

    fn available(&self, card: u32) -> i64 {
        self.cards[&card].six(self.now_ms)[2]
    }

    fn write(&mut self, card: u32, kind: &'static str, reason: &'static str, amount: i64) -> usize {
        self.changed(card);
        let (client, made_ms) = (self.client, self.cards[&card].last_ms);
        self.rows.push(Row { card, client, kind, reason, amount, given_back: 0, made_ms });
        let row = self.rows.len() - 1;
        let card = self.card(card);
        match kind {
            "fund" => card.funds += amount,
            "drawdown" => card.drawn += amount,
            _ => {}
        }
        row
    }

    fn remember(&mut self, card: u32, reference: u32, ask: &Ask, row: usize) -> Answer {
        let entry = (self.client, ask.clone(), row);
        self.card(card).refs.insert(reference, entry);
        Ok(Some((row, self.rows[row].amount)))
    }

    /// By which card, token and PIN it came does not count.
    fn essence(ask: &Ask) -> Ask {
        match ask.clone() {
            Ask::Draw { card, amount, lock, other_currency, .. } => {
                Ask::Draw { card, amount, partial: false, lock, by: By::Id, other_currency }
            }
            Ask::Fund { amount, parent, .. } => Ask::Fund { card: 0, amount, parent, by: By::Id },
            other => other,
        }
    }

    fn before(&self, card: u32, reference: u32, ask: &Ask) -> Option<Answer> {
        let (client, old, row) = self.cards[&card].refs.get(&reference)?;
        let same = *client == self.client && Self::essence(old) == Self::essence(ask);
        Some(if same { Ok(Some((*row, self.rows[*row].amount))) } else { Err("REF_ID_REUSED") })
    }

    fn line(&self, mut card: u32) -> Vec<u32> {
        let mut line = vec![card];
        while let Some(next) = self.cards[&card].next {
            line.push(next);
            card = next;
        }
        line
    }

    fn create(&mut self, card: u32, amount: i64, life_ms: Option<i64>, pin: bool) -> Answer {
        if self.cards.contains_key(&card) {
            return Err("CARD_ID_TAKEN");
        }
        let expires_ms = life_ms.map(|life| self.now_ms + life);
        let new = Card { first: amount, active: true, expires_ms, pin, ..Card::default() };
        self.cards.insert(card, new);
        self.write(card, "fund", "creation", amount);
        Ok(None)
    }

    fn batch(&mut self, card: u32) -> Answer {
        if self.cards.contains_key(&card) {
            return Err("CARD_ID_TAKEN");
        }
        self.cards.insert(card, Card { last_ms: self.now_ms, ..Card::default() });
        Ok(None)
    }

    fn activate(&mut self, card: u32, amount: i64, reference: Option<u32>, ask: &Ask) -> Answer {
        self.known(card)?;
        if let Some(before) = reference.and_then(|reference| self.before(card, reference, ask)) {
            return before.map(|_| None);
        }
        let it = &self.cards[&card];
        if it.active {
            return Err("CARD_NOT_INACTIVE");
        }
        if it.blocked {
            return Err("CARD_BLOCKED");
        }
        if it.expired(self.now_ms) {
            return Err("CARD_EXPIRED");
        }
        let row = self.write(card, "fund", "activation", amount);
        let it = self.card(card);
        (it.active, it.first) = (true, amount);
        if let Some(reference) = reference {
            self.remember(card, reference, ask, row)?;
        }
        Ok(None)
    }

    /// Whether the PIN that was sent, if any, lets the request pass; a wrong one is counted whatever happens.
    fn pin(&mut self, card: u32, by: By) -> Result<(), &'static str> {
        let (client, now_ms) = (self.client, self.cards[&card].at(self.now_ms));
        let it = self.card(card);
        let right = match by {
            By::Id | By::Token | By::Once => return Ok(()),
            By::RightPin => true,
            By::WrongPin => false,
        };
        if !it.pin {
            return Err("PIN_INVALID");
        }
        let guess = it.guesses.entry(client).or_default();
        if guess.all >= 20 || now_ms < guess.until_ms {
            return Err("PIN_LOCKED");
        }
        if right {
            return Ok(());
        }
        guess.all += 1;
        guess.row += 1;
        if guess.row >= 5 {
            let seconds = (30_i64 << (guess.row - 5)).min(3_600);
            guess.until_ms = now_ms + seconds * 1_000;
        }
        Err("PIN_INVALID")
    }

    fn pin_was_right(&mut self, card: u32, by: By) {
        let client = self.client;
        if let (By::RightPin, Some(guess)) = (by, self.card(card).guesses.get_mut(&client)) {
            (guess.row, guess.until_ms) = (0, 0);
        }
    }

    fn by_token(&self, card: u32, by: By) -> Result<(), &'static str> {
        let it = self.known(card)?;
        match by {
            By::Once if it.once_used.is_none() => Err("CARD_NOT_FOUND"),
            _ => Ok(()),
        }
    }

    fn draw(&mut self, reference: u32, ask: &Ask) -> Answer {
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

    fn fund(&mut self, reference: u32, ask: &Ask) -> Answer {
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
        if let Some(drawn) = parent.map(|parent| &mut self.rows[parent]) {
            if drawn.given_back + amount > drawn.amount {
                return Err("REFUND_EXCEEDS_DRAWDOWN");
            }
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
    fn end_lock(&mut self, reference: u32, ask: &Ask, row: usize, capture: Option<Option<i64>>) -> Answer {
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

    fn reverse(&mut self, reference: u32, ask: &Ask, row: usize) -> Answer {
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

    fn adjust(&mut self, reference: u32, ask: &Ask, card: u32, amount: i64) -> Answer {
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

    fn replace(&mut self, reference: u32, ask: &Ask, card: u32, new: u32) -> Answer {
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

    fn block(&mut self, card: u32, blocked: bool) -> Answer {
        let it = self.known(card)?;
        if !blocked && it.next.is_some() {
            return Err("CARD_BLOCKED");
        }
        if it.blocked != blocked {
            self.changed(card);
            self.card(card).blocked = blocked;
        }
        Ok(None)
    }

    fn delete(&mut self, card: u32, forfeit: bool) -> Answer {
        let [_, _, available, _, _, reserved] = self.known(card)?.six(self.now_ms);
        if reserved > 0 {
            return Err("CARD_HAS_LOCKS");
        }
        if available > 0 && !forfeit {
            return Err("CARD_HAS_MONEY");
        }
        if available > 0 {
            self.write(card, "drawdown", "forfeit", available);
        }
        self.changed(card);
        self.card(card).deleted = true;
        Ok(None)
    }

    /// Only to a later day.
    fn expiry(&mut self, card: u32, in_ms: i64) -> Answer {
        let it = self.known(card)?;
        let (to, now_ms) = (self.now_ms + in_ms, it.at(self.now_ms));
        match it.expires_ms {
            Some(before) if before == to => {}
            Some(before) if before < to && to > now_ms => {}
            _ => return Err("INVALID_REQUEST"),
        }
        self.changed(card);
        self.card(card).expires_ms = Some(to);
        Ok(None)
    }

    fn info(&mut self, card: u32, right: bool) -> Answer {
        self.known(card)?;
        let by = if right { By::RightPin } else { By::WrongPin };
        self.pin(card, by)?;
        self.pin_was_right(card, by);
        self.settle(card);
        Ok(None)
    }
}
