//! What is owed now: from the rows of the cards, read side by side.

use std::thread;

use domain::{Aid, Currency, Timestamp};
use rusqlite::{Connection, params};

use crate::rows::{Columns, Fields};
use crate::sqlite::fault::Fault;
use crate::tally::{Standing, Tally};

/// Goes through the table as it lies: by an index each card would have to be looked up.
pub const SCAN: &str = "SELECT currency, funds, drawdown, reserved, expires_at, activated_at, \
    blocked_at IS NOT NULL FROM card NOT INDEXED WHERE aid = ?1 AND deleted_at IS NULL AND rowid > ?2 \
    AND rowid <= ?3";

/// Cards with locks that have run out, each with how much these hold.
pub const LAPSED: &str = "SELECT card.currency, card.funds, card.drawdown, card.reserved, card.expires_at, \
    card.activated_at, card.blocked_at IS NOT NULL, lapsed.held FROM \
    (SELECT card AS uuid, sum(remaining) AS held FROM card_lock WHERE aid = ?1 AND expires_at <= ?2 \
    GROUP BY card) AS lapsed CROSS JOIN card ON card.aid = ?1 AND card.uuid = lapsed.uuid \
    WHERE card.deleted_at IS NULL";

/// How many read side by side: what a machine has, within reason.
pub fn parts() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get().min(4))
}

/// What is owed at `now`. Each connection is within a read of its own, and all of them see the same.
pub fn now(conns: &mut [Connection], aid: Aid, now: Timestamp) -> Result<Tally, Fault> {
    let Some(first) = conns.first() else {
        return Ok(Tally::default());
    };
    let last: i64 = first.query_row("SELECT coalesce(max(rowid), 0) FROM card", [], |row| row.get(0))?;
    let count = i64::try_from(conns.len()).unwrap_or(1);
    let end = |part: i64| last / count * part + last % count * part / count;
    let mut tally = thread::scope(|threads| {
        let mut scans = Vec::new();
        for (part, conn) in (0..).zip(conns.iter_mut()) {
            let range = (end(part), end(part + 1));
            scans.push(threads.spawn(move || scan(conn, aid, now, range)));
        }
        scans.into_iter().try_fold(Tally::default(), |mut sum, scan| {
            let part = scan.join().map_err(|_| Fault::Damaged("card".to_owned()))?;
            sum.add(part?);
            Ok::<_, Fault>(sum)
        })
    })?;
    if let Some(first) = conns.first() {
        free_lapsed(first, aid, now, &mut tally)?;
    }
    Ok(tally)
}

fn scan(conn: &Connection, aid: Aid, now: Timestamp, (after, to): (i64, i64)) -> Result<Tally, Fault> {
    let mut statement = conn.prepare(SCAN)?;
    let mut rows = statement.query(params![aid.as_str(), after, to])?;
    let (mut tally, mut known) = (Tally::default(), Currency::NOK);
    while let Some(row) = rows.next()? {
        let card = standing(&mut Fields::new(row, "card"), known)?;
        known = card.currency;
        tally.put(&card, now.unix_ms());
    }
    Ok(tally)
}

/// A card's standing by the columns that begin with its currency, which is nearly always that of the one before.
fn standing(row: &mut Fields<'_>, known: Currency) -> Result<Standing, Fault> {
    Ok(Standing {
        currency: row
            .word(|code| if code == known.code() { Some(known) } else { Currency::try_from(code).ok() })?,
        funds: row.integer()?,
        drawdown: row.integer()?,
        reserved: row.integer()?,
        expires_at: row.integer_or_none()?,
        activated_at: row.integer_or_none()?,
        is_blocked: row.flag()?,
    })
}

/// What has lapsed is free, whether or not its row is written.
fn free_lapsed(conn: &Connection, aid: Aid, now: Timestamp, tally: &mut Tally) -> Result<(), Fault> {
    let mut lapsed = conn.prepare(LAPSED)?;
    let mut rows = lapsed.query(params![aid.as_str(), now.unix_ms()])?;
    while let Some(row) = rows.next()? {
        let (card, held) = lapsed_card(row)?;
        tally.free(card.bucket(now.unix_ms()), held);
    }
    Ok(())
}

fn lapsed_card(row: &dyn Columns) -> Result<(Standing, i64), Fault> {
    let mut row = Fields::new(row, "card");
    let card = standing(&mut row, Currency::NOK)?;
    Ok((card, row.integer()?))
}
