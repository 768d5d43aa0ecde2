//! Days that are over, and what was owed when each ended.

use std::time::Instant;

use domain::{Aid, Day, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Fault;
use super::liability::window;
use super::load;
use crate::LiabilityRow;
use crate::closings::{
    Closing, DAYS_AT_ONCE, LOOK_MAX, end_of, kept_sums, last_ended, last_to_close, month_text, row,
};
use crate::rows::Fields;
use crate::tally::Tally;

const LAST: &str = "SELECT max(day) FROM day_closed WHERE aid = ?1 AND day <= ?2";

const ROWS: &str = "SELECT currency, status, activated, cards, balance, reserved FROM closing \
    WHERE aid = ?1 AND day = ?2";

const INSERT: &str = "INSERT INTO closing (aid, day, currency, status, activated, cards, balance, reserved) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// The last day that was closed and ended at `at` or before.
pub fn last_before(conn: &Connection, aid: Aid, at: Timestamp) -> Result<Option<Day>, Fault> {
    last(conn, aid, last_ended(at))
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
        let [cards, balance, reserved] = kept_sums(row).map_err(Fault::Answer)?;
        insert.execute(params![
            aid.as_str(),
            day,
            row.currency.code(),
            row.status.as_str(),
            month_text(row),
            cards,
            balance,
            reserved,
        ])?;
    }
    Ok(())
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
