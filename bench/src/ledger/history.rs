//! A year of sales on the filled database's cards.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, ensure};
use rusqlite::{Connection, params};

use super::pick::CardIds;
use crate::data;
use crate::floor::{Codes, FILLING};
use crate::machine;
use crate::server::ACCOUNT;

/// A `fund` row and drawdowns.
const ROWS_PER_CARD: usize = 4;
const ACTIVATED_WITH: i64 = 1_000_000_000;
const DRAWN: i64 = 100;
const YEAR_MS: i64 = 365 * 86_400_000;
const CARDS_PER_TRANSACTION: usize = 100_000;

const SELL: &str = "UPDATE card SET amount = ?2, funds = ?2, drawdown = ?3, activated_at = created_at, \
    activated_by = created_by, seq = ?4, changed_at = ?5 WHERE rowid = ?1 RETURNING uuid";

const INSERT: &str = "INSERT INTO card_transaction (aid, card, seq, id, ref_id, type, reason, amount, currency, \
    metadata, created_at, created_by, request, asked_operation, asked_amount, balance, available) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'NOK', '{}', ?9, (SELECT uuid FROM api_client), ?10, ?11, ?8, ?12, ?12)";

/// How many transactions so many cards have.
pub fn rows(ids: CardIds) -> usize {
    ids.count * ROWS_PER_CARD
}

/// A copy of a filled data directory whose cards were sold and drawn on; kept until the filled one changes.
pub fn with_history(filled: &Path, dir: &Path, cards: usize) -> Result<PathBuf> {
    let sold = dir.join(format!("filled-{cards}-sold"));
    // Written last, so that a filling that was cut short is done again.
    let mark = dir.join(format!("filled-{cards}-sold.schema"));
    let schema = fs::read_to_string(dir.join(format!("filled-{cards}.schema")))?;
    if fs::read_to_string(&mark).is_ok_and(|kept| kept == schema) {
        println!("using the sales of an earlier run");
        return Ok(sold);
    }
    println!("selling {cards} cards and drawing on them");
    let begun = Instant::now();
    data::remove(&sold)?;
    data::copy(filled, &sold)?;
    sell(&sold.join(data::DATABASE), cards)?;
    fs::write(&mark, schema)?;
    println!("sold in {:.0} s", begun.elapsed().as_secs_f64());
    Ok(sold)
}

/// One row of each card after the other, so that a card's rows lie as far apart as they do after a year.
fn sell(file: &Path, cards: usize) -> Result<()> {
    let conn = Connection::open(file)?;
    conn.execute_batch(FILLING)?;
    let now_ms = machine::now().as_millisecond();
    let cards_sold = sell_cards(&conn, cards, now_ms)?;
    ensure!(cards_sold.len() == cards, "{} cards of {cards}", cards_sold.len());
    let mut codes = Codes::new();
    for row in 0..ROWS_PER_CARD {
        for (portion, uuids) in cards_sold.chunks(CARDS_PER_TRANSACTION).enumerate() {
            let first = row * cards + portion * CARDS_PER_TRANSACTION;
            conn.execute_batch("BEGIN")?;
            enter(&conn, &mut codes, row, uuids, |place| {
                let share = i64::try_from(first + place).unwrap_or_default();
                let all = i64::try_from(cards * ROWS_PER_CARD).unwrap_or(i64::MAX);
                now_ms - YEAR_MS + YEAR_MS / all * share
            })?;
            conn.execute_batch("COMMIT")?;
        }
    }
    conn.execute_batch("PRAGMA locking_mode = normal; PRAGMA journal_mode = wal")?;
    conn.close().map_err(|(_, error)| error.into())
}

fn sell_cards(conn: &Connection, cards: usize, now_ms: i64) -> Result<Vec<Vec<u8>>> {
    let drawn = DRAWN * i64::try_from(ROWS_PER_CARD - 1)?;
    let mut sell = conn.prepare(SELL)?;
    conn.execute_batch("BEGIN")?;
    let sold = (1..=i64::try_from(cards)?)
        .map(|row| {
            sell.query_row(
                params![row, ACTIVATED_WITH, drawn, i64::try_from(ROWS_PER_CARD).unwrap_or_default(), now_ms],
                |row| row.get(0),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    conn.execute_batch("COMMIT")?;
    Ok(sold)
}

fn enter(
    conn: &Connection,
    codes: &mut Codes,
    row: usize,
    cards: &[Vec<u8>],
    at: impl Fn(usize) -> i64,
) -> Result<()> {
    let seq = i64::try_from(row)? + 1;
    let balance = ACTIVATED_WITH - DRAWN * i64::try_from(row)?;
    let (kind, reason, operation, amount) = match row {
        0 => ("fund", "activation", "activate_cards", ACTIVATED_WITH),
        _ => ("drawdown", "sale", "drawdown", DRAWN),
    };
    let mut insert = conn.prepare_cached(INSERT)?;
    for (place, card) in cards.iter().enumerate() {
        let unix_ms = at(place);
        let id_ms = u64::try_from(unix_ms)?;
        let (id, request) = (codes.id(id_ms), codes.id(id_ms));
        let ref_id = format!("old-{seq}");
        insert.execute(params![
            ACCOUNT,
            card,
            seq,
            id.as_bytes(),
            ref_id,
            kind,
            reason,
            amount,
            unix_ms,
            request.as_bytes(),
            operation,
            balance
        ])?;
    }
    Ok(())
}
