//! Days that are over, and what was owed when each ended.

use std::time::{Duration, Instant};

use domain::{Aid, Day, Status, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Fault;
use super::liability::{Tally, window};
use super::load;
use crate::rows::{Columns, Damaged, Fields};
use crate::{Error, LiabilityRow, Month};

const DAY_MS: i64 = 86_400_000;

/// The most days that are closed from one look at the database.
const DAYS_AT_ONCE: usize = 31;

/// A day is closed this long after its end: a clock that is set back by less dates nothing within a closed day.
const GRACE_SECONDS: u32 = 10 * 60;

/// From then on a look at the database closes no further day: it keeps the write-ahead log from being used anew.
const LOOK_MAX: Duration = Duration::from_secs(2);

const LAST: &str = "SELECT max(day) FROM day_closed WHERE aid = ?1 AND day <= ?2";

const ROWS: &str = "SELECT currency, status, activated, cards, balance, reserved FROM closing \
    WHERE aid = ?1 AND day = ?2";

const INSERT: &str = "INSERT INTO closing (aid, day, currency, status, activated, cards, balance, reserved) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// A day that is over, and what was owed when it ended.
pub struct Closing {
    /// The day.
    pub day: Day,
    /// The day before it that was closed, which this one goes on from.
    pub after: Option<Day>,
    /// What was owed.
    pub rows: Vec<LiabilityRow>,
}

/// The last millisecond of a day: the instant of its closing.
pub fn end_of(Day(day): Day) -> i64 {
    day.saturating_add(1).saturating_mul(DAY_MS).saturating_sub(1)
}

/// The last day that was closed and ended at `at` or before.
pub fn last_before(conn: &Connection, aid: Aid, at: Timestamp) -> Result<Option<Day>, Fault> {
    last(conn, aid, last_ended(at))
}

/// The last day that is over at `now`; the day on which an instant lies ends with its last millisecond.
fn last_ended(now: Timestamp) -> Day {
    let today = Day::of(now);
    if end_of(today) == now.unix_ms() { today } else { Day(today.0.saturating_sub(1)) }
}

fn last(conn: &Connection, aid: Aid, Day(up_to): Day) -> Result<Option<Day>, Fault> {
    let mut last = conn.prepare_cached(LAST)?;
    let day: Option<i64> = last.query_row(params![aid.as_str(), up_to], |row| row.get(0))?;
    Ok(day.map(Day))
}

/// The last day that was closed at all.
pub fn last_closed(conn: &Connection, aid: Aid) -> Result<Option<Day>, Fault> {
    last(conn, aid, Day(i64::MAX))
}

/// What was owed when a day ended.
pub fn rows(conn: &Connection, aid: Aid, Day(day): Day) -> Result<Vec<LiabilityRow>, Fault> {
    load::all(&mut conn.prepare_cached(ROWS)?, params![aid.as_str(), day], row)
}

/// A row of a closing.
pub fn row(row: &dyn Columns) -> Result<LiabilityRow, Damaged> {
    let mut row = Fields::new(row, "closing");
    Ok(LiabilityRow {
        currency: row.currency()?,
        status: row.word(Status::from_word)?,
        activated: row.word(month_or_none)?,
        cards: row.number()?,
        balance: row.integer()?.into(),
        reserved: row.integer()?.into(),
    })
}

/// `2026-11`, or nothing for cards that never were activated.
fn month_or_none(text: &str) -> Option<Option<Month>> {
    if text.is_empty() {
        return Some(None);
    }
    let (year, month) = text.split_once('-')?;
    Some(Some(Month { year: year.parse().ok()?, month: month.parse().ok()? }))
}

/// The next days to be closed at `now`, from the last one on; each goes on from the one before it. A day's last
/// change must be committed before `conn` looks.
pub fn due(conn: &Connection, aid: Aid, now: Timestamp) -> Result<Vec<Closing>, Fault> {
    let began = Instant::now();
    let mut after = last_closed(conn, aid)?;
    let mut tally = match after {
        Some(day) => Tally::of(&rows(conn, aid, day)?),
        None => Tally::default(),
    };
    let mut day = next_day(conn, aid, after)?;
    let mut closings = Vec::new();
    let last = last_to_close(now);
    while day <= last && closings.len() < DAYS_AT_ONCE && began.elapsed() < LOOK_MAX {
        window(conn, aid, &mut tally, after.map(end_of), end_of(day))?;
        closings.push(Closing { day, after, rows: tally.rows() });
        after = Some(day);
        day = Day(day.0.saturating_add(1));
    }
    Ok(closings)
}

/// Whether a day is to be closed at `now`, or to be opened again.
pub fn is_due(conn: &Connection, aid: Aid, now: Timestamp) -> Result<bool, Fault> {
    let last = last_closed(conn, aid)?;
    Ok(last > Some(last_ended(now)) || next_day(conn, aid, last)? <= last_to_close(now))
}

/// The last day that ended long enough before `now` to be closed.
fn last_to_close(now: Timestamp) -> Day {
    last_ended(now.minus_seconds(GRACE_SECONDS))
}

/// The day that is closed after another, or as the first one.
fn next_day(conn: &Connection, aid: Aid, after: Option<Day>) -> Result<Day, Fault> {
    match after {
        Some(Day(day)) => Ok(Day(day.saturating_add(1))),
        // What is older than the first day closed was there before it, whatever it is dated.
        None => first_day(conn, aid),
    }
}

/// The day on which the account was made.
fn first_day(conn: &Connection, aid: Aid) -> Result<Day, Fault> {
    let mut made = conn.prepare_cached("SELECT created_at FROM account WHERE aid = ?1")?;
    let at = load::first(&mut made, [aid.as_str()], |row| Fields::new(row, "account").time())?;
    at.map(Day::of).ok_or_else(|| Fault::Damaged("account.aid".to_owned()))
}

/// Writes closings that follow on each other, unless the days have been closed otherwise since they were made;
/// answers how many it wrote.
pub fn write(conn: &Connection, aid: Aid, closings: &[Closing]) -> Result<usize, Fault> {
    let Some(first) = closings.first() else {
        return Ok(0);
    };
    if last_closed(conn, aid)? != first.after {
        return Ok(0);
    }
    closings.iter().try_for_each(|closing| write_one(conn, aid, closing))?;
    Ok(closings.len())
}

fn write_one(conn: &Connection, aid: Aid, closing: &Closing) -> Result<(), Fault> {
    let Day(day) = closing.day;
    conn.prepare_cached("INSERT INTO day_closed (aid, day) VALUES (?1, ?2)")?
        .execute(params![aid.as_str(), day])?;
    let mut insert = conn.prepare_cached(INSERT)?;
    for row in &closing.rows {
        insert.execute(params![
            aid.as_str(),
            day,
            row.currency.code(),
            row.status.as_str(),
            row.activated.map(|month| month.to_string()).unwrap_or_default(),
            i64::try_from(row.cards).map_err(|_| too_large())?,
            i64::try_from(row.balance).map_err(|_| too_large())?,
            i64::try_from(row.reserved).map_err(|_| too_large())?,
        ])?;
    }
    Ok(())
}

fn too_large() -> Fault {
    Fault::Answer(Error::Internal("what is owed passes all bounds".to_owned()))
}

/// Opens days again that by the clock are not over: it was set back, and more may be dated within them. What was
/// dated later than `now` meanwhile lies in days that end after it.
pub fn reopen(conn: &Connection, aid: Aid, now: Timestamp) -> Result<(), Fault> {
    let Day(over) = last_ended(now);
    let is_closed = "SELECT 1 FROM day_closed WHERE aid = ?1 AND day > ?2";
    let found =
        conn.prepare_cached(is_closed)?.query_row(params![aid.as_str(), over], |_| Ok(())).optional()?;
    if found.is_some() { open_after(conn, aid, over) } else { Ok(()) }
}

/// Whether what is damaged are the closings themselves, which can be made anew.
pub fn is_of_closings(place: &str) -> bool {
    place.starts_with("closing.")
}

/// Opens all days again.
pub fn forget(conn: &Connection, aid: Aid) -> Result<(), Fault> {
    open_after(conn, aid, i64::MIN)
}

fn open_after(conn: &Connection, aid: Aid, day: i64) -> Result<(), Fault> {
    for table in ["closing", "day_closed"] {
        let delete = format!("DELETE FROM {table} WHERE aid = ?1 AND day > ?2");
        conn.execute(&delete, params![aid.as_str(), day])?;
    }
    Ok(())
}
