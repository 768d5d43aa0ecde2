//! What an account owes on its cards: now, and at instants past.
//!
//! The database adds up. What it adds up is told by currency and by one number for status and day of activation: a day
//! is had by one division, and of one number the planner expects few values, as they are, and so lets several
//! processes add up side by side. Months are made of days here.

mod past;
mod present;

use domain::{Status, Timestamp};

use crate::Month;
use crate::closings::DAY_MS;
use crate::rows::{Columns, Damaged, Fields};
use crate::tally::{Bucket, Sums};

#[cfg(test)]
pub use past::{TOUCHED, WINDOW};
pub use past::{at, window};
pub use present::now;

/// The day of activation, and the place in `Status::ALL` of what `Standing::bucket` says of the columns of a card that
/// was not deleted, at an instant.
macro_rules! standing {
    ($card:literal, $at:literal) => {
        concat!(
            "8 * coalesce(",
            $card,
            ".activated_at / 86400000, -1) + CASE WHEN ",
            $card,
            ".blocked_at IS NOT NULL \
             THEN 5 WHEN ",
            $card,
            ".expires_at <= ",
            $at,
            " THEN 4 WHEN ",
            $card,
            ".activated_at IS NULL THEN 0 \
             WHEN ",
            $card,
            ".drawdown = 0 THEN 1 WHEN ",
            $card,
            ".funds = ",
            $card,
            ".drawdown THEN 3 ELSE 2 END \
             AS standing"
        )
    };
}

use standing;

/// Cards of one currency and standing, added up.
fn sums(row: &dyn Columns) -> Result<(Bucket, Sums), Damaged> {
    let mut row = Fields::new(row, "card");
    let (currency, standing) = (row.currency()?, row.integer()?);
    let (status, activated) =
        read_standing(standing).ok_or_else(|| Damaged("card.activated_at".to_owned()))?;
    let sums = Sums { cards: row.number()?, balance: wide(&mut row)?, reserved: wide(&mut row)? };
    Ok((Bucket { currency, status, activated }, sums))
}

fn read_standing(standing: i64) -> Option<(Status, Option<Month>)> {
    let status = Status::ALL.get(usize::try_from(standing.rem_euclid(8)).ok()?)?;
    let day = standing.div_euclid(8);
    if day < 0 {
        return Some((*status, None));
    }
    let at = Timestamp::try_from(day.checked_mul(DAY_MS)?).ok()?;
    Some((*status, Some(Month::of(at))))
}

/// A sum as wide as the database makes it, which comes as a text.
fn wide(row: &mut Fields<'_>) -> Result<i128, Damaged> {
    row.word(|text| text.parse().ok())
}
