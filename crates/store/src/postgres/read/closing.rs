//! Days that are over, and what was owed when each ended.

use std::time::{Duration, Instant};

use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{Aid, Day, Timestamp};

use super::liability::window;
use super::{Prepared, lasts_at_most};
use crate::LiabilityRow;
use crate::closings::{
    self, Closing, DAYS_AT_ONCE, LOOK_MAX, end_of, is_of_closings, kept_sums, last_ended, last_to_close,
    month_text,
};
use crate::postgres::fault::Fault;
use crate::postgres::locks::{account_lock_key, closing_lock_key};
use crate::rows::Fields;
use crate::tally::Tally;

/// How long it may take to see what was owed when a day ended: a day that is not closed holds up all that follow.
const CLOSING_MAX: Duration = Duration::from_secs(15 * 60);

pub const LAST: &str = "SELECT max(day) FROM day_closed WHERE aid = $1 AND day <= $2";

pub const ROWS: &str = "SELECT currency, status, activated, cards, balance, reserved FROM closing \
    WHERE aid = $1 AND day = $2";

pub const FIRST_DAY: &str = "SELECT created_at FROM account WHERE aid = $1";

const INSERT_DAY: &str = "INSERT INTO day_closed (aid, day) VALUES ($1, $2)";

const INSERT: &str = "INSERT INTO closing (aid, day, currency, status, activated, cards, balance, reserved) \
    SELECT $1, $2, * FROM unnest($3::TEXT[], $4::TEXT[], $5::TEXT[], $6::BIGINT[], $7::BIGINT[], $8::BIGINT[])";

pub const FORGET: &str = "DELETE FROM closing WHERE aid = $1 AND day > $2";

pub const FORGET_DAYS: &str = "DELETE FROM day_closed WHERE aid = $1 AND day > $2";

/// Both name the account, so that they lock where its groups do. An account always has a client, if a deleted one.
pub const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock($2) FROM api_client WHERE aid = $1 LIMIT 1";

pub const LOCK: &str = "SELECT pg_advisory_xact_lock($2)::TEXT FROM api_client WHERE aid = $1 LIMIT 1";

/// Closes some of the account's days that are over and were not closed; answers how many. None while another node is
/// closing them.
pub async fn close_days(client: &mut ClientWrapper, aid: Aid, now: Timestamp) -> Result<usize, Fault> {
    if !is_due(client, aid, now).await? {
        return Ok(0);
    }
    // Each statement sees what was committed before it. What is told of days past does not depend on when it is
    // asked, and nobody else closes any meanwhile.
    let mut transaction = client.transaction().await?;
    lasts_at_most(&transaction, CLOSING_MAX).await?;
    let locked = transaction.first(TRY_LOCK, &[&aid.as_str(), &closing_lock_key(aid)]).await?;
    if !locked.is_some_and(|row| row.get(0)) {
        return Ok(0);
    }
    wait_for_groups(&mut transaction, aid).await?;
    reopen(&transaction, aid, now).await?;
    let due = match due(&transaction, aid, now).await {
        Err(Fault::Damaged(place)) if is_of_closings(&place) => {
            tracing::warn!(%aid, place, "an account's closings are damaged; its days are closed anew");
            open_after(&transaction, aid, i64::MIN).await?;
            due(&transaction, aid, now).await
        }
        due => due,
    }?;
    for closing in &due {
        write(&transaction, aid, closing).await?;
    }
    transaction.commit().await?;
    Ok(due.len())
}

/// Waits until every group of the account has ended that was begun before: nothing dated within a day that is over
/// is committed after it. The lock goes with its savepoint, so that groups wait for a moment only.
async fn wait_for_groups(transaction: &mut Transaction<'_>, aid: Aid) -> Result<(), Fault> {
    let moment = transaction.transaction().await?;
    moment.all(LOCK, &[&aid.as_str(), &account_lock_key(aid)]).await?;
    Ok(moment.rollback().await?)
}

/// Whether a day is to be closed at `now`, or to be opened again.
async fn is_due(client: &impl Prepared, aid: Aid, now: Timestamp) -> Result<bool, Fault> {
    let last = last_closed(client, aid).await?;
    Ok(last > Some(last_ended(now)) || next_day(client, aid, last).await? <= last_to_close(now))
}

/// The next days to be closed at `now`, from the last one on; each goes on from the one before it. A day's last
/// change must be committed before.
async fn due(transaction: &Transaction<'_>, aid: Aid, now: Timestamp) -> Result<Vec<Closing>, Fault> {
    let began = Instant::now();
    let mut after = last_closed(transaction, aid).await?;
    let mut tally = match after {
        Some(day) => Tally::of(&rows(transaction, aid, day).await?),
        None => Tally::default(),
    };
    let mut day = next_day(transaction, aid, after).await?;
    let mut closings = Vec::new();
    let last = last_to_close(now);
    while day <= last && closings.len() < DAYS_AT_ONCE && began.elapsed() < LOOK_MAX {
        window(transaction, aid, &mut tally, after.map(end_of), end_of(day)).await?;
        closings.push(Closing { day, after, rows: tally.rows() });
        after = Some(day);
        day = Day(day.0.saturating_add(1));
    }
    Ok(closings)
}

/// The last day that was closed and ended at `at` or before.
pub async fn last_before(
    transaction: &Transaction<'_>,
    aid: Aid,
    at: Timestamp,
) -> Result<Option<Day>, Fault> {
    last(transaction, aid, last_ended(at)).await
}

async fn last(client: &impl Prepared, aid: Aid, Day(up_to): Day) -> Result<Option<Day>, Fault> {
    let found = client.first(LAST, &[&aid.as_str(), &up_to]).await?;
    let day = found.map(|row| Fields::new(&row, "day_closed").integer_or_none()).transpose()?;
    Ok(day.flatten().map(Day))
}

/// The last day that was closed at all.
async fn last_closed(client: &impl Prepared, aid: Aid) -> Result<Option<Day>, Fault> {
    last(client, aid, Day(i64::MAX)).await
}

/// What was owed when a day ended.
pub async fn rows(
    transaction: &Transaction<'_>,
    aid: Aid,
    Day(day): Day,
) -> Result<Vec<LiabilityRow>, Fault> {
    let found = transaction.all(ROWS, &[&aid.as_str(), &day]).await?;
    found.iter().map(|row| Ok(closings::row(row)?)).collect()
}

/// The day that is closed after another, or as the first one: that on which the account was made. What is older was
/// there before it, whatever it is dated.
async fn next_day(client: &impl Prepared, aid: Aid, after: Option<Day>) -> Result<Day, Fault> {
    if let Some(Day(day)) = after {
        return Ok(Day(day.saturating_add(1)));
    }
    let found = client.first(FIRST_DAY, &[&aid.as_str()]).await?;
    let made = found.map(|row| Fields::new(&row, "account").time()).transpose()?;
    made.map(Day::of).ok_or_else(|| Fault::Damaged("account.aid".to_owned()))
}

async fn write(transaction: &Transaction<'_>, aid: Aid, closing: &Closing) -> Result<(), Fault> {
    let (aid, Day(day), rows) = (aid.as_str(), closing.day, &closing.rows);
    transaction.all(INSERT_DAY, &[&aid, &day]).await?;
    let currencies: Vec<&str> = rows.iter().map(|row| row.currency.code()).collect();
    let statuses: Vec<&str> = rows.iter().map(|row| row.status.as_str()).collect();
    let months: Vec<String> = rows.iter().map(month_text).collect();
    let sums: Result<Vec<_>, _> = rows.iter().map(kept_sums).collect();
    let sums = sums.map_err(Fault::Answer)?;
    let column = |place: usize| -> Vec<i64> { sums.iter().map(|sums| sums[place]).collect() };
    let [cards, balances, reserved] = [column(0), column(1), column(2)];
    let values: super::Values<'_> =
        &[&aid, &day, &currencies, &statuses, &months, &cards, &balances, &reserved];
    transaction.all(INSERT, values).await.map(|_| ())
}

/// Opens days again that by the clock are not over: it was set back, and more may be dated within them. What was
/// dated later than `now` meanwhile lies in days that end after it.
async fn reopen(transaction: &Transaction<'_>, aid: Aid, now: Timestamp) -> Result<(), Fault> {
    let Day(over) = last_ended(now);
    open_after(transaction, aid, over).await
}

async fn open_after(transaction: &Transaction<'_>, aid: Aid, day: i64) -> Result<(), Fault> {
    for forget in [FORGET, FORGET_DAYS] {
        transaction.all(forget, &[&aid.as_str(), &day]).await?;
    }
    Ok(())
}
