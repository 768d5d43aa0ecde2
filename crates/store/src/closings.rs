//! Days that are over, and what was owed when each ended: what is the same in every store.

use std::time::Duration;

use domain::{Day, Status, Timestamp};

use crate::rows::{Columns, Damaged, Fields};
use crate::{Error, LiabilityRow, Month};

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// The most days that are closed from one look at the database.
pub const DAYS_AT_ONCE: usize = 31;

/// A day is closed this long after its end: a clock that is set back by less dates nothing within a closed day.
const GRACE_SECONDS: u32 = 10 * 60;

/// From then on a look at the database closes no further day: it keeps a database from clearing
/// away what it still sees.
pub const LOOK_MAX: Duration = Duration::from_secs(2);

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

/// The last day that is over at `now`; the day on which an instant lies ends with its last millisecond.
pub fn last_ended(now: Timestamp) -> Day {
    let today = Day::of(now);
    if end_of(today) == now.unix_ms() { today } else { Day(today.0.saturating_sub(1)) }
}

/// A row of a closing, by its columns from the currency on.
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

/// How the month of activation is kept: as nothing for cards that never were.
pub fn month_text(row: &LiabilityRow) -> String {
    row.activated.map(|month| month.to_string()).unwrap_or_default()
}

/// How many cards, what is left on them and what of it is locked, as they are kept.
pub fn kept_sums(row: &LiabilityRow) -> Result<[i64; 3], Error> {
    let too_large = || Error::Internal("what is owed passes all bounds".to_owned());
    Ok([
        i64::try_from(row.cards).map_err(|_| too_large())?,
        i64::try_from(row.balance).map_err(|_| too_large())?,
        i64::try_from(row.reserved).map_err(|_| too_large())?,
    ])
}

/// The last day that ended long enough before `now` to be closed.
pub fn last_to_close(now: Timestamp) -> Day {
    last_ended(now.minus_seconds(GRACE_SECONDS))
}

/// Whether what is damaged are the closings themselves, which can be made anew.
pub fn is_of_closings(place: &str) -> bool {
    place.starts_with("closing.")
}
