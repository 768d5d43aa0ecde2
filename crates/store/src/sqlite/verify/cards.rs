//! Every card of an account, each whole.

use std::collections::HashMap;

use domain::{Aid, Card, CardId, Day, Timestamp, TransactionId};
use rusqlite::{Connection, params};

use super::finding::{Checked, Progress, Stop, Sums, Totals, must, same, wrong};
use super::history::History;
use crate::closings::end_of;
use crate::rows::Fields;
use crate::rows::{self, select};
use crate::sqlite::fault::Fault;
use crate::sqlite::liability::standing_at;
use crate::sqlite::{closing, load};
use crate::tally::{Standing, Tally};

const NEXT: &str = select!(card "WHERE aid = ?1 AND uuid > ?2 ORDER BY uuid LIMIT 1");

const SAME: &str = select!(card "WHERE aid = ?1 AND uuid = ?2");

const TOKENS: &str = select!(card_token "WHERE aid = ?1 AND card = ?2");

const LOCKS: &str = "SELECT id, remaining FROM card_lock WHERE aid = ?1 AND card = ?2";

const CHANGES: &str = "SELECT place, at, event, ends_before, ends_after FROM status_change \
    WHERE aid = ?1 AND card = ?2 ORDER BY place";

const EXISTS: &str = "SELECT 1 FROM card WHERE aid = ?1 AND uuid = ?2";

/// Cards one after the other, by id.
pub struct Cards {
    aid: Aid,
    after: Vec<u8>,
    card_id: String,
    /// The card as it was read, in the snapshot in which it is checked.
    card: Option<Checked<Card>>,
    /// What has been added up of the card under way.
    history: Option<History>,
    day: Option<Day>,
    /// What was owed when that day ended.
    tally: Tally,
    totals: Totals,
}

impl Cards {
    pub fn new(aid: Aid, day: Option<Day>) -> Self {
        let (tally, totals) = (Tally::default(), Totals::default());
        Self { aid, after: Vec::new(), card_id: String::new(), card: None, history: None, day, tally, totals }
    }

    /// The card under way.
    pub fn card_id(&self) -> &str {
        &self.card_id
    }

    /// Whether the card has more rows than could be checked at once.
    pub fn is_under_way(&self) -> bool {
        self.history.is_some()
    }

    /// The totals of all cards, and what was owed on them when the day ended.
    pub fn into_sums(self) -> (Totals, Tally) {
        (self.totals, self.tally)
    }

    /// Goes to the next card, or stays at one that has more rows; answers whether there is one.
    pub fn advance(&mut self, conn: &Connection) -> Result<bool, Fault> {
        let sql = if self.history.is_some() { SAME } else { NEXT };
        let mut statement = conn.prepare_cached(sql)?;
        let mut found = statement.query(params![self.aid.as_str(), self.after])?;
        let Some(row) = found.next()? else {
            return Ok(false);
        };
        // Its id and name first, so that a card that cannot be read is named and passed.
        self.after = row.get(0)?;
        self.card_id = row.get(1)?;
        self.card = Some(rows::card(row).map_err(Stop::from));
        Ok(true)
    }

    /// Checks the card, or the next of its rows where these are many.
    pub fn check(&mut self, conn: &Connection, checked: &mut Progress) -> Checked {
        let mut history = self.history.take().unwrap_or_default();
        let Some(card) = self.card.take() else {
            return Ok(());
        };
        let card = card?;
        let then = self.day.map(end_of);
        let is_whole = history.go_on(conn, self.aid, &card, then, &mut checked.transactions)?;
        if !is_whole {
            self.history = Some(history);
            return Ok(());
        }
        let by_cards = Sums {
            funds: card.funds.minor_units().into(),
            drawdown: card.drawdown.minor_units().into(),
            reserved: card.reserved.minor_units().into(),
        };
        self.totals.add(self.aid, card.currency, by_cards, history.sums());
        history.check(&card)?;
        self.check_locks(conn, &card, history.open_locks())?;
        self.check_tokens(conn, &card.card_id)?;
        self.check_changes(conn, &card)?;
        if let Some(next) = card.replaced_by {
            let params = params![self.aid.as_str(), next.0.as_bytes()];
            let exists = conn.prepare_cached(EXISTS)?.exists(params)?;
            must("card that took this card's place", exists, "a card", "none")?;
        }
        match then {
            Some(then) => self.count_then(conn, &card, &history, then),
            None => Ok(()),
        }
    }

    fn count_then(&mut self, conn: &Connection, card: &Card, history: &History, then: i64) -> Checked {
        let Some(standing) = self.standing(conn, card, then)? else {
            return Ok(());
        };
        self.tally.put(&standing, then);
        let (funds, drawdown) = history.then();
        same("funds at the end of a day", funds, standing.funds)?;
        same("drawdown at the end of a day", drawdown, standing.drawdown)?;
        must(
            "currency at the end of a day",
            standing.activated_at.is_none() || standing.currency == card.currency,
            card.currency,
            standing.currency,
        )
    }

    /// How the card stood then. One that nothing has happened to since stands as it did.
    fn standing(&self, conn: &Connection, card: &Card, then: i64) -> Result<Option<Standing>, Fault> {
        if card.changed_at.unix_ms() > then || !card.reserved.is_zero() || card.deleted_at.is_some() {
            return standing_at(conn, self.aid, &self.after, then);
        }
        Ok(Some(Standing {
            currency: card.currency,
            funds: card.funds.minor_units(),
            drawdown: card.drawdown.minor_units(),
            reserved: 0,
            expires_at: card.dates.expires_at.map(Timestamp::unix_ms),
            activated_at: card.activation.map(|activation| activation.at.unix_ms()),
            is_blocked: card.blocked_at.is_some(),
        }))
    }

    fn check_locks(&self, conn: &Connection, card: &Card, open: &HashMap<TransactionId, i64>) -> Checked {
        if open.is_empty() && card.reserved.is_zero() {
            let none = !conn.prepare_cached(LOCKS)?.exists(params![self.aid.as_str(), self.after])?;
            return must("locks of the card", none, "none", "some");
        }
        let mut locks = conn.prepare_cached(LOCKS)?;
        let kept = load::all(&mut locks, params![self.aid.as_str(), self.after], |row| {
            let mut row = Fields::new(row, "card_lock");
            Ok::<_, Fault>((row.id::<TransactionId>()?, row.integer()?))
        })?;
        for (lock, remaining) in &kept {
            let left = open.get(lock).copied().unwrap_or(0);
            same("what is left in a lock", left, *remaining)?;
        }
        same("number of open locks", open.len(), kept.len())
    }

    fn check_tokens(&self, conn: &Connection, card_id: &CardId) -> Checked {
        let mut statement = conn.prepare_cached(TOKENS)?;
        let mut tokens = statement.query(params![self.aid.as_str(), self.after])?;
        let mut own = 0;
        while let Some(row) = tokens.next()? {
            let token = rows::token(row, card_id)?;
            own += u32::from(token.made_with_card);
            must(
                "use of a token",
                token.used_at.is_none() || token.expires_after_transaction,
                "never, as it serves many",
                "used up",
            )?;
        }
        must("tokens made with the card", own <= 1, "one at most", own)
    }

    /// Past instants are told by these, so they must lead to where the card stands.
    fn check_changes(&self, conn: &Connection, card: &Card) -> Checked {
        let mut statement = conn.prepare_cached(CHANGES)?;
        let mut found = statement.query(params![self.aid.as_str(), self.after])?;
        let (mut place, mut last) = (0_i64, card.created_at.unix_ms());
        let (mut is_blocked, mut is_deleted, mut ends) = (false, false, None::<Option<i64>>);
        while let Some(row) = found.next()? {
            let mut row = Fields::new(row, "status_change");
            same("place of a status change", place + 1, row.integer()?)?;
            place += 1;
            let at = row.integer()?;
            let in_time = last <= at && at <= card.changed_at.unix_ms();
            must(
                "time of a status change",
                in_time,
                format!("from {last} to {}", card.changed_at.unix_ms()),
                at,
            )?;
            last = at;
            match row.text()? {
                "blocked" => is_blocked = true,
                "unblocked" => is_blocked = false,
                "deleted" => is_deleted = true,
                "expires_at" => {
                    let (before, after) = (row.integer_or_none()?, row.integer_or_none()?);
                    same("last day before a change", told(ends.unwrap_or(before)), told(before))?;
                    ends = Some(after);
                }
                _ => {}
            }
        }
        same("block by status changes", card.blocked_at.is_some(), is_blocked)?;
        same("deletion by status changes", card.deleted_at.is_some(), is_deleted)?;
        let expires_at = card.dates.expires_at.map(Timestamp::unix_ms);
        same("last day by status changes", told(expires_at), told(ends.unwrap_or(expires_at)))
    }
}

fn told(at: Option<i64>) -> String {
    at.map_or_else(|| "none".to_owned(), |at| at.to_string())
}

/// Compares what a closing says with what the cards say.
pub fn check_closing(conn: &Connection, aid: Aid, day: Day, tally: &Tally) -> Checked {
    if closing::last_closed(conn, aid)? < Some(day) {
        // The clock was set back meanwhile, and the day has been opened again.
        return Ok(());
    }
    let kept = Tally::of(&closing::rows(conn, aid, day)?).rows();
    let counted = tally.rows();
    let differs = counted.iter().zip(&kept).find(|(counted, kept)| counted != kept);
    if let Some((counted, kept)) = differs {
        return Err(wrong("closing of the last day", format!("{counted:?}"), format!("{kept:?}")));
    }
    same("rows of the closing of the last day", counted.len(), kept.len())
}

/// A check that ended, or not at all.
pub fn settled(checked: Checked) -> Result<Option<super::finding::Finding>, Fault> {
    match checked {
        Ok(()) => Ok(None),
        Err(Stop::Wrong(finding)) => Ok(Some(finding)),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}
