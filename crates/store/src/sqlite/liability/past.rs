//! What was owed at an instant past: from the last day that was closed before it, and the cards that something
//! happened to since.

use domain::{Aid, Currency, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Liability;
use crate::closings::end_of;
use crate::rows::{Columns, Fields};
use crate::sqlite::closing;
use crate::sqlite::fault::Fault;
use crate::sqlite::load;
use crate::tally::{Standing, Tally};

/// Cards that may stand elsewhere at the end of a window of time than before it: made in it, money moved, status
/// changed, their last day passed (the one they have, or one they had), or a lock ran out.
pub const TOUCHED: &str = "SELECT uuid FROM card WHERE aid = ?1 AND created_at > ?2 AND created_at <= ?3 \
    UNION SELECT card FROM card_transaction WHERE aid = ?1 AND created_at > ?2 AND created_at <= ?3 \
    UNION SELECT card FROM status_change WHERE aid = ?1 AND at > ?2 AND at <= ?3 \
    UNION SELECT uuid FROM card WHERE aid = ?1 AND expires_at > ?2 AND expires_at <= ?3 \
    UNION SELECT card FROM status_change WHERE aid = ?1 AND ends_before > ?2 AND ends_before <= ?3 \
    UNION SELECT card FROM card_lock WHERE aid = ?1 AND expires_at > ?2 AND expires_at <= ?3";

const CARD: &str = "SELECT currency, funds, drawdown, reserved, expires_at, activated_at, blocked_at, \
    deleted_at, created_at, changed_at, batch FROM card WHERE aid = ?1 AND uuid = ?2";

/// Newest first, and the first row that was there already.
const ROWS: &str = "SELECT type, amount, balance, available, created_at FROM card_transaction \
    WHERE aid = ?1 AND card = ?2 ORDER BY seq DESC";

const CHANGES: &str =
    "SELECT at, event, ends_before FROM status_change WHERE aid = ?1 AND card = ?2 ORDER BY place";

const LAPSED: &str = "SELECT coalesce(sum(remaining), 0) FROM card_lock \
    WHERE aid = ?1 AND card = ?2 AND expires_at <= ?3";

const BATCH_CURRENCY: &str = "SELECT currency FROM batch WHERE aid = ?1 AND id = ?2";

/// What was owed at `at`; none before the first day that was closed.
pub fn at(conn: &Connection, aid: Aid, at: Timestamp) -> Result<Option<Liability>, Fault> {
    let Some(day) = closing::last_before(conn, aid, at)? else {
        return Ok(None);
    };
    let mut tally = Tally::of(&closing::rows(conn, aid, day)?);
    window(conn, aid, &mut tally, Some(end_of(day)), at.unix_ms())?;
    Ok(Some(tally.into_liability(at)))
}

/// Moves sums on from one instant to a later one; from before anything was where there is no earlier one.
pub fn window(
    conn: &Connection,
    aid: Aid,
    tally: &mut Tally,
    from: Option<i64>,
    to: i64,
) -> Result<(), Fault> {
    let mut touched = conn.prepare_cached(TOUCHED)?;
    let mut cards = touched.query(params![aid.as_str(), from.unwrap_or(i64::MIN), to])?;
    while let Some(row) = cards.next()? {
        let card = row.get_ref(0)?.as_blob().map_err(|_| Fault::Damaged("card.uuid".to_owned()))?;
        if let Some(from) = from
            && let Some(before) = standing_at(conn, aid, card, from)?
        {
            tally.take(&before, from)?;
        }
        if let Some(after) = standing_at(conn, aid, card, to)? {
            tally.put(&after, to);
        }
    }
    Ok(())
}

/// A card's row, as far as it says where the card stands.
struct Present {
    standing: Standing,
    deleted_at: Option<i64>,
    created_at: i64,
    changed_at: i64,
    batch: Option<Vec<u8>>,
}

fn present(row: &dyn Columns) -> Result<Present, Fault> {
    let mut row = Fields::new(row, "card");
    let standing = Standing {
        currency: row.currency()?,
        funds: row.integer()?,
        drawdown: row.integer()?,
        reserved: row.integer()?,
        expires_at: row.integer_or_none()?,
        activated_at: row.integer_or_none()?,
        is_blocked: row.integer_or_none()?.is_some(),
    };
    Ok(Present {
        standing,
        deleted_at: row.integer_or_none()?,
        created_at: row.integer()?,
        changed_at: row.integer()?,
        batch: row.bytes_or_none()?.map(<[u8]>::to_vec),
    })
}

/// How a card stood at `at`, what had lapsed by then freed; none where it was not there yet or not any more.
pub fn standing_at(conn: &Connection, aid: Aid, card: &[u8], at: i64) -> Result<Option<Standing>, Fault> {
    let found = load::first(&mut conn.prepare_cached(CARD)?, params![aid.as_str(), card], present)?;
    let Some(present) = found.filter(|card| card.created_at <= at) else {
        return Ok(None);
    };
    if present.deleted_at.is_some_and(|deleted| deleted <= at) {
        return Ok(None);
    }
    let mut standing = present.standing;
    if present.changed_at > at {
        rewind_money(conn, aid, card, at, &mut standing)?;
        rewind_status(conn, aid, card, at, &mut standing)?;
        if standing.activated_at.is_some_and(|activated| activated > at) {
            standing.activated_at = None;
            standing.currency = batch_currency(conn, aid, present.batch.as_deref())?;
        }
    }
    if standing.reserved > 0 {
        let mut lapsed = conn.prepare_cached(LAPSED)?;
        standing.reserved -= lapsed.query_row(params![aid.as_str(), card, at], |row| row.get::<_, i64>(0))?;
    }
    Ok(Some(standing))
}

/// Takes back what each row since has added or taken. What was locked is told by the last row before.
fn rewind_money(
    conn: &Connection,
    aid: Aid,
    card: &[u8],
    at: i64,
    standing: &mut Standing,
) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(ROWS)?;
    let mut rows = statement.query(params![aid.as_str(), card])?;
    standing.reserved = 0;
    while let Some(row) = rows.next()? {
        let mut row = Fields::new(row, "card_transaction");
        let (kind, amount) = (row.text()?, row.integer()?);
        let (balance, available, written) = (row.integer()?, row.integer()?, row.integer()?);
        if written <= at {
            standing.reserved = balance - available;
            break;
        }
        match kind {
            "fund" => standing.funds -= amount,
            "drawdown" => standing.drawdown -= amount,
            _ => {}
        }
    }
    Ok(())
}

fn rewind_status(
    conn: &Connection,
    aid: Aid,
    card: &[u8],
    at: i64,
    standing: &mut Standing,
) -> Result<(), Fault> {
    let mut statement = conn.prepare_cached(CHANGES)?;
    let mut changes = statement.query(params![aid.as_str(), card])?;
    standing.is_blocked = false;
    while let Some(row) = changes.next()? {
        let mut row = Fields::new(row, "status_change");
        let (changed, event, ends_before) = (row.integer()?, row.text()?, row.integer_or_none()?);
        match event {
            "blocked" if changed <= at => standing.is_blocked = true,
            "unblocked" if changed <= at => standing.is_blocked = false,
            "expires_at" if changed > at => {
                standing.expires_at = ends_before;
                // Later ones moved what this one had set. Only a block at or before the instant counts, and
                // none of those comes after it.
                break;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A card is activated in any currency; until then it shows the one its batch was made in.
fn batch_currency(conn: &Connection, aid: Aid, batch: Option<&[u8]>) -> Result<Currency, Fault> {
    let mut by_id = conn.prepare_cached(BATCH_CURRENCY)?;
    let code: Option<String> = by_id.query_row(params![aid.as_str(), batch], |row| row.get(0)).optional()?;
    let currency = code.and_then(|code| Currency::try_from(code.as_str()).ok());
    currency.ok_or_else(|| Fault::Damaged("batch.currency".to_owned()))
}
