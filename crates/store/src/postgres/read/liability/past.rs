//! What was owed at an instant past: from the last day that was closed before it, and the cards that something
//! happened to since.

use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{Aid, Timestamp};
use tokio_postgres::types::Type;

use super::present::REPORT_MAX;
use super::{standing, sums};
use crate::Liability;
use crate::closings::end_of;
use crate::postgres::fault::Fault;
use crate::postgres::read::{Behind, TypedValues, closing, lasts_at_most, snapshot};
use crate::rows::Fields;
use crate::tally::Tally;

/// Cards that may stand elsewhere at the end of a window of time than before it: made in it, money moved, status
/// changed, their last day passed (the one they have, or one they had), or a lock ran out.
macro_rules! touched {
    () => {
        "SELECT uuid FROM card WHERE aid = $1 AND created_at > $2 AND created_at <= $3 \
         UNION SELECT card FROM card_transaction WHERE aid = $1 AND created_at > $2 AND created_at <= $3 \
         UNION SELECT card FROM status_change WHERE aid = $1 AND at > $2 AND at <= $3 \
         UNION SELECT uuid FROM card WHERE aid = $1 AND expires_at > $2 AND expires_at <= $3 \
         UNION SELECT card FROM status_change WHERE aid = $1 AND ends_before > $2 AND ends_before <= $3 \
         UNION SELECT card FROM card_lock WHERE aid = $1 AND expires_at > $2 AND expires_at <= $3"
    };
}

#[cfg(test)]
pub const TOUCHED: &str = touched!();

/// A card's row as it is, and what it was at the instant `moment.at`, where it has changed since:
///
/// - money: less what each later row has added or taken; what was locked is told by the last row before;
/// - a block by the last of its changes before, the last day by what the first change after it replaced;
/// - a card is activated in any currency; until then it shows the one its batch was made in.
macro_rules! rewound {
    () => {
        "SELECT card.uuid, \
         CASE WHEN card.activated_at > moment.at \
             THEN (SELECT batch.currency FROM batch WHERE batch.aid = $1 AND batch.id = card.batch) \
             ELSE card.currency END AS currency, \
         card.funds - coalesce(later.funded, 0) AS funds, card.drawdown - coalesce(later.drawn, 0) AS drawdown, \
         CASE WHEN card.changed_at <= moment.at THEN card.reserved ELSE coalesce(earlier.reserved, 0) END \
             AS reserved, \
         CASE WHEN moved.is_moved THEN moved.ends_before ELSE card.expires_at END AS expires_at, \
         CASE WHEN card.activated_at <= moment.at THEN card.activated_at END AS activated_at, \
         CASE WHEN card.changed_at <= moment.at THEN card.blocked_at ELSE block.blocked_at END AS blocked_at \
         FROM (SELECT uuid, batch, currency, funds, drawdown, reserved, expires_at, activated_at, blocked_at, \
             changed_at, created_at, deleted_at FROM card WHERE aid = $1 AND uuid = touched.uuid LIMIT 1) AS card \
         LEFT JOIN LATERAL (SELECT seq, balance - available AS reserved FROM card_transaction \
             WHERE aid = $1 AND card = card.uuid AND card.changed_at > moment.at AND created_at <= moment.at \
             ORDER BY seq DESC LIMIT 1) AS earlier ON TRUE \
         LEFT JOIN LATERAL (SELECT sum(amount) FILTER (WHERE type = 'fund') AS funded, \
             sum(amount) FILTER (WHERE type = 'drawdown') AS drawn FROM card_transaction \
             WHERE aid = $1 AND card = card.uuid AND card.changed_at > moment.at \
             AND seq > coalesce(earlier.seq, 0)) AS later ON TRUE \
         LEFT JOIN LATERAL (SELECT CASE WHEN event = 'blocked' THEN at END AS blocked_at FROM status_change \
             WHERE aid = $1 AND card = card.uuid AND card.changed_at > moment.at \
             AND event IN ('blocked', 'unblocked') AND at <= moment.at \
             ORDER BY place DESC LIMIT 1) AS block ON TRUE \
         LEFT JOIN LATERAL (SELECT TRUE AS is_moved, ends_before FROM status_change \
             WHERE aid = $1 AND card = card.uuid AND card.changed_at > moment.at \
             AND event = 'expires_at' AND at > moment.at ORDER BY place LIMIT 1) AS moved ON TRUE \
         WHERE card.created_at <= moment.at AND (card.deleted_at > moment.at) IS NOT FALSE"
    };
}

/// The cards that were touched, as they stood before the window and at its end, what had lapsed by then freed.
pub const WINDOW: &str = concat!(
    "WITH touched AS MATERIALIZED (",
    touched!(),
    ") SELECT is_before, currency, standing, count(*), sum(balance)::TEXT, sum(reserved - held)::TEXT FROM (\
     SELECT moment.is_before, card.currency, ",
    standing!("card", "moment.at"),
    ", card.funds - card.drawdown AS balance, card.reserved, CASE WHEN card.reserved <= 0 THEN 0 ELSE (\
     SELECT coalesce(sum(card_lock.remaining), 0) FROM card_lock WHERE card_lock.aid = $1 \
     AND card_lock.card = card.uuid AND +card_lock.expires_at <= moment.at) END AS held \
     FROM (VALUES ($2, TRUE), ($3, FALSE)) AS moment (at, is_before) CROSS JOIN touched CROSS JOIN LATERAL (",
    rewound!(),
    ") AS card) AS told GROUP BY is_before, currency, standing ORDER BY is_before DESC"
);

/// What was owed at `at`; none before the first day that was closed.
pub async fn at(client: &mut ClientWrapper, aid: Aid, at: Timestamp) -> Result<Option<Liability>, Fault> {
    let transaction = snapshot(client).await?;
    lasts_at_most(&transaction, REPORT_MAX).await?;
    let Some(day) = closing::last_before(&transaction, aid, at).await? else {
        return Ok(None);
    };
    let mut tally = Tally::of(&closing::rows(&transaction, aid, day).await?);
    window(&transaction, aid, &mut tally, Some(end_of(day)), at.unix_ms()).await?;
    transaction.commit().await?;
    Ok(Some(tally.into_liability(at)))
}

/// Moves sums on from one instant to a later one; from before anything was where there is no earlier one.
pub async fn window(
    transaction: &Transaction<'_>,
    aid: Aid,
    tally: &mut Tally,
    from: Option<i64>,
    to: i64,
) -> Result<(), Fault> {
    let from = from.unwrap_or(i64::MIN);
    // As they stood before comes first: all of it was counted.
    let values: TypedValues<'_> = &[(&aid.as_str(), Type::TEXT), (&from, Type::INT8), (&to, Type::INT8)];
    for row in transaction.query_typed(WINDOW, values).await? {
        let is_before = Fields::new(&row, "card").flag()?;
        let (bucket, cards) = sums(&Behind::column(&row, "is_before"))?;
        if is_before {
            tally.take_all(bucket, cards)?;
        } else {
            tally.put_all(bucket, cards);
        }
    }
    Ok(())
}
