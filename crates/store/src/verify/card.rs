//! One card, held against its rows as they come.

use domain::{Card, Currency, Timestamp};

use super::finding::{Checked, Finding, Sums, must, same, wrong};
use super::history::History;
use crate::rows::{self, Columns, Fields, Value};
use crate::tally::Standing;

/// A card under check. What is found first is kept; nothing after it is looked at.
pub struct Checking {
    /// Its id as it was read.
    pub key: Vec<u8>,
    /// Its name.
    pub card_id: String,
    /// The card, unless it cannot be read.
    pub card: Option<Card>,
    /// What has been added up of it.
    pub history: History,
    /// What is wrong with it.
    pub finding: Option<Finding>,
    tokens_made_with_it: u32,
    open_locks: usize,
    /// What locks hold that had run out at the instant that is asked for.
    lapsed: i64,
    changes: Changes,
}

/// Where status changes lead.
#[derive(Default)]
struct Changes {
    place: i64,
    last: i64,
    is_blocked: bool,
    is_deleted: bool,
    /// The last day that the latest of them set.
    ends: Option<Option<i64>>,
    /// Whether it was blocked at the instant that is asked for.
    was_blocked: bool,
    /// The last day it had at that instant, where it was moved since.
    ended: Option<Option<i64>>,
}

impl Checking {
    /// A card's row; its id and name are taken first, so that one that cannot be read is named.
    pub fn new(row: &dyn Columns) -> Self {
        let card_id =
            if let Some(Value::Text(text)) = row.value(1) { text.to_owned() } else { String::new() };
        let (card, finding) = match rows::card(row) {
            Ok(card) => (Some(card), None),
            Err(damaged) => (None, Some(damaged.into())),
        };
        let created = card.as_ref().map_or(0, |card| card.created_at.unix_ms());
        let changes = Changes { last: created, ..Changes::default() };
        let key = key_of(row, 0).to_vec();
        let history = History::default();
        Self {
            key,
            card_id,
            card,
            history,
            finding,
            tokens_made_with_it: 0,
            open_locks: 0,
            lapsed: 0,
            changes,
        }
    }

    /// Goes on with a check, unless something was found before.
    pub fn check(&mut self, check: impl FnOnce(&mut Self, &Card) -> Checked) {
        if self.finding.is_some() {
            return;
        }
        let Some(card) = self.card.take() else {
            return;
        };
        self.finding = check(self, &card).err();
        self.card = Some(card);
    }

    /// The card's sums by itself and by its rows, once all of these are added up.
    pub fn sums(&self) -> Option<(Currency, Sums, Sums)> {
        let card = self.card.as_ref().filter(|_| self.finding.is_none())?;
        let by_card = Sums {
            funds: card.funds.minor_units().into(),
            drawdown: card.drawdown.minor_units().into(),
            reserved: card.reserved.minor_units().into(),
        };
        Some((card.currency, by_card, self.history.sums()))
    }

    /// A row of `card_transaction`.
    pub fn transaction(&mut self, card: &Card, row: &dyn Columns, then: Option<i64>) -> Checked {
        self.history.add(card, &rows::transaction(row)?, then)
    }

    /// A row of `card_lock`.
    pub fn lock(&mut self, card: &Card, row: &dyn Columns, then: Option<i64>) -> Checked {
        let lock = rows::lock(row)?;
        let (open, remaining) = (self.history.open_locks(), lock.remaining.minor_units());
        if open.is_empty() && card.reserved.is_zero() {
            return Err(wrong("locks of the card", "none", "some"));
        }
        let left = open.get(&lock.transaction).copied().unwrap_or(0);
        same("what is left in a lock", left, remaining)?;
        self.open_locks += 1;
        if lock.expires_at.zip(then).is_some_and(|(end, then)| end.unix_ms() <= then) {
            self.lapsed += remaining;
        }
        Ok(())
    }

    /// After the last lock.
    pub fn locks_end(&mut self, _: &Card) -> Checked {
        same("number of open locks", self.history.open_locks().len(), self.open_locks)
    }

    /// A row of `card_token`.
    pub fn token(&mut self, card: &Card, row: &dyn Columns) -> Checked {
        let token = rows::token(row, &card.card_id)?;
        self.tokens_made_with_it += u32::from(token.made_with_card);
        must(
            "use of a token",
            token.used_at.is_none() || token.expires_after_transaction,
            "never, as it serves many",
            "used up",
        )
    }

    /// After the last token.
    pub fn tokens_end(&mut self, _: &Card) -> Checked {
        let own = self.tokens_made_with_it;
        must("tokens made with the card", own <= 1, "one at most", own)
    }

    /// A row of `status_change`. Past instants are told by these, so they must lead to where the card stands.
    pub fn change(&mut self, card: &Card, row: &dyn Columns, then: Option<i64>) -> Checked {
        let changes = &mut self.changes;
        let mut row = Fields::new(row, "status_change");
        same("place of a status change", changes.place + 1, row.integer()?)?;
        changes.place += 1;
        row.bytes()?;
        let (at, last) = (row.integer()?, changes.last);
        let in_time = last <= at && at <= card.changed_at.unix_ms();
        let expected = || format!("from {last} to {}", card.changed_at.unix_ms());
        if !in_time {
            return Err(wrong("time of a status change", expected(), at));
        }
        changes.last = at;
        let was = then.is_none_or(|then| at <= then);
        match row.text()? {
            "blocked" => changes.block(true, was),
            "unblocked" => changes.block(false, was),
            "deleted" => changes.is_deleted = true,
            "expires_at" => {
                let (before, after) = (row.integer_or_none()?, row.integer_or_none()?);
                let ends = changes.ends.unwrap_or(before);
                same("last day before a change", told(ends), told(before))?;
                changes.ends = Some(after);
                if !was {
                    changes.ended.get_or_insert(before);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// After the last change.
    pub fn changes_end(&mut self, card: &Card) -> Checked {
        let changes = &self.changes;
        same("block by status changes", card.blocked_at.is_some(), changes.is_blocked)?;
        same("deletion by status changes", card.deleted_at.is_some(), changes.is_deleted)?;
        let expires_at = card.dates.expires_at.map(Timestamp::unix_ms);
        same("last day by status changes", told(expires_at), told(changes.ends.unwrap_or(expires_at)))
    }

    /// How the card stood at the instant that its rows were asked for, by these; none where it was not there. One that
    /// was not active yet shows the currency of its batch, which is still to be put in.
    pub fn standing(&self, then: i64) -> Option<Standing> {
        let card = self.card.as_ref()?;
        let is_there = card.created_at.unix_ms() <= then;
        if !is_there || card.deleted_at.is_some_and(|deleted| deleted.unix_ms() <= then) {
            return None;
        }
        let sums = self.history.then();
        let activated_at = card.activation.map(|activation| activation.at.unix_ms());
        Some(Standing {
            currency: card.currency,
            funds: sums.funds,
            drawdown: sums.drawdown,
            reserved: sums.reserved - self.lapsed,
            expires_at: self.changes.ended.unwrap_or(card.dates.expires_at.map(Timestamp::unix_ms)),
            activated_at: activated_at.filter(|at| *at <= then),
            is_blocked: self.changes.was_blocked,
        })
    }
}

impl Changes {
    fn block(&mut self, is_blocked: bool, was: bool) {
        self.is_blocked = is_blocked;
        if was {
            self.was_blocked = is_blocked;
        }
    }
}

/// An id as it stands in a column; empty where there is none.
pub fn key_of(row: &dyn Columns, place: usize) -> &[u8] {
    if let Some(Value::Bytes(bytes)) = row.value(place) { bytes } else { &[] }
}

fn told(at: Option<i64>) -> String {
    at.map_or_else(|| "none".to_owned(), |at| at.to_string())
}
