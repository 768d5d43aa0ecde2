//! The ledger once more, as plainly as it can be put: numbers, lists and the contract's sentences one after the other.
//! It shares nothing with `decide`; where the two differ, one of them is wrong.

mod money;

use std::collections::BTreeMap;

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
