//! The cards of an account in the order of their ids, each merged with what belongs to it.

use domain::{Aid, Card, CardUuid, Currency, Day};

use super::Portion;
use super::card::{Checking, key_of};
use super::finding::{Finding, Totals, Verified, must, same, wrong};
use super::history::History;
use crate::Error;
use crate::closings;
use crate::rows::{Columns, Damaged, Fields, Value, select};
use crate::snapshots::{Param, Snapshots, first};
use crate::tally::Tally;

const CARDS: &str = select!(card "WHERE aid = $1 AND uuid >= $2 ORDER BY uuid LIMIT $3");

const TRANSACTIONS: &str = select!(card_transaction
    "WHERE aid = $1 AND (card, seq) > ($2, $3) AND card < $4 ORDER BY card, seq LIMIT $5");

const LOCKS: &str = select!(card_lock "WHERE aid = $1 AND card >= $2 AND card < $3 ORDER BY card");

const TOKENS: &str = select!(card_token "WHERE aid = $1 AND card >= $2 AND card < $3 ORDER BY card");

const TRIES: &str =
    "SELECT client, card FROM pin_tries WHERE aid = $1 AND card >= $2 AND card < $3 ORDER BY card";

const CHANGES: &str = "SELECT place, card, at, event, ends_before, ends_after FROM status_change \
    WHERE aid = $1 AND card >= $2 AND card < $3 ORDER BY card, place";

const EXISTS: &str = "SELECT 1 FROM card WHERE aid = $1 AND uuid = $2";

const BATCH_CURRENCY: &str = "SELECT currency FROM batch WHERE aid = $1 AND id = $2";

/// Where each of these has the card that a row belongs to.
const CARD_OF_ROW: usize = 1;

/// Where a transaction has its place among those of its card.
const SEQ: usize = 14;

/// Behind every id.
const END: [u8; 32] = [0xff; 32];

/// Tables whose rows belong to a card, in the order in which they are told of.
const OF_CARDS: [&str; 5] = ["card_transaction", "card_token", "card_lock", "pin_tries", "status_change"];

/// Rows of a table whose card is not there.
struct Strays {
    table: &'static str,
    last: Vec<u8>,
    cards: u64,
}

impl Strays {
    fn see(&mut self, card: &[u8]) {
        if self.cards == 0 || self.last != card {
            self.cards += 1;
            self.last = card.to_vec();
        }
    }
}

/// Cards of one snapshot, and the id before which the rows of all of them lie.
struct Page {
    cards: Vec<Checking>,
    until: Vec<u8>,
    is_last: bool,
}

/// Cards one after the other, by id.
pub struct Cards {
    aid: Aid,
    portion: Portion,
    /// The next card's id, or one before it.
    from: Vec<u8>,
    /// Of that card, the last row that was added up.
    seq: i64,
    /// What has been added up of a card with more rows than could be checked at once.
    under_way: Option<(History, Option<Finding>)>,
    then: Option<i64>,
    /// What was owed when the last closed day ended.
    tally: Tally,
    totals: Totals,
    strays: [Strays; 5],
}

impl Cards {
    /// All cards; what is owed on them is counted as it was when `day` ended.
    pub fn new(aid: Aid, day: Option<Day>, portion: Portion) -> Self {
        Self {
            aid,
            portion,
            from: Vec::new(),
            seq: i64::MIN,
            under_way: None,
            then: day.map(closings::end_of),
            tally: Tally::default(),
            totals: Totals::default(),
            strays: OF_CARDS.map(|table| Strays { table, last: Vec::new(), cards: 0 }),
        }
    }

    /// Tells of rows without a card; answers the totals of all cards, and what was owed on them when the day ended.
    pub fn into_sums(self, verified: &mut Verified) -> (Totals, Tally) {
        for Strays { table, cards, .. } in &self.strays {
            let stray = || wrong(&format!("card of a row of {table}"), "a card", "none");
            (0..*cards).for_each(|_| verified.tell(self.aid, None, stray()));
        }
        (self.totals, self.tally)
    }

    /// Checks the next cards, within one snapshot; answers whether there may be more.
    pub fn check_next(
        &mut self,
        source: &mut impl Snapshots,
        verified: &mut Verified,
    ) -> Result<bool, Error> {
        let (from, mut page) = (self.from.clone(), self.page(source)?);
        self.add_transactions(source, &mut page, verified)?;
        for card in &mut page.cards {
            if let Some((currency, by_card, by_rows)) = card.sums() {
                self.totals.add(self.aid, currency, by_card, by_rows);
            }
            card.check(|checking, card| checking.history.check(card));
        }
        self.add_others(source, &from, &mut page)?;
        for mut card in page.cards {
            self.end(source, &mut card)?;
            verified.checked.cards += 1;
            if let Some(finding) = card.finding {
                verified.tell(self.aid, Some(&card.card_id), finding);
            }
        }
        Ok(!page.is_last)
    }

    fn page(&mut self, source: &mut impl Snapshots) -> Result<Page, Error> {
        let count = if self.under_way.is_some() { 1 } else { self.portion.cards };
        let one_more = i64::try_from(count).unwrap_or(i64::MAX - 1) + 1;
        let params = [Param::Text(self.aid.as_str()), Param::Id(&self.from), Param::Integer(one_more)];
        let mut cards: Vec<Checking> = Vec::new();
        source.each(CARDS, &params, &mut |row| cards.push(Checking::new(row)))?;
        let next = if cards.len() > count { cards.pop() } else { None };
        if let (Some((history, finding)), Some(first)) = (self.under_way.take(), cards.first_mut()) {
            first.history = history;
            first.finding = first.finding.take().or(finding);
        }
        let is_last = next.is_none();
        Ok(Page { cards, until: next.map_or(END.to_vec(), |card| card.key), is_last })
    }

    /// Adds up the transactions. Where these are too many, the page ends before the card that the last one is of.
    fn add_transactions(
        &mut self,
        source: &mut impl Snapshots,
        page: &mut Page,
        verified: &mut Verified,
    ) -> Result<(), Error> {
        let limit = self.portion.transactions;
        let params = [
            Param::Text(self.aid.as_str()),
            Param::Id(&self.from),
            Param::Integer(self.seq),
            Param::Id(&page.until),
            Param::Integer(limit),
        ];
        let (mut rows, mut last, then) = (0, (Vec::new(), 0), self.then);
        let strays = &mut self.strays[0];
        let add = |checking: &mut Checking, row: &dyn Columns| {
            verified.checked.transactions += 1;
            checking.check(|checking, card| checking.transaction(card, row, then));
        };
        let seen = |row: &dyn Columns| {
            rows += 1;
            if rows == limit {
                let seq = if let Some(Value::Integer(seq)) = row.value(SEQ) { seq } else { i64::MAX };
                last = (key_of(row, CARD_OF_ROW).to_vec(), seq);
            }
        };
        merge(source, TRANSACTIONS, &params, &mut page.cards, strays, seen, add)?;
        if rows < limit {
            (self.from, self.seq) = (page.until.clone(), i64::MIN);
            return Ok(());
        }
        let (key, seq) = last;
        let whole = page.cards.partition_point(|card| card.key < key);
        let cut = page.cards.drain(whole..).next().filter(|card| card.key == key);
        // Of a card that is not there, the other rows are not looked at.
        self.seq = if cut.is_some() { seq } else { i64::MAX };
        self.under_way = cut.map(|card| (card.history, card.finding));
        (page.until, page.is_last) = (key.clone(), false);
        self.from = key;
        Ok(())
    }

    fn add_others(&mut self, source: &mut impl Snapshots, from: &[u8], page: &mut Page) -> Result<(), Error> {
        let params = [Param::Text(self.aid.as_str()), Param::Id(from), Param::Id(&page.until)];
        let (cards, then) = (&mut page.cards, self.then);
        let [_, tokens, locks, tries, changes] = &mut self.strays;
        let add = |checking: &mut Checking, row: &dyn Columns| {
            checking.check(|checking, card| checking.lock(card, row, then));
        };
        merge(source, LOCKS, &params, cards, locks, |_| {}, add)?;
        end_each(cards, Checking::locks_end);
        let add = |checking: &mut Checking, row: &dyn Columns| {
            checking.check(|checking, card| checking.token(card, row));
        };
        merge(source, TOKENS, &params, cards, tokens, |_| {}, add)?;
        end_each(cards, Checking::tokens_end);
        let add = |checking: &mut Checking, row: &dyn Columns| {
            checking.check(|checking, card| checking.change(card, row, then));
        };
        merge(source, CHANGES, &params, cards, changes, |_| {}, add)?;
        end_each(cards, Checking::changes_end);
        merge(source, TRIES, &params, cards, tries, |_| {}, |_, _| {})
    }

    /// What is left once all rows of a card were seen.
    fn end(&mut self, source: &mut impl Snapshots, checking: &mut Checking) -> Result<(), Error> {
        let Some(card) = checking.card.as_ref().filter(|_| checking.finding.is_none()) else {
            return Ok(());
        };
        if let Some(CardUuid(next)) = card.replaced_by {
            let params = [Param::Text(self.aid.as_str()), Param::Id(next.as_bytes())];
            let exists = first(source, EXISTS, &params, |_| ())?.is_some();
            let checked = must("card that took this card's place", exists, "a card", "none");
            checking.finding = checked.err();
            if !exists {
                return Ok(());
            }
        }
        let standing = self.then.and_then(|then| Some((checking.standing(then)?, then)));
        let Some((mut standing, then)) = standing else {
            return Ok(());
        };
        if standing.activated_at.is_none() && card.activation.is_some() {
            match self.batch_currency(source, card)? {
                Ok(currency) => standing.currency = currency,
                Err(damaged) => {
                    checking.finding = Some(damaged.into());
                    return Ok(());
                }
            }
        }
        self.tally.put(&standing, then);
        Ok(())
    }

    /// A card is activated in any currency; until then it shows the one its batch was made in.
    fn batch_currency(
        &self,
        source: &mut impl Snapshots,
        card: &Card,
    ) -> Result<Result<Currency, Damaged>, Error> {
        let none = Err(Damaged("batch.currency".to_owned()));
        let Some(batch) = card.batch else {
            return Ok(none);
        };
        let params = [Param::Text(self.aid.as_str()), Param::Id(batch.0.as_bytes())];
        let read = |row: &dyn Columns| Fields::new(row, "batch").currency();
        Ok(first(source, BATCH_CURRENCY, &params, read)?.unwrap_or(none))
    }
}

fn end_each(cards: &mut [Checking], end: fn(&mut Checking, &Card) -> Result<(), Finding>) {
    for card in cards {
        card.check(end);
    }
}

/// Brings rows in the order of their cards to these cards, which lie in the same order.
fn merge(
    source: &mut impl Snapshots,
    sql: &str,
    params: &[Param<'_>],
    cards: &mut [Checking],
    strays: &mut Strays,
    mut seen: impl FnMut(&dyn Columns),
    mut add: impl FnMut(&mut Checking, &dyn Columns),
) -> Result<(), Error> {
    let mut place = 0;
    source.each(sql, params, &mut |row| {
        seen(row);
        let key = key_of(row, CARD_OF_ROW);
        while cards.get(place).is_some_and(|card| card.key.as_slice() < key) {
            place += 1;
        }
        match cards.get_mut(place) {
            Some(card) if card.key == key => add(card, row),
            _ => strays.see(key),
        }
    })
}

const LAST_CLOSED: &str = "SELECT max(day) FROM day_closed WHERE aid = $1";

const CLOSING: &str = "SELECT currency, status, activated, cards, balance, reserved FROM closing \
    WHERE aid = $1 AND day = $2";

/// The last day that was closed.
pub fn last_closed(source: &mut impl Snapshots, aid: Aid) -> Result<Option<Day>, Error> {
    let read = |row: &dyn Columns| Fields::new(row, "day_closed").integer_or_none();
    let found = first(source, LAST_CLOSED, &[Param::Text(aid.as_str())], read)?;
    let day = found.transpose().map_err(|Damaged(place)| Error::Damaged(place))?;
    Ok(day.flatten().map(Day))
}

/// Compares what a closing says with what the cards say.
pub fn check_closing(
    source: &mut impl Snapshots,
    aid: Aid,
    day: Day,
    tally: &Tally,
) -> Result<Option<Finding>, Error> {
    if last_closed(source, aid)? < Some(day) {
        // The clock was set back meanwhile, and the day has been opened again.
        return Ok(None);
    }
    let mut rows = Vec::new();
    let params = [Param::Text(aid.as_str()), Param::Integer(day.0)];
    source.each(CLOSING, &params, &mut |row| rows.push(closings::row(row)))?;
    let kept = match rows.into_iter().collect::<Result<Vec<_>, _>>() {
        Ok(rows) => Tally::of(&rows).rows(),
        Err(damaged) => return Ok(Some(damaged.into())),
    };
    let counted = tally.rows();
    let differs = counted.iter().zip(&kept).find(|(counted, kept)| counted != kept);
    if let Some((counted, kept)) = differs {
        return Ok(Some(wrong("closing of the last day", format!("{counted:?}"), format!("{kept:?}"))));
    }
    Ok(same("rows of the closing of the last day", counted.len(), kept.len()).err())
}
